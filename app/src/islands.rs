//! What runs in the browser. Everything else of this crate is rendered by the server and sent as
//! plain markup: pages read and forms work without any of this (`docs/decisions`).
//!
//! Two islands: the tools of a log, and one that every page has, which makes times relative,
//! copies, moves from cell to cell of a grid, numbers the editor's lines, keeps its form in step with its text, and renews what the server
//! says has changed.

pub mod log;
pub mod page;

#[cfg(feature = "hydrate")]
mod changes;
#[cfg(feature = "hydrate")]
mod clock;
#[cfg(feature = "hydrate")]
mod copy;
#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod editor;
#[cfg(feature = "hydrate")]
mod fields;
#[cfg(feature = "hydrate")]
mod grid;
#[cfg(feature = "hydrate")]
mod source;
#[cfg(feature = "hydrate")]
mod step;
