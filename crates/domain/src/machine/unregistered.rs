//! What machines get that nobody has registered or accepted.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    job::words,
};

/// What such a machine is answered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The menu of the default environment.
    #[default]
    Menu,
    /// Its firmware goes on with the next device.
    Exit,
    /// A refusal on its console.
    Refuse,
}

words! {
    Answer: "an answer to a machine";
}

impl Answer {
    /// All answers.
    pub const ALL: [Self; 3] = [Self::Menu, Self::Exit, Self::Refuse];

    /// The word in rows, pages and requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Exit => "exit",
            Self::Refuse => "refuse",
        }
    }
}

/// What machines get that are not accepted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Unregistered {
    /// A machine that nobody has heard of.
    pub unknown: Answer,
    /// A machine that waits to be accepted.
    pub pending: Answer,
}

impl Unregistered {
    /// The digest by which this very setting is known: who changes it says which was looked at.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn version(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }
}
