//! An export that is held in memory, and fails, waits or panics when a test tells it to.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Condvar, Mutex},
};

use bytes::Bytes;
use nfs::{
    Attributes, Caller, Change, Creation, Entry, ExportId, Exports, FileId, FileKind, FileSystem,
    Listing, MountRefused, Node, Part, SetTime, Space, Status, Time,
};

/// The number of the top.
pub(crate) const TOP: FileId = 1;

#[derive(Clone)]
struct File {
    attributes: Attributes,
    parent: FileId,
    names: BTreeMap<Vec<u8>, (u64, FileId)>,
    content: Vec<u8>,
    verifier: Option<[u8; 8]>,
}

struct Inner {
    files: BTreeMap<FileId, File>,
    /// The number, cookie and time that come next.
    next: u32,
}

/// What a test wants to go wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// All calls but `attributes` end so.
    pub(crate) all: Option<Status>,
    /// `attributes` ends so.
    pub(crate) attributes: Option<Status>,
    pub(crate) panic: bool,
    /// Calls that read wait.
    pub(crate) hold: bool,
    /// How many calls wait.
    pub(crate) held: usize,
}

pub(crate) struct Memory {
    inner: Mutex<Inner>,
    faults: Mutex<Faults>,
    changed: Condvar,
    /// Who called last.
    pub(crate) caller: Mutex<Option<Caller>>,
    /// How often something was removed.
    pub(crate) removals: Mutex<usize>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let mut inner = Inner { files: BTreeMap::new(), next: TOP as u32 };
        inner.add(FileKind::Directory, TOP, &Change { mode: Some(0o755), ..Change::default() });
        Self {
            inner: Mutex::new(inner),
            faults: Mutex::default(),
            changed: Condvar::new(),
            caller: Mutex::default(),
            removals: Mutex::default(),
        }
    }

    pub(crate) fn fault(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits until so many calls wait.
    pub(crate) fn until_held(&self, calls: usize) {
        let faults = self.faults.lock().unwrap();
        let soon = std::time::Duration::from_secs(10);
        let waited = self.changed.wait_timeout_while(faults, soon, |it| it.held < calls).unwrap();
        assert!(!waited.1.timed_out(), "{} calls wait and no more", waited.0.held);
    }

    pub(crate) fn held(&self) -> usize {
        self.faults.lock().unwrap().held
    }

    fn called(&self, caller: Option<&Caller>) -> Result<(), Status> {
        if let Some(caller) = caller {
            *self.caller.lock().unwrap() = Some(caller.clone());
        }
        let faults = self.faults.lock().unwrap();
        let (panic, all) = (faults.panic, faults.all);
        drop(faults);
        assert!(!panic, "as the test wants it");
        all.map_or(Ok(()), Err)
    }

    fn wait(&self) {
        let mut faults = self.faults.lock().unwrap();
        if faults.hold {
            faults.held += 1;
            self.changed.notify_all();
            faults = self.changed.wait_while(faults, |it| it.hold).unwrap();
            faults.held -= 1;
        }
    }
}

impl Inner {
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn add(&mut self, kind: FileKind, parent: FileId, change: &Change) -> FileId {
        let file_id = FileId::from(self.number());
        let zero = Time::default();
        let attributes = Attributes {
            kind,
            mode: 0o644,
            links: 1,
            uid: 0,
            gid: 0,
            size: 0,
            used: 0,
            device: (0, 0),
            file_id,
            accessed: zero,
            modified: zero,
            changed: zero,
        };
        let (names, content, verifier) = (BTreeMap::new(), Vec::new(), None);
        let mut file = File { attributes, parent, names, content, verifier };
        file.change(change);
        self.files.insert(file_id, file);
        self.touch(file_id);
        file_id
    }

    fn touch(&mut self, file: FileId) {
        let now = Time { seconds: self.number(), nanoseconds: 5 };
        if let Some(file) = self.files.get_mut(&file) {
            file.attributes.changed = now;
            file.attributes.modified = now;
        }
    }

    fn get(&mut self, file: FileId) -> Result<&mut File, Status> {
        self.files.get_mut(&file).ok_or(Status::Stale)
    }

    fn directory(&mut self, file: FileId) -> Result<&mut File, Status> {
        let file = self.get(file)?;
        if file.attributes.kind == FileKind::Directory {
            Ok(file)
        } else {
            Err(Status::NotDirectory)
        }
    }

    fn named(&mut self, directory: FileId, name: &[u8]) -> Result<FileId, Status> {
        self.directory(directory)?.names.get(name).map(|it| it.1).ok_or(Status::NotFound)
    }

    fn name(&mut self, directory: FileId, name: &[u8], file: FileId) -> Result<(), Status> {
        // 1 and 2 are those of `.` and `..`.
        let cookie = u64::from(self.number()) + 2;
        self.directory(directory)?.names.insert(name.to_vec(), (cookie, file));
        self.touch(directory);
        Ok(())
    }

