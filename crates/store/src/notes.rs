//! Release notes, until they are frozen and after.

use domain::{
    digest::Digest,
    ids::ReleaseId,
    notes::{Frozen, ReleaseNotes},
    time::Timestamp,
};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, exactly_one, optional_parsed, optional_text, optional_time, text},
};

impl Rows {
    /// What people say about a release; empty where nobody has written anything.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn notes(&mut self, release: &ReleaseId) -> Result<ReleaseNotes, StoreError> {
        let row = sqlx::query(
            "select notes, known_issues, revision, saved_at, saved_by, frozen_at, digest
             from release_notes where release_id = $1",
        )
        .bind(release.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking notes up"))?;
        let Some(row) = row else { return Ok(ReleaseNotes::default()) };
        let frozen = optional_time(&row, "frozen_at")?.zip(optional_parsed(&row, "digest")?);
        Ok(ReleaseNotes {
            notes: text(&row, "notes")?,
            known_issues: text(&row, "known_issues")?,
            revision: count(&row, "revision")?,
            saved_at: optional_time(&row, "saved_at")?,
            saved_by: optional_text(&row, "saved_by")?,
            frozen: frozen.map(|(at, digest)| Frozen { at, digest }),
        })
    }
}

impl WriteTx {
    /// Keeps notes as the revision that they name.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the revision before it is not the newest, or the notes are
    /// frozen.
    pub async fn save_notes(
        &mut self,
        release: &ReleaseId,
        notes: &ReleaseNotes,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into release_notes
                 (release_id, notes, known_issues, revision, saved_at, saved_by)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (release_id) do update set
                 notes = excluded.notes, known_issues = excluded.known_issues,
                 revision = excluded.revision, saved_at = excluded.saved_at,
                 saved_by = excluded.saved_by
             where release_notes.frozen_at is null
               and release_notes.revision = excluded.revision - 1",
        )
        .bind(release.as_str())
        .bind(&notes.notes)
        .bind(&notes.known_issues)
        .bind(i64::from(notes.revision))
        .bind(notes.saved_at.map(|at| at.0))
        .bind(notes.saved_by.as_deref())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("saving notes"))
        .and_then(|done| exactly_one(&done, "notes"))
    }

    /// Freezes the notes of a release, empty ones too.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where they are frozen already.
    pub async fn freeze_notes(
        &mut self,
        release: &ReleaseId,
        digest: &Digest,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into release_notes (release_id, notes, known_issues, revision, frozen_at, digest)
             values ($1, '', '', 0, $2, $3)
             on conflict (release_id) do update set frozen_at = excluded.frozen_at,
                 digest = excluded.digest
             where release_notes.frozen_at is null",
        )
        .bind(release.as_str())
        .bind(at.0)
        .bind(digest.to_string())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("freezing notes"))
        .and_then(|done| exactly_one(&done, "notes"))
    }
}
