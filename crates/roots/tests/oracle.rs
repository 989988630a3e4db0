//! Random operations on a writable root, and by system calls on a real directory: both must say and become
//! the same.
//!
//! Run by root, calls are made for several users; anybody else makes them for himself alone, and leaves out
//! what he may not do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nfs::{
    Attributes, Caller, Change, Creation, FileId, FileKind, FileSystem as _, Node, Status, Time,
};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat, renameat},
    sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mkdirat, mknodat, umask},
    unistd::{
        Gid, LinkatFlags, Uid, UnlinkatFlags, fchownat, linkat, setfsgid, setfsuid, symlinkat,
        unlinkat,
    },
};
use proptest::{prelude::*, test_runner::TestRunner};
use roots::{Clock, Quota, WritableRoot};

use crate::images::{caller, content, names, packed, root, stack};

mod images;

/// A name: in which directory of those that are there, and which of a few names.
#[derive(Debug, Clone)]
struct Place(usize, u8);

#[derive(Debug, Clone)]
enum Step {
    Create(Place, u32),
    Directory(Place, u32),
    Link(Place),
    Special(Place, u32, u8),
    Remove(Place),
    RemoveDirectory(Place),
    Rename(Place, Place),
    HardLink(Place, Place),
    Mode(Place, u32),
    Owner(Place, Option<u32>, Option<u32>),
    Write(Place, u64, usize, u8),
    Size(Place, u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (any::<usize>(), 0..9_u8).prop_map(|(folder, name)| Place(folder, name));
    let mode = || {
        prop_oneof![
            Just(0o755),
            Just(0o644),
            Just(0o777),
            Just(0o1777),
            Just(0o2775),
            Just(0o6755),
            Just(0o4711),
            Just(0o2644),
            0..0o10000_u32
        ]
    };
    let id = || proptest::option::of(prop_oneof![Just(0), Just(1000), Just(1001), Just(100)]);
    prop_oneof![
        4 => (place(), mode()).prop_map(|(at, mode)| Step::Create(at, mode)),
        3 => (place(), mode()).prop_map(|(at, mode)| Step::Directory(at, mode)),
        1 => place().prop_map(Step::Link),
        1 => (place(), mode(), 0..4_u8).prop_map(|(at, mode, kind)| Step::Special(at, mode, kind)),
        3 => place().prop_map(Step::Remove),
        2 => place().prop_map(Step::RemoveDirectory),
        6 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (place(), place()).prop_map(|(from, to)| Step::HardLink(from, to)),
        3 => (place(), mode()).prop_map(|(at, mode)| Step::Mode(at, mode)),
        2 => (place(), id(), id()).prop_map(|(at, uid, gid)| Step::Owner(at, uid, gid)),
        6 => (place(), 0..70_000_u64, 0..20_000_usize, any::<u8>())
            .prop_map(|(at, offset, length, byte)| Step::Write(at, offset, length, byte)),
        2 => (place(), 0..80_000_u64).prop_map(|(at, size)| Step::Size(at, size)),
        1 => Just(Step::Reopen),
    ]
}

/// What both begin with.
fn fill(tree: &Path, is_root: bool) {
    for folder in ["a", "b", "c", "a/d"] {
        fs::create_dir(tree.join(folder)).unwrap();
    }
    for name in ["a/0", "a/1", "b/2", "a/d/3"] {
        let bytes: Vec<u8> = (0..30_000_u32).map(|it| u8::try_from(it % 251).unwrap()).collect();
        fs::write(tree.join(name), bytes).unwrap();
    }
    fs::hard_link(tree.join("a/0"), tree.join("c/4")).unwrap();
    std::os::unix::fs::symlink("../a/0", tree.join("b/5")).unwrap();
    let set = |name: &str, mode: u32, uid: u32, gid: u32| {
        if is_root {
            std::os::unix::fs::chown(tree.join(name), Some(uid), Some(gid)).unwrap();
        }
        let path = tree.join(name);
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    set("", 0o777, 0, 0);
    set("a", 0o755, 1000, 1000);
    set("b", 0o1777, 0, 0);
    set("c", 0o2775, 0, 100);
    set("a/0", 0o6755, 1000, 100);
    set("b/2", 0o600, 1001, 100);
}

/// The real directory.
struct Real {
    top: PathBuf,
    is_root: bool,
}

impl Real {
    /// Does something as another user.
    fn as_user<T>(&self, who: &Caller, work: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
        if !self.is_root {
            return work();
        }
        setfsgid(Gid::from_raw(who.gid));
        setfsuid(Uid::from_raw(who.uid));
        let result = work();
        setfsuid(Uid::from_raw(0));
        setfsgid(Gid::from_raw(0));
        result
    }

    fn folder(&self, path: &str) -> OwnedFd {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        open(&self.top.join(path), flags, Mode::empty()).unwrap()
    }

    /// A file opened as an NFS server lets a caller write to it: its owner may.
    fn writable(&self, who: &Caller, folder: &OwnedFd, name: &str) -> nix::Result<fs::File> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let look = || openat(folder, name, OFlag::O_PATH | OFlag::O_NOFOLLOW, Mode::empty());
        let there = fs::File::from(self.as_user(who, look)?).metadata().unwrap();
        if there.is_dir() {
            return Err(Errno::EISDIR);
        }
        if !there.is_file() {
            return Err(Errno::EINVAL);
        }
        let open = || openat(folder, name, flags, Mode::empty());
        let file = match there.uid() == who.uid {
            true => open(),
            false => self.as_user(who, open),
        };
        file.map(fs::File::from)
    }

    fn run(&self, who: &Caller, step: &Step, places: &[(String, String)]) -> nix::Result<()> {
        let folders: Vec<OwnedFd> = places.iter().map(|(it, _)| self.folder(it)).collect();
        let at = |number: usize| (folders[number].as_fd(), places[number].1.as_str());
        let (folder, name) = match places.is_empty() {
            true => (AT_FDCWD, ""),
            false => at(0),
        };
        let bits = |mode: u32| Mode::from_bits_truncate(mode);
        match step {
            Step::Create(_, mode) => self.as_user(who, || {
                let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY;
                openat(folder, name, flags, bits(*mode)).map(drop)
            }),
            Step::Directory(_, mode) => self.as_user(who, || mkdirat(folder, name, bits(*mode))),
            Step::Link(_) => self.as_user(who, || symlinkat("target", folder, name)),
            Step::Special(_, mode, kind) => self.as_user(who, || {
                let (kind, device) = match kind {
                    0 => (SFlag::S_IFIFO, 0),
                    1 => (SFlag::S_IFSOCK, 0),
                    2 => (SFlag::S_IFCHR, makedev(1, 3)),
                    _ => (SFlag::S_IFBLK, makedev(7, 77)),
                };
                mknodat(folder, name, kind, bits(*mode), device)
            }),
            Step::Remove(_) => {
                self.as_user(who, || unlinkat(folder, name, UnlinkatFlags::NoRemoveDir))
            }
            Step::RemoveDirectory(_) => {
                self.as_user(who, || unlinkat(folder, name, UnlinkatFlags::RemoveDir))
            }
            Step::Rename(..) => {
                let (to, new) = at(1);
                self.as_user(who, || renameat(folder, name, to, new))
            }
            Step::HardLink(..) => {
                let (to, new) = at(1);
                self.as_user(who, || linkat(folder, name, to, new, LinkatFlags::empty()))
            }
            Step::Mode(_, mode) => self
                .as_user(who, || fchmodat(folder, name, bits(*mode), FchmodatFlags::FollowSymlink)),
            Step::Owner(_, uid, gid) => self.as_user(who, || {
                let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
                fchownat(folder, name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)
            }),
            Step::Write(_, offset, length, byte) => {
                let file = self.writable(who, &folders[0], name)?;
                let write = || {
                    file.write_all_at(&vec![*byte; *length], *offset).unwrap();
                    Ok(())
                };
                self.as_user(who, write)
            }
            Step::Size(_, size) => {
                let file = self.writable(who, &folders[0], name)?;
                self.as_user(who, || nix::unistd::ftruncate(&file, i64::try_from(*size).unwrap()))
            }
            Step::Reopen => Ok(()),
        }
    }

    /// Every path, with what it is, and contents.
    fn told(&self) -> BTreeMap<String, (String, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut groups = BTreeMap::new();
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            let mut entries: Vec<_> =
                fs::read_dir(self.top.join(&folder)).unwrap().map(|it| it.unwrap()).collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let path = joined(&folder, entry.file_name().to_str().unwrap());
                let it = fs::symlink_metadata(entry.path()).unwrap();
                let kind = it.file_type();
                let number = device(it.rdev());
                let (letter, bytes) = if kind.is_dir() {
                    waiting.push(path.clone());
                    ('d', Vec::new())
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path()).unwrap();
                    ('l', target.into_os_string().into_encoded_bytes())
                } else if kind.is_file() {
                    ('f', fs::read(entry.path()).unwrap())
                } else if kind.is_fifo() {
                    ('p', Vec::new())
                } else if kind.is_socket() {
                    ('s', Vec::new())
                } else if kind.is_block_device() {
                    ('b', Vec::new())
                } else {
                    ('c', Vec::new())
                };
                let group = groups.entry(it.ino()).or_insert_with(|| path.clone()).clone();
                let size = if kind.is_file() { it.size() } else { 0 };
                let mut line =
                    format!("{letter} {:o} {} {}", it.mode() & 0o7777, it.uid(), it.gid());
                write!(line, " {} {size} {number:?} {group}", it.nlink()).unwrap();
                all.insert(path, (line, bytes));
            }
        }
        all
    }
}

