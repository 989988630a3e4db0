//! Why a sandbox could not be made, or did not come to its end.

use std::{io, path::PathBuf, time::Duration};

use process::ProcessError;
use thiserror::Error;

/// No sandbox can be made or run; each names the remedy.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A tool is missing.
    #[error("the program {program} is missing: install the Debian package {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// The kernel or its configuration does not allow user namespaces.
    #[error("user namespaces are not permitted here: {0}")]
    NotPermitted(String),
    /// The user has no subordinate ids.
    #[error(
        "user {user} has no range of 65536 subordinate ids in /etc/subuid and /etc/subgid: run setup/40-system-user.sh, or usermod --add-subuids and --add-subgids"
    )]
    NoRange {
        /// The server's user.
        user: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Root would be root inside as well.
    #[error(
        "sandboxes are not made by root: start bootwright as root and it becomes its system user, or start it as an ordinary user"
    )]
    Root,
    /// A folder of the sandbox cannot be made or read.
    #[error("cannot {doing} {path}: {source}")]
    Folder {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A process could not be started or waited for.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Somebody asked it to stop.
    #[error("cancelled")]
    Cancelled,
    /// It took too long.
    #[error("it did not end within {0:?} and was ended")]
    TimedOut(Duration),
    /// The script failed.
    #[error("its script ended with {status}")]
    Failed {
        /// Exit code or signal, in words.
        status: String,
        /// The exit code; `None` where a signal ended it.
        code: Option<i32>,
        /// The last lines it wrote.
        lines: Vec<String>,
    },
}
