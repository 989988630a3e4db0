//! What programs may send by mistake or on purpose: each gets one clear sentence, and nothing is
//! lost.

use domain::{environment::PRODUCTION, person::Role, recipe};
use serde_json::json;

use super::{ask, secret};
use crate::world::{RECIPE, World};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused_in_one_sentence() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let before = world.audit_rows().await;
    let post = |kind: &str, body: Vec<u8>| {
        let ask = ask(&world, "POST", "/deployments", None).bearer(&secret);
        ask.header("content-type", kind).body(body)
    };
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    let json = "application/json";
    let wrong = [
        (post("text/plain", b"{}".to_vec()), 415, "Send JSON"),
        (post("", b"{}".to_vec()), 415, "Send JSON"),
        (post(json, b"".to_vec()), 400, "The body cannot be read: EOF"),
        (post(json, b"{".to_vec()), 400, "The body cannot be read: EOF"),
        (post(json, b"\xff\xfe".to_vec()), 400, "The body cannot be read"),
        (post(json, deep), 422, "The body cannot be read: invalid type: sequence"),
        (
            post(json, [br#"{"environment":"#.to_vec(), vec![b'['; 10_000]].concat()),
            422,
            "The body cannot be read: invalid type: sequence",
        ),
        (
            post(json, [br#"{"nothing":"#.to_vec(), vec![b'['; 10_000]].concat()),
            422,
            "The body cannot be read: unknown field `nothing`",
        ),
        (post(json, b"[1]".to_vec()), 422, "The body cannot be read: invalid type"),
        (
            post(json, br#"{"environment":1}"#.to_vec()),
            422,
            "The body cannot be read: invalid type: integer",
        ),
        (
            post(json, br#"{"environment":"development"}"#.to_vec()),
            422,
            "The body cannot be read: missing field",
        ),
        (post(json, vec![b' '; 1024 * 1024 + 1]), 413, "The body is larger than 1 MiB"),
        // A gigabyte is promised: it is refused before it is sent.
        (
            post(json, Vec::new()).header("content-length", "1073741824"),
            413,
            "The body is larger than 1 MiB",
        ),
    ];
    for (ask, status, words) in wrong {
        let said = ask.send().await.problem(status);
        assert!(said.starts_with(words), "{said}");
    }
    assert_eq!(world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_parameters_that_mean_nothing_are_refused() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Administrator).await;
    let wrong = [
        ("GET", "", 404, "There is nothing at this address"),
        ("GET", "/nothing", 404, "There is nothing at this address"),
        ("GET", "/releases/v9.9.9", 404, "There is no release called v9.9.9"),
        ("GET", "/jobs/..%2F..%2Fetc%2Fpasswd", 404, "There is no job"),
        ("GET", "/jobs/..%2F..%2Fetc%2Fpasswd/log", 404, "There is no job"),
        ("GET", "/recipes/%FF", 400, "The address cannot be read"),
        ("GET", "/recipes/starter/revisions/x", 400, "The address cannot be read"),
        ("GET", "/recipes/starter/revisions/99", 404, "There is no recipe called starter with"),
        ("GET", "/releases?stage=halfway", 400, "The query cannot be read: stage: unknown variant"),
        ("GET", "/releases?stag=released", 400, "The query cannot be read: stag: unknown field"),
        ("GET", "/releases?limit=0", 422, "A page has 1 to 100 items"),
        ("GET", "/releases?limit=101", 422, "A page has 1 to 100 items"),
        ("GET", "/releases?limit=-1", 400, "The query cannot be read: limit: invalid digit"),
        ("GET", "/releases?cursor=eyJh", 422, "This cursor was not given by this list"),
        ("GET", "/audit?cursor=1", 422, "This cursor was not given by this list"),
        ("GET", "/people?cursor=1~%00", 422, "This cursor was not given by this list"),
        ("DELETE", "/releases", 405, "This address does not take that method"),
        ("POST", "/audit", 405, "This address does not take that method"),
        ("GET", "/recipe-checks", 405, "This address does not take that method"),
    ];
    for (method, path, status, words) in wrong {
        let said = ask(&world, method, path, None).bearer(&secret).send().await.problem(status);
        assert!(said.starts_with(words), "{method} {path}: {said}");
    }
    let stranger = ask(&world, "GET", "/releases", None).header("host", "evil.example");
    stranger.bearer(&secret).send().await.problem(421);
}

/// Who saves second learns of it, and the first save stays.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_at_once_one_is_told() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let path = format!("/recipes/{RECIPE}");
    let seen = ask(&world, "GET", &path, None).bearer(&secret).send().await;
    let tag = seen.header("etag").to_owned();
    assert_eq!(tag, "\"2\"");
    let save = |who: &str| {
        let text = format!("{}\n# by {who}\n", recipe::starter());
        let body = json!({ "text": text, "message": format!("by {who}") });
        ask(&world, "PUT", &path, Some(&body)).bearer(&secret)
    };
    save("nobody").send().await.problem(428);
    save("nobody").header("if-match", "\"x\"").send().await.problem(412);
    let (one, two) = (save("one").header("if-match", &tag), save("two").header("if-match", &tag));
    let (one, two) = tokio::join!(one.send(), two.send());
    let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
    assert_eq!((won.status, won.header("etag")), (200, "\"3\""), "{}", won.body);
    let said = lost.problem(412);
    assert!(said.contains("saved revision 3 of starter"), "{said}");
    let newest = ask(&world, "GET", &path, None).bearer(&secret).send().await;
    assert_eq!(newest.value(), won.value(), "the first save stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_a_policy_one_is_told() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Administrator).await;
    let path = format!("/environments/{PRODUCTION}");
    let seen = ask(&world, "GET", &path, None).bearer(&secret).send().await;
    let change = |approvals: u32| {
        let body = json!({ "plans": [], "approvals": approvals, "self_approval": false });
        let ask = ask(&world, "PUT", &format!("{path}/policy"), Some(&body)).bearer(&secret);
        ask.header("if-match", seen.header("etag"))
    };
    let won = change(2).send().await;
    assert_eq!(won.status, 200, "{}", won.body);
    assert_eq!(won.value()["policy"]["approvals"], 2);
    let said = change(3).send().await.problem(412);
    assert!(said.starts_with("Somebody changed the policy of production"), "{said}");
    let now = ask(&world, "GET", &path, None).bearer(&secret).send().await;
    assert_eq!(now.header("etag"), won.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_faults_is_answered_with_all_of_them() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    let text = "schema = 1\nsuite = 7\nnothing = true\n";
    let body = json!({ "name": "faulty", "text": text, "message": "why" });
    let answer = ask(&world, "POST", "/recipes", Some(&body)).bearer(&secret).send().await;
    let said = answer.problem(422);
    assert!(said.contains("faults, so nothing was saved: line "), "{said}");
    let problems = answer.value()["problems"].as_array().unwrap().clone();
    assert!(problems.len() > 1 && problems.iter().any(|it| it["line"] == 2), "{problems:?}");
    let checked = ask(&world, "POST", "/recipe-checks", Some(&json!({ "text": text })));
    let checked = checked.bearer(&secret).send().await.value();
    assert_eq!(checked["problems"], answer.value()["problems"]);
}
