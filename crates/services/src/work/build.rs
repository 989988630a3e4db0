//! Building a release: hands a recipe to the builder, writes down what it does, and keeps what
//! came of it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use builder::{BuildError, BuildObserver, BuildOutput, BuildRequest, LockChoice, StepEvent};
use domain::{
    actor::Actor,
    digest::Digest,
    job::{JobState, Step, StepState},
    lock::Lock,
    recipe,
    release::{Release, Stage},
    version::CandidateVersion,
};
use store::{WriteTx, jobs::ClaimedJob};
use tokio::{runtime::Handle, sync::oneshot};

use super::{Ended, cancelled_by_a_person, release_of};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    job_log::LogWriter,
    releases::{BuildParameters, Packages, no_release},
};

/// Builds, and completes the release where all went well.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let (release, request) = request(services, claimed).await?;
    if let Some(ended) = completed(&release) {
        return Ok(ended);
    }
    let recorder = Recorder::start(services, &release, claimed, cancelled.clone()).await?;
    let builder = services.builder().clone();
    let built = on_own_thread(recorder, move |observer| builder.build(&request, observer)).await?;
    match built {
        Ok(output) => complete(services, &release, &output).await,
        Err(_) if cancelled.load(Ordering::Acquire) => Ok(cancelled_by_a_person()),
        Err(error) => {
            Ok(Ended { state: JobState::Failed, outcome: domain::error_chain::chain(&error) })
        }
    }
}

/// Lets the builder work on a thread of its own; fails where something of it could not be written
/// down.
pub(super) async fn on_own_thread<T: Send + 'static>(
    recorder: Recorder,
    work: impl FnOnce(&Recorder) -> Result<T, BuildError> + Send + 'static,
) -> Result<Result<T, BuildError>, ServiceError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("build".to_owned()).spawn(move || {
        let built = work(&recorder);
        // An error means that the server has ended.
        let _ = sender.send((built, recorder.into_fault()));
    })?;
    let (built, fault) = receiver.await.map_err(ServiceError::internal)?;
    fault.map_or(Ok(built), Err)
}

/// What the builder is asked for. A build that was interrupted after its first step keeps the lock
/// that it resolved to.
async fn request(
    services: &Services,
    claimed: &ClaimedJob,
) -> Result<(Release, BuildRequest), ServiceError> {
    let mut rows = services.read().await?;
    let release = rows
        .release(release_of(&claimed.job)?)
        .await?
        .ok_or_else(|| no_release(claimed.job.id.as_str()))?;
    let revision = rows
        .revision_of(&release.recipe, release.revision)
        .await?
        .ok_or_else(|| ServiceError::NotFound(format!("recipe of {}", release.version)))?;
    let recipe = recipe::parse(&revision.text).map_err(|problems| {
        let first = problems.first().map_or_else(String::new, |it| it.message.clone());
        ServiceError::invalid("recipe", first)
    })?;
    let parameters: BuildParameters =
        serde_json::from_value(claimed.parameters.clone()).map_err(ServiceError::internal)?;
    let former = match parameters.former_lock {
        Some(digest) => rows.lock(&digest).await?,
        None => None,
    };
    let own = match &release.lock {
        Some(digest) => rows.lock(digest).await?,
        None => None,
    };
    let choice = match (own, parameters.packages, former) {
        (Some(lock), _, _) | (None, Packages::Keep, Some(lock)) => LockChoice::Keep(lock),
        (None, Packages::Keep | Packages::Newer, former) => LockChoice::Newer { former },
    };
    let target = release.version.target.clone();
    Ok((release, BuildRequest { recipe, target, choice }))
}

async fn complete(
    services: &Services,
    release: &Release,
    output: &BuildOutput,
) -> Result<Ended, ServiceError> {
    let digest = output.manifest.digest()?;
    let mut tx = services.begin().await?;
    let outcome = if let Some(same) = tx.release_with_manifest(&digest, &release.id).await? {
        tx.set_identical(&release.id, &same.version).await?;
        identical_to(&same.version)
    } else {
        tx.complete_release(
            &release.id,
            &output.manifest,
            &output.signature.sha256,
            services.now(),
        )
        .await?;
        candidate(release, &digest)
    };
    services.commit(tx, &format!("release/{}", release.version)).await?;
    Ok(Ended { state: JobState::Succeeded, outcome })
}

