//! A writable root over an image that the real `mksquashfs` made.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nfs::{Caller, Change, Creation, FileId, FileKind, FileSystem, Node, SetTime, Status, Time};
use roots::{Clock, Layered, Quota, RootError, WritableRoot};
use tempfile::TempDir;

use crate::images::{at, caller, content, names, packed, root, stack};

mod images;

const QUOTA: Quota = Quota { bytes: 1 << 30, files: 100_000 };

struct World {
    home: TempDir,
    base: Arc<Layered>,
    clock: Clock,
}

impl World {
    /// A base of what `fill` makes.
    fn of(fill: impl FnOnce(&Path), pseudo: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let tree = home.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fill(&tree);
        let base = stack(&[packed(&tree, pseudo)]);
        let seconds = AtomicU32::new(2_000_000_000);
        let clock: Clock = Arc::new(move || Time {
            seconds: seconds.fetch_add(1, Ordering::SeqCst),
            nanoseconds: 0,
        });
        Self { home, base, clock }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("root")
    }

    fn create(&self, quota: Quota) -> WritableRoot {
        WritableRoot::create(&self.folder(), self.base.clone(), quota, self.clock.clone()).unwrap()
    }

    fn open(&self) -> WritableRoot {
        WritableRoot::open(&self.folder(), self.base.clone(), self.clock.clone()).unwrap()
    }
}

fn mode(mode: u32) -> Change {
    Change { mode: Some(mode), ..Change::default() }
}

fn new_file(tree: &WritableRoot, who: &Caller, directory: FileId, name: &str) -> FileId {
    let how = Creation::Guarded(mode(0o644));
    tree.create(who, directory, name.as_bytes(), how).unwrap()
}

fn size(size: u64) -> Change {
    Change { size: Some(size), ..Change::default() }
}

#[test]
fn a_file_of_the_image_keeps_its_number_when_it_is_written() {
    let world = World::of(
        |tree| {
            fs::write(tree.join("file"), vec![b'x'; 300_000]).unwrap();
            fs::hard_link(tree.join("file"), tree.join("same")).unwrap();
        },
        &[],
    );
    let tree = world.create(QUOTA);
    let file = at(&tree, "file");
    let before = tree.attributes(file).unwrap();
    tree.write(&root(), file, 100_000, b"changed", false).unwrap();
    assert_eq!((at(&tree, "file"), at(&tree, "same")), (file, file));
    let mut expected = vec![b'x'; 300_000];
    expected[100_000..100_007].copy_from_slice(b"changed");
    assert!(content(&tree, file) == expected);
    let after = tree.attributes(file).unwrap();
    assert!(after.modified > before.modified && after.changed > before.changed);
    assert_eq!((after.size, after.links), (300_000, 2));
    // One block of its own, whatever the file is long.
    assert_eq!(QUOTA.bytes - tree.space().unwrap().free_bytes, 4096);
    drop(tree);
    let tree = world.open();
    assert_eq!(at(&tree, "same"), file);
    assert!(content(&tree, file) == expected);
    assert_eq!(tree.attributes(file), Ok(after));
    tree.remove(&root(), tree.root(), b"file").unwrap();
    assert_eq!(tree.attributes(file).unwrap().links, 1);
    assert!(content(&tree, file) == expected);
    tree.remove(&root(), tree.root(), b"same").unwrap();
    assert_eq!(tree.attributes(file), Err(Status::Stale));
    assert_eq!(tree.read(&root(), file, 0, 1), Err(Status::Stale));
    assert_eq!(tree.space().unwrap().free_bytes, QUOTA.bytes);
    assert_eq!(fs::read_dir(world.folder().join("data")).unwrap().count(), 0);
    // The tree below is as it was.
    assert!(content(&*world.base, file) == vec![b'x'; 300_000]);
}

