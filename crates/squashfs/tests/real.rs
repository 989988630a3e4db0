//! Images that the real `mksquashfs` made, of every kind that releases are packed as.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use proptest::prelude::*;
use squashfs::{Image, Inode, Kind, SquashfsError};

/// How much is cached, in bytes: less than the files are long, so that blocks come and go.
const CACHE: u64 = 300_000;

/// Bytes that compress a little.
fn content(length: usize, seed: usize) -> Vec<u8> {
    let byte = |at: usize| u8::try_from(((at / 7 + seed) * (at % 13 + 1)) % 256).unwrap();
    (0..length).map(byte).collect()
}

/// A tree with what is odd about files.
fn tree(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    };
    for length in [0, 1, 4095, 4096, 4097, 65_536, 131_072, 400_000, 1_000_001] {
        write(&format!("file-{length}"), &content(length, length));
    }
    let mut sparse = File::create(folder.join("sparse")).unwrap();
    sparse.write_all(b"begin").unwrap();
    sparse.seek(SeekFrom::Start(1_500_000)).unwrap();
    sparse.write_all(b"end").unwrap();
    fs::create_dir(folder.join("many")).unwrap();
    for number in 0..3_000 {
        fs::write(folder.join(format!("many/{number:05}")), number.to_string()).unwrap();
    }
    fs::create_dir(folder.join("empty")).unwrap();
    symlink("file-1", folder.join("link")).unwrap();
    symlink("x".repeat(600), folder.join("long-link")).unwrap();
    fs::hard_link(folder.join("file-4097"), folder.join("same")).unwrap();
    write("marked", b"marked");
    xattr::set(folder.join("marked"), "user.comment", b"short").unwrap();
    xattr::set(folder.join("empty"), "user.overlay.opaque", b"y").unwrap();
    // The same long value twice is stored once, and the second time by a reference.
    for name in ["file-1", "file-4095"] {
        xattr::set(folder.join(name), "user.long", &content(500, 1)).unwrap();
    }
}

fn packed(tree: &Path, options: &[&str]) -> Image {
    let image = tree.with_extension("squashfs");
    let mut command = Command::new("mksquashfs");
    command.arg(tree).arg(&image).args(["-noappend", "-no-progress", "-quiet"]);
    for pseudo in [
        "null c 666 0 0 1 3",
        "disk b 660 0 6 259 1048575",
        "file-65536 m 4755 1000 70000",
        "empty m 1777 0 0",
    ] {
        command.args(["-p", pseudo]);
    }
    let output = command.args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Image::open(File::open(image).unwrap(), CACHE).unwrap()
}

fn names(image: &Image, folder: &Inode) -> BTreeMap<String, Inode> {
    let entry = |it: squashfs::Entry| {
        let inode = image.inode(it.inode).unwrap();
        assert_eq!(inode.number, it.number);
        (String::from_utf8(it.name).unwrap(), inode)
    };
    image.entries(folder).unwrap().into_iter().map(entry).collect()
}

fn whole(image: &Image, file: &Inode) -> Vec<u8> {
    let mut bytes = vec![7; usize::try_from(file.size()).unwrap() + 10];
    let length = image.read(file, 0, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

fn holds_the_tree(image: &Image, folder: &Path) {
    let root = image.inode(image.root()).unwrap();
    let names = names(image, &root);
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let inode = &names[&name];
        let path = folder.join(&name);
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string().into_string().unwrap();
            assert_eq!(inode.kind, Kind::Symlink(target.into_bytes()));
        } else if found.is_file() {
            assert_eq!(inode.size(), found.len(), "{name}");
            assert!(whole(image, inode) == fs::read(&path).unwrap(), "{name} has other content");
        }
    }
    assert_eq!(names["null"].kind, Kind::CharacterDevice(1, 3));
    assert_eq!(names["disk"].kind, Kind::BlockDevice(259, 1_048_575));
    let changed = &names["file-65536"];
    assert_eq!((changed.permissions, changed.uid, changed.gid), (0o4755, 1000, 70_000));
    assert_eq!(names["empty"].permissions, 0o1777);
    assert_eq!(image.entries(&names["empty"]).unwrap(), []);
    assert_eq!((names["same"].number, names["same"].links), (names["file-4097"].number, 2));
    let many = self::names(image, &names["many"]);
    assert_eq!(many.len(), 3_000);
    assert!(
        many.iter().all(|(name, it)| whole(image, it) == name.trim_start_matches('0').as_bytes()
            || name == "00000")
    );
    let xattrs = |name: &str| -> Vec<(String, Vec<u8>)> {
        let all = image.xattrs(&names[name]).unwrap();
        all.into_iter().map(|it| (String::from_utf8(it.name).unwrap(), it.value)).collect()
    };
    assert_eq!(xattrs("marked"), [("user.comment".to_owned(), b"short".to_vec())]);
    assert_eq!(xattrs("empty"), [("user.overlay.opaque".to_owned(), b"y".to_vec())]);
    for name in ["file-1", "file-4095"] {
        assert_eq!(xattrs(name), [("user.long".to_owned(), content(500, 1))]);
    }
    assert_eq!(xattrs("null"), []);
}

