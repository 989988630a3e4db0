//! Rows that must survive: SQLite by default, PostgreSQL when a site outgrows one machine.
//!
//! [`Store`] hands out [`Rows`] to read from and [`WriteTx`] to change something; a `WriteTx` reads
//! as well, so that a gate is decided from rows of the very transaction that it lets through. One
//! file per noun; the SQL stands in full beside its function, in the subset that both engines
//! share (DESIGN.md §4). Dropping a `WriteTx` without [`WriteTx::commit`] leaves nothing.

pub mod assessments;
pub mod audit;
pub mod boots;
mod columns;
pub mod comparisons;
mod demonstration;
pub mod deployments;
pub mod environments;
mod error;
pub mod history;
pub mod idempotency;
pub mod imports;
pub mod jobs;
mod keeping;
pub mod kernels;
pub mod links;
pub mod locks;
pub mod machines;
pub mod notes;
mod packed;
pub mod people;
pub mod plans;
pub mod recipes;
pub mod releases;
pub mod result_files;
pub mod results;
pub mod room;
pub mod runs;
pub mod sessions;
mod slots;
pub mod standings;
pub mod subjects;
pub mod tokens;
mod transaction;
pub mod uploads;
pub mod validations;
pub mod variants;

pub use error::StoreError;
pub use transaction::{Rows, Store, WriteTx};
