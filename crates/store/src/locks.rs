//! Locks, and their packages once per lock.

use domain::{
    digest::Digest,
    lock::{Lock, Part},
    time::Timestamp,
};

use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{containing, foreign, json, number, parsed, text, to_json},
};

/// A package of a lock, as it is searched and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRow {
    /// The lock that it stands in.
    pub lock: Digest,
    /// Which step installs it.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Debian architecture or `all`.
    pub architecture: String,
    /// Its version.
    pub version: String,
    /// Length of the `.deb` in bytes.
    pub size: u64,
    /// SHA-256 of the `.deb`.
    pub sha256: Digest,
}

pub(crate) const fn part(part: Part) -> &'static str {
    match part {
        Part::Rootfs => "rootfs",
        Part::Kernel => "kernel",
        Part::Initrd => "initrd",
    }
}

/// The part that a row names.
pub(crate) fn part_of(row: &AnyRow) -> Result<Part, StoreError> {
    let word = text(row, "part")?;
    [Part::Rootfs, Part::Kernel, Part::Initrd]
        .into_iter()
        .find(|known| part(*known) == word)
        .ok_or_else(|| foreign("part", &word))
}

fn package(row: &AnyRow) -> Result<PackageRow, StoreError> {
    let size = number(row, "size")?;
    Ok(PackageRow {
        lock: parsed(row, "lock_digest")?,
        part: part_of(row)?,
        name: text(row, "name")?,
        architecture: text(row, "architecture")?,
        version: text(row, "version")?,
        size: u64::try_from(size).map_err(|_| foreign("size", &size.to_string()))?,
        sha256: parsed(row, "sha256")?,
    })
}

impl Rows {
    /// The lock of that digest.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn lock(&mut self, digest: &Digest) -> Result<Option<Lock>, StoreError> {
        sqlx::query("select json from lock where digest = $1")
            .bind(digest.to_string())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a lock up"))?
            .map(|row| json(&row, "json"))
            .transpose()
    }

    /// Packages of a lock whose names hold `search`, by part, name and architecture; all of them
    /// where `search` is empty.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn lock_packages(
        &mut self,
        lock: &Digest,
        search: &str,
    ) -> Result<Vec<PackageRow>, StoreError> {
        // Names of packages are lower case, and so is `like` on PostgreSQL: it heeds case there.
        let search = search.to_lowercase();
        sqlx::query(
            "select lock_digest, part, name, architecture, version, size, sha256
             from lock_package where lock_digest = $1 and name like $2 escape '!'
             order by case part when 'rootfs' then 0 when 'kernel' then 1 else 2 end,
                      name, architecture",
        )
        .bind(lock.to_string())
        .bind(containing(Some(&search)))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing a lock's packages"))?
        .iter()
        .map(package)
        .collect()
    }

    /// Where a package is: its row in every lock, newest lock first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn locks_with_package(&mut self, name: &str) -> Result<Vec<PackageRow>, StoreError> {
        sqlx::query(
            "select p.lock_digest, p.part, p.name, p.architecture, p.version, p.size, p.sha256
             from lock_package p join lock on lock.digest = p.lock_digest
             where p.name = $1
             order by lock.created_at desc, p.lock_digest, p.part, p.architecture",
        )
        .bind(name)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for a package"))?
        .iter()
        .map(package)
        .collect()
    }
}

impl WriteTx {
    /// Keeps a lock with its packages; one that is kept already stays as it is.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_lock(&mut self, lock: &Lock, at: Timestamp) -> Result<Digest, StoreError> {
        let digest = lock.digest()?;
        let new = sqlx::query(
            "insert into lock (digest, json, created_at) values ($1, $2, $3)
             on conflict (digest) do nothing",
        )
        .bind(digest.to_string())
        .bind(to_json(lock)?)
        .bind(at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping a lock"))?;
        if new.rows_affected() == 0 {
            return Ok(digest);
        }
        for package in &lock.packages {
            sqlx::query(
                "insert into lock_package
                     (lock_digest, part, name, architecture, version, size, sha256)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(digest.to_string())
            .bind(part(package.part))
            .bind(&package.name)
            .bind(&package.architecture)
            .bind(&package.version)
            .bind(i64::try_from(package.size).unwrap_or(i64::MAX))
            .bind(package.sha256.to_string())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping a lock's packages"))?;
        }
        Ok(digest)
    }
}
