//! The workers: they take jobs under a lease and do them on threads of their own.
//!
//! A worker is woken by a nudge and by a timer, takes no input but the store, and does nothing
//! twice: a job that a former server left behind is taken again, its finished build steps come
//! from the step cache, its ended runs stay. So a crash at any instant is repaired by the next
//! round.
//!
//! Kernels have a worker of their own: one compiles at a time, and releases, validations and
//! collections go on beside it.

mod build;
mod collection;
mod import;
mod kernel;
mod transcript;
mod validation;
mod variant;

use std::{
    fs::File,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    error_chain::chain,
    ids::{JobId, ReleaseId},
    job::{Job, JobKind, JobState, StepState},
};
use store::jobs::ClaimedJob;
use tokio::sync::watch;

use crate::{Services, error::ServiceError};

/// The name under which this server's workers hold leases: one server works on one data folder.
pub(crate) const WORKER: &str = "server";
/// How long a worker may be silent before its job is taken from it.
const LEASE: Duration = Duration::from_secs(60);
/// How often it says that it is there, and looks for work that nobody nudged it about.
const ROUND: Duration = Duration::from_secs(5);

/// How a job ended, for its row and its audit row.
pub(crate) struct Ended {
    pub(crate) state: JobState,
    pub(crate) outcome: String,
}

/// What every worker takes but that of kernels.
const ORDINARY: [JobKind; 4] =
    [JobKind::Build, JobKind::Import, JobKind::Validation, JobKind::Collection];
/// What only the worker of kernels takes.
const KERNELS: [JobKind; 1] = [JobKind::Kernel];
/// What only the workers of variants take.
const VARIANTS: [JobKind; 1] = [JobKind::Variant];

impl Services {
    /// Takes jobs, one after the other, until the server ends; those of kernels are left to
    /// [`Services::work_on_kernels`].
    pub async fn work(&self, number: u16, stopping: watch::Receiver<bool>) {
        self.take_jobs(&ORDINARY, &number.to_string(), stopping).await;
    }

    /// Makes kernels, one after the other, until the server ends. A server has one such worker, since
    /// a compilation takes all cores that it gets.
    pub async fn work_on_kernels(&self, stopping: watch::Receiver<bool>) {
        self.take_jobs(&KERNELS, "kernels", stopping).await;
    }

    /// Builds variants, one after the other, until the server ends. A server has some such workers of
    /// their own: a variant takes seconds, and waits for no release.
    pub async fn work_on_variants(&self, number: u16, stopping: watch::Receiver<bool>) {
        self.take_jobs(&VARIANTS, &format!("variants {number}"), stopping).await;
    }

    async fn take_jobs(
        &self,
        kinds: &[JobKind],
        worker: &str,
        mut stopping: watch::Receiver<bool>,
    ) {
        loop {
            let nudged = self.nudged();
            if *stopping.borrow() {
                return;
            }
            match self.claim(kinds).await {
                Ok(Some(claimed)) => {
                    self.run_job(claimed, &mut stopping).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, worker, "no job could be taken"),
            }
            tokio::select! {
                () = nudged => {}
                () = tokio::time::sleep(ROUND) => {}
                _ = stopping.changed() => return,
            }
        }
    }

    /// Ends sessions, links and keys of requests that have expired, and once a day collects what
    /// nothing needs, while the server runs.
    pub async fn keep_house(self, mut stopping: watch::Receiver<bool>) {
        const HOUR: Duration = Duration::from_secs(3600);
        loop {
            tokio::select! {
                () = tokio::time::sleep(HOUR) => {}
                _ = stopping.changed() => return,
            }
            let cleaned = async {
                let mut tx = self.begin().await?;
                tx.delete_expired_sessions(self.now()).await?;
                tx.commit().await?;
                self.forget_old_keys().await?;
                self.collect_daily().await
            };
            if let Err(error) = cleaned.await {
                tracing::warn!(%error, "what is over was not removed");
            }
        }
    }

    async fn claim(&self, kinds: &[JobKind]) -> Result<Option<ClaimedJob>, ServiceError> {
        let short = self.shortage().await?.is_some();
        let mut tx = self.begin().await?;
        let now = self.now();
        if short && self.make_room(&mut tx).await? {
            tracing::info!("builds wait for room on the disk: what nothing needs is collected");
        }
        let waits = |kind: &JobKind| short && kind.waits_for_room();
        let kinds: Vec<JobKind> = kinds.iter().copied().filter(|kind| !waits(kind)).collect();
        let claimed = tx.claim_job(WORKER, now, now.plus(LEASE), &kinds).await?;
        tx.commit().await?;
        if let Some(claimed) = &claimed {
            self.tell(&format!("job/{}", claimed.job.id));
        }
        Ok(claimed)
    }

