-- Boots of machines: what the boot listener sent for each, and what the machine said of itself. A million and
-- more are expected, so a boot has a number for a key.

create table boot (
    number bigint generated always as identity primary key,
    -- By which its token knows it.
    id text not null unique,
    -- The machine, which may have been removed since, and its name then.
    machine_id text not null,
    machine text not null,
    -- From where it asked last.
    address text,
    -- What it was to boot: environment, release or variant, and its name.
    target_kind text not null,
    target text not null,
    -- What it booted, and how that was called then; null before it loaded a file.
    manifest text,
    release text,
    -- Label of the boot entry; empty before the machine said so.
    entry text not null,
    -- under-way, up, failed, silent or unreported.
    state text not null,
    -- The last stage that was seen.
    step text not null,
    -- Why it ended early, and whose problem the machine says that is.
    reason text not null,
    class text,
    bytes bigint not null,
    retries bigint not null,
    started_at bigint not null,
    last_at bigint not null,
    -- From its script to its login, in microseconds.
    took_us bigint,
    -- All events, as they came: JSON.
    events text not null
);
create index boot_machine on boot (machine_id, number);
create index boot_state on boot (state, last_at);
create index boot_release on boot (release, number);
