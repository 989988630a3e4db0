//! Sessions of browsers. Only the digest of a session's id is kept.

use domain::{ids::PersonId, time::Timestamp};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{text, time},
};

impl Rows {
    /// The data and expiry of a session that has not expired at `now`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn session(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        sqlx::query("select data, expires_at from session where id = $1 and expires_at > $2")
            .bind(id)
            .bind(now.0)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("loading a session"))?
            .map(|row| Ok((text(&row, "data")?, time(&row, "expires_at")?)))
            .transpose()
    }
}

impl WriteTx {
    /// Makes a session; `false` where the id is taken.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn create_session(
        &mut self,
        id: &str,
        data: &str,
        person: Option<&PersonId>,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let made = sqlx::query(
            "insert into session (id, data, person_id, expires_at) values ($1, $2, $3, $4)
             on conflict (id) do nothing",
        )
        .bind(id)
        .bind(data)
        .bind(person.map(PersonId::as_str))
        .bind(expires_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("making a session"))?;
        Ok(made.rows_affected() == 1)
    }

    /// Saves a session that exists; one that was deleted meanwhile stays deleted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn save_session(
        &mut self,
        id: &str,
        data: &str,
        person: Option<&PersonId>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("update session set data = $1, person_id = $2, expires_at = $3 where id = $4")
            .bind(data)
            .bind(person.map(PersonId::as_str))
            .bind(expires_at.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("saving a session"))?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_session(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("delete from session where id = $1")
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("ending a session"))?;
        Ok(())
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_sessions_of(&mut self, person: &PersonId) -> Result<(), StoreError> {
        sqlx::query("delete from session where person_id = $1")
            .bind(person.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("ending a person's sessions"))?;
        Ok(())
    }

    /// Ends the sessions that have expired at `now`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_expired_sessions(&mut self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("delete from session where expires_at <= $1")
            .bind(now.0)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("ending expired sessions"))?;
        Ok(())
    }
}
