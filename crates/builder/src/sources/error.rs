//! Why a source cannot be had.

use std::{net::IpAddr, path::PathBuf};

use domain::digest::Digest;
use thiserror::Error;

use super::addresses::Refusal;

/// Why a source cannot be had, and what to do.
#[derive(Debug, Error)]
pub enum SourceError {
    /// Where it stands is not to be connected to.
    #[error(
        "{host} has the address {address}, which is {refusal}, so nothing is fetched from it{}",
        refusal.remedy()
    )]
    Refused {
        /// The host that was named, by a person or by a redirect.
        host: String,
        /// What it stands for.
        address: IpAddr,
        /// Why not.
        refusal: Refusal,
    },
    /// The name has no address.
    #[error("the host {host} has no address: {why}; check its name and this server's name service")]
    NoAddress {
        /// The host.
        host: String,
        /// What the name service said.
        why: String,
    },
    /// A server sends us where we do not go.
    #[error(
        "{url} sends on to {to}, which is not followed: {why}; give the URL where the file stands"
    )]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where it leads.
        to: String,
        /// Why not.
        why: &'static str,
    },
    /// It does not come.
    #[error(
        "{url} cannot be fetched: {why}; check the address and that this server reaches it, and try again"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why it did not come.
        why: String,
    },
    /// It is too large.
    #[error("{what} is larger than {limit}, the most that a source may have")]
    TooLarge {
        /// What.
        what: String,
        /// The limit in words.
        limit: String,
    },
    /// Its bytes are not those that were asked for.
    #[error(
        "{url} has the SHA-256 {found}, and {expected} was asked for: nothing of it was kept; compare with what its publisher names, and correct the definition where that has changed"
    )]
    Digest {
        /// What was asked for.
        url: String,
        /// What came.
        found: Digest,
        /// What should have come.
        expected: Digest,
    },
    /// An upload is gone.
    #[error("the upload {name} (SHA-256 {sha256}) is not here: upload it again")]
    NoUpload {
        /// What it was called.
        name: String,
        /// What it was.
        sha256: Digest,
    },
    /// A definition that no rule of definitions lets through.
    #[error("{0}")]
    Definition(String),
    /// A repository on disk that is not permitted.
    #[error("the repository {path} {why}")]
    Folder {
        /// As the definition names it.
        path: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// What `ssh` needs is not there.
    #[error("{0}")]
    Ssh(String),
    /// A tag or commit is not there.
    #[error("the repository {url} has no {what}: {remedy}")]
    NoReference {
        /// The repository.
        url: String,
        /// Tag or commit.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A tag stands for another commit than before.
    #[error(
        "the tag {tag} of {url} moved from {before} to {now}: ask its owner why; to build what it stands for now, take the commit out of the definition, and to stay with the former, name that commit as the reference"
    )]
    Moved {
        /// The tag.
        tag: String,
        /// The repository.
        url: String,
        /// The commit that it stood for.
        before: String,
        /// The commit that it stands for.
        now: String,
    },
    /// Git gave up.
    #[error("git cannot fetch {url}: {why}")]
    Git {
        /// The repository.
        url: String,
        /// What it said.
        why: String,
    },
    /// Debian has no such package.
    #[error("{suite} has no package {package}{}", among(names, "; it has "))]
    NoPackage {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
        /// What else there is of that kind.
        names: Vec<String>,
    },
    /// Debian has another version.
    #[error(
        "{suite} has {package} in {}, and not in {version}: name one that it has, or none for its newest",
        versions.join(", ")
    )]
    NoVersion {
        /// The suite.
        suite: String,
        /// The package.
        package: String,
        /// What was asked for.
        version: String,
        /// Those that exist, the newest first.
        versions: Vec<String>,
    },
    /// A package of Debian of another kind.
    #[error("the package {package} {why}")]
    NotOfThatKind {
        /// The package.
        package: String,
        /// What it is not, and what to name instead.
        why: &'static str,
    },
    /// A file of ours is not as it must be.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
}

fn among(names: &[String], before: &str) -> String {
    if names.is_empty() { String::new() } else { format!("{before}{}", names.join(", ")) }
}
