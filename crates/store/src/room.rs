//! Which blobs the rows name: what nothing here names, nobody needs.

use domain::{
    digest::Digest,
    ids::{JobId, ReleaseId, RunId},
    manifest::Manifest,
};

use crate::{
    Rows, StoreError,
    columns::{json, optional_parsed, parsed, text},
};

/// What a complete release names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedByRelease {
    /// Which release.
    pub release: ReleaseId,
    /// What it consists of.
    pub manifest: Manifest,
    /// Blob of its signature.
    pub signature: Option<Digest>,
}

impl Rows {
    /// What every complete release names, withdrawn ones too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn named_by_releases(&mut self) -> Result<Vec<NamedByRelease>, StoreError> {
        sqlx::query(
            "select id, manifest, signature_digest from release where manifest is not null
             order by created_at, id",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what releases name"))?
        .iter()
        .map(|row| {
            Ok(NamedByRelease {
                release: ReleaseId(text(row, "id")?),
                manifest: json(row, "manifest")?,
                signature: optional_parsed(row, "signature_digest")?,
            })
        })
        .collect()
    }

    /// The blobs of the logs of jobs that have ended.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn named_by_jobs(&mut self) -> Result<Vec<(JobId, Digest)>, StoreError> {
        sqlx::query("select id, log_digest from job where log_digest is not null")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing what jobs name"))?
            .iter()
            .map(|row| Ok((JobId(text(row, "id")?), parsed(row, "log_digest")?)))
            .collect()
    }

    /// The blobs of what machines wrote to their consoles.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn named_by_runs(&mut self) -> Result<Vec<(RunId, Digest)>, StoreError> {
        sqlx::query("select id, console_digest from run where console_digest is not null")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing what runs name"))?
            .iter()
            .map(|row| Ok((RunId(text(row, "id")?), parsed(row, "console_digest")?)))
            .collect()
    }

    /// The packages of the locks of complete releases: what they can be built from again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn named_by_locks(&mut self) -> Result<Vec<Digest>, StoreError> {
        sqlx::query(
            "select distinct p.sha256 as sha256 from lock_package p
             where p.lock_digest in (select lock_digest from release
                                     where stage in ('building', 'candidate', 'released'))",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what locks name"))?
        .iter()
        .map(|row| parsed(row, "sha256"))
        .collect()
    }
}
