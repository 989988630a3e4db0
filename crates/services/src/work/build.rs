//! Building a release: hands a recipe to the builder, writes down what it does, and keeps what
//! came of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use builder::{
    BuildObserver, BuildOutput, BuildRequest, KernelOutput, KernelRequest, LockChoice, StepEvent,
};
use domain::{
    actor::Actor,
    digest::Digest,
    job::JobState,
    lock::Lock,
    manifest::Manifest,
    recipe,
    release::{Release, Stage},
    version::CandidateVersion,
};
use store::{WriteTx, jobs::ClaimedJob};

use super::{
    Ended, cancelled_by_a_person, release_of,
    transcript::{Observes, Transcript, on_a_thread},
};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    kernels::FrozenKernel,
    releases::{BuildParameters, Packages, no_release},
};

/// Builds, and completes the release where all went well.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let (release, request, kernels) = request(services, claimed).await?;
    if let Some(ended) = completed(&release) {
        return Ok(ended);
    }
    let observer = Recorder::start(services, claimed, cancelled.clone(), &release, kernels).await?;
    let builder = services.builder().clone();
    let built = on_a_thread("build", observer, move |it| builder.build(&request, it)).await?;
    match built {
        Ok(output) => complete(services, &release, &output).await,
        Err(_) if cancelled.load(Ordering::Acquire) => Ok(cancelled_by_a_person()),
        Err(error) => {
            Ok(Ended { state: JobState::Failed, outcome: domain::error_chain::chain(&error) })
        }
    }
}

/// What the builder is asked for. A build that was interrupted after its first step keeps the lock
/// that it resolved to.
async fn request(
    services: &Services,
    claimed: &ClaimedJob,
) -> Result<(Release, BuildRequest, Vec<FrozenKernel>), ServiceError> {
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
    let kernels = parameters.kernels.iter().map(FrozenKernel::request).collect();
    Ok((release, BuildRequest { recipe, target, choice, kernels }, parameters.kernels))
}

async fn complete(
    services: &Services,
    release: &Release,
    output: &BuildOutput,
) -> Result<Ended, ServiceError> {
    let mut tx = services.begin().await?;
    let signature = &output.signature.sha256;
    let outcome = settle(services, &mut tx, release, &output.manifest, signature).await?;
    services.commit(tx, &format!("release/{}", release.version)).await?;
    Ok(Ended { state: JobState::Succeeded, outcome })
}

/// Makes the release a candidate, or says which one has the very same contents.
pub(super) async fn settle(
    services: &Services,
    tx: &mut WriteTx,
    release: &Release,
    manifest: &Manifest,
    signature: &Digest,
) -> Result<String, ServiceError> {
    let digest = manifest.digest()?;
    if let Some(same) = tx.release_with_manifest(&digest, &release.id).await? {
        tx.set_identical(&release.id, &same.version).await?;
        return Ok(identical_to(&same.version));
    }
    tx.complete_release(&release.id, manifest, signature, services.now()).await?;
    Ok(candidate(release, &digest))
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

fn identical_to(other: &CandidateVersion) -> String {
    format!("identical to {other}")
}

fn candidate(release: &Release, manifest: &Digest) -> String {
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

/// Writes down what the builder does and resolves, from the builder's own thread.
pub(super) struct Recorder {
    transcript: Transcript,
    release: Release,
    /// The kernels that it makes on the way; none where nothing is compiled.
    kernels: Vec<FrozenKernel>,
}

impl Recorder {
    /// Begins to write down what a job's builder does.
    pub(super) async fn start(
        services: &Services,
        claimed: &ClaimedJob,
        cancelled: Arc<AtomicBool>,
        release: &Release,
        kernels: Vec<FrozenKernel>,
    ) -> Result<Self, ServiceError> {
        let transcript = Transcript::begin(services, claimed, cancelled).await?;
        Ok(Self { transcript, release: release.clone(), kernels })
    }
}

impl Observes for Recorder {
    fn transcript(self) -> Transcript {
        self.transcript
    }
}

impl BuildObserver for Recorder {
    fn step(&self, event: StepEvent<'_>) {
        self.transcript.step(event);
    }

    fn log(&self, step: &str, line: &str) {
        self.transcript.log(step, line);
    }

    fn lock_resolved(&self, lock: &Lock) {
        self.transcript.write(async {
            let services = &self.transcript.services;
            let mut tx = services.begin().await?;
            let digest = tx.insert_lock(lock, services.now()).await?;
            tx.set_lock(&self.release.id, &digest).await?;
            services.commit(tx, &format!("release/{}", self.release.version)).await
        });
    }

    fn kernel_built(&self, request: &KernelRequest, output: &KernelOutput) {
        let Some(frozen) = self.kernels.iter().find(|it| it.id == request.kernel) else { return };
        let services = &self.transcript.services;
        self.transcript.write(services.note_kernel_of_release(
            &self.release.version,
            frozen,
            output,
        ));
    }

    fn cancelled(&self) -> bool {
        self.transcript.cancelled()
    }
}
