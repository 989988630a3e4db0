//! Images laid over each other, read-only, as overlayfs would show them.
//!
//! A name in a higher image hides the same name below; a character device 0,0 (a whiteout) hides it without
//! showing; directories of the same name merge unless the higher one is marked opaque or something else
//! lies between. Nothing is mounted or unpacked: what shows is worked out from the images' own tables when
//! they are opened ([`index`]), contents are read from the images when asked for.
//!
//! The number of a file is made of its image's place in the stack and its inode number there, so it is the
//! same after a restart, hard links share one, and no two files do. A merged directory has the number of
//! its topmost part, whose owner, mode and time it shows as well.

mod index;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use nfs::{
    Attributes, Caller, Entry, FileId, FileKind, FileSystem, Listing, Part, Space, Status, Time,
};
use quick_cache::{Weighter, sync::Cache};
use squashfs::{Image, Inode, Kind, SquashfsError};

use self::index::{Directory, Index};
use crate::permission::{self, EXECUTE, READ};

/// How much of inodes is kept read, in bytes: those of long files name each block.
const INODES: u64 = 8 * 1024 * 1024;
/// How many inodes that is about.
const INODES_ABOUT: usize = 32 * 1024;
/// What an inode's content takes is counted in units of so many bytes.
const UNIT: u64 = 512;

/// Cookies of listings: `.`, `..`, and the first name behind them.
const COOKIE_SELF: u64 = 1;
const COOKIE_PARENT: u64 = 2;
const COOKIE_FIRST: u64 = 3;

#[derive(Debug, Clone)]
struct Memory;

impl Weighter<FileId, Arc<Inode>> for Memory {
    fn weight(&self, _: &FileId, inode: &Arc<Inode>) -> u64 {
        inode.memory() as u64
    }
}

/// A stack of images as one read-only tree.
pub struct Layered {
    images: Vec<Arc<Image>>,
    index: Index,
    root: FileId,
    inodes: Cache<FileId, Arc<Inode>, Memory>,
    identity: String,
}

impl fmt::Debug for Layered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Layered").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Layered {
    /// Lays images over each other, the lowest first. An image may be in several stacks, which then share
    /// its cache. `identity` is what the same images in the same order are always called, such as their
    /// digests: a writable copy remembers it.
    ///
    /// # Errors
    /// Where there is no image, or one is damaged.
    pub fn stack(images: Vec<Arc<Image>>, identity: &str) -> Result<Self, SquashfsError> {
        let (index, root) = Index::of(&images)?;
        let inodes = Cache::with_weighter(INODES_ABOUT, INODES, Memory);
        Ok(Self { images, index, root, inodes, identity: identity.to_owned() })
    }

    /// What these images in this order are called.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    fn inode(&self, file: FileId) -> Result<(&Image, Arc<Inode>), Status> {
        let (layer, at) = self.index.inode(file).ok_or(Status::Stale)?;
        let image = self.images.get(layer).ok_or(Status::Stale)?;
        let read = || image.inode(at).map(Arc::new).map_err(|_| Status::Io);
        Ok((image, self.inodes.get_or_insert_with(&file, read)?))
    }

    fn directory(&self, file: FileId) -> Result<&Directory, Status> {
        match self.index.directory(file) {
            Some(directory) => Ok(directory),
            None if self.index.inode(file).is_some() => Err(Status::NotDirectory),
            None => Err(Status::Stale),
        }
    }

    /// What a name in a directory stands for, whoever asks.
    pub(crate) fn find(&self, directory: FileId, name: &[u8]) -> Option<FileId> {
        self.index.find(self.index.directory(directory)?, name)
    }

    /// How many names a directory has.
    pub(crate) fn count(&self, directory: FileId) -> u64 {
        self.index.directory(directory).map_or(0, |it| it.count as u64)
    }

    /// The names of a directory behind a cookie, each with its own, but for `.` and `..`.
    pub(crate) fn names_after(
        &self,
        directory: FileId,
        cookie: u64,
    ) -> impl Iterator<Item = (&[u8], FileId, u64)> {
        let directory = self.index.directory(directory);
        let position = cookie.saturating_add(1).saturating_sub(COOKIE_FIRST);
        let first = usize::try_from(position).unwrap_or(usize::MAX);
        let names = directory.into_iter().flat_map(move |it| self.index.names_from(it, first));
        names.zip(position + COOKIE_FIRST..).map(|((name, id), cookie)| (name, id, cookie))
    }

    /// A part of a file, whoever asks.
    pub(crate) fn content(&self, file: FileId, offset: u64, count: usize) -> Result<Bytes, Status> {
        let (image, inode) = self.inode(file)?;
        image.bytes(&inode, offset, count).map_err(|_| Status::Io)
    }
}

