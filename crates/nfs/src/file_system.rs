//! What an export must be able to do, in the words of RFC 1813 (NFS version 3).
//!
//! All calls block and come from threads that may; many come at the same time. Names and paths are bytes, as
//! they are on the wire; the server has checked that a name is not empty, not `.` or `..`, at most
//! [`NAME_MAX`] bytes and without `/` or NUL before it hands one on.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;

/// The longest name of a file, in bytes.
pub const NAME_MAX: usize = 255;

/// The number of a file in its export, `fileid` on the wire: never changed while the file lives, and not
/// given again to another while a handle of the first may be about.
pub type FileId = u64;

/// What names an export in file handles, whatever its path is called: the same after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExportId(pub [u8; 16]);

/// Why a call came to nothing: `nfsstat3` of RFC 1813 §2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{self:?}")]
pub enum Status {
    /// `NFS3ERR_PERM`: not the owner.
    NotOwner,
    /// `NFS3ERR_NOENT`: no such file.
    NotFound,
    /// `NFS3ERR_IO`: the disk or the image failed.
    Io,
    /// `NFS3ERR_ACCES`: the mode of the file says no.
    Denied,
    /// `NFS3ERR_EXIST`
    Exists,
    /// `NFS3ERR_XDEV`: a hard link out of the export.
    CrossDevice,
    /// `NFS3ERR_NOTDIR`
    NotDirectory,
    /// `NFS3ERR_ISDIR`
    IsDirectory,
    /// `NFS3ERR_INVAL`
    Invalid,
    /// `NFS3ERR_FBIG`
    TooLarge,
    /// `NFS3ERR_NOSPC`: the disk is full.
    NoSpace,
    /// `NFS3ERR_ROFS`: the export is read-only.
    ReadOnly,
    /// `NFS3ERR_MLINK`
    TooManyLinks,
    /// `NFS3ERR_NAMETOOLONG`
    NameTooLong,
    /// `NFS3ERR_NOTEMPTY`
    NotEmpty,
    /// `NFS3ERR_DQUOT`: the export's quota is used up.
    QuotaExceeded,
    /// `NFS3ERR_STALE`: the file, or its export, is gone for good.
    Stale,
    /// `NFS3ERR_BADHANDLE`: not a handle of ours.
    BadHandle,
    /// `NFS3ERR_NOT_SYNC`: the guard of SETATTR does not match.
    NotSynchronized,
    /// `NFS3ERR_BAD_COOKIE`
    BadCookie,
    /// `NFS3ERR_NOTSUPP`
    NotSupported,
    /// `NFS3ERR_TOOSMALL`: not even one entry fits.
    TooSmall,
    /// `NFS3ERR_BADTYPE`: nothing of that kind can be made.
    BadType,
    /// `NFS3ERR_JUKEBOX`: come back later.
    Later,
}

/// Who asks: what an `AUTH_SYS` credential says (RFC 5531), and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user; nobody (65534) where a call brings no credential.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Further groups, 16 at most.
    pub groups: Vec<u32>,
    /// The client's address.
    pub address: IpAddr,
}

/// `ftype3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharacterDevice,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
}

/// `nfstime3`: since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time {
    /// Whole seconds.
    pub seconds: u32,
    /// And nanoseconds, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// `fattr3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// What it is.
    pub kind: FileKind,
    /// Permissions with setuid, setgid and sticky: the lower twelve bits of `st_mode`.
    pub mode: u32,
    /// Hard links.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of its content; of a link, of where it leads.
    pub size: u64,
    /// Bytes that it takes on the disk.
    pub used: u64,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Its number.
    pub file_id: FileId,
    /// Last read.
    pub accessed: Time,
    /// Last change of the content.
    pub modified: Time,
    /// Last change of attributes or content: never goes back, and moves with every change.
    pub changed: Time,
}

/// `time_how` and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetTime {
    /// `SET_TO_SERVER_TIME`
    Now,
    /// `SET_TO_CLIENT_TIME`
    To(Time),
}

