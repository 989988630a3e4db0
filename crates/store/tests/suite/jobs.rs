//! Jobs: who takes them, for how long, and what is left when a worker is gone.

use std::time::Duration;

use domain::{
    digest::Digest,
    ids::JobId,
    job::{JobKind, JobState, Step, StepState},
    page::Slice,
    release::Release,
    time::Timestamp,
};
use store::{
    StoreError,
    jobs::{JobFilter, NewJob},
};

use crate::{on_both_engines, world::World};

on_both_engines! {
    the_oldest_job_is_taken_first_and_once
    a_kind_of_job_waits_while_others_are_taken
    many_workers_never_take_the_same_job
    a_lease_that_ran_out_gives_the_job_to_another
    a_new_server_takes_its_own_jobs_over
    steps_are_written_as_they_stand
    a_job_ends_once
    a_job_is_asked_to_stop_until_it_ends
    jobs_are_listed_by_time_state_and_release
}

const LEASE: Duration = Duration::from_secs(60);

async fn queue(world: &World, release: &Release, kind: JobKind) -> JobId {
    let new = NewJob {
        id: JobId(world.id()),
        kind,
        release: Some(release.id.clone()),
        kernel: None,
        variant: None,
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters: serde_json::json!({ "b": 1, "a": ["x"] }),
        steps: vec!["resolve".to_owned(), "bootstrap".to_owned()],
    };
    let mut tx = world.begin().await;
    tx.insert_job(&new).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

async fn claim(world: &World, worker: &str, now: Timestamp) -> Option<JobId> {
    let mut tx = world.begin().await;
    let claimed = tx.claim_job(worker, now, now.plus(LEASE), &JobKind::ALL).await.unwrap();
    tx.commit().await.unwrap();
    claimed.map(|claimed| claimed.job.id)
}

fn running(position: u32, name: &str, at: Timestamp) -> Step {
    Step {
        position,
        name: name.to_owned(),
        state: StepState::Running,
        key: Some(Digest::of(name)),
        started_at: Some(at),
        ended_at: None,
        progress: Some(420),
        message: None,
    }
}

async fn the_oldest_job_is_taken_first_and_once(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let first = queue(&world, &release, JobKind::Build).await;
    let second = queue(&world, &release, JobKind::Validation).await;
    let now = world.now();
    let mut tx = world.begin().await;
    let claimed = tx.claim_job("w1", now, now.plus(LEASE), &JobKind::ALL).await.unwrap().unwrap();
    assert_eq!(claimed.parameters, serde_json::json!({ "a": ["x"], "b": 1 }));
    let job = claimed.job;
    assert_eq!((&job.id, job.kind, job.state), (&first, JobKind::Build, JobState::Running));
    assert_eq!((job.started_at, job.attempts), (Some(now), 1));
    let about = job.release.unwrap();
    assert_eq!((about.id, about.name.as_str()), (release.id, "v1.0.0-rc.1"));
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "w2", now).await, Some(second));
    assert_eq!(claim(&world, "w3", now).await, None);
}

async fn a_kind_of_job_waits_while_others_are_taken(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let build = queue(&world, &release, JobKind::Build).await;
    let about_nothing = NewJob {
        id: JobId(world.id()),
        kind: JobKind::Collection,
        release: None,
        kernel: None,
        variant: None,
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters: serde_json::json!({ "dry_run": true }),
        steps: vec!["count".to_owned()],
    };
    let now = world.now();
    let mut tx = world.begin().await;
    tx.insert_job(&about_nothing).await.unwrap();
    let kinds = [JobKind::Validation, JobKind::Collection];
    let claimed = tx.claim_job("w", now, now.plus(LEASE), &kinds).await.unwrap().unwrap();
    assert_eq!((claimed.job.id, claimed.job.release), (about_nothing.id, None));
    assert!(tx.claim_job("w", now, now.plus(LEASE), &kinds).await.unwrap().is_none());
    assert!(tx.claim_job("w", now, now.plus(LEASE), &[]).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "w", now).await, Some(build));
}