#[test]
fn what_was_cut_off_never_comes_back() {
    let world = World::of(|tree| fs::write(tree.join("file"), vec![b'x'; 50_000]).unwrap(), &[]);
    let tree = world.create(QUOTA);
    let file = at(&tree, "file");
    tree.write(&root(), file, 20_000, &[b'y'; 10_000], false).unwrap();
    tree.change(&root(), file, &size(21_001), None).unwrap();
    tree.change(&root(), file, &size(60_000), None).unwrap();
    let mut expected = vec![b'x'; 60_000];
    expected[20_000..21_001].fill(b'y');
    expected[21_001..].fill(0);
    assert!(content(&tree, file) == expected);
    // And where the image's own bytes were cut.
    tree.change(&root(), file, &size(9_999), None).unwrap();
    tree.write(&root(), file, 30_001, b"z", false).unwrap();
    expected.truncate(30_002);
    expected[9_999..].fill(0);
    expected[30_001] = b'z';
    assert!(content(&tree, file) == expected);
    drop(tree);
    assert!(content(&world.open(), file) == expected);
}

#[test]
fn what_a_crash_left_in_a_file_does_not_show() {
    let world = World::of(|_| {}, &[]);
    let tree = world.create(QUOTA);
    let file = new_file(&tree, &root(), tree.root(), "file");
    tree.change(&root(), file, &size(20_000), None).unwrap();
    tree.write(&root(), file, 0, b"begin", false).unwrap();
    drop(tree);
    // As a write that was cut short before its record.
    let left = world.folder().join(format!("data/{file:x}"));
    fs::write(left, vec![b'!'; 100_000]).unwrap();
    let tree = world.open();
    tree.write(&root(), file, 10_000, b"middle", false).unwrap();
    tree.write(&root(), file, 40_000, b"end", false).unwrap();
    let seen = content(&tree, file);
    assert_eq!(seen.len(), 40_003);
    assert!(seen[4096..10_000].iter().chain(&seen[10_006..40_000]).all(|it| *it == 0));
    assert_eq!(&seen[10_000..10_006], b"middle");
}

#[test]
fn a_file_over_four_gibibytes_takes_what_was_written() {
    use std::os::unix::fs::FileExt as _;
    let world = World::of(|_| {}, &[]);
    let tree = world.create(QUOTA);
    let file = new_file(&tree, &root(), tree.root(), "sparse");
    let far = (5 << 30) + 123;
    tree.write(&root(), file, far, b"far", true).unwrap();
    tree.commit(file).unwrap();
    let there = tree.attributes(file).unwrap();
    assert_eq!((there.size, there.used), (far + 3, 4096));
    let part = tree.read(&root(), file, far - 3, 10).unwrap();
    assert_eq!((&part.bytes[..], part.end), (&b"\0\0\0far"[..], true));
    assert!(tree.read(&root(), file, 4 << 30, 4096).unwrap().bytes.iter().all(|it| *it == 0));
    let data = fs::File::open(world.folder().join(format!("data/{file:x}"))).unwrap();
    let mut there = [0; 3];
    data.read_exact_at(&mut there, far).unwrap();
    assert_eq!(&there, b"far");
    let over = tree.write(&root(), file, i64::MAX as u64, b"x", false);
    assert_eq!(over, Err(Status::TooLarge));
    assert_eq!(tree.write(&root(), file, u64::MAX, b"x", false), Err(Status::TooLarge));
    assert_eq!(tree.change(&root(), file, &size(u64::MAX), None), Err(Status::TooLarge));
    assert_eq!(tree.read(&root(), file, u64::MAX, u32::MAX).unwrap().bytes.len(), 0);
}

#[test]
fn an_exclusive_create_that_came_twice_succeeds() {
    let world = World::of(|tree| fs::write(tree.join("old"), "").unwrap(), &[]);
    let tree = world.create(QUOTA);
    let exclusive = |tree: &WritableRoot, name: &[u8], verifier| {
        tree.create(&root(), tree.root(), name, Creation::Exclusive(verifier))
    };
    let file = exclusive(&tree, b"new", *b"verifier").unwrap();
    assert_eq!(exclusive(&tree, b"new", *b"verifier"), Ok(file));
    assert_eq!(exclusive(&tree, b"new", *b"another!"), Err(Status::Exists));
    assert_eq!(exclusive(&tree, b"old", *b"verifier"), Err(Status::Exists));
    drop(tree);
    let tree = world.open();
    assert_eq!(exclusive(&tree, b"new", *b"verifier"), Ok(file));
    assert_eq!(tree.create(&root(), tree.root(), b"new", Creation::Guarded(mode(0))), {
        Err(Status::Exists)
    });
    tree.write(&root(), file, 0, b"content", false).unwrap();
    // Taken as it is, or cut.
    let unchecked = |change| tree.create(&root(), tree.root(), b"new", Creation::Unchecked(change));
    assert_eq!(unchecked(mode(0o777)), Ok(file));
    assert_eq!((content(&tree, file).len(), tree.attributes(file).unwrap().mode), (7, 0));
    assert_eq!(unchecked(size(0)), Ok(file));
    assert_eq!(content(&tree, file).len(), 0);
}

