-- The first form of the store. Times are microseconds since 1970-01-01 UTC. Ids are time-ordered
-- text (UUIDv7). No column is a boolean: a nullable time says more. Forward only.

-- One row: where the one gapless sequence stands, and the hash of its last audit row.
create table head (
    -- Always 1: there is one row.
    id bigint primary key check (id = 1),
    -- Number of the last change.
    sequence bigint not null,
    -- Hash of that change's audit row; a log that was cut short does not end in it.
    hash text not null
);
insert into head (id, sequence, hash) values (1, 0, '');

-- Every change, chained by hash. Append-only: the triggers below refuse anything else.
create table audit (
    sequence bigint primary key,
    at bigint not null,
    -- The name by which the actor went then.
    actor text not null,
    -- The person's id; null for the program itself.
    actor_id text,
    -- Where the request came from; null for the program itself and its command line.
    address text,
    -- Ties the row to log lines and error pages of one request.
    request text not null,
    -- What was done, to what kind of thing, to which one.
    action text not null,
    subject_kind text not null,
    subject text not null,
    -- Canonical JSON.
    details text not null,
    -- SHA-256 over canonical JSON of number, entry and the hash before.
    previous_hash text not null,
    hash text not null
);
create index audit_subject on audit (subject_kind, subject, sequence);
create index audit_actor on audit (actor, sequence);

create table person (
    id text primary key,
    -- As the person writes it.
    name text not null,
    -- Two people must not differ by case alone.
    name_folded text not null unique,
    role text not null,
    -- argon2id in PHC form; null until the person has set a password.
    password_hash text,
    created_at bigint not null,
    -- Since when the person may not sign in; people are never removed, the audit log names them.
    disabled_at bigint,
    -- Changes with role, password and standing, and so ends sessions.
    credentials_version bigint not null
);

-- One-time links. Only the digest of the token is kept.
create table link (
    token_digest text primary key,
    -- first-administrator or set-password: a link is good for one thing.
    purpose text not null,
    -- Whose password; null for the first administrator, who is nobody yet.
    person_id text references person (id),
    expires_at bigint not null,
    -- When it was used, or a newer one was given: it works once.
    spent_at bigint
);

-- Sign-ins that failed within the last day, to slow down whoever guesses.
create table failed_sign_in (
    id text primary key,
    -- The name that was tried, and the address it was tried from (empty where none is known).
    name_folded text not null,
    address text not null,
    at bigint not null
);
create index failed_sign_in_at on failed_sign_in (at);

-- Sessions of browsers.
create table session (
    -- Digest of the id that the cookie carries.
    id text primary key,
    -- What the session holds, as the server writes it.
    data text not null,
    -- Who has signed in, so that all sessions of a person can end; null before.
    person_id text,
    expires_at bigint not null
);
create index session_person on session (person_id);
create index session_expiry on session (expires_at);

create table recipe (
    id text primary key,
    name text not null unique
);

-- Every saved change of a recipe, in full.
create table recipe_revision (
    recipe_id text not null references recipe (id),
    -- Counts from 1; the key refuses a second save of one base.
    number bigint not null,
    -- SHA-256 of the text.
    digest text not null,
    text text not null,
    -- What changed and why, by its author.
    message text not null,
    author_id text not null references person (id),
    -- The name by which the author went then.
    author text not null,
    saved_at bigint not null,
    primary key (recipe_id, number)
);

-- What revisions resolved to.
create table lock (
    -- SHA-256 of the canonical JSON below.
    digest text primary key,
    json text not null,
    created_at bigint not null
);

-- The packages of a lock, once per lock, for search and comparison.
create table lock_package (
    lock_digest text not null references lock (digest),
    -- rootfs, kernel or initrd: which step uses it.
    part text not null,
    name text not null,
    architecture text not null,
    version text not null,
    size bigint not null,
    sha256 text not null,
    primary key (lock_digest, part, name, architecture)
);
create index lock_package_name on lock_package (name);

-- Releases, from the build that was asked for; failed ones too.
create table release (
    id text primary key,
    -- v1.2.0, and the number of the candidate for it.
    target text not null,
    number bigint not null,
    stage text not null,
    -- What it is built from.
    recipe_id text not null references recipe (id),
    revision bigint not null,
    -- The job that builds it; made after it, so not a reference.
    job_id text not null,
    -- Its identity, and what that is the digest of (canonical JSON); null until it is complete.
    manifest_digest text,
    manifest text,
    -- Blob of the signature in minisign form.
    signature_digest text,
    -- Null until it is resolved.
    lock_digest text references lock (digest),
    -- The candidate whose manifest this build came to as well.
    identical_to text,
    created_at bigint not null,
    -- The name by which that person went then.
    created_by text not null,
    built_at bigint,
    released_at bigint,
    -- The target version once released: unique, so that a name is given once.
    released_name text unique,
    unique (target, number)
);
create index release_manifest on release (manifest_digest);
-- What machines may boot is one release per manifest: who comes to the same bytes is identical.
create unique index release_identity on release (manifest_digest)
    where stage in ('candidate', 'released');

-- Background work. Workers take it under a lease and must say again and again that they live.
create table job (
    id text primary key,
    kind text not null,
    -- The release that it is about.
    release_id text not null references release (id),
    state text not null,
    -- Higher is taken first.
    priority bigint not null,
    -- Canonical JSON of what was asked for.
    parameters text not null,
    created_at bigint not null,
    created_by text not null,
    -- When a worker first took it.
    started_at bigint,
    ended_at bigint,
    -- Since when a person wants it stopped.
    cancel_requested_at bigint,
    -- How it ended, in one sentence.
    outcome text,
    -- How often a worker took it; above 1 where one was interrupted.
    attempts bigint not null,
    -- Who runs it, and until when without being heard of; null while nobody does.
    worker text,
    lease_expires_at bigint,
    -- Blob of the whole log, once it has ended.
    log_digest text
);
create index job_state on job (state, priority, created_at);
create index job_release on job (release_id);
create index job_created on job (created_at);

