//! Sessions of browsers, for the HTTP layer that keeps them.

use domain::{ids::PersonId, time::Timestamp};

use crate::{Services, error::ServiceError};

impl Services {
    /// The data and expiry of a session that lives.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn session(&self, id: &str) -> Result<Option<(String, Timestamp)>, ServiceError> {
        Ok(self.read().await?.session(id, self.now()).await?)
    }

    /// Makes a session; `false` where the id is taken.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn create_session(
        &self,
        id: &str,
        data: &str,
        person: Option<&PersonId>,
        expires_at: Timestamp,
    ) -> Result<bool, ServiceError> {
        let mut tx = self.begin().await?;
        let made = tx.create_session(id, data, person, expires_at).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Saves a session that lives.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn save_session(
        &self,
        id: &str,
        data: &str,
        person: Option<&PersonId>,
        expires_at: Timestamp,
    ) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        tx.save_session(id, data, person, expires_at).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn delete_session(&self, id: &str) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        tx.delete_session(id).await?;
        Ok(tx.commit().await?)
    }
}
