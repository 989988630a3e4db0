//! Boots of machines as programs read them.

use domain::person::Role;

use super::{ask, secret};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_is_listed_and_shown_with_what_was_seen_of_it() {
    let world = World::furnished().await;
    let vera = secret(&world, Role::Viewer).await;
    let get = async |path: String| {
        let answer = ask(&world, "GET", &path, None).bearer(&vera).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.value()
    };
    let number = world.boot().await;
    let boot = get(format!("/boots/{number}")).await;
    let (machine, state) = (boot["machine"].as_str().unwrap(), boot["state"].as_str().unwrap());
    assert_eq!((state, &boot["class"]), ("failed", &"lab".into()));
    assert_eq!(boot["reason"], "no network card got an address");
    assert_eq!(boot["stages"][0]["stage"], "script");
    assert_eq!(boot["transfers"][0]["path"], "/ipxe");
    assert_eq!(boot["reports"][0]["stage"], "failed");
    for (query, found) in [
        (format!("machine={machine}"), 1),
        ("state=failed".to_owned(), 1),
        ("state=up".to_owned(), 0),
        ("release=v9.9.9".to_owned(), 0),
    ] {
        let listed = get(format!("/boots?{query}")).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), found, "{query}: {listed}");
    }
    assert_eq!(get("/boots/times".to_owned()).await["items"].as_array().unwrap().len(), 0);
    for (path, status) in [
        ("/boots/999999", 404),
        ("/boots/x", 404),
        ("/boots?machine=none", 404),
        ("/boots?state=half", 400),
        ("/boots/times?machine=none", 404),
    ] {
        ask(&world, "GET", path, None).bearer(&vera).send().await.problem(status);
    }
}
