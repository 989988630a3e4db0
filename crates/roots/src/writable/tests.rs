use std::{fs, path::Path, process::Command};

use nfs::{Change, Creation, FileSystem as _};
use squashfs::Image;

use super::*;

const QUOTA: Quota = Quota { bytes: 1 << 30, files: 1000 };

fn base(home: &Path) -> Arc<Layered> {
    let tree = home.join("tree");
    fs::create_dir_all(tree.join("folder")).unwrap();
    for name in ["one", "two", "folder/three"] {
        fs::write(tree.join(name), "x".repeat(10_000)).unwrap();
    }
    let image = home.join("image");
    let output = Command::new("mksquashfs").arg(&tree).arg(&image).arg("-quiet").output().unwrap();
    assert!(output.status.success());
    let image = Image::open(fs::File::open(image).unwrap(), 1 << 20).unwrap();
    Arc::new(Layered::stack(vec![Arc::new(image)], "test").unwrap())
}

fn clock() -> Clock {
    Arc::new(|| Time { seconds: 1, nanoseconds: 0 })
}

fn root() -> nfs::Caller {
    let address = std::net::Ipv4Addr::LOCALHOST.into();
    nfs::Caller { uid: 0, gid: 0, groups: Vec::new(), address }
}

/// Some operations of each kind; gives how long the log was after each, and what differed then.
fn work(tree: &WritableRoot) -> Vec<(u64, Vec<String>)> {
    let (who, top) = (root(), tree.root());
    let folder = tree.lookup(&who, top, b"folder").unwrap();
    let mut steps = Vec::new();
    let mut note = || steps.push((tree.inner().log.length(), edits(tree)));
    let file = tree.create(&who, top, b"new", Creation::Exclusive([7; 8])).unwrap();
    note();
    tree.write(&who, file, 5000, &[1; 20_000], false).unwrap();
    note();
    tree.rename(&who, (top, b"one"), (folder, b"moved")).unwrap();
    note();
    tree.remove(&who, top, b"two").unwrap();
    note();
    tree.link(&who, file, folder, b"again").unwrap();
    note();
    let change = Change { size: Some(9000), ..Change::default() };
    tree.change(&who, file, &change, None).unwrap();
    note();
    tree.rename(&who, (top, b"folder"), (top, b"directory")).unwrap();
    note();
    steps
}

fn edits(tree: &WritableRoot) -> Vec<String> {
    let mut edits: Vec<String> = tree.inner().state.edits().map(|it| format!("{it:?}")).collect();
    edits.sort();
    edits
}

#[test]
fn a_log_that_is_written_anew_says_the_same() {
    let home = tempfile::tempdir().unwrap();
    let (base, folder) = (base(home.path()), home.path().join("root"));
    let tree = WritableRoot::create(&folder, base.clone(), QUOTA, clock()).unwrap();
    work(&tree);
    let before = edits(&tree);
    let used = (tree.inner().state.bytes, tree.inner().state.files);
    {
        let mut inner = tree.inner_mut();
        let Inner { state, log, .. } = &mut *inner;
        log.renew(&tree.header, state.edits());
    }
    // It goes on behind.
    tree.remove(&root(), tree.root(), b"new").unwrap();
    tree.create(&root(), tree.root(), b"new", Creation::Exclusive([7; 8])).unwrap();
    let after = edits(&tree);
    assert_ne!(before, after);
    drop(tree);
    // What a crash left beside it does not matter.
    fs::write(folder.join("log.next"), "half").unwrap();
    let tree = WritableRoot::open(&folder, base, clock()).unwrap();
    assert_eq!(edits(&tree), after);
    let again = (tree.inner().state.bytes, tree.inner().state.files);
    assert_eq!(again, (used.0 + NODE_COST, used.1 + 1));
    let mut inner = tree.inner_mut();
    let Inner { state, log, .. } = &mut *inner;
    log.renew(&tree.header, state.edits());
}

#[test]
fn a_log_that_ends_anywhere_gives_the_operations_that_are_whole() {
    let home = tempfile::tempdir().unwrap();
    let (base, folder) = (base(home.path()), home.path().join("root"));
    let tree = WritableRoot::create(&folder, base.clone(), QUOTA, clock()).unwrap();
    let steps = work(&tree);
    drop(tree);
    let log = fs::read(folder.join("log")).unwrap();
    for length in usize::try_from(steps[0].0).unwrap()..=log.len() {
        let mut cut = log[..length].to_vec();
        // And as a disk leaves a page that was not written.
        cut.extend_from_slice(&[0; 100]);
        fs::write(folder.join("log"), &cut).unwrap();
        let tree = WritableRoot::open(&folder, base.clone(), clock()).unwrap();
        let expected = steps.iter().rfind(|(end, _)| *end <= length as u64).unwrap();
        assert_eq!(edits(&tree), expected.1, "at {length}");
    }
}

#[test]
fn numbers_are_never_given_twice() {
    let home = tempfile::tempdir().unwrap();
    let (base, folder) = (base(home.path()), home.path().join("root"));
    let tree = WritableRoot::create(&folder, base.clone(), QUOTA, clock()).unwrap();
    let mut seen = std::collections::HashSet::new();
    let mut make = |tree: &WritableRoot| {
        let file = tree.create(&root(), tree.root(), b"file", Creation::Exclusive([0; 8])).unwrap();
        assert!(seen.insert(file), "{file} is there again");
        tree.remove(&root(), tree.root(), b"file").unwrap();
    };
    make(&tree);
    let log = fs::read(folder.join("log")).unwrap();
    (0..100).for_each(|_| make(&tree));
    drop(tree);
    // The machine went down, and what was not asked to be on the disk is not.
    fs::write(folder.join("log"), log).unwrap();
    let tree = WritableRoot::open(&folder, base, clock()).unwrap();
    (0..100).for_each(|_| make(&tree));
}
