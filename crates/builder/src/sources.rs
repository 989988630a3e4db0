//! From where a kernel comes to bytes that are here: archives, repositories, packages, uploads.
//!
//! What a person writes in a definition decides where this server connects to, so every way out
//! goes through [`addresses`]: a name is looked up once, each address is judged, and exactly the
//! judged ones are connected to, for the first address as for every one that a server sends us on
//! to. Nothing that was fetched is unpacked or run here; that is the sandbox's.
//!
//! What was fetched lies in the step cache as an entry of the step `source`, keyed by what was asked
//! for, so that a job that is tried again fetches nothing; the collection may remove it.

mod addresses;
mod archive;
mod debian;
mod error;
mod git;
mod unpacked;
mod uploads;

use std::path::{Path, PathBuf};

use domain::{blob::BlobRef, digest::Digest, kernel::Source};
use ipnet::IpNet;
use serde::Serialize;

pub use self::{error::SourceError, unpacked::UnpackedSource};
use crate::{Builder, cache::StepOutputs, error::BuildError};

/// Name of the step, in the log and in the cache.
const NAME: &str = "source";

/// What an administrator permits sources to be.
#[derive(Debug, Clone)]
pub struct SourceRules {
    /// Repositories on disk must lie below this folder; without one there are none.
    pub root: Option<PathBuf>,
    /// Networks that sources may be fetched from although they are private or loopback.
    pub networks: Vec<IpNet>,
    /// Folder of the keys for `ssh`, a file each, with a `known_hosts` beside them.
    pub ssh_keys: PathBuf,
    /// PEM file of the authorities whose certificates are believed.
    pub authorities: PathBuf,
}

impl SourceRules {
    /// Where Debian's `ca-certificates` keeps what this host believes.
    pub const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
}

/// A source that was found and fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedSource {
    /// Where it came from in a few words, with the version that was found.
    pub origin: String,
    /// SHA-256 of the archive, or of the canonical JSON of the packages (file name to digest).
    pub sha256: Digest,
    /// The commit, where it comes from a repository.
    pub commit: Option<String>,
    /// Its bytes; [`Builder::blob_path`] tells where.
    pub content: FetchedContent,
}

/// The bytes of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedContent {
    /// One archive: a tar, compressed or not, or a zip; or Debian's `linux-source` package, which
    /// holds the tar below `usr/src`.
    Archive {
        /// File name.
        name: String,
        /// Which blob.
        blob: BlobRef,
    },
    /// Packages that hold a kernel, by file name.
    Packages {
        /// The `.deb`s.
        packages: Vec<(String, BlobRef)>,
        /// The bzImage that was built with them, where one was uploaded.
        image: Option<(String, BlobRef)>,
    },
}

impl FetchedContent {
    fn archive(name: &str, blob: BlobRef) -> Self {
        Self::Archive { name: name.to_owned(), blob }
    }
}

/// Who asked for a source: where the lines go and whether it is still wanted.
pub(crate) struct Asking<'a> {
    builder: &'a Builder,
    log: &'a dyn Fn(&str),
    stop: &'a dyn Fn() -> bool,
}

/// As [`Builder::fetch_source`].
pub(crate) fn fetch(
    builder: &Builder,
    source: &Source,
    log: &dyn Fn(&str),
    stop: &dyn Fn() -> bool,
) -> Result<FetchedSource, BuildError> {
    let asking = Asking { builder, log, stop };
    match source {
        Source::Archive { url, sha256 } => archive::fetch(&asking, url, sha256),
        Source::UploadedArchive { file } => uploads::archive(&asking, file),
        Source::UploadedPackages { packages, image } => {
            uploads::packages(&asking, packages, image.as_ref())
        }
        Source::Git { url, reference, commit, key } => {
            let (commit, key) = (commit.as_deref(), key.as_deref());
            git::fetch(&asking, &git::Wanted { url, reference, commit, key })
        }
        Source::DebianBinary { suite, package, version } => {
            let version = version.as_deref();
            debian::binary(&asking, &debian::Wanted { suite, package, version })
        }
        Source::DebianSource { suite, package, version } => {
            let version = version.as_deref();
            debian::source(&asking, &debian::Wanted { suite, package, version })
        }
    }
}

impl Builder {
    /// Finds a source and fetches what is not here yet. Every line that says how far it is goes to
    /// `log`; `stop` is asked ten times a second.
    ///
    /// # Errors
    /// [`BuildError::Source`] with what is wrong and what to do; then nothing of it is kept.
    pub fn fetch_source(
        &self,
        source: &Source,
        log: &dyn Fn(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<FetchedSource, BuildError> {
        fetch(self, source, log, stop)
    }

    /// Where a blob lies: among what is kept, or in the step cache.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let kept = self.blobs.path(digest);
        if kept.is_file() { kept } else { self.cache.blobs.path(digest) }
    }
}

/// What an entry of the cache is the digest of: what was asked for, as exactly as can be.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "source")]
enum Asked<'a> {
    /// Bytes of that digest, from wherever.
    File { sha256: &'a Digest },
    /// The tree of a commit of a repository.
    Commit { url: &'a str, commit: &'a str },
}

impl Asking<'_> {
    fn say(&self, line: &str) {
        (self.log)(line);
    }

    /// Ends here where nobody wants it any more.
    fn go_on(&self) -> Result<(), BuildError> {
        if (self.stop)() { Err(BuildError::Cancelled) } else { Ok(()) }
    }

    /// The file that was fetched for this before, where it is still whole.
    fn known(&self, asked: &Asked<'_>) -> Result<Option<BlobRef>, BuildError> {
        let key = domain::canonical::digest(asked)?;
        let found = self.builder.cache.get(&key);
        Ok(found.and_then(|outputs| outputs.files.into_values().next()))
    }

    /// Remembers what was fetched.
    fn remember(&self, asked: &Asked<'_>, name: &str, blob: BlobRef) -> Result<(), BuildError> {
        let key = domain::canonical::digest(asked)?;
        let outputs =
            StepOutputs { step: NAME.to_owned(), files: [(name.to_owned(), blob)].into() };
        self.builder.cache.put(&key, &outputs)
    }

    /// A folder for what runs now; removed when dropped.
    fn work_folder(&self) -> Result<tempfile::TempDir, BuildError> {
        let work = &self.builder.config.work_dir;
        std::fs::create_dir_all(work)
            .and_then(|()| tempfile::Builder::new().prefix("source-").tempdir_in(work))
            .map_err(io_error("make a folder in", work))
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_path_buf();
    move |source| BuildError::Io { doing, path, source }
}
