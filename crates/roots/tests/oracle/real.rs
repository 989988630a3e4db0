//! A real directory, and the operations as system calls.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use nfs::{Caller, Status};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat, renameat},
    sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mkdirat, mknodat},
    unistd::{
        Gid, LinkatFlags, Uid, UnlinkatFlags, fchownat, linkat, setfsgid, setfsuid, symlinkat,
        unlinkat,
    },
};

use crate::{joined, step::Step};

/// What both begin with.
pub(crate) fn fill(tree: &Path, is_root: bool) {
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
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set("", 0o777, 0, 0);
    set("a", 0o755, 1000, 1000);
    set("b", 0o1777, 0, 0);
    set("c", 0o2775, 0, 100);
    set("a/0", 0o6755, 1000, 100);
    set("b/2", 0o600, 1001, 100);
}

/// The real directory.
pub(crate) struct Real {
    pub(crate) top: PathBuf,
    pub(crate) is_root: bool,
}

impl Real {
    /// Does something as another user.
    pub(crate) fn as_user<T>(
        &self,
        who: &Caller,
        work: impl FnOnce() -> nix::Result<T>,
    ) -> nix::Result<T> {
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

    pub(crate) fn folder(&self, path: &str) -> OwnedFd {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        open(&self.top.join(path), flags, Mode::empty()).unwrap()
    }

    /// A file opened as an NFS server lets a caller write to it: its owner may.
    pub(crate) fn writable(
        &self,
        who: &Caller,
        folder: &OwnedFd,
        name: &str,
    ) -> nix::Result<fs::File> {
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

    pub(crate) fn run(
        &self,
        who: &Caller,
        step: &Step,
        places: &[(String, String)],
    ) -> nix::Result<()> {
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
    pub(crate) fn told(&self) -> BTreeMap<String, (String, Vec<u8>)> {
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

/// What an error of a system call is called on the wire.
pub(crate) const fn status(errno: Errno) -> Option<Status> {
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
