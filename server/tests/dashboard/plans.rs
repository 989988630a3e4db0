//! Plans and suites: their forms, and what a gate makes of what they demand.

use domain::{
    environment::{PRODUCTION, Policy},
    evidence::Evidence,
    person::Role,
    release::Health,
    token::Scope,
};
use serde_json::json;

use crate::{
    api::{ask, secret, token},
    http::{Answer, Ask},
    kernel_form::{multipart, sent},
    world::{
        World,
        plans::{plan_definition, suite_definition},
    },
};

type Parts<'a> = &'a [(&'a str, Option<&'a str>, &'a str)];

async fn post(world: &World, cookie: &str, target: &str, parts: Parts<'_>) -> Answer {
    sent(world, target, multipart(parts)).cookie(cookie).send().await
}

async fn page(world: &World, cookie: &str, target: &str) -> String {
    let answer = Ask::get(world.address, target).cookie(cookie).send().await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_and_a_plan_are_made_by_their_forms_and_nothing_typed_is_lost() {
    let world = World::furnished().await;
    let cookie = world.sign_in("dave").await;
    let robot = [
        ("name", None, "boot"),
        ("description", None, "boots <every> entry"),
        ("source", None, "upload"),
        ("command", None, "robot"),
        ("robot", None, "boot.robot\r\nmore"),
        ("options", None, "--exclude\nslow"),
        ("each_entry", None, "true"),
        ("minutes", None, "5"),
    ];
    let without = post(&world, &cookie, "/suites/new", &robot).await;
    assert_eq!(without.status, 422);
    assert!(without.body.contains("hoose the archive of its files"), "{}", without.body);
    assert!(without.body.contains("boot.robot\nmore"), "what was typed is there");

    let mut whole = robot.to_vec();
    whole.push(("archive", Some("boot.tar"), "not looked into before it is run"));
    let made = post(&world, &cookie, "/suites/new", &whole).await;
    assert_eq!((made.status, made.header("location")), (303, "/suites/boot"));
    let shown = page(&world, &cookie, "/suites/boot").await;
    assert!(shown.contains("robot --exclude slow boot.robot more"), "{shown}");
    assert!(shown.contains("boots &lt;every&gt; entry"), "{shown}");

    let plan = [
        ("name", None, "boards"),
        ("machines", None, "qemu\napu2"),
        ("suite", None, "boot"),
        ("approved.boot", None, "DEB1.1\r\nDEB1.2"),
        ("approved.smoke", None, "smoke.boot"),
        ("retries", None, "9"),
    ];
    let wrong = post(&world, &cookie, "/plans/new", &plan).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("tried again 5 times at the most"), "{}", wrong.body);
    assert!(wrong.body.contains("DEB1.1\nDEB1.2"), "what was typed is there");
    let mut right = plan.to_vec();
    right[5] = ("retries", None, "1");
    let made = post(&world, &cookie, "/plans/new", &right).await;
    assert_eq!((made.status, made.header("location")), (303, "/plans/boards"), "{}", made.body);
    let shown = page(&world, &cookie, "/plans/boards").await;
    assert!(shown.contains("must have passed: DEB1.1, DEB1.2"), "{shown}");
    // What belongs to a suite that was not chosen is not taken.
    assert!(!shown.contains("must have passed: smoke.boot"), "{shown}");

    // A change of the suite is a revision of the plan that runs it.
    let keeps =
        format!("{} boot.tar", domain::digest::Digest::of("not looked into before it is run"));
    let mut changed = robot.to_vec();
    changed[0] = ("base", None, "1");
    changed.push(("kept", None, &keeps));
    changed[7] = ("minutes", None, "6");
    let saved = post(&world, &cookie, "/suites/boot", &changed).await;
    assert_eq!((saved.status, saved.header("location")), (303, "/suites/boot"), "{}", saved.body);
    let dave = world.actor(Role::Developer).await;
    let plan = world.services.plan(&dave, "boards", None).await.unwrap();
    assert_eq!((plan.revision, plan.definition.suites[0].revision), (2, 2));
    // Who is late is told so.
    let late = post(&world, &cookie, "/suites/boot", &changed).await;
    assert_eq!(late.status, 422);
    assert!(late.body.contains("saved revision 2 of suite boot"), "{}", late.body);

    let refused = world.services.remove_suite(&dave, "boot").await.unwrap_err();
    assert!(refused.to_string().contains("plan boards runs suite boot"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_change_a_policy_changes_nothing_that_it_demands() {
    let world = World::furnished().await;
    let adam = world.actor(Role::Administrator).await;
    let dave = world.actor(Role::Developer).await;
    let services = &world.services;
    let suite = world.suite().await;
    let definition = plan_definition(&["apu2"], &[(&suite, &["T1"])]);
    services.save_plan(&dave, "gate", None, definition.clone()).await.unwrap();
    let policy = |plans: &[&str]| Policy {
        plans: plans.iter().map(|it| (*it).to_owned()).collect(),
        approvals: 1,
        self_approval: false,
    };
    let unknown = services.change_policy(&adam, PRODUCTION, policy(&["gates"]), None).await;
    assert!(unknown.unwrap_err().to_string().contains("no plan called gates"));
    services.change_policy(&adam, PRODUCTION, policy(&["gate"]), None).await.unwrap();

    let fewer = plan_definition(&["apu2"], &[(&suite, &[])]);
    let refused = services.save_plan(&dave, "gate", Some(1), fewer.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("you need the role administrator"), "{refused}");
    let other = suite_definition("another");
    let refused = services.save_suite(&dave, &suite, Some(1), other.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("you need the role administrator"), "{refused}");
    let removed = services.remove_plan(&adam, "gate").await.unwrap_err();
    assert!(removed.to_string().contains("production demands plan gate"), "{removed}");
    services.save_suite(&adam, &suite, Some(1), other).await.unwrap();
    assert_eq!(services.plan(&dave, "gate", None).await.unwrap().revision, 2);
    services.save_plan(&adam, "gate", Some(2), fewer).await.unwrap();

    // A name that was removed goes on with its next number.
    services.change_policy(&adam, PRODUCTION, policy(&[]), None).await.unwrap();
    services.remove_plan(&dave, "gate").await.unwrap();
    assert!(services.plan(&dave, "gate", None).await.is_err());
    let again = services.save_plan(&dave, "gate", None, definition).await.unwrap();
    assert_eq!(again.revision, 4);
}

/// What the gate of production says of a release.
async fn gate(world: &World, version: &str) -> Evidence {
    let dave = world.actor(Role::Developer).await;
    let release = world.services.release(&dave, version).await.unwrap();
    let policy = world.services.environment(&dave, PRODUCTION).await.unwrap().policy;
    let mut found = world.services.demanded_evidence(&dave, &release, &policy).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_a_scoped_token_open_the_gate_and_nobody_elses_do() {
    let world = World::furnished().await;
    let adam = world.actor(Role::Administrator).await;
    let dave = world.actor(Role::Developer).await;
    let (boards, tools) = (world.suite().await, world.suite().await);
    let definition = plan_definition(&["apu2"], &[(&boards, &["DEB1.1"]), (&tools, &[])]);
    world.services.save_plan(&dave, "lab", None, definition.clone()).await.unwrap();
    let policy = Policy { plans: vec!["lab".to_owned()], approvals: 1, self_approval: false };
    world.services.change_policy(&adam, PRODUCTION, policy, None).await.unwrap();
    let version = world.candidate().await;
    let release = world.services.release(&dave, &version).await.unwrap();
    let manifest = release.manifest.unwrap();
    assert_eq!(gate(&world, &version).await.health(), Health::Unknown);
    // The runner has no such machine, and says so.
    let refused = world.services.start_validation(&dave, &version, Some("lab")).await.unwrap_err();
    assert!(refused.to_string().contains("asks nothing of the runner"), "{refused}");

    let rows = |outcome: &str, number: u32| {
        format!(
            "Test name,Test ID,Result,Comments\nboot,DEB1.1,{outcome},\nother {number},T2,PASS,\n"
        )
    };
    let of_dave = secret(&world, Role::Developer).await;
    let scope =
        |machine: &str| Scope::Results { plan: "lab".to_owned(), machine: machine.to_owned() };
    let of_lab = token(&world, Role::Developer, scope("apu2")).await.secret;
    let of_other = token(&world, Role::Developer, scope("apu3")).await.secret;
    let send = async |secret: &str, said: &str, body: String| {
        let path = format!("/results?{said}");
        ask(&world, "POST", &path, None).bearer(secret).body(body).send().await
    };

    // Whoever uploads says nothing to a gate.
    let about = format!("release={version}&machine=apu2&suite={boards}");
    assert_eq!(send(&of_dave, &about, rows("PASS", 1)).await.status, 201);
    assert_eq!(gate(&world, &version).await.health(), Health::Unknown);
    // Where a plan has several suites, one of them is named.
    let judged = format!("manifest={manifest}");
    let unnamed = send(&of_lab, &judged, rows("PASS", 2)).await;
    assert!(unnamed.problem(422).contains(&format!("{boards}, {tools}")), "{}", unnamed.body);
    let of_boards = format!("{judged}&suite={boards}");
    assert_eq!(send(&of_other, &of_boards, rows("PASS", 3)).await.status, 201);
    assert_eq!(gate(&world, &version).await.health(), Health::Unknown, "it is another machine's");

    assert_eq!(send(&of_lab, &of_boards, rows("PASS", 4)).await.status, 201);
    assert_eq!(gate(&world, &version).await.health(), Health::Unknown, "one suite is missing");
    let of_tools = format!("{judged}&suite={tools}");
    assert_eq!(send(&of_lab, &of_tools, rows("SKIP", 5)).await.status, 201);
    let open = gate(&world, &version).await;
    assert_eq!(open.health(), Health::Passing, "{:?}", open.cases);
    let asked = json!({ "environment": PRODUCTION, "release": version, "reason": "it passed" });
    let asked = ask(&world, "POST", "/deployments", Some(&asked)).bearer(&of_dave).send().await;
    assert_eq!(asked.status, 201, "{}", asked.body);

    // A newer failure shuts it, and so does a change of the plan.
    assert_eq!(send(&of_lab, &of_boards, rows("FAIL", 6)).await.status, 201);
    let shut = gate(&world, &version).await;
    assert_eq!(shut.health(), Health::Failing);
    assert_ne!(shut.digest().unwrap(), open.digest().unwrap());
    assert_eq!(send(&of_lab, &of_boards, rows("PASS", 7)).await.status, 201);
    assert_eq!(gate(&world, &version).await.health(), Health::Passing);
    let more = plan_definition(&["apu2"], &[(&boards, &["DEB1.1", "T2"]), (&tools, &[])]);
    world.services.save_plan(&adam, "lab", Some(1), more).await.unwrap();
    assert_eq!(gate(&world, &version).await.health(), Health::Unknown);
}
