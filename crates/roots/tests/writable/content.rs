//! Contents: copied up by blocks, cut, sparse, long, and written by many at once.

use std::{fs, sync::Barrier};

use nfs::{FileSystem as _, Status};

use crate::{
    QUOTA, World,
    images::{at, content, names, root},
    new_file, size,
};
#[test]
fn a_file_of_the_image_keeps_its_number_when_it_is_written() {
    let world = World::of(|tree| {
        fs::write(tree.join("file"), vec![b'x'; 300_000]).unwrap();
        fs::hard_link(tree.join("file"), tree.join("same")).unwrap();
    });
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
    tree.sync().unwrap();
    assert_eq!(fs::read_dir(world.folder().join("data")).unwrap().count(), 0);
    // The tree below is as it was.
    assert!(content(&*world.base, file) == vec![b'x'; 300_000]);
}

#[test]
fn what_was_cut_off_never_comes_back() {
    let world = World::of(|tree| fs::write(tree.join("file"), vec![b'x'; 50_000]).unwrap());
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
    let world = World::of(|_| {});
    let tree = world.create(QUOTA);
    let file = new_file(&tree, &root(), tree.root(), "file");
    tree.change(&root(), file, &size(20_000), None).unwrap();
    tree.write(&root(), file, 19_990, b"last block", false).unwrap();
    drop(tree);
    // As a write that was cut short before its record.
    let left = world.folder().join(format!("data/{file:x}"));
    let mut bytes = fs::read(&left).unwrap();
    bytes[..16_384].fill(b'!');
    bytes.resize(100_000, b'!');
    fs::write(left, bytes).unwrap();
    let tree = world.open();
    tree.write(&root(), file, 10_000, b"middle", false).unwrap();
    tree.write(&root(), file, 40_000, b"end", false).unwrap();
    let seen = content(&tree, file);
    assert_eq!(seen.len(), 40_003);
    let mut expected = vec![0; 40_003];
    expected[10_000..10_006].copy_from_slice(b"middle");
    expected[19_990..20_000].copy_from_slice(b"last block");
    expected[40_000..].copy_from_slice(b"end");
    assert!(seen == expected);
}

#[test]
fn what_was_committed_comes_back_whole_where_a_crash_of_the_machine_undoes_its_end() {
    let world = World::of(|_| {});
    let tree = world.create(QUOTA);
    let [cut, gone, replaced] =
        ["cut", "gone", "replaced"].map(|it| new_file(&tree, &root(), tree.root(), it));
    for file in [cut, gone, replaced] {
        tree.write(&root(), file, 0, &[7; 10_000], false).unwrap();
        tree.commit(file).unwrap();
    }
    let other = new_file(&tree, &root(), tree.root(), "other");
    let log = world.folder().join("log");
    let on_the_disk = fs::metadata(&log).unwrap().len();
    tree.change(&root(), cut, &size(0), None).unwrap();
    tree.remove(&root(), tree.root(), b"gone").unwrap();
    tree.rename(&root(), (tree.root(), b"other"), (tree.root(), b"replaced")).unwrap();
    drop(tree);
    fs::File::options().write(true).open(&log).unwrap().set_len(on_the_disk).unwrap();
    let tree = world.open();
    for file in [cut, gone, replaced] {
        assert!(content(&tree, file) == [7; 10_000]);
    }
    assert_eq!(content(&tree, other), b"");
    // And nothing is left over where the disk knows of it.
    tree.change(&root(), cut, &size(100), None).unwrap();
    tree.remove(&root(), tree.root(), b"gone").unwrap();
    tree.commit(replaced).unwrap();
    let length = |file| {
        let data = fs::metadata(world.folder().join(format!("data/{file:x}")));
        data.map(|it| it.len()).ok()
    };
    assert_eq!((length(cut), length(gone), length(replaced)), (Some(100), None, Some(10_000)));
}

#[test]
fn a_file_over_four_gibibytes_takes_what_was_written() {
    use std::os::unix::fs::FileExt as _;
    let world = World::of(|_| {});
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
fn many_threads_write_and_read_at_once() {
    let world = World::of(|tree| fs::write(tree.join("file"), vec![9; 400_000]).unwrap());
    let tree = world.create(QUOTA);
    let file = at(&tree, "file");
    let together = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (tree, together) = (&tree, &together);
            scope.spawn(move || {
                // Each has its own bytes of blocks that all of them write.
                for place in 0..400_u64 {
                    together.wait();
                    let offset = place * 1000 + u64::from(thread) * 100;
                    tree.write(&root(), file, offset, &[thread; 100], false).unwrap();
                    let part = tree.read(&root(), file, offset, 100).unwrap();
                    assert_eq!(&part.bytes[..], &[thread; 100]);
                }
                let name = format!("{thread}");
                let own = new_file(tree, &root(), tree.root(), &name);
                for _ in 0..5 {
                    tree.write(&root(), own, 0, &[thread; 9_000], true).unwrap();
                    tree.change(&root(), own, &size(10), None).unwrap();
                    tree.commit(own).unwrap();
                    let passing =
                        new_file(tree, &root(), tree.root(), &format!("{thread}-passing"));
                    tree.write(&root(), passing, 0, b"x", false).unwrap();
                    tree.remove(&root(), tree.root(), format!("{thread}-passing").as_bytes())
                        .unwrap();
                }
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
