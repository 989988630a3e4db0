//! Sessions on our own table, behind the trait of tower-sessions.

use async_trait::async_trait;
use domain::{digest::Digest, ids::PersonId, time::Timestamp};
use services::Services;
use tokio::sync::broadcast;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The session table. Only the digest of a session's id is stored, so that who reads the database
/// cannot sign in with what it holds.
#[derive(Clone)]
pub struct StoredSessions {
    services: Services,
    ended: broadcast::Sender<Id>,
}

impl StoredSessions {
    /// The sessions of an installation.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { services, ended: broadcast::Sender::new(256) }
    }

    /// Tells which sessions people end by signing out, or by signing in anew.
    #[must_use]
    pub fn ended(&self) -> broadcast::Receiver<Id> {
        self.ended.subscribe()
    }
}

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSessions")
    }
}

fn key(id: &Id) -> String {
    Digest::of(id.to_string()).to_string()
}

fn expiry(record: &Record) -> Timestamp {
    Timestamp::from_seconds(record.expiry_date.unix_timestamp())
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn person(record: &Record) -> Option<PersonId> {
    record.data.get(crate::auth::PERSON)?.as_str().map(|id| PersonId(id.to_owned()))
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for StoredSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let created = self
                .services
                .create_session(
                    &key(&record.id),
                    &encode(record)?,
                    person(record).as_ref(),
                    expiry(record),
                )
                .await
                .map_err(backend)?;
            if created {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.services
            .save_session(
                &key(&record.id),
                &encode(record)?,
                person(record).as_ref(),
                expiry(record),
            )
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some((data, expires_at)) = self.services.session(&key(id)).await.map_err(backend)?
        else {
            return Ok(None);
        };
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?,
            expiry_date: time::OffsetDateTime::from_unix_timestamp(expires_at.seconds())
                .map_err(|error| Error::Decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.services.delete_session(&key(id)).await.map_err(backend)?;
        // An error means that nobody listens.
        let _ = self.ended.send(*id);
        Ok(())
    }
}
