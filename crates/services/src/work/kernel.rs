//! Making a kernel, or its configuration alone: hands a definition to the builder, writes down what
//! it finds as soon as it does, and keeps what came of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use builder::{BuildObserver, KernelOutput, KernelRequest, StepEvent};
use domain::{
    actor::Actor,
    blob::BlobRef,
    job::JobState,
    kernel::{BuildMode, ConfigReport, Definition, KernelBuild, Record, Source, SourceRecord},
    lock::Lock,
    time::human_size,
};
use store::{Rows, WriteTx, jobs::ClaimedJob, kernels::builds::KernelBuildRow};

use super::{
    Ended, cancelled_by_a_person,
    transcript::{Observes, Transcript, on_a_thread},
};
use crate::{Services, audit::Change, error::ServiceError, jobs::no_job, kernels::topic};

/// Makes it, and completes the build where all went well.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let row = build_of(&mut services.read().await?, claimed).await?;
    if let Some(record) = &row.build.record {
        // The server was interrupted after it was complete and before the job's own end.
        return Ok(succeeded(built(record)));
    }
    let KernelBuildRow { build, kernel, .. } = row;
    let request = KernelRequest {
        kernel: build.kernel.clone(),
        name: kernel.clone(),
        definition: build.definition.clone(),
        mode: build.mode,
    };
    let transcript = Transcript::begin(services, claimed, cancelled.clone()).await?;
    let observer = Recorder { transcript, kernel: kernel.clone(), build: build.clone() };
    let builder = services.builder().clone();
    let made =
        on_a_thread("kernel", observer, move |it| builder.build_kernel(&request, it)).await?;
    match made {
        Ok(output) => complete(services, &kernel, &build, &output).await,
        Err(_) if cancelled.load(Ordering::Acquire) => Ok(cancelled_by_a_person()),
        Err(error) => {
            Ok(Ended { state: JobState::Failed, outcome: domain::error_chain::chain(&error) })
        }
    }
}

async fn build_of(rows: &mut Rows, claimed: &ClaimedJob) -> Result<KernelBuildRow, ServiceError> {
    let id = &claimed.job.id;
    rows.kernel_build_of_job(id).await?.ok_or_else(|| no_job(id))
}

/// Writes what came out, all of it in one transaction: a build has its whole record or none.
async fn complete(
    services: &Services,
    kernel: &str,
    build: &KernelBuild,
    output: &KernelOutput,
) -> Result<Ended, ServiceError> {
    let mut tx = services.begin().await?;
    if let Some(config) = &output.config {
        tx.set_configured(&build.job, output.report.as_ref(), config).await?;
    }
    let outcome = match (&output.record, build.mode) {
        (Some(record), _) => {
            tx.complete_kernel_build(&build.job, record).await?;
            built(record)
        }
        (None, BuildMode::Configure) => configured(output.report.as_ref()),
        (None, BuildMode::Development | BuildMode::Release) => {
            let what = format!("the builder gave no record of kernel {kernel}");
            return Err(ServiceError::internal(what));
        }
    };
    services.commit(tx, &topic(kernel)).await?;
    Ok(succeeded(outcome))
}

const fn succeeded(outcome: String) -> Ended {
    Ended { state: JobState::Succeeded, outcome }
}

/// `6.1.170-lab is built: 5 files, 21.3 MiB`.
fn built(record: &Record) -> String {
    let files = record.files.len();
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    format!("{} is built: {files}, {}", record.release, human_size(record.size()))
}

fn configured(report: Option<&ConfigReport>) -> String {
    let Some(report) = report else { return "it is configured".to_owned() };
    let changed = match report.changed.len() {
        0 => "no option".to_owned(),
        1 => "1 option".to_owned(),
        more => format!("{more} options"),
    };
    let kept = match report.not_kept.len() {
        0 => "every requested option stuck".to_owned(),
        1 => "1 requested option did not stick".to_owned(),
        more => format!("{more} requested options did not stick"),
    };
    format!("{} is configured: the tree changed {changed}, and {kept}", report.release)
}

/// In the transaction that ends the job.
pub(super) async fn end(
    services: &Services,
    tx: &mut WriteTx,
    claimed: &ClaimedJob,
    ended: &Ended,
) -> Result<(), ServiceError> {
    let row = build_of(tx, claimed).await?;
    let record = row.build.record.as_ref().map(domain::canonical::digest).transpose()?;
    let change = Change::KernelBuildEnded {
        kernel: &row.kernel,
        job: &claimed.job.id,
        number: row.build.number,
        record: record.as_ref(),
        outcome: &ended.outcome,
    };
    services.record(tx, &Actor::runner(claimed.job.id.as_str()), change).await?;
    Ok(())
}

/// The definition with its tag pinned to `commit`, where it names a repository and no commit yet.
fn pinned(definition: &Definition, commit: &str) -> Option<Definition> {
    let mut pinned = definition.clone();
    match &mut pinned.source {
        Source::Git { commit: unknown @ None, .. } => *unknown = Some(commit.to_owned()),
        _ => return None,
    }
    Some(pinned)
}

/// Writes down what the builder does and finds, from the builder's own thread.
struct Recorder {
    transcript: Transcript,
    /// Name of the kernel.
    kernel: String,
    build: KernelBuild,
}

impl Observes for Recorder {
    fn transcript(self) -> Transcript {
        self.transcript
    }
}

impl Recorder {
    /// Pins this build and, where nobody has changed it since, the kernel itself: a tag that moves
    /// later is found, and a build that is interrupted goes on with the same commit.
    async fn pin(&self, commit: &str) -> Result<(), ServiceError> {
        let Some(frozen) = pinned(&self.build.definition, commit) else { return Ok(()) };
        let services = &self.transcript.services;
        let mut tx = services.begin().await?;
        tx.pin_kernel_build(&self.build.job, &frozen).await?;
        if let Some(row) = tx.kernel(&self.kernel).await?
            && let Some(own) = pinned(&row.kernel.definition, commit)
        {
            tx.pin_kernel(&self.build.kernel, self.build.revision, &own).await?;
        }
        services.commit(tx, &topic(&self.kernel)).await
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
        // A kernel has no lock: its source is named by its digest.
    }

    fn source_found(&self, source: &SourceRecord) {
        if let Some(commit) = &source.commit {
            self.transcript.write(self.pin(commit));
        }
    }

    fn configured(&self, report: &ConfigReport, config: &BlobRef) {
        self.transcript.write(async {
            let services = &self.transcript.services;
            let mut tx = services.begin().await?;
            tx.set_configured(&self.build.job, Some(report), config).await?;
            services.commit(tx, &topic(&self.kernel)).await
        });
    }

    fn cancelled(&self) -> bool {
        self.transcript.cancelled()
    }
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
