//! One deployment: what changes, on which evidence, and what may be done with it.

use domain::{
    deployment::{Deployment, Verdict},
    digest::Digest,
    environment::Environment,
    evidence::EvidenceChange,
    ids::DeploymentId,
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::{
    Choice,
    releases::{ChangeAgainst, PlanEvidence, ReleaseRow},
};
use crate::error::AppError;

/// `/deployments/:id`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeploymentPage {
    /// The deployment.
    pub deployment: Deployment,
    /// Its environment with what it demands now.
    pub environment: Environment,
    /// The release that it is about.
    pub release: ReleaseRow,
    /// What changes against what the environment serves (or served before this one).
    pub changes: Option<ChangeAgainst>,
    /// What decides now, for each plan that the environment demands.
    pub evidence: Vec<PlanEvidence>,
    /// Digest of that evidence: what an approval given now would name.
    pub evidence_digest: Digest,
    /// What changed of the evidence since it was asked for; `None` where that cannot be told.
    pub evidence_changes: Option<Vec<EvidenceChange>>,
    /// How many approvals count now.
    pub counted: u32,
    /// What the viewer may do.
    pub choices: DeploymentChoices,
}

/// What a person may do with a deployment now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeploymentChoices {
    /// Approve it.
    pub approve: Choice,
    /// Refuse it.
    pub refuse: Choice,
    /// Take it back.
    pub withdraw: Choice,
    /// Execute it.
    pub deploy: Choice,
}

/// One deployment.
pub(crate) async fn load_deployment(id: DeploymentId) -> Result<DeploymentPage, AppError> {
    crate::compose::deployments::page(&super::asked()?, &id).await
}

/// Asks that an environment serve a release, and goes to the request.
#[server(prefix = "/api/ui")]
pub async fn request_deployment(
    environment: String,
    version: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::deployments::request(&super::asked()?, &environment, &version, &reason).await
}

/// Approves or refuses, on the evidence that the person saw: where another decides by now, the
/// verdict is not taken.
#[server(prefix = "/api/ui")]
pub async fn judge_deployment(
    id: DeploymentId,
    verdict: Verdict,
    evidence: Digest,
    #[server(default)] comment: String,
) -> Result<(), AppError> {
    crate::compose::deployments::judge(&super::asked()?, &id, verdict, evidence, &comment).await
}

/// Takes a request back.
#[server(prefix = "/api/ui")]
pub async fn withdraw_deployment(id: DeploymentId) -> Result<(), AppError> {
    crate::compose::deployments::withdraw(&super::asked()?, &id).await
}

/// Executes a deployment. `confirm` is the release's name, typed.
#[server(prefix = "/api/ui")]
pub async fn execute_deployment(
    id: DeploymentId,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    crate::compose::deployments::execute(&super::asked()?, &id, &confirm).await
}
