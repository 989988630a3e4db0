//! Fetching from a Debian mirror: indexes and packages, each checked by digest.
//!
//! Formats: <https://wiki.debian.org/DebianRepository/Format>. The signature of `InRelease` is
//! checked by apt, in a sandbox; what we take from it here is only where an index is and which
//! digest it must have, and apt checks that again.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    net::SocketAddr,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use blobs::{BlobError, BlobStore};
use domain::{digest::Digest, lock::LockedPackage};
use thiserror::Error;
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

/// How often one file is asked for.
const ATTEMPTS: u32 = 4;
/// How many files are fetched at once.
const CONNECTIONS: usize = 6;
/// How long a mirror may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// The mirror does not give what is needed.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// It does not answer, or not with the file.
    #[error(
        "the Debian mirror does not give {url}: {why}; check the network and the mirror, or name another with --mirror or in the recipe"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why it did not come.
        why: String,
    },
    /// What it gives is not what its index says.
    #[error(
        "{url} has the digest {found}, and {expected} is expected: the mirror is being updated or broken; try again later, or name another with --mirror"
    )]
    Digest {
        /// What was asked for.
        url: String,
        /// What came.
        found: Digest,
        /// What should have come.
        expected: Digest,
    },
    /// Its index is not of the expected form.
    #[error("the mirror's {url} is not of the expected form: {what}")]
    Form {
        /// The file.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// This host's apt names no mirror.
    #[error(
        "this host's apt names no Debian mirror for {0}: name one with --mirror, or in the recipe"
    )]
    None(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A blob could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A Debian mirror.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    base: String,
    agent: ureq::Agent,
}

/// A suite's indexes, as they stand on the mirror now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Blob of `InRelease`.
    pub(crate) release: Digest,
    /// Path below the mirror's root and blob of each `Packages.xz`.
    pub(crate) packages: Vec<(String, Digest)>,
    /// When the suite was published: seconds since 1970-01-01 UTC.
    pub(crate) published: i64,
}

/// Remembers the addresses that a name has, as long as the mirror is used.
///
/// ureq looks them up before every request, even for a connection that it keeps; a name server that
/// loses one packet in thirty then costs a build half a minute.
#[derive(Debug, Default)]
struct RememberingResolver {
    asked: DefaultResolver,
    known: Mutex<HashMap<String, Vec<SocketAddr>>>,
}

impl Resolver for RememberingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = format!("{:?} {:?}", uri.scheme_str(), uri.authority());
        // Held while the name is looked up: whoever asks meanwhile gets the same answer.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(addresses) = known.get(&name) {
            let mut found = self.empty();
            addresses.iter().for_each(|address| found.push(*address));
            return Ok(found);
        }
        let found = self.asked.resolve(uri, config, timeout)?;
        known.insert(name, found.iter().copied().collect());
        Ok(found)
    }
}

impl Mirror {
    pub(crate) fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .max_idle_connections_per_host(CONNECTIONS)
            .user_agent(concat!("bootwright/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = ureq::Agent::with_parts(
            config,
            DefaultConnector::default(),
            RememberingResolver::default(),
        );
        Self { base: base.trim_end_matches('/').to_owned(), agent }
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Fetches the indexes of a suite's components into `blobs`.
    pub(crate) fn index(
        &self,
        blobs: &BlobStore,
        suite: &str,
        components: &[String],
        architecture: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<Index, MirrorError> {
        let url = format!("{}/dists/{suite}/InRelease", self.base);
        let mut text = String::new();
        self.open(&url, stop)?.take(16 << 20).read_to_string(&mut text).map_err(|error| {
            MirrorError::Unreachable { url: url.clone(), why: error.to_string() }
        })?;
        let form = |what: String| MirrorError::Form { url: url.clone(), what };
        let published = field(&text, "Date")
            .and_then(parse_date)
            .ok_or_else(|| form("it has no Date".to_owned()))?;
        let by_hash = field(&text, "Acquire-By-Hash") == Some("yes");
        let mut packages = Vec::new();
        for component in components {
            let path = format!("{component}/binary-{architecture}/Packages.xz");
            let expected =
                listed(&text, &path).ok_or_else(|| form(format!("it lists no {path}")))?;
            if !blobs.contains(&expected) {
                let place = if by_hash {
                    format!("{component}/binary-{architecture}/by-hash/SHA256/{expected}")
                } else {
                    path.clone()
                };
                self.fetch(blobs, &format!("dists/{suite}/{place}"), &expected, stop)?;
            }
            packages.push((format!("dists/{suite}/{path}"), expected));
        }
        let release = blobs.put(text.as_bytes())?.sha256;
        Ok(Index { release, packages, published })
    }

    /// Fetches every package that `blobs` lacks, several at once; tells how many bytes are there.
    pub(crate) fn packages(
        &self,
        blobs: &BlobStore,
        wanted: &[LockedPackage],
        fetched: &(dyn Fn(&LockedPackage) + Sync),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), MirrorError> {
        let next = AtomicUsize::new(0);
        let fault: Mutex<Option<MirrorError>> = Mutex::new(None);
        let failed = || fault.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let halt = || stop() || failed();
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS.min(wanted.len()) {
                scope.spawn(|| {
                    while let Some(package) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if halt() {
                            return;
                        }
                        match self.fetch(blobs, &package.path, &package.sha256, &halt) {
                            Ok(()) => fetched(package),
                            Err(error) => {
                                let mut fault =
                                    fault.lock().unwrap_or_else(PoisonError::into_inner);
                                fault.get_or_insert(error);
                                return;
                            }
                        }
                    }
                });
            }
        });
        match fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None if stop() => Err(MirrorError::Cancelled),
            None => Ok(()),
        }
    }

    /// Fetches one file below the mirror's root; nothing is done where the blob is there.
    pub(crate) fn fetch(
        &self,
        blobs: &BlobStore,
        path: &str,
        expected: &Digest,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), MirrorError> {
        if blobs.contains(expected) {
            return Ok(());
        }
        // A '+' in a path is a blank for some mirrors.
        let url = format!("{}/{}", self.base, path.replace('+', "%2b"));
        let mut attempt = 1;
        loop {
            let body = Stoppable { inner: self.open(&url, stop)?, stop };
            let fault = match blobs.put(body) {
                Ok(blob) if blob.sha256 == *expected => return Ok(()),
                Ok(blob) => {
                    let found = blob.sha256;
                    // What nobody asked for is not kept.
                    let _ = fs::remove_file(blobs.path(&found));
                    MirrorError::Digest { url: url.clone(), found, expected: *expected }
                }
                Err(BlobError::Io { doing: "read what becomes a blob", source, .. }) => {
                    MirrorError::Unreachable { url: url.clone(), why: source.to_string() }
                }
                Err(other) => return Err(other.into()),
            };
            if stop() {
                return Err(MirrorError::Cancelled);
            }
            if attempt == ATTEMPTS {
                return Err(fault);
            }
            pause(attempt, stop);
            attempt += 1;
        }
    }

    fn open(
        &self,
        url: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Read + Send + Sync>, MirrorError> {
        let mut attempt = 1;
        loop {
            if stop() {
                return Err(MirrorError::Cancelled);
            }
            let why = match self.agent.get(url).call() {
                Ok(response) => return Ok(Box::new(response.into_body().into_reader())),
                Err(error) => error,
            };
            let final_answer = matches!(&why, ureq::Error::StatusCode(400..=499));
            if final_answer || attempt == ATTEMPTS {
                return Err(MirrorError::Unreachable { url: url.to_owned(), why: why.to_string() });
            }
            pause(attempt, stop);
            attempt += 1;
        }
    }
}

