//! From a recipe to a signed release, in named steps.
//!
//! [`Builder::build`] runs the steps of [`build_steps`] one after the other. Each is data: a name,
//! input blobs, a script and its parameters give a key; a step whose key is known is not run again
//! and its outputs come from the step cache. Whatever comes from a recipe, a package or an archive
//! runs or is unpacked in a [`sandbox`] without a network, as a user id that is neither root nor
//! the server's. Fetching is ours ([`mirror`]): indexes and packages by digest.
//!
//! No SQL and no web server here: the caller observes ([`BuildObserver`]) and writes down.

mod boot_image;
mod cache;
mod error;
mod host;
mod kernels;
pub mod mirror;
mod observer;
mod packages;
mod signing;
mod sources;
mod steps;
mod trees;
mod variants;

pub use cache::{CachedStep, StepCache};
pub use error::BuildError;
pub use kernels::{KernelOutput, KernelRequest, kernel_steps};
pub use observer::{BuildObserver, StepEvent};
pub use packages::PackageIndex;
pub use signing::{SigningError, SigningKey};
pub use sources::{FetchedContent, FetchedSource, SourceError, SourceRules, UnpackedSource};
pub use steps::{
    BuildOutput, BuildRequest, Builder, BuilderConfig, IMPORT_STEPS, ImportOutput, ImportRequest,
    KernelFiles, LockChoice, build_steps, check_together, kernel_step,
};
pub use trees::CachedTree;
pub use variants::{Base, Simulation, VariantOutput, VariantRequest, upload_name, variant_steps};
