//! Environments: what machines boot from. Each points at one release and has a policy.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    ids::ReleaseId,
    time::Timestamp,
};

/// Where machines boot production from; exists from the start.
pub const PRODUCTION: &str = "production";
/// Where developers try things; exists from the start.
pub const DEVELOPMENT: &str = "development";

/// What an environment demands before its pointer moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Policy {
    /// Plans whose required cases must all have passed.
    pub plans: Vec<String>,
    /// How many distinct people must approve.
    pub approvals: u32,
    /// Whether people may approve what they asked for themselves.
    pub self_approval: bool,
}

impl Policy {
    /// What `production` starts with: plan "smoke", one approval by somebody else.
    #[must_use]
    pub fn production() -> Self {
        Self { plans: vec!["smoke".to_owned()], approvals: 1, self_approval: false }
    }

    /// What `development` starts with: nothing is demanded.
    #[must_use]
    pub const fn open() -> Self {
        Self { plans: Vec::new(), approvals: 0, self_approval: false }
    }

    /// The digest by which this very policy is known: who changes one says which was looked at.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn version(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }

    /// Whether a candidate gets its released name by being deployed: where something is demanded,
    /// since what anybody may try at any time has passed nothing (`docs/decisions`).
    #[must_use]
    pub fn names_releases(&self) -> bool {
        self.approvals > 0 || !self.plans.is_empty()
    }
}

/// An environment as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Unique name.
    pub name: String,
    /// What it points at.
    pub release: Option<ReleaseId>,
    /// Name of that release.
    pub release_name: Option<String>,
    /// Since when it points there.
    pub since: Option<Timestamp>,
    /// What it demands.
    pub policy: Policy,
}
