//! What a gate makes of waivers: they let a release through until something about them changes.

use domain::{
    deployment::{Deployment, DeploymentState, Verdict},
    environment::{PRODUCTION, Policy},
    ids::RunId,
    person::Role,
    run::{FailureClass, Outcome},
};
use serde_json::json;
use services::assessments::{FailureAt, MissingCase, SeenFailure, Statement};

use crate::{
    http::Answer,
    roles::path_of,
    world::{World, name},
};

const CASE: &str = "smoke.boot";

/// An installation whose production demands plan "smoke" and one approval.
async fn strict(self_approval: bool) -> World {
    let world = World::furnished().await;
    let adam = world.actor(Role::Administrator).await;
    let policy = Policy { plans: vec!["smoke".to_owned()], approvals: 1, self_approval };
    world.services.change_policy(&adam, PRODUCTION, policy, None).await.unwrap();
    world
}

async fn say(world: &World, role: Role, run: &RunId, statement: Statement) {
    let at = FailureAt::Result { run: run.clone(), case: CASE.to_owned() };
    let failure = SeenFailure { at, seen: None };
    let actor = world.actor(role).await;
    world.services.review_failures(&actor, &[failure], &statement).await.unwrap();
}

fn waiver(world: &World, days: u64) -> Statement {
    Statement::Waive { reason: "known since long".to_owned(), until: world.in_days(days) }
}

fn assessment(blame: FailureClass, issue: &str, comment: &str) -> Statement {
    let (issue, comment) = (issue.to_owned(), comment.to_owned());
    Statement::Assess { issue, blame: Some(blame), comment, keeping: false }
}

async fn release_of(world: &World, run: &RunId) -> String {
    let dave = world.actor(Role::Developer).await;
    world.services.run(&dave, run).await.unwrap().subject.unwrap().name().to_owned()
}

/// A request for production that stands on a waiver of anna's and was approved by her.
async fn approved(world: &World) -> (RunId, Deployment) {
    let run = world.failed_run("no answer").await;
    say(world, Role::Approver, &run, waiver(world, 30)).await;
    let (dave, anna) = (world.actor(Role::Developer).await, world.actor(Role::Approver).await);
    let release = release_of(world, &run).await;
    let asked = world.services.request_deployment(&dave, PRODUCTION, &release, "why not").await;
    let asked = asked.unwrap();
    let seen = Some(asked.evidence);
    let judged = world.services.judge_deployment(&anna, &asked.id, Verdict::Approved, seen, "");
    judged.await.unwrap();
    (run, asked)
}

async fn state(world: &World, of: &Deployment) -> DeploymentState {
    let dave = world.actor(Role::Developer).await;
    world.services.deployment(&dave, &of.id).await.unwrap().state
}

/// Executes a deployment by the button of its page.
async fn by_page(world: &World, asked: &Deployment) -> Answer {
    let cookie = world.sign_in(name(Role::Developer)).await;
    let fields = [("id", asked.id.as_str()), ("confirm", &asked.release_name)];
    world.post(path_of("execute_deployment"), &fields).cookie(&cookie).json().send().await
}

async fn by_api(world: &World, asked: &Deployment) -> Answer {
    let secret = world.secret_of(name(Role::Developer)).await;
    let path = format!("/api/v1/deployments/{}/deploy", asked.id);
    let ask = world.get(&path).json().method("POST");
    ask.header("authorization", &format!("Bearer {secret}")).send().await
}

/// Executes a deployment by command, as the developer; gives the exit status and what was said of it.
async fn by_command(world: &World, asked: &Deployment) -> (Option<i32>, String) {
    command(world, Role::Developer, &["deployment", "deploy", asked.id.as_str()]).await
}

async fn command(world: &World, role: Role, arguments: &[&str]) -> (Option<i32>, String) {
    let secret = world.secret_of(name(role)).await;
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_bootwright"))
        .args(arguments)
        .env("BOOTWRIGHT_SERVER", format!("http://{}", world.address))
        .env("BOOTWRIGHT_TOKEN", secret)
        .output()
        .await
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waived_case_lets_a_release_through_and_is_never_called_passed() {
    let world = strict(false).await;
    let run = world.failed_run("no answer").await;
    let release = release_of(&world, &run).await;
    let dave = world.actor(Role::Developer).await;
    let ask = || world.services.request_deployment(&dave, PRODUCTION, &release, "why not");
    let refused = ask().await.unwrap_err().to_string();
    assert!(refused.contains("a required case of it failed"), "{refused}");
    say(&world, Role::Developer, &run, assessment(FailureClass::Lab, "ABC-1", "")).await;
    assert!(ask().await.is_err(), "to know whose problem it is waives nothing");

    say(&world, Role::Approver, &run, waiver(&world, 30)).await;
    let asked = ask().await.unwrap();
    let cookie = world.sign_in(name(Role::Approver)).await;
    let page = world.get(&format!("/deployments/{}", asked.id)).cookie(&cookie).send().await;
    let accepts = "Whoever approves this accepts these waivers";
    assert!(page.body.contains(accepts) && page.body.contains("known since long"), "{}", page.body);
    let evidence = world.services.release(&dave, &release).await.unwrap();
    let evidence = world.services.evidence(&dave, &evidence).await.unwrap();
    let case = evidence[0].cases.iter().find(|it| it.case == CASE).unwrap();
    assert_eq!(
        (case.ended(), case.waiver.as_ref().unwrap().by.as_str()),
        (Outcome::Failed, "anna")
    );

    let anna = world.actor(Role::Approver).await;
    let seen = Some(asked.evidence);
    let judged = world.services.judge_deployment(&anna, &asked.id, Verdict::Approved, seen, "");
    judged.await.unwrap();
    let done = by_api(&world, &asked).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(state(&world, &asked).await, DeploymentState::Deployed);
}

/// By what somebody executes a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Page,
    Api,
    Command,
}

