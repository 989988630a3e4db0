//! People and what they may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ids::PersonId, time::Timestamp};

/// What a person may do; each role may do all that the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Writes recipes, builds, validates, asks for deployments.
    Developer,
    /// Also approves and refuses deployments.
    Approver,
    /// Also manages people and environments.
    Administrator,
}

impl Role {
    /// All roles, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Approver, Self::Administrator];

    /// The word used in forms, options and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no role; the roles are viewer, developer, approver and administrator")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| UnknownRole(text.chars().take(40).collect()))
    }
}

/// A person as pages show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Whose account.
    pub id: PersonId,
    /// The sign-in name, unique.
    pub name: String,
    /// The present role.
    pub role: Role,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when the person may not sign in.
    pub disabled_at: Option<Timestamp>,
}

/// The sign-in name cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidCredential {
    /// Letters, digits, `.`, `-`, `_`; 1 to 40 characters; starts with a letter or digit.
    #[error(
        "a name has 1 to 40 of the characters a-z, A-Z, 0-9, '.', '-', '_' and starts with a letter or digit"
    )]
    Name,
    /// Passwords have 10 to 200 characters.
    #[error("a password has 10 to 200 characters")]
    Password,
}

/// Checks a sign-in name.
///
/// # Errors
/// [`InvalidCredential::Name`] where the rule is not kept.
pub fn check_name(name: &str) -> Result<(), InvalidCredential> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= 40 && name.chars().all(allowed) {
        Ok(())
    } else {
        Err(InvalidCredential::Name)
    }
}

/// Checks a new password.
///
/// # Errors
/// [`InvalidCredential::Password`] where the rule is not kept.
pub fn check_password(password: &str) -> Result<(), InvalidCredential> {
    if (10..=200).contains(&password.chars().count()) {
        Ok(())
    } else {
        Err(InvalidCredential::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_keep_their_rules() {
        for name in ["a", "Ada.Lovelace", "x_1-y", &"a".repeat(40)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", ".a", "a b", "ä", "a\n", &"a".repeat(41)] {
            assert_eq!(check_name(name), Err(InvalidCredential::Name), "{name:?}");
        }
        assert!(check_password("123456789").is_err());
        assert!(check_password("1234567890").is_ok());
    }

    #[test]
    fn roles_are_ordered_and_round_trip() {
        assert!(Role::Viewer < Role::Developer && Role::Approver < Role::Administrator);
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
        }
    }
}
