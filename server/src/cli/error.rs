//! Why a command did not do what was asked, and the exit status that tells scripts.

use std::{io, path::PathBuf, process::ExitCode};

use thiserror::Error;

use crate::api::problem::Problem;

/// How a command ended; scripts can rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// What was asked for is done.
    Done,
    /// Something failed on this side, or the server failed on its own.
    Failed,
    /// The command line is wrong (clap's own).
    Usage,
    /// The token is missing, dead, or may not do that; or the rules say no.
    Refused,
    /// There is no such thing.
    NotFound,
    /// What was sent cannot be taken, or somebody else changed the same thing meanwhile.
    Invalid,
    /// The job that was waited for failed or was cancelled.
    JobFailed,
    /// The job ended well, and the release did not pass: the gate is shut.
    GateShut,
    /// The server does not answer.
    Unreachable,
    /// What was compared got worse.
    Worse,
}

impl ExitStatus {
    /// The number that the shell gets.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Invalid => 5,
            Self::JobFailed => 6,
            Self::GateShut => 7,
            Self::Unreachable => 8,
            Self::Worse => 9,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
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
    /// Files of results could not be brought in.
    #[error("{0}")]
    NotBrought(String),
    /// Results got worse against those that they were compared with.
    #[error("{0}")]
    Worse(String),
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
            Self::Foreign { .. } | Self::File { .. } | Self::Output(_) | Self::NotBrought(_) => {
                ExitStatus::Failed
            }
            Self::Usage(_) => ExitStatus::Usage,
            Self::JobFailed(_) => ExitStatus::JobFailed,
            Self::GateShut(_) => ExitStatus::GateShut,
            Self::Worse(_) => ExitStatus::Worse,
        }
    }
}
