-- What still counts of each run: pages of releases would count it of all results of a subject otherwise.

create table run_standing (
    run bigint primary key references run (number),
    subject bigint not null references subject (number),
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    not_run bigint not null
);
create index run_standing_subject on run_standing (subject);
insert into run_standing (run, subject, passed, failed, errored, skipped, not_run)
select run, subject,
       sum(case outcome when 'passed' then 1 else 0 end),
       sum(case outcome when 'failed' then 1 else 0 end),
       sum(case outcome when 'errored' then 1 else 0 end),
       sum(case outcome when 'skipped' then 1 else 0 end),
       sum(case outcome when 'not-run' then 1 else 0 end)
from latest_result group by run, subject;

-- What a page reads of each case of a subject, in one piece.
drop index case_standing_subject;
create index case_standing_subject
    on case_standing (subject, test_case, passed, failed, errored, skipped, not_run, places);

-- The runs with a kernel, and those of a suite or of a machine, whichever began when.
drop index run_kernel;
create index run_kernel on run (kernel, subject, lane);
create index run_suite on run (suite, lane, started_at);
