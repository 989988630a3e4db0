//! Releases, from the build that is asked for to the released name.

use domain::{
    digest::Digest,
    ids::ReleaseId,
    lock::Part,
    release::{Release, Stage},
};
use store::StoreError;

use crate::{
    on_both_engines,
    world::{World, lock, manifest, package},
};

on_both_engines! {
    a_release_goes_from_build_to_released_name
    a_version_is_given_once
    a_released_name_is_given_once
    only_the_transitions_of_a_release_happen
    a_build_that_comes_to_known_bytes_is_identical
    what_machines_may_boot_is_listed_with_manifests
    releases_are_listed_newest_first
}

async fn a_release_goes_from_build_to_released_name(world: World) {
    let release = world.release("v1.2.0-rc.1").await;
    let target = release.version.target.clone();
    let content = manifest(&target, "a");
    let signature = Digest::of("signature");
    let (built, named) = (world.now(), world.now());

    let mut tx = world.begin().await;
    assert_eq!(tx.release(&release.id).await.unwrap().as_ref(), Some(&release));
    assert_eq!(tx.manifest_of(&release.id).await.unwrap(), None);
    assert_eq!(tx.signature_of(&release.id).await.unwrap(), None);
    let digest =
        tx.insert_lock(&lock(vec![package(Part::Rootfs, "bash", "1")]), world.now()).await.unwrap();
    tx.set_lock(&release.id, &digest).await.unwrap();
    tx.complete_release(&release.id, &content, &signature, built).await.unwrap();
    let candidate = tx.release_by_name("v1.2.0-rc.1").await.unwrap().unwrap();
    let expected = Release {
        stage: Stage::Candidate,
        manifest: Some(content.digest().unwrap()),
        lock: Some(digest),
        built_at: Some(built),
        ..release.clone()
    };
    assert_eq!(candidate, expected);
    assert_eq!(tx.release_by_name("v1.2.0").await.unwrap(), None);
    tx.name_released(&release.id, named).await.unwrap();
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    let released = Release { stage: Stage::Released, released_at: Some(named), ..expected };
    assert_eq!(rows.release_by_name("v1.2.0").await.unwrap().as_ref(), Some(&released));
    assert_eq!(rows.release_by_name("v1.2.0-rc.1").await.unwrap(), Some(released));
    for name in ["v1.2.0-rc.2", "v1.2", "", "v0.0.0-rc.0"] {
        assert_eq!(rows.release_by_name(name).await.unwrap(), None, "{name}");
    }
    assert_eq!(rows.manifest_of(&release.id).await.unwrap(), Some(content));
    assert_eq!(rows.signature_of(&release.id).await.unwrap(), Some(signature));
    assert_eq!(rows.signature_of(&ReleaseId::from("none")).await.unwrap(), None);
}

async fn a_version_is_given_once(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let again = Release { id: ReleaseId(world.id()), ..release };
    let mut tx = world.begin().await;
    assert!(tx.insert_release(&again).await.unwrap_err().is_conflict());
}

async fn a_released_name_is_given_once(world: World) {
    let first = world.candidate("v1.0.0-rc.1", "a").await;
    let second = world.candidate("v1.0.0-rc.2", "b").await;
    let mut tx = world.begin().await;
    tx.name_released(&first.id, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    assert!(tx.name_released(&second.id, world.now()).await.unwrap_err().is_conflict());
    drop(tx);
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.release(&second.id).await.unwrap().unwrap().stage, Stage::Candidate);
}

async fn only_the_transitions_of_a_release_happen(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let changed = |answer: Result<(), StoreError>| {
        assert!(matches!(answer, Err(StoreError::Changed("release"))), "{answer:?}");
    };
    let mut tx = world.begin().await;
    // Not from where it is.
    changed(tx.set_stage(&release.id, Stage::Candidate, Stage::Withdrawn).await);
    changed(tx.name_released(&release.id, world.now()).await);
    // Not a transition at all.
    changed(tx.set_stage(&release.id, Stage::Building, Stage::Released).await);
    changed(tx.set_lock(&ReleaseId::from("none"), &Digest::of("x")).await);
    tx.set_stage(&release.id, Stage::Building, Stage::Failed).await.unwrap();
    // Its build is over, whatever a late worker says.
    let content = manifest(&release.version.target, "a");
    changed(tx.complete_release(&release.id, &content, &Digest::of("s"), world.now()).await);
    changed(tx.set_identical(&release.id, &release.version).await);
    assert_eq!(tx.release(&release.id).await.unwrap().unwrap().stage, Stage::Failed);
    assert_eq!(tx.manifest_of(&release.id).await.unwrap(), None);
}

async fn a_build_that_comes_to_known_bytes_is_identical(world: World) {
    let first = world.candidate("v1.0.0-rc.1", "same").await;
    let second = world.release("v1.0.0-rc.2").await;
    let content = manifest(&second.version.target, "same");
    let digest = content.digest().unwrap();

    // The database itself does not let one identity be carried twice.
    let mut tx = world.begin().await;
    let twice =
        tx.complete_release(&second.id, &content, &Digest::of("s"), world.now()).await.unwrap_err();
    assert!(twice.is_conflict(), "{twice:?}");
    drop(tx);

    let mut tx = world.begin().await;
    let known = tx.release_with_manifest(&digest, &second.id).await.unwrap().unwrap();
    assert_eq!(known, first);
    assert_eq!(tx.release_with_manifest(&digest, &first.id).await.unwrap(), None);
    tx.set_identical(&second.id, &known.version).await.unwrap();
    let ended = tx.release(&second.id).await.unwrap().unwrap();
    assert_eq!((ended.stage, ended.identical_to), (Stage::Withdrawn, Some(first.version)));

    // What was withdrawn may be built again.
    tx.set_stage(&first.id, Stage::Candidate, Stage::Withdrawn).await.unwrap();
    assert_eq!(tx.release_with_manifest(&digest, &second.id).await.unwrap(), None);
    tx.commit().await.unwrap();
    world.candidate("v1.0.0-rc.3", "same").await;
}

async fn what_machines_may_boot_is_listed_with_manifests(world: World) {
    world.release("v1.0.0-rc.1").await;
    let candidate = world.candidate("v1.0.0-rc.2", "a").await;
    let withdrawn = world.candidate("v1.0.0-rc.3", "b").await;
    let released = world.candidate("v1.1.0-rc.1", "c").await;
    let mut tx = world.begin().await;
    tx.set_stage(&withdrawn.id, Stage::Candidate, Stage::Withdrawn).await.unwrap();
    tx.name_released(&released.id, world.now()).await.unwrap();
    tx.commit().await.unwrap();

    let bootable = world.store.read().await.unwrap().bootable_releases().await.unwrap();
    let names: Vec<String> = bootable.iter().map(|(release, _)| release.name()).collect();
    assert_eq!(names, ["v1.0.0-rc.2", "v1.1.0"]);
    assert_eq!(bootable[0].1, manifest(&candidate.version.target, "a"));
    for (release, manifest) in bootable {
        assert_eq!(release.manifest, Some(manifest.digest().unwrap()));
    }
}

async fn releases_are_listed_newest_first(world: World) {
    let first = world.release("v1.0.0-rc.1").await;
    let second = world.release("v0.9.0-rc.1").await;
    let releases = world.store.read().await.unwrap().releases().await.unwrap();
    assert_eq!(releases, [second, first]);
}
