//! What a builder does, written down from the builder's own thread: steps as they stand, and the
//! log. What else it finds out, such as a lock or a configuration, its kind of job adds.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use builder::StepEvent;
use domain::{
    ids::JobId,
    job::{Step, StepState},
};
use store::jobs::ClaimedJob;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{Services, error::ServiceError, job_log::LogWriter};

/// Steps and log of one job.
pub(super) struct Transcript {
    pub(super) services: Services,
    job: JobId,
    handle: Handle,
    log: LogWriter,
    cancelled: Arc<AtomicBool>,
    steps: Mutex<Vec<Step>>,
    /// The first thing that could not be written: the builder stops and says so.
    fault: Mutex<Option<ServiceError>>,
}

impl Transcript {
    /// Begins, or goes on after an interruption.
    pub(super) async fn begin(
        services: &Services,
        claimed: &ClaimedJob,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self, ServiceError> {
        let job = claimed.job.id.clone();
        let steps = services.read().await?.steps(&job).await?;
        let transcript = Self {
            services: services.clone(),
            log: services.logs().writer(&job)?,
            job,
            handle: Handle::current(),
            cancelled,
            steps: Mutex::new(steps),
            fault: Mutex::new(None),
        };
        if claimed.job.attempts > 1 {
            transcript.log("", "The server was interrupted; finished steps are kept.");
        }
        Ok(transcript)
    }

    /// Writes to the store and waits for it; a failure stops the builder.
    pub(super) fn write(&self, writing: impl Future<Output = Result<(), ServiceError>>) {
        self.note(self.handle.block_on(writing));
    }

    pub(super) fn step(&self, event: StepEvent<'_>) {
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

    pub(super) fn log(&self, step: &str, line: &str) {
        self.note(self.log.line(self.services.now(), step, line).map_err(Into::into));
    }

    pub(super) fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
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
        self.write(async {
            let mut tx = self.services.begin().await?;
            tx.set_step(&self.job, &step).await?;
            self.services.commit(tx, &format!("job/{}", self.job)).await
        });
    }
}

/// Who observes a builder for one kind of job.
pub(super) trait Observes: Send + 'static {
    /// Its steps and log.
    fn transcript(self) -> Transcript;
}

/// Lets a builder work on a thread of its own, called `name`, and waits for what comes of it.
///
/// # Errors
/// The first thing that could not be written down.
pub(super) async fn on_a_thread<O: Observes, T: Send + 'static>(
    name: &str,
    observer: O,
    work: impl FnOnce(&O) -> T + Send + 'static,
) -> Result<T, ServiceError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let done = work(&observer);
        let fault = observer.transcript().fault.into_inner();
        // An error means that the server has ended.
        let _ = sender.send((done, fault.unwrap_or_else(PoisonError::into_inner)));
    })?;
    let (done, fault) = receiver.await.map_err(ServiceError::internal)?;
    fault.map_or(Ok(done), Err)
}
