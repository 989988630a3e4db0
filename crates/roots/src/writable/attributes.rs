//! SETATTR: owners, modes, times and sizes, by the rules of chown(2), chmod(2), utimensat(2), truncate(2).

use nfs::{Attributes, Caller, Change, FileId, FileKind, SetTime, Status, Time};

use super::{
    BLOCK, WritableRoot,
    content::LONGEST,
    draft::Draft,
    record::{Edit, Row, What, pair},
};
use crate::permission::{
    self, GROUP_EXECUTE, SET_GID, SET_UID, WRITE, grants, in_group, is_root, owns,
};

/// Clears what a program gets by its mode, when its owner or its content changes: setuid, and setgid where
/// that means a group and no lock, or a group that the caller is not in.
fn clear_set_ids(caller: &Caller, row: &mut Row) {
    let mut cleared = SET_UID;
    if row.mode & GROUP_EXECUTE != 0 || !(is_root(caller) || in_group(caller, row.gid)) {
        cleared |= SET_GID;
    }
    row.mode &= !cleared;
}

/// What a write by anybody but root does to a mode.
pub(super) fn drop_privileges(caller: &Caller, row: &mut Row) {
    if !is_root(caller) {
        clear_set_ids(caller, row);
    }
}

/// Whether a caller may make these changes.
fn check(caller: &Caller, file: &Attributes, change: &Change) -> Result<(), Status> {
    if change.mode.is_some() && !owns(caller, file) {
        return Err(Status::NotOwner);
    }
    if let Some(uid) = change.uid
        && !is_root(caller)
        && (!owns(caller, file) || uid != file.uid)
    {
        return Err(Status::NotOwner);
    }
    if let Some(gid) = change.gid
        && !is_root(caller)
        && (!owns(caller, file) || (gid != file.gid && !in_group(caller, gid)))
    {
        return Err(Status::NotOwner);
    }
    let times = [change.accessed, change.modified];
    if times.iter().any(|it| matches!(it, Some(SetTime::To(_)))) && !owns(caller, file) {
        return Err(Status::NotOwner);
    }
    let now = times.iter().any(|it| matches!(it, Some(SetTime::Now)));
    if now && !owns(caller, file) && !grants(caller, file, WRITE) {
        return Err(Status::Denied);
    }
    match change.size {
        Some(size) if size > LONGEST => Err(Status::TooLarge),
        Some(_) => permission::to_write(caller, file),
        None => Ok(()),
    }
}

fn set_time(asked: SetTime, now: Time) -> (u32, u32) {
    match asked {
        SetTime::Now => pair(now),
        SetTime::To(Time { seconds, nanoseconds }) => (seconds, nanoseconds.min(999_999_999)),
    }
}

/// Makes changes that are allowed.
fn make(
    draft: &mut Draft<'_>,
    caller: &Caller,
    file: FileId,
    kind: FileKind,
    change: &Change,
) -> Result<(), Status> {
    let now = draft.now();
    let row = if change.size.is_some() { draft.touch_content(file)? } else { draft.touch(file)? };
    if let Some(size) = change.size {
        let shorter = size < row.size;
        row.size = size;
        if let What::File { base, .. } = &mut row.what {
            *base = size.min(*base);
        }
        drop_privileges(caller, row);
        if shorter {
            draft.edit(Edit::Cut(file, size.div_ceil(BLOCK)));
        }
    }
    let row = draft.row(file)?;
    if (change.uid.is_some() || change.gid.is_some()) && kind != FileKind::Directory {
        clear_set_ids(caller, row);
    }
    row.uid = change.uid.unwrap_or(row.uid);
    row.gid = change.gid.unwrap_or(row.gid);
    if let Some(mode) = change.mode {
        let mut mode = mode & 0o7777;
        if !is_root(caller) && !in_group(caller, row.gid) {
            mode &= !SET_GID;
        }
        if (change.uid.is_some() || change.gid.is_some()) && kind != FileKind::Directory {
            mode &= !SET_UID;
            if mode & GROUP_EXECUTE != 0 {
                mode &= !SET_GID;
            }
        }
        row.mode = mode;
    }
    if let Some(asked) = change.accessed {
        row.accessed = set_time(asked, now);
    }
    if let Some(asked) = change.modified {
        row.modified = set_time(asked, now);
    }
    Ok(())
}

impl WritableRoot {
    pub(super) fn change_attributes(
        &self,
        caller: &Caller,
        file: FileId,
        change: &Change,
        guard: Option<Time>,
    ) -> Result<(), Status> {
        let writing = change.size.and_then(|_| self.contents.writing(file));
        let mut is_shorter = false;
        if let Some(size) = change.size {
            let now = self.inner().state.attributes(&self.base, file)?;
            if size > now.size && now.kind == FileKind::File {
                self.cut_before_growth(file, now.size)?;
            }
            is_shorter = size < now.size;
        }
        let mut inner = self.inner_mut();
        self.operation(&mut inner, |draft| {
            let before = draft.attributes(file)?;
            if guard.is_some_and(|it| it != before.changed) {
                return Err(Status::NotSynchronized);
            }
            check(caller, &before, change)?;
            if *change == Change::default() {
                return Ok(());
            }
            make(draft, caller, file, before.kind, change)
        })?;
        drop((inner, writing));
        if is_shorter && let Some(size) = change.size {
            // It only frees the disk: what is left there does not show.
            let _ = self.shorten(file, size);
        }
        Ok(())
    }
}
