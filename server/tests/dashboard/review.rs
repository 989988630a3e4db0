//! Reviewing failures, as two people meet it over HTTP: by forms, and by the API.

use domain::{
    environment::DEVELOPMENT,
    ids::RunId,
    person::Role,
    run::{FailureClass, Outcome},
};
use serde_json::{Value, json};

use crate::{
    http::{Answer, Ask},
    roles::path_of,
    world::{World, name},
};

const CASE: &str = "smoke.boot";

fn failure(run: &RunId, revision: u32) -> String {
    format!("{run}/{revision}/{CASE}")
}

/// A form of a page, sent by the person of `role`.
async fn sent(world: &World, role: Role, call: &str, fields: &[(&str, &str)]) -> Answer {
    let cookie = world.sign_in(name(role)).await;
    world.post(path_of(call), fields).cookie(&cookie).json().send().await
}

async fn assessed(world: &World, failures: &[&str], blame: &str, issue: &str) -> Answer {
    let mut fields: Vec<_> = failures.iter().map(|it| ("failures[]", *it)).collect();
    fields.extend([("blame", blame), ("issue", issue), ("comment", "a loose cable")]);
    sent(world, Role::Developer, "assess_failures", &fields).await
}

async fn waived(world: &World, role: Role, failure: &str, until: &str) -> Answer {
    let fields = [("failures[]", failure), ("reason", "known since long"), ("until", until)];
    sent(world, role, "waive_failures", &fields).await
}

