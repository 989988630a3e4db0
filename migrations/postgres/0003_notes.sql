-- What people say about a release: editable until its promotion, frozen then.
create table release_notes (
    release_id text primary key references release (id),
    notes text not null,
    known_issues text not null,
    -- Counts the saves; who saves says which one was looked at.
    revision bigint not null,
    saved_at bigint,
    saved_by text,
    -- Both null until the release gets its released name.
    frozen_at bigint,
    digest text
);
