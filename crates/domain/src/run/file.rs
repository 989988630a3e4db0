//! Files of results that come in: what whoever sends one says of it.

use serde::{Deserialize, Serialize};

use super::{RunSource, reported::ResultFormat};
use crate::{digest::Digest, ids::ResultFileId, time::Timestamp};

/// The longest name of a machine, a suite or an entry that results name, in characters.
const LONGEST_NAME: usize = 100;

/// What whoever sends a file says of it; what is not said is taken from the file where it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The format; recognised where absent.
    pub format: Option<ResultFormat>,
    /// Of a table with a column for each board: which one.
    pub board: Option<String>,
    /// What the results are about ([`crate::subject::SubjectKey`]); the inbox where absent or unknown.
    pub subject: Option<String>,
    /// Name of the machine; `unknown` where absent.
    pub machine: Option<String>,
    /// Label of the boot entry.
    pub entry: Option<String>,
    /// Which kernel the machine ran.
    pub kernel: Option<String>,
    /// Name of the suite; the outermost one of the file where absent.
    pub suite: Option<String>,
    /// The manifest that was judged: with it, what a token of one plan and machine sends may decide.
    pub manifest: Option<Digest>,
    /// Name of the plan of that token.
    pub plan: Option<String>,
}

/// A file of results that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Which file.
    pub id: ResultFileId,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What it was called.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// What was said of it.
    pub said: Said,
    /// By whom: a token that may decide, or anybody.
    pub source: RunSource,
    /// When it came.
    pub received_at: Timestamp,
    /// The name by which whoever sent it went then.
    pub received_by: String,
    /// When all of it was in rows.
    pub read_at: Option<Timestamp>,
    /// When its bytes were removed.
    pub removed_at: Option<Timestamp>,
}

/// The name of a machine, a suite or an entry that results name, without the blanks around it; `None`
/// where it is empty, longer than 100 characters, or of more than one line.
#[must_use]
pub fn named(text: &str) -> Option<&str> {
    let name = text.trim();
    let length = name.chars().count();
    ((1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_bounded_length() {
        assert_eq!(named(" apu2 (lab 3) "), Some("apu2 (lab 3)"));
        for bad in ["", " ", "a\nb", "a\0b", &"x".repeat(101)] {
            assert_eq!(named(bad), None, "{bad:?}");
        }
    }
}
