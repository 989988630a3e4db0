-- What pages of results ask for again and again, in the order in which they ask.

-- How the results of a subject divide over the runs that decide.
create index latest_result_run on latest_result (subject, run, outcome);

-- The machines and boot entries where a case counts, in order, each with the first letter of its outcome:
-- where two subjects have the same text, nothing of the case differs between them.
alter table case_standing add column places text not null default '';
update case_standing set places = (
    select string_agg(l.lane || substr(l.outcome, 1, 1), '' order by l.lane) from latest_result l
    where l.test_case = case_standing.test_case and l.subject = case_standing.subject
);
