//! Room on the disk: what rows name, pins, rules, and what was there before.

use std::time::Duration;

use domain::{
    digest::Digest,
    ids::{JobId, RunId},
    job::{JobKind, JobState},
    lock::Part,
    release::Stage,
    room::{Pin, RoomRules},
    run::{
        Outcome,
        keeping::{Importance, Keeping},
    },
    time::Timestamp,
};
use store::{StoreError, jobs::NewJob, runs::Artefact, subjects::SubjectNumber};

use crate::{
    on_both_engines,
    results::{case, end, new_run},
    world::{World, lock, package},
};

on_both_engines! {
    files_of_a_release_are_named_until_they_are_given_up
    packages_of_living_and_of_recent_builds_are_named
    logs_say_whether_they_stay
    a_pin_is_one_per_release
    rules_are_kept_and_begin_with_something
    runs_keep_their_files_where_they_are_important_or_decide
    a_demonstration_is_noted_once
    the_last_collection_and_the_open_one_are_found
}

async fn files_of_a_release_are_named_until_they_are_given_up(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    world.release("v1.0.0-rc.2").await;
    let kept = world.store.read().await.unwrap().kept_releases().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].release, kept[0].withdrawn_at), (&release.id, None));
    assert!(kept[0].signature.is_some());
    let now = world.now();
    let mut tx = world.begin().await;
    let too_early = tx.set_files_removed(&release.id, now).await;
    assert!(matches!(too_early, Err(StoreError::Changed(_))));
    tx.withdraw_release(&release.id, now).await.unwrap();
    let kept = tx.kept_releases().await.unwrap();
    assert_eq!(kept[0].withdrawn_at, Some(now));
    tx.set_files_removed(&release.id, now.plus(Duration::from_secs(1))).await.unwrap();
    assert_eq!(tx.kept_releases().await.unwrap(), []);
    let removed = tx.files_removed_at(&release.id).await.unwrap();
    assert_eq!(removed, Some(now.plus(Duration::from_secs(1))));
    assert!(tx.set_files_removed(&release.id, now).await.is_err(), "once");
    assert!(tx.withdraw_release(&release.id, now).await.is_err(), "once");
}

async fn packages_of_living_and_of_recent_builds_are_named(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let package = package(Part::Rootfs, "bash", "5.2");
    let mut tx = world.begin().await;
    let digest = tx.insert_lock(&lock(vec![package.clone()]), world.now()).await.unwrap();
    tx.set_lock(&release.id, &digest).await.unwrap();
    let named = vec![(digest, package.sha256)];
    let later = release.created_at.plus(Duration::from_secs(1));
    assert_eq!(tx.kept_packages(later).await.unwrap(), named, "it is being built");
    tx.set_stage(&release.id, Stage::Building, Stage::Failed).await.unwrap();
    assert_eq!(tx.kept_packages(Timestamp(0)).await.unwrap(), named, "it failed just now");
    assert_eq!(tx.kept_packages(later).await.unwrap(), []);
}

async fn logs_say_whether_they_stay(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let job = queued(&world, JobKind::Validation, Some(&release.id), serde_json::json!({})).await;
    let now = world.now();
    let mut tx = world.begin().await;
    assert!(tx.kept_job_logs().await.unwrap().is_empty());
    assert!(!tx.jobs_with_kept_log().await.unwrap().contains(&job));
    let log = Digest::of("log");
    tx.end_job(&job, JobState::Succeeded, "done", Some(&log), now).await.unwrap();
    let logs = tx.kept_job_logs().await.unwrap();
    assert_eq!((logs[0].blob, logs[0].ended_at, logs[0].stays), (log, now, false));
    let pin = Pin { by: "ada".to_owned(), at: now, reason: "the demo".to_owned() };
    tx.set_pin(&release.id, &pin).await.unwrap();
    assert!(tx.kept_job_logs().await.unwrap()[0].stays, "it is pinned");
    tx.delete_pin(&release.id).await.unwrap();
    tx.name_released(&release.id, now).await.unwrap();
    assert!(tx.kept_job_logs().await.unwrap()[0].stays, "it is released");
    assert!(tx.jobs_with_kept_log().await.unwrap().contains(&job));
    assert_eq!(tx.kept_consoles().await.unwrap(), []);
}

async fn a_pin_is_one_per_release(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await.id;
    let pin =
        |reason: &str| Pin { by: "ada".to_owned(), at: Timestamp(7), reason: reason.to_owned() };
    let mut tx = world.begin().await;
    assert_eq!(tx.pin_of(&release).await.unwrap(), None);
    tx.set_pin(&release, &pin("first")).await.unwrap();
    tx.set_pin(&release, &pin("second")).await.unwrap();
    assert_eq!(tx.pin_of(&release).await.unwrap(), Some(pin("second")));
    assert_eq!(tx.pins().await.unwrap(), [(release.clone(), pin("second"))]);
    tx.delete_pin(&release).await.unwrap();
    assert!(matches!(tx.delete_pin(&release).await, Err(StoreError::Changed("pin"))));
}

async fn rules_are_kept_and_begin_with_something(world: World) {
    let mut tx = world.begin().await;
    assert_eq!(tx.room_rules().await.unwrap(), RoomRules::default());
    let rules = RoomRules { candidates: None, floor: 7, ..RoomRules::default() };
    tx.set_room_rules(&rules).await.unwrap();
    assert_eq!(tx.room_rules().await.unwrap(), rules);
    tx.set_room_rules(&RoomRules { logs: Some(1), ..rules }).await.unwrap();
    assert_eq!(tx.room_rules().await.unwrap().logs, Some(1));
}

