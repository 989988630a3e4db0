//! Sessions of browsers.

use std::time::Duration;

use domain::person::Role;

use crate::{on_both_engines, world::World};

on_both_engines! {
    a_session_lives_until_it_expires_or_is_deleted
    an_id_is_never_given_twice
    saving_does_not_bring_a_deleted_session_back
    all_sessions_of_a_person_end_together
}

async fn a_session_lives_until_it_expires_or_is_deleted(world: World) {
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let mut tx = world.begin().await;
    assert!(tx.create_session("a", "{}", None, later).await.unwrap());
    assert!(tx.create_session("b", "{}", None, now).await.unwrap());
    assert_eq!(tx.session("a", now).await.unwrap(), Some(("{}".to_owned(), later)));
    assert_eq!(tx.session("a", later).await.unwrap(), None);
    assert_eq!(tx.session("b", now).await.unwrap(), None);
    assert_eq!(tx.session("c", now).await.unwrap(), None);
    tx.delete_expired_sessions(now).await.unwrap();
    assert!(tx.session("a", now).await.unwrap().is_some());
    assert!(tx.create_session("b", "{}", None, later).await.unwrap());
    tx.delete_session("a").await.unwrap();
    assert_eq!(tx.session("a", now).await.unwrap(), None);
}

async fn an_id_is_never_given_twice(world: World) {
    let later = world.now().plus(Duration::from_secs(60));
    let mut tx = world.begin().await;
    assert!(tx.create_session("a", "first", None, later).await.unwrap());
    assert!(!tx.create_session("a", "second", None, later).await.unwrap());
    // The transaction goes on: the server takes another id.
    assert!(tx.create_session("b", "second", None, later).await.unwrap());
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.session("a", world.now()).await.unwrap().unwrap().0, "first");
}

async fn saving_does_not_bring_a_deleted_session_back(world: World) {
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let mut tx = world.begin().await;
    tx.create_session("a", "old", None, now).await.unwrap();
    tx.save_session("a", "new", None, later).await.unwrap();
    assert_eq!(tx.session("a", now).await.unwrap(), Some(("new".to_owned(), later)));
    tx.delete_session("a").await.unwrap();
    tx.save_session("a", "newer", None, later).await.unwrap();
    assert_eq!(tx.session("a", now).await.unwrap(), None);
}

async fn all_sessions_of_a_person_end_together(world: World) {
    let (ada, bob) =
        (world.person("ada", Role::Viewer).await, world.person("bob", Role::Viewer).await);
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let mut tx = world.begin().await;
    tx.create_session("a1", "", Some(&ada.id), later).await.unwrap();
    tx.create_session("a2", "", None, later).await.unwrap();
    tx.save_session("a2", "", Some(&ada.id), later).await.unwrap();
    tx.create_session("b", "", Some(&bob.id), later).await.unwrap();
    tx.delete_sessions_of(&ada.id).await.unwrap();
    for (id, lives) in [("a1", false), ("a2", false), ("b", true)] {
        assert_eq!(tx.session(id, now).await.unwrap().is_some(), lives, "{id}");
    }
}
