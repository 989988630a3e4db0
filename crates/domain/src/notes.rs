//! Release notes and known issues: what people say about a release.
//!
//! They are editable until its promotion and frozen with a digest of their own then. They are no part of the manifest, so that writing them
//! never changes what was tested.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    time::Timestamp,
};

/// The longest that either text may be, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// What people say about a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseNotes {
    /// What is new and what to know, as plain text.
    pub notes: String,
    /// What is known not to work, as plain text.
    pub known_issues: String,
    /// Counts the saves; 0 where nobody has written anything.
    pub revision: u32,
    /// When they were last saved.
    pub saved_at: Option<Timestamp>,
    /// Who saved them last.
    pub saved_by: Option<String>,
    /// Since when they cannot be changed, and their digest.
    pub frozen: Option<Frozen>,
}

/// Notes that cannot be changed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// When the release got its released name.
    pub at: Timestamp,
    /// SHA-256 of [`ReleaseNotes::record`].
    pub digest: Digest,
}

/// A text that cannot be notes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the text is longer than 64 KiB: put what is long elsewhere, and link it")]
pub struct TooLong;

#[derive(Serialize)]
struct Record<'a> {
    schema: u32,
    manifest: Digest,
    notes: &'a str,
    known_issues: &'a str,
}

impl ReleaseNotes {
    /// The file `release-notes.json`: canonical JSON (RFC 8785) of the texts and of the manifest
    /// that they are about. Its SHA-256 is the digest that is frozen.
    ///
    /// # Errors
    /// As [`canonical::to_vec`].
    pub fn record(&self, manifest: Digest) -> Result<Vec<u8>, NotCanonical> {
        let Self { notes, known_issues, .. } = self;
        canonical::to_vec(&Record { schema: 1, manifest, notes, known_issues })
    }

    /// Whether nobody has written anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.known_issues.is_empty()
    }
}

/// A text as it is kept: with line ends of one kind and without blanks around it.
///
/// # Errors
/// [`TooLong`]
pub fn tidied(text: &str) -> Result<String, TooLong> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.len() > LONGEST { Err(TooLong) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_names_what_it_is_about_and_has_one_form() {
        let notes = ReleaseNotes { notes: "ä\n\"b\"".to_owned(), ..ReleaseNotes::default() };
        let record = String::from_utf8(notes.record(Digest::of("m")).unwrap()).unwrap();
        let manifest = Digest::of("m");
        assert_eq!(
            record,
            format!(
                r#"{{"known_issues":"","manifest":"{manifest}","notes":"ä\n\"b\"","schema":1}}"#
            )
        );
    }

    #[test]
    fn texts_do_not_depend_on_who_typed_them() {
        assert_eq!(tidied(" a\r\nb \n"), Ok("a\nb".to_owned()));
        assert_eq!(tidied(&"x".repeat(LONGEST + 1)), Err(TooLong));
    }
}
