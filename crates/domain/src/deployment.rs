//! Deployments: changes of an environment's pointer, from the request to the switch.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    ids::{DeploymentId, PersonId, ReleaseId},
    job::{UnknownWord, from_word},
    time::Timestamp,
};

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeploymentState {
    /// Waits for approvals.
    Requested,
    /// Has the approvals; somebody may deploy it.
    Approved,
    /// Executed: the pointer was moved.
    Deployed,
    /// An approver said no.
    Refused,
    /// The requester took it back.
    Withdrawn,
    /// What it was approved on has changed.
    Lapsed,
    /// Executing it failed.
    Failed,
}

impl DeploymentState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::Approved,
        Self::Deployed,
        Self::Refused,
        Self::Withdrawn,
        Self::Lapsed,
        Self::Failed,
    ];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Deployed => "deployed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Failed => "failed",
        }
    }

    /// Whether it still waits for somebody.
    #[must_use]
    pub const fn open(self) -> bool {
        matches!(self, Self::Requested | Self::Approved)
    }
}

impl FromStr for DeploymentState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "a state of a deployment", text)
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A deployment as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Which deployment.
    pub id: DeploymentId,
    /// Whose pointer.
    pub environment: String,
    /// What the pointer is to become.
    pub release: ReleaseId,
    /// Name of that release now.
    pub release_name: String,
    /// What the pointer was when this was executed, or is now.
    pub from_release: Option<ReleaseId>,
    /// Name of that release.
    pub from_name: Option<String>,
    /// Whether it goes back to what the environment has served before.
    pub rollback: bool,
    /// How it stands.
    pub state: DeploymentState,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked.
    pub requester: PersonId,
    /// That person's name.
    pub requester_name: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Manifest digest when it was asked for.
    pub manifest: Digest,
    /// Evidence digest when it was asked for.
    pub evidence: Digest,
    /// Who said what.
    pub approvals: Vec<Approval>,
    /// When it was executed, refused, withdrawn, lapsed or failed.
    pub ended_at: Option<Timestamp>,
    /// Name of the person who executed or ended it.
    pub ended_by: Option<String>,
    /// Why it ended so, where it was not deployed.
    pub outcome: Option<String>,
}

/// What an approver said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub approver: PersonId,
    /// That person's name.
    pub approver_name: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why; a refusal has one always.
    pub comment: String,
    /// When.
    pub at: Timestamp,
    /// The manifest digest it was said about.
    pub manifest: Digest,
    /// The evidence digest it was said on.
    pub evidence: Digest,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Refused,
}

impl Verdict {
    /// Both verdicts.
    pub const ALL: [Self; 2] = [Self::Approved, Self::Refused];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for Verdict {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "a verdict", text)
    }
}