/// `sattr3`: what is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// The lower twelve bits of `st_mode`.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Bytes: a file grows with zeroes or is cut.
    pub size: Option<u64>,
    /// Last read.
    pub accessed: Option<SetTime>,
    /// Last change of the content.
    pub modified: Option<SetTime>,
}

/// How CREATE makes a file: `createhow3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// A file that is there already is taken, and changed so.
    Unchecked(Change),
    /// It must not be there.
    Guarded(Change),
    /// It must not be there, unless this verifier made it: a call that came twice.
    Exclusive([u8; 8]),
}

/// What MKDIR, SYMLINK and MKNOD make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A symbolic link that leads there.
    Link(Vec<u8>),
    /// A device of these numbers, a pipe or a socket, whose numbers are zero.
    Special(FileKind, (u32, u32)),
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes: fewer than asked for only at the end of the file.
    pub bytes: Bytes,
    /// Whether the file ends with them.
    pub end: bool,
}

/// One name of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: Vec<u8>,
    /// What it names.
    pub file_id: FileId,
    /// Where a listing goes on after it; not 0, unique in the directory, and the same for as long as the
    /// entry is there, whatever is made or removed beside it.
    pub cookie: u64,
}

/// A piece of a directory, `.` and `..` among its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The entries after the cookie that was named.
    pub entries: Vec<Entry>,
    /// Whether no more come after them.
    pub end: bool,
}

/// FSSTAT: room, in bytes and in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All bytes.
    pub total_bytes: u64,
    /// Free bytes.
    pub free_bytes: u64,
    /// All files.
    pub total_files: u64,
    /// How many more there can be.
    pub free_files: u64,
}

/// An export. Each call decides by the caller's ids whether it may; root may all.
///
/// `access` only foretells what the other calls decide. A read of a file is allowed as well to its owner and to whoever may run it, whatever its mode: a
/// client checks when it opens a file and then reads (RFC 1813 §4.4).
///
/// What changes something is refused as [`Status::ReadOnly`] unless an export says otherwise.
pub trait FileSystem: Send + Sync {
    /// The directory at the top.
    fn root(&self) -> FileId;

    /// GETATTR: the attributes of a file.
    ///
    /// # Errors
    /// [`Status::Stale`] where the file is gone, as for every call below.
    fn attributes(&self, file: FileId) -> Result<Attributes, Status>;

    /// ACCESS: which of the bits of `wanted` (RFC 1813 §3.3.4) the caller would be allowed.
    ///
    /// # Errors
    /// Where the file is gone or cannot be read.
    fn access(&self, caller: &Caller, file: FileId, wanted: u32) -> Result<u32, Status>;

