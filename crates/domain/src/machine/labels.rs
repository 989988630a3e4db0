//! Labels: what machines have in common, `rack=3 role=build`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most labels that a machine or a selector has.
pub const MOST_LABELS: usize = 32;
/// The longest key or value of a label, in characters.
const LONGEST_PART: usize = 63;

/// Labels by key. As text they are separated by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Labels(BTreeMap<String, String>);

/// The text is no label, or there are too many of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidLabel {
    /// Not in the form of a label.
    #[error(
        "\"{0}\" is no label; write key=value with 1 to 63 of the characters a-z, 0-9, '.', '-', '_' and '/' in the key, and as many of A-Z, a-z, 0-9, '.', '-', '_' in the value"
    )]
    Form(String),
    /// One key twice.
    #[error("the label {0} stands there twice")]
    Twice(String),
    /// Too many.
    #[error("a machine has {MOST_LABELS} labels at the most")]
    TooMany,
}

fn is_key(text: &str) -> bool {
    let allowed = |b: u8| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_' | b'/')
    };
    (1..=LONGEST_PART).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_value(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=LONGEST_PART).contains(&text.len()) && text.bytes().all(allowed)
}

impl FromStr for Labels {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut labels = BTreeMap::new();
        for label in text.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
            if label.is_empty() {
                continue;
            }
            let form = || InvalidLabel::Form(label.chars().take(80).collect());
            let (key, value) = label.split_once('=').ok_or_else(form)?;
            if !is_key(key) || !is_value(value) {
                return Err(form());
            }
            if labels.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(InvalidLabel::Twice(key.to_owned()));
            }
        }
        Self::try_from(labels)
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = InvalidLabel;

    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        if let Some((key, value)) =
            labels.iter().find(|(key, value)| !is_key(key) || !is_value(value))
        {
            return Err(InvalidLabel::Form(format!("{key}={value}").chars().take(80).collect()));
        }
        if labels.len() > MOST_LABELS {
            return Err(InvalidLabel::TooMany);
        }
        Ok(Self(labels))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.0.iter().enumerate() {
            write!(f, "{}{key}={value}", if at > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl Labels {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether each of these labels is among `others`.
    #[must_use]
    pub fn all_among(&self, others: &Self) -> bool {
        self.0.iter().all(|(key, value)| others.0.get(key) == Some(value))
    }
}
