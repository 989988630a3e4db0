//! Files that people uploaded: what they were called, and when they were named last.

use domain::{blob::BlobRef, digest::Digest, kernel::UploadedFile, time::Timestamp};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{foreign, number, optional_time, parsed, text, time},
};

/// A file that somebody uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What it was called, and its bytes.
    pub file: UploadedFile,
    /// Length in bytes.
    pub size: u64,
    /// When it was uploaded last.
    pub uploaded_at: Timestamp,
    /// Name of the person who uploaded it last.
    pub uploaded_by: String,
    /// When a definition named it last.
    pub named_at: Option<Timestamp>,
}

impl Upload {
    /// When it was uploaded or named last.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.named_at.map_or(self.uploaded_at, |named| named.max(self.uploaded_at))
    }
}

fn size(row: &AnyRow) -> Result<u64, StoreError> {
    let size = number(row, "size")?;
    u64::try_from(size).map_err(|_| foreign("size", &size.to_string()))
}

fn upload(row: &AnyRow) -> Result<Upload, StoreError> {
    Ok(Upload {
        file: UploadedFile { name: text(row, "name")?, sha256: parsed(row, "sha256")? },
        size: size(row)?,
        uploaded_at: time(row, "uploaded_at")?,
        uploaded_by: text(row, "uploaded_by")?,
        named_at: optional_time(row, "named_at")?,
    })
}

impl Rows {
    /// Every upload, by digest and name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn uploads(&mut self) -> Result<Vec<Upload>, StoreError> {
        sqlx::query(
            "select sha256, name, size, uploaded_at, uploaded_by, named_at from upload
             order by sha256, name",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing uploads"))?
        .iter()
        .map(upload)
        .collect()
    }

    /// Length of an upload in bytes; `None` where there is no such upload.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn upload_size(&mut self, file: &UploadedFile) -> Result<Option<u64>, StoreError> {
        sqlx::query("select size from upload where sha256 = $1 and name = $2")
            .bind(file.sha256.to_string())
            .bind(&file.name)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("asking how long an upload is"))?
            .as_ref()
            .map(size)
            .transpose()
    }
}

impl WriteTx {
    /// Keeps that somebody uploaded a file; one that is kept already was uploaded anew.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_upload(
        &mut self,
        name: &str,
        blob: &BlobRef,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into upload (sha256, name, size, uploaded_at, uploaded_by)
             values ($1, $2, $3, $4, $5)
             on conflict (sha256, name) do update set uploaded_at = excluded.uploaded_at,
                 uploaded_by = excluded.uploaded_by",
        )
        .bind(blob.sha256.to_string())
        .bind(name)
        .bind(i64::try_from(blob.size).unwrap_or(i64::MAX))
        .bind(at.0)
        .bind(by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping an upload"))?;
        Ok(())
    }

    /// Notes that somebody names an upload; gives its length in bytes, `None` where there is no such
    /// upload.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn name_upload(
        &mut self,
        file: &UploadedFile,
        at: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        sqlx::query(
            "update upload set named_at = $1 where sha256 = $2 and name = $3 returning size",
        )
        .bind(at.0)
        .bind(file.sha256.to_string())
        .bind(&file.name)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("naming an upload"))?
        .as_ref()
        .map(size)
        .transpose()
    }

    /// Forgets an upload; `false` where there is none.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_upload(&mut self, name: &str, sha256: &Digest) -> Result<bool, StoreError> {
        sqlx::query("delete from upload where sha256 = $1 and name = $2")
            .bind(sha256.to_string())
            .bind(name)
            .execute(self.connection())
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(StoreError::database("forgetting an upload"))
    }
}
