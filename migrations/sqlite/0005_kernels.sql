-- Kernels as components of their own: what they are made of, what came out of them, what people
-- uploaded for them, and what machines booted.

create table kernel (
    id text primary key,
    name text not null,
    flavor text not null,
    -- Counts the changes of the definition, from 1.
    revision bigint not null,
    -- What it is made of: canonical JSON.
    definition text not null,
    -- Name of the kernel whose configuration its own starts from; null where it starts otherwise.
    base text,
    created_at bigint not null,
    -- The names by which these people went then.
    created_by text not null,
    changed_at bigint not null,
    changed_by text not null,
    -- When it was removed; jobs and audit rows go on naming it.
    deleted_at bigint
);
create unique index kernel_name on kernel (name) where deleted_at is null;
create index kernel_base on kernel (base);

-- The kernel that a job makes; null where it is about something else.
alter table job add column kernel_id text references kernel (id);
create index job_kernel on job (kernel_id);
drop view job_with_release;
create view job_with_release as
select j.id, j.kind, j.release_id, r.target, r.number, r.released_name, j.state, j.priority,
       j.created_at, j.created_by, j.started_at, j.ended_at, j.cancel_requested_at, j.outcome,
       j.attempts, j.log_digest, j.kernel_id, k.name as kernel_name
from job j
left join release r on r.id = j.release_id
left join kernel k on k.id = j.kernel_id;

-- Each making of a kernel, or of its configuration alone.
create table kernel_build (
    kernel_id text not null references kernel (id),
    -- Counts from 1 within the kernel.
    number bigint not null,
    -- configure, development or release.
    mode text not null,
    -- When and by whom it was asked for, and how it ended, stands with the job.
    job_id text not null references job (id),
    -- The definition as it was then, and its revision.
    revision bigint not null,
    definition text not null,
    -- What became of the configuration, as JSON, and its blob; null until it is known.
    report text,
    config_digest text,
    -- What came out: canonical JSON, and its digest; null until it is complete.
    record text,
    record_digest text,
    -- When its files were removed.
    files_removed_at bigint,
    primary key (kernel_id, number)
);
create index kernel_build_job on kernel_build (job_id);

-- The files of the records, once per build, to find who else has the same bytes.
create table kernel_file (
    kernel_id text not null references kernel (id),
    number bigint not null,
    name text not null,
    -- package, image, config or system-map.
    role text not null,
    sha256 text not null,
    primary key (kernel_id, number, name)
);
create index kernel_file_sha256 on kernel_file (sha256);
create index lock_package_sha256 on lock_package (sha256);

-- Kernels with their newest builds, as lists show them.
create view kernel_with_newest as
select k.id, k.name, k.flavor, k.revision, k.definition, k.created_at, k.created_by, k.changed_at,
       k.changed_by, b.number as newest_number, b.mode as newest_mode, j.state as newest_state
from kernel k
left join kernel_build b
  on b.kernel_id = k.id
 and b.number = (select max(n.number) from kernel_build n where n.kernel_id = k.id)
left join job j on j.id = b.job_id
where k.deleted_at is null;

-- Builds of kernels that were not removed, with how their jobs stand.
create view kernel_build_with_job as
select b.kernel_id, k.name as kernel_name, b.number, b.mode, b.job_id, b.revision, b.definition,
       b.report, b.config_digest, b.record, b.record_digest, b.files_removed_at,
       j.state, j.created_at, j.created_by, j.started_at, j.ended_at
from kernel_build b
join kernel k on k.id = b.kernel_id
join job j on j.id = b.job_id
where k.deleted_at is null;

-- What each boot entry of a manifest starts: kernels and hypervisors by their bytes.
create table entry_kernel (
    manifest_digest text not null,
    -- Label of the entry.
    entry text not null,
    sha256 text not null,
    primary key (manifest_digest, entry, sha256)
);
create index entry_kernel_sha256 on entry_kernel (sha256);

insert into entry_kernel (manifest_digest, entry, sha256)
select distinct r.manifest_digest, json_extract(e.value, '$.label'),
       json_extract(c.value, '$.sha256')
from release r
join json_each(r.manifest, '$.entries') e
join json_each(r.manifest, '$.kernels') k
  on json_extract(k.value, '$.alias') in (json_extract(e.value, '$.kernel'),
                                          json_extract(e.value, '$.hypervisor'))
join json_each(r.manifest, '$.components') c
  on json_extract(c.value, '$.name') = json_extract(k.value, '$.image')
where r.manifest is not null;

-- What people uploaded for kernels and imports.
create table upload (
    -- SHA-256 of the bytes, and what they were called there.
    sha256 text not null,
    name text not null,
    size bigint not null,
    uploaded_at bigint not null,
    -- The name by which that person went then.
    uploaded_by text not null,
    -- When a definition named it last; null before the first.
    named_at bigint,
    primary key (sha256, name)
);