fn device(number: u64) -> (u32, u32) {
    (
        u32::try_from(nix::sys::stat::major(number)).unwrap(),
        u32::try_from(nix::sys::stat::minor(number)).unwrap(),
    )
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The same of a writable root.
fn told(tree: &WritableRoot) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut groups = BTreeMap::new();
    let mut waiting = vec![(tree.root(), String::new())];
    while let Some((folder, path)) = waiting.pop() {
        let mut listed = names(tree, folder);
        listed.sort();
        for (name, file) in listed {
            let path = joined(&path, std::str::from_utf8(&name).unwrap());
            let it: Attributes = tree.attributes(file).unwrap();
            let (letter, bytes) = match it.kind {
                FileKind::Directory => {
                    assert_eq!(tree.parent(file), Ok(folder));
                    waiting.push((file, path.clone()));
                    ('d', Vec::new())
                }
                FileKind::Link => ('l', tree.read_link(file).unwrap()),
                FileKind::File => ('f', content(tree, file)),
                FileKind::Pipe => ('p', Vec::new()),
                FileKind::Socket => ('s', Vec::new()),
                FileKind::BlockDevice => ('b', Vec::new()),
                FileKind::CharacterDevice => ('c', Vec::new()),
            };
            let group = groups.entry(file).or_insert_with(|| path.clone()).clone();
            let size = if it.kind == FileKind::File { it.size } else { 0 };
            let mut line = format!("{letter} {:o} {} {}", it.mode, it.uid, it.gid);
            write!(line, " {} {size} {:?} {group}", it.links, it.device).unwrap();
            all.insert(path, (line, bytes));
        }
    }
    all
}

