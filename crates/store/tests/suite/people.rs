//! People, their one-time links, and the sign-ins that failed.

use std::time::Duration;

use domain::{
    digest::Digest,
    ids::PersonId,
    person::{Person, Role},
};
use store::{StoreError, links::LinkPurpose};

use crate::{on_both_engines, world::World};

on_both_engines! {
    names_are_unique_whatever_their_case
    changes_of_credentials_end_sessions
    a_change_of_nobody_is_refused
    a_text_that_the_database_cannot_hold_is_told_apart
    links_work_once_and_in_time
    a_new_link_spends_the_one_before
    failed_sign_ins_are_counted_within_a_window
}

async fn names_are_unique_whatever_their_case(world: World) {
    let ada = world.person("Ada", Role::Administrator).await;
    let again = Person { id: PersonId(world.id()), name: "aDA".to_owned(), ..ada.clone() };
    let mut tx = world.begin().await;
    assert!(tx.insert_person(&again, None).await.unwrap_err().is_conflict());
    drop(tx);

    world.person("bob", Role::Viewer).await;
    let mut rows = world.store.read().await.unwrap();
    let found = rows.credentials_of("ADA").await.unwrap().unwrap();
    assert_eq!(found.person, ada);
    assert_eq!(found.password_hash.as_deref(), Some("$argon2id$"));
    assert!(rows.credentials_of("eve").await.unwrap().is_none());
    let names: Vec<String> =
        rows.people().await.unwrap().into_iter().map(|person| person.name).collect();
    assert_eq!(names, ["Ada", "bob"]);
    assert_eq!(rows.count_people().await.unwrap(), 2);
}

async fn changes_of_credentials_end_sessions(world: World) {
    let ada = world.person("ada", Role::Viewer).await;
    let since = world.now();
    let mut tx = world.begin().await;
    let first = tx.credentials_by_id(&ada.id).await.unwrap().unwrap();
    tx.set_role(&ada.id, Role::Approver).await.unwrap();
    let second = tx.credentials_by_id(&ada.id).await.unwrap().unwrap();
    tx.set_password(&ada.id, "$new$").await.unwrap();
    let third = tx.credentials_by_id(&ada.id).await.unwrap().unwrap();
    tx.set_disabled(&ada.id, Some(since)).await.unwrap();
    let fourth = tx.credentials_by_id(&ada.id).await.unwrap().unwrap();
    tx.set_disabled(&ada.id, None).await.unwrap();
    let fifth = tx.credentials_by_id(&ada.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();

    let versions =
        [&first, &second, &third, &fourth, &fifth].map(|known| known.credentials_version);
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    assert_eq!(second.person.role, Role::Approver);
    assert_eq!(third.password_hash.as_deref(), Some("$new$"));
    assert_eq!(fourth.person.disabled_at, Some(since));
    assert_eq!(fifth.person.disabled_at, None);
}

async fn a_change_of_nobody_is_refused(world: World) {
    let nobody = PersonId("nobody".to_owned());
    let mut tx = world.begin().await;
    let answers = [
        tx.set_role(&nobody, Role::Viewer).await,
        tx.set_password(&nobody, "x").await,
        tx.set_disabled(&nobody, None).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Changed("person"))), "{answer:?}");
    }
    assert!(tx.credentials_by_id(&nobody).await.unwrap().is_none());
}

async fn a_text_that_the_database_cannot_hold_is_told_apart(world: World) {
    let mut rows = world.store.read().await.unwrap();
    match rows.credentials_of("a\0b").await {
        Ok(found) => assert!(found.is_none()),
        Err(refused) => assert!(refused.is_unstorable_text(), "{refused:?}"),
    }
    drop(rows);
    let ada = world.person("ada", Role::Viewer).await;
    let odd = Person { id: PersonId(world.id()), name: "a\0b".to_owned(), ..ada };
    let mut tx = world.begin().await;
    match tx.insert_person(&odd, None).await {
        Ok(()) => assert_eq!(tx.credentials_by_id(&odd.id).await.unwrap().unwrap().person, odd),
        Err(refused) => assert!(refused.is_unstorable_text(), "{refused:?}"),
    }
}

