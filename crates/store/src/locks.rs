//! Locks, and their packages once per lock.

use domain::{digest::Digest, lock::{Lock, Part}, time::Timestamp};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{json, to_json},
};

const fn part(part: Part) -> &'static str {
    match part {
        Part::Rootfs => "rootfs",
        Part::Kernel => "kernel",
        Part::Initrd => "initrd",
    }
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
