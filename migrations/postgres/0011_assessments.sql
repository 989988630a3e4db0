-- What people say about failures, kept beside what runs said.

-- Failures of the time before signatures: each case of these is one failure.
update result set signature = '' where signature is null and outcome in ('failed', 'errored');

-- A failure that somebody has assessed: all results of a case that say the same, in whatever release.
create table failure (
    number bigint generated always as identity primary key,
    test_case bigint not null references test_case (number),
    -- The signature of its results; of what said nothing, where it is missing (skipped/qemu/boot).
    mark text not null,
    -- How often it was assessed, and the assessment that counts.
    revision bigint not null,
    newest bigint not null,
    unique (test_case, mark)
);

-- All that was said of a failure, whole in each row. Rows are never changed: the newest counts.
create table assessment (
    number bigint generated always as identity primary key,
    failure bigint not null references failure (number),
    -- Counts from 1 within the failure.
    revision bigint not null,
    -- An address or a key; empty where there is none.
    issue text not null,
    -- product, test, lab or configuration.
    blame text,
    comment text not null,
    -- The waiver, where there is one; all of these are null otherwise.
    waiver_reason text,
    waiver_person text references person (id),
    waiver_by text,
    waiver_at bigint,
    waiver_until bigint,
    made_at bigint not null,
    -- The name by which whoever made it went then.
    made_by text not null,
    -- What was looked at: the run, where one had ended, and what it was about.
    run bigint references run (number),
    subject bigint references subject (number),
    unique (failure, revision)
);

-- Assessments with the names that pages show.
create view assessment_with_names as
select a.number as assessment, a.failure, a.revision, a.issue, a.blame, a.comment, a.waiver_reason,
       a.waiver_person, a.waiver_by, a.waiver_at, a.waiver_until, a.made_at, a.made_by,
       r.id as made_on_run, s.subject_kind, s.release_id, s.variant_id, s.subject_name,
       s.subject_digest, s.target, s.candidate, s.released_name, s.variant_name
from assessment a
left join run r on r.number = a.run
left join subject_with_names s on s.number = a.subject;
