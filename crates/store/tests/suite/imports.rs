//! Imports and their packages.

use domain::{
    digest::Digest,
    ids::RecipeId,
    import::{ConsoleLogin, Import},
    lock::Part,
    menu::reader::Unread,
    packages::HeldPackage,
    person::Role,
    release::Release,
};

use crate::{on_both_engines, world::World};

on_both_engines! {
    an_import_is_known_by_its_release
    a_proposal_is_seen_once_it_has_a_revision
    packages_that_nobody_locked_are_kept
}

async fn imported(world: &World, version: &str) -> (Release, Import) {
    let release = world.release(version).await;
    let import = Import {
        release: release.id.clone(),
        imported_at: world.now(),
        login: ConsoleLogin { user: "root".to_owned(), password: "debian".to_owned() },
        hostname: None,
        unread: vec![Unread {
            label: "core-6.4".to_owned(),
            text: "Core 6.4".to_owned(),
            line: 90,
            reason: "it loads \"core.gz\"".to_owned(),
        }],
    };
    let mut tx = world.begin().await;
    tx.insert_import(&import).await.unwrap();
    tx.commit().await.unwrap();
    (release, import)
}

async fn an_import_is_known_by_its_release(world: World) {
    let (release, import) = imported(&world, "v1.0.0-rc.1").await;
    let built = world.release("v1.1.0-rc.1").await;
    let mut tx = world.begin().await;
    assert_eq!(tx.import_of(&release.id).await.unwrap().as_ref(), Some(&import));
    assert_eq!(tx.import_of(&built.id).await.unwrap(), None);
    let found = tx.release(&release.id).await.unwrap().unwrap();
    assert_eq!(found.imported_at, Some(import.imported_at));
    assert!(!tx.release(&built.id).await.unwrap().unwrap().is_imported());

    tx.complete_import(&release.id, Some("rootfs-v1.0.0"), &[]).await.unwrap();
    let known = tx.import_of(&release.id).await.unwrap().unwrap();
    assert_eq!(known.hostname.as_deref(), Some("rootfs-v1.0.0"));
    assert!(tx.complete_import(&built.id, None, &[]).await.is_err());
    assert!(tx.insert_import(&import).await.unwrap_err().is_conflict());
}

async fn a_proposal_is_seen_once_it_has_a_revision(world: World) {
    let author = world.person("ada", Role::Developer).await;
    let id = RecipeId(world.id());
    let mut tx = world.begin().await;
    tx.reserve_recipe(&id, "imported-v1.0.0-rc.1").await.unwrap();
    assert!(tx.recipes().await.unwrap().is_empty());
    assert_eq!(tx.revision("imported-v1.0.0-rc.1", None).await.unwrap(), None);
    let first = world.revision(&id, 1, &author);
    tx.insert_revision(&first, &author.id).await.unwrap();
    assert_eq!(tx.revision("imported-v1.0.0-rc.1", None).await.unwrap(), Some(first));
    assert_eq!(tx.recipes().await.unwrap().len(), 1);
    let taken = tx.reserve_recipe(&RecipeId(world.id()), "imported-v1.0.0-rc.1").await;
    assert!(taken.unwrap_err().is_conflict());
}

async fn packages_that_nobody_locked_are_kept(world: World) {
    let (release, _) = imported(&world, "v1.0.0-rc.1").await;
    let inside = |name: &str, architecture: &str| {
        HeldPackage::imported(name.to_owned(), "2.24-11".to_owned(), architecture.to_owned())
    };
    let busybox = HeldPackage {
        part: Part::Initrd,
        size: Some(3_000_000_000),
        sha256: Some(Digest::of("busybox")),
        origin: "bookworm/main".to_owned(),
        path: Some("pool/main/b/busybox.deb".to_owned()),
        ..inside("busybox-static", "amd64")
    };
    let packages = [
        busybox.clone(),
        inside("libc6", "i386"),
        inside("libc6", "amd64"),
        inside("bash", "amd64"),
    ];
    let mut tx = world.begin().await;
    tx.complete_import(&release.id, None, &packages).await.unwrap();
    tx.complete_import(&release.id, None, &packages).await.unwrap();
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    let kept = rows.imported_packages(&release.id).await.unwrap();
    assert_eq!(
        kept,
        [inside("bash", "amd64"), inside("libc6", "amd64"), inside("libc6", "i386"), busybox]
    );
}