/// How the build of a release ended that is complete already: the server was interrupted after
/// [`complete`] and before the job's own end, and there is nothing left to build.
pub(super) fn completed(release: &Release) -> Option<Ended> {
    let outcome = match (&release.identical_to, &release.manifest) {
        (Some(same), _) => identical_to(same),
        (None, Some(manifest)) => candidate(release, manifest),
        (None, None) => return None,
    };
    Some(Ended { state: JobState::Succeeded, outcome })
}

pub(super) fn identical_to(other: &CandidateVersion) -> String {
    format!("identical to {other}")
}

pub(super) fn candidate(release: &Release, manifest: &Digest) -> String {
    format!("{} is a candidate: {}", release.version, manifest.short())
}

/// In the transaction that ends the job: a release that is still being built has failed.
pub(super) async fn end(
    services: &Services,
    tx: &mut WriteTx,
    claimed: &ClaimedJob,
    ended: &Ended,
) -> Result<(), ServiceError> {
    let id = release_of(&claimed.job)?;
    let missing = || no_release(id.as_str());
    let before = tx.release(id).await?.ok_or_else(missing)?;
    if before.stage == Stage::Building {
        tx.set_stage(id, Stage::Building, Stage::Failed).await?;
    }
    let release = tx.release(id).await?.ok_or_else(missing)?;
    let actor = Actor::runner(claimed.job.id.as_str());
    let change = Change::BuildEnded { release: &release, outcome: &ended.outcome };
    services.record(tx, &actor, change).await?;
    Ok(())
}

/// Writes down what the builder does, from the builder's own thread.
pub(super) struct Recorder {
    services: Services,
    release: Release,
    handle: Handle,
    log: LogWriter,
    cancelled: Arc<AtomicBool>,
    steps: Mutex<Vec<Step>>,
    /// The first thing that could not be written: the build stops and says so.
    fault: Mutex<Option<ServiceError>>,
}

impl Recorder {
    /// Begins to write down what a job's builder does.
    pub(super) async fn start(
        services: &Services,
        release: &Release,
        claimed: &ClaimedJob,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self, ServiceError> {
        let steps = services.read().await?.steps(&claimed.job.id).await?;
        let recorder = Self {
            services: services.clone(),
            release: release.clone(),
            handle: Handle::current(),
            log: services.logs().writer(&claimed.job.id)?,
            cancelled,
            steps: Mutex::new(steps),
            fault: Mutex::new(None),
        };
        if claimed.job.attempts > 1 {
            recorder.log("", "The server was interrupted; finished steps are kept.");
        }
        Ok(recorder)
    }

    fn into_fault(self) -> Option<ServiceError> {
        self.fault.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, written: Result<(), ServiceError>) {
        if let Err(error) = written {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(error);
            self.cancelled.store(true, Ordering::Release);
        }
    }

    fn write_step(&self, name: &str, change: impl FnOnce(&mut Step)) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(step) = steps.iter_mut().find(|step| step.name == name) else { return };
        change(step);
        let step = step.clone();
        drop(steps);
        let written = self.handle.block_on(async {
            let mut tx = self.services.begin().await?;
            tx.set_step(&self.release.job, &step).await?;
            self.services.commit(tx, &format!("job/{}", self.release.job)).await
        });
        self.note(written);
    }
}

impl BuildObserver for Recorder {
    fn step(&self, event: StepEvent<'_>) {
        let now = self.services.now();
        match event {
            StepEvent::Started { name, key } => self.write_step(name, |step| {
                step.state = StepState::Running;
                step.key = key;
                step.started_at = Some(now);
                step.ended_at = None;
                step.progress = None;
                step.message = None;
            }),
            StepEvent::Progress { name, thousandths } => {
                self.write_step(name, |step| step.progress = Some(thousandths));
            }
            StepEvent::Ended { name, state, message } => self.write_step(name, |step| {
                step.state = state;
                step.started_at.get_or_insert(now);
                step.ended_at = Some(now);
                step.message = message;
            }),
        }
    }

    fn log(&self, step: &str, line: &str) {
        self.note(self.log.line(self.services.now(), step, line).map_err(Into::into));
    }

    fn lock_resolved(&self, lock: &Lock) {
        let written = self.handle.block_on(async {
            let mut tx = self.services.begin().await?;
            let digest = tx.insert_lock(lock, self.services.now()).await?;
            tx.set_lock(&self.release.id, &digest).await?;
            self.services.commit(tx, &format!("release/{}", self.release.version)).await
        });
        self.note(written);
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}
