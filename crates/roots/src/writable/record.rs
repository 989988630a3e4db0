//! What the log of a writable root holds: a header, then edits, those of one operation in one record.
//!
//! Edits say how things are afterwards, not what was asked for: to read a log again decides nothing anew.

use nfs::{Attributes, FileId, FileKind, Time};
use serde::{Deserialize, Serialize};

use super::{BLOCK, Quota};

/// What each log begins with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`FORMAT`].
    pub(super) format: u32,
    /// What the images below are called.
    pub(super) base: String,
    pub(super) quota: Quota,
}

/// The form of logs: one that this program does not know is not read.
pub(super) const FORMAT: u32 = 1;

/// What a file is, apart from its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// A regular file. What was not written comes from the file of the same number below, as far as `base`
    /// bytes of that still show; `verifier` is whose exclusive CREATE made it.
    File {
        base: u64,
        verifier: Option<[u8; 8]>,
    },
    /// A directory, and which it is in.
    Directory {
        parent: FileId,
    },
    /// A symbolic link, and where it leads.
    Link(Vec<u8>),
    BlockDevice(u32, u32),
    CharacterDevice(u32, u32),
    Pipe,
    Socket,
}

/// All that is kept of a file but its names and contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) what: What,
    pub(super) mode: u32,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    /// Times: seconds and nanoseconds.
    pub(super) accessed: (u32, u32),
    pub(super) modified: (u32, u32),
    pub(super) changed: (u32, u32),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Edit {
    /// Numbers below this one may have been given out.
    Reserved(u64),
    /// A file is like this now.
    File(FileId, Row),
    /// A file is gone, with its contents.
    Gone(FileId),
    /// A name of a directory stands for a file, at this cookie.
    Name { directory: FileId, name: Vec<u8>, file: FileId, cookie: u64 },
    /// A name of a directory stands for nothing.
    NoName { directory: FileId, name: Vec<u8> },
    /// These blocks were written: from the first until before the last.
    Blocks(FileId, u64, u64),
    /// Blocks from this one on were cut off.
    Cut(FileId, u64),
}

pub(super) const fn pair(time: Time) -> (u32, u32) {
    (time.seconds, time.nanoseconds)
}

pub(super) const fn time((seconds, nanoseconds): (u32, u32)) -> Time {
    Time { seconds, nanoseconds }
}

impl Row {
    /// What clients see of it, `written` being how many of its blocks are its own.
    pub(super) fn attributes(&self, file_id: FileId, written: u64) -> Attributes {
        let (kind, device, base) = match &self.what {
            What::File { base, .. } => (FileKind::File, (0, 0), *base),
            What::Directory { .. } => (FileKind::Directory, (0, 0), 0),
            What::Link(_) => (FileKind::Link, (0, 0), 0),
            What::BlockDevice(major, minor) => (FileKind::BlockDevice, (*major, *minor), 0),
            What::CharacterDevice(major, minor) => (FileKind::CharacterDevice, (*major, *minor), 0),
            What::Pipe => (FileKind::Pipe, (0, 0), 0),
            What::Socket => (FileKind::Socket, (0, 0), 0),
        };
        // Where both lie over each other it is less than their sum, and never more than the whole.
        let whole = self.size.div_ceil(BLOCK);
        let blocks = written.saturating_add(base.div_ceil(BLOCK)).min(whole);
        let used = if kind == FileKind::File { blocks.saturating_mul(BLOCK) } else { self.size };
        Attributes {
            kind,
            mode: self.mode,
            links: self.links,
            uid: self.uid,
            gid: self.gid,
            size: self.size,
            used,
            device,
            file_id,
            accessed: time(self.accessed),
            modified: time(self.modified),
            changed: time(self.changed),
        }
    }

    /// Notes a change of the attributes at a time; the time of the last change never goes back, and moves.
    pub(super) fn touch(&mut self, now: Time) {
        const LAST: u32 = 999_999_999;
        let next = match self.changed {
            (seconds, LAST..) => (seconds.saturating_add(1), 0),
            (seconds, nanoseconds) => (seconds, nanoseconds + 1),
        };
        self.changed = pair(now).max(next);
    }

    /// Notes a change of the content as well.
    pub(super) fn touch_content(&mut self, now: Time) {
        self.touch(now);
        self.modified = self.changed;
    }
}
