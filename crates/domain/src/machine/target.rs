//! What a machine boots: what an environment serves, a release, or a variant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a machine boots, by name. Written `environment production`, `release v1.2.0`, `variant probe`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum BootTarget {
    /// Whatever an environment serves at that moment.
    Environment(String),
    /// One release or candidate, whatever environments serve.
    Release(String),
    /// The newest build of a variant.
    Variant(String),
}

/// The text names nothing that a machine could boot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is nothing that a machine could boot; write for example environment production, release v1.2.0 or variant probe"
)]
pub struct InvalidTarget(pub String);

impl BootTarget {
    /// The word of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Environment(_) => "environment",
            Self::Release(_) => "release",
            Self::Variant(_) => "variant",
        }
    }

    /// The name of the environment, the release or the variant.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Environment(name) | Self::Release(name) | Self::Variant(name) => name,
        }
    }

    /// From the word of a kind and a name.
    ///
    /// # Errors
    /// Where there is no such kind, or nothing is called so.
    pub fn new(kind: &str, name: &str) -> Result<Self, InvalidTarget> {
        let invalid = || InvalidTarget(format!("{kind} {name}").chars().take(80).collect());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if !(1..=60).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(invalid());
        }
        let name = name.to_owned();
        match kind {
            "environment" => Ok(Self::Environment(name)),
            "release" => Ok(Self::Release(name)),
            "variant" => Ok(Self::Variant(name)),
            _ => Err(invalid()),
        }
    }
}

impl FromStr for BootTarget {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTarget(text.chars().take(80).collect());
        let (kind, name) = text.trim().split_once(char::is_whitespace).ok_or_else(invalid)?;
        Self::new(kind, name.trim())
    }
}

impl fmt::Display for BootTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}
