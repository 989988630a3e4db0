//! Archives at a URL, by HTTP or HTTPS.
//!
//! A thread of its own fetches, so that a job that is cancelled ends at once, however silent the
//! server is; the bytes become a blob only where all of them are there and have the digest that was
//! asked for.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use blobs::BlobError;
use domain::{blob::BlobRef, digest::Digest, time::human_size};
use sha2::{Digest as _, Sha256};
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{Asked, Asking, FetchedContent, FetchedSource, SourceError, addresses::Guard};
use crate::error::BuildError;

/// The most bytes that a source may have.
pub(super) const LARGEST: u64 = 4 << 30;
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a download may take.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// How often somebody may be sent on.
const REDIRECTS: u32 = 10;
/// How often a waiting download asks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);
/// How often a download says how far it has come.
const SAYS: Duration = Duration::from_secs(5);
/// How much is passed on at once, in bytes.
const CHUNK: usize = 256 * 1024;

pub(super) fn fetch(
    asking: &Asking<'_>,
    url: &str,
    sha256: &Digest,
) -> Result<FetchedSource, BuildError> {
    let name = file_name(url);
    let asked = Asked::File { sha256 };
    let blob = if let Some(blob) = asking.known(&asked)? {
        asking.say(&format!("{name} ({}) is here", human_size(blob.size)));
        blob
    } else {
        asking.say(&format!("fetching {url}"));
        let blob = download(asking, url, sha256)?;
        asking.remember(&asked, &name, blob)?;
        asking.say(&format!("{name}: {}, SHA-256 as asked for", human_size(blob.size)));
        blob
    };
    Ok(FetchedSource {
        origin: url.to_owned(),
        sha256: *sha256,
        commit: None,
        content: FetchedContent::archive(&name, blob),
    })
}

/// The name of what a URL leads to.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let place = path.split_once("://").map_or(path, |(_, rest)| rest);
    let last = place.split_once('/').and_then(|(_, path)| path.rsplit('/').next());
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._+~-".contains(*c);
    let name: String = last.unwrap_or_default().chars().filter(plain).take(100).collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { "archive".to_owned() }
}

fn download(asking: &Asking<'_>, url: &str, expected: &Digest) -> Result<BlobRef, BuildError> {
    let rules = &asking.builder.config.sources;
    let agent = agent(url, Guard::new(&rules.networks), &rules.authorities)?;
    let (sender, pieces) = mpsc::sync_channel(4);
    let asked = url.to_owned();
    thread::spawn(move || {
        if let Err(error) = pass_on(&agent, &asked, &sender) {
            // Nobody waits any more where it was cancelled.
            let _ = sender.send(Err(error));
        }
    });
    let arriving = Arriving {
        asking,
        url,
        expected,
        pieces,
        piece: io::Cursor::new(Vec::new()),
        hash: Sha256::new(),
        received: 0,
        total: None,
        deadline: Instant::now() + LIMIT,
        said: Instant::now(),
    };
    kept(asking, asking.builder.cache.blobs.put(arriving))
}

/// What came of keeping something whose reading can fail for a reason of ours.
pub(super) fn kept(
    asking: &Asking<'_>,
    result: Result<BlobRef, BlobError>,
) -> Result<BlobRef, BuildError> {
    match result {
        Ok(blob) => Ok(blob),
        Err(_) if (asking.stop)() => Err(BuildError::Cancelled),
        Err(BlobError::Io { doing, path, source }) => match source.downcast::<SourceError>() {
            Ok(error) => Err(error.into()),
            Err(source) => Err(BlobError::Io { doing, path, source }.into()),
        },
        Err(other) => Err(other.into()),
    }
}

/// What the fetching thread tells.
enum Piece {
    /// How long it will be, where the server says it.
    Length(Option<u64>),
    Bytes(Vec<u8>),
    End,
}

fn pass_on(
    agent: &Agent,
    url: &str,
    sender: &SyncSender<Result<Piece, SourceError>>,
) -> Result<(), SourceError> {
    let unreachable = |why: String| SourceError::Unreachable { url: url.to_owned(), why };
    let response = agent.get(url).call().map_err(|error| why_not(url, error))?;
    let body = response.into_body();
    let mut wanted = sender.send(Ok(Piece::Length(body.content_length()))).is_ok();
    let mut reader = body.into_with_config().limit(u64::MAX).reader();
    while wanted {
        let mut bytes = Vec::with_capacity(CHUNK);
        (&mut reader)
            .take(CHUNK as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| unreachable(error.to_string()))?;
        let piece = if bytes.is_empty() { Piece::End } else { Piece::Bytes(bytes) };
        wanted = !matches!(piece, Piece::End) & sender.send(Ok(piece)).is_ok();
    }
    Ok(())
}

