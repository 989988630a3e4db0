//! Who may do what, by the mode of a file: as Linux decides it, and its NFS server for clients.
//!
//! Root passes, but to run a file at least one may run it. An NFS server knows no open files, so whoever
//! opened a file and then lost the right to it would find reads refused in mid-file: therefore its owner may
//! always read and write, and who may run a file may read it (RFC 1813 §4.4).

use nfs::{Attributes, Caller, FileKind, Status};

/// Bits of one class of a mode.
pub(crate) const READ: u32 = 4;
pub(crate) const WRITE: u32 = 2;
/// To run a file, or to look names up in a directory.
pub(crate) const EXECUTE: u32 = 1;

/// Bits of `mode`.
pub(crate) const SET_UID: u32 = 0o4000;
pub(crate) const SET_GID: u32 = 0o2000;
pub(crate) const STICKY: u32 = 0o1000;
pub(crate) const GROUP_EXECUTE: u32 = 0o010;

/// Bits of ACCESS (RFC 1813 §3.3.4).
mod asked {
    pub(super) const READ: u32 = 0x01;
    pub(super) const LOOKUP: u32 = 0x02;
    pub(super) const MODIFY: u32 = 0x04;
    pub(super) const EXTEND: u32 = 0x08;
    pub(super) const DELETE: u32 = 0x10;
    pub(super) const EXECUTE: u32 = 0x20;
}

/// Whether a caller is root.
pub(crate) const fn is_root(caller: &Caller) -> bool {
    caller.uid == 0
}

/// Whether a caller owns a file, or is root.
pub(crate) const fn owns(caller: &Caller, file: &Attributes) -> bool {
    is_root(caller) || caller.uid == file.uid
}

/// Whether a caller is in a group.
pub(crate) fn in_group(caller: &Caller, gid: u32) -> bool {
    caller.gid == gid || caller.groups.contains(&gid)
}

/// Whether the mode of a file grants all of these bits.
pub(crate) fn grants(caller: &Caller, file: &Attributes, bits: u32) -> bool {
    if is_root(caller) {
        return bits & EXECUTE == 0 || file.kind == FileKind::Directory || file.mode & 0o111 != 0;
    }
    let class = if caller.uid == file.uid {
        file.mode >> 6
    } else if in_group(caller, file.gid) {
        file.mode >> 3
    } else {
        file.mode
    };
    class & bits == bits
}

/// A call in a directory that needs these bits.
pub(crate) fn in_directory(
    caller: &Caller,
    directory: &Attributes,
    bits: u32,
) -> Result<(), Status> {
    if directory.kind != FileKind::Directory {
        return Err(Status::NotDirectory);
    }
    if grants(caller, directory, bits) { Ok(()) } else { Err(Status::Denied) }
}

/// A READ: of a regular file alone.
pub(crate) fn to_read(caller: &Caller, file: &Attributes) -> Result<(), Status> {
    has_content(file)?;
    let may = owns(caller, file) || grants(caller, file, READ) || grants(caller, file, EXECUTE);
    if may { Ok(()) } else { Err(Status::Denied) }
}

/// A WRITE, or a change of the size.
pub(crate) fn to_write(caller: &Caller, file: &Attributes) -> Result<(), Status> {
    has_content(file)?;
    if owns(caller, file) || grants(caller, file, WRITE) { Ok(()) } else { Err(Status::Denied) }
}

const fn has_content(file: &Attributes) -> Result<(), Status> {
    match file.kind {
        FileKind::File => Ok(()),
        FileKind::Directory => Err(Status::IsDirectory),
        FileKind::Link
        | FileKind::BlockDevice
        | FileKind::CharacterDevice
        | FileKind::Pipe
        | FileKind::Socket => Err(Status::Invalid),
    }
}

/// ACCESS: those bits of `wanted` that a caller would be allowed.
///
/// In a tree that is not writable nothing of it can be changed. What is written to a device, a pipe or a
/// socket changes nothing of the tree, and a client asks before it opens `/dev/console`.
pub(crate) fn access(caller: &Caller, file: &Attributes, wanted: u32, writable: bool) -> u32 {
    let rows: &[(u32, u32)] = match file.kind {
        FileKind::Directory => &[
            (asked::READ, READ),
            (asked::LOOKUP, EXECUTE),
            (asked::MODIFY, WRITE | EXECUTE),
            (asked::EXTEND, WRITE | EXECUTE),
            (asked::DELETE, WRITE | EXECUTE),
        ],
        FileKind::File
        | FileKind::Link
        | FileKind::BlockDevice
        | FileKind::CharacterDevice
        | FileKind::Pipe
        | FileKind::Socket => &[
            (asked::READ, READ),
            (asked::MODIFY, WRITE),
            (asked::EXTEND, WRITE),
            (asked::EXECUTE, EXECUTE),
        ],
    };
    let elsewhere = match file.kind {
        FileKind::File | FileKind::Directory | FileKind::Link => false,
        FileKind::BlockDevice | FileKind::CharacterDevice | FileKind::Pipe | FileKind::Socket => {
            true
        }
    };
    let allowed = rows.iter().filter(|(_, bits)| {
        (bits & WRITE == 0 || writable || elsewhere) && grants(caller, file, *bits)
    });
    allowed.fold(0, |all, (bit, _)| all | bit) & wanted
}

#[cfg(test)]
mod tests;
