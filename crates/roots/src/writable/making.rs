//! CREATE, MKDIR, SYMLINK, MKNOD: new files, by the rules of open(2), mkdir(2), symlink(2), mknod(2).

use nfs::{Attributes, Caller, Change, Creation, FileId, FileKind, Node, SetTime, Status, Time};

use super::{
    NAME_COST, NODE_COST, WritableRoot,
    content::LONGEST,
    draft::Draft,
    record::{Edit, Row, What, pair},
};
use crate::permission::{
    EXECUTE, GROUP_EXECUTE, SET_GID, STICKY, WRITE, in_directory, in_group, is_root,
};

/// The longest target of a symbolic link, in bytes, as on Linux.
const LONGEST_TARGET: usize = 4095;

/// A new file.
struct New<'a> {
    what: What,
    size: u64,
    links: u32,
    change: &'a Change,
}

impl New<'_> {
    /// What it is when a caller makes it in a directory.
    fn row(self, caller: &Caller, directory: &Attributes, now: Time) -> Row {
        let inherits = directory.mode & SET_GID != 0;
        let change = self.change;
        let gid = if inherits { directory.gid } else { caller.gid };
        let mut mode = change.mode.unwrap_or(0) & 0o7777;
        match self.what {
            What::Directory { .. } => {
                mode &= 0o777 | STICKY;
                if inherits {
                    mode |= SET_GID;
                }
            }
            What::Link(_) => mode = 0o777,
            What::File { .. }
            | What::BlockDevice(..)
            | What::CharacterDevice(..)
            | What::Pipe
            | What::Socket => {
                // A program that would run as a group that its maker is not in.
                let runs = SET_GID | GROUP_EXECUTE;
                let foreign = inherits && !is_root(caller) && !in_group(caller, directory.gid);
                if foreign && mode & runs == runs {
                    mode &= !SET_GID;
                }
            }
        }
        let given = |asked: Option<u32>, otherwise| {
            if is_root(caller) { asked.unwrap_or(otherwise) } else { otherwise }
        };
        let at = |asked: Option<SetTime>| match asked {
            Some(SetTime::To(it)) => (it.seconds, it.nanoseconds.min(999_999_999)),
            Some(SetTime::Now) | None => pair(now),
        };
        Row {
            what: self.what,
            mode,
            links: self.links,
            uid: given(change.uid, caller.uid),
            gid: given(change.gid, gid),
            size: self.size,
            accessed: at(change.accessed),
            modified: at(change.modified),
            changed: pair(now),
        }
    }
}

impl WritableRoot {
    pub(super) fn create_file(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        how: Creation,
    ) -> Result<FileId, Status> {
        let mut inner = self.inner_mut();
        let number = (Self::number(&mut inner)?, Self::number(&mut inner)?);
        let nothing = Change::default();
        let (change, verifier) = match &how {
            Creation::Unchecked(change) | Creation::Guarded(change) => (change, None),
            Creation::Exclusive(verifier) => (&nothing, Some(*verifier)),
        };
        let (file, is_new) = self.operation(&mut inner, |draft| {
            in_directory(caller, &draft.attributes(directory)?, EXECUTE)?;
            if let Some(there) = draft.find(directory, name)? {
                let kind = draft.attributes(there)?.kind;
                let again = match how {
                    Creation::Unchecked(_) => kind == FileKind::File,
                    Creation::Guarded(_) => false,
                    Creation::Exclusive(verifier) => {
                        let node = draft.state.node(there)?;
                        node.is_some_and(|it| match it.row.what {
                            What::File { verifier: made_by, .. } => made_by == Some(verifier),
                            _ => false,
                        })
                    }
                };
                return if again { Ok((there, false)) } else { Err(Status::Exists) };
            }
            let size = change.size.unwrap_or(0);
            if size > LONGEST {
                return Err(Status::TooLarge);
            }
            let new = New { what: What::File { base: 0, verifier }, size, links: 1, change };
            self.add(draft, caller, (directory, name), number, new)?;
            Ok((number.0, true))
        })?;
        drop(inner);
        // An old file that is taken is cut as it would be for open(2), and else stays as it is.
        if !is_new && let Creation::Unchecked(Change { size: Some(size), .. }) = how {
            let cut = Change { size: Some(size), ..Change::default() };
            self.change_attributes(caller, file, &cut, None)?;
        }
        Ok(file)
    }

    pub(super) fn make_node(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        node: &Node,
        change: &Change,
    ) -> Result<FileId, Status> {
        let is_directory = matches!(node, Node::Directory);
        let (what, size, links) = match node {
            Node::Directory => (What::Directory { parent: directory }, 4096, 2),
            Node::Link(target) if target.is_empty() => return Err(Status::NotFound),
            Node::Link(target) if target.len() > LONGEST_TARGET => {
                return Err(Status::NameTooLong);
            }
            Node::Link(target) => (What::Link(target.clone()), target.len() as u64, 1),
            Node::Special(kind, (major, minor)) => {
                let what = match kind {
                    FileKind::BlockDevice => What::BlockDevice(*major, *minor),
                    FileKind::CharacterDevice => What::CharacterDevice(*major, *minor),
                    FileKind::Pipe => What::Pipe,
                    FileKind::Socket => What::Socket,
                    FileKind::File | FileKind::Directory | FileKind::Link => {
                        return Err(Status::BadType);
                    }
                };
                (what, 0, 1)
            }
        };
        let is_device = matches!(what, What::BlockDevice(..) | What::CharacterDevice(..));
        let mut inner = self.inner_mut();
        let number = (Self::number(&mut inner)?, Self::number(&mut inner)?);
        self.operation(&mut inner, |draft| {
            in_directory(caller, &draft.attributes(directory)?, EXECUTE)?;
            if draft.find(directory, name)?.is_some() {
                return Err(Status::Exists);
            }
            in_directory(caller, &draft.attributes(directory)?, WRITE | EXECUTE)?;
            if is_device && !is_root(caller) {
                return Err(Status::NotOwner);
            }
            let new = New { what, size, links, change };
            self.add(draft, caller, (directory, name), number, new)?;
            if is_directory {
                let row = draft.row(directory)?;
                row.links = row.links.saturating_add(1);
            }
            Ok(number.0)
        })
    }

    /// Puts a new file into a directory.
    fn add(
        &self,
        draft: &mut Draft<'_>,
        caller: &Caller,
        (directory, name): (FileId, &[u8]),
        (file, cookie): (FileId, u64),
        new: New<'_>,
    ) -> Result<(), Status> {
        let parent = draft.attributes(directory)?;
        in_directory(caller, &parent, WRITE | EXECUTE)?;
        self.room(draft.state, NODE_COST + NAME_COST, 1)?;
        let row = new.row(caller, &parent, draft.now());
        draft.add(file, row);
        draft.touch_content(directory)?;
        draft.edit(Edit::Name { directory, name: name.to_vec(), file, cookie });
        Ok(())
    }
}
