//! Variants as programs make, change and look at them.

use domain::{digest::Digest, person::Role};
use serde_json::{Value, json};

use super::{ask, secret};
use crate::{http::Answer, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_does_not_say_stays_as_it_is() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let base = world.candidate().await;
    let send = async |method: &str, path: &str, tag: &str, body: Value| -> Value {
        let ask = ask(&world, method, path, Some(&body)).bearer(&secret).header("if-match", tag);
        let answer: Answer = ask.send().await;
        assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
        answer.value()
    };
    let new = json!({
        "name": "probe", "description": "tries", "days": 60,
        "definition": { "base": base, "hostname": "one" },
    });
    let made = send("POST", "/variants", "", new).await;
    let path = "/variants/probe";
    let definition = json!({ "definition": { "base": base, "hostname": "two" } });
    let changed = send("PUT", path, "\"1\"", definition).await;
    assert_eq!(changed["expires_at"], made["expires_at"], "it lives as long as before");
    assert_eq!((&changed["description"], &changed["revision"]), (&json!("tries"), &json!(2)));
    assert_eq!(changed["definition"]["hostname"], "two");
    let said = send("PUT", path, "\"2\"", json!({ "description": "tries more" })).await;
    assert_eq!(said["definition"], changed["definition"]);
    assert_eq!(
        (&said["description"], &said["expires_at"]),
        (&json!("tries more"), &made["expires_at"])
    );
    let ends = send("PUT", path, "\"3\"", json!({ "days": 3, "description": "" })).await;
    assert!(ends["expires_at"].as_str().unwrap() < made["expires_at"].as_str().unwrap());
    assert_eq!((&ends["description"], &ends["definition"]), (&json!(""), &changed["definition"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_ahead_knows_what_files_take_and_what_nobody_knows() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let base = world.candidate().await;
    let upload =
        ask(&world, "POST", "/uploads?name=probe", None).bearer(&secret).body("x".repeat(70));
    assert_eq!(upload.send().await.status, 200);
    let definition = json!({
        "base": base,
        "files": [
            { "path": "/etc/motd", "content": "thirty bytes, which it must be" },
            { "path": "/usr/bin/probe", "upload": { "name": "probe", "sha256": Digest::of("x".repeat(70)) } },
        ],
        "script": { "content": "true" },
    });
    let look = async |body: Value| {
        ask(&world, "POST", "/variants/preview", Some(&body)).bearer(&secret).send().await
    };
    let seen = look(json!({ "definition": definition })).await.value();
    assert_eq!(
        seen["layer"],
        json!({ "packages": 0, "files": 100, "kernels": 0, "unknown": ["what the script writes"] })
    );
    assert_eq!(seen["without_effect"], json!([]));
    let said = look(json!({ "definition": definition, "variant": "none" })).await.problem(404);
    assert!(said.contains("variant none"), "{said}");
    let name = world.built_variant().await;
    let seen = look(json!({ "definition": definition, "variant": name })).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
}
