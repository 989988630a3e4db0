//! The file that holds all metadata of a writable root: records that are only ever added.
//!
//! A record is its length and the CRC-32 of its bytes, four bytes each, little-endian, and the bytes. It is
//! handed to the kernel in one call before its operation is acknowledged, so whoever kills the process
//! loses nothing acknowledged. What follows the last whole record was not acknowledged (or, where the
//! machine itself went down, not asked to be on the disk): it is cut off when the log is opened.
//!
//! When most of a log tells what is no longer so, it is written anew beside the old one and takes its place.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

use super::record::{Edit, Header};

const NAME: &str = "log";
const NEXT: &str = "log.next";
/// A log shorter than this is never written anew, in bytes.
const SHORT: u64 = 4 * 1024 * 1024;
/// How many times as long as when it was written anew a log may become.
const GROWTH: u64 = 4;
/// How many edits a record holds when a log is written anew.
const CHUNK: usize = 1000;

/// A log that is open.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    file: Arc<File>,
    length: u64,
    /// How long it was when it was written anew.
    compact: u64,
    /// How many records were added since it was opened.
    added: u64,
    /// Set where the disk failed in a way that leaves open what it holds.
    broken: bool,
}

/// What a log says.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) header: Header,
    pub(super) operations: Vec<Vec<Edit>>,
}

impl Log {
    /// Begins a log, in place of one that may be there.
    pub(super) fn begin(
        folder: &Path,
        header: &Header,
        edits: impl Iterator<Item = Edit>,
    ) -> io::Result<Self> {
        let next = folder.join(NEXT);
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = options().create_new(true).open(&next)?;
        let mut log = Self::of(folder, file);
        log.add_record(header)?;
        let mut edits = edits.peekable();
        while edits.peek().is_some() {
            let chunk: Vec<Edit> = edits.by_ref().take(CHUNK).collect();
            log.add(&chunk)?;
        }
        log.file.sync_all()?;
        fs::rename(next, folder.join(NAME))?;
        File::open(folder)?.sync_all()?;
        log.compact = log.length;
        Ok(log)
    }

    /// Whether a folder has a log.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    /// Opens a log and reads what it says; nothing where that cannot be understood.
    pub(super) fn open(folder: &Path) -> io::Result<Option<(Self, Told)>> {
        let file = options().open(folder.join(NAME))?;
        let bytes = fs::read(folder.join(NAME))?;
        let mut records = Records(&bytes);
        let header = records.next().and_then(|it| postcard::from_bytes(it).ok());
        let Some(header) = header else { return Ok(None) };
        let mut operations = Vec::new();
        let mut whole = bytes.len() - records.0.len();
        while let Some(record) = records.next() {
            // It is whole, so no crash made it unreadable.
            let Ok(edits) = postcard::from_bytes(record) else { return Ok(None) };
            operations.push(edits);
            whole = bytes.len() - records.0.len();
        }
        let mut log = Self::of(folder, file);
        log.length = whole as u64;
        if whole < bytes.len() {
            log.file.set_len(log.length)?;
        }
        Ok(Some((log, Told { header, operations })))
    }

    fn of(folder: &Path, file: File) -> Self {
        let file = Arc::new(file);
        Self { folder: folder.to_owned(), file, length: 0, compact: 0, added: 0, broken: false }
    }

    /// Adds the edits of one operation; they are whole in the log, or not at all.
    pub(super) fn add(&mut self, edits: &[Edit]) -> io::Result<()> {
        self.add_record(edits)
    }

    fn add_record<T: Serialize + ?Sized>(&mut self, record: &T) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("the log could not be kept whole"));
        }
        let content = postcard::to_allocvec(record).map_err(io::Error::other)?;
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(content.len() + 8);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        bytes.extend_from_slice(&content);
        if let Err(error) = (&*self.file).write_all(&bytes) {
            // A part of it may be there, and what came behind it would be lost with it.
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.added += 1;
        Ok(())
    }

    /// Whether it is time to write it anew.
    pub(super) fn is_long(&self) -> bool {
        self.length > SHORT + GROWTH * self.compact
    }

    /// Writes it anew; where that fails, it goes on as it is.
    pub(super) fn renew(&mut self, header: &Header, edits: impl Iterator<Item = Edit>) {
        match Self::begin(&self.folder, header, edits) {
            Ok(next) => *self = Self { added: self.added, ..next },
            // Not again at each record: the disk is full, or worse.
            Err(_) => self.compact = self.length,
        }
    }

    /// The file as it is now, and how many records were added until now.
    pub(super) fn state(&self) -> (Arc<File>, u64) {
        (Arc::clone(&self.file), self.added)
    }

    /// How long it is, in bytes.
    #[cfg(test)]
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Lets nothing be added any more.
    pub(super) const fn give_up(&mut self) {
        self.broken = true;
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600);
    options
}

/// Whole records, one after the other.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (sum, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        // Zeroes, as a page has that never reached the disk, are no record of nothing.
        (length > 0).then_some(())?;
        let (content, rest) = rest.split_at_checked(length)?;
        (crc32fast::hash(content) == u32::from_le_bytes(*sum)).then_some(())?;
        self.0 = rest;
        Some(content)
    }
}
