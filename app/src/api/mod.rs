//! What pages ask of the server: the data of each page, and the server functions that give it.
//!
//! Each function does three things: who asks, one call of a use case, map the error. What pages load
//! while they are rendered is named `load_…`; the others are server functions, which forms are sent
//! to.
#![expect(
    missing_docs,
    reason = "the structs that `server` makes of the arguments of a function take no docs"
)]

pub mod approvals;
pub mod assessments;
pub mod audit;
pub mod boots;
pub mod deployments;
pub mod environments;
pub mod guests;
pub mod history;
pub mod imports;
pub mod jobs;
pub mod kernels;
pub mod machines;
pub mod overview;
pub mod people;
pub mod plans;
pub mod recipes;
pub mod releases;
pub mod results;
pub mod room;
pub mod runs;
pub mod tokens;
pub mod variants;

use domain::page::{Cursor, Slice};

/// Whether something may be done now; if not, why not, in the words of `domain::policy`.
pub type Choice = Result<(), String>;

/// What else a long list has besides the page that is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Around {
    /// Whether this page is the first.
    pub newest: bool,
    /// Where the next page begins; `None` on the last.
    pub older: Option<Cursor>,
}

impl Around {
    pub(crate) const fn of(slice: &Slice, older: Option<Cursor>) -> Self {
        Self { newest: slice.after.is_none(), older }
    }
}

/// Who asks.
pub(crate) fn asked() -> Result<crate::compose::Asked, crate::error::AppError> {
    crate::compose::Asked::now()
}