/// Waits longer from attempt to attempt, in steps short enough to be stopped in.
fn pause(attempt: u32, stop: &dyn Fn() -> bool) {
    const STEP: Duration = Duration::from_millis(100);
    for _ in 0..(5 << attempt.min(5)) {
        if stop() {
            return;
        }
        thread::sleep(STEP);
    }
}

/// A body that ends early where somebody asks to stop.
struct Stoppable<'a, R> {
    inner: R,
    stop: &'a dyn Fn() -> bool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("stopped"));
        }
        self.inner.read(buffer)
    }
}

/// What a mirror's tree has of an index: paths and blobs.
pub(crate) fn files(index: &Index, suite: &str) -> Vec<(String, Digest)> {
    let release = (format!("dists/{suite}/InRelease"), index.release);
    index.packages.iter().cloned().chain([release]).collect()
}

/// Writes the blobs of an index as a mirror's tree, for apt in a sandbox.
pub(crate) fn lay_out(
    index: &Index,
    blobs: &BlobStore,
    suite: &str,
    folder: &Path,
) -> Result<(), MirrorError> {
    for (path, digest) in files(index, suite) {
        let place = folder.join(path);
        let parent = place.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::copy(blobs.path(&digest), &place))
            .map_err(|source| MirrorError::File { path: place.clone(), source })?;
    }
    Ok(())
}

fn field<'a>(release: &'a str, name: &str) -> Option<&'a str> {
    release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The SHA-256 that a release file lists for a path.
fn listed(release: &str, path: &str) -> Option<Digest> {
    release
        .lines()
        .skip_while(|line| !line.starts_with("SHA256:"))
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .find_map(|line| {
            let mut words = line.split_whitespace();
            let digest = words.next()?;
            (words.nth(1)? == path).then(|| digest.parse().ok()).flatten()
        })
}

/// `Sat, 11 Jul 2026 10:16:37 UTC` as seconds since 1970-01-01 UTC.
fn parse_date(text: &str) -> Option<i64> {
    let date = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" +0000"))?;
    let at = httpdate::parse_http_date(&format!("{date} GMT")).ok()?;
    i64::try_from(at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "Origin: Debian\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nMD5Sum:\n 00 1 main/binary-amd64/Packages.xz\nSHA256:\n \
        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  3 main/binary-amd64/Packages.xz\n";

    #[test]
    fn a_release_file_gives_date_and_digests() {
        assert_eq!(field(RELEASE, "Date").and_then(parse_date), Some(1_783_764_997));
        assert_eq!(listed(RELEASE, "main/binary-amd64/Packages.xz"), Some(Digest::of("abc")));
        assert_eq!(listed(RELEASE, "main/binary-i386/Packages.xz"), None);
    }

    #[test]
    fn a_mirror_that_nobody_serves_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).unwrap();
        // Port 9 of loopback: nothing listens there.
        let mirror = Mirror::new("http://127.0.0.1:9/debian");
        let asked = std::sync::atomic::AtomicUsize::new(0);
        // Stops the waiting between attempts, not the attempts.
        let stop = || asked.fetch_add(1, Ordering::Relaxed) > 200;
        let error = mirror.index(&blobs, "bookworm", &["main".to_owned()], "amd64", &stop);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("127.0.0.1:9") && text.contains("--mirror"), "{text}");
    }
}
