//! Why a build did not come to its end.

use sandbox::SandboxError;
use thiserror::Error;

use crate::{mirror::MirrorError, signing::SigningError, sources::SourceError};

/// Why a build did not come to its end; each says what to do where something can be done.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A step's tools failed.
    #[error("the step {step} failed: {why}{}", last_lines(lines))]
    Step {
        /// The step.
        step: &'static str,
        /// Why, in one sentence.
        why: String,
        /// The last lines that matter.
        lines: Vec<String>,
    },
    /// What is installed is not what the lock names.
    #[error(
        "after the step {step} the installed packages differ from the lock: {difference}; the host's tools have a fault, or a package removes another"
    )]
    NotAsLocked {
        /// The step.
        step: &'static str,
        /// The first packages that differ.
        difference: String,
    },
    /// A lock is to be kept that has not what the recipe names.
    #[error(
        "the former lock has no kernel {0}, which the recipe names now: build with newer packages"
    )]
    NotInLock(String),
    /// apt does not do what is asked of it.
    #[error("apt refuses this change of packages: {0}")]
    AptRefuses(String),
    /// More would be removed than somebody has agreed to.
    #[error(
        "this would remove {} as well: agree to it under \"accept_removal\", or change what is added and removed",
        .0.join(", ")
    )]
    Unconfirmed(Vec<String>),
    /// The base release of a variant cannot be built on.
    #[error("no variant can be built on {base}: {why}")]
    Base {
        /// Name of the release.
        base: String,
        /// Why not, in one sentence.
        why: String,
    },
    /// What somebody brought along is not taken.
    #[error("{what} is refused: {why}")]
    Refused {
        /// What it is called.
        what: String,
        /// Why not, in one sentence.
        why: String,
    },
    /// Two things that one boot entry starts are of different kernels.
    #[error("{one}, and {other}: they do not belong together")]
    NotTogether {
        /// The first of the two, and what it is.
        one: String,
        /// The other.
        other: String,
    },
    /// Somebody asked the build to stop.
    #[error("cancelled")]
    Cancelled,
    /// The mirror does not give what is needed.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A kernel's source cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No sandbox can be made here.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A blob could not be kept or read.
    #[error(transparent)]
    Blob(#[from] blobs::BlobError),
    /// The manifest could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A file of ours could not be written or read.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A tool or our own script wrote something that we cannot read.
    #[error("the step {step} gave something unexpected: {what}")]
    Unexpected {
        /// The step.
        step: &'static str,
        /// What.
        what: String,
    },
    /// A record cannot be written as canonical JSON.
    #[error(transparent)]
    NotCanonical(#[from] domain::canonical::NotCanonical),
}

fn last_lines(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("; last lines: {}", lines.join(" | ")) }
}
