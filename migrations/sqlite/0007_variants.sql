-- Variants: releases with something changed, for development.

create table variant (
    id text primary key,
    name text not null,
    description text not null,
    -- Whose it is, and the name by which that person goes.
    owner_id text not null references person (id),
    owner text not null,
    -- Counts the changes of the definition, from 1.
    revision bigint not null,
    -- What it changes: canonical JSON.
    definition text not null,
    created_at bigint not null,
    changed_at bigint not null,
    -- When machines get it no more.
    expires_at bigint not null,
    -- When it was removed; jobs and audit rows go on naming it.
    deleted_at bigint
);
create unique index variant_name on variant (name) where deleted_at is null;

-- The variant that a job makes; null where it is about something else.
alter table job add column variant_id text references variant (id);
create index job_variant on job (variant_id);
drop view job_with_release;
create view job_with_release as
select j.id, j.kind, j.release_id, r.target, r.number, r.released_name, j.state, j.priority,
       j.created_at, j.created_by, j.started_at, j.ended_at, j.cancel_requested_at, j.outcome,
       j.attempts, j.log_digest, j.kernel_id, k.name as kernel_name, j.variant_id,
       v.name as variant_name
from job j
left join release r on r.id = j.release_id
left join kernel k on k.id = j.kernel_id
left join variant v on v.id = j.variant_id;

-- Each making of a variant.
create table variant_build (
    variant_id text not null references variant (id),
    -- Counts from 1 within the variant.
    number bigint not null,
    -- When and by whom it was asked for, and how it ended, stands with the job.
    job_id text not null references job (id),
    -- The definition as it was then, and its revision.
    revision bigint not null,
    definition text not null,
    -- The release that it changes, the name by which that went, and its manifest.
    base_id text not null references release (id),
    base text not null,
    base_manifest text not null,
    -- What the packages resolved to, as JSON; null until it is known.
    lock text,
    -- What came out: canonical JSON, and its digest; null until it is complete.
    manifest text,
    manifest_digest text,
    -- When its files were removed.
    files_removed_at bigint,
    primary key (variant_id, number)
);
create index variant_build_job on variant_build (job_id);
create index variant_build_manifest on variant_build (manifest_digest);

-- Variants with their newest builds, as lists show them.
create view variant_with_newest as
select v.id, v.name, v.description, v.owner_id, v.owner, v.revision, v.definition, v.created_at,
       v.changed_at, v.expires_at, b.number as newest_number, j.state as newest_state
from variant v
left join variant_build b
  on b.variant_id = v.id
 and b.number = (select max(n.number) from variant_build n where n.variant_id = v.id)
left join job j on j.id = b.job_id
where v.deleted_at is null;

-- Builds of variants that were not removed, with how their jobs stand.
create view variant_build_with_job as
select b.variant_id, v.name as variant_name, b.number, b.job_id, b.revision, b.definition,
       b.base_id, b.base, b.base_manifest, b.lock, b.manifest, b.manifest_digest,
       b.files_removed_at, v.expires_at, j.state, j.created_at, j.created_by, j.started_at,
       j.ended_at
from variant_build b
join variant v on v.id = b.variant_id
join job j on j.id = b.job_id
where v.deleted_at is null;

-- The variant that a validation judges; its release is the base then.
alter table validation add column variant_id text references variant (id);
create index validation_variant on validation (variant_id);
drop view validation_with_state;
create view validation_with_state as
select v.id, v.job_id, v.release_id, v.manifest_digest, v.plan, v.plan_revision, v.created_at,
       v.created_by, j.state, v.variant_id, d.name as variant_name
from validation v
join job j on j.id = v.job_id
left join variant d on d.id = v.variant_id;
