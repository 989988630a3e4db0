//! The audit log.

use domain::{audit::AuditRow, page::Cursor};
use serde::{Deserialize, Serialize};

use super::Around;
use crate::error::AppError;

/// `/audit?after=`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// What else there is.
    pub around: Around,
}

/// A page of the audit log: rows after `after`, else the newest.
pub(crate) async fn load_audit(after: Option<Cursor>) -> Result<AuditPage, AppError> {
    crate::compose::overview::audit(&super::asked()?, after).await
}
