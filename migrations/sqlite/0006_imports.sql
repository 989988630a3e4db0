-- Releases of a rootfs, kernels and a menu that were put together elsewhere.

-- What is known of a release because it was imported. It has no lock, so it cannot be built again;
-- its recipe is one that the import proposed, without a revision until the import is complete.
create table import (
    release_id text primary key references release (id),
    imported_at bigint not null,
    -- The account with which plans sign in on the console; a password is as open as in a recipe.
    login_user text not null,
    login_password text not null,
    -- What the rootfs calls itself; null until it has been unpacked, or where it does not say.
    hostname text,
    -- JSON: the entries of the menu that could not be read, and why.
    unread text not null
);

-- The packages of an imported release, for search and comparison.
create table import_package (
    release_id text not null references release (id),
    -- rootfs or initrd.
    part text not null,
    name text not null,
    architecture text not null,
    version text not null,
    -- Of the .deb; null of what came inside the rootfs.
    size bigint,
    sha256 text,
    -- Suite and component, or imported; path below the mirror's root.
    origin text not null,
    path text,
    primary key (release_id, part, name, architecture)
);
create index import_package_name on import_package (name);

drop view release_with_recipe;
create view release_with_recipe as
select r.id, r.target, r.number, r.stage, r.recipe_id, recipe.name as recipe_name, r.revision,
       r.job_id, r.manifest_digest, r.lock_digest, r.identical_to, r.created_at, r.created_by,
       r.built_at, r.released_at, r.released_name, import.imported_at
from release r
join recipe on recipe.id = r.recipe_id
left join import on import.release_id = r.id;