    /// LOOKUP: what a name in a directory stands for.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::Denied`], [`Status::NotDirectory`].
    fn lookup(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<FileId, Status>;

    /// LOOKUP of `..`: the directory that a directory is in; the top's is itself.
    ///
    /// # Errors
    /// [`Status::NotDirectory`].
    fn parent(&self, directory: FileId) -> Result<FileId, Status>;

    /// READLINK: where a symbolic link leads.
    ///
    /// # Errors
    /// [`Status::Invalid`] where it is none.
    fn read_link(&self, file: FileId) -> Result<Vec<u8>, Status>;

    /// READ: `count` bytes from `offset`.
    ///
    /// # Errors
    /// [`Status::Denied`], [`Status::IsDirectory`], [`Status::Invalid`] for what has no content.
    fn read(&self, caller: &Caller, file: FileId, offset: u64, count: u32) -> Result<Part, Status>;

    /// READDIR: up to `most` entries after `cookie`, which is 0 at the begin.
    ///
    /// # Errors
    /// [`Status::NotDirectory`], [`Status::Denied`].
    fn list(
        &self,
        caller: &Caller,
        directory: FileId,
        cookie: u64,
        most: usize,
    ) -> Result<Listing, Status>;

    /// FSSTAT: the room.
    ///
    /// # Errors
    /// Where the disk cannot say.
    fn space(&self) -> Result<Space, Status>;

    /// SETATTR: changes attributes, where `guard` is given only if it is the time of the last change.
    ///
    /// # Errors
    /// [`Status::NotOwner`], [`Status::NotSynchronized`].
    fn change(
        &self,
        caller: &Caller,
        file: FileId,
        change: &Change,
        guard: Option<Time>,
    ) -> Result<(), Status> {
        let _ = (caller, file, change, guard);
        Err(Status::ReadOnly)
    }

    /// WRITE: all of these bytes; with `stable`, they are on the disk when it returns.
    ///
    /// # Errors
    /// [`Status::QuotaExceeded`], [`Status::NoSpace`], [`Status::TooLarge`].
    fn write(
        &self,
        caller: &Caller,
        file: FileId,
        offset: u64,
        bytes: &[u8],
        stable: bool,
    ) -> Result<(), Status> {
        let _ = (caller, file, offset, bytes, stable);
        Err(Status::ReadOnly)
    }

    /// COMMIT: everything written to the file is on the disk when it returns.
    ///
    /// # Errors
    /// Where the disk fails.
    fn commit(&self, file: FileId) -> Result<(), Status> {
        let _ = file;
        Err(Status::ReadOnly)
    }

    /// CREATE: makes a regular file.
    ///
    /// # Errors
    /// [`Status::Exists`] as `how` says.
    fn create(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        how: Creation,
    ) -> Result<FileId, Status> {
        let _ = (caller, directory, name, how);
        Err(Status::ReadOnly)
    }

    /// MKDIR, SYMLINK, MKNOD: makes what is no regular file.
    ///
    /// # Errors
    /// [`Status::Exists`].
    fn make(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        node: &Node,
        change: &Change,
    ) -> Result<FileId, Status> {
        let _ = (caller, directory, name, node, change);
        Err(Status::ReadOnly)
    }

    /// REMOVE: takes a name that is no directory's.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::IsDirectory`].
    fn remove(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<(), Status> {
        let _ = (caller, directory, name);
        Err(Status::ReadOnly)
    }

    /// RMDIR: takes an empty directory.
    ///
    /// # Errors
    /// [`Status::NotEmpty`], [`Status::NotDirectory`].
    fn remove_directory(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        let _ = (caller, directory, name);
        Err(Status::ReadOnly)
    }

    /// RENAME: in one step; what has the new name goes.
    ///
    /// # Errors
    /// As rename(2).
    fn rename(
        &self,
        caller: &Caller,
        from: (FileId, &[u8]),
        to: (FileId, &[u8]),
    ) -> Result<(), Status> {
        let _ = (caller, from, to);
        Err(Status::ReadOnly)
    }

    /// LINK: another name for a file.
    ///
    /// # Errors
    /// [`Status::Exists`], [`Status::TooManyLinks`].
    fn link(
        &self,
        caller: &Caller,
        file: FileId,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        let _ = (caller, file, directory, name);
        Err(Status::ReadOnly)
    }
}

/// Why a path cannot be mounted: `mountstat3` of RFC 1813 §5.1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MountRefused {
    /// `MNT3ERR_NOENT`
    #[error("nothing is exported at this path")]
    NotFound,
    /// `MNT3ERR_ACCES`
    #[error("this path is not for this client")]
    Denied,
    /// `MNT3ERR_IO`: what is to be exported cannot be read.
    #[error("what is exported at this path cannot be read")]
    Io,
}

/// What can be mounted, and by whom.
pub trait Exports: Send + Sync {
    /// The export at a path, for a client; its private root may be made for that.
    ///
    /// # Errors
    /// Where there is none for it.
    fn mount(&self, path: &[u8], client: IpAddr) -> Result<ExportId, MountRefused>;

    /// The export of a handle that this client shows.
    ///
    /// # Errors
    /// [`Status::Stale`] where it is gone for good, [`Status::Denied`] where it is another client's,
    /// [`Status::Later`] where it will be there soon.
    fn export(&self, export: ExportId, client: IpAddr) -> Result<Arc<dyn FileSystem>, Status>;

    /// The paths that can be mounted, as `showmount -e` tells them.
    fn paths(&self) -> Vec<String>;
}
