//! The first page: what runs where, what waits, what builds, what broke.

use domain::{boot::Boot, deployment::Deployment, environment::Environment, release::Health};
use serde::{Deserialize, Serialize};

use super::{approvals::InboxRow, jobs::JobRow, releases::ReleaseRow, variants::VariantRow};
use crate::error::AppError;

/// `/`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OverviewPage {
    /// What runs where, since when.
    pub environments: Vec<EnvironmentRow>,
    /// What waits for the viewer.
    pub waiting: Vec<InboxRow>,
    /// Jobs that run or wait for a worker.
    pub working: Vec<JobRow>,
    /// The newest jobs that failed.
    pub broken: Vec<JobRow>,
    /// The newest boots of machines that ended early within the last hour.
    pub failed_boots: Vec<Boot>,
    /// The viewer's variants that end within days or are over.
    pub ending: Vec<VariantRow>,
    /// The newest releases, at the most five.
    pub newest: Vec<ReleaseRow>,
    /// Whether there is a recipe yet.
    pub has_recipe: bool,
    /// Why builds wait for room on the disk, where they do.
    pub shortage: Option<String>,
    /// How machines reach the boot listener.
    pub boot: BootCard,
}

/// An environment with what its release's evidence says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentRow {
    /// The environment.
    pub environment: Environment,
    /// Health of the release that it serves.
    pub health: Option<Health>,
    /// Requests that wait.
    pub open: Vec<Deployment>,
}

/// "Boot a machine now".
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BootCard {
    /// `chain http://<address>:<port>/menu.ipxe`, one for each address of this host.
    pub chain_lines: Vec<String>,
    /// Whether the boot listener answers there; if not, why not and what to do.
    pub answers: Result<(), String>,
}

/// The first page.
pub(crate) async fn load_overview() -> Result<OverviewPage, AppError> {
    crate::compose::overview::page(&super::asked()?).await
}
