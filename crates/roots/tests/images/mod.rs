//! Images that the real `mksquashfs` makes, and who reads them.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{fs::File, net::Ipv4Addr, path::Path, process::Command, sync::Arc};

use nfs::{Caller, FileId, FileSystem};
use roots::Layered;
use squashfs::Image;
use tempfile::TempDir;

/// A folder in memory, where that can be had: large and many files are made and read there at once.
pub(crate) fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    home.unwrap()
}

/// Packs a folder as releases are packed.
pub(crate) fn packed(tree: &Path, pseudo: &[&str]) -> Arc<Image> {
    let image = tree.with_extension("squashfs");
    let mut command = Command::new("mksquashfs");
    command.arg(tree).arg(&image).args(["-noappend", "-no-progress", "-quiet"]);
    command.args(["-comp", "zstd", "-Xcompression-level", "3", "-b", "256K"]);
    for definition in pseudo {
        command.args(["-p", definition]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Arc::new(Image::open(File::open(image).unwrap(), 16 << 20).unwrap())
}

pub(crate) fn stack(images: &[Arc<Image>]) -> Arc<Layered> {
    Arc::new(Layered::stack(images.to_vec(), "test").unwrap())
}

pub(crate) fn caller(uid: u32, gid: u32) -> Caller {
    Caller { uid, gid, groups: Vec::new(), address: Ipv4Addr::LOCALHOST.into() }
}

pub(crate) fn root() -> Caller {
    caller(0, 0)
}

/// What a path of names leads to.
pub(crate) fn at(tree: &dyn FileSystem, path: &str) -> FileId {
    let names = path.split('/').filter(|it| !it.is_empty());
    names.fold(tree.root(), |id, name| tree.lookup(&root(), id, name.as_bytes()).unwrap())
}

/// All names of a directory but `.` and `..`, read a few at a time.
pub(crate) fn names(tree: &dyn FileSystem, directory: FileId) -> Vec<(Vec<u8>, FileId)> {
    let (mut all, mut cookie) = (Vec::new(), 0);
    loop {
        let listing = tree.list(&root(), directory, cookie, 7).unwrap();
        for entry in listing.entries {
            assert_ne!(entry.cookie, 0);
            cookie = entry.cookie;
            match entry.name.as_slice() {
                b"." => assert_eq!(entry.file_id, directory),
                b".." => assert_eq!(entry.file_id, tree.parent(directory).unwrap()),
                _ => all.push((entry.name, entry.file_id)),
            }
        }
        if listing.end {
            return all;
        }
    }
}

/// The whole content of a file.
pub(crate) fn content(tree: &dyn FileSystem, file: FileId) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let part = tree.read(&root(), file, bytes.len() as u64, 100_000).unwrap();
        bytes.extend_from_slice(&part.bytes);
        if part.end {
            return bytes;
        }
    }
}