async fn the_last_collection_and_the_open_one_are_found(world: World) {
    let dry_run = |dry: bool| serde_json::json!({ "dry_run": dry });
    assert_eq!(world.begin().await.last_collection().await.unwrap(), None);
    let dry = queued(&world, JobKind::Collection, None, dry_run(true)).await;
    let mut tx = world.begin().await;
    assert_eq!(tx.last_collection().await.unwrap(), None, "a dry run removes nothing");
    assert_eq!(tx.open_collection(true).await.unwrap(), Some(dry));
    assert_eq!(tx.open_collection(false).await.unwrap(), None);
    drop(tx);
    let real = queued(&world, JobKind::Collection, None, dry_run(false)).await;
    let mut tx = world.begin().await;
    let asked = tx.job(&real).await.unwrap().unwrap();
    assert_eq!(tx.last_collection().await.unwrap(), Some(asked.created_at));
    assert_eq!(asked.release, None);
    tx.end_job(&real, JobState::Succeeded, "done", None, world.now()).await.unwrap();
    assert_eq!(tx.open_collection(false).await.unwrap(), None);
    assert!(tx.last_collection().await.unwrap().is_some());
}

async fn queued(
    world: &World,
    kind: JobKind,
    release: Option<&domain::ids::ReleaseId>,
    parameters: serde_json::Value,
) -> JobId {
    let new = NewJob {
        id: JobId(world.id()),
        kind,
        release: release.cloned(),
        kernel: None,
        variant: None,
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters,
        steps: vec!["count".to_owned()],
    };
    let mut tx = world.begin().await;
    tx.insert_job(&new).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

/// A run of one machine and suite about `subject`, with something that it left.
async fn run_that_left(world: &World, subject: SubjectNumber, left: &str) -> RunId {
    let run = new_run(world, Some(subject), "apu2");
    let mut tx = world.begin().await;
    tx.insert_run(&run, None).await.unwrap();
    tx.insert_results(&run.id, 0, &[case("A1.1", Outcome::Passed)]).await.unwrap();
    let artefact = Artefact {
        name: "console.log".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 1,
        sha256: Digest::of(left),
    };
    tx.insert_artefact(&run.id, &artefact).await.unwrap();
    tx.finish_run(&run.id, &end(world.now())).await.unwrap();
    tx.commit().await.unwrap();
    run.id
}

async fn runs_keep_their_files_where_they_are_important_or_decide(world: World) {
    let mut tx = world.begin().await;
    let subject = tx.recorded_subject("v1", world.now()).await.unwrap();
    tx.commit().await.unwrap();
    let first = run_that_left(&world, subject, "first").await;
    let second = run_that_left(&world, subject, "second").await;
    let newest = run_that_left(&world, subject, "newest").await;
    let mut tx = world.begin().await;
    let late = Timestamp(i64::MAX);
    assert_eq!(tx.runs_whose_files_go(late).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(tx.runs_whose_files_go(Timestamp(0)).await.unwrap(), []);
    let mark = Importance { by: "ada".to_owned(), at: world.now() };
    tx.mark_important(&second, &mark).await.unwrap();
    tx.mark_important(&second, &Importance { by: "eve".to_owned(), ..mark.clone() }).await.unwrap();
    assert_eq!(tx.keeping_of_run(&second).await.unwrap().important, Some(mark));
    assert_eq!(tx.runs_whose_files_go(late).await.unwrap(), std::slice::from_ref(&first));
    let mut stays: Vec<_> =
        tx.kept_consoles().await.unwrap().into_iter().map(|it| (it.blob, it.stays)).collect();
    stays.sort_by_key(|(blob, _)| blob.to_string());
    let mut expected = [("first", false), ("second", true), ("newest", true)]
        .map(|(it, stays)| (Digest::of(it), stays));
    expected.sort_by_key(|(blob, _)| blob.to_string());
    assert_eq!(stays, expected);

    tx.set_run_files_removed(&first, world.now()).await.unwrap();
    assert!(tx.keeping_of_run(&first).await.unwrap().files_removed_at.is_some());
    assert_eq!(tx.runs_whose_files_go(late).await.unwrap(), []);
    assert!(tx.kept_consoles().await.unwrap().iter().all(|it| it.blob != Digest::of("first")));
    tx.unmark_important(&second).await.unwrap();
    assert!(matches!(tx.unmark_important(&second).await, Err(StoreError::Changed("mark"))));
    assert_eq!(tx.runs_whose_files_go(late).await.unwrap(), [second]);
    assert_eq!(tx.keeping_of_run(&newest).await.unwrap(), Keeping::default());
}

async fn a_demonstration_is_noted_once(world: World) {
    let mut tx = world.begin().await;
    assert_eq!(tx.demonstration_since().await.unwrap(), None);
    assert!(!tx.holds_anything().await.unwrap());
    tx.recorded_subject("v1", world.now()).await.unwrap();
    assert!(tx.holds_anything().await.unwrap());
    tx.set_demonstration(Timestamp(7)).await.unwrap();
    assert_eq!(tx.demonstration_since().await.unwrap(), Some(Timestamp(7)));
    assert!(tx.set_demonstration(Timestamp(8)).await.is_err());
}