async fn links_work_once_and_in_time(world: World) {
    let ada = world.person("ada", Role::Viewer).await;
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let (token, stale) = (Digest::of("token"), Digest::of("stale"));
    let mut tx = world.begin().await;
    tx.insert_link(&token, LinkPurpose::SetPassword, Some(&ada.id), now, later).await.unwrap();
    tx.insert_link(&stale, LinkPurpose::FirstAdministrator, None, now, later).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = world.begin().await;
    assert!(tx.link_is_alive(&token, LinkPurpose::SetPassword, now).await.unwrap());
    assert!(!tx.link_is_alive(&token, LinkPurpose::SetPassword, later).await.unwrap());
    assert!(!tx.link_is_alive(&token, LinkPurpose::FirstAdministrator, now).await.unwrap());
    let other = LinkPurpose::FirstAdministrator;
    assert_eq!(tx.spend_link(&token, other, now).await.unwrap(), None);
    assert_eq!(tx.spend_link(&stale, other, later).await.unwrap(), None);
    let purpose = LinkPurpose::SetPassword;
    assert_eq!(tx.spend_link(&token, purpose, now).await.unwrap(), Some(Some(ada.id)));
    assert_eq!(tx.spend_link(&token, purpose, now).await.unwrap(), None);
    assert!(!tx.link_is_alive(&token, purpose, now).await.unwrap());
    assert_eq!(tx.spend_link(&stale, other, now).await.unwrap(), Some(None));
}

async fn a_new_link_spends_the_one_before(world: World) {
    let (ada, bob) =
        (world.person("ada", Role::Viewer).await, world.person("bob", Role::Viewer).await);
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let purpose = LinkPurpose::SetPassword;
    let [one, two, three] = ["1", "2", "3"].map(Digest::of);
    let mut tx = world.begin().await;
    tx.insert_link(&one, purpose, Some(&ada.id), now, later).await.unwrap();
    tx.insert_link(&two, purpose, Some(&bob.id), now, later).await.unwrap();
    tx.insert_link(&three, purpose, Some(&ada.id), now, later).await.unwrap();
    assert!(!tx.link_is_alive(&one, purpose, now).await.unwrap());
    assert!(tx.link_is_alive(&two, purpose, now).await.unwrap());
    assert!(tx.link_is_alive(&three, purpose, now).await.unwrap());
}

async fn failed_sign_ins_are_counted_within_a_window(world: World) {
    let start = world.now();
    let at = |seconds| start.plus(Duration::from_secs(seconds));
    let mut tx = world.begin().await;
    for (name, address, seconds) in
        [("Ada", "10.0.0.1", 0), ("ada", "10.0.0.2", 10), ("bob", "10.0.0.1", 20), ("eve", "", 20)]
    {
        tx.insert_failed_sign_in(&world.id(), name, address, at(seconds)).await.unwrap();
    }
    // By name in any case, or by address; where no address is known, it says nothing.
    assert_eq!(tx.count_failed_sign_ins("ADA", "", at(0)).await.unwrap(), 2);
    assert_eq!(tx.count_failed_sign_ins("ada", "", at(1)).await.unwrap(), 1);
    assert_eq!(tx.count_failed_sign_ins("zoe", "10.0.0.1", at(0)).await.unwrap(), 2);
    assert_eq!(tx.count_failed_sign_ins("zoe", "", at(0)).await.unwrap(), 0);
    tx.delete_failed_sign_ins("ADA").await.unwrap();
    assert_eq!(tx.count_failed_sign_ins("ada", "10.0.0.1", at(0)).await.unwrap(), 1);
    // A day later, all of it is forgotten.
    tx.insert_failed_sign_in(&world.id(), "zoe", "", at(24 * 3600 + 21)).await.unwrap();
    assert_eq!(tx.count_failed_sign_ins("bob", "", at(0)).await.unwrap(), 0);
    assert_eq!(tx.count_failed_sign_ins("zoe", "", at(0)).await.unwrap(), 1);
}
