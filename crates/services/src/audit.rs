//! The audit log: every change is a row of it, written in the change's own transaction.

mod change;
mod description;

use domain::{
    actor::Actor,
    audit::{AuditEntry, AuditRow},
    page::{Page, Slice},
    policy::Action,
};
use store::WriteTx;
pub use store::audit::AuditFilter;

pub(crate) use self::change::Change;
use crate::{Services, error::ServiceError};

/// The action of the row that tells the end of a guest.
pub(crate) const GUEST_END: &str = "guest.end";
/// The outcome of a guest that ran when its server was killed.
pub(crate) const INTERRUPTED: &str = "interrupted: the server ended before it";

/// What `bootwright audit verify` found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAudit {
    /// How many rows there are.
    pub rows: i64,
    /// The hash of the last row: keep it elsewhere to find a chain that was made anew.
    pub head: String,
}

impl Services {
    /// Appends the audit row of a change; gives the change's sequence number.
    pub(crate) async fn record(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        change: Change<'_>,
    ) -> Result<i64, ServiceError> {
        let (action, subject_kind, subject, details) = change.describe();
        let entry = AuditEntry::new(self.now(), actor, action, subject_kind, subject, details);
        Ok(tx.record(&entry).await?)
    }

    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn audit_page(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        slice: &Slice,
    ) -> Result<Page<AuditRow>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.audit_page(filter, slice).await?)
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// The first row that was edited, removed or inserted.
    pub async fn verify_audit(&self) -> Result<VerifiedAudit, ServiceError> {
        let (rows, head) = self.read().await?.verify_audit().await?;
        Ok(VerifiedAudit { rows, head })
    }
}
