//! The procedures that change something.

use super::{
    Conversation, Target, answer, checked,
    look::END,
    request::{Place, Shown},
};
use crate::{Attributes, Change, Creation, FileId, Node, Status, Time};

/// The longest path that a symbolic link leads to, in bytes: `PATH_MAX` of Linux without its end.
const LONGEST_TARGET: usize = 4095;

impl Conversation<'_> {
    pub(super) fn change(
        &mut self,
        file: Shown<'_>,
        change: &Change,
        guard: Option<Time>,
    ) -> Result<(), Status> {
        let target = self.open(file)?;
        let before = target.attributes().ok();
        let changed = if change.size.is_some_and(|size| size > END) {
            Err(Status::TooLarge)
        } else {
            target.files.change(self.caller, target.file, change, guard)
        };
        self.outcome(&changed);
        self.changed(&target, before.as_ref());
        Ok(())
    }

    /// WRITE. The attributes from before are left out, as in COMMIT: a client has many writes of one file under
    /// way, whose answers overtake one another, and takes attributes that it did not see last for the work of
    /// somebody else.
    pub(super) fn write(
        &mut self,
        file: Shown<'_>,
        offset: u64,
        bytes: &[u8],
        stable: bool,
    ) -> Result<(), Status> {
        let target = self.open(file)?;
        let fits = offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= END);
        let written = if fits {
            target.files.write(self.caller, target.file, offset, bytes, stable)
        } else {
            Err(Status::TooLarge)
        };
        self.outcome(&written);
        self.changed(&target, None);
        if written.is_ok() {
            self.out.length(bytes.len());
            // FILE_SYNC or UNSTABLE.
            self.out.u32(if stable { 2 } else { 0 });
            self.out.fixed(&self.service.verifier);
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, file: Shown<'_>) -> Result<(), Status> {
        let target = self.open(file)?;
        let committed = target.files.commit(target.file);
        self.outcome(&committed);
        self.changed(&target, None);
        if committed.is_ok() {
            self.out.fixed(&self.service.verifier);
        }
        Ok(())
    }

    pub(super) fn create(&mut self, place: &Place<'_>, how: Creation) -> Result<(), Status> {
        let directory = self.open(place.directory)?;
        let before = directory.attributes().ok();
        let made = new_name(place.name)
            .and_then(|name| directory.files.create(self.caller, directory.file, name, how));
        self.made(&directory, before.as_ref(), made);
        Ok(())
    }

    pub(super) fn make(
        &mut self,
        place: &Place<'_>,
        node: Option<&Node>,
        change: &Change,
    ) -> Result<(), Status> {
        let directory = self.open(place.directory)?;
        let before = directory.attributes().ok();
        let made = new_name(place.name).and_then(|name| {
            let node = node.ok_or(Status::BadType)?;
            if let Node::Link(target) = node {
                leads_somewhere(target)?;
            }
            directory.files.make(self.caller, directory.file, name, node, change)
        });
        self.made(&directory, before.as_ref(), made);
        Ok(())
    }

    pub(super) fn remove(&mut self, place: &Place<'_>) -> Result<(), Status> {
        let directory = self.open(place.directory)?;
        let before = directory.attributes().ok();
        let removed = old_name(place.name)
            .and_then(|name| directory.files.remove(self.caller, directory.file, name));
        self.outcome(&removed);
        self.changed(&directory, before.as_ref());
        Ok(())
    }

    pub(super) fn remove_directory(&mut self, place: &Place<'_>) -> Result<(), Status> {
        let directory = self.open(place.directory)?;
        let before = directory.attributes().ok();
        let removed = old_name(place.name)
            .and_then(|name| directory.files.remove_directory(self.caller, directory.file, name));
        self.outcome(&removed);
        self.changed(&directory, before.as_ref());
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Place<'_>, to: &Place<'_>) -> Result<(), Status> {
        let (source, target) = (self.open(from.directory)?, self.open(to.directory)?);
        let before = (source.attributes().ok(), target.attributes().ok());
        let renamed = old_name(from.name).and_then(|old| {
            let new = old_name(to.name)?;
            if source.export != target.export {
                return Err(Status::CrossDevice);
            }
            source.files.rename(self.caller, (source.file, old), (target.file, new))
        });
        self.outcome(&renamed);
        self.changed(&source, before.0.as_ref());
        self.changed(&target, before.1.as_ref());
        Ok(())
    }

    pub(super) fn link(&mut self, file: Shown<'_>, to: &Place<'_>) -> Result<(), Status> {
        let (target, directory) = (self.open(file)?, self.open(to.directory)?);
        let before = directory.attributes().ok();
        let linked = new_name(to.name).and_then(|name| {
            if target.export != directory.export {
                return Err(Status::CrossDevice);
            }
            directory.files.link(self.caller, target.file, directory.file, name)
        });
        self.outcome(&linked);
        self.now(&target, target.file);
        self.changed(&directory, before.as_ref());
        Ok(())
    }

    /// Writes the answer of what makes a file in a directory.
    fn made(
        &mut self,
        directory: &Target,
        before: Option<&Attributes>,
        made: Result<FileId, Status>,
    ) {
        self.outcome(&made);
        if let Ok(file) = made {
            self.out.boolean(true);
            self.handle(directory, file);
            self.now(directory, file);
        }
        self.changed(directory, before);
    }

    /// Writes `wcc_data`: what a file was like before, and is now.
    fn changed(&mut self, target: &Target, before: Option<&Attributes>) {
        answer::before(before, self.out);
        self.now(target, target.file);
    }
}

/// The name of something that is to be made.
fn new_name(name: &[u8]) -> Result<&[u8], Status> {
    match checked(name)? {
        b"." | b".." => Err(Status::Exists),
        name => Ok(name),
    }
}

/// The name of something that is to go.
fn old_name(name: &[u8]) -> Result<&[u8], Status> {
    match checked(name)? {
        b"." | b".." => Err(Status::Invalid),
        name => Ok(name),
    }
}

fn leads_somewhere(target: &[u8]) -> Result<(), Status> {
    if target.is_empty() || target.contains(&0) {
        return Err(Status::Invalid);
    }
    if target.len() > LONGEST_TARGET { Err(Status::NameTooLong) } else { Ok(()) }
}
