//! One-time links: for the first administrator, and for a new password.

use domain::{digest::Digest, ids::PersonId, time::Timestamp};

use crate::{Rows, StoreError, WriteTx, columns::optional_text};

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Making the first administrator.
    FirstAdministrator,
    /// Setting a person's password.
    SetPassword,
}

impl LinkPurpose {
    const fn word(self) -> &'static str {
        match self {
            Self::FirstAdministrator => "first-administrator",
            Self::SetPassword => "set-password",
        }
    }
}

impl Rows {
    /// Whether a link could be spent at `now`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn link_is_alive(
        &mut self,
        token: &Digest,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "select token_digest from link
             where token_digest = $1 and purpose = $2 and spent_at is null and expires_at > $3",
        )
        .bind(token.to_string())
        .bind(purpose.word())
        .bind(now.0)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a link up"))?;
        Ok(row.is_some())
    }
}

impl WriteTx {
    /// Makes a link; those given before for the same purpose and person are spent.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_link(
        &mut self,
        token: &Digest,
        purpose: LinkPurpose,
        person: Option<&PersonId>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update link set spent_at = $1
             where purpose = $2 and coalesce(person_id, '') = $3 and spent_at is null",
        )
        .bind(now.0)
        .bind(purpose.word())
        .bind(person.map_or("", PersonId::as_str))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("spending former links"))?;
        sqlx::query(
            "insert into link (token_digest, purpose, person_id, expires_at)
             values ($1, $2, $3, $4)",
        )
        .bind(token.to_string())
        .bind(purpose.word())
        .bind(person.map(PersonId::as_str))
        .bind(expires_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("making a link"))?;
        Ok(())
    }

    /// Spends a link that is neither spent nor expired; gives whose it is.
    ///
    /// # Errors
    /// Where the database fails; `Ok(None)` where there is no such link that lives.
    pub async fn spend_link(
        &mut self,
        token: &Digest,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<Option<PersonId>>, StoreError> {
        let row = sqlx::query(
            "update link set spent_at = $1
             where token_digest = $2 and purpose = $3 and spent_at is null and expires_at > $1
             returning person_id",
        )
        .bind(now.0)
        .bind(token.to_string())
        .bind(purpose.word())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("spending a link"))?;
        row.map(|row| Ok(optional_text(&row, "person_id")?.map(PersonId))).transpose()
    }
}