fn run(
    tree: &WritableRoot,
    who: &Caller,
    step: &Step,
    places: &[(String, String)],
) -> Result<(), Status> {
    let at = |number: usize| {
        let (folder, name) = &places[number];
        (images::at(tree, folder), name.as_bytes())
    };
    let file = || -> Result<FileId, Status> {
        let (folder, name) = at(0);
        tree.lookup(who, folder, name)
    };
    let mode = |mode: u32| Change { mode: Some(mode), ..Change::default() };
    let make =
        |node: Node, bits: u32| tree.make(who, at(0).0, at(0).1, &node, &mode(bits)).map(drop);
    match step {
        Step::Create(_, bits) => {
            tree.create(who, at(0).0, at(0).1, Creation::Guarded(mode(*bits))).map(drop)
        }
        Step::Directory(_, bits) => make(Node::Directory, *bits),
        Step::Link(_) => make(Node::Link(b"target".to_vec()), 0o777),
        Step::Special(_, bits, kind) => {
            let node = match kind {
                0 => Node::Special(FileKind::Pipe, (0, 0)),
                1 => Node::Special(FileKind::Socket, (0, 0)),
                2 => Node::Special(FileKind::CharacterDevice, (1, 3)),
                _ => Node::Special(FileKind::BlockDevice, (7, 77)),
            };
            make(node, *bits)
        }
        Step::Remove(_) => tree.remove(who, at(0).0, at(0).1),
        Step::RemoveDirectory(_) => tree.remove_directory(who, at(0).0, at(0).1),
        Step::Rename(..) => tree.rename(who, at(0), at(1)),
        Step::HardLink(..) => tree.link(who, file()?, at(1).0, at(1).1),
        Step::Mode(_, bits) => tree.change(who, file()?, &mode(*bits), None),
        Step::Owner(_, uid, gid) => {
            let change = Change { uid: *uid, gid: *gid, ..Change::default() };
            tree.change(who, file()?, &change, None)
        }
        Step::Write(_, offset, length, byte) => {
            tree.write(who, file()?, *offset, &vec![*byte; *length], false)
        }
        Step::Size(_, size) => {
            let change = Change { size: Some(*size), ..Change::default() };
            tree.change(who, file()?, &change, None)
        }
        Step::Reopen => Ok(()),
    }
}

const fn status(errno: Errno) -> Option<Status> {
    Some(match errno {
        Errno::EPERM => Status::NotOwner,
        Errno::ENOENT => Status::NotFound,
        Errno::EACCES => Status::Denied,
        Errno::EEXIST => Status::Exists,
        Errno::ENOTDIR => Status::NotDirectory,
        Errno::EISDIR => Status::IsDirectory,
        Errno::EINVAL => Status::Invalid,
        Errno::ENOTEMPTY => Status::NotEmpty,
        _ => return None,
    })
}