async fn many_workers_never_take_the_same_job(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let mut queued = Vec::new();
    for _ in 0..10 {
        queued.push(queue(&world, &release, JobKind::Build).await);
    }
    let world = std::sync::Arc::new(world);
    let workers: Vec<_> = (0..5)
        .map(|number| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(id) = claim(&world, &format!("w{number}"), world.now()).await {
                    taken.push(id);
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    taken.sort();
    assert_eq!(taken, queued);
}

async fn a_lease_that_ran_out_gives_the_job_to_another(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let id = queue(&world, &release, JobKind::Build).await;
    let start = world.now();
    claim(&world, "w1", start).await.unwrap();
    let mut tx = world.begin().await;
    let done = Step { state: StepState::Succeeded, ..running(0, "resolve", start) };
    tx.set_step(&id, &done).await.unwrap();
    tx.set_step(&id, &running(1, "bootstrap", start)).await.unwrap();
    // Whoever is heard of keeps the job.
    assert!(tx.extend_lease(&id, "w1", start.plus(LEASE * 2)).await.unwrap());
    assert!(!tx.extend_lease(&id, "w2", start.plus(LEASE * 9)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "w2", start.plus(LEASE)).await, None);

    let later = start.plus(LEASE * 2);
    assert_eq!(claim(&world, "w2", later).await, Some(id.clone()));
    let mut tx = world.begin().await;
    assert!(!tx.extend_lease(&id, "w1", later.plus(LEASE)).await.unwrap());
    let job = tx.job(&id).await.unwrap().unwrap();
    assert_eq!((job.attempts, job.started_at), (2, Some(start)));
    let steps = tx.steps(&id).await.unwrap();
    let interrupted = Step {
        state: StepState::Interrupted,
        ended_at: Some(later),
        ..running(1, "bootstrap", start)
    };
    assert_eq!(steps, [done, interrupted]);
}

async fn a_new_server_takes_its_own_jobs_over(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let own = queue(&world, &release, JobKind::Build).await;
    let others = queue(&world, &release, JobKind::Build).await;
    let now = world.now();
    assert_eq!(claim(&world, "server", now).await, Some(own.clone()));
    assert_eq!(claim(&world, "elsewhere", now).await, Some(others));
    let mut tx = world.begin().await;
    assert_eq!(tx.expire_leases_of("server").await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "server", now).await, Some(own));
    assert_eq!(claim(&world, "server", now).await, None);
}

async fn steps_are_written_as_they_stand(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let id = queue(&world, &release, JobKind::Build).await;
    let now = world.now();
    let mut tx = world.begin().await;
    let names: Vec<_> =
        tx.steps(&id).await.unwrap().into_iter().map(|it| (it.name, it.state)).collect();
    let waiting = StepState::Waiting;
    assert_eq!(names, [("resolve".to_owned(), waiting), ("bootstrap".to_owned(), waiting)]);
    // One that the job did not name before, and one that it did.
    let added = running(2, "pack", now);
    let failed = Step {
        state: StepState::Failed,
        progress: None,
        message: Some("why".to_owned()),
        ended_at: Some(now),
        ..running(0, "resolve", now)
    };
    tx.set_step(&id, &added).await.unwrap();
    tx.set_step(&id, &failed).await.unwrap();
    tx.end_running_steps(&id, StepState::Cancelled, now).await.unwrap();
    let steps = tx.steps(&id).await.unwrap();
    assert_eq!(steps[0], failed);
    assert_eq!(steps[1].state, waiting);
    assert_eq!(steps[2], Step { state: StepState::Cancelled, ended_at: Some(now), ..added });
}

async fn a_job_ends_once(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let id = queue(&world, &release, JobKind::Build).await;
    let now = world.now();
    claim(&world, "w1", now).await.unwrap();
    let log = Digest::of("log");
    let mut tx = world.begin().await;
    tx.end_job(&id, JobState::Succeeded, "built", Some(&log), now).await.unwrap();
    let again = tx.end_job(&id, JobState::Failed, "late", None, now).await;
    assert!(matches!(again, Err(StoreError::Changed("job"))), "{again:?}");
    let job = tx.job(&id).await.unwrap().unwrap();
    assert_eq!((job.state, job.outcome.as_deref()), (JobState::Succeeded, Some("built")));
    assert_eq!((job.log, job.ended_at), (Some(log), Some(now)));
    assert!(!tx.extend_lease(&id, "w1", now.plus(LEASE)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "w2", now.plus(LEASE * 9)).await, None);
    assert_eq!(world.store.read().await.unwrap().job(&JobId::from("none")).await.unwrap(), None);
}

async fn a_job_is_asked_to_stop_until_it_ends(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let id = queue(&world, &release, JobKind::Build).await;
    let (first, second) = (world.now(), world.now());
    let mut tx = world.begin().await;
    tx.request_cancel(&id, first).await.unwrap();
    tx.request_cancel(&id, second).await.unwrap();
    assert_eq!(tx.job(&id).await.unwrap().unwrap().cancel_requested_at, Some(first));
    tx.end_job(&id, JobState::Cancelled, "stopped", None, second).await.unwrap();
    let late = tx.request_cancel(&id, second).await;
    assert!(matches!(late, Err(StoreError::Changed("job"))), "{late:?}");
}

async fn jobs_are_listed_by_time_state_and_release(world: World) {
    let release = world.release("v1.0.0-rc.1").await;
    let other = world.release("v1.0.0-rc.2").await;
    let ended = queue(&world, &release, JobKind::Build).await;
    let waits = queue(&world, &other, JobKind::Build).await;
    let runs = queue(&world, &release, JobKind::Validation).await;
    let now = world.now();
    let mut tx = world.begin().await;
    tx.end_job(&ended, JobState::Failed, "why", None, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&world, "w1", now).await, Some(waits.clone()));
    let mut tx = world.begin().await;
    tx.expire_leases_of("w1").await.unwrap();
    tx.commit().await.unwrap();

    let ids = |jobs: Vec<domain::job::Job>| -> Vec<JobId> {
        jobs.into_iter().map(|job| job.id).collect()
    };
    let mut rows = world.store.read().await.unwrap();
    let newest = [runs.clone(), waits.clone(), ended.clone()];
    let page = |filter, after, limit| (filter, Slice { after, limit });
    let (any, all) = page(JobFilter::default(), None, 10);
    assert_eq!(ids(rows.jobs_page(&any, &all).await.unwrap().items), newest);
    let first = rows.jobs_page(&any, &Slice { after: None, limit: 2 }).await.unwrap();
    assert_eq!(ids(first.items), newest[..2]);
    let rest = Slice { after: first.next, limit: 2 };
    let rest = rows.jobs_page(&any, &rest).await.unwrap();
    assert_eq!((ids(rest.items), rest.next), (newest[2..].to_vec(), None));
    let (state, kind) = (Some(JobState::Running), Some(JobKind::Build));
    let (running, all) = page(
        JobFilter { state, kind, release: Some(other.id.clone()), kernel: None, variant: None },
        None,
        10,
    );
    assert_eq!(
        ids(rows.jobs_page(&running, &all).await.unwrap().items),
        std::slice::from_ref(&waits)
    );
    assert_eq!(ids(rows.open_jobs().await.unwrap()), [waits, runs.clone()]);
    assert_eq!(ids(rows.failed_jobs(5).await.unwrap()), std::slice::from_ref(&ended));
    assert_eq!(ids(rows.failed_jobs(0).await.unwrap()), []);
    assert_eq!(ids(rows.jobs_of_release(&release.id).await.unwrap()), [runs, ended]);
}
