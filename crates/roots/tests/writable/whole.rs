//! A root as a whole: its quota, its folder, and which images it is over.

use std::{fs, sync::Arc};

use nfs::{FileSystem as _, Node, Status};
use roots::{Layered, Quota, RootError, WritableRoot};

use crate::{
    QUOTA, World,
    images::{at, content, packed, root},
    mode, new_file, size,
};
#[test]
fn the_quota_is_kept_and_given_back() {
    let world = World::of(|tree| fs::write(tree.join("old"), vec![1; 100_000]).unwrap());
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
    let world = World::of(|tree| fs::write(tree.join("old"), "").unwrap());
    let tree = world.create(Quota { bytes: 100_000, files: 5 });
    let old = at(&tree, "old");
    let refused = (0..100_000).find_map(|number: i32| {
        let name = number.to_string();
        tree.link(&root(), old, tree.root(), name.as_bytes()).err().map(|it| (number, it))
    });
    assert_eq!(refused, Some((390, Status::QuotaExceeded)));
}

#[test]
fn a_root_is_opened_once_over_its_own_images_and_goes_when_it_is_discarded() {
    let world = World::of(|tree| fs::write(tree.join("file"), "x").unwrap());
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
