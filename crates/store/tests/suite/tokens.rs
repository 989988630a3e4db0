//! Bearer tokens, and what programs sent under keys.

use domain::{
    digest::Digest,
    person::Role,
    time::Timestamp,
    token::{Scope, Token},
};
use store::{StoreError, idempotency::KeyedAnswer};

use crate::{on_both_engines, world::World};

on_both_engines! {
    a_token_is_found_by_its_secret_with_its_person_as_that_is_now
    names_of_living_tokens_are_unique_to_their_person
    what_was_sent_under_a_key_is_known_for_a_while
}

async fn token_of(world: &World, person: &domain::person::Person, name: &str) -> Token {
    Token {
        id: world.id().into(),
        person: person.id.clone(),
        person_name: person.name.clone(),
        name: name.to_owned(),
        role: Role::Developer,
        scope: Scope::All,
        created_at: world.now(),
        expires_at: Timestamp(i64::MAX),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn a_token_is_found_by_its_secret_with_its_person_as_that_is_now(world: World) {
    let ada = world.person("ada", Role::Administrator).await;
    let scope = Scope::Results { plan: "smoke".to_owned(), machine: "qemu".to_owned() };
    let token = Token { scope, ..token_of(&world, &ada, "ci").await };
    let (secret, used) = (Digest::of("secret"), world.now());
    let mut tx = world.begin().await;
    tx.insert_token(&token, &secret).await.unwrap();
    tx.set_role(&ada.id, Role::Viewer).await.unwrap();
    tx.set_disabled(&ada.id, Some(used)).await.unwrap();
    tx.set_token_used(&token.id, used).await.unwrap();
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    let found = rows.token_by_secret(&secret).await.unwrap().unwrap();
    assert_eq!(found.token, Token { last_used_at: Some(used), ..token });
    assert_eq!((found.person_role, found.person_disabled_at), (Role::Viewer, Some(used)));
    assert!(rows.token_by_secret(&Digest::of("guess")).await.unwrap().is_none());
}

async fn names_of_living_tokens_are_unique_to_their_person(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let bob = world.person("bob", Role::Developer).await;
    let (first, second) = (token_of(&world, &ada, "ci").await, token_of(&world, &ada, "ci").await);
    let other = token_of(&world, &bob, "ci").await;
    let mut tx = world.begin().await;
    tx.insert_token(&first, &Digest::of("1")).await.unwrap();
    tx.insert_token(&other, &Digest::of("2")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    assert!(tx.insert_token(&second, &Digest::of("3")).await.unwrap_err().is_conflict());
    drop(tx);
    let mut tx = world.begin().await;
    tx.revoke_token(&first.id, world.now()).await.unwrap();
    tx.insert_token(&second, &Digest::of("3")).await.unwrap();
    let again = tx.revoke_token(&first.id, world.now()).await;
    assert!(matches!(again, Err(StoreError::Changed("token"))), "{again:?}");
    let own: Vec<_> = tx.tokens(Some(&ada.id)).await.unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(own, [second.id, first.id]);
    assert_eq!(tx.tokens(None).await.unwrap().len(), 3);
}

async fn what_was_sent_under_a_key_is_known_for_a_while(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let (long_ago, since, now) = (world.now(), world.now(), world.now());
    let request = Digest::of("a body");
    let mut tx = world.begin().await;
    tx.begin_keyed_request(&ada.id, "old", &request, since, long_ago).await.unwrap();
    tx.begin_keyed_request(&ada.id, "k", &request, now, since).await.unwrap();
    assert_eq!(tx.keyed_request(&ada.id, "old", long_ago).await.unwrap(), None, "forgotten");
    let begun = tx.keyed_request(&ada.id, "k", since).await.unwrap().unwrap();
    assert_eq!((begun.request, begun.at, begun.answer), (request, now, None));
    let answer = KeyedAnswer {
        status: 201,
        location: Some("/there".to_owned()),
        etag: None,
        body: "{}".to_owned(),
    };
    tx.end_keyed_request(&ada.id, "k", Some(&answer)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    let known = tx.keyed_request(&ada.id, "k", since).await.unwrap().unwrap();
    assert_eq!(known.answer, Some(answer));
    let again = tx.begin_keyed_request(&ada.id, "k", &request, now, since).await;
    assert!(again.unwrap_err().is_conflict());
    drop(tx);
    let mut tx = world.begin().await;
    tx.end_keyed_request(&ada.id, "k", None).await.unwrap();
    assert_eq!(tx.keyed_request(&ada.id, "k", since).await.unwrap(), None);
}
