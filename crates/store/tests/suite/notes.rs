//! Release notes: one save after another, and none once they are frozen.

use domain::{
    digest::Digest,
    notes::{Frozen, ReleaseNotes},
};
use store::StoreError;

use crate::{on_both_engines, world::World};

on_both_engines! {
    notes_are_saved_one_after_another_until_they_are_frozen
    notes_that_nobody_wrote_are_frozen_as_well
}

async fn notes_are_saved_one_after_another_until_they_are_frozen(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await.id;
    let notes = |revision: u32, text: &str| ReleaseNotes {
        notes: text.to_owned(),
        known_issues: "none".to_owned(),
        revision,
        saved_at: Some(domain::time::Timestamp(i64::from(revision))),
        saved_by: Some("ada".to_owned()),
        frozen: None,
    };
    let mut tx = world.begin().await;
    assert_eq!(tx.notes(&release).await.unwrap(), ReleaseNotes::default());
    tx.save_notes(&release, &notes(1, "first")).await.unwrap();
    tx.save_notes(&release, &notes(2, "second")).await.unwrap();
    for stale in [2, 1, 4] {
        let saved = tx.save_notes(&release, &notes(stale, "stale")).await;
        assert!(matches!(saved, Err(StoreError::Changed("notes"))), "{stale}");
    }
    let (at, digest) = (world.now(), Digest::of("record"));
    tx.freeze_notes(&release, &digest, at).await.unwrap();
    assert!(tx.save_notes(&release, &notes(3, "late")).await.is_err());
    assert!(tx.freeze_notes(&release, &digest, at).await.is_err());
    tx.commit().await.unwrap();
    let found = world.store.read().await.unwrap().notes(&release).await.unwrap();
    assert_eq!(found, ReleaseNotes { frozen: Some(Frozen { at, digest }), ..notes(2, "second") });
}

async fn notes_that_nobody_wrote_are_frozen_as_well(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await.id;
    let (at, digest) = (world.now(), Digest::of("record"));
    let mut tx = world.begin().await;
    tx.freeze_notes(&release, &digest, at).await.unwrap();
    let found = tx.notes(&release).await.unwrap();
    assert!(found.is_empty() && found.frozen == Some(Frozen { at, digest }), "{found:?}");
}
