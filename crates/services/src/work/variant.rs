//! Building a variant: hands a definition to the builder, writes down what it resolves to, and keeps
//! what came of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use builder::{BuildObserver, StepEvent, VariantOutput, VariantRequest};
use domain::{
    actor::Actor,
    job::{JobState, Step, StepState},
    lock::Lock,
    time::human_size,
    variant::{LAYER, VariantLock},
};
use store::{Rows, WriteTx, jobs::ClaimedJob, variants::VariantBuildRow};

use super::{
    Ended, cancelled_by_a_person,
    transcript::{Observes, Transcript, on_a_thread},
};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    jobs::no_job,
    variants::{FrozenBase, FrozenVariantKernel, VariantParameters, topic},
};

/// Builds, and completes the build where all went well.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let mut rows = services.read().await?;
    let row = build_of(&mut rows, claimed).await?;
    if row.build.manifest.is_some() {
        // The server was interrupted after it was complete and before the job's own end.
        return Ok(succeeded(&row, &rows.steps(&claimed.job.id).await?));
    }
    let request = match request(&mut rows, claimed, &row).await? {
        Ok(request) => request,
        Err(outcome) => return Ok(Ended { state: JobState::Failed, outcome }),
    };
    drop(rows);
    let transcript = Transcript::begin(services, claimed, cancelled.clone()).await?;
    let observer = Recorder { transcript, variant: row.variant.clone(), row };
    let (variant, job) = (observer.variant.clone(), claimed.job.id.clone());
    let builder = services.builder().clone();
    let built =
        on_a_thread("variant", observer, move |it| builder.build_variant(&request, it)).await?;
    match built {
        Ok(output) => {
            complete(services, claimed, &variant, &output).await?;
            let mut rows = services.read().await?;
            let row = rows.variant_build_of_job(&job).await?.ok_or_else(|| no_job(&job))?;
            Ok(succeeded(&row, &rows.steps(&job).await?))
        }
        Err(_) if cancelled.load(Ordering::Acquire) => Ok(cancelled_by_a_person()),
        Err(error) => {
            Ok(Ended { state: JobState::Failed, outcome: domain::error_chain::chain(&error) })
        }
    }
}

async fn build_of(rows: &mut Rows, claimed: &ClaimedJob) -> Result<VariantBuildRow, ServiceError> {
    let id = &claimed.job.id;
    rows.variant_build_of_job(id).await?.ok_or_else(|| no_job(id))
}

/// What the builder is asked for; the inner error is why it cannot be asked.
async fn request(
    rows: &mut Rows,
    claimed: &ClaimedJob,
    row: &VariantBuildRow,
) -> Result<Result<VariantRequest, String>, ServiceError> {
    let VariantParameters { kernels } =
        serde_json::from_value(claimed.parameters.clone()).map_err(ServiceError::internal)?;
    let gone = || format!("the release {} is gone; choose another base", row.build.base);
    let Some(release) = rows.release(&row.base).await? else { return Ok(Err(gone())) };
    let Some(manifest) = rows.manifest_of(&row.base).await? else { return Ok(Err(gone())) };
    let base = FrozenBase { release, manifest, digest: row.build.base_manifest };
    Ok(Ok(VariantRequest {
        definition: row.build.definition.clone(),
        base: base.for_builder(rows).await?,
        kernels: kernels.iter().map(FrozenVariantKernel::request).collect(),
        lock: row.build.lock.clone(),
    }))
}

async fn complete(
    services: &Services,
    claimed: &ClaimedJob,
    variant: &str,
    output: &VariantOutput,
) -> Result<(), ServiceError> {
    let mut tx = services.begin().await?;
    tx.complete_variant_build(&claimed.job.id, &output.manifest).await?;
    services.commit(tx, &topic(variant)).await?;
    services.refresh_catalogue().await
}

/// `probe 3 can be booted: a layer of 1.9 MiB on v1.0.0, 1.8 % of its image`, and of one that came from
/// the step cache as a whole that nothing ran.
fn succeeded(row: &VariantBuildRow, steps: &[Step]) -> Ended {
    let build = &row.build;
    let size = build.layer_size().unwrap_or_default();
    let images = build.manifest.iter().flat_map(|manifest| {
        let below = manifest.images.iter().filter(|name| *name != LAYER);
        below.filter_map(|name| manifest.component(name)).map(|it| it.size)
    });
    let image: u64 = images.sum();
    let thousandths = size.saturating_mul(1000) / image.max(1);
    let mut outcome = format!(
        "{} {} can be booted: a layer of {} on {}, {}.{} % of its image",
        row.variant,
        build.number,
        human_size(size),
        build.base,
        thousandths / 10,
        thousandths % 10
    );
    if nothing_ran(steps) {
        outcome.push_str("; everything was known, so nothing ran");
    }
    Ended { state: JobState::Succeeded, outcome }
}

/// Whether each step that could be known was.
fn nothing_ran(steps: &[Step]) -> bool {
    let mut keyed = steps.iter().filter(|it| it.key.is_some()).peekable();
    keyed.peek().is_some() && keyed.all(|it| it.state == StepState::Reused)
}

/// In the transaction that ends the job.
pub(super) async fn end(
    services: &Services,
    tx: &mut WriteTx,
    claimed: &ClaimedJob,
    ended: &Ended,
) -> Result<(), ServiceError> {
    let row = build_of(tx, claimed).await?;
    let manifest =
        row.build.manifest.as_ref().map(domain::manifest::Manifest::digest).transpose()?;
    let change = Change::VariantBuildEnded {
        variant: &row.variant,
        job: &claimed.job.id,
        number: row.build.number,
        manifest: manifest.as_ref(),
        outcome: &ended.outcome,
    };
    services.record(tx, &Actor::runner(claimed.job.id.as_str()), change).await?;
    Ok(())
}

/// Writes down what the builder does and resolves, from the builder's own thread.
struct Recorder {
    transcript: Transcript,
    variant: String,
    row: VariantBuildRow,
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

    fn lock_resolved(&self, _lock: &Lock) {
        // A variant's lock says what differs; see below.
    }

    fn variant_resolved(&self, lock: &VariantLock) {
        self.transcript.write(async {
            let services = &self.transcript.services;
            let mut tx = services.begin().await?;
            tx.set_variant_lock(&self.row.build.job, lock).await?;
            services.commit(tx, &topic(&self.variant)).await
        });
    }

    fn cancelled(&self) -> bool {
        self.transcript.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use domain::digest::Digest;

    use super::*;

    fn step(state: StepState, keyed: bool) -> Step {
        Step {
            position: 0,
            name: "pack".to_owned(),
            state,
            key: keyed.then(|| Digest::of("key")),
            started_at: None,
            ended_at: None,
            progress: None,
            message: None,
        }
    }

    #[test]
    fn nothing_ran_where_every_step_that_could_be_known_was() {
        let asked = step(StepState::Succeeded, false);
        let known = step(StepState::Reused, true);
        assert!(nothing_ran(&[asked.clone(), known.clone(), known.clone()]));
        assert!(!nothing_ran(&[asked.clone(), known, step(StepState::Succeeded, true)]));
        assert!(!nothing_ran(&[asked]));
    }
}
