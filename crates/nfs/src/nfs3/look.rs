//! The procedures that look: GETATTR, LOOKUP, ACCESS, READLINK, READ, FSSTAT, FSINFO and PATHCONF.

use bytes::Bytes;

use super::{
    Conversation, Target, answer, checked,
    request::{Place, Shown},
};
use crate::{FileId, FileKind, NAME_MAX, Part, Status, record::MOST_DATA};

/// The bits of ACCESS that there are (RFC 1813 §3.3.4).
const ACCESS: u32 = 0x3f;
/// Of these, to look for names in a directory.
const ACCESS_LOOKUP: u32 = 0x02;
/// The most bytes of READ and WRITE, and what is best.
const DATA: u32 = MOST_DATA as u32;
/// How long a piece of a directory is at best, in bytes.
const DIRECTORY: u32 = super::list::LONGEST as u32;
/// Hard links, symbolic links, the same PATHCONF everywhere, times that can be set (RFC 1813 §3.3.19).
const PROPERTIES: u32 = 0x01 | 0x02 | 0x08 | 0x10;
/// The most hard links that are told of: what ext4 has.
const MOST_LINKS: u32 = 65_000;
/// The end of the largest file: beyond it, Linux has no offsets.
pub(super) const END: u64 = i64::MAX as u64;

impl Conversation<'_> {
    pub(super) fn attributes(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        let attributes = target.attributes()?;
        self.outcome(&Ok(()));
        answer::attributes(target.export, &attributes, self.out);
        Ok(())
    }

    pub(super) fn lookup(&mut self, place: &Place<'_>) -> Result<(), Status> {
        let directory = self.open(place.directory)?;
        let found = self.found(&directory, place.name);
        self.outcome(&found);
        if let Ok(file) = found {
            self.handle(&directory, file);
            self.now(&directory, file);
        }
        self.now(&directory, directory.file);
        Ok(())
    }

    fn found(&self, directory: &Target, name: &[u8]) -> Result<FileId, Status> {
        let name = checked(name)?;
        if name != b"." && name != b".." {
            return directory.files.lookup(self.caller, directory.file, name);
        }
        if directory.attributes()?.kind != FileKind::Directory {
            return Err(Status::NotDirectory);
        }
        if directory.files.access(self.caller, directory.file, ACCESS_LOOKUP)? == 0 {
            return Err(Status::Denied);
        }
        if name == b"." {
            return Ok(directory.file);
        }
        directory.files.parent(directory.file)
    }

    pub(super) fn access(&mut self, file: Shown<'_>, wanted: u32) -> Result<(), Status> {
        let target = self.open(file)?;
        let allowed = target.files.access(self.caller, target.file, wanted & ACCESS);
        self.outcome(&allowed);
        self.now(&target, target.file);
        if let Ok(allowed) = allowed {
            self.out.u32(allowed & wanted);
        }
        Ok(())
    }

    pub(super) fn read_link(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        let leads = target.files.read_link(target.file);
        self.outcome(&leads);
        self.now(&target, target.file);
        if let Ok(leads) = leads {
            self.out.opaque(&leads);
        }
        Ok(())
    }

    pub(super) fn read(
        &mut self,
        file: Shown<'_>,
        offset: u64,
        count: u32,
    ) -> Result<Bytes, Status> {
        let target = self.open(file)?;
        let count = count.min(DATA);
        let read = if offset > END {
            Err(Status::Invalid)
        } else {
            target.files.read(self.caller, target.file, offset, count)
        };
        self.outcome(&read);
        self.now(&target, target.file);
        let Ok(Part { bytes, end }) = read else { return Ok(Bytes::new()) };
        self.out.length(bytes.len());
        self.out.boolean(end);
        self.out.length(bytes.len());
        self.service.observer.read(self.caller.address, target.export, bytes.len());
        Ok(bytes)
    }

    pub(super) fn space(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        let space = target.files.space();
        self.outcome(&space);
        self.now(&target, target.file);
        if let Ok(space) = space {
            self.out.u64(space.total_bytes);
            self.out.u64(space.free_bytes);
            self.out.u64(space.free_bytes);
            self.out.u64(space.total_files);
            self.out.u64(space.free_files);
            self.out.u64(space.free_files);
            // For how many seconds that will hold: it can change at any time.
            self.out.u32(0);
        }
        Ok(())
    }

    pub(super) fn properties(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        self.outcome(&Ok(()));
        self.now(&target, target.file);
        // Of READ, then of WRITE: at most, best, and a multiple of that is good.
        for value in [DATA, DATA, 4096, DATA, DATA, 4096, DIRECTORY] {
            self.out.u32(value);
        }
        self.out.u64(END);
        // How finely times are kept: a nanosecond.
        self.out.u32(0);
        self.out.u32(1);
        self.out.u32(PROPERTIES);
        Ok(())
    }

    pub(super) fn path_limits(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        self.outcome(&Ok(()));
        self.now(&target, target.file);
        self.out.u32(MOST_LINKS);
        self.out.length(NAME_MAX);
        let (no_truncation, chown_restricted, case_insensitive, case_preserving) =
            (true, true, false, true);
        for value in [no_truncation, chown_restricted, case_insensitive, case_preserving] {
            self.out.boolean(value);
        }
        Ok(())
    }
}
