-- Machines: things that boot, what each of them should, and who has it.

create table machine (
    id text primary key,
    -- By which runs and plans call it.
    name text not null unique,
    -- pending: it was seen at the boot listener; accepted: a person says that it belongs here.
    state text not null,
    -- MAC addresses, separated by blanks, in the machine's own order; machine_mac has them one by one.
    macs text not null,
    -- What else it is known by; null where it has none of its own.
    uuid text unique,
    serial text unique,
    architecture text not null,
    -- Canonical JSON; machine_label has them one by one.
    labels text not null,
    location text not null,
    note text not null,
    -- All texts by which lists find it, in lower case.
    search text not null,
    -- Counts the changes of what people say of it, from 1.
    revision bigint not null,
    -- What it boots: environment, release or variant, and its name; null where rules say so.
    target_kind text,
    target text,
    -- Who has it, what for, since and until when: null where nobody took it, or it was given back.
    lock_owner_id text references person (id),
    lock_owner text,
    lock_purpose text,
    lock_since bigint,
    lock_until bigint,
    -- What it booted last, by its own report.
    running_manifest text,
    running_name text,
    running_entry text,
    running_since bigint,
    -- When it was seen at the boot listener, first and last, and from where.
    first_seen_at bigint,
    last_seen_at bigint,
    last_seen_address text,
    created_at bigint not null,
    -- The name by which that person or part of the program went then.
    created_by text not null
);
-- All that filters of lists read, in the order of lists.
create index machine_listed on machine (name, search, state, target_kind, target);
-- Those that wait, the longest unseen first.
create index machine_state on machine (state, last_seen_at);

create table machine_mac (
    mac text primary key,
    machine_id text not null references machine (id)
);
create index machine_mac_machine on machine_mac (machine_id);

create table machine_label (
    machine_id text not null references machine (id),
    key text not null,
    value text not null,
    -- The machine's, so that those of a label are found in the order of lists.
    name text not null,
    primary key (machine_id, key)
);
create index machine_label_listed on machine_label (key, value, name);

-- What machines boot next, once: one order each.
create table machine_once (
    machine_id text primary key references machine (id),
    id text not null,
    target_kind text not null,
    target text not null,
    -- Label of the boot entry; null for the menu's own default.
    entry text,
    -- The name by which the person went who asked for it.
    asked_by text not null,
    asked_at bigint not null,
    -- The boot that was given it; null before the first.
    boot text
);

-- What machines of certain labels boot: each change of the whole list.
create table machine_rules (
    -- Counts from 1; the key refuses a second change of one base.
    revision bigint primary key,
    -- Canonical JSON, in order.
    rules text not null,
    saved_at bigint not null,
    -- The name by which that person went then.
    saved_by text not null
);

-- Machines with what they boot once, as lists show them.
create view machine_with_once as
select m.id, m.name, m.state, m.macs, m.uuid, m.serial, m.architecture, m.labels, m.location, m.note,
       m.search, m.revision, m.target_kind, m.target, m.lock_owner_id, m.lock_owner, m.lock_purpose,
       m.lock_since, m.lock_until, m.running_manifest, m.running_name, m.running_entry,
       m.running_since, m.first_seen_at, m.last_seen_at, m.last_seen_address, m.created_at,
       m.created_by, o.id as once_id, o.target_kind as once_target_kind, o.target as once_target,
       o.entry as once_entry, o.asked_by as once_asked_by, o.asked_at as once_asked_at,
       o.boot as once_boot
from machine m
left join machine_once o on o.machine_id = m.id;
