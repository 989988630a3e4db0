//! Subjects: what results are about. A release, what was built of a variant, or a release that was made
//! elsewhere and is known by its name alone: teams bring years of results along.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    ids::{ReleaseId, VariantId},
    run::reported::Totals,
    time::Timestamp,
};

/// What comes before the name of a variant where a subject is named.
const VARIANT: &str = "variant/";
/// What comes before the name of a release that was made elsewhere where a subject is named.
const RECORDED: &str = "recorded/";
/// The longest name of a release that was made elsewhere, in characters.
const LONGEST_NAME: usize = 60;

/// What results are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A release of this installation.
    Release {
        /// Which release.
        id: ReleaseId,
        /// What it is called now.
        name: String,
        /// The manifest that was judged.
        manifest: Digest,
    },
    /// What was built of a variant.
    Variant {
        /// Which variant.
        id: VariantId,
        /// What it is called.
        name: String,
        /// The manifest that was judged: each build may have another.
        manifest: Digest,
    },
    /// A release that was made elsewhere: nothing of it is here but its results.
    Recorded {
        /// What it is called.
        name: String,
    },
}

impl Subject {
    /// What pages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Release { name, .. } | Self::Variant { name, .. } | Self::Recorded { name } => {
                name
            }
        }
    }

    /// The manifest that was judged, where there is one.
    #[must_use]
    pub const fn manifest(&self) -> Option<&Digest> {
        match self {
            Self::Release { manifest, .. } | Self::Variant { manifest, .. } => Some(manifest),
            Self::Recorded { .. } => None,
        }
    }

    /// How addresses and options name it; [`SubjectKey`] reads it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Release { name, .. } => name.clone(),
            Self::Variant { name, manifest, .. } => format!("{VARIANT}{name}/{manifest}"),
            Self::Recorded { name } => format!("{RECORDED}{name}"),
        }
    }
}

/// A subject with how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedSubject {
    /// What it is.
    pub subject: Subject,
    /// Where it stands in a history.
    pub created_at: Timestamp,
    /// What counts of all its cases on all machines and boot entries, counted.
    pub totals: Totals,
    /// Grows with each run that is added or taken away.
    pub revision: i64,
}

/// How a subject is named: `v1.2.0-rc.1`, `variant/probe`, `variant/probe/<manifest>`,
/// `recorded/v1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectKey {
    /// A release by its name; where there is none, one that was made elsewhere.
    Named(String),
    /// A variant by its name; the newest build that has results where no manifest is named.
    Variant {
        /// Its name.
        name: String,
        /// The manifest of one of its builds.
        manifest: Option<Digest>,
    },
    /// A release that was made elsewhere.
    Recorded(String),
}

impl From<&str> for SubjectKey {
    fn from(text: &str) -> Self {
        if let Some(name) = text.strip_prefix(RECORDED) {
            return Self::Recorded(name.to_owned());
        }
        let Some(variant) = text.strip_prefix(VARIANT) else {
            return Self::Named(text.to_owned());
        };
        let named = variant.split_once('/');
        match named.and_then(|(name, digest)| Some((name, digest.parse().ok()?))) {
            Some((name, manifest)) => {
                Self::Variant { name: name.to_owned(), manifest: Some(manifest) }
            }
            None => Self::Variant { name: variant.to_owned(), manifest: None },
        }
    }
}

/// The name of a release that was made elsewhere, without the blanks around it; `None` where it is
/// empty, longer than 60 characters, or would not fit into an address or a line.
#[must_use]
pub fn recorded_name(text: &str) -> Option<&str> {
    let name = text.trim();
    let fits = |c: char| !c.is_control() && !matches!(c, '/' | '?' | '#' | '%' | '\\');
    let length = name.chars().count();
    ((1..=LONGEST_NAME).contains(&length) && name.chars().all(fits)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_found_by_their_keys() {
        let manifest = Digest::of("m");
        let release = Subject::Release { id: "r".into(), name: "v1.0.0".to_owned(), manifest };
        assert_eq!(
            SubjectKey::from(release.key().as_str()),
            SubjectKey::Named("v1.0.0".to_owned())
        );
        let variant = Subject::Variant { id: "v".into(), name: "probe".to_owned(), manifest };
        assert_eq!(
            SubjectKey::from(variant.key().as_str()),
            SubjectKey::Variant { name: "probe".to_owned(), manifest: Some(manifest) }
        );
        assert_eq!(
            SubjectKey::from("variant/probe"),
            SubjectKey::Variant { name: "probe".to_owned(), manifest: None }
        );
        let recorded = Subject::Recorded { name: "v0.9".to_owned() };
        assert_eq!(
            SubjectKey::from(recorded.key().as_str()),
            SubjectKey::Recorded("v0.9".to_owned())
        );
        assert_eq!((recorded.manifest(), release.manifest()), (None, Some(&manifest)));
    }

    #[test]
    fn names_of_releases_made_elsewhere_fit_into_addresses() {
        assert_eq!(recorded_name(" v4.12.0.4 "), Some("v4.12.0.4"));
        for bad in ["", "  ", "a/b", "a\nb", "50%", &"x".repeat(61)] {
            assert_eq!(recorded_name(bad), None, "{bad:?}");
        }
    }
}