create table job_step (
    job_id text not null references job (id),
    -- Counts from 0 within the job.
    position bigint not null,
    name text not null,
    state text not null,
    -- Digest of the step's inputs, once they are known.
    key_digest text,
    started_at bigint,
    ended_at bigint,
    -- Thousandths, where the step can tell.
    progress bigint,
    -- Why it failed, or what it found.
    message text,
    primary key (job_id, position)
);

-- Jobs that run a plan against one manifest.
create table validation (
    id text primary key,
    job_id text not null references job (id),
    release_id text not null references release (id),
    manifest_digest text not null,
    plan text not null,
    -- Plans change; what was asked then is judged by what the plan was then.
    plan_revision bigint not null,
    created_at bigint not null,
    created_by text not null
);
create index validation_release on validation (release_id);
create index validation_job on validation (job_id);

-- One boot of one entry on one machine, and what came of it.
create table run (
    id text primary key,
    validation_id text not null references validation (id),
    -- Those of the validation, so that what decides is found by one index.
    manifest_digest text not null,
    plan text not null,
    plan_revision bigint not null,
    -- Label of the boot entry.
    entry text not null,
    machine text not null,
    -- What the machine was: accelerator, memory, emulator version.
    machine_details text not null,
    started_at bigint not null,
    -- Null while it runs; only what has ended decides.
    ended_at bigint,
    outcome text,
    -- Whose problem it is, where it did not pass.
    failure text,
    -- Why it ended so, in one sentence.
    message text not null,
    -- Blob of the console log.
    console_digest text,
    -- JSON of the observed boot stages.
    stages text not null
);
create index run_validation on run (validation_id);
create index run_deciding on run (manifest_digest, plan, plan_revision, entry, machine, ended_at);

-- A million rows are expected, so the key is an integer.
create table case_result (
    id bigint generated always as identity primary key,
    run_id text not null references run (id),
    -- Counts from 0 within the run.
    position bigint not null,
    -- Stable id, such as smoke.kernel, and what it checks.
    case_id text not null,
    title text not null,
    outcome text not null,
    duration_us bigint not null,
    -- What was seen.
    message text not null,
    unique (run_id, position)
);
create index case_result_case on case_result (case_id);

-- Where machines boot from: one pointer each.
create table environment (
    name text primary key,
    -- What it points at, since when; null before the first deployment.
    release_id text references release (id),
    since bigint,
    -- What it demands: canonical JSON.
    policy text not null
);

-- Requests to move a pointer, and what became of them.
create table deployment (
    id text primary key,
    environment text not null references environment (name),
    release_id text not null references release (id),
    -- What the pointer was when it was asked for, and then when it was executed.
    from_release_id text references release (id),
    -- When it goes back to what the environment served before: the time of the request.
    rollback_at bigint,
    state text not null,
    reason text not null,
    requester_id text not null references person (id),
    requester text not null,
    requested_at bigint not null,
    -- What it was asked for on; where either is another now, the request has lapsed.
    manifest_digest text not null,
    evidence_digest text not null,
    -- When, by whom and how it ended.
    ended_at bigint,
    ended_by text,
    outcome text
);
create index deployment_environment on deployment (environment, requested_at);
create index deployment_release on deployment (release_id);

-- What people said about a request: each once.
create table approval (
    deployment_id text not null references deployment (id),
    approver_id text not null references person (id),
    -- The name by which that person went then.
    approver text not null,
    -- approved or refused.
    verdict text not null,
    comment text not null,
    at bigint not null,
    -- What it was said on.
    manifest_digest text not null,
    evidence_digest text not null,
    primary key (deployment_id, approver_id)
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end;
$$;
create trigger audit_no_change before update or delete on audit
for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit
for each statement execute function audit_is_append_only();

-- Deployments with the names of their releases, as lists show them.
create view deployment_with_names as
select d.id, d.environment, d.release_id, d.from_release_id, d.rollback_at, d.state, d.reason,
       d.requester_id, d.requester, d.requested_at, d.manifest_digest, d.evidence_digest,
       d.ended_at, d.ended_by, d.outcome,
       r.target, r.number, r.released_name,
       f.target as from_target, f.number as from_number, f.released_name as from_released
from deployment d
join release r on r.id = d.release_id
left join release f on f.id = d.from_release_id;

-- Releases with the names of their recipes, without their manifests, as lists show them.
create view release_with_recipe as
select r.id, r.target, r.number, r.stage, r.recipe_id, recipe.name as recipe_name, r.revision,
       r.job_id, r.manifest_digest, r.lock_digest, r.identical_to, r.created_at, r.created_by,
       r.built_at, r.released_at, r.released_name
from release r
join recipe on recipe.id = r.recipe_id;

-- Jobs with the names of their releases, as lists show them.
create view job_with_release as
select j.id, j.kind, j.release_id, r.target, r.number, r.released_name, j.state, j.priority,
       j.created_at, j.created_by, j.started_at, j.ended_at, j.cancel_requested_at, j.outcome,
       j.attempts, j.log_digest
from job j
join release r on r.id = j.release_id;

-- Validations with the states of their jobs, as lists show them.
create view validation_with_state as
select v.id, v.job_id, v.release_id, v.manifest_digest, v.plan, v.plan_revision, v.created_at,
       v.created_by, j.state
from validation v
join job j on j.id = v.job_id;
