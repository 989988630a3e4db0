//! Saving what a server gives: beside its place first, so that half a file never has its name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use domain::digest::Digest;
use sha2::{Digest as _, Sha256};

use super::{Cli, error::CliError};

/// Saves the answer at `source` as `path`; where its digest is known, it must have it.
pub(super) fn save(
    cli: &Cli,
    source: &str,
    path: &Path,
    expected: Option<&Digest>,
) -> Result<(), CliError> {
    let stream = cli.client.open(source)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = fs::File::create(&part).and_then(|file| {
        let mut file = Hashed { inner: file, hash: Sha256::new() };
        let mut stream = stream;
        io::copy(&mut stream, &mut file)?;
        let found = Digest::from_bytes(file.hash.finalize().into());
        match expected {
            Some(expected) if *expected != found => {
                let words =
                    format!("it came with SHA-256 {found} instead of {expected}: try again");
                Err(io::Error::new(io::ErrorKind::InvalidData, words))
            }
            Some(_) | None => fs::rename(&part, path),
        }
    });
    written.map_err(|source| {
        // What is left of it is of no use.
        let _ = fs::remove_file(&part);
        CliError::File { path: path.to_path_buf(), source }
    })
}

/// A file, or what else is written to, and the hash of what went through.
struct Hashed<T> {
    inner: T,
    hash: Sha256,
}

impl<T: io::Write> io::Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// SHA-256 of a file.
pub(super) fn digest_of(path: &Path) -> Result<Digest, CliError> {
    let mut hashed = Hashed { inner: io::sink(), hash: Sha256::new() };
    fs::File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hashed))
        .map_err(|source| CliError::File { path: path.to_path_buf(), source })?;
    Ok(Digest::from_bytes(hashed.hash.finalize().into()))
}
