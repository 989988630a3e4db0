-- The first form of the store. Times are microseconds since 1970-01-01 UTC. Ids are time-ordered
-- text (UUIDv7). No column is a boolean: a nullable time says more. Forward only.

-- One row: where the one gapless sequence stands, and the hash of its last audit row.
create table head (
    id bigint primary key check (id = 1),
    sequence bigint not null,
    hash text not null
);
insert into head (id, sequence, hash) values (1, 0, '');

-- Every change, chained by hash. Append-only: the triggers below refuse anything else.
create table audit (
    sequence bigint primary key,
    at bigint not null,
    actor text not null,
    -- The person's id; null for the program itself.
    actor_id text,
    -- Where the request came from; null for the program itself and its command line.
    address text,
    request text not null,
    action text not null,
    subject_kind text not null,
    subject text not null,
    -- Canonical JSON.
    details text not null,
    previous_hash text not null,
    hash text not null
);
create index audit_subject on audit (subject_kind, subject);

create table person (
    id text primary key,
    name text not null,
    -- Two people must not differ by case alone.
    name_folded text not null unique,
    role text not null,
    -- argon2id in PHC form; null until the person has set a password.
    password_hash text,
    created_at bigint not null,
    disabled_at bigint,
    -- Changes with role, password and standing, and so ends sessions.
    credentials_version bigint not null
);

-- One-time links. Only the digest of the token is kept.
create table link (
    token_digest text primary key,
    purpose text not null,
    person_id text references person (id),
    expires_at bigint not null,
    spent_at bigint
);

create table failed_sign_in (
    id text primary key,
    name_folded text not null,
    address text not null,
    at bigint not null
);
create index failed_sign_in_at on failed_sign_in (at);

create table session (
    -- Digest of the id that the cookie carries.
    id text primary key,
    data text not null,
    person_id text,
    expires_at bigint not null
);
create index session_person on session (person_id);

create table recipe (
    id text primary key,
    name text not null unique
);

create table recipe_revision (
    recipe_id text not null references recipe (id),
    number bigint not null,
    digest text not null,
    text text not null,
    message text not null,
    author_id text not null references person (id),
    author text not null,
    saved_at bigint not null,
    primary key (recipe_id, number)
);

create table lock (
    digest text primary key,
    json text not null,
    created_at bigint not null
);

-- The packages of a lock, once per lock, for search and comparison.
create table lock_package (
    lock_digest text not null references lock (digest),
    part text not null,
    name text not null,
    architecture text not null,
    version text not null,
    size bigint not null,
    sha256 text not null,
    primary key (lock_digest, part, name, architecture)
);
create index lock_package_name on lock_package (name);

create table release (
    id text primary key,
    -- v1.2.0, and the number of the candidate for it.
    target text not null,
    number bigint not null,
    stage text not null,
    recipe_id text not null references recipe (id),
    revision bigint not null,
    job_id text not null,
    manifest_digest text,
    manifest text,
    -- Blob of the signature in minisign form.
    signature_digest text,
    lock_digest text references lock (digest),
    identical_to text,
    created_at bigint not null,
    created_by text not null,
    built_at bigint,
    released_at bigint,
    -- The target version once released: unique, so that a name is given once.
    released_name text unique,
    unique (target, number)
);
create index release_manifest on release (manifest_digest);

create table job (
    id text primary key,
    kind text not null,
    release_id text not null references release (id),
    state text not null,
    priority bigint not null,
    -- Canonical JSON of what was asked for.
    parameters text not null,
    created_at bigint not null,
    created_by text not null,
    started_at bigint,
    ended_at bigint,
    cancel_requested_at bigint,
    outcome text,
    attempts bigint not null,
    worker text,
    lease_expires_at bigint,
    log_digest text
);
create index job_state on job (state, priority, created_at);

create table job_step (
    job_id text not null references job (id),
    position bigint not null,
    name text not null,
    state text not null,
    key_digest text,
    started_at bigint,
    ended_at bigint,
    -- Thousandths.
    progress bigint,
    message text,
    primary key (job_id, position)
);

create table validation (
    id text primary key,
    job_id text not null references job (id),
    release_id text not null references release (id),
    manifest_digest text not null,
    plan text not null,
    plan_revision bigint not null,
    created_at bigint not null,
    created_by text not null
);
create index validation_release on validation (release_id);

create table run (
    id text primary key,
    validation_id text not null references validation (id),
    manifest_digest text not null,
    plan text not null,
    plan_revision bigint not null,
    entry text not null,
    machine text not null,
    machine_details text not null,
    started_at bigint not null,
    ended_at bigint,
    outcome text,
    failure text,
    message text not null,
    console_digest text,
    -- JSON of the observed boot stages.
    stages text not null
);
create index run_deciding on run (manifest_digest, plan, plan_revision, entry, machine, ended_at);

-- A million rows are expected, so the key is an integer.
create table case_result (
    id bigint generated always as identity primary key,
    run_id text not null references run (id),
    position bigint not null,
    case_id text not null,
    title text not null,
    outcome text not null,
    duration_us bigint not null,
    message text not null,
    unique (run_id, position)
);
create index case_result_case on case_result (case_id);

create table environment (
    name text primary key,
    release_id text references release (id),
    since bigint,
    -- Canonical JSON.
    policy text not null
);

create table deployment (
    id text primary key,
    environment text not null references environment (name),
    release_id text not null references release (id),
    from_release_id text references release (id),
    -- When it goes back to what the environment served before: the time of the request.
    rollback_at bigint,
    state text not null,
    reason text not null,
    requester_id text not null references person (id),
    requester text not null,
    requested_at bigint not null,
    manifest_digest text not null,
    evidence_digest text not null,
    ended_at bigint,
    ended_by text,
    outcome text
);
create index deployment_environment on deployment (environment, requested_at);
create index deployment_release on deployment (release_id);

create table approval (
    deployment_id text not null references deployment (id),
    approver_id text not null references person (id),
    approver text not null,
    verdict text not null,
    comment text not null,
    at bigint not null,
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