fn why_not(url: &str, error: ureq::Error) -> SourceError {
    let url = url.to_owned();
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<SourceError>() {
            Ok(ours) => *ours,
            Err(other) => SourceError::Unreachable { url, why: other.to_string() },
        },
        ureq::Error::StatusCode(code) => {
            SourceError::Unreachable { url, why: format!("the server answers with status {code}") }
        }
        ureq::Error::RequireHttpsOnly(to) => {
            SourceError::Redirect { url, to, why: "it would go on without encryption" }
        }
        ureq::Error::BadUri(to) => {
            SourceError::Redirect { url, to, why: "it is no http:// or https:// address" }
        }
        ureq::Error::TooManyRedirects => {
            let why = format!("it sends on more than {REDIRECTS} times");
            SourceError::Unreachable { url, why }
        }
        other => SourceError::Unreachable { url, why: other.to_string() },
    }
}

fn agent(url: &str, guard: Guard, authorities: &Path) -> Result<Agent, SourceError> {
    let secure = url.starts_with("https://");
    let roots = match fs::read(authorities) {
        Ok(text) => parse_pem(&text)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                Ok(_) | Err(_) => None,
            })
            .collect(),
        // A redirect may still lead to https, which then believes nobody.
        Err(_) if !secure => Vec::new(),
        Err(error) => {
            let why = format!("{error}; install the Debian package ca-certificates");
            return Err(SourceError::Unreadable { path: authorities.to_path_buf(), why });
        }
    };
    let config = Agent::config_builder()
        // A proxy of the environment would look up and connect in our place.
        .proxy(None)
        .https_only(secure)
        .max_redirects(REDIRECTS)
        .accept_encoding("identity")
        .timeout_resolve(Some(SILENCE))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_recv_body(Some(LIMIT))
        .timeout_per_read(Some(SILENCE))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build())
        .user_agent(concat!("bootwright/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(Agent::with_parts(config, DefaultConnector::default(), JudgingResolver(guard)))
}

/// Looks names up and gives the addresses that may be connected to: ureq asks for the first host and
/// for each that it is sent on to, and looks nothing up itself.
#[derive(Debug)]
struct JudgingResolver(Guard);

impl Resolver for JudgingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let usual = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(ureq::Error::BadUri(uri.to_string())),
        };
        let host = uri.host().ok_or_else(|| ureq::Error::BadUri(uri.to_string()))?;
        let permitted = self
            .0
            .addresses(host, uri.port_u16().unwrap_or(usual))
            .map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let mut found = self.empty();
        // As many as it can hold.
        permitted.iter().take(16).for_each(|address| found.push(*address));
        Ok(found)
    }
}

/// The bytes of a download as they come; its end is one only where the digest is right.
struct Arriving<'a> {
    asking: &'a Asking<'a>,
    url: &'a str,
    expected: &'a Digest,
    pieces: Receiver<Result<Piece, SourceError>>,
    piece: io::Cursor<Vec<u8>>,
    hash: Sha256,
    received: u64,
    total: Option<u64>,
    deadline: Instant,
    said: Instant,
}

impl Arriving<'_> {
    fn next(&mut self) -> Result<Piece, io::Error> {
        let fault = |why: &str| {
            let (url, why) = (self.url.to_owned(), why.to_owned());
            io::Error::other(SourceError::Unreachable { url, why })
        };
        loop {
            if (self.asking.stop)() {
                return Err(io::Error::other("stopped"));
            }
            if Instant::now() >= self.deadline {
                return Err(fault("it takes longer than two hours"));
            }
            match self.pieces.recv_timeout(TICK) {
                Ok(piece) => return piece.map_err(io::Error::other),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(fault("the connection broke off"));
                }
            }
        }
    }

    fn check_size(&self, size: u64) -> Result<(), io::Error> {
        if size <= LARGEST {
            return Ok(());
        }
        let (what, limit) = (self.url.to_owned(), human_size(LARGEST));
        Err(io::Error::other(SourceError::TooLarge { what, limit }))
    }

    fn say_progress(&mut self) {
        if self.said.elapsed() < SAYS {
            return;
        }
        self.said = Instant::now();
        let of = self.total.map_or_else(String::new, |it| format!(" of {}", human_size(it)));
        self.asking.say(&format!("{}{of}", human_size(self.received)));
    }
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            match self.next()? {
                Piece::Length(total) => {
                    self.check_size(total.unwrap_or(0))?;
                    self.total = total;
                }
                Piece::Bytes(bytes) => {
                    self.received += bytes.len() as u64;
                    self.check_size(self.received)?;
                    self.hash.update(&bytes);
                    self.piece = io::Cursor::new(bytes);
                    self.say_progress();
                }
                Piece::End => {
                    let found = Digest::from_bytes(self.hash.finalize_reset().into());
                    if found == *self.expected {
                        return Ok(0);
                    }
                    let (url, expected) = (self.url.to_owned(), *self.expected);
                    return Err(io::Error::other(SourceError::Digest { url, found, expected }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_called_as_the_url_ends() {
        assert_eq!(file_name("https://a.example/v6.x/linux-6.1.tar.xz?x=/y"), "linux-6.1.tar.xz");
        assert_eq!(file_name("https://a.example/"), "archive");
        assert_eq!(file_name("https://a.example"), "archive");
        assert_eq!(file_name("https://a.example/-rf%20x"), "archive");
    }
}