    /// Runs a job on its own thread, keeps its lease, and writes how it ended. A server that ends
    /// leaves the job as it is: running, for the next server to take.
    async fn run_job(&self, claimed: ClaimedJob, stopping: &mut watch::Receiver<bool>) {
        let id = claimed.job.id.clone();
        let cancelled = self.register_running(&id);
        if claimed.job.cancel_requested_at.is_some() {
            cancelled.store(true, Ordering::Release);
        }
        let mut work = std::pin::pin!(self.do_job(&claimed, cancelled));
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                () = tokio::time::sleep(ROUND) => self.keep_lease(&id).await,
                _ = stopping.changed() => self.interrupt_running(),
            }
        };
        let result = match ended {
            _ if *stopping.borrow() => {
                tracing::info!(job = %id, "interrupted by the end of the server; the next one goes on");
                return;
            }
            Ok(ended) => self.end_job(&claimed, ended).await,
            Err(error) => {
                tracing::error!(job = %id, error = %chain(&error), "a job failed on our side");
                let outcome = chain(&error);
                self.end_job(&claimed, Ended { state: JobState::Failed, outcome }).await
            }
        };
        // Not before the rows name what it wrote: until then a collection leaves that alone.
        self.forget_running(&id);
        if let Err(error) = result {
            // The lease runs out and the job is done again: better twice than lost.
            tracing::error!(job = %id, error = %chain(&error), "the end of a job could not be written");
        }
    }

    async fn do_job(
        &self,
        claimed: &ClaimedJob,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Ended, ServiceError> {
        if cancelled.load(Ordering::Acquire) {
            return Ok(cancelled_by_a_person());
        }
        match claimed.job.kind {
            JobKind::Build => build::run(self, claimed, cancelled).await,
            JobKind::Import => import::run(self, claimed, cancelled).await,
            JobKind::Validation => validation::run(self, claimed, cancelled).await,
            JobKind::Collection => collection::run(self, claimed, cancelled).await,
            JobKind::Kernel => kernel::run(self, claimed, cancelled).await,
            JobKind::Variant => variant::run(self, claimed, cancelled).await,
        }
    }

    async fn keep_lease(&self, id: &JobId) {
        let kept = async {
            let mut tx = self.begin().await?;
            let kept = tx.extend_lease(id, WORKER, self.now().plus(LEASE)).await?;
            tx.commit().await?;
            Ok::<_, ServiceError>(kept)
        };
        match kept.await {
            Ok(true) => {}
            Ok(false) => self.cancel_running(id),
            Err(error) => tracing::warn!(job = %id, %error, "the lease of a job was not extended"),
        }
    }

    /// Writes how a job ended; its log becomes a blob.
    async fn end_job(&self, claimed: &ClaimedJob, ended: Ended) -> Result<(), ServiceError> {
        let id = &claimed.job.id;
        let (blobs, path) = (self.blobs().clone(), self.logs().path(id));
        let log = tokio::task::spawn_blocking(move || match File::open(path) {
            Ok(log) => blobs.put_record(log).map_err(ServiceError::internal),
            // It ended before it began: cancelled while it waited.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                blobs.put_record(io::empty()).map_err(ServiceError::internal)
            }
            Err(error) => Err(ServiceError::internal(error)),
        })
        .await
        .map_err(ServiceError::internal)??;
        let mut tx = self.begin().await?;
        let step = match ended.state {
            JobState::Cancelled => StepState::Cancelled,
            JobState::Queued | JobState::Running | JobState::Succeeded | JobState::Failed => {
                StepState::Failed
            }
        };
        tx.end_running_steps(id, step, self.now()).await?;
        tx.end_job(id, ended.state, &ended.outcome, Some(&log.sha256), self.now()).await?;
        match claimed.job.kind {
            JobKind::Build | JobKind::Import => {
                build::end(self, &mut tx, claimed, &ended).await?;
            }
            JobKind::Validation => validation::end(self, &mut tx, claimed, &ended).await?,
            JobKind::Collection => collection::end(self, &mut tx, claimed, &ended).await?,
            JobKind::Kernel => kernel::end(self, &mut tx, claimed, &ended).await?,
            JobKind::Variant => variant::end(self, &mut tx, claimed, &ended).await?,
        }
        self.commit(tx, &format!("job/{id}")).await?;
        if let Some(kernel) = &claimed.job.kernel {
            self.tell(&crate::kernels::topic(&kernel.name));
        }
        if let Some(variant) = &claimed.job.variant {
            self.tell(&crate::variants::topic(&variant.name));
        }
        // Its blob has every line; where the server ends first, a collection removes the file.
        if let Err(error) = self.logs().remove(id) {
            tracing::warn!(job = %id, %error, "the file of a log that is kept was not removed");
        }
        self.refresh_catalogue().await
    }
}

/// The release that a build, an import or a validation is about.
fn release_of(job: &Job) -> Result<&ReleaseId, ServiceError> {
    job.release_id()
        .ok_or_else(|| ServiceError::internal(format!("job {} names no release", job.id)))
}

pub(crate) fn cancelled_by_a_person() -> Ended {
    Ended { state: JobState::Cancelled, outcome: "cancelled".to_owned() }
}
