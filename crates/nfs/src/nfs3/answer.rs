//! What answers are made of: the types of RFC 1813 §2.5 and §2.6.

use crate::{Attributes, ExportId, FileKind, Status, Time, xdr::Writer};

/// Writes `nfsstat3`, as which an outcome is answered.
pub(crate) fn outcome<T>(outcome: &Result<T, Status>, out: &mut Writer) {
    out.u32(match outcome {
        Ok(_) => 0,
        Err(status) => code(*status),
    });
}

fn code(status: Status) -> u32 {
    match status {
        Status::NotOwner => 1,
        Status::NotFound => 2,
        Status::Io => 5,
        Status::Denied => 13,
        Status::Exists => 17,
        Status::CrossDevice => 18,
        Status::NotDirectory => 20,
        Status::IsDirectory => 21,
        Status::Invalid => 22,
        Status::TooLarge => 27,
        Status::NoSpace => 28,
        Status::ReadOnly => 30,
        Status::TooManyLinks => 31,
        Status::NameTooLong => 63,
        Status::NotEmpty => 66,
        Status::QuotaExceeded => 69,
        Status::Stale => 70,
        Status::BadHandle => 10001,
        Status::NotSynchronized => 10002,
        Status::BadCookie => 10003,
        Status::NotSupported => 10004,
        Status::TooSmall => 10005,
        Status::BadType => 10007,
        Status::Later => 10008,
    }
}

/// Writes `fattr3`.
pub(crate) fn attributes(export: ExportId, it: &Attributes, out: &mut Writer) {
    out.u32(match it.kind {
        FileKind::File => 1,
        FileKind::Directory => 2,
        FileKind::BlockDevice => 3,
        FileKind::CharacterDevice => 4,
        FileKind::Link => 5,
        FileKind::Socket => 6,
        FileKind::Pipe => 7,
    });
    out.u32(it.mode & 0o7777);
    out.u32(it.links);
    out.u32(it.uid);
    out.u32(it.gid);
    out.u64(it.size);
    out.u64(it.used);
    out.u32(it.device.0);
    out.u32(it.device.1);
    out.u64(file_system_number(export));
    out.u64(it.file_id);
    time(it.accessed, out);
    time(it.modified, out);
    time(it.changed, out);
}

/// Writes `post_op_attr`.
pub(crate) fn after(export: ExportId, it: Option<&Attributes>, out: &mut Writer) {
    out.boolean(it.is_some());
    if let Some(it) = it {
        attributes(export, it, out);
    }
}

/// Writes a `post_op_attr` of what is not known.
pub(crate) fn absent(out: &mut Writer) {
    out.boolean(false);
}

/// Writes `pre_op_attr`.
pub(crate) fn before(it: Option<&Attributes>, out: &mut Writer) {
    out.boolean(it.is_some());
    if let Some(it) = it {
        out.u64(it.size);
        time(it.modified, out);
        time(it.changed, out);
    }
}

fn time(it: Time, out: &mut Writer) {
    out.u32(it.seconds);
    out.u32(it.nanoseconds);
}

/// `fsid`: one for each export, the same after a restart.
fn file_system_number(ExportId(id): ExportId) -> u64 {
    let id = u128::from_be_bytes(id);
    // Both halves count: ids that are made in one moment begin alike.
    ((id >> 64) ^ (id & u128::from(u64::MAX))) as u64
}
