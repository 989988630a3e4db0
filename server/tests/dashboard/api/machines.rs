//! Machines as programs register, assign, lock and import them.

use domain::{environment::DEVELOPMENT, person::Role};
use netboot::Known;
use serde_json::{Value, json};

use super::{ask, secret};
use crate::{http::Answer, world::World};

/// An answer to somebody with that token; the version that it names is the one that it saw.
async fn send(world: &World, who: &str, what: (&str, &str), tag: &str, body: Value) -> Answer {
    let (method, path) = what;
    let body = (!body.is_null()).then_some(body);
    let ask = ask(world, method, path, body.as_ref()).bearer(who).header("if-match", tag);
    ask.send().await
}

fn done(answer: &Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
    answer.value()
}

/// The target that the boot listener has for the machine of that card.
fn served(world: &World, mac: &str) -> String {
    let known = Known { mac: mac.parse().ok(), ..Known::default() };
    world.services.boot_listener().machines().book().find(&known).unwrap().target.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_registered_found_and_assigned_to_whoever_locked_it() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let (release, mac) = (world.bootable().await, "52:54:00:aa:00:01");
    world.serve(DEVELOPMENT, &release).await;
    let new = json!({
        "name": "nuc-7", "macs": ["52-54-00-AA-00-01"], "labels": { "rack": "3" }, "location": "A1",
    });
    let made = send(&world, &dave, ("POST", "/machines"), "", new.clone()).await;
    assert_eq!((made.header("etag"), made.header("location")), ("\"1\"", "/api/v1/machines/nuc-7"));
    let made = done(&made);
    let expected = json!({
        "target": { "kind": "environment", "name": "production" }, "why": "default", "rule": null,
    });
    assert_eq!((&made["macs"], &made["boots"]), (&json!([mac]), &expected));
    let twice = send(&world, &dave, ("POST", "/machines"), "", new).await;
    twice.problem(422);
    assert_eq!(twice.value()["field"], "name");
    for (query, found) in [
        ("label=rack%3D3", 1),
        ("label=rack%3D4", 0),
        ("words=aa:00:01&state=accepted", 1),
        ("target=variant%20probe", 0),
    ] {
        let listed =
            send(&world, &dave, ("GET", &format!("/machines?{query}")), "", Value::Null).await;
        assert_eq!(done(&listed)["items"].as_array().unwrap().len(), found, "{query}");
    }
    for query in ["label=rack", "target=probe"] {
        let refused =
            send(&world, &dave, ("GET", &format!("/machines?{query}")), "", Value::Null).await;
        refused.problem(422);
    }

    let (assign, lock) = (("PUT", "/machines/nuc-7/target"), ("PUT", "/machines/nuc-7/lock"));
    let target = json!({ "kind": "release", "name": release });
    let said = send(&world, &dave, assign, "", target.clone()).await.problem(403);
    assert!(said.contains("production"), "{said}");
    let never = send(&world, &dave, lock, "", json!({ "purpose": "bisect", "hours": 0 })).await;
    never.problem(422);
    assert_eq!(never.value()["field"], "hours");
    let locked = send(&world, &dave, lock, "", json!({ "purpose": "bisect", "hours": 720 })).await;
    assert_eq!(done(&locked)["lock"]["owner"], "dave");
    let assigned = done(&send(&world, &dave, assign, "", target.clone()).await);
    assert_eq!((&assigned["boots"]["target"], &assigned["boots"]["why"]), (&target, &json!("own")));
    assert_eq!(served(&world, mac), format!("release {release}"));

    let once = ("PUT", "/machines/nuc-7/once");
    let order = |entry: &str| json!({ "target": target, "entry": entry });
    let unknown = send(&world, &dave, once, "", order("xen")).await;
    assert!(unknown.problem(422).contains("linux"), "{}", unknown.body);
    let ordered = done(&send(&world, &dave, once, "", order("linux")).await);
    assert_eq!(
        (&ordered["once"]["entry"], &ordered["drift"]),
        (&json!("linux"), &json!("unknown"))
    );
    let back = send(&world, &dave, ("DELETE", "/machines/nuc-7/once"), "", Value::Null).await;
    assert_eq!(done(&back)["once"], Value::Null);

    let drifting = async || {
        let listed = ask(&world, "GET", "/machines/drift", None).bearer(&dave).send().await;
        done(&listed)["items"].as_array().unwrap().clone()
    };
    assert!(drifting().await.is_empty(), "it has not reported a boot");
    let another = world.runs_another("nuc-7").await;
    let other = &drifting().await[0];
    assert_eq!((&other["running"]["name"], &other["drift"]), (&json!(another), &json!("other")));

    let note = json!({ "note": "a fan is loud" });
    let changed = send(&world, &dave, ("PUT", "/machines/nuc-7"), "\"1\"", note.clone()).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(done(&changed)["location"], "A1", "what is not said stays");
    send(&world, &dave, ("PUT", "/machines/nuc-7"), "\"1\"", note.clone()).await.problem(412);
    send(&world, &dave, ("PUT", "/machines/nuc-7"), "\"2\"", json!({ "labels": { "A": "1" } }))
        .await
        .problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_machine_is_its_owners_until_an_administrator_says_why() {
    let world = World::furnished().await;
    world.add("dora", Role::Developer).await;
    let dora = world.secret_of("dora").await;
    let (anna, adam) =
        (secret(&world, Role::Approver).await, secret(&world, Role::Administrator).await);
    let name = world.machine_of(Role::Developer).await;
    let path = |rest: &str| format!("/machines/{name}{rest}");
    let environment = json!({ "kind": "environment", "name": "development" });
    let requests = [
        ("PUT", path("/target"), environment.clone()),
        ("DELETE", path("/target"), Value::Null),
        ("PUT", path("/once"), json!({ "target": environment })),
        ("DELETE", path("/once"), Value::Null),
        ("PUT", path("/lock"), json!({ "purpose": "mine", "hours": 1 })),
        ("DELETE", path("/lock"), Value::Null),
        ("PUT", path(""), json!({ "note": "mine" })),
        ("DELETE", path(""), Value::Null),
    ];
    let before = world.audit_rows().await;
    for (method, path, body) in &requests {
        for (who, reason) in [(&dora, ""), (&anna, "?reason=urgent"), (&adam, "")] {
            let path = format!("{path}{reason}");
            let said = send(&world, who, (method, &path), "\"1\"", body.clone()).await.problem(403);
            assert!(said.contains("dave") && said.contains("bisect"), "{method} {path}: {said}");
        }
    }
    assert_eq!(world.audit_rows().await, before);
    let passed = path("/lock?reason=it%20burns");
    let released = done(&send(&world, &adam, ("DELETE", &passed), "", Value::Null).await);
    assert_eq!(released["lock"], Value::Null);
    let listed =
        ask(&world, "GET", "/audit?action=machine.unlock", None).bearer(&adam).send().await;
    assert!(done(&listed)["items"][0].to_string().contains("it burns"), "{}", listed.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_say_what_machines_of_a_label_boot() {
    let world = World::furnished().await;
    let (dave, anna) =
        (secret(&world, Role::Developer).await, secret(&world, Role::Approver).await);
    let (release, mac) = (world.candidate().await, "52:54:00:aa:00:01");
    let new = json!({ "name": "nuc-7", "macs": [mac], "labels": { "rack": "3" } });
    done(&send(&world, &dave, ("POST", "/machines"), "", new).await);
    let (rules, target) =
        (("PUT", "/machines/rules"), json!({ "kind": "release", "name": release }));
    let list = |labels: Value| json!({ "rules": [{ "labels": labels, "target": target }] });
    let seen = ask(&world, "GET", "/machines/rules", None).bearer(&dave).send().await;
    let said = send(&world, &anna, rules, "\"0\"", list(json!({}))).await.problem(422);
    assert!(said.contains("rule 1"), "{said}");
    let saved = send(&world, &anna, rules, seen.header("etag"), list(json!({ "rack": "3" }))).await;
    assert_eq!(saved.header("etag"), "\"1\"");
    assert_eq!(done(&saved)["saved_by"], "anna");
    send(&world, &anna, rules, seen.header("etag"), list(json!({ "rack": "4" })))
        .await
        .problem(412);
    let shown = done(&ask(&world, "GET", "/machines/nuc-7", None).bearer(&dave).send().await);
    assert_eq!(shown["boots"], json!({ "target": target, "why": "rule", "rule": 1 }));
    assert_eq!(served(&world, mac), format!("release {release}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_taken_whole_or_told_what_is_wrong_by_line() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let import = async |query: &str, table: &[u8]| {
        let path = format!("/machines/import{query}");
        ask(&world, "POST", &path, None).bearer(&dave).body(table).send().await
    };
    let export = async || {
        let table = ask(&world, "GET", "/machines/export", None).bearer(&dave).send().await;
        assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
        table.body
    };
    let empty = export().await;
    let faulty =
        import("", b"name,macs\nnuc-1,52:54:00:00:00:01\nNUC,52:54:00:00:00:02\nnuc-3,x\n").await;
    let said = faulty.problem(422);
    assert!(said.contains("nothing was saved"), "{said}");
    let problems = faulty.value()["problems"].as_array().unwrap().clone();
    let lines: Vec<_> = problems.iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert!(lines.starts_with(&[3]) && lines.ends_with(&[4]), "{problems:?}");
    import("", b"name,macs\nnuc-\xff,52:54:00:00:00:01\n").await.problem(422);
    let table = b"name,macs,labels\nnuc-1,52:54:00:00:00:01,rack=3\nnuc-2,52:54:00:00:00:02,\n";
    let added = json!({ "added": ["nuc-1", "nuc-2"], "changed": [], "unchanged": 0 });
    assert_eq!(done(&import("?dry_run=true", table).await), added);
    assert_eq!(export().await, empty, "neither was taken");
    assert_eq!(done(&import("", table).await), added);
    let written = export().await;
    assert!(written.contains("nuc-1,52:54:00:00:00:01"), "{written}");
    let again = done(&import("", written.as_bytes()).await);
    assert_eq!(again, json!({ "added": [], "changed": [], "unchanged": 2 }));
    let long = ask(&world, "POST", "/machines/import", None).bearer(&dave);
    long.header("content-length", "1073741824").send().await.problem(413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovered_machine_is_accepted_or_is_a_card_of_another() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let (first, second) = (world.discovered_machine().await, world.discovered_machine().await);
    let pending = async || {
        let listed = ask(&world, "GET", "/machines?state=pending", None).bearer(&dave).send().await;
        let items = done(&listed)["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pending().await, [first.clone(), second.clone()]);
    let lock = json!({ "purpose": "mine", "hours": 1 });
    let path = format!("/machines/{first}/lock");
    let said = send(&world, &dave, ("PUT", &path), "", lock).await.problem(403);
    assert!(said.contains("accept it first"), "{said}");
    let accept = format!("/machines/{first}/accept");
    let named = json!({ "name": "nuc-1", "labels": { "rack": "3" } });
    send(&world, &dave, ("POST", &accept), "\"7\"", named.clone()).await.problem(412);
    let accepted = done(&send(&world, &dave, ("POST", &accept), "\"1\"", named).await);
    assert_eq!((&accepted["name"], &accepted["state"]), (&json!("nuc-1"), &json!("accepted")));
    assert_eq!(accepted["last_address"], "127.0.0.1");
    let merge = format!("/machines/{second}/merge");
    let merged = done(&send(&world, &dave, ("POST", &merge), "", json!({ "into": "nuc-1" })).await);
    assert_eq!(merged["macs"].as_array().unwrap().len(), 2);
    assert_eq!(pending().await, Vec::<String>::new());

    let adam = secret(&world, Role::Administrator).await;
    let seen = ask(&world, "GET", "/machines/unregistered", None).bearer(&dave).send().await;
    assert_eq!(seen.value(), json!({ "unknown": "menu", "pending": "menu" }));
    let refuse = json!({ "unknown": "refuse", "pending": "exit" });
    let policy = ("PUT", "/machines/unregistered");
    send(&world, &dave, policy, seen.header("etag"), refuse.clone()).await.problem(403);
    let changed = send(&world, &adam, policy, seen.header("etag"), refuse.clone()).await;
    assert_eq!(done(&changed), refuse);
    send(&world, &adam, policy, seen.header("etag"), refuse).await.problem(412);
    let script = world.boot_script(&world.mac()).await;
    assert!(script.contains("is not registered"), "{script}");
}