#[test]
fn images_of_every_kind_hold_what_was_packed() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tree");
    fs::create_dir(&folder).unwrap();
    tree(&folder);
    for options in [
        &["-comp", "zstd", "-b", "256K"][..],
        &["-comp", "lz4", "-b", "128K"],
        &["-comp", "gzip", "-b", "4K"],
        &["-comp", "zstd", "-b", "1M", "-no-fragments"],
        &["-comp", "zstd", "-b", "64K", "-always-use-fragments", "-noI", "-noD", "-noF", "-noX"],
        &["-comp", "zstd", "-b", "128K", "-no-exports", "-no-duplicates"],
    ] {
        holds_the_tree(&packed(&folder, options), &folder);
    }
}

#[test]
fn any_part_of_a_file_can_be_read_by_many_threads() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tree");
    fs::create_dir(&folder).unwrap();
    tree(&folder);
    let image = packed(&folder, &["-comp", "zstd", "-b", "64K"]);
    let root = image.inode(image.root()).unwrap();
    let file = names(&image, &root).remove("file-1000001").unwrap();
    let expected = content(1_000_001, 1_000_001);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (image, file, expected) = (&image, &file, &expected);
            scope.spawn(move || {
                for step in 0..200 {
                    let begin = (thread * 7919 + step * 104_729) % 1_000_001;
                    let mut part = vec![0; (step * 997) % 150_000];
                    let length = image.read(file, begin as u64, &mut part).unwrap();
                    let end = (begin + part.len()).min(expected.len());
                    assert_eq!(length, end - begin);
                    assert!(part[..length] == expected[begin..end], "from {begin}");
                }
            });
        }
    });
    let mut beyond = [1; 4];
    assert_eq!(image.read(&file, 2_000_000, &mut beyond).unwrap(), 0);
    assert_eq!(image.read(&root, 0, &mut beyond).unwrap(), 0, "a folder has no content");
}

#[test]
fn what_is_no_image_is_told() {
    let open = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Image::open(file, CACHE).map(|_| ())
    };
    assert!(matches!(open(b"short"), Err(SquashfsError::Read(_))));
    assert!(matches!(open(&[0; 200]), Err(SquashfsError::Unsupported(_))));
}

/// Visits everything that an image claims to hold, however wrong it is.
fn visited(image: &Image) -> Result<usize, SquashfsError> {
    let mut folders = vec![image.root()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let folder = image.inode(folder)?;
        for entry in image.entries(&folder)? {
            seen += 1;
            let inode = image.inode(entry.inode)?;
            let _ = image.xattrs(&inode);
            let mut begin = [0; 8192];
            let _ = image.read(&inode, 0, &mut begin);
            if matches!(inode.kind, Kind::Directory(_)) && seen < 5_000 {
                folders.push(entry.inode);
            }
        }
    }
    Ok(seen)
}

#[test]
fn a_damaged_image_gives_errors_and_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tree");
    fs::create_dir(&folder).unwrap();
    tree(&folder);
    drop(packed(&folder, &["-comp", "lz4", "-b", "64K", "-noI"]));
    let sound = fs::read(folder.with_extension("squashfs")).unwrap();
    let tables = u64::from_le_bytes(sound[64..72].try_into().unwrap());
    let tables = usize::try_from(tables).unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let places = (0..96_usize).prop_union(tables..sound.len());
    let changes = proptest::collection::vec((places, any::<u8>()), 1..6);
    runner
        .run(&changes, |changes| {
            let mut damaged = sound.clone();
            for (place, byte) in changes {
                damaged[place] = byte;
            }
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&damaged).unwrap();
            if let Ok(image) = Image::open(file, CACHE) {
                let _ = visited(&image);
            }
            Ok(())
        })
        .unwrap();
}
