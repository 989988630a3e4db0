//! Bearer tokens: how programs act for the person who made them.
//!
//! A token acts for its person with the lesser of its own role and the person's present one, so a
//! person who is lowered or disabled takes all tokens along. Its secret is shown once; only the
//! secret's SHA-256 is kept (RFC 6750 says how the secret travels).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    ids::{PersonId, TokenId},
    person::Role,
    time::Timestamp,
};

/// What every secret begins with, so that people and scanners of leaked secrets know it.
pub const PREFIX: &str = "bw_";
/// The longest life of a token, in days.
pub const MOST_DAYS: u32 = 366;

/// What a token is good for, within its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Scope {
    /// Everything that the role allows.
    All,
    /// Recording results of one plan on one machine, and nothing else.
    Results {
        /// Name of the plan, such as `smoke`.
        plan: String,
        /// Name of the machine, such as `qemu`.
        machine: String,
    },
}

impl Scope {
    /// For people: "everything", or the plan and machine.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::All => "everything that the role allows".to_owned(),
            Self::Results { plan, machine } => {
                format!("results of plan \"{plan}\" on machine \"{machine}\"")
            }
        }
    }
}

/// A token as pages show it; the secret is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Which token.
    pub id: TokenId,
    /// For whom it acts.
    pub person: PersonId,
    /// That person's name.
    pub person_name: String,
    /// What its person calls it: "lab CI".
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is refused because somebody took it back.
    pub revoked_at: Option<Timestamp>,
}

/// Why a secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeadToken {
    /// No token has that secret.
    #[error("this token is none of ours: copy it whole, or make a new one on the page Account")]
    Unknown,
    /// Its time is over.
    #[error("this token has expired: make a new one on the page Account")]
    Expired,
    /// Somebody took it back.
    #[error("this token was revoked: make a new one on the page Account")]
    Revoked,
    /// Its person may not sign in any more.
    #[error("the person for whom this token acts is disabled: use another person's token")]
    Disabled,
}

impl Token {
    /// Whether it is good for anything at `now`; `disabled` says whether its person is.
    ///
    /// # Errors
    /// [`DeadToken`] where it is not.
    pub fn alive(&self, now: Timestamp, disabled: bool) -> Result<(), DeadToken> {
        if self.revoked_at.is_some() {
            Err(DeadToken::Revoked)
        } else if self.expires_at <= now {
            Err(DeadToken::Expired)
        } else if disabled {
            Err(DeadToken::Disabled)
        } else {
            Ok(())
        }
    }
}

/// A token cannot be made as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidToken {
    /// It is called nothing, or a novel.
    #[error("call the token something of 1 to 60 characters, such as \"lab CI\"")]
    Name,
    /// It would live for no time or for ever.
    #[error("a token lives for 1 to {MOST_DAYS} days")]
    Days,
    /// It would be more than its person.
    #[error("a token can have your own role, {own}, at the most")]
    Role {
        /// The person's role.
        own: Role,
    },
}

/// Checks what a token is to be, before it is made; gives its name without the blanks around it.
///
/// # Errors
/// [`InvalidToken`] with the first rule that is broken.
pub fn check(name: &str, days: u32, role: Role, own: Role) -> Result<String, InvalidToken> {
    let name = name.trim();
    if !(1..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(InvalidToken::Name);
    }
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(InvalidToken::Days);
    }
    if role > own {
        return Err(InvalidToken::Role { own });
    }
    Ok(name.to_owned())
}

/// A number of days as a length of time.
#[must_use]
pub const fn days(days: u32) -> Duration {
    Duration::from_secs(days as u64 * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            id: "t".into(),
            person: "p".into(),
            person_name: "ada".to_owned(),
            name: "ci".to_owned(),
            role: Role::Developer,
            scope: Scope::All,
            created_at: Timestamp(0),
            expires_at: Timestamp(10),
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_taken_back() {
        assert_eq!(token().alive(Timestamp(9), false), Ok(()));
        assert_eq!(token().alive(Timestamp(10), false), Err(DeadToken::Expired));
        assert_eq!(token().alive(Timestamp(9), true), Err(DeadToken::Disabled));
        let revoked = Token { revoked_at: Some(Timestamp(5)), ..token() };
        assert_eq!(revoked.alive(Timestamp(99), true), Err(DeadToken::Revoked));
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        let own = Role::Developer;
        assert_eq!(check(" ci ", 90, own, own), Ok("ci".to_owned()));
        assert_eq!(check(" ", 90, own, own), Err(InvalidToken::Name));
        assert_eq!(check(&"x".repeat(61), 90, own, own), Err(InvalidToken::Name));
        assert_eq!(check("a\nb", 90, own, own), Err(InvalidToken::Name));
        assert_eq!(check("ci", 0, own, own), Err(InvalidToken::Days));
        assert_eq!(check("ci", 367, own, own), Err(InvalidToken::Days));
        assert_eq!(check("ci", 1, Role::Approver, own), Err(InvalidToken::Role { own }));
    }

    #[test]
    fn scopes_have_one_form() {
        let scope = Scope::Results { plan: "smoke".to_owned(), machine: "qemu".to_owned() };
        let json = r#"{"kind":"results","plan":"smoke","machine":"qemu"}"#;
        assert_eq!(serde_json::to_string(&scope).unwrap(), json);
        assert_eq!(serde_json::from_str::<Scope>(r#"{"kind":"all"}"#).unwrap(), Scope::All);
    }
}
