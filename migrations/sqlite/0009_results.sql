-- Results from anywhere, kept for years: what they are about, where they ran, and for each case what
-- counts now. A million results and more are expected, so what they name has a number for a key.

-- What results are about: a release, what was built of a variant, or a release that was made elsewhere
-- and is known by its name alone.
create table subject (
    number integer primary key autoincrement,
    -- release, variant or recorded.
    kind text not null,
    -- The release; of a variant, its base; null for one that was made elsewhere.
    release_id text references release (id),
    variant_id text references variant (id),
    -- The manifest that was judged; null for one that was made elsewhere.
    manifest_digest text unique,
    -- The name of one that was made elsewhere.
    name text unique,
    -- Where it stands in a history.
    created_at bigint not null,
    -- What counts of all its cases on all lanes, counted.
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    not_run bigint not null,
    -- Grows with each run that is added or taken away: what was computed of it before is stale.
    revision bigint not null
);
create index subject_release on subject (release_id);
create index subject_variant on subject (variant_id);
create index subject_created on subject (created_at);

-- A machine and a boot entry: results of different releases are compared on the same one.
create table lane (
    number integer primary key autoincrement,
    machine text not null,
    -- Label of the boot entry; empty where nobody said.
    entry text not null,
    unique (machine, entry)
);

create table suite (
    number integer primary key autoincrement,
    name text not null unique
);

create table test_case (
    number integer primary key autoincrement,
    -- What it is known by in all runs, such as smoke.kernel or XEN1.2.
    case_id text not null unique,
    -- How the newest run describes it.
    title text not null
);

-- How runs described a case: once for each way.
create table case_description (
    number integer primary key autoincrement,
    test_case bigint not null references test_case (number),
    title text not null,
    -- The suites around it within its file, and its tags: JSON.
    suites text not null,
    tags text not null,
    unique (test_case, title, suites, tags)
);

-- Tags that cases have ever had.
create table case_tag (
    tag text not null,
    test_case bigint not null references test_case (number),
    primary key (tag, test_case)
);

-- The suites in which cases have ever been run.
create table case_suite (
    suite bigint not null references suite (number),
    test_case bigint not null references test_case (number),
    primary key (suite, test_case)
);

-- Files of results that came in.
create table result_file (
    id text primary key,
    sha256 text not null,
    -- Which column of a table with one for each board; empty for any other file.
    board text not null,
    name text not null,
    size bigint not null,
    -- What whoever sent it said of it: canonical JSON.
    said text not null,
    -- token or upload.
    source text not null,
    received_at bigint not null,
    received_by text not null,
    -- When all of it was in rows; null before.
    read_at bigint,
    -- When the bytes were removed; the rows stay.
    removed_at bigint,
    unique (sha256, board)
);
create index result_file_read on result_file (read_at);

-- One execution of a suite on a machine, and what came of it.
create table run_anew (
    number integer primary key autoincrement,
    id text not null unique,
    -- Null while nobody has said what it is about.
    subject bigint references subject (number),
    lane bigint not null references lane (number),
    suite bigint not null references suite (number),
    -- runner, token, upload or manual.
    source text not null,
    validation_id text references validation (id),
    -- What a gate asks for: only the runner, and tokens of one plan and machine, give it.
    manifest_digest text,
    plan text,
    plan_revision bigint,
    -- The file that it was read from.
    file_id text references result_file (id),
    -- What the machine was: accelerator, memory, emulator version.
    machine_details text not null,
    -- Which kernel it ran; empty where nobody knows.
    kernel text not null,
    -- The program that wrote the results, as it names itself.
    generator text not null,
    started_at bigint not null,
    -- Null while it runs, or its file is being read; only what has ended decides.
    ended_at bigint,
    outcome text,
    -- Whose problem it is, where it did not pass.
    failure text,
    -- Why it ended so, in one sentence.
    message text not null,
    -- Why its file was not whole.
    incomplete text,
    -- What else should be known about reading its file, where its own totals are others: JSON.
    remarks text not null,
    -- Blob of the console log.
    console_digest text,
    -- JSON of the observed boot stages.
    stages text not null,
    -- The name by which whoever recorded it went then.
    recorded_by text not null,
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    not_run bigint not null
);

