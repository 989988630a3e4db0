-- Plans and suites that people make; what is built in stands in none of these rows.

create table test_definition (
    -- plan or suite.
    kind text not null,
    name text not null,
    -- Counts from 1, also on after a removal: what was made by a former one never counts again.
    revision bigint not null,
    -- Canonical JSON.
    definition text not null,
    saved_at bigint not null,
    -- The name by which that person went then.
    saved_by text not null,
    -- When this revision, the newest then, was removed.
    removed_at bigint,
    primary key (kind, name, revision)
);
