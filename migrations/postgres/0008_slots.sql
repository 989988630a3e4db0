-- Slots of environments: aliases of kernels that variants fill. Production has none, ever.

create table environment_slot (
    environment text not null references environment (name) check (environment <> 'production'),
    -- The alias of a kernel that it stands for.
    slot text not null,
    variant_id text not null references variant (id),
    -- When, and the name by which that person went then.
    filled_at bigint not null,
    filled_by text not null,
    primary key (environment, slot)
);
create index environment_slot_variant on environment_slot (variant_id);
