//! Releases: immutable sets of components, from the build of a candidate to production.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    ids::{JobId, RecipeId, ReleaseId},
    time::Timestamp,
    version::CandidateVersion,
};

/// How far a release has come. "Approved" and "live" are derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its build has not ended.
    Building,
    /// Complete and signed, can be booted and validated.
    Candidate,
    /// Carries its released name.
    Released,
    /// Its build failed or was cancelled.
    Failed,
    /// Taken back by a person, or identical to another.
    Withdrawn,
}

impl Stage {
    /// All stages, in the order of a release's life.
    pub const ALL: [Self; 5] =
        [Self::Building, Self::Candidate, Self::Released, Self::Failed, Self::Withdrawn];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Candidate => "candidate",
            Self::Released => "released",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a release may go from this stage to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Building, Self::Candidate | Self::Failed | Self::Withdrawn)
                | (Self::Candidate, Self::Released | Self::Withdrawn)
        )
    }

    /// Whether machines may boot a release of this stage.
    #[must_use]
    pub const fn bootable(self) -> bool {
        matches!(self, Self::Candidate | Self::Released)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Stage {
    type Err = crate::job::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::job::from_word(&Self::ALL, Self::word, "a release stage", text)
    }
}

/// A release as lists and other records show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Which release.
    pub id: ReleaseId,
    /// Its candidate name, kept for ever.
    pub version: CandidateVersion,
    /// How far it has come.
    pub stage: Stage,
    /// What it was built from.
    pub recipe: RecipeId,
    /// Name of that recipe.
    pub recipe_name: String,
    /// Revision of that recipe.
    pub revision: u32,
    /// The job that built it.
    pub job: JobId,
    /// Digest of its manifest, once it is a candidate.
    pub manifest: Option<Digest>,
    /// Digest of its lock, once it is resolved.
    pub lock: Option<Digest>,
    /// The candidate whose manifest this build came to as well.
    pub identical_to: Option<CandidateVersion>,
    /// When the build was asked for.
    pub created_at: Timestamp,
    /// Name of the person who asked for it.
    pub created_by: String,
    /// When it became a candidate.
    pub built_at: Option<Timestamp>,
    /// When it got its released name.
    pub released_at: Option<Timestamp>,
    /// When its import was asked for; `None` of what was built here. The recipe of an imported
    /// release is one that the import proposed: nothing was built from it.
    pub imported_at: Option<Timestamp>,
}

impl Release {
    /// Whether it was put together elsewhere, so that it cannot be built again.
    #[must_use]
    pub const fn is_imported(&self) -> bool {
        self.imported_at.is_some()
    }

    /// The name people use: `v1.2.0` once released, `v1.2.0-rc.1` before.
    #[must_use]
    pub fn name(&self) -> String {
        if self.released_at.is_some() {
            self.version.target.to_string()
        } else {
            self.version.to_string()
        }
    }
}

/// Whether the evidence speaks for a release; the second axis beside its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Every required case passed.
    Passing,
    /// A required case failed.
    Failing,
    /// Some required case has no result yet.
    Unknown,
}

impl Health {
    /// The word used in pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Failing => "failing",
            Self::Unknown => "not validated",
        }
    }
}
