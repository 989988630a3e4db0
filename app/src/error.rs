//! The one error of pages and server functions, worded for people.

use std::fmt;

use domain::policy::Refusal;
use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// Why a page cannot be shown or a form did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppError {
    /// There is no such thing; says which.
    NotFound {
        /// What was looked for: "release called v9.0.0".
        what: String,
    },
    /// Nobody has signed in.
    Unauthenticated,
    /// The rules say no.
    Forbidden {
        /// The same words that stand beside the disabled button.
        reason: String,
    },
    /// A field of the form cannot be taken.
    Invalid {
        /// Its name.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// It stands otherwise by now.
    Conflict {
        /// What happened meanwhile and what to do.
        message: String,
    },
    /// Something outside the program is missing or does not answer.
    Unavailable {
        /// What, and the remedy.
        message: String,
    },
    /// The fault is ours.
    Internal {
        /// The request's id: the server's log says more under it.
        request: String,
    },
    /// The browser could not reach the server.
    Unreachable,
}

impl AppError {
    /// What happened, in a few words.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "Not found",
            Self::Unauthenticated => "Sign in first",
            Self::Forbidden { .. } => "Not allowed",
            Self::Invalid { .. } => "That cannot be taken",
            Self::Conflict { .. } => "Something changed meanwhile",
            Self::Unavailable { .. } => "Not available now",
            Self::Internal { .. } => "This failed on our side",
            Self::Unreachable => "The server does not answer",
        }
    }

    /// The HTTP status of a page that can only say this.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::Invalid { .. } => 422,
            Self::Conflict { .. } => 409,
            Self::Unavailable { .. } | Self::Unreachable => 503,
            Self::Internal { .. } => 500,
        }
    }

    /// The message, where it belongs to the form's field `name`.
    #[must_use]
    pub fn of_field(&self, name: &str) -> Option<String> {
        match self {
            Self::Invalid { field, .. } if field == name => Some(self.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { what } => write!(f, "There is no {what}."),
            Self::Unauthenticated => f.write_str("Your session has ended or has not begun."),
            Self::Forbidden { reason: message }
            | Self::Invalid { message, .. }
            | Self::Conflict { message }
            | Self::Unavailable { message } => f.write_str(&sentence(message)),
            Self::Internal { .. } => {
                f.write_str("Nothing was changed, as far as we know. Try again; if it fails again, tell an administrator the request below.")
            }
            Self::Unreachable => f.write_str(
                "Check that it runs and that this machine reaches it. What you see may be old.",
            ),
        }
    }
}

impl std::error::Error for AppError {}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Forbidden { reason: refusal.to_string() }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unreachable,
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::Invalid {
                field: String::new(),
                message: "the form was not sent whole; load the page again and fill it in anew"
                    .to_owned(),
            },
            _ => Self::Internal { request: String::new() },
        }
    }
}

/// Words with which messages of the rules begin. Whatever else stands first is a name, and names
/// keep their spelling.
const FIRST_WORDS: [&str; 28] = [
    "a",
    "an",
    "another",
    "at",
    "builds",
    "call",
    "choose",
    "each",
    "give",
    "in",
    "it",
    "no",
    "nobody",
    "nothing",
    "only",
    "say",
    "sign",
    "somebody",
    "something",
    "take",
    "the",
    "there",
    "this",
    "to",
    "too",
    "two",
    "type",
    "you",
];

/// A message of the rules as a sentence: they begin in lower case and end without a full stop, so
/// that they can stand inside other sentences.
#[must_use]
pub fn sentence(message: &str) -> String {
    let first = message.split(' ').next().unwrap_or_default();
    let mut characters = message.chars();
    let mut sentence: String = if FIRST_WORDS.contains(&first) {
        characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
    } else {
        message.to_owned()
    };
    if !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stand_alone_as_sentences() {
        assert_eq!(sentence("give a reason"), "Give a reason.");
        assert_eq!(sentence("grace asked for this"), "grace asked for this.");
        assert_eq!(
            sentence("v1.0.0 is taken; v1.0.1 is free."),
            "v1.0.0 is taken; v1.0.1 is free."
        );
        let error = AppError::Forbidden { reason: "you asked for this".to_owned() };
        assert_eq!(error.to_string(), "You asked for this.");
    }

    #[test]
    fn errors_round_trip_between_server_and_browser() {
        let error = AppError::Invalid { field: "version".to_owned(), message: "taken".to_owned() };
        assert_eq!(AppError::de(error.ser()), error);
        assert_eq!(error.of_field("version").as_deref(), Some("taken."));
        assert_eq!(error.of_field("reason"), None);
    }
}
