-- Programs that act for people, what they sent already, and the order in which they read lists.

-- Bearer tokens. Only the digest of the secret is kept.
create table token (
    id text primary key,
    secret_digest text not null unique,
    -- For whom it acts.
    person_id text not null references person (id),
    -- What its person calls it.
    name text not null,
    role text not null,
    -- What it is good for: where both are null, everything that the role allows; else results of
    -- this plan on this machine.
    plan text,
    machine text,
    created_at bigint not null,
    expires_at bigint not null,
    -- To the minute: a write for each request would be one too many.
    last_used_at bigint,
    revoked_at bigint
);
create index token_person on token (person_id, created_at);
-- A person tells living tokens apart by their names.
create unique index token_name on token (person_id, name) where revoked_at is null;

-- Tokens with their persons as these are now.
create view token_with_person as
select t.id, t.secret_digest, t.person_id, t.name, t.role, t.plan, t.machine, t.created_at,
       t.expires_at, t.last_used_at, t.revoked_at,
       p.name as person_name, p.role as person_role, p.disabled_at as person_disabled_at
from token t
join person p on p.id = t.person_id;

-- What programs sent under a key of theirs (Idempotency-Key), and what they were answered: sent
-- again within a day, it is answered again and not done again.
create table idempotency (
    person_id text not null references person (id),
    key text not null,
    -- SHA-256 over method, path and body.
    request_digest text not null,
    at bigint not null,
    -- Null while the request is worked on, or where the server was killed meanwhile.
    status bigint,
    location text,
    etag text,
    body text,
    primary key (person_id, key)
);
create index idempotency_at on idempotency (at);

create index release_created on release (created_at, id);
create index deployment_requested on deployment (requested_at, id);
create index validation_created on validation (created_at, id);
