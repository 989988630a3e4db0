//! Locks and their packages.

use domain::{digest::Digest, lock::Part};

use crate::{
    on_both_engines,
    world::{World, lock, package},
};

on_both_engines! {
    a_lock_is_kept_once_with_its_packages
    packages_are_searched_within_a_lock
    a_package_is_found_in_every_lock
}

async fn a_lock_is_kept_once_with_its_packages(world: World) {
    let bash = lock(vec![
        package(Part::Rootfs, "bash", "5.2-1"),
        package(Part::Kernel, "linux-image", "6.1.0-1"),
        package(Part::Initrd, "busybox-static", "1:1.35-4"),
    ]);
    let mut tx = world.begin().await;
    let digest = tx.insert_lock(&bash, world.now()).await.unwrap();
    assert_eq!(digest, bash.digest().unwrap());
    assert_eq!(tx.insert_lock(&bash, world.now()).await.unwrap(), digest);
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.lock(&digest).await.unwrap(), Some(bash));
    assert_eq!(rows.lock(&Digest::of("other")).await.unwrap(), None);
    let packages = rows.lock_packages(&digest, "").await.unwrap();
    let known: Vec<_> = packages.iter().map(|it| (it.part, it.name.as_str())).collect();
    assert_eq!(
        known,
        [(Part::Rootfs, "bash"), (Part::Kernel, "linux-image"), (Part::Initrd, "busybox-static")]
    );
    assert_eq!((packages[0].size, packages[0].sha256), (3_000_000_000, Digest::of("bash")));
    assert_eq!((packages[2].version.as_str(), packages[2].lock), ("1:1.35-4", digest));
}

async fn packages_are_searched_within_a_lock(world: World) {
    let names = ["bash", "bash-completion", "lib-under_score", "libbash!"];
    let all = lock(names.map(|name| package(Part::Rootfs, name, "1")).to_vec());
    let mut tx = world.begin().await;
    let digest = tx.insert_lock(&all, world.now()).await.unwrap();
    for (search, found) in [
        ("BASH", vec!["bash", "bash-completion", "libbash!"]),
        ("lib", vec!["lib-under_score", "libbash!"]),
        // Nothing that is typed is a pattern.
        ("_", vec!["lib-under_score"]),
        ("!", vec!["libbash!"]),
        ("%", vec![]),
        ("\\", vec![]),
    ] {
        let packages = tx.lock_packages(&digest, search).await.unwrap();
        let names: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, found, "{search}");
    }
}

async fn a_package_is_found_in_every_lock(world: World) {
    let older = lock(vec![package(Part::Rootfs, "bash", "1")]);
    let newer =
        lock(vec![package(Part::Rootfs, "bash", "2"), package(Part::Initrd, "busybox", "3")]);
    let mut tx = world.begin().await;
    let first = tx.insert_lock(&older, world.now()).await.unwrap();
    let second = tx.insert_lock(&newer, world.now()).await.unwrap();
    let found = tx.locks_with_package("bash").await.unwrap();
    let known: Vec<_> = found.iter().map(|it| (it.lock, it.version.as_str())).collect();
    assert_eq!(known, [(second, "2"), (first, "1")]);
    assert!(tx.locks_with_package("bas").await.unwrap().is_empty());
}