#[test]
fn a_directory_of_ten_thousand_is_removed_while_it_is_listed() {
    let world = World::of(
        |tree| {
            fs::create_dir(tree.join("many")).unwrap();
            for number in 0..5_000 {
                fs::write(tree.join(format!("many/old-{number}")), "").unwrap();
            }
        },
        &[],
    );
    let tree = world.create(QUOTA);
    let many = at(&tree, "many");
    for number in 0..5_000 {
        new_file(&tree, &root(), many, &format!("new-{number}"));
    }
    assert_eq!(names(&tree, many).len(), 10_000);
    assert_eq!(tree.remove_directory(&root(), tree.root(), b"many"), Err(Status::NotEmpty));
    // As `rm -r` of a client does it: what one page named is removed before the next is asked for.
    let (mut removed, mut cookie) = (0, 0);
    loop {
        let page = tree.list(&root(), many, cookie, 100).unwrap();
        for entry in page.entries {
            cookie = entry.cookie;
            if entry.name != b"." && entry.name != b".." {
                tree.remove(&root(), many, &entry.name).unwrap();
                removed += 1;
            }
        }
        if page.end {
            break;
        }
        // What comes and goes beside it moves nothing.
        new_file(&tree, &root(), many, "beside");
        tree.remove(&root(), many, b"beside").unwrap();
    }
    assert_eq!(removed, 10_000);
    tree.remove_directory(&root(), tree.root(), b"many").unwrap();
    assert_eq!(tree.lookup(&root(), many, b"old-1"), Err(Status::Stale));
    assert_eq!(tree.create(&root(), many, b"x", Creation::Guarded(mode(0))), Err(Status::Stale));
    let space = tree.space().unwrap();
    assert_eq!((space.free_bytes, space.free_files), (QUOTA.bytes, QUOTA.files));
}

#[test]
fn a_cookie_stays_with_its_entry() {
    let world = World::of(
        |tree| {
            for number in 0..20 {
                fs::write(tree.join(format!("file-{number:02}")), "").unwrap();
            }
        },
        &[],
    );
    let tree = world.create(QUOTA);
    new_file(&tree, &root(), tree.root(), "aaa");
    let cookies = |tree: &WritableRoot| {
        let all = tree.list(&root(), tree.root(), 0, 100).unwrap().entries;
        all.into_iter().map(|it| (it.name, it.cookie)).collect::<Vec<_>>()
    };
    let before = cookies(&tree);
    for number in (0..20).step_by(2) {
        tree.remove(&root(), tree.root(), format!("file-{number:02}").as_bytes()).unwrap();
    }
    new_file(&tree, &root(), tree.root(), "file-03-and-more");
    drop(tree);
    let tree = world.open();
    let after = cookies(&tree);
    assert_eq!(after.len(), 14);
    let (old, new) = after.split_at(13);
    assert!(old.iter().all(|it| before.contains(it)));
    assert_eq!(new[0].0, b"file-03-and-more");
}

