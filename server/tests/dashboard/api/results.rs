//! Results that come in from elsewhere: real files of real runners, sent as programs send them.

use std::path::PathBuf;

use domain::{person::Role, token::Scope};
use serde_json::{Value, json};

use super::{ask, secret, token};
use crate::{
    http::{Answer, Ask},
    world::World,
};

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results");
    std::fs::read(folder.join(name)).unwrap()
}

fn bring(world: &World, secret: &str, said: &str, bytes: &[u8]) -> Ask {
    ask(world, "POST", &format!("/results?{said}"), None).bearer(secret).body(bytes)
}

async fn get(world: &World, secret: &str, path: &str) -> Answer {
    ask(world, "GET", path, None).bearer(secret).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_each_runner_become_runs_and_come_out_the_same() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    for name in [
        "robot-3.2.2/output.xml",
        "robot-7.5/output.xml",
        "robot-7.5/output.json",
        "robot-7.5/killed.xml",
        "pytest-9.2.0/junit.xml",
        "gotestsum-1.8.2/junit.xml",
        "nextest-0.9.151/junit.xml",
        "surefire-2.22.3/TEST-BootTest.xml",
        "test-more-1.302190/boot.tap",
        "kselftest-6.1.192/kselftest.tap",
        "kunit-6.1.192/console.txt",
        "go-junit-report-2.1.0/junit.xml",
    ] {
        let bytes = fixture(name);
        let said = "release=recorded/v1.0.0&machine=apu2&suite=boot";
        let brought = bring(&world, &dave, said, &bytes).send().await;
        assert_eq!(brought.status, 201, "{name}: {}", brought.body);
        let run = brought.value();
        assert_eq!((&run["about"], &run["machine"]), (&json!("recorded/v1.0.0"), &json!("apu2")));
        assert_eq!(run["source"], "upload");
        assert_eq!(run["incomplete"].is_null(), !name.contains("killed"), "{name}");
        let id = run["id"].as_str().unwrap();
        assert_eq!(brought.header("location"), format!("/api/v1/runs/{id}"));

        let again = bring(&world, &dave, said, &bytes).send().await;
        assert_eq!((again.status, &again.value()["id"]), (200, &run["id"]), "the same is the same");
        let other = bring(&world, &dave, "release=recorded/v2.0.0", &bytes).send().await;
        assert!(other.problem(409).contains("one file is one run"), "{name}");

        // Out of the rows, in again, and out: not a byte differs but the identity of the run.
        let out = get(&world, &dave, &format!("/runs/{id}/export")).await;
        assert_eq!(out.status, 200, "{}", out.body);
        let said = "release=recorded/v1.0.0&machine=apu3";
        let twin = bring(&world, &dave, said, out.body.as_bytes()).send().await;
        assert_eq!(twin.status, 201, "{name}: {}", twin.body);
        let twin = twin.value();
        assert_eq!(twin["totals"], run["totals"], "{name}");
        let twin = twin["id"].as_str().unwrap();
        let back = get(&world, &dave, &format!("/runs/{twin}/export")).await;
        assert_eq!(back.body, out.body, "{name}");
        let results = |id: &str| format!("/runs/{id}/results?limit=100");
        let first = get(&world, &dave, &results(id)).await.value();
        assert_eq!(first, get(&world, &dave, &results(twin)).await.value(), "{name}");
        assert!(!first["items"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_is_refused_with_its_line() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let before = world.audit_rows().await;
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE l [<!ENTITY a \"aa\">]>\n<testsuite/>";
    for (said, bytes, words) in [
        ("", "", "empty"),
        ("", "hello\nworld\n", "not recognised"),
        ("", bomb, "line 2: a document type"),
        ("", "Test name,Result\nboot,PASS\nlogin,GREEN\n", "line 3:"),
        ("", "Test name,Result\n", "no whole case"),
        ("", "<testsuite><testcase name=\"a\"></testsuite>", "line 1:"),
        ("format=junit", "Test name,Result\nboot,PASS\n", "line 1: this is no junit xml file"),
        ("machine=a%0ab", "Test name,Result\nboot,PASS\n", "one line"),
        ("release=recorded/a%2fb", "Test name,Result\nboot,PASS\n", "60 characters"),
        ("plan=smoke", "Test name,Result\nboot,PASS\n", "only a token"),
        (
            "manifest=62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
            "Test name,Result\nboot,PASS\n",
            "no candidate or release",
        ),
    ] {
        let answer = bring(&world, &dave, said, bytes.as_bytes()).send().await;
        let told = answer.problem(422).to_lowercase();
        assert!(told.contains(words), "{said} {bytes:?}: {told}");
    }
    let long = bring(&world, &dave, "", b"").header("content-length", "2147483648");
    assert!(long.send().await.problem(413).starts_with("The file is longer than 1.0 GiB"));
    assert_eq!(world.audit_rows().await, before);
    let runs = get(&world, &dave, "/runs").await.value();
    assert_eq!(runs["items"], json!([]), "nothing was kept of any of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_said_the_subject_of_waits_in_the_inbox() {
    let world = World::furnished().await;
    let (vera, dave) = (secret(&world, Role::Viewer).await, secret(&world, Role::Developer).await);
    let rows = "Test name,Test ID,Result,Comments\n<script>alert(1)</script>,XEN1.2,FAIL,=cmd()\n";
    let brought = bring(&world, &dave, "release=v9.9.9&machine=apu2", rows.as_bytes()).send().await;
    assert_eq!(brought.status, 201, "{}", brought.body);
    let run = brought.value();
    assert_eq!(run["about"], Value::Null);
    let id = run["id"].as_str().unwrap();
    let inbox = get(&world, &vera, "/runs?unattached=true").await.value();
    assert_eq!(inbox["items"][0]["id"], run["id"]);
    let history = get(&world, &vera, "/history").await.value();
    assert_eq!(history["rows"], json!([]), "it counts for nothing");

    let to = |release: &str| json!({ "release": release });
    let path = format!("/runs/{id}/attachment");
    let attach =
        |secret: &str, release: &str| ask(&world, "POST", &path, Some(&to(release))).bearer(secret);
    attach(&vera, "recorded/v1").send().await.problem(403);
    assert!(attach(&dave, "v9.9.9").send().await.problem(404).contains("v9.9.9"));
    let version = world.candidate().await;
    let attached = attach(&dave, &version).send().await;
    assert_eq!((attached.status, &attached.value()["about"]), (200, &json!(version)));
    attach(&dave, "recorded/v1").send().await.problem(409);
    let history = get(&world, &vera, "/history?outcome=failed").await.value();
    assert_eq!(history["rows"][0]["case"], "XEN1.2");
    assert_eq!(history["columns"][0]["about"], json!(version));
    let csv = get(&world, &vera, &format!("/runs/{id}/export?format=csv")).await;
    assert!(csv.body.contains("XEN1.2,FAIL,'=cmd()"), "{}", csv.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_plan_and_machine_brings_results_of_it_alone() {
    let world = World::furnished().await;
    let scope = Scope::Results { plan: "smoke".to_owned(), machine: "apu2".to_owned() };
    let ci = token(&world, Role::Developer, scope).await.secret;
    let version = world.candidate().await;
    let dave = secret(&world, Role::Developer).await;
    let release = get(&world, &dave, &format!("/releases/{version}")).await.value();
    let manifest = release["digest"].as_str().unwrap();
    let rows = b"Test name,Test ID,Result,Comments\nboots,smoke.boot,PASS,\n";
    let said = |more: &str| format!("entry=linux&manifest={manifest}{more}");
    bring(&world, &ci, "entry=linux", rows).send().await.problem(422);
    for other in ["&machine=apu3", "&plan=other"] {
        let told = bring(&world, &ci, &said(other), rows).send().await.problem(403);
        assert!(told.contains("machine \"apu2\" only"), "{told}");
    }
    let brought = bring(&world, &ci, &said("&machine=apu2&plan=smoke"), rows).send().await;
    assert_eq!(brought.status, 201, "{}", brought.body);
    let run = brought.value();
    assert_eq!((&run["source"], &run["about"]), (&json!("token"), &json!(version)));
    assert_eq!((&run["machine"], &run["entry"]), (&json!("apu2"), &json!("linux")));
    get(&world, &ci, "/runs").await.problem(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_cases_and_comparisons_tell_what_changed() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    for (release, rows) in [
        ("v1", "boot,DEB1.1,PASS,\niommu,XEN1.2,PASS,\nusb,USB1.1,FAIL,no device\n"),
        ("v2", "boot,DEB1.1,PASS,\niommu,XEN1.2,FAIL,AMD-Vi: IOMMU not found!\nusb,USB1.1,PASS,\n"),
    ] {
        let table = format!("Test name,Test ID,Result,Comments\n{rows}");
        let said = format!("release=recorded/{release}&machine=apu2&suite=regression");
        let brought = bring(&world, &dave, &said, table.as_bytes()).send().await;
        assert_eq!(brought.status, 201, "{}", brought.body);
    }
    let changed = get(&world, &dave, "/history?changes=true&suite=regression").await.value();
    let cases: Vec<_> = changed["rows"].as_array().unwrap().iter().map(|it| &it["case"]).collect();
    assert_eq!(cases, ["USB1.1", "XEN1.2"]);
    let bad = get(&world, &dave, "/history?from=yesterday").await;
    assert!(bad.problem(422).contains("2026-11-27"), "it says how a day is written");

    let case = get(&world, &dave, "/cases/XEN1.2?machine=apu2").await.value();
    assert_eq!(case["turned_bad"]["first_bad"], "recorded/v2");
    assert_eq!(case["turned_bad"]["last_good"], "recorded/v1");
    assert_eq!(case["flakiness"]["executions"], 2);
    assert_eq!(case["flakiness"]["flaky"], 0);
    assert_eq!(case["results"][0]["message"], "AMD-Vi: IOMMU not found!");
    get(&world, &dave, "/cases/NONE1.1").await.problem(404);

    let compare = "/comparison?here=recorded/v2&base=recorded/v1";
    let all = get(&world, &dave, compare).await.value();
    let known: Vec<_> = all["cases"].as_array().unwrap().iter().collect();
    assert_eq!(known.len(), 2);
    assert_eq!((&known[0]["case"], &known[0]["change"]), (&json!("XEN1.2"), &json!("regression")));
    assert_eq!((&known[1]["case"], &known[1]["change"]), (&json!("USB1.1"), &json!("fixed")));
    let counted = |change: &str| {
        let counts = all["counts"].as_array().unwrap();
        counts.iter().find(|it| it["change"] == change).unwrap()["cases"].clone()
    };
    assert_eq!([counted("regression"), counted("unchanged")], [json!(1), json!(1)]);
    let fixed = get(&world, &dave, &format!("{compare}&change=fixed")).await.value();
    assert_eq!(fixed["cases"].as_array().unwrap().len(), 1);
    get(&world, &dave, &format!("{compare}&change=green")).await.problem(422);
    get(&world, &dave, "/comparison?here=recorded/v2&base=recorded/v7").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wrote_down_is_a_run_of_its_own() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let write = |body: Value| ask(&world, "POST", "/results/manual", Some(&body)).bearer(&dave);
    let seen = |outcome: &str, comment: &str| {
        json!({
            "release": "recorded/v1.0.0", "machine": "apu2", "case": "PFS1.1",
            "title": "pfSense 2.4.x install test", "outcome": outcome, "comment": comment,
        })
    };
    let silent = write(seen("failed", " ")).send().await;
    assert!(silent.problem(422).to_lowercase().contains("say what was seen"));
    let kept = write(seen("failed", "stops at the boot loader")).send().await;
    assert_eq!(kept.status, 201, "{}", kept.body);
    let run = kept.value();
    assert_eq!((&run["source"], &run["suite"]), (&json!("manual"), &json!("manual")));
    assert_eq!(run["recorded_by"], "dave");
    let case = get(&world, &dave, "/cases/PFS1.1").await.value();
    assert_eq!(case["results"][0]["message"], "stops at the boot loader");
    let unknown = json!({
        "release": "v7.7.7", "machine": "apu2", "case": "PFS1.1", "outcome": "passed",
    });
    write(unknown).send().await.problem(404);
}