/// What changes after an approval.
#[derive(Debug, Clone, Copy)]
enum Since {
    Blame,
    Issue,
    WaiverGivenAnew,
    WaiverTakenBack,
    WaiverEnded,
    Result,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_about_the_evidence_voids_approvals_by_page_api_and_command() {
    let all = [
        Since::Blame,
        Since::Issue,
        Since::WaiverGivenAnew,
        Since::WaiverTakenBack,
        Since::WaiverEnded,
        Since::Result,
    ];
    for since in all {
        let world = strict(false).await;
        for (round, by) in (1..).zip([By::Page, By::Api, By::Command]) {
            let (run, asked) = approved(&world).await;
            match since {
                Since::Blame => {
                    let class = FailureClass::ALL[round];
                    say(&world, Role::Developer, &run, assessment(class, "", "")).await;
                }
                Since::Issue => {
                    let issue = format!("ABC-{round}");
                    let said = assessment(FailureClass::Product, &issue, "");
                    say(&world, Role::Developer, &run, said).await;
                }
                Since::WaiverGivenAnew => {
                    say(&world, Role::Administrator, &run, waiver(&world, 60)).await;
                }
                Since::WaiverTakenBack => {
                    say(&world, Role::Administrator, &run, Statement::WithdrawWaiver).await;
                }
                Since::WaiverEnded => world.end_waivers().await,
                Since::Result => {
                    let again = world.run_of(&asked.release_name).await;
                    world.end_run(&again).await;
                }
            }
            let (refused, said) = match by {
                By::Page => {
                    let answer = by_page(&world, &asked).await;
                    (answer.status == 409, answer.body)
                }
                By::Api => {
                    let answer = by_api(&world, &asked).await;
                    (answer.status == 409, answer.body)
                }
                By::Command => {
                    let (status, said) = by_command(&world, &asked).await;
                    (status.is_some_and(|it| it != 0), said)
                }
            };
            let about = format!("{since:?}, by {by:?}: {said}");
            assert!(refused && said.contains("has lapsed"), "{about}");
            assert_eq!(state(&world, &asked).await, DeploymentState::Lapsed, "{about}");
            // Where the clock of the rows was not turned by hand, the page tells what changed.
            if !matches!(since, Since::WaiverEnded) {
                let cookie = world.sign_in(name(Role::Viewer)).await;
                let page = world.get(&format!("/deployments/{}", asked.id)).cookie(&cookie);
                let page = page.send().await.body;
                assert!(page.contains("This has changed since it was asked for"), "{about}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_alone_changes_nothing_that_decides() {
    let world = strict(false).await;
    let run = world.failed_run("no answer").await;
    let said = |comment| assessment(FailureClass::Lab, "", comment);
    say(&world, Role::Developer, &run, said("")).await;
    let (run, asked) = approved(&world).await;
    say(&world, Role::Developer, &run, said("the cable is in the post")).await;
    assert_eq!(by_api(&world, &asked).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_of_whoever_asks_does_not_count_at_the_gate() {
    for self_approval in [false, true] {
        let world = strict(self_approval).await;
        let run = world.failed_run("no answer").await;
        say(&world, Role::Approver, &run, waiver(&world, 30)).await;
        let release = release_of(&world, &run).await;
        let anna = world.actor(Role::Approver).await;
        let asked = world.services.request_deployment(&anna, PRODUCTION, &release, "why not");
        match asked.await {
            Ok(_) => assert!(self_approval, "her own waiver let her through"),
            Err(refused) => {
                let words = refused.to_string();
                assert!(
                    !self_approval && words.contains("only by waivers of whoever asks"),
                    "{words}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_machine_cannot_say_can_be_waived() {
    let world = strict(false).await;
    let release = world.candidate().await;
    let dave = world.actor(Role::Developer).await;
    let ask = || world.services.request_deployment(&dave, PRODUCTION, &release, "why not");
    let refused = ask().await.unwrap_err().to_string();
    assert!(refused.contains("not all of its required cases have passed"), "{refused}");

    let found = world.services.release(&dave, &release).await.unwrap();
    let evidence = world.services.evidence(&dave, &found).await.unwrap().remove(0);
    let missing = evidence.cases.iter().map(|it| {
        let missing = MissingCase {
            release: release.clone(),
            plan: evidence.plan.clone(),
            suite: it.suite.clone(),
            machine: it.machine.clone(),
            entry: it.entry.clone(),
            case: it.case.clone(),
        };
        format!("missing/{}", missing.to_text())
    });
    let missing: Vec<String> = missing.collect();
    let until = world.in_days(30);
    let mut fields: Vec<_> = missing.iter().map(|it| ("failures[]", it.as_str())).collect();
    fields.extend([("reason", "the board is dead"), ("until", until.as_str())]);
    let cookie = world.sign_in(name(Role::Approver)).await;
    let waive = world.post(path_of("waive_failures"), &fields).cookie(&cookie).json();
    let waived = waive.send().await;
    assert_eq!(waived.status, 200, "{}", waived.body);
    assert_eq!(waive.send().await.status, 409, "they are waived already");
    let page = world.get(&format!("/releases/{release}/tests")).cookie(&cookie).send().await.body;
    assert!(page.contains("the board is dead") && !page.contains("Waive what no run answered"));
    let asked = ask().await.unwrap();

    // Once a run answers, its word counts, and what was said of its silence does not.
    let run = world.run_of(&release).await;
    let failed = |case: &str| (case == CASE).then(|| (Outcome::Failed, "no answer".to_owned()));
    world.end_run_with(&run, failed).await;
    let refused = by_api(&world, &asked).await;
    assert!(refused.status == 409 && refused.body.contains("lapsed"), "{}", refused.body);
    assert!(ask().await.unwrap_err().to_string().contains("a required case of it failed"));
    let secret = world.secret_of(name(Role::Viewer)).await;
    let shown = world.get(&format!("/api/v1/releases/{release}/evidence")).json();
    let shown = shown.header("authorization", &format!("Bearer {secret}")).send().await.body;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let cases = shown["items"][0]["cases"].as_array().unwrap();
    assert!(cases.iter().all(|it| it["waiver"] == json!(null)), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_machine_is_waived_by_one_command() {
    let world = strict(false).await;
    let release = world.candidate().await;
    let until = world.in_days(7);
    let waive = |machine: &'static str| {
        let release = release.as_str();
        let mut all = vec!["release", "waive-missing", release, "--machine", machine];
        all.extend(["--reason", "the board is dead", "--until", until.as_str()]);
        all
    };
    let (status, said) = command(&world, Role::Developer, &waive("qemu")).await;
    assert!(status == Some(3) && said.contains("role approver"), "{status:?} {said}");
    let (status, said) = command(&world, Role::Approver, &waive("apu9")).await;
    assert!(status == Some(2) && said.contains("without an answer"), "{status:?} {said}");
    let (status, said) = command(&world, Role::Approver, &waive("qemu")).await;
    assert_eq!(status, Some(0), "{said}");
    let dave = world.actor(Role::Developer).await;
    let ask = world.services.request_deployment(&dave, PRODUCTION, &release, "why not");
    ask.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_in_counts_once_an_approver_lets_it_who_did_not_bring_it() {
    let world = strict(false).await;
    let run = world.brought_run("qemu", "linux", "smoke").await;
    let release = release_of(&world, &run).await;
    let decided = async || {
        let vera = world.actor(Role::Viewer).await;
        let release = world.services.release(&vera, &release).await.unwrap();
        let evidence = world.services.evidence(&vera, &release).await.unwrap().remove(0);
        let case = evidence.cases.into_iter().find(|it| it.case == CASE).unwrap();
        (case.ended(), case.run)
    };
    assert_eq!(decided().await, (Outcome::NotRun, None));
    let count = async |role, plan| {
        let cookie = world.sign_in(name(role)).await;
        let fields = [("run", run.as_str()), ("plan", plan)];
        world.post(path_of("count_run"), &fields).cookie(&cookie).json().send().await
    };
    assert_eq!(count(Role::Developer, "smoke").await.status, 403);
    assert_eq!(count(Role::Approver, "none").await.status, 404);
    assert_eq!(count(Role::Approver, "smoke").await.status, 200);
    assert_eq!(decided().await, (Outcome::Passed, Some(run.clone())));
    let again = count(Role::Approver, "smoke").await;
    assert!(again.status == 403 && again.body.contains("already"), "{}", again.body);

    let elsewhere = world.brought_run("apu2", "", "manual").await;
    let anna = world.actor(Role::Approver).await;
    let refused = world.services.count_run(&anna, &elsewhere, "smoke").await.unwrap_err();
    assert!(refused.to_string().contains("this run is of manual on apu2"), "{refused}");
    let unattached = world.unattached_run().await;
    let refused = world.services.count_run(&anna, &unattached, "smoke").await.unwrap_err();
    assert!(refused.to_string().contains("say first what they are about"), "{refused}");
}