-- One case's outcome in one run.
create table result (
    number integer primary key autoincrement,
    run bigint not null references run_anew (number),
    -- Counts from 0 within the run.
    position bigint not null,
    -- When the run began.
    at bigint not null,
    test_case bigint not null references test_case (number),
    description bigint not null references case_description (number),
    outcome text not null,
    started_at bigint,
    duration_us bigint,
    -- What was seen.
    message text not null,
    -- Of a failure: digest of its message without what differs each time.
    signature text,
    -- Attempts before the one that decided, and how many of them failed.
    retries bigint not null,
    failed_retries bigint not null,
    unique (run, position)
);

-- What few results have.
create table result_detail (
    result bigint primary key references result (number),
    -- The log around the first error.
    excerpt text not null,
    -- JSON.
    measurements text not null,
    earlier text not null
);

-- What a run left behind, and the pictures that people add: blobs by their digest.
create table run_artefact (
    run bigint not null references run_anew (number),
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 text not null,
    primary key (run, name)
);

-- Of each case, subject and lane the result that counts: the newest.
create table latest_result (
    test_case bigint not null references test_case (number),
    subject bigint not null references subject (number),
    lane bigint not null references lane (number),
    result bigint not null,
    run bigint not null,
    outcome text not null,
    ended_at bigint not null,
    primary key (test_case, subject, lane)
) without rowid;

-- Of each case and subject, how the lanes stand.
create table case_standing (
    test_case bigint not null references test_case (number),
    subject bigint not null references subject (number),
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    not_run bigint not null,
    primary key (test_case, subject)
) without rowid;

-- What was there before: runs of plan "smoke".
insert into subject (kind, release_id, variant_id, manifest_digest, created_at, passed, failed,
                     errored, skipped, not_run, revision)
select case when min(case when v.variant_id is null then 0 else 1 end) = 0
            then 'release' else 'variant' end,
       min(v.release_id),
       case when min(case when v.variant_id is null then 0 else 1 end) = 0
            then null else min(v.variant_id) end,
       v.manifest_digest, min(v.created_at), 0, 0, 0, 0, 0, 1
from validation v
group by v.manifest_digest
order by min(v.created_at);
update subject
set created_at = (select r.created_at from release r where r.id = subject.release_id)
where kind = 'release';
insert into lane (machine, entry) select distinct machine, entry from run;
insert into suite (name) select distinct plan from run;
insert into test_case (case_id, title) select case_id, max(title) from case_result group by case_id;
insert into case_description (test_case, title, suites, tags)
select distinct t.number, c.title, '[]', '[]'
from case_result c join test_case t on t.case_id = c.case_id;

insert into run_anew (id, subject, lane, suite, source, validation_id, manifest_digest, plan,
                      plan_revision, machine_details, kernel, generator, started_at, ended_at, outcome,
                      failure, message, remarks, console_digest, stages, recorded_by, passed, failed,
                      errored, skipped, not_run)
select r.id, s.number, l.number, u.number, 'runner', r.validation_id, r.manifest_digest, r.plan,
       r.plan_revision, r.machine_details, '', '', r.started_at, r.ended_at, r.outcome, r.failure,
       r.message, '[]', r.console_digest, r.stages, 'runner',
       (select count(*) from case_result c where c.run_id = r.id and c.outcome = 'passed'),
       (select count(*) from case_result c where c.run_id = r.id and c.outcome = 'failed'),
       (select count(*) from case_result c where c.run_id = r.id and c.outcome = 'errored'),
       (select count(*) from case_result c where c.run_id = r.id and c.outcome = 'skipped'),
       (select count(*) from case_result c where c.run_id = r.id and c.outcome = 'not-run')
