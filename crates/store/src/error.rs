//! What can go wrong with rows.

use thiserror::Error;

/// Why a statement or a transaction did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database refused or did not answer.
    #[error("the database failed while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The database cannot be used as it is; the sentence says what to do.
    #[error("{0}")]
    Unusable(String),
    /// A migration failed.
    #[error("the store could not be brought to this program's form; it is as it was")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds something that this program never wrote.
    #[error("the column {column} holds \"{value}\", which this program cannot read")]
    Foreign {
        /// The column.
        column: &'static str,
        /// What stands there, cut.
        value: String,
    },
    /// The row stands otherwise than the change expects: somebody was faster.
    #[error("the {0} was changed meanwhile; look again")]
    Changed(&'static str),
    /// The audit log is not whole.
    #[error("the audit log is not whole")]
    Audit(#[from] domain::audit::AuditFault),
    /// A value cannot be written as canonical JSON.
    #[error(transparent)]
    NotCanonical(#[from] domain::canonical::NotCanonical),
}

impl StoreError {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// What the database itself answered to a statement that it refused.
    fn answer_of_database(&self) -> Option<&(dyn sqlx::error::DatabaseError + 'static)> {
        match self {
            Self::Database { source: sqlx::Error::Database(error), .. } => Some(&**error),
            _ => None,
        }
    }

    /// Whether a unique name is taken already.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        let Some(error) = self.answer_of_database() else { return false };
        // Through `Any`, SQLite's kind of error is not told apart: its message is.
        error.is_unique_violation() || error.message().contains("UNIQUE constraint failed")
    }

    /// Whether a text was given that the database cannot hold: PostgreSQL takes no NUL character
    /// (SQLSTATE 22021).
    #[must_use]
    pub fn is_unstorable_text(&self) -> bool {
        self.answer_of_database().is_some_and(|error| error.code().as_deref() == Some("22021"))
    }

    /// Whether the same transaction may succeed when it is tried again.
    pub(crate) fn is_transient(&self) -> bool {
        let Some(error) = self.answer_of_database() else { return false };
        // PostgreSQL: serialization failure, deadlock. SQLite: busy, busy by recovery, by an old
        // snapshot, by time.
        let codes = ["40001", "40P01", "5", "261", "517", "773"];
        error.code().is_some_and(|code| codes.contains(&&*code))
            || error.message().contains("database is locked")
    }
}
