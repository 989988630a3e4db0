//! Release notes: two writers, and the digest with which they are frozen.

use domain::{deployment::Verdict, digest::Digest, environment::PRODUCTION, person::Role};
use serde_json::json;

use super::{ask, secret};
use crate::world::{World, name};

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_written_until_the_promotion_freezes_them() {
    let world = World::furnished().await;
    let (dave, anna) = (world.actor(Role::Developer).await, world.actor(Role::Approver).await);
    let secret = secret(&world, Role::Developer).await;
    let asked = world.requested_for(PRODUCTION, Role::Developer).await;
    let path = format!("/releases/{}/notes", asked.release_name);
    let save = |tag: &str, notes: &str| {
        let body = json!({ "notes": notes, "known_issues": "<b>none</b>" });
        ask(&world, "PUT", &path, Some(&body)).bearer(&secret).header("if-match", tag)
    };
    let first = save("\"0\"", "new: \"a\"\r\nand b").send().await;
    assert_eq!((first.status, first.header("etag")), (200, "\"1\""), "{}", first.body);
    let said = save("\"0\"", "late").send().await.problem(412);
    assert!(said.starts_with("dave saved the notes of"), "{said}");
    let long = save("\"1\"", &"x".repeat(64 * 1024 + 1)).send().await;
    assert!(long.problem(422).contains("longer than 64 KiB"));
    assert_eq!(long.value()["field"], "notes");

    // In the browser, what was typed stays in the form.
    let page = format!("/releases/{}/notes", asked.release_name);
    let cookie = world.sign_in(name(Role::Developer)).await;
    let form = [("base", "0"), ("notes", "typed & not lost"), ("known_issues", "")];
    let conflict = world.post(&page, &form).cookie(&cookie).send().await;
    assert_eq!(conflict.status, 409, "{}", conflict.body);
    assert!(
        conflict.body.contains("typed &amp; not lost")
            && conflict.body.contains("dave saved the notes")
    );
    assert!(
        conflict.body.contains("&lt;b>none&lt;/b&gt;")
            || conflict.body.contains("&lt;b&gt;none&lt;/b&gt;")
    );

    world.services.judge_deployment(&anna, &asked.id, Verdict::Approved, None, "").await.unwrap();
    world.services.deploy(&dave, &asked.id).await.unwrap();
    let frozen = ask(&world, "GET", &path, None).bearer(&secret).send().await.value();
    assert_eq!(frozen["notes"], "new: \"a\"\nand b");
    let file = format!("/releases/{}/files/release-notes.json", asked.release_name);
    let file = ask(&world, "GET", &file, None).bearer(&secret).send().await;
    assert_eq!(frozen["digest"], Digest::of(&file.body).to_string(), "{}", file.body);
    let release = world.services.release(&dave, &asked.release_name).await.unwrap();
    assert_eq!(file.value()["manifest"], release.manifest.unwrap().to_string());
    let said = save("\"1\"", "later").send().await.problem(403);
    assert!(said.starts_with("The notes were frozen"), "{said}");
    let page = world.get(&page).cookie(&cookie).send().await.body;
    assert!(page.contains(&frozen["digest"].as_str().unwrap()[..12]), "{page}");
    assert!(!page.contains("<textarea"), "nothing is left to write");
}
