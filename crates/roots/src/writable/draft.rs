//! What one operation changes, put together before any of it happens.

use std::collections::BTreeMap;

use nfs::{Attributes, FileId, Status, Time};

use super::{
    record::{Edit, Row},
    state::State,
};
use crate::Layered;

/// The changes of one operation.
pub(super) struct Draft<'a> {
    pub(super) base: &'a Layered,
    pub(super) state: &'a State,
    now: Time,
    rows: BTreeMap<FileId, Row>,
    edits: Vec<Edit>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(base: &'a Layered, state: &'a State, now: Time) -> Self {
        Self { base, state, now, rows: BTreeMap::new(), edits: Vec::new() }
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }

    /// The attributes that a file had before the operation.
    pub(super) fn attributes(&self, file: FileId) -> Result<Attributes, Status> {
        self.state.attributes(self.base, file)
    }

    /// What a name stood for before the operation.
    pub(super) fn find(&self, directory: FileId, name: &[u8]) -> Result<Option<FileId>, Status> {
        self.state.find(self.base, directory, name)
    }

    /// A file, to be changed.
    pub(super) fn row(&mut self, file: FileId) -> Result<&mut Row, Status> {
        if !self.rows.contains_key(&file) {
            self.rows.insert(file, self.state.row(self.base, file)?);
        }
        self.rows.get_mut(&file).ok_or(Status::Stale)
    }

    /// A file that was not there before.
    pub(super) fn add(&mut self, file: FileId, row: Row) {
        self.rows.insert(file, row);
    }

    /// Another edit, made after those of files.
    pub(super) fn edit(&mut self, edit: Edit) {
        self.edits.push(edit);
    }

    /// Notes that attributes of a file change.
    pub(super) fn touch(&mut self, file: FileId) -> Result<&mut Row, Status> {
        let now = self.now;
        let row = self.row(file)?;
        row.touch(now);
        Ok(row)
    }

    /// Notes that the content of a file changes.
    pub(super) fn touch_content(&mut self, file: FileId) -> Result<&mut Row, Status> {
        let now = self.now;
        let row = self.row(file)?;
        row.touch_content(now);
        Ok(row)
    }

    /// Takes one name of a file that is no directory; the file goes with the last.
    pub(super) fn unlink(&mut self, file: FileId) -> Result<(), Status> {
        let row = self.touch(file)?;
        row.links = row.links.saturating_sub(1);
        if row.links == 0 {
            self.forget(file);
        }
        Ok(())
    }

    /// Takes a file away.
    pub(super) fn forget(&mut self, file: FileId) {
        self.rows.remove(&file);
        self.edits.push(Edit::Gone(file));
    }

    /// All edits, in an order in which they can be made.
    pub(super) fn edits(self) -> Vec<Edit> {
        let rows = self.rows.into_iter().map(|(file, row)| Edit::File(file, row));
        rows.chain(self.edits).collect()
    }
}
