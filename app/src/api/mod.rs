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
pub mod audit;
pub mod deployments;
pub mod environments;
pub mod jobs;
pub mod overview;
pub mod people;
pub mod recipes;
pub mod releases;
pub mod runs;
pub mod tokens;

/// Whether something may be done now; if not, why not, in the words of `domain::policy`.
pub type Choice = Result<(), String>;

/// Who asks.
pub(crate) fn asked() -> Result<crate::compose::Asked, crate::error::AppError> {
    crate::compose::Asked::now()
}
