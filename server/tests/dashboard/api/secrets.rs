//! What nobody else may know stands nowhere but where it belongs.

use std::{fs, path::Path};

use domain::{person::Role, token::Scope};
use serde_json::json;

use super::{ask, secret, token};
use crate::world::{PASSWORD, World};

/// Whether a file below `folder` holds one of the texts.
fn found_in(folder: &Path, texts: &[&str]) -> Option<String> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(found) = found_in(&path, texts) {
                return Some(found);
            }
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                return Some(format!("{} holds {text}", path.display()));
            }
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_passwords_are_kept_nowhere() {
    let world = World::furnished().await;
    let by = secret(&world, Role::Administrator).await;
    let planted = token(&world, Role::Developer, Scope::All).await.secret;
    let create = ask(&world, "POST", "/tokens", Some(&json!({ "name": "planted" }))).bearer(&by);
    let made = create.header("idempotency-key", "planted").send().await.value();
    let made = made["secret"].as_str().unwrap().to_owned();
    let add = json!({ "name": "guest", "role": "viewer" });
    let link = ask(&world, "POST", "/people", Some(&add)).bearer(&by);
    let link = link.header("idempotency-key", "guest").send().await.value();
    let link = link["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    // Where they are sent wrongly, they come back in no answer.
    let secrets = [&*by, &planted, &made, &link, PASSWORD];
    for secret in secrets {
        let wrong = [
            ask(&world, "GET", "/releases", None)
                .header("authorization", &format!("Basic {secret}")),
            ask(&world, "GET", "/releases", None).bearer(&format!("{secret}x")),
            ask(&world, "GET", "/nothing", None).bearer(&by).header("x-other", secret),
        ];
        for ask in wrong {
            let answer = ask.send().await;
            assert!(answer.status >= 400 && !answer.body.contains(secret), "{}", answer.body);
        }
    }
    world.try_to_sign_in("adam", "a wrong password 123").await;
    let cookie = world.sign_in("adam").await;
    for page in ["/account", "/people", "/audit", "/jobs", "/"] {
        let body = world.get(page).cookie(&cookie).send().await.body;
        assert!(secrets.iter().all(|secret| !body.contains(secret)), "{page}");
    }
    for path in ["/audit?limit=100", "/tokens?all=true", "/people"] {
        let body = ask(&world, "GET", path, None).bearer(&by).send().await.body;
        assert!(secrets.iter().all(|secret| !body.contains(secret)), "{path}: {body}");
    }
    let texts = [&secrets[..], &["a wrong password 123"]].concat();
    assert_eq!(found_in(world.folder(), &texts), None);
}