impl FileSystem for Layered {
    fn root(&self) -> FileId {
        self.root
    }

    fn attributes(&self, file: FileId) -> Result<Attributes, Status> {
        let (_, inode) = self.inode(file)?;
        let (kind, device) = match inode.kind {
            Kind::Directory(_) => (FileKind::Directory, (0, 0)),
            Kind::File(_) => (FileKind::File, (0, 0)),
            Kind::Symlink(_) => (FileKind::Link, (0, 0)),
            Kind::BlockDevice(major, minor) => (FileKind::BlockDevice, (major, minor)),
            Kind::CharacterDevice(major, minor) => (FileKind::CharacterDevice, (major, minor)),
            Kind::Fifo => (FileKind::Pipe, (0, 0)),
            Kind::Socket => (FileKind::Socket, (0, 0)),
        };
        let (links, size) = match self.index.directory(file) {
            Some(it) => (it.directories.saturating_add(2), 4096),
            None => (self.index.links(file), inode.size()),
        };
        let time = Time { seconds: inode.modified_at, nanoseconds: 0 };
        Ok(Attributes {
            kind,
            mode: u32::from(inode.permissions),
            links,
            uid: inode.uid,
            gid: inode.gid,
            size,
            used: size.div_ceil(UNIT).saturating_mul(UNIT),
            device,
            file_id: file,
            accessed: time,
            modified: time,
            changed: time,
        })
    }

    fn access(&self, caller: &Caller, file: FileId, wanted: u32) -> Result<u32, Status> {
        Ok(permission::access(caller, &self.attributes(file)?, wanted, false))
    }

    fn lookup(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<FileId, Status> {
        permission::in_directory(caller, &self.attributes(directory)?, EXECUTE)?;
        self.find(directory, name).ok_or(Status::NotFound)
    }

    fn parent(&self, directory: FileId) -> Result<FileId, Status> {
        Ok(self.directory(directory)?.parent)
    }

    fn read_link(&self, file: FileId) -> Result<Vec<u8>, Status> {
        match &self.inode(file)?.1.kind {
            Kind::Symlink(target) => Ok(target.clone()),
            Kind::Directory(_)
            | Kind::File(_)
            | Kind::BlockDevice(..)
            | Kind::CharacterDevice(..)
            | Kind::Fifo
            | Kind::Socket => Err(Status::Invalid),
        }
    }

    fn read(&self, caller: &Caller, file: FileId, offset: u64, count: u32) -> Result<Part, Status> {
        let attributes = self.attributes(file)?;
        permission::to_read(caller, &attributes)?;
        let bytes = self.content(file, offset, count as usize)?;
        let end = offset.saturating_add(bytes.len() as u64) >= attributes.size;
        Ok(Part { bytes, end })
    }

    fn list(
        &self,
        caller: &Caller,
        directory: FileId,
        cookie: u64,
        most: usize,
    ) -> Result<Listing, Status> {
        permission::in_directory(caller, &self.attributes(directory)?, READ)?;
        let names = self.names_after(directory, cookie);
        Ok(listing((directory, self.parent(directory)?), cookie, most, names))
    }

    fn space(&self) -> Result<Space, Status> {
        let total_bytes = self.images.iter().map(|it| it.bytes_used()).sum();
        let total_files = self.images.iter().map(|it| u64::from(it.inodes())).sum();
        Ok(Space { total_bytes, free_bytes: 0, total_files, free_files: 0 })
    }
}

/// Puts a listing together: `.`, `..` and the names behind the cookie.
pub(crate) fn listing<'a>(
    (directory, parent): (FileId, FileId),
    cookie: u64,
    most: usize,
    names: impl Iterator<Item = (&'a [u8], FileId, u64)>,
) -> Listing {
    let dots: [(&[u8], FileId, u64); 2] =
        [(b".", directory, COOKIE_SELF), (b"..", parent, COOKIE_PARENT)];
    let dots = dots.into_iter().filter(|(_, _, it)| *it > cookie);
    let mut all = dots.chain(names).map(|(name, file_id, cookie)| Entry {
        name: name.to_vec(),
        file_id,
        cookie,
    });
    let entries = all.by_ref().take(most).collect();
    Listing { entries, end: all.next().is_none() }
}