async fn page(world: &World, path: &str) -> String {
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let page = world.get(path).cookie(&cookie).send().await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

fn result(run: &RunId) -> String {
    format!("/runs/{run}/result?case={CASE}")
}

async fn about(world: &World, run: &RunId) -> String {
    let dave = world.actor(Role::Developer).await;
    world.services.run(&dave, run).await.unwrap().subject.unwrap().name().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_failure_is_carried_over_to_the_next_release() {
    let world = World::furnished().await;
    let first = world.failed_run("no login prompt after 300 s").await;
    let from = about(&world, &first).await;
    let issue = "https://tracker.example/issues/7";
    let said = assessed(&world, &[&failure(&first, 0)], "lab", issue).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let here = page(&world, &result(&first)).await;
    assert!(here.contains(&format!("href=\"{issue}\"")) && here.contains("a loose cable"));
    assert!(!here.contains("carried over"), "it was made here");

    // The next release fails in the same way, at another second.
    let next = world.failed_run("no login prompt after 299 s").await;
    let there = page(&world, &result(&next)).await;
    assert!(there.contains(&format!("carried over from {from}")), "{there}");
    let tests = format!("/releases/{}/tests", about(&world, &next).await);
    let tests = page(&world, &tests).await;
    assert!(tests.contains("all failures reviewed") && tests.contains("carried over from"));
    assert!(page(&world, &format!("/runs/{next}")).await.contains("all failures reviewed"));

    let other = world.failed_run("the menu is empty").await;
    assert!(page(&world, &result(&other)).await.contains("Nobody has reviewed this failure yet"));
    let tests = page(&world, &format!("/releases/{}/tests", about(&world, &other).await)).await;
    assert!(tests.contains("0 of 1 failures reviewed"), "{tests}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_overwrites_unseen_what_another_person_said() {
    let world = World::furnished().await;
    let run = world.failed_run("no answer").await;
    assert_eq!(assessed(&world, &[&failure(&run, 0)], "lab", "ABC-1").await.status, 200);
    let late = assessed(&world, &[&failure(&run, 0)], "product", "").await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.body.contains("dave said something of this failure"), "{}", late.body);
    assert_eq!(
        waived(&world, Role::Approver, &failure(&run, 0), &world.in_days(7)).await.status,
        409
    );
    // Of several, all or none.
    let fresh = world.failed_run("no menu").await;
    let both = [failure(&fresh, 0), failure(&run, 0)];
    let both = assessed(&world, &[&both[0], &both[1]], "test", "").await;
    assert_eq!(both.status, 409, "{}", both.body);
    assert!(page(&world, &result(&fresh)).await.contains("Nobody has reviewed"));

    let both = [failure(&fresh, 0), failure(&run, 1)];
    let both = assessed(&world, &[&both[0], &both[1]], "test", "#12").await;
    assert_eq!(both.status, 200, "{}", both.body);
    let here = page(&world, &result(&run)).await;
    assert!(here.contains("Who said what") && here.contains("ABC-1"), "the former is history");
    let fresh = page(&world, &result(&fresh)).await;
    assert!(fresh.contains("<code>#12</code>") && !fresh.contains("href=\"#12\""), "{fresh}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_form_of_many_leaves_empty_stays_as_it_was() {
    let world = World::furnished().await;
    let run = world.failed_run("no answer").await;
    assert_eq!(assessed(&world, &[&failure(&run, 0)], "lab", "ABC-1").await.status, 200);
    let seen = failure(&run, 1);
    let ticked = |blame| {
        [
            ("failures[]", &*seen),
            ("issue", ""),
            ("blame", blame),
            ("comment", ""),
            ("keeping", "true"),
        ]
    };
    let nothing = sent(&world, Role::Developer, "assess_failures", &ticked("")).await;
    assert_eq!(nothing.status, 422, "{}", nothing.body);
    let said = sent(&world, Role::Developer, "assess_failures", &ticked("product")).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let dave = world.actor(Role::Developer).await;
    let review = world.services.failure_review(&dave, &run, CASE).await.unwrap().unwrap();
    let said = &review.history[0].said;
    assert_eq!(said.blame, Some(FailureClass::Product));
    assert_eq!(said.issue.as_ref().unwrap().as_str(), "ABC-1");
    assert_eq!(said.comment, "a loose cable");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_in_words() {
    let world = World::furnished().await;
    let run = world.failed_run("no answer").await;
    let seen = failure(&run, 0);
    let script = assessed(&world, &[&seen], "lab", "javascript:alert(1)").await;
    assert!(script.status == 422 && script.body.contains("ABC-12"), "{}", script.body);
    assert_eq!(assessed(&world, &[], "lab", "").await.status, 422);
    assert_eq!(assessed(&world, &["nonsense"], "lab", "").await.status, 422);
    assert_eq!(assessed(&world, &[&seen], "nobody", "").await.status, 422);
    for until in ["", "2020-01-01", "9999-01-01", "soon"] {
        let late = waived(&world, Role::Approver, &seen, until).await;
        assert!(late.body.contains("until when the waiver holds"), "{until}: {}", late.body);
    }
    let passed = world.ended_run().await;
    let passed = assessed(&world, &[&failure(&passed, 0)], "lab", "").await;
    assert!(passed.body.contains("this case passed"), "{}", passed.body);
    let fields = [("failures[]", seen.as_str())];
    let none = sent(&world, Role::Approver, "withdraw_waivers", &fields).await;
    assert!(none.body.contains("no waiver that could be taken back"), "{}", none.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waives_a_failure_of_their_own_request() {
    let world = World::furnished().await;
    let until = world.in_days(30);
    let version = world.candidate().await;
    let run = world.run_asked_by(Role::Approver, &version).await;
    let fails = |case: &str| (case == CASE).then(|| (Outcome::Failed, "no answer".to_owned()));
    world.end_run_with(&run, fails).await;
    let own = waived(&world, Role::Approver, &failure(&run, 0), &until).await;
    assert_eq!(own.status, 403, "{}", own.body);
    assert!(own.body.contains("you asked for the validation that found this"), "{}", own.body);
    let adam = waived(&world, Role::Administrator, &failure(&run, 0), &until).await;
    assert_eq!(adam.status, 200, "{}", adam.body);

    let run = world.failed_run("no menu").await;
    let anna = world.actor(Role::Approver).await;
    let version = about(&world, &run).await;
    let ask = world.services.request_deployment(&anna, DEVELOPMENT, &version, "to try it");
    ask.await.unwrap();
    let own = waived(&world, Role::Approver, &failure(&run, 0), &until).await;
    let words = "you asked that development serve this release";
    assert!(own.status == 403 && own.body.contains(words), "{}", own.body);
    let cookie = world.sign_in(name(Role::Approver)).await;
    let body = world.get(&result(&run)).cookie(&cookie).send().await.body;
    assert!(body.contains("You asked that development serve this release"), "the button says so");
}

fn api(world: &World, method: &str, run: &RunId, part: &str, body: Option<&Value>) -> Ask {
    let path = format!("/api/v1/runs/{run}/cases/{CASE}/{part}");
    let ask = world.get(&path).json().method(method);
    match body {
        None => ask,
        Some(body) => ask.header("content-type", "application/json").body(body.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_name_what_they_looked_at() {
    let world = World::furnished().await;
    let bearer = async |role| format!("Bearer {}", world.secret_of(name(role)).await);
    let (dave, anna) = (bearer(Role::Developer).await, bearer(Role::Approver).await);
    let run = world.failed_run("no answer").await;
    let blame = json!({ "blame": "product", "issue": "ABC-7" });
    let assess = |tag: &str| {
        let ask = api(&world, "PUT", &run, "assessment", Some(&blame));
        ask.header("if-match", tag).header("authorization", &dave)
    };
    assert_eq!(assess("\"0\"").without("if-match").send().await.status, 428);
    let said = assess("\"0\"").send().await;
    assert_eq!((said.status, said.header("etag")), (200, "\"1\""), "{}", said.body);
    assert_eq!(assess("\"0\"").send().await.status, 412);

    let waiver = json!({ "reason": "known since long", "until": world.in_days(7) });
    let waive = api(&world, "PUT", &run, "waiver", Some(&waiver)).header("if-match", "\"1\"");
    let waived = waive.header("authorization", &anna).send().await;
    let value: Value = serde_json::from_str(&waived.body).unwrap();
    let newest = &value["assessment"];
    assert_eq!((&newest["blame"], &newest["issue"]), (&json!("product"), &json!("ABC-7")));
    assert_eq!(
        (&newest["waiver"]["by"], &newest["waiver"]["holds"]),
        (&json!("anna"), &json!(true))
    );

    let version = about(&world, &run).await;
    let list = async |query: &str| {
        let path = format!("/api/v1/releases/{version}/failures{query}");
        let answer = world.get(&path).json().header("authorization", &dave).send().await;
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    let all = list("").await;
    assert_eq!((&all["failures"], &all["reviewed"]), (&json!(1), &json!(1)));
    assert_eq!(all["items"][0]["reviewed"], true);
    assert_eq!(list("?reviewed=no").await["items"], json!([]));

    let back = api(&world, "DELETE", &run, "waiver", None).header("authorization", &anna);
    let value: Value = serde_json::from_str(&back.send().await.body).unwrap();
    assert_eq!(value["assessment"]["waiver"], Value::Null);
    assert_eq!(value["history"].as_array().unwrap().len(), 3);
}
