//! Validations, their runs, and what decides.

use domain::{
    digest::Digest,
    ids::{JobId, RunId, ValidationId, VariantId},
    job::{JobKind, JobState},
    plan::DecidingRun,
    release::Release,
    run::{BootStage, CaseResult, FailureClass, ObservedStage, Outcome, Run, Validation},
};
use store::{
    StoreError,
    jobs::NewJob,
    runs::RunPlace,
    validations::{Judged, NewValidation},
};

use crate::{on_both_engines, variants::variant, world::World};

on_both_engines! {
    a_run_is_kept_with_everything_it_saw
    a_run_ends_once
    the_newest_run_that_ended_decides
    a_run_without_results_decides_nothing_away
    interrupted_runs_are_removed
    the_newest_results_are_of_a_validation_that_ended
}

async fn validation(world: &World, release: &Release) -> Validation {
    validation_of(world, release, None).await
}

async fn validation_of(
    world: &World,
    release: &Release,
    variant: Option<&VariantId>,
) -> Validation {
    let job = NewJob {
        id: JobId(world.id()),
        kind: JobKind::Validation,
        release: Some(release.id.clone()),
        kernel: None,
        variant: variant.cloned(),
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters: serde_json::Value::Null,
        steps: Vec::new(),
    };
    let new = NewValidation {
        id: ValidationId(world.id()),
        job: job.id.clone(),
        release: release.id.clone(),
        variant: variant.cloned(),
        manifest: release.manifest.unwrap(),
        plan: "smoke".to_owned(),
        plan_revision: 1,
        created_at: world.now(),
        created_by: "ada".to_owned(),
    };
    let mut tx = world.begin().await;
    tx.insert_job(&job).await.unwrap();
    tx.insert_validation(&new).await.unwrap();
    let validation = tx.validation_of_job(&job.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((&validation.id, validation.state), (&new.id, JobState::Queued));
    assert_eq!((validation.manifest, validation.plan.as_str()), (new.manifest, "smoke"));
    validation
}

async fn begin(world: &World, validation: &Validation, entry: &str) -> RunId {
    let id = RunId(world.id());
    let place = RunPlace { machine: "qemu", entry, suite: "smoke", kernel: "" };
    let mut tx = world.begin().await;
    tx.begin_run(validation, &id, &place, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn end(world: &World, id: &RunId, cases: &[(&str, Outcome)]) -> Run {
    let mut tx = world.begin().await;
    let mut run = tx.run(id).await.unwrap().unwrap();
    run.machine_details = "tcg, 1024 MiB".to_owned();
    run.ended_at = Some(world.now());
    run.outcome = Some(Outcome::Failed);
    run.failure = Some(FailureClass::Product);
    run.message = "a case failed".to_owned();
    run.console = Some(Digest::of("console"));
    run.stages = vec![ObservedStage {
        stage: BootStage::Kernel,
        started_at: Some(world.now()),
        ended_at: None,
        bytes: Some(8_000_000_000),
    }];
    run.results = cases
        .iter()
        .map(|(case, outcome)| CaseResult {
            case: (*case).to_owned(),
            title: format!("what {case} checks"),
            outcome: *outcome,
            duration_us: Some(5_000_000_000),
            message: "seen".to_owned(),
        })
        .collect();
    tx.end_run(&run).await.unwrap();
    tx.commit().await.unwrap();
    for case in &run.results {
        run.totals.count(case.outcome);
    }
    run
}

async fn a_run_is_kept_with_everything_it_saw(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let first = validation(&world, &release).await;
    let second = validation(&world, &release).await;
    let id = begin(&world, &second, "linux").await;
    let running = world.store.read().await.unwrap().run(&id).await.unwrap().unwrap();
    assert_eq!((running.ended_at, running.outcome), (None, None));
    // In the order in which the cases ran, not by name.
    let ended =
        end(&world, &id, &[("smoke.z", Outcome::Passed), ("smoke.a", Outcome::Failed)]).await;

    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.run(&id).await.unwrap().as_ref(), Some(&ended));
    assert_eq!(rows.run(&RunId::from("none")).await.unwrap(), None);
    let validations = rows.validations_of(&release.id).await.unwrap();
    assert_eq!(validations, [Validation { runs: vec![ended], ..second }, first]);
    assert_eq!(rows.validation_of_job(&JobId::from("none")).await.unwrap(), None);
    let known = rows.validation(&validations[0].id).await.unwrap();
    assert_eq!(known.as_ref(), Some(&validations[0]));
    assert_eq!(rows.validation(&ValidationId::from("none")).await.unwrap(), None);
}

async fn a_run_ends_once(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let validation = validation(&world, &release).await;
    let id = begin(&world, &validation, "linux").await;
    let ended = end(&world, &id, &[("smoke.a", Outcome::Passed)]).await;
    let mut tx = world.begin().await;
    let again = tx.end_run(&ended).await;
    assert!(matches!(again, Err(StoreError::Changed("run"))), "{again:?}");
    assert_eq!(tx.run(&id).await.unwrap().unwrap().results.len(), 1);
}

async fn the_newest_run_that_ended_decides(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let other = world.candidate("v1.0.0-rc.2", "b").await;
    let manifest = release.manifest.unwrap();
    let (first, second) = (validation(&world, &release).await, validation(&world, &release).await);
    let foreign = validation(&world, &other).await;

    let old = begin(&world, &first, "linux").await;
    let overtaken = begin(&world, &second, "linux").await;
    let rescue = begin(&world, &second, "rescue").await;
    let elsewhere = begin(&world, &foreign, "linux").await;
    end(&world, &overtaken, &[("smoke.a", Outcome::Passed)]).await;
    end(&world, &rescue, &[("smoke.a", Outcome::Passed)]).await;
    end(&world, &elsewhere, &[("smoke.a", Outcome::Errored)]).await;
    // The one that began first ended last: it decides.
    end(&world, &old, &[("smoke.b", Outcome::Passed), ("smoke.a", Outcome::Failed)]).await;
    // One that still runs decides nothing.
    begin(&world, &second, "linux").await;

    let mut rows = world.store.read().await.unwrap();
    let named = ["smoke.b".to_owned()];
    let deciding = rows.deciding_runs(&manifest, ("smoke", 1), &named, None).await.unwrap();
    let of = |run: &RunId, entry: &str, results: &[(&str, Outcome)]| DecidingRun {
        run: run.clone(),
        machine: "qemu".to_owned(),
        entry: entry.to_owned(),
        suite: "smoke".to_owned(),
        whole: true,
        results: results.iter().map(|(case, outcome)| ((*case).to_owned(), *outcome)).collect(),
    };
    let both = [("smoke.a", Outcome::Failed), ("smoke.b", Outcome::Passed)];
    // Of what was not asked for, only what failed is told.
    assert_eq!(deciding, [of(&old, "linux", &both), of(&rescue, "rescue", &[])]);
    assert!(rows.deciding_runs(&manifest, ("smoke", 2), &[], None).await.unwrap().is_empty());
    assert!(rows.deciding_runs(&manifest, ("other", 1), &[], None).await.unwrap().is_empty());
}

/// A boot that came to nothing must not leave an older pass standing.
async fn a_run_without_results_decides_nothing_away(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let validation = validation(&world, &release).await;
    let good = begin(&world, &validation, "linux").await;
    end(&world, &good, &[("smoke.a", Outcome::Passed)]).await;
    let bad = begin(&world, &validation, "linux").await;
    end(&world, &bad, &[]).await;
    let mut rows = world.store.read().await.unwrap();
    let manifest = release.manifest.unwrap();
    let named = ["smoke.a".to_owned()];
    let deciding = rows.deciding_runs(&manifest, ("smoke", 1), &named, None).await.unwrap();
    assert_eq!(deciding.len(), 1);
    assert_eq!((&deciding[0].run, deciding[0].whole, deciding[0].results.len()), (&bad, false, 0));
}

async fn interrupted_runs_are_removed(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let (first, second) = (validation(&world, &release).await, validation(&world, &release).await);
    let ended = begin(&world, &first, "linux").await;
    end(&world, &ended, &[("smoke.a", Outcome::Passed)]).await;
    let interrupted = begin(&world, &first, "rescue").await;
    let others = begin(&world, &second, "rescue").await;
    let mut tx = world.begin().await;
    assert_eq!(tx.delete_unended_runs(&first.id).await.unwrap(), 1);
    for (id, lives) in [(&ended, true), (&interrupted, false), (&others, true)] {
        assert_eq!(tx.run(id).await.unwrap().is_some(), lives);
    }
}

async fn the_newest_results_are_of_a_validation_that_ended(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let probe = variant(&world, "probe", world.now()).await.id;
    let end_job = async |validation: &Validation| {
        let mut tx = world.begin().await;
        let (state, outcome) = (JobState::Failed, "a case failed");
        tx.end_job(&validation.job, state, outcome, None, world.now()).await.unwrap();
        tx.commit().await.unwrap();
    };
    let newest = async |judged: Judged<'_>, plan: Option<&str>| {
        let found = world.store.read().await.unwrap().newest_results(judged, plan).await.unwrap();
        found.map(|it| (it.id, it.runs.len()))
    };
    let of_release = Judged::Release(&release.id);
    let of_variant = Judged::Variant(&probe);

    let first = validation(&world, &release).await;
    let run = begin(&world, &first, "linux").await;
    end(&world, &run, &[("smoke.a", Outcome::Passed)]).await;
    assert_eq!(newest(of_release, None).await, None, "its job is at work");
    end_job(&first).await;
    let expected = Some((first.id.clone(), 1));
    assert_eq!(newest(of_release, Some("smoke")).await, expected);
    assert_eq!(newest(of_release, Some("other")).await, None);

    // Newer ones in which nothing ended say nothing, and neither do those of a variant.
    let nothing = validation(&world, &release).await;
    begin(&world, &nothing, "linux").await;
    end_job(&nothing).await;
    validation(&world, &release).await;
    let variants = validation_of(&world, &release, Some(&probe)).await;
    assert_eq!(newest(of_variant, None).await, None);
    // A boot that came to nothing says something.
    let run = begin(&world, &variants, "linux").await;
    end(&world, &run, &[]).await;
    end_job(&variants).await;
    assert_eq!(newest(of_release, None).await, expected);
    assert_eq!(newest(of_variant, Some("smoke")).await, Some((variants.id, 1)));
}
