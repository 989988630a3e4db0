//! Release versions: `v1.2.0`, and `v1.2.0-rc.1` for its first candidate.

use std::{fmt, str::FromStr};

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version a release is meant to carry once it is released, such as `v1.2.0`.
///
/// This is the only version that stands inside an image (DESIGN.md §2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct TargetVersion(Version);

/// A target version and the number of a candidate for it, such as `v1.2.0-rc.1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CandidateVersion {
    /// What the candidate becomes when it is released.
    pub target: TargetVersion,
    /// Counts from 1.
    pub number: u32,
}

/// The text is not a version in the form that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{text}\" is not a version like {example}")]
pub struct InvalidVersion {
    text: String,
    example: &'static str,
}

impl TargetVersion {
    /// `v<major>.<minor>.<patch>`.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(Version::new(major, minor, patch))
    }

    /// The version after this with the same major and a higher minor number.
    #[must_use]
    pub fn next_minor(&self) -> Self {
        Self::new(self.0.major, self.0.minor.saturating_add(1), 0)
    }

    /// Its candidate of that number.
    #[must_use]
    pub const fn candidate(self, number: u32) -> CandidateVersion {
        CandidateVersion { target: self, number }
    }
}

impl fmt::Display for TargetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for TargetVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('v')
            .and_then(|number| Version::parse(number).ok())
            .filter(|version| version.pre.is_empty() && version.build.is_empty())
            .map(Self)
            .ok_or_else(|| InvalidVersion {
                text: text.chars().take(80).collect(),
                example: "v1.2.0",
            })
    }
}

impl fmt::Display for CandidateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-rc.{}", self.target, self.number)
    }
}

impl FromStr for CandidateVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once("-rc.")
            .and_then(|(target, number)| {
                let canonical = !number.starts_with(['0', '+']);
                Some(Self { target: target.parse().ok()?, number: number.parse().ok()? })
                    .filter(|_| canonical)
            })
            .ok_or_else(|| InvalidVersion {
                text: text.chars().take(80).collect(),
                example: "v1.2.0-rc.1",
            })
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidVersion;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(version: $name) -> Self {
                version.to_string()
            }
        }
    )*};
}

as_text!(TargetVersion CandidateVersion);

/// What "Build release" proposes: the next candidate of a target that is not released yet, else
/// the first candidate of the next minor version.
///
/// `taken` are all candidate versions that exist or existed, `released` all released ones.
#[must_use]
pub fn propose(taken: &[CandidateVersion], released: &[TargetVersion]) -> CandidateVersion {
    let newest_released = released.iter().max();
    let open = taken
        .iter()
        .filter(|candidate| newest_released.is_none_or(|newest| candidate.target > *newest))
        .max();
    match (open, newest_released) {
        (Some(open), _) => open.target.clone().candidate(open.number.saturating_add(1)),
        (None, Some(newest)) => newest.next_minor().candidate(1),
        (None, None) => TargetVersion::new(1, 0, 0).candidate(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(texts: &[&str]) -> Vec<CandidateVersion> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn versions_round_trip_and_others_are_refused() {
        for text in ["v1.2.0-rc.1", "v0.0.1-rc.12"] {
            assert_eq!(text.parse::<CandidateVersion>().unwrap().to_string(), text);
        }
        for text in
            ["1.2.0-rc.1", "v1.2-rc.1", "v1.2.0-rc.01", "v1.2.0", "v1.2.0-rc.+1", "v1.2.0-rc."]
        {
            assert!(text.parse::<CandidateVersion>().is_err(), "{text}");
        }
        for text in ["v1.2.0-rc.1", "1.2.0", "v1.2.0+a", "v1"] {
            assert!(text.parse::<TargetVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_proposal_never_exists_already() {
        assert_eq!(propose(&[], &[]).to_string(), "v1.0.0-rc.1");
        let taken = candidates(&["v1.0.0-rc.1", "v1.0.0-rc.10", "v1.0.0-rc.9"]);
        assert_eq!(propose(&taken, &[]).to_string(), "v1.0.0-rc.11");
        let released = [TargetVersion::new(1, 0, 0)];
        assert_eq!(propose(&taken, &released).to_string(), "v1.1.0-rc.1");
        let taken = candidates(&["v1.0.0-rc.11", "v1.1.0-rc.1", "v0.9.0-rc.30"]);
        assert_eq!(propose(&taken, &released).to_string(), "v1.1.0-rc.2");
    }
}
