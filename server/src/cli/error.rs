//! Why a command did not do what was asked, and the exit status that tells scripts.

use std::{io, path::PathBuf, process::ExitCode};

use thiserror::Error;

use crate::api::problem::Problem;

/// How a command ended; scripts can rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// What was asked for is done.
    Done = 0,
    /// Something failed on this side, or the server failed on its own.
    Failed = 1,
    /// The command line is wrong (clap's own).
    Usage = 2,
    /// The token is missing, dead, or may not do that; or the rules say no.
    Refused = 3,
    /// There is no such thing.
    NotFound = 4,
    /// What was sent cannot be taken, or somebody else changed the same thing meanwhile.
    Invalid = 5,
    /// The job that was waited for failed or was cancelled.
    JobFailed = 6,
    /// The job ended well, and the release did not pass: the gate is shut.
    GateShut = 7,
    /// The server does not answer.
    Unreachable = 8,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Error)]
pub enum CliError {
    /// Nobody said which server, or who asks.
    #[error(
        "no server or no token is known: run `bootwright login URL`, or set BOOTWRIGHT_SERVER and BOOTWRIGHT_TOKEN"
    )]
    NoLogin,
    /// The server said no.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The server does not answer.
    #[error("{server} does not answer: {source}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What answered is no Bootwright, or another version of it.
    #[error("{server} answered something that is not Bootwright's: {what}")]
    Foreign {
        /// Its address.
        server: String,
        /// What is strange.
        what: String,
    },
    /// A file cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What comes out cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// An option makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A job that was waited for did not end well.
    #[error("{0}")]
    JobFailed(String),
    /// A release did not pass.
    #[error("{0}")]
    GateShut(String),
}

impl CliError {
    /// The exit status that tells scripts.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::NoLogin => ExitStatus::Refused,
            Self::Problem(problem) => match problem.status {
                401 | 403 => ExitStatus::Refused,
                404 => ExitStatus::NotFound,
                400..500 => ExitStatus::Invalid,
                _ => ExitStatus::Failed,
            },
            Self::Unreachable { .. } => ExitStatus::Unreachable,
            Self::Foreign { .. } | Self::File { .. } | Self::Output(_) => ExitStatus::Failed,
            Self::Usage(_) => ExitStatus::Usage,
            Self::JobFailed(_) => ExitStatus::JobFailed,
            Self::GateShut(_) => ExitStatus::GateShut,
        }
    }
}
