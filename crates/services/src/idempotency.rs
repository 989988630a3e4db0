//! Requests that programs send under a key of theirs: sent again within a day, one is answered
//! again and not done again.

use std::time::Duration;

use domain::{actor::Actor, digest::Digest, time::Timestamp};

pub use store::idempotency::KeyedAnswer;

use crate::{Services, error::ServiceError};

/// How long a key is known.
const KNOWN: Duration = Duration::from_secs(24 * 3600);

impl Services {
    /// Begins a request that was sent under a key; gives what it was answered where it was sent
    /// before. `request` is the digest of all that was sent.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where something else was sent under the key, or the request is
    /// still worked on or was interrupted.
    pub async fn begin_keyed_request(
        &self,
        actor: &Actor,
        key: &str,
        request: &Digest,
    ) -> Result<Option<KeyedAnswer>, ServiceError> {
        let person = actor.person().ok_or(ServiceError::Unauthenticated)?;
        let now = self.now();
        let since = known_since(now);
        let mut tx = self.begin().await?;
        let Some(known) = tx.keyed_request(person, key, since).await? else {
            tx.begin_keyed_request(person, key, request, now, since).await?;
            tx.commit().await?;
            return Ok(None);
        };
        if known.request != *request {
            return Err(ServiceError::Conflict(
                "another request was sent with this Idempotency-Key within 24 hours: take a new \
                 key for each request"
                    .to_owned(),
            ));
        }
        known.answer.map(Some).ok_or_else(|| {
            ServiceError::Conflict(
                "the request with this Idempotency-Key is worked on, or was interrupted by the \
                 end of the server: look whether it was done; if not, send it with a new key"
                    .to_owned(),
            )
        })
    }

    /// Keeps what a keyed request was answered; the key is free again where that is nothing.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn end_keyed_request(
        &self,
        actor: &Actor,
        key: &str,
        answer: Option<&KeyedAnswer>,
    ) -> Result<(), ServiceError> {
        let person = actor.person().ok_or(ServiceError::Unauthenticated)?;
        let mut tx = self.begin().await?;
        tx.end_keyed_request(person, key, answer).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn forget_old_keys(&self) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        tx.forget_keyed_requests(known_since(self.now())).await?;
        Ok(tx.commit().await?)
    }
}

fn known_since(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - i64::try_from(KNOWN.as_micros()).unwrap_or(0))
}
