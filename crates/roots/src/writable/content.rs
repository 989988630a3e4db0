//! The contents of files: what was written lies in a file of the server's own, at the same place.
//!
//! Which blocks are there is metadata. A block that is not is never looked at, so what a write left that was
//! cut short by a crash does not show. What lies in a block's file behind the end of the file does not show
//! either, and is cut off before the file grows over it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use nfs::{Caller, FileId, Part, Status};
use quick_cache::sync::Cache;

use super::{
    BLOCK, WritableRoot, attributes,
    record::{Edit, What},
    state::State,
    status,
};
use crate::permission;

/// How many files are kept open.
const OPEN: usize = 64;
/// How many files can be written at the same time; two that share a lock wait for each other.
const LOCKS: u64 = 64;
/// The longest file, in bytes: what a signed offset can say.
pub(super) const LONGEST: u64 = i64::MAX as u64;

/// The folder of contents.
#[derive(Debug)]
pub(super) struct Contents {
    folder: PathBuf,
    open: Cache<FileId, Arc<File>>,
    writing: Vec<Mutex<()>>,
    /// Set while the folder has names that may not be on the disk.
    new_names: AtomicBool,
}

impl Contents {
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let folder = root.join("data");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let writing = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Ok(Self { folder, open: Cache::new(OPEN), writing, new_names: AtomicBool::new(true) })
    }

    /// Opens the folder again and removes what belongs to no file that is there.
    pub(super) fn open(root: &Path, state: &State) -> io::Result<Self> {
        let contents = Self::create(root)?;
        for entry in fs::read_dir(&contents.folder)? {
            let entry = entry?;
            let file =
                entry.file_name().to_str().and_then(|it| FileId::from_str_radix(it, 16).ok());
            let kept = file.is_some_and(|it| matches!(state.node(it), Ok(Some(_))));
            if !kept {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(contents)
    }

    fn path(&self, file: FileId) -> PathBuf {
        self.folder.join(format!("{file:x}"))
    }

    /// Held by whoever changes the content of a file, or its size; taken before the lock of metadata.
    pub(super) fn writing(&self, file: FileId) -> Option<MutexGuard<'_, ()>> {
        let lock = self.writing.get(index(file % LOCKS));
        lock.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The file that holds a content, where it is there.
    fn get(&self, file: FileId) -> io::Result<Option<Arc<File>>> {
        let open = || OpenOptions::new().read(true).write(true).open(self.path(file)).map(Arc::new);
        match self.open.get_or_insert_with(&file, open) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn get_or_create(&self, file: FileId) -> io::Result<Arc<File>> {
        if let Some(there) = self.get(file)? {
            return Ok(there);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let created = Arc::new(options.open(self.path(file))?);
        self.new_names.store(true, Ordering::SeqCst);
        self.open.insert(file, Arc::clone(&created));
        Ok(created)
    }

    /// How long the file of a content is, which may be longer than what it shows.
    fn length(&self, file: FileId) -> io::Result<u64> {
        self.get(file)?.map_or(Ok(0), |it| Ok(it.metadata()?.len()))
    }

    /// Cuts off what lies behind the end of a file.
    pub(super) fn cut(&self, file: FileId, size: u64) -> io::Result<()> {
        match self.get(file)? {
            Some(there) if there.metadata()?.len() > size => there.set_len(size),
            Some(_) | None => Ok(()),
        }
    }

    /// Removes a content. What cannot be removed now is when the root is opened again.
    pub(super) fn remove(&self, file: FileId) {
        self.open.remove(&file);
        let _ = fs::remove_file(self.path(file));
    }

    fn sync(&self, file: FileId) -> io::Result<()> {
        if let Some(there) = self.get(file)? {
            there.sync_data()?;
        }
        if self.new_names.swap(false, Ordering::SeqCst)
            && let Err(error) = File::open(&self.folder).and_then(|it| it.sync_all())
        {
            self.new_names.store(true, Ordering::SeqCst);
            return Err(error);
        }
        Ok(())
    }
}

/// Fills as much of `out` as there is from `offset` on; what is behind the end stays as it is.
fn read_into(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|it| !it.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl WritableRoot {
    /// READ.
    pub(super) fn read_part(
        &self,
        caller: &Caller,
        file: FileId,
        offset: u64,
        count: u32,
    ) -> Result<Part, Status> {
        let (size, base, own) = {
            let inner = self.inner();
            let attributes = inner.state.attributes(&self.base, file)?;
            permission::to_read(caller, &attributes)?;
            let end = offset.saturating_add(u64::from(count)).min(attributes.size);
            let asked = offset / BLOCK..end.div_ceil(BLOCK);
            match inner.state.node(file)? {
                None => (attributes.size, attributes.size, Vec::new()),
                Some(node) => {
                    let own = match asked.is_empty() {
                        true => Vec::new(),
                        false => node.blocks.within(asked).collect(),
                    };
                    let base = if let What::File { base, .. } = node.row.what { base } else { 0 };
                    (attributes.size, base, own)
                }
            }
        };
        let end = offset.saturating_add(u64::from(count)).min(size).max(offset);
        let count = index(end - offset);
        let is_end = end >= size;
        if count == 0 {
            return Ok(Part { bytes: Bytes::new(), end: is_end });
        }
        if own.is_empty() && end <= base {
            let bytes = self.base.content(file, offset, count)?;
            return Ok(Part { bytes, end: is_end });
        }
        let mut out = vec![0; count];
        // First what shows from below, then over it what was written.
        if own.first().is_none_or(|it| it.start * BLOCK > offset || it.end * BLOCK < end) {
            self.below(file, base, offset, &mut out)?;
        }
        for range in own {
            let begin = (range.start * BLOCK).max(offset);
            let until = (range.end * BLOCK).min(end);
            let Some(out) = out.get_mut(index(begin - offset)..index(until - offset)) else {
                continue;
            };
            out.fill(0);
            match self.contents.get(file).map_err(|it| status(&it))? {
                Some(content) => read_into(&content, out, begin).map_err(|it| status(&it))?,
                // It was removed since, or a crash of the machine lost what nobody had committed.
                None => {
                    self.inner().state.node(file)?;
                }
            }
        }
        Ok(Part { bytes: Bytes::from(out), end: is_end })
    }

    /// Fills `out` with what a file has below from `offset` on, as far as `base` bytes of that still show.
    fn below(&self, file: FileId, base: u64, offset: u64, out: &mut [u8]) -> Result<(), Status> {
        let count = out.len().min(index(base.saturating_sub(offset)));
        if count > 0 {
            let bytes = self.base.content(file, offset, count)?;
            if let Some(out) = out.get_mut(..bytes.len()) {
                out.copy_from_slice(&bytes);
            }
        }
        Ok(())
    }

    /// WRITE.
    pub(super) fn write_part(
        &self,
        caller: &Caller,
        file: FileId,
        offset: u64,
        bytes: &[u8],
        stable: bool,
    ) -> Result<(), Status> {
        let end = offset.checked_add(bytes.len() as u64).filter(|it| *it <= LONGEST);
        let end = end.ok_or(Status::TooLarge)?;
        let _writing = self.contents.writing(file);
        let blocks = offset / BLOCK..end.div_ceil(BLOCK);
        let (size, base, added, first_is_own, last_is_own) = {
            let inner = self.inner();
            let attributes = inner.state.attributes(&self.base, file)?;
            permission::to_write(caller, &attributes)?;
            if bytes.is_empty() {
                return Ok(());
            }
            let node = inner.state.node(file)?;
            let is_own = |block: u64| {
                node.is_some_and(|it| it.blocks.within(block..block + 1).next().is_some())
            };
            let own = node
                .map_or(0, |it| it.blocks.within(blocks.clone()).map(|it| it.end - it.start).sum());
            let added = (blocks.end - blocks.start).saturating_sub(own) * BLOCK;
            self.room(&inner.state, added, 0)?;
            let base = match node.map(|it| &it.row.what) {
                Some(What::File { base, .. }) => *base,
                _ => attributes.size,
            };
            (attributes.size, base, added, is_own(blocks.start), is_own(blocks.end - 1))
        };
        let put = || -> Result<(), Status> {
            let failed = |it: io::Error| status(&it);
            let content = self.contents.get_or_create(file).map_err(failed)?;
            if end > size {
                self.cut_before_growth(file, size)?;
            }
            // A block that becomes the file's own is written whole.
            let fill = |from: u64, until: u64| -> Result<(), Status> {
                let mut around = vec![0; index(until.saturating_sub(from))];
                self.below(file, base, from, &mut around)?;
                content.write_all_at(&around, from).map_err(failed)
            };
            if !first_is_own {
                fill(blocks.start * BLOCK, offset)?;
            }
            if !last_is_own {
                fill(end, (blocks.end * BLOCK).min(size))?;
            }
            content.write_all_at(bytes, offset).map_err(failed)?;
            if stable { self.contents.sync(file).map_err(failed) } else { Ok(()) }
        };
        put()?;
        let mut inner = self.inner_mut();
        self.operation(&mut inner, |draft| {
            // Others may have taken the room meanwhile.
            self.room(draft.state, added, 0)?;
            let row = draft.touch_content(file)?;
            row.size = row.size.max(end);
            attributes::drop_privileges(caller, row);
            draft.edit(Edit::Blocks(file, blocks.start, blocks.end));
            Ok(())
        })?;
        drop(inner);
        if stable { self.sync_log() } else { Ok(()) }
    }

    /// Cuts off what lies behind the end of a file that is to grow. It may be what the file had there before it was
    /// cut: so first that must be on the disk.
    pub(super) fn cut_before_growth(&self, file: FileId, size: u64) -> Result<(), Status> {
        let length = self.contents.length(file).map_err(|it| status(&it))?;
        if length > size {
            self.sync_log()?;
            self.contents.cut(file, size).map_err(|it| status(&it))?;
        }
        Ok(())
    }

    /// COMMIT.
    pub(super) fn commit_content(&self, file: FileId) -> Result<(), Status> {
        self.inner().state.attributes(&self.base, file)?;
        self.contents.sync(file).map_err(|it| status(&it))?;
        self.sync()
    }

    /// Whether the quota has room for so many more bytes and files.
    pub(super) fn room(&self, state: &State, bytes: u64, files: u64) -> Result<(), Status> {
        let quota = &self.header.quota;
        let fits = state.bytes.saturating_add(bytes) <= quota.bytes || bytes == 0;
        let count = state.files.saturating_add(files) <= quota.files || files == 0;
        if fits && count { Ok(()) } else { Err(Status::QuotaExceeded) }
    }
}