    fn unname(&mut self, directory: FileId, name: &[u8]) -> Result<(), Status> {
        let file = self.named(directory, name)?;
        self.directory(directory)?.names.remove(name);
        self.touch(directory);
        let file = self.get(file)?;
        file.attributes.links -= 1;
        if file.attributes.links == 0 {
            let gone = file.attributes.file_id;
            self.files.remove(&gone);
        }
        Ok(())
    }
}

impl File {
    fn change(&mut self, change: &Change) {
        let it = &mut self.attributes;
        it.mode = change.mode.unwrap_or(it.mode);
        it.uid = change.uid.unwrap_or(it.uid);
        it.gid = change.gid.unwrap_or(it.gid);
        if let Some(SetTime::To(time)) = change.accessed {
            it.accessed = time;
        }
        if let Some(SetTime::To(time)) = change.modified {
            it.modified = time;
        }
        if let Some(size) = change.size {
            self.content.resize(usize::try_from(size).unwrap(), 0);
        }
        self.measure();
    }

    fn fits(size: u64) -> Result<(), Status> {
        if size > 64 << 20 { Err(Status::NoSpace) } else { Ok(()) }
    }

    fn measure(&mut self) {
        self.attributes.size = self.content.len() as u64;
        self.attributes.used = self.attributes.size;
    }
}

impl FileSystem for Memory {
    fn root(&self) -> FileId {
        TOP
    }

    fn attributes(&self, file: FileId) -> Result<Attributes, Status> {
        if let Some(status) = self.faults.lock().unwrap().attributes {
            return Err(status);
        }
        Ok(self.inner.lock().unwrap().get(file)?.attributes)
    }

    fn access(&self, caller: &Caller, file: FileId, wanted: u32) -> Result<u32, Status> {
        self.called(Some(caller))?;
        let mode = self.inner.lock().unwrap().get(file)?.attributes.mode;
        // Read, and look up or run, for others; root may all.
        let others = if mode & 4 == 0 { 0 } else { 0x01 } | if mode & 1 == 0 { 0 } else { 0x22 };
        Ok(if caller.uid == 0 { wanted } else { wanted & others })
    }

    fn lookup(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<FileId, Status> {
        self.called(Some(caller))?;
        self.inner.lock().unwrap().named(directory, name)
    }

    fn parent(&self, directory: FileId) -> Result<FileId, Status> {
        self.called(None)?;
        Ok(self.inner.lock().unwrap().directory(directory)?.parent)
    }

    fn read_link(&self, file: FileId) -> Result<Vec<u8>, Status> {
        self.called(None)?;
        let mut inner = self.inner.lock().unwrap();
        let file = inner.get(file)?;
        if file.attributes.kind == FileKind::Link {
            Ok(file.content.clone())
        } else {
            Err(Status::Invalid)
        }
    }

    fn read(&self, caller: &Caller, file: FileId, offset: u64, count: u32) -> Result<Part, Status> {
        self.called(Some(caller))?;
        self.wait();
        let mut inner = self.inner.lock().unwrap();
        let file = inner.get(file)?;
        if file.attributes.kind == FileKind::Directory {
            return Err(Status::IsDirectory);
        }
        let length = file.content.len();
        let from = usize::try_from(offset).unwrap().min(length);
        let to = (from + count as usize).min(length);
        let bytes = Bytes::copy_from_slice(&file.content[from..to]);
        Ok(Part { bytes, end: to == length })
    }

    fn list(
        &self,
        caller: &Caller,
        directory: FileId,
        cookie: u64,
        most: usize,
    ) -> Result<Listing, Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let it = inner.directory(directory)?;
        let mut all = vec![(1, b".".to_vec(), directory), (2, b"..".to_vec(), it.parent)];
        all.extend(it.names.iter().map(|(name, (cookie, file))| (*cookie, name.clone(), *file)));
        all.sort();
        all.retain(|entry| entry.0 > cookie);
        let end = all.len() <= most;
        let entries = all.into_iter().take(most);
        let entries = entries.map(|(cookie, name, file_id)| Entry { name, file_id, cookie });
        Ok(Listing { entries: entries.collect(), end })
    }

    fn space(&self) -> Result<Space, Status> {
        self.called(None)?;
        Ok(Space { total_bytes: 1000, free_bytes: 900, total_files: 80, free_files: 70 })
    }

