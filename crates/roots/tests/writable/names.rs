//! Names, kinds and times.

use std::{fs, sync::Arc};

use nfs::{Change, Creation, FileKind, FileSystem as _, Node, SetTime, Status, Time};
use roots::{Clock, WritableRoot};

use crate::{
    QUOTA, World,
    images::{at, caller, content, names, root},
    mode, new_file, size,
};
#[test]
fn an_exclusive_create_that_came_twice_succeeds() {
    let world = World::of(|tree| fs::write(tree.join("old"), "").unwrap());
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
    let world = World::of(|tree| {
        fs::create_dir(tree.join("many")).unwrap();
        for number in 0..5_000 {
            fs::write(tree.join(format!("many/old-{number}")), "").unwrap();
        }
    });
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
    let world = World::of(|tree| {
        for number in 0..20 {
            fs::write(tree.join(format!("file-{number:02}")), "").unwrap();
        }
    });
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
fn the_time_of_the_last_change_moves_and_never_goes_back() {
    let world = World::of(|_| {});
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
    let world = World::of(|_| {});
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
