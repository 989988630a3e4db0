//! A writable root in the words of an export.

use nfs::{
    Attributes, Caller, Change, Creation, FileId, FileSystem, Listing, Node, Part, Space, Status,
    Time,
};

use super::{WritableRoot, record::What};
use crate::{
    layered::listing,
    permission::{self, EXECUTE, READ},
};

impl FileSystem for WritableRoot {
    fn root(&self) -> FileId {
        self.base.root()
    }

    fn attributes(&self, file: FileId) -> Result<Attributes, Status> {
        self.inner().state.attributes(&self.base, file)
    }

    fn access(&self, caller: &Caller, file: FileId, wanted: u32) -> Result<u32, Status> {
        Ok(permission::access(caller, &self.attributes(file)?, wanted, true))
    }

    fn lookup(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<FileId, Status> {
        let inner = self.inner();
        let attributes = inner.state.attributes(&self.base, directory)?;
        permission::in_directory(caller, &attributes, EXECUTE)?;
        inner.state.find(&self.base, directory, name)?.ok_or(Status::NotFound)
    }

    fn parent(&self, directory: FileId) -> Result<FileId, Status> {
        self.inner().state.parent(&self.base, directory)
    }

    fn read_link(&self, file: FileId) -> Result<Vec<u8>, Status> {
        match self.inner().state.node(file)?.map(|it| &it.row.what) {
            Some(What::Link(target)) => Ok(target.clone()),
            Some(_) => Err(Status::Invalid),
            None => self.base.read_link(file),
        }
    }

    fn read(&self, caller: &Caller, file: FileId, offset: u64, count: u32) -> Result<Part, Status> {
        self.read_part(caller, file, offset, count)
    }

    fn list(
        &self,
        caller: &Caller,
        directory: FileId,
        cookie: u64,
        most: usize,
    ) -> Result<Listing, Status> {
        let inner = self.inner();
        let state = &inner.state;
        let attributes = state.attributes(&self.base, directory)?;
        permission::in_directory(caller, &attributes, READ)?;
        let parent = state.parent(&self.base, directory)?;
        let names = state.names_after(&self.base, directory, cookie)?;
        Ok(listing((directory, parent), cookie, most, names))
    }

    fn space(&self) -> Result<Space, Status> {
        let inner = self.inner();
        let quota = self.header.quota;
        Ok(Space {
            total_bytes: quota.bytes,
            free_bytes: quota.bytes.saturating_sub(inner.state.bytes),
            total_files: quota.files,
            free_files: quota.files.saturating_sub(inner.state.files),
        })
    }

    fn change(
        &self,
        caller: &Caller,
        file: FileId,
        change: &Change,
        guard: Option<Time>,
    ) -> Result<(), Status> {
        self.change_attributes(caller, file, change, guard)
    }

    fn write(
        &self,
        caller: &Caller,
        file: FileId,
        offset: u64,
        bytes: &[u8],
        stable: bool,
    ) -> Result<(), Status> {
        self.write_part(caller, file, offset, bytes, stable)
    }

    fn commit(&self, file: FileId) -> Result<(), Status> {
        self.commit_content(file)
    }

    fn create(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        how: Creation,
    ) -> Result<FileId, Status> {
        self.create_file(caller, directory, name, how)
    }

    fn make(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        node: &Node,
        change: &Change,
    ) -> Result<FileId, Status> {
        self.make_node(caller, directory, name, node, change)
    }

    fn remove(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<(), Status> {
        self.remove_name(caller, directory, name, false)
    }

    fn remove_directory(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        self.remove_name(caller, directory, name, true)
    }

    fn rename(
        &self,
        caller: &Caller,
        from: (FileId, &[u8]),
        to: (FileId, &[u8]),
    ) -> Result<(), Status> {
        self.rename_name(caller, from, to)
    }

    fn link(
        &self,
        caller: &Caller,
        file: FileId,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        self.add_link(caller, file, directory, name)
    }
}
