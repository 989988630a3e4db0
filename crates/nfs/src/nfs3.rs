//! Program NFS, version 3 (RFC 1813 §3): all of its procedures, above a [`FileSystem`].
//!
//! Each answer says the attributes of what it touched, since a client lives by them. They are asked for before
//! and after a change, not in one step with it: a writable export is one client's, and that one waits for its
//! own changes.

pub(crate) mod access_lists;
mod answer;
mod change;
mod list;
mod look;
mod request;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::request::Request;
use self::request::Shown;
use crate::{
    Attributes, Caller, ExportId, Exports, FileId, FileSystem, HandleKey, NAME_MAX, Observer,
    Status, xdr::Writer,
};

/// The number of the program.
pub(crate) const PROGRAM: u32 = 100_003;
/// The only version of it here.
pub(crate) const VERSION: u32 = 3;

/// What all calls have in common.
pub(crate) struct Service {
    pub(crate) key: HandleKey,
    pub(crate) exports: Arc<dyn Exports>,
    pub(crate) observer: Arc<dyn Observer>,
    /// Tells clients whether what they wrote and did not commit can be lost: another one at each start.
    pub(crate) verifier: [u8; 8],
}

/// One call.
struct Conversation<'a> {
    service: &'a Service,
    caller: &'a Caller,
    out: &'a mut Writer,
}

/// A file that a handle has led to.
struct Target {
    files: Arc<dyn FileSystem>,
    export: ExportId,
    file: FileId,
}

impl Target {
    fn attributes(&self) -> Result<Attributes, Status> {
        self.files.attributes(self.file)
    }
}

impl Service {
    /// Does what is asked and writes the answer; bytes of a file come back, to stand behind it.
    pub(crate) fn answer(&self, caller: &Caller, request: &Request<'_>, out: &mut Writer) -> Bytes {
        let mut conversation = Conversation { service: self, caller, out };
        match conversation.run(request) {
            Ok(data) => data,
            Err(status) => {
                answer::outcome(&Err::<(), _>(status), conversation.out);
                for _ in 0..absent_attributes(request) {
                    conversation.out.boolean(false);
                }
                Bytes::new()
            }
        }
    }
}

/// How many attributes the answer to a call that failed says; none of them are known where its handle leads
/// nowhere.
fn absent_attributes(request: &Request<'_>) -> usize {
    match request {
        Request::Null | Request::Attributes(_) => 0,
        Request::Lookup(_)
        | Request::Access { .. }
        | Request::ReadLink(_)
        | Request::Read { .. }
        | Request::List(_)
        | Request::Space(_)
        | Request::Properties(_)
        | Request::PathLimits(_) => 1,
        Request::Change { .. }
        | Request::Write { .. }
        | Request::Create { .. }
        | Request::Make { .. }
        | Request::Remove(_)
        | Request::RemoveDirectory(_)
        | Request::Commit(_) => 2,
        Request::Link { .. } => 3,
        Request::Rename { .. } => 4,
    }
}

impl Conversation<'_> {
    /// # Errors
    /// Where a handle leads nowhere; then nothing is written yet. All other errors are written.
    fn run(&mut self, request: &Request<'_>) -> Result<Bytes, Status> {
        match request {
            Request::Null => Ok(()),
            Request::Attributes(file) => self.attributes(file),
            Request::Change { file, change, guard } => self.change(file, change, *guard),
            Request::Lookup(place) => self.lookup(place),
            Request::Access { file, wanted } => self.access(file, *wanted),
            Request::ReadLink(file) => self.read_link(file),
            Request::Read { file, offset, count } => return self.read(file, *offset, *count),
            Request::Write { file, offset, stable, bytes } => {
                self.write(file, *offset, bytes, *stable)
            }
            Request::Create { place, how } => self.create(place, *how),
            Request::Make { place, node, change } => self.make(place, node.as_ref(), change),
            Request::Remove(place) => self.remove(place),
            Request::RemoveDirectory(place) => self.remove_directory(place),
            Request::Rename { from, to } => self.rename(from, to),
            Request::Link { file, to } => self.link(file, to),
            Request::List(piece) => self.list(piece),
            Request::Space(file) => self.space(file),
            Request::Properties(file) => self.properties(file),
            Request::PathLimits(file) => self.path_limits(file),
            Request::Commit(file) => self.commit(file),
        }
        .map(|()| Bytes::new())
    }

    /// What a handle leads to, for this client.
    fn open(&self, handle: Shown<'_>) -> Result<Target, Status> {
        let (export, file) = self.service.key.open(handle).ok_or(Status::BadHandle)?;
        let files = self.service.exports.export(export, self.caller.address)?;
        Ok(Target { files, export, file })
    }

    fn outcome<T>(&mut self, outcome: &Result<T, Status>) {
        answer::outcome(outcome, self.out);
    }

    /// Writes the attributes that a file of the target's export has now, where they can be had.
    fn now(&mut self, target: &Target, file: FileId) {
        let now = target.files.attributes(file).ok();
        answer::after(target.export, now.as_ref(), self.out);
    }

    /// Writes the handle of a file of the target's export.
    fn handle(&mut self, target: &Target, file: FileId) {
        self.out.opaque(&self.service.key.seal(target.export, file));
    }
}

/// Whether something can have this name at all.
fn checked(name: &[u8]) -> Result<&[u8], Status> {
    if name.is_empty() || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        return Err(Status::Invalid);
    }
    if name.len() > NAME_MAX { Err(Status::NameTooLong) } else { Ok(name) }
}
