//! The audit log.

use domain::audit::AuditRow;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// `/audit?before=`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// The number below which older rows begin; `None` where there are none.
    pub older: Option<i64>,
    /// Whether these are the newest rows.
    pub newest: bool,
}

/// A page of the audit log: rows older than `before`, else the newest.
pub(crate) async fn load_audit(before: Option<i64>) -> Result<AuditPage, AppError> {
    crate::compose::overview::audit(&super::asked()?, before).await
}
