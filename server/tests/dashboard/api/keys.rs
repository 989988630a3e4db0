//! `Idempotency-Key`: what is sent twice is done once.

use domain::person::Role;
use serde_json::json;

use super::{ask, secret};
use crate::world::{RECIPE, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_under_a_key_is_done_once() {
    let world = World::furnished().await;
    let (dave, anna) =
        (secret(&world, Role::Developer).await, secret(&world, Role::Approver).await);
    let build = |secret: &str, revision: u32, key: &str| {
        let body = json!({ "recipe": RECIPE, "revision": revision });
        ask(&world, "POST", "/releases", Some(&body)).bearer(secret).header("idempotency-key", key)
    };
    let first = build(&dave, 2, "k 1").send().await;
    assert_eq!(first.status, 202, "{}", first.body);
    let rows = world.audit_rows().await;
    let again = build(&dave, 2, "k 1").send().await;
    assert_eq!((again.status, &again.body), (202, &first.body));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let said = build(&dave, 1, "k 1").send().await.problem(409);
    assert!(said.starts_with("Another request was sent with this Idempotency-Key"), "{said}");
    assert_eq!(world.audit_rows().await, rows, "nothing was done twice");

    // Keys are each person's own.
    let hers = build(&anna, 2, "k 1").send().await;
    assert_eq!(hers.status, 202);
    assert_ne!(hers.body, first.body);
    // What was refused was not done, and may be sent again.
    for _ in 0..2 {
        build(&dave, 99, "k 2").send().await.problem(404);
    }
    assert_eq!(build(&dave, 2, "k 2").send().await.status, 202);
    build(&dave, 2, "").send().await.problem(400);
    build(&dave, 2, &"k".repeat(201)).send().await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_many_times_at_once_is_done_once() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let before = world.audit_rows().await;
    let body = json!({ "recipe": RECIPE });
    let build = ask(&world, "POST", "/releases", Some(&body)).bearer(&secret);
    let build = build.header("idempotency-key", "storm");
    let sent = (0..16).map(|_| {
        let build = build.clone();
        tokio::spawn(async move { build.send().await })
    });
    let mut done = Vec::new();
    for answer in sent.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == 409 {
            let said = answer.problem(409);
            assert!(said.contains("is worked on"), "{said}");
        } else {
            assert_eq!(answer.status, 202, "{}", answer.body);
            done.push(answer.body);
        }
    }
    done.dedup();
    assert_eq!(done.len(), 1, "one release");
    assert_eq!(world.audit_rows().await, before + 1);
}

/// A secret is shown once: not even the same request gets it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_kept_for_a_second_answer() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Administrator).await;
    let asks = [
        ("/tokens", json!({ "name": "ci" }), "secret"),
        ("/people", json!({ "name": "new", "role": "viewer" }), "path"),
    ];
    for (path, body, field) in asks {
        let create = ask(&world, "POST", path, Some(&body)).bearer(&secret);
        let create = create.header("idempotency-key", path);
        let (first, again) = (create.send().await, create.send().await);
        assert_eq!((first.status, again.status), (201, 201), "{}{}", first.body, again.body);
        assert!(first.value()[field].as_str().is_some_and(|it| it.len() > 40), "{}", first.body);
        assert!(again.value()[field].is_null(), "{}", again.body);
        assert_eq!(again.value()["name"], first.value()["name"]);
    }
}
