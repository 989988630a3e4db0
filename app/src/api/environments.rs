//! Environments: what each serves, its history, and what it demands.

use domain::{
    deployment::Deployment, digest::Digest, environment::Environment, ids::DeploymentId,
    slot::Slot, time::Timestamp,
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::slots::SlotSummary;

use super::{Choice, overview::EnvironmentRow, releases::ReleaseRow};
use crate::error::AppError;

/// `/environments`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentsPage {
    /// By name.
    pub environments: Vec<EnvironmentRow>,
}

/// `/environments/:name`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentPage {
    /// The environment.
    pub environment: Environment,
    /// The release that it serves.
    pub current: Option<ReleaseRow>,
    /// Requests that wait, oldest first.
    pub open: Vec<Deployment>,
    /// What happened to it, newest first.
    pub history: Vec<HistoryRow>,
    /// Path of its menu on the boot listener.
    pub menu_path: String,
    /// Plans that a policy can demand.
    pub plans: Vec<String>,
    /// The slots that it has, each with what fills it.
    pub slots: Vec<SlotRow>,
    /// Names of the variants that can fill one.
    pub variants: Vec<String>,
}

/// A slot of an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SlotRow {
    /// The slot.
    pub slot: Slot,
    /// The variant in it.
    pub filled: Option<SlotSummary>,
}

/// A deployment that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The deployment.
    pub deployment: Deployment,
    /// When the environment went on to the next release; `None` while it serves this one, and for
    /// what was not deployed.
    pub until: Option<Timestamp>,
    /// Whether the viewer may put the environment back on this release; `None` where the question
    /// does not arise: it was never deployed, or it is what is served.
    pub roll_back: Option<Choice>,
}

/// All environments.
pub(crate) async fn load_environments() -> Result<EnvironmentsPage, AppError> {
    crate::compose::environments::list(&super::asked()?).await
}

/// One environment.
pub(crate) async fn load_environment(name: String) -> Result<EnvironmentPage, AppError> {
    crate::compose::environments::page(&super::asked()?, &name).await
}

/// Puts an environment back on the release of a former deployment. `confirm` is the release's
/// name, typed.
#[server(prefix = "/api/ui")]
pub async fn roll_back(
    environment: String,
    deployment: DeploymentId,
    #[server(default)] reason: String,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    crate::compose::environments::roll_back(
        &super::asked()?,
        &environment,
        &deployment,
        &reason,
        &confirm,
    )
    .await
}

/// Changes what an environment demands.
#[server(prefix = "/api/ui")]
pub async fn change_policy(
    environment: String,
    #[server(default)] plans: Vec<String>,
    approvals: u32,
    #[server(default)] self_approval: bool,
    #[server(default)] base: Option<Digest>,
) -> Result<(), AppError> {
    crate::compose::environments::change_policy(
        &super::asked()?,
        &environment,
        domain::environment::Policy { plans, approvals, self_approval },
        base,
    )
    .await
}

/// Lets a variant fill a slot of an environment.
#[server(prefix = "/api/ui")]
pub async fn fill_slot(
    environment: String,
    slot: Slot,
    #[server(default)] variant: String,
) -> Result<(), AppError> {
    crate::compose::environments::fill_slot(&super::asked()?, &environment, slot, &variant).await
}

/// Empties a slot of an environment.
#[server(prefix = "/api/ui")]
pub async fn empty_slot(environment: String, slot: Slot) -> Result<(), AppError> {
    crate::compose::environments::empty_slot(&super::asked()?, &environment, slot).await
}
