//! What is kept of a run besides its results, and for how long.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Whether a run keeps its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// Who wants it to keep them for ever; `None` where nobody does.
    pub important: Option<Importance>,
    /// When they went, as the rules of the room say.
    pub files_removed_at: Option<Timestamp>,
}

/// Somebody's word that a run is important.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Importance {
    /// Whose.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}
