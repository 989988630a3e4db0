//! Machines from a table. Its form may carry a file, so it is sent to the server's `POST /machines/import`,
//! and the answer is the form again with what the table would do, or with every fault of it.

use domain::{digest::Digest, machine::RowFault};
use services::machines::Imported;

use crate::{api::Choice, error::AppError};

/// What the form of a table holds, and what came of looking at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableDraft {
    /// The table.
    pub table: String,
    /// Why the locks of others do not hold.
    pub reason: String,
    /// What it would do, or what is wrong with it.
    pub looked: Option<Looked>,
    /// Why it was not looked at.
    pub error: Option<AppError>,
}

/// What came of looking at a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It would do this.
    Would(Imported),
    /// It is not taken, since these lines cannot be.
    Faulty(Vec<RowFault>),
}

/// What a table did that was taken: how many machines it added and changed, and how many were as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Registered by it.
    pub added: usize,
    /// Changed or accepted by it.
    pub changed: usize,
    /// As it says already.
    pub unchanged: usize,
}

/// `/machines/import`
#[derive(Debug, Clone)]
pub struct TablePage {
    /// What the form holds.
    pub draft: TableDraft,
    /// What was taken right before.
    pub taken: Option<Taken>,
    /// Whether the viewer is an administrator, who passes locks of others by a reason.
    pub administrator: bool,
    /// Whether the viewer may import.
    pub import: Choice,
}

impl TableDraft {
    /// The digest by which a table is known: what is taken is what was looked at.
    #[must_use]
    pub fn seen(&self) -> Digest {
        Digest::of(&self.table)
    }
}

/// The form of a table; `taken` is what a table did that was taken right before, `added-changed-unchanged`.
pub(crate) async fn load_table(taken: String) -> Result<TablePage, AppError> {
    crate::compose::machines::table::page(&crate::api::asked()?, &taken)
}
