//! The use cases of Bootwright: what pages, the REST API, the command line and the workers share.
//!
//! Every use case is a method of [`Services`] and takes the [`Actor`](domain::actor::Actor) who
//! asks. It asks the rules of `domain::policy`, does its work in one transaction of the store that
//! also appends the audit row, and then tells who listens. One file per noun; what takes long is
//! done by the workers in [`mod@work`].

pub mod assessments;
pub mod audit;
pub mod badges;
pub mod boots;
mod catalogue;
mod demonstration;
pub mod deployments;
pub mod downloads;
pub mod environments;
pub mod error;
pub mod evidence;
pub mod feed;
pub mod guests;
pub mod history;
pub mod idempotency;
pub mod identity;
pub mod imports;
pub mod job_log;
pub mod jobs;
mod keeping;
pub mod kernels;
pub mod machines;
pub mod notes;
mod open;
pub mod overview;
pub mod password;
pub mod people;
pub mod plans;
pub mod recipes;
pub mod releases;
mod remembered;
pub mod report;
pub mod results;
pub mod room;
pub mod runs;
mod secret_key;
pub mod sessions;
pub mod slots;
pub mod tokens;
pub mod uploads;
pub mod validations;
pub mod variants;
mod work;

pub use error::{ServiceError, StartError};
pub use open::{Services, ServicesOptions};
pub use secret_key::secret_key;
