//! Lists come in pages, and what is added meanwhile shifts nothing.

use domain::{environment::DEVELOPMENT, person::Role};
use serde_json::Value;

use super::{ask, secret};
use crate::world::World;

/// All items of a list, two at a time; something is added after each page.
async fn all(world: &World, secret: &str, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = ask(world, "GET", &format!("{path}{join}limit=2{cursor}"), None);
        let page = page.bearer(secret).send().await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let page = page.value();
        items.extend(page["items"].as_array().unwrap().clone());
        assert!(page["items"].as_array().unwrap().len() <= 2);
        world.queued().await;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", app::routes::href::encode(next)),
            None => return items,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_walked_without_a_gap_or_a_double() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Administrator).await;
    for _ in 0..3 {
        world.run().await;
        world.served_before(DEVELOPMENT).await;
        world.kernel().await;
        world.machine().await;
    }
    for _ in 0..2 {
        world.boot().await;
    }
    world.rebuilt_kernel("often", 5).await;
    let ids = [
        ("/releases", "candidate"),
        ("/jobs", "id"),
        ("/validations", "id"),
        ("/runs", "id"),
        ("/deployments", "id"),
        ("/approvals", "deployment"),
        ("/audit", "sequence"),
        ("/people", "name"),
        ("/recipes/starter/revisions", "number"),
        ("/environments", "name"),
        ("/recipes", "name"),
        ("/kernels", "name"),
        ("/kernels/often/builds", "number"),
        ("/tokens", "id"),
        ("/machines", "name"),
        ("/boots", "number"),
    ];
    for (path, id) in ids {
        let whole = ask(&world, "GET", &format!("{path}?limit=100"), None);
        let whole = whole.bearer(&secret).send().await.value();
        let id_of = |item: &Value| item[id].to_string();
        let whole: Vec<String> = whole["items"].as_array().unwrap().iter().map(id_of).collect();
        let paged: Vec<String> = all(&world, &secret, path).await.iter().map(id_of).collect();
        assert_eq!(paged, whole, "{path}");
        assert!(!paged.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_what_does_not_match() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Administrator).await;
    let candidate = world.candidate().await;
    world.queued().await;
    let asked = world.requested(Role::Developer).await;
    let lists = [
        ("/releases?stage=candidate".to_owned(), "stage", "candidate"),
        (format!("/releases?search={candidate}"), "candidate", &*candidate),
        ("/releases?recipe=starter".to_owned(), "recipe", "starter"),
        ("/jobs?state=queued&kind=build".to_owned(), "kind", "build"),
        (format!("/jobs?release={candidate}"), "release", &*candidate),
        ("/deployments?state=requested".to_owned(), "state", "requested"),
        (format!("/deployments?release={}", asked.release_name), "release", &*asked.release_name),
        ("/audit?action=release.build".to_owned(), "action", "release.build"),
        ("/audit?actor=dave&subject_kind=release".to_owned(), "actor", "dave"),
    ];
    for (path, field, value) in lists {
        let items = ask(&world, "GET", &path, None).bearer(&secret).send().await.value();
        let items = items["items"].as_array().unwrap().clone();
        assert!(!items.is_empty(), "{path}");
        for item in items {
            assert_eq!(item[field], value, "{path}");
        }
    }
    for path in ["/releases?recipe=other", "/releases?search=%25", "/audit?actor=nobody"] {
        let items = ask(&world, "GET", path, None).bearer(&secret).send().await.value();
        assert_eq!(items["items"], serde_json::json!([]), "{path}");
    }
}
