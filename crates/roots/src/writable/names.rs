//! REMOVE, RMDIR, RENAME, LINK: names, by the rules of unlink(2), rmdir(2), rename(2), link(2).

use nfs::{Attributes, Caller, FileId, FileKind, Status};

use super::{
    NAME_COST, WritableRoot,
    draft::Draft,
    record::{Edit, What},
};
use crate::permission::{EXECUTE, STICKY, WRITE, grants, in_directory, is_root};

/// How many names a file may have, as on ext4.
const MOST_LINKS: u32 = 65_000;

/// Whether a caller may take a file's name out of a directory.
fn may_take(caller: &Caller, directory: &Attributes, file: &Attributes) -> Result<(), Status> {
    in_directory(caller, directory, WRITE | EXECUTE)?;
    let owns = is_root(caller) || caller.uid == file.uid || caller.uid == directory.uid;
    if directory.mode & STICKY != 0 && !owns { Err(Status::NotOwner) } else { Ok(()) }
}

/// What a name that must be there stands for.
fn there(
    draft: &Draft<'_>,
    caller: &Caller,
    (directory, name): (FileId, &[u8]),
) -> Result<(Attributes, Attributes), Status> {
    let parent = draft.attributes(directory)?;
    in_directory(caller, &parent, EXECUTE)?;
    let file = draft.find(directory, name)?.ok_or(Status::NotFound)?;
    Ok((parent, draft.attributes(file)?))
}

/// Takes an empty directory out of the one that it is in.
fn take_directory(draft: &mut Draft<'_>, parent: FileId, directory: FileId) -> Result<(), Status> {
    if draft.state.count(draft.base, directory)? > 0 {
        return Err(Status::NotEmpty);
    }
    draft.forget(directory);
    let row = draft.row(parent)?;
    row.links = row.links.saturating_sub(1);
    Ok(())
}

/// Whether a directory is in another, or is it.
fn is_within(draft: &Draft<'_>, mut directory: FileId, above: FileId) -> Result<bool, Status> {
    loop {
        if directory == above {
            return Ok(true);
        }
        let parent = draft.state.parent(draft.base, directory)?;
        if parent == directory {
            return Ok(false);
        }
        directory = parent;
    }
}

impl WritableRoot {
    pub(super) fn remove_name(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        is_directory: bool,
    ) -> Result<(), Status> {
        let mut inner = self.inner_mut();
        let gone = self.operation(&mut inner, |draft| {
            let (parent, file) = there(draft, caller, (directory, name))?;
            may_take(caller, &parent, &file)?;
            match (is_directory, file.kind == FileKind::Directory) {
                (true, false) => return Err(Status::NotDirectory),
                (false, true) => return Err(Status::IsDirectory),
                (true, true) => take_directory(draft, directory, file.file_id)?,
                (false, false) => draft.unlink(file.file_id)?,
            }
            draft.touch_content(directory)?;
            draft.edit(Edit::NoName { directory, name: name.to_vec() });
            Ok(last_of(&file))
        })?;
        drop(inner);
        self.leave_over(gone);
        Ok(())
    }

    pub(super) fn rename_name(
        &self,
        caller: &Caller,
        from: (FileId, &[u8]),
        to: (FileId, &[u8]),
    ) -> Result<(), Status> {
        let mut inner = self.inner_mut();
        let cookie = Self::number(&mut inner)?;
        let gone = self.operation(&mut inner, |draft| {
            in_directory(caller, &draft.attributes(from.0)?, EXECUTE)?;
            let to_parent = draft.attributes(to.0)?;
            in_directory(caller, &to_parent, EXECUTE)?;
            let (from_parent, moved) = there(draft, caller, from)?;
            let replaced = draft.find(to.0, to.1)?;
            let is_directory = moved.kind == FileKind::Directory;
            if is_directory && is_within(draft, to.0, moved.file_id)? {
                return Err(Status::Invalid);
            }
            let replaced = replaced.map(|it| draft.attributes(it)).transpose()?;
            if replaced.is_some_and(|it| it.file_id == moved.file_id) {
                // Two names of one file: rename(2) leaves both.
                return Ok(None);
            }
            if let Some(replaced) = &replaced
                && replaced.kind == FileKind::Directory
                && is_within(draft, from.0, replaced.file_id)?
            {
                return Err(Status::NotEmpty);
            }
            may_take(caller, &from_parent, &moved)?;
            match &replaced {
                None => in_directory(caller, &to_parent, WRITE | EXECUTE)?,
                Some(replaced) => {
                    may_take(caller, &to_parent, replaced)?;
                    match (is_directory, replaced.kind == FileKind::Directory) {
                        (true, false) => return Err(Status::NotDirectory),
                        (false, true) => return Err(Status::IsDirectory),
                        (true, true) | (false, false) => {}
                    }
                }
            }
            // Its `..` is written.
            if is_directory && from.0 != to.0 && !grants(caller, &moved, WRITE) {
                return Err(Status::Denied);
            }
            if let Some(replaced) = &replaced {
                if is_directory {
                    take_directory(draft, to.0, replaced.file_id)?;
                } else {
                    draft.unlink(replaced.file_id)?;
                }
            }
            draft.touch_content(from.0)?;
            if from.0 != to.0 {
                draft.touch_content(to.0)?;
            }
            let row = draft.touch(moved.file_id)?;
            if is_directory && from.0 != to.0 {
                row.what = What::Directory { parent: to.0 };
                let row = draft.row(from.0)?;
                row.links = row.links.saturating_sub(1);
                let row = draft.row(to.0)?;
                row.links = row.links.saturating_add(1);
            }
            draft.edit(Edit::NoName { directory: from.0, name: from.1.to_vec() });
            let (directory, name, file) = (to.0, to.1.to_vec(), moved.file_id);
            draft.edit(Edit::Name { directory, name, file, cookie });
            Ok(replaced.as_ref().and_then(last_of))
        })?;
        drop(inner);
        self.leave_over(gone);
        Ok(())
    }

    /// A file that is gone leaves its content over. To free that may fail, but the name is gone.
    fn leave_over(&self, gone: Option<FileId>) {
        if let Some(file) = gone {
            let _ = self.shorten(file, 0);
        }
    }

    pub(super) fn add_link(
        &self,
        caller: &Caller,
        file: FileId,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        let mut inner = self.inner_mut();
        let cookie = Self::number(&mut inner)?;
        self.operation(&mut inner, |draft| {
            let linked = draft.attributes(file)?;
            let parent = draft.attributes(directory)?;
            in_directory(caller, &parent, EXECUTE)?;
            if draft.find(directory, name)?.is_some() {
                return Err(Status::Exists);
            }
            in_directory(caller, &parent, WRITE | EXECUTE)?;
            if linked.kind == FileKind::Directory {
                return Err(Status::NotOwner);
            }
            if linked.links >= MOST_LINKS {
                return Err(Status::TooManyLinks);
            }
            self.room(draft.state, NAME_COST, 0)?;
            draft.touch_content(directory)?;
            draft.touch(file)?.links += 1;
            draft.edit(Edit::Name { directory, name: name.to_vec(), file, cookie });
            Ok(())
        })
    }
}

/// A file whose content goes with its last name.
fn last_of(file: &Attributes) -> Option<FileId> {
    (file.kind == FileKind::File && file.links <= 1).then_some(file.file_id)
}
