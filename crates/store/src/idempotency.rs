//! What programs sent under a key of theirs, and what they were answered.

use domain::{digest::Digest, ids::PersonId, time::Timestamp};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{optional_number, optional_text, parsed, time},
};

/// What was sent under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// SHA-256 over method, path and body.
    pub request: Digest,
    /// When it came.
    pub at: Timestamp,
    /// What it was answered; `None` while it is worked on, or where the server was killed meanwhile.
    pub answer: Option<KeyedAnswer>,
}

/// What a keyed request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedAnswer {
    /// HTTP status.
    pub status: u16,
    /// Header `Location`.
    pub location: Option<String>,
    /// Header `ETag`.
    pub etag: Option<String>,
    /// The body: JSON, or nothing.
    pub body: String,
}

impl Rows {
    /// What a person sent under a key since `since`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keyed_request(
        &mut self,
        person: &PersonId,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<KeyedRequest>, StoreError> {
        let row = sqlx::query(
            "select request_digest, at, status, location, etag, body from idempotency
             where person_id = $1 and key = $2 and at > $3",
        )
        .bind(person.as_str())
        .bind(key)
        .bind(since.0)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a keyed request up"))?;
        let Some(row) = row else { return Ok(None) };
        let answer = match optional_number(&row, "status")? {
            None => None,
            Some(status) => Some(KeyedAnswer {
                status: u16::try_from(status).unwrap_or(500),
                location: optional_text(&row, "location")?,
                etag: optional_text(&row, "etag")?,
                body: optional_text(&row, "body")?.unwrap_or_default(),
            }),
        };
        let (request, at) = (parsed(&row, "request_digest")?, time(&row, "at")?);
        Ok(Some(KeyedRequest { request, at, answer }))
    }
}

impl WriteTx {
    /// Notes that a person has sent something under a key; what was sent under it before `since`
    /// is forgotten.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where something was sent under it since.
    pub async fn begin_keyed_request(
        &mut self,
        person: &PersonId,
        key: &str,
        request: &Digest,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        self.forget_keyed_requests(since).await?;
        sqlx::query(
            "insert into idempotency (person_id, key, request_digest, at) values ($1, $2, $3, $4)",
        )
        .bind(person.as_str())
        .bind(key)
        .bind(request.to_string())
        .bind(now.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting a keyed request"))?;
        Ok(())
    }

    /// Keeps what a keyed request was answered; where nothing is to be kept, the key is free again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn end_keyed_request(
        &mut self,
        person: &PersonId,
        key: &str,
        answer: Option<&KeyedAnswer>,
    ) -> Result<(), StoreError> {
        let query = match answer {
            None => sqlx::query("delete from idempotency where person_id = $1 and key = $2")
                .bind(person.as_str())
                .bind(key),
            Some(answer) => sqlx::query(
                "update idempotency set status = $3, location = $4, etag = $5, body = $6
                 where person_id = $1 and key = $2",
            )
            .bind(person.as_str())
            .bind(key)
            .bind(i64::from(answer.status))
            .bind(answer.location.as_deref())
            .bind(answer.etag.as_deref())
            .bind(&answer.body),
        };
        query
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping the answer to a keyed request"))?;
        Ok(())
    }

    /// Forgets what was sent under keys until `until`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn forget_keyed_requests(&mut self, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("delete from idempotency where at <= $1")
            .bind(until.0)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("forgetting keyed requests"))?;
        Ok(())
    }
}
