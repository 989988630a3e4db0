-- Room on the disk: jobs that are about no release, what stays, for how long, and what has gone.

-- A collection of garbage is about no release. SQLite cannot take a constraint off a
-- column: it is made anew, and what names it with it.
drop view job_with_release;
drop index job_release;
alter table job add column about text references release (id);
update job set about = release_id;
alter table job drop column release_id;
alter table job rename column about to release_id;
create index job_release on job (release_id);
create view job_with_release as
select j.id, j.kind, j.release_id, r.target, r.number, r.released_name, j.state, j.priority,
       j.created_at, j.created_by, j.started_at, j.ended_at, j.cancel_requested_at, j.outcome,
       j.attempts, j.log_digest
from job j
left join release r on r.id = j.release_id;

-- When a candidate was withdrawn, and when its files were removed.
alter table release add column withdrawn_at bigint;
alter table release add column removed_at bigint;

-- Releases that must stay.
create table release_pin (
    release_id text primary key references release (id),
    -- The name by which the person went then.
    pinned_by text not null,
    pinned_at bigint not null,
    reason text not null
);

-- What administrators set.
create table setting (
    name text primary key,
    -- Canonical JSON.
    value text not null
);