#[test]
fn the_quota_is_kept_and_given_back() {
    let world = World::of(|tree| fs::write(tree.join("old"), vec![1; 100_000]).unwrap(), &[]);
    let tree = world.create(Quota { bytes: 100_000, files: 5 });
    let file = new_file(&tree, &root(), tree.root(), "file");
    let full = tree.write(&root(), file, 0, &[1; 100_001], false);
    assert_eq!(full, Err(Status::QuotaExceeded));
    tree.write(&root(), file, 0, &[1; 80_000], false).unwrap();
    let old = at(&tree, "old");
    assert_eq!(tree.write(&root(), old, 0, &[2; 40_000], false), Err(Status::QuotaExceeded));
    assert!(content(&tree, old) == vec![1; 100_000]);
    // What is a file's own already costs nothing again.
    tree.write(&root(), file, 10_000, &[2; 60_000], false).unwrap();
    tree.change(&root(), file, &size(4_096), None).unwrap();
    tree.write(&root(), old, 0, &[2; 40_000], false).unwrap();
    for name in ["1", "2", "3", "4"] {
        tree.make(&root(), tree.root(), name.as_bytes(), &Node::Directory, &mode(0o755)).unwrap();
    }
    let more = tree.make(&root(), tree.root(), b"5", &Node::Directory, &mode(0o755));
    assert_eq!(more, Err(Status::QuotaExceeded));
    assert_eq!(tree.space().unwrap().free_files, 0);
    drop(tree);
    let tree = world.open();
    assert_eq!(tree.space().unwrap().free_files, 0);
    tree.rename(&root(), (tree.root(), b"old"), (tree.root(), b"moved")).unwrap();
    for name in ["1", "2", "3", "4"] {
        tree.remove_directory(&root(), tree.root(), name.as_bytes()).unwrap();
    }
    tree.remove(&root(), tree.root(), b"file").unwrap();
    tree.remove(&root(), tree.root(), b"moved").unwrap();
    assert_eq!(tree.space().unwrap().free_bytes, 100_000);
    assert_eq!(tree.space().unwrap().free_files, 5);
}

#[test]
fn hard_links_cannot_fill_the_memory() {
    let world = World::of(|tree| fs::write(tree.join("old"), "").unwrap(), &[]);
    let tree = world.create(Quota { bytes: 100_000, files: 5 });
    let old = at(&tree, "old");
    let refused = (0..100_000).find_map(|number: i32| {
        let name = number.to_string();
        tree.link(&root(), old, tree.root(), name.as_bytes()).err().map(|it| (number, it))
    });
    assert_eq!(refused, Some((390, Status::QuotaExceeded)));
}

#[test]
fn the_time_of_the_last_change_moves_and_never_goes_back() {
    let world = World::of(|_| {}, &[]);
    let clock: Clock = Arc::new(|| Time { seconds: 5, nanoseconds: 999_999_998 });
    let tree = WritableRoot::create(&world.folder(), world.base.clone(), QUOTA, clock).unwrap();
    let file = new_file(&tree, &root(), tree.root(), "file");
    let mut last = tree.attributes(file).unwrap().changed;
    for number in 0..5 {
        match number % 2 {
            0 => tree.write(&root(), file, 0, b"x", false).unwrap(),
            _ => tree.change(&root(), file, &mode(0o600), None).unwrap(),
        }
        let now = tree.attributes(file).unwrap().changed;
        assert!(now > last);
        last = now;
    }
    let guard = Time { seconds: 5, nanoseconds: 0 };
    let guarded = |guard| tree.change(&root(), file, &mode(0o644), Some(guard));
    assert_eq!(guarded(guard), Err(Status::NotSynchronized));
    guarded(last).unwrap();
    let asked = Time { seconds: 7, nanoseconds: 8 };
    let change = Change {
        modified: Some(SetTime::To(asked)),
        accessed: Some(SetTime::Now),
        ..Change::default()
    };
    tree.change(&root(), file, &change, None).unwrap();
    let now = tree.attributes(file).unwrap();
    assert_eq!((now.modified, now.accessed.seconds), (asked, 5));
}

