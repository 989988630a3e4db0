//! A private, writable copy of a stack of images, thrown away with its folder.
//!
//! Nothing is copied to make one. What changes lies in a folder of the server's ordinary user:
//!
//! ```text
//! lock      held by the process that serves the root
//! log       owners, modes, names, numbers: all metadata that differs ([`log`])
//! data/N    the content of file number N, as far as it was written
//! ```
//!
//! Owners, devices and setuid bits are only noted, so no privileges are needed and none can be gained by
//! them on the server. A file of the images keeps its number when it is written to; new ones get numbers that
//! are never given twice. Contents are kept by blocks of 4 KiB: one byte written to a file of 4 GiB costs one
//! block, and all else comes from the image.
//!
//! All that differs is in memory as well ([`state`]); operations work out what changes ([`draft`]), add that
//! to the log in one record, and then make it so. Contents are read and written outside that lock.

mod attributes;
mod content;
mod draft;
mod file_system;
mod folder;
mod log;
mod making;
mod names;
mod ranges;
mod record;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use nfs::{FileId, Status, Time};
use serde::{Deserialize, Serialize};

pub use self::folder::RootError;
use self::{
    content::Contents,
    draft::Draft,
    folder::Lock,
    log::Log,
    record::{Edit, Header},
    state::State,
};
use crate::Layered;

/// The length of a block of content, in bytes.
const BLOCK: u64 = 4096;
/// Numbers of files of a root's own, and its cookies, begin here; those of images end before.
const FIRST_OWN: u64 = 1 << 48;
/// So many numbers are reserved on the disk at a time.
const RESERVED: u64 = 1 << 16;
/// How many contents may be left over before the disk is made to free them.
const SHORTENED: usize = 256;
/// What a new file, and a new name, cost of a quota beside contents, in bytes.
const NODE_COST: u64 = 512;
const NAME_COST: u64 = 256;

/// What tells the time: real for a server, made up in tests.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// How much a root may hold beyond its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Bytes: of blocks that were written, and a little for each new file and name.
    pub bytes: u64,
    /// New files, directories and so on.
    pub files: u64,
}

/// A writable root; many threads may call it at once.
pub struct WritableRoot {
    base: Arc<Layered>,
    clock: Clock,
    header: Header,
    inner: RwLock<Inner>,
    contents: Contents,
    /// How many records of the log are known to be on the disk; held while that is seen to.
    synced: Mutex<u64>,
    /// Files that became shorter, and how long, or went: their contents are kept until that is on the disk.
    shortened: Mutex<Vec<(FileId, u64)>>,
    _lock: Lock,
}

/// What changes together.
#[derive(Debug)]
struct Inner {
    state: State,
    log: Log,
    /// The next number of a file or cookie.
    next: u64,
}

impl fmt::Debug for WritableRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WritableRoot").field("header", &self.header).finish_non_exhaustive()
    }
}

impl WritableRoot {
    fn inner(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner_mut(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation: `work` decides and says what changes; then that is logged and made.
    fn operation<T>(
        &self,
        inner: &mut Inner,
        work: impl FnOnce(&mut Draft<'_>) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let mut draft = Draft::new(&self.base, &inner.state, (self.clock)());
        let result = work(&mut draft)?;
        let edits = draft.edits();
        if edits.is_empty() {
            return Ok(result);
        }
        inner.log.add(&edits).map_err(|it| status(&it))?;
        for edit in edits {
            if inner.state.apply(&self.base, edit).is_err() {
                inner.log.give_up();
                return Err(Status::Io);
            }
        }
        if inner.log.is_long() {
            let Inner { state, log, .. } = inner;
            log.renew(&self.header, state.edits());
        }
        Ok(result)
    }

    /// A number that no file and no cookie had before, not even one that a crash made forgotten: those that may
    /// be given out are noted on the disk ahead.
    fn number(inner: &mut Inner) -> Result<u64, Status> {
        if inner.next >= inner.state.reserved {
            let until = inner.next.saturating_add(RESERVED);
            let sync = |log: &mut Log| {
                log.add(&[Edit::Reserved(until)])?;
                log.state().0.sync_data()
            };
            sync(&mut inner.log).map_err(|it| status(&it))?;
            inner.state.reserved = until;
        }
        let number = inner.next;
        inner.next += 1;
        Ok(number)
    }

    /// Sees to it that all metadata until now is on the disk, and frees there what they leave over.
    ///
    /// # Errors
    /// [`Status::Io`] where the disk fails.
    pub fn sync(&self) -> Result<(), Status> {
        let shortened = std::mem::take(&mut *self.shortened());
        self.sync_log()?;
        for (file, size) in shortened {
            let _writing = self.contents.writing(file);
            let now = self.inner().state.attributes(&self.base, file);
            match now {
                // It may be longer again. What cannot be freed now is before it grows, or is opened again.
                Ok(now) => drop(self.contents.cut(file, size.max(now.size))),
                Err(_) => self.contents.remove(file),
            }
        }
        Ok(())
    }

    fn shortened(&self) -> MutexGuard<'_, Vec<(FileId, u64)>> {
        self.shortened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the content of a file is left over from a size on. Were it removed now, a crash of the machine
    /// could bring back the file without it.
    fn shorten(&self, file: FileId, size: u64) -> Result<(), Status> {
        let mut shortened = self.shortened();
        shortened.push((file, size));
        let many = shortened.len() >= SHORTENED;
        drop(shortened);
        if many { self.sync() } else { Ok(()) }
    }

    /// Sees to it that all records until now are on the disk.
    fn sync_log(&self) -> Result<(), Status> {
        let (_, wanted) = self.inner().log.state();
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= wanted {
            // Somebody else's wait was ours as well.
            return Ok(());
        }
        let (file, added) = self.inner().log.state();
        if file.sync_data().is_err() {
            // What the kernel has thrown away now cannot be told: nothing further may build on it.
            self.inner_mut().log.give_up();
            return Err(Status::Io);
        }
        *synced = added;
        Ok(())
    }
}

/// What a failure of the disk is called on the wire.
fn status(error: &std::io::Error) -> Status {
    use std::io::ErrorKind;
    match error.kind() {
        // A quota of the server's disk is none of the root's.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Status::NoSpace,
        ErrorKind::FileTooLarge => Status::TooLarge,
        _ => Status::Io,
    }
}

#[cfg(test)]
mod tests;
