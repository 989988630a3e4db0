//! What a use case answers when it does not do what was asked.

use domain::{policy::Refusal, token::DeadToken};
use thiserror::Error;

/// Why a use case did not do what was asked.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// Nobody has signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// The bearer token is good for nothing.
    #[error(transparent)]
    Token(#[from] DeadToken),
    /// The rules say no, with the reason that pages show beside the disabled button.
    #[error("{0}")]
    Refused(Refusal),
    /// A field of the request cannot be taken.
    #[error("{message}")]
    Invalid {
        /// Name of the field.
        field: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// Somebody else changed the same thing meanwhile, or it stands otherwise by now.
    #[error("{0}")]
    Conflict(String),
    /// Too many attempts failed.
    #[error("{0}")]
    Throttled(String),
    /// Something outside this program is missing or does not answer; the sentence names the remedy.
    #[error("{0}")]
    Unavailable(String),
    /// The fault is ours.
    #[error("something failed on our side; the log of the server says what")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServiceError {
    /// A fault of ours, with its cause for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// A field of the request cannot be taken.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<std::io::Error> for ServiceError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

impl From<domain::canonical::NotCanonical> for ServiceError {
    fn from(error: domain::canonical::NotCanonical) -> Self {
        Self::internal(error)
    }
}

impl From<store::StoreError> for ServiceError {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::Changed(what) => {
                Self::Conflict(format!("the {what} was changed meanwhile; look again"))
            }
            other if other.is_unstorable_text() => {
                Self::invalid("text", "a text holds a NUL character: remove it")
            }
            other => Self::internal(other),
        }
    }
}

/// Why an installation cannot be opened.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] store::StoreError),
    /// A folder of the installation cannot be used.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another server works on the same data folder.
    #[error("another server works on {0} already: stop it, or choose another --data-dir")]
    InUse(std::path::PathBuf),
    /// The builder cannot work here.
    #[error("the builder cannot work here")]
    Builder(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What machines may boot cannot be read.
    #[error("what machines may boot cannot be read")]
    Catalogue(#[source] Box<ServiceError>),
}