    fn change(
        &self,
        caller: &Caller,
        file: FileId,
        change: &Change,
        guard: Option<Time>,
    ) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let it = inner.get(file)?;
        if guard.is_some_and(|guard| guard != it.attributes.changed) {
            return Err(Status::NotSynchronized);
        }
        File::fits(change.size.unwrap_or(0))?;
        it.change(change);
        let modified = it.attributes.modified;
        inner.touch(file);
        if let Some(SetTime::To(_)) = change.modified {
            inner.get(file)?.attributes.modified = modified;
        }
        Ok(())
    }

    fn write(
        &self,
        caller: &Caller,
        file: FileId,
        offset: u64,
        bytes: &[u8],
        _stable: bool,
    ) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let it = inner.get(file)?;
        File::fits(offset + bytes.len() as u64)?;
        let from = usize::try_from(offset).unwrap();
        let to = from + bytes.len();
        if it.content.len() < to {
            it.content.resize(to, 0);
        }
        it.content[from..to].copy_from_slice(bytes);
        it.measure();
        inner.touch(file);
        Ok(())
    }

    fn commit(&self, file: FileId) -> Result<(), Status> {
        self.called(None)?;
        self.inner.lock().unwrap().get(file).map(drop)
    }

    fn create(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        how: Creation,
    ) -> Result<FileId, Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let there = match inner.named(directory, name) {
            Ok(file) => Some(file),
            Err(Status::NotFound) => None,
            Err(other) => return Err(other),
        };
        let (change, verifier) = match how {
            Creation::Unchecked(change) | Creation::Guarded(change) => (change, None),
            Creation::Exclusive(verifier) => (Change::default(), Some(verifier)),
        };
        if let Some(there) = there {
            let file = inner.get(there)?;
            return match how {
                Creation::Unchecked(change) => {
                    file.change(&change);
                    Ok(there)
                }
                Creation::Exclusive(_) if file.verifier == verifier => Ok(there),
                Creation::Guarded(_) | Creation::Exclusive(_) => Err(Status::Exists),
            };
        }
        let file = inner.add(FileKind::File, directory, &change);
        inner.get(file)?.verifier = verifier;
        inner.name(directory, name, file)?;
        Ok(file)
    }

    fn make(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
        node: &Node,
        change: &Change,
    ) -> Result<FileId, Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        if inner.named(directory, name).is_ok() {
            return Err(Status::Exists);
        }
        let kind = match node {
            Node::Directory => FileKind::Directory,
            Node::Link(_) => FileKind::Link,
            Node::Special(kind, _) => *kind,
        };
        let file = inner.add(kind, directory, change);
        let it = inner.get(file)?;
        match node {
            Node::Directory => {}
            Node::Link(leads) => it.content.clone_from(leads),
            Node::Special(_, numbers) => it.attributes.device = *numbers,
        }
        it.measure();
        inner.name(directory, name, file)?;
        Ok(file)
    }

    fn remove(&self, caller: &Caller, directory: FileId, name: &[u8]) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let file = inner.named(directory, name)?;
        if inner.get(file)?.attributes.kind == FileKind::Directory {
            return Err(Status::IsDirectory);
        }
        *self.removals.lock().unwrap() += 1;
        inner.unname(directory, name)
    }

    fn remove_directory(
        &self,
        caller: &Caller,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let file = inner.named(directory, name)?;
        if !inner.directory(file)?.names.is_empty() {
            return Err(Status::NotEmpty);
        }
        inner.unname(directory, name)
    }

    fn rename(
        &self,
        caller: &Caller,
        from: (FileId, &[u8]),
        to: (FileId, &[u8]),
    ) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        let file = inner.named(from.0, from.1)?;
        inner.directory(to.0)?;
        inner.get(file)?.attributes.links += 1;
        inner.unname(from.0, from.1)?;
        if inner.named(to.0, to.1).is_ok() {
            inner.unname(to.0, to.1)?;
        }
        inner.name(to.0, to.1, file)
    }

    fn link(
        &self,
        caller: &Caller,
        file: FileId,
        directory: FileId,
        name: &[u8],
    ) -> Result<(), Status> {
        self.called(Some(caller))?;
        let mut inner = self.inner.lock().unwrap();
        if inner.named(directory, name).is_ok() {
            return Err(Status::Exists);
        }
        inner.get(file)?.attributes.links += 1;
        inner.name(directory, name, file)
    }
}

/// Exports of some paths: two in memory, and some that cannot be mounted.
pub(crate) struct Paths {
    pub(crate) first: Arc<Memory>,
    pub(crate) second: Arc<Memory>,
    /// How `export` ends for the second.
    pub(crate) second_is: Mutex<Option<Status>>,
}

impl Paths {
    pub(crate) const FIRST: ExportId = ExportId([1; 16]);
    pub(crate) const SECOND: ExportId = ExportId(*b"the second one!!");

    pub(crate) fn new() -> Self {
        let (first, second) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        Self { first, second, second_is: Mutex::default() }
    }
}

impl Exports for Paths {
    fn mount(&self, path: &[u8], _client: IpAddr) -> Result<ExportId, MountRefused> {
        match path {
            b"/first" => Ok(Self::FIRST),
            b"/second" => Ok(Self::SECOND),
            b"/denied" => Err(MountRefused::Denied),
            b"/broken" => Err(MountRefused::Io),
            _ => Err(MountRefused::NotFound),
        }
    }

    fn export(&self, export: ExportId, _client: IpAddr) -> Result<Arc<dyn FileSystem>, Status> {
        match export {
            Self::FIRST => Ok(self.first.clone()),
            Self::SECOND => match *self.second_is.lock().unwrap() {
                Some(status) => Err(status),
                None => Ok(self.second.clone()),
            },
            _ => Err(Status::Stale),
        }
    }

    fn paths(&self) -> Vec<String> {
        vec!["/first".into(), "/second".into()]
    }
}