#[test]
fn special_files_are_what_they_were_made() {
    let world = World::of(|_| {}, &[]);
    let tree = world.create(QUOTA);
    let make = |name: &str, node: Node| {
        tree.make(&root(), tree.root(), name.as_bytes(), &node, &mode(0o4755))
    };
    for (name, kind, device) in [
        ("null", FileKind::CharacterDevice, (1, 3)),
        ("disk", FileKind::BlockDevice, (259, 1_048_575)),
        ("pipe", FileKind::Pipe, (0, 0)),
        ("socket", FileKind::Socket, (0, 0)),
    ] {
        let file = make(name, Node::Special(kind, device)).unwrap();
        let it = tree.attributes(file).unwrap();
        assert_eq!((it.kind, it.device, it.mode), (kind, device, 0o4755));
        assert_eq!(tree.read(&root(), file, 0, 1), Err(Status::Invalid));
        assert_eq!(tree.write(&root(), file, 0, b"x", false), Err(Status::Invalid));
    }
    for kind in [FileKind::File, FileKind::Directory, FileKind::Link] {
        assert_eq!(make("bad", Node::Special(kind, (0, 0))), Err(Status::BadType));
    }
    let link = make("link", Node::Link(b"/some/where".to_vec())).unwrap();
    assert_eq!(tree.read_link(link), Ok(b"/some/where".to_vec()));
    assert_eq!(make("long", Node::Link(vec![b'x'; 4096])), Err(Status::NameTooLong));
    assert_eq!(make("null", Node::Directory), Err(Status::Exists));
    let user = caller(1000, 1000);
    let device = Node::Special(FileKind::CharacterDevice, (1, 3));
    assert_eq!(tree.make(&user, tree.root(), b"mine", &device, &mode(0o666)), {
        Err(Status::Denied)
    });
}

#[test]
fn a_root_is_opened_once_over_its_own_images_and_goes_when_it_is_discarded() {
    let world = World::of(|tree| fs::write(tree.join("file"), "x").unwrap(), &[]);
    let open = || WritableRoot::open(&world.folder(), world.base.clone(), world.clock.clone());
    assert!(matches!(open(), Err(RootError::Missing(_))));
    let tree = world.create(QUOTA);
    assert!(matches!(open(), Err(RootError::InUse(_))));
    assert!(matches!(WritableRoot::discard(&world.folder()), Err(RootError::InUse(_))));
    tree.remove(&root(), tree.root(), b"file").unwrap();
    drop(tree);
    let create =
        || WritableRoot::create(&world.folder(), world.base.clone(), QUOTA, world.clock.clone());
    assert!(matches!(create(), Err(RootError::Exists(_))));
    let image = packed(&world.home.path().join("tree"), &[]);
    let other = Arc::new(Layered::stack(vec![image], "other").unwrap());
    let opened = WritableRoot::open(&world.folder(), other, world.clock.clone());
    let Err(RootError::OtherBase { made_over, .. }) = opened else { panic!("it was opened") };
    assert_eq!(made_over, "test");
    assert!(open().unwrap().lookup(&root(), world.base.root(), b"file").is_err());
    WritableRoot::discard(&world.folder()).unwrap();
    WritableRoot::discard(&world.folder()).unwrap();
    assert!(matches!(open(), Err(RootError::Missing(_))));
    assert_eq!(fs::read_dir(world.home.path()).unwrap().count(), 2, "the tree and its image");
    let tree = create().unwrap();
    assert_eq!(content(&tree, at(&tree, "file")), b"x");
    drop(tree);
    fs::write(world.folder().join("log"), "nonsense").unwrap();
    assert!(matches!(open(), Err(RootError::Damaged(_))));
}

#[test]
fn many_threads_write_and_read_at_once() {
    let world = World::of(|tree| fs::write(tree.join("file"), vec![9; 400_000]).unwrap(), &[]);
    let tree = world.create(QUOTA);
    let file = at(&tree, "file");
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let tree = &tree;
            scope.spawn(move || {
                // Each has its own bytes of blocks that all of them write.
                for place in 0..400_u64 {
                    let offset = place * 1000 + u64::from(thread) * 100;
                    tree.write(&root(), file, offset, &[thread; 100], false).unwrap();
                    let part = tree.read(&root(), file, offset, 100).unwrap();
                    assert_eq!(&part.bytes[..], &[thread; 100]);
                }
                let name = format!("{thread}");
                let own = new_file(tree, &root(), tree.root(), &name);
                tree.commit(own).unwrap();
                let moved = format!("{thread}-moved");
                let (from, to) = (name.as_bytes(), moved.as_bytes());
                tree.rename(&root(), (tree.root(), from), (tree.root(), to)).unwrap();
            });
        }
    });
    let expected: Vec<u8> = (0..400_000_usize)
        .map(|it| u8::try_from(it % 1000 / 100).unwrap())
        .map(|it| if it < 8 { it } else { 9 })
        .collect();
    assert!(content(&tree, file) == expected);
    assert_eq!(names(&tree, tree.root()).len(), 9);
}