from run r
join subject s on s.manifest_digest = r.manifest_digest
join lane l on l.machine = r.machine and l.entry = r.entry
join suite u on u.name = r.plan
order by r.started_at, r.id;
insert into result (run, position, at, test_case, description, outcome, duration_us, message, retries,
                    failed_retries)
select n.number, c.position, n.started_at, t.number, d.number, c.outcome, c.duration_us, c.message, 0, 0
from case_result c
join run_anew n on n.id = c.run_id
join test_case t on t.case_id = c.case_id
join case_description d on d.test_case = t.number and d.title = c.title
order by c.id;
insert into case_suite (suite, test_case)
select distinct n.suite, r.test_case from result r join run_anew n on n.number = r.run;

drop table case_result;
drop table run;
alter table run_anew rename to run;
create index run_validation on run (validation_id);
create index run_deciding on run (manifest_digest, plan, plan_revision, lane, ended_at);
create index run_subject on run (subject, started_at);
create index run_started on run (started_at, id);
create index run_file on run (file_id);
create index result_case on result (test_case, at, number);
create index result_run_case on result (run, test_case, outcome);
create index run_kernel on run (kernel);
create index latest_result_subject on latest_result (subject, outcome, test_case, lane);
create index case_standing_subject on case_standing (subject, test_case);

insert into latest_result (test_case, subject, lane, result, run, outcome, ended_at)
select test_case, subject, lane, number, run, outcome, ended_at from (
    select r.test_case, n.subject, n.lane, r.number, r.run, r.outcome, n.ended_at,
           row_number() over (partition by r.test_case, n.subject, n.lane
                              order by n.ended_at desc, r.number desc) as place
    from result r join run n on n.number = r.run
    where n.ended_at is not null
) ranked
where place = 1;
insert into case_standing (test_case, subject, passed, failed, errored, skipped, not_run)
select test_case, subject,
       sum(case outcome when 'passed' then 1 else 0 end),
       sum(case outcome when 'failed' then 1 else 0 end),
       sum(case outcome when 'errored' then 1 else 0 end),
       sum(case outcome when 'skipped' then 1 else 0 end),
       sum(case outcome when 'not-run' then 1 else 0 end)
from latest_result group by test_case, subject;
update subject
set passed = (select coalesce(sum(s.passed), 0) from case_standing s where s.subject = subject.number),
    failed = (select coalesce(sum(s.failed), 0) from case_standing s where s.subject = subject.number),
    errored = (select coalesce(sum(s.errored), 0) from case_standing s where s.subject = subject.number),
    skipped = (select coalesce(sum(s.skipped), 0) from case_standing s where s.subject = subject.number),
    not_run = (select coalesce(sum(s.not_run), 0) from case_standing s where s.subject = subject.number);

-- Runs with the names that pages show.
create view run_with_names as
select r.number, r.id, r.subject, s.kind as subject_kind, s.release_id, s.variant_id, s.name as subject_name,
       s.manifest_digest as subject_digest, e.target, e.number as candidate, e.released_name,
       v.name as variant_name, l.machine, l.entry, u.name as suite, r.source, r.validation_id,
       r.manifest_digest, r.plan, r.plan_revision, r.file_id, r.machine_details, r.kernel, r.generator,
       r.started_at, r.ended_at, r.outcome, r.failure, r.message, r.incomplete, r.remarks,
       r.console_digest, r.stages, r.recorded_by, r.passed, r.failed, r.errored, r.skipped, r.not_run
from run r
join lane l on l.number = r.lane
join suite u on u.number = r.suite
left join subject s on s.number = r.subject
left join release e on e.id = s.release_id
left join variant v on v.id = s.variant_id;

-- Subjects with the names that pages show.
create view subject_with_names as
select s.number, s.kind as subject_kind, s.release_id, s.variant_id, s.name as subject_name,
       s.manifest_digest as subject_digest, e.target, e.number as candidate, e.released_name,
       v.name as variant_name, s.created_at, s.passed, s.failed, s.errored, s.skipped, s.not_run,
       s.revision
from subject s
left join release e on e.id = s.release_id
left join variant v on v.id = s.variant_id;
