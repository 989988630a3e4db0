//! The inbox of approvers.

use domain::{deployment::Deployment, release::Health};
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// `/approvals`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalsPage {
    /// Requests that wait, oldest first.
    pub open: Vec<InboxRow>,
    /// Requests that ended lately, newest first.
    pub ended: Vec<Deployment>,
}

/// A request that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxRow {
    /// The request.
    pub deployment: Deployment,
    /// What the release's evidence says.
    pub health: Health,
    /// What changes, in one line.
    pub summary: String,
    /// How many approvals count, of how many that are demanded.
    pub counted: u32,
    /// How many approvals are demanded.
    pub demanded: u32,
    /// Whether the viewer may approve it now.
    pub approve: Choice,
    /// Whether the viewer may execute it now.
    pub deploy: Choice,
}

/// The inbox.
pub(crate) async fn load_approvals() -> Result<ApprovalsPage, AppError> {
    crate::compose::deployments::inbox(&super::asked()?).await
}