/// The places of a step by name, among the directories that are there now.
fn places(step: &Step, folders: &[String]) -> Vec<(String, String)> {
    let named = |place: &Place| (folders[place.0 % folders.len()].clone(), place.1.to_string());
    match step {
        Step::Rename(from, to) | Step::HardLink(from, to) => vec![named(from), named(to)],
        Step::Create(at, _)
        | Step::Directory(at, _)
        | Step::Link(at)
        | Step::Special(at, ..)
        | Step::Remove(at)
        | Step::RemoveDirectory(at)
        | Step::Mode(at, _)
        | Step::Owner(at, ..)
        | Step::Write(at, ..)
        | Step::Size(at, _) => vec![named(at)],
        Step::Reopen => Vec::new(),
    }
}

#[test]
fn a_writable_root_does_as_a_real_directory_does() {
    umask(Mode::empty());
    let is_root = Uid::effective().is_root();
    let me = caller(Uid::effective().as_raw(), Gid::effective().as_raw());
    let users = if is_root {
        vec![root(), root(), caller(1000, 1000), caller(1001, 100)]
    } else {
        vec![me]
    };
    // In memory where that can be had.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.unwrap();
    let tree = home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fill(&tree, is_root);
    let base = stack(&[packed(&tree, &[])]);
    let seconds = AtomicU32::new(2_000_000_000);
    let clock: Clock =
        Arc::new(move || Time { seconds: seconds.fetch_add(1, Ordering::SeqCst), nanoseconds: 0 });
    let quota = Quota { bytes: 1 << 30, files: 10_000 };
    let folder = home.path().join("root");
    let real = Real { top: home.path().join("real"), is_root };
    let mut runner = TestRunner::new(ProptestConfig {
        max_shrink_iters: 300,
        ..ProptestConfig::with_cases(300)
    });
    let steps = proptest::collection::vec((any::<usize>(), step()), 1..120);
    runner
        .run(&steps, |steps| {
            let _ = fs::remove_dir_all(&real.top);
            WritableRoot::discard(&folder).unwrap();
            let copied = Command::new("cp").arg("-a").arg(&tree).arg(&real.top).status().unwrap();
            assert!(copied.success());
            let mut ours =
                WritableRoot::create(&folder, base.clone(), quota, clock.clone()).unwrap();
            for (number, (user, step)) in steps.iter().enumerate() {
                let before = real.told();
                let mut folders = vec![String::new()];
                folders.extend(
                    before.iter().filter(|(_, it)| it.0.starts_with('d')).map(|it| it.0.clone()),
                );
                let who = &users[user % users.len()];
                let places = places(step, &folders);
                let is_link = |it: &(String, String)| {
                    before.get(&joined(&it.0, &it.1)).is_some_and(|it| it.0.starts_with('l'))
                };
                let skipped = match step {
                    Step::Reopen => {
                        drop(ours);
                        ours = WritableRoot::open(&folder, base.clone(), clock.clone()).unwrap();
                        true
                    }
                    // chmod(2) would follow it.
                    Step::Mode(..) => is_link(&places[0]),
                    // Links to what others own are forbidden by a setting of Linux, not by the file system.
                    Step::HardLink(..) => is_root && who.uid != 0,
                    Step::Owner(_, uid, gid) => (uid.is_none() && gid.is_none()) || !is_root,
                    Step::Special(_, _, kind) => *kind > 1 && !is_root,
                    _ => false,
                };
                if skipped {
                    continue;
                }
                let expected = real.run(who, step, &places);
                let result = run(&ours, who, step, &places);
                match (&expected, &result) {
                    (Ok(()), Ok(())) => {}
                    (Err(errno), Err(ours)) if status(*errno) == Some(*ours) => {}
                    _ => prop_assert!(
                        false,
                        "step {number}, {step:?} at {places:?} by {who:?}: {expected:?}, not {result:?}"
                    ),
                }
                if number % 10 == 0 || number + 1 == steps.len() {
                    let (expected, seen) = (real.told(), told(&ours));
                    for (path, (line, bytes)) in &expected {
                        let Some((our_line, our_bytes)) = seen.get(path) else {
                            return Err(TestCaseError::fail(format!("{path} is missing")));
                        };
                        prop_assert_eq!(our_line, line, "{} after {:?}", path, step);
                        prop_assert!(our_bytes == bytes, "{path} has other content after {step:?}");
                    }
                    prop_assert_eq!(seen.len(), expected.len());
                }
            }
            Ok(())
        })
        .unwrap();
}
