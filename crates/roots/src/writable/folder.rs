//! The folder of a writable root: made, opened again, and removed.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use thiserror::Error;

use super::{
    Clock, FIRST_OWN, Inner, Quota, WritableRoot,
    content::Contents,
    log::Log,
    record::{FORMAT, Header},
    state::State,
};
use crate::Layered;

/// Why a writable root cannot be made, opened or removed.
#[derive(Debug, Error)]
pub enum RootError {
    /// The disk says no.
    #[error("the folder {path} of a writable root cannot be used", path = .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is one already.
    #[error("there is a writable root in {}", .0.display())]
    Exists(PathBuf),
    /// There is none.
    #[error("there is no writable root in {}", .0.display())]
    Missing(PathBuf),
    /// Another process, or another part of this one, has it open.
    #[error("the writable root in {} is in use", .0.display())]
    InUse(PathBuf),
    /// It was made over other images.
    #[error("the writable root in {path} was made over {made_over}", path = .path.display())]
    OtherBase {
        /// The folder.
        path: PathBuf,
        /// What the images that it was made over are called.
        made_over: String,
    },
    /// Its log cannot be read.
    #[error("the log of the writable root in {} is damaged, or of another version", .0.display())]
    Damaged(PathBuf),
}

/// Held as long as a root is open.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is not enough while a child that was just forked has it too.
        let _ = self.file.unlock();
    }
}

impl Lock {
    fn take(folder: &Path) -> Result<Self, RootError> {
        let file = File::create(folder.join("lock")).map_err(failed(folder))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(fs::TryLockError::WouldBlock) => Err(RootError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(failed(folder)(source)),
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> RootError {
    move |source| RootError::Io { path: path.to_owned(), source }
}

impl WritableRoot {
    /// Makes a writable copy of a tree in a folder that has none yet.
    ///
    /// # Errors
    /// Where there is one already, or the disk says no.
    pub fn create(
        folder: &Path,
        base: Arc<Layered>,
        quota: Quota,
        clock: Clock,
    ) -> Result<Self, RootError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        let lock = Lock::take(folder)?;
        if Log::is_in(folder) {
            return Err(RootError::Exists(folder.to_owned()));
        }
        let contents = Contents::create(folder).map_err(failed(folder))?;
        let header = Header { format: FORMAT, base: base.identity().to_owned(), quota };
        let log = Log::begin(folder, &header, std::iter::empty()).map_err(failed(folder))?;
        let inner = Inner { state: State::default(), log, next: FIRST_OWN };
        Ok(Self::of(base, clock, header, inner, contents, lock))
    }

    /// Opens a writable copy again, as it was when its server ended, however that ended.
    ///
    /// # Errors
    /// Where there is none, it is in use, or it was made over another tree.
    pub fn open(folder: &Path, base: Arc<Layered>, clock: Clock) -> Result<Self, RootError> {
        let missing = || RootError::Missing(folder.to_owned());
        if !Log::is_in(folder) {
            return Err(missing());
        }
        let lock = Lock::take(folder)?;
        let damaged = || RootError::Damaged(folder.to_owned());
        let (log, told) = Log::open(folder).map_err(failed(folder))?.ok_or_else(damaged)?;
        if told.header.format != FORMAT {
            return Err(damaged());
        }
        if told.header.base != base.identity() {
            let made_over = told.header.base;
            return Err(RootError::OtherBase { path: folder.to_owned(), made_over });
        }
        let mut state = State::default();
        for edit in told.operations.into_iter().flatten() {
            state.apply(&base, edit).map_err(|_| damaged())?;
        }
        // What is removed below must be known to be gone on the disk as well.
        log.state().0.sync_data().map_err(failed(folder))?;
        let contents = Contents::open(folder, &state).map_err(failed(folder))?;
        let next = state.reserved.max(FIRST_OWN);
        let inner = Inner { state, log, next };
        Ok(Self::of(base, clock, told.header, inner, contents, lock))
    }

    fn of(
        base: Arc<Layered>,
        clock: Clock,
        header: Header,
        inner: Inner,
        contents: Contents,
        lock: Lock,
    ) -> Self {
        let (inner, synced, shortened) = (RwLock::new(inner), Mutex::new(0), Mutex::default());
        Self { base, clock, header, inner, contents, synced, shortened, _lock: lock }
    }

    /// Removes a writable copy that is not open, and what is left of one whose removal did not come to its
    /// end. What is not there is removed already.
    ///
    /// # Errors
    /// Where it is in use, or the disk says no.
    pub fn discard(folder: &Path) -> Result<(), RootError> {
        let Some(name) = folder.file_name() else {
            return Err(RootError::Missing(folder.to_owned()));
        };
        let mut going = name.to_owned();
        going.push(".discarded");
        let going = folder.with_file_name(going);
        let remove = || match fs::remove_dir_all(&going) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&going)(error)),
            _ => Ok(()),
        };
        remove()?;
        if !folder.exists() {
            return Ok(());
        }
        // Renamed first: whatever happens then, no half of it is ever opened.
        let _lock = Lock::take(folder)?;
        fs::rename(folder, &going).map_err(failed(folder))?;
        remove()
    }
}
