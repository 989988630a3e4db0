//! Jobs as people see them: lists, steps, logs, and stopping one.

use std::fmt;

use domain::{
    actor::Actor,
    ids::JobId,
    job::{Job, JobKind, JobState, Step},
    page::{Page, Slice},
    policy::{self, Action},
    release::Release,
    room::Shortage,
};

pub use store::jobs::JobFilter;

use crate::{Services, audit::Change, error::ServiceError};

/// Why no worker takes a queued job, where it waits for more than a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// A disk has too little room.
    Room(Shortage),
    /// Kernels are made one after the other, and now it is another one's turn.
    Turn {
        /// Name of that kernel.
        kernel: String,
    },
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(shortage) => shortage.fmt(f),
            Self::Turn { kernel } => {
                write!(f, "kernels are made one after the other, and {kernel} is being made")
            }
        }
    }
}

impl Services {
    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn jobs_page(
        &self,
        actor: &Actor,
        filter: &JobFilter,
        slice: &Slice,
    ) -> Result<Page<Job>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.jobs_page(filter, slice).await?)
    }

    /// One job.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn job(&self, actor: &Actor, id: &JobId) -> Result<Job, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.job(id).await?.ok_or_else(|| no_job(id))
    }

    /// The jobs about a release, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn jobs_of_release(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<Job>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.jobs_of_release(&release.id).await?)
    }

    /// The steps of a job, in order.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn steps(&self, actor: &Actor, id: &JobId) -> Result<Vec<Step>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.steps(id).await?)
    }

    /// Why a job waits for a worker longer than others, where it does.
    ///
    /// # Errors
    /// Where the actor may not read, or a disk cannot be asked.
    pub async fn waits_for(&self, actor: &Actor, job: &Job) -> Result<Option<Waits>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        if job.state != JobState::Queued {
            return Ok(None);
        }
        if job.kind.waits_for_room()
            && let Some(shortage) = self.shortage().await?
        {
            return Ok(Some(Waits::Room(shortage)));
        }
        if job.kind != JobKind::Kernel {
            return Ok(None);
        }
        let running = JobFilter {
            state: Some(JobState::Running),
            kind: Some(JobKind::Kernel),
            ..JobFilter::default()
        };
        let running = self.jobs_page(actor, &running, &Slice::first()).await?.items;
        let kernel = running.into_iter().find_map(|it| it.kernel);
        Ok(kernel.map(|it| Waits::Turn { kernel: it.name }))
    }

    /// Stops a job: what it runs is ended at once, nothing of it stays behind.
    ///
    /// # Errors
    /// Where the actor may not, or the job has ended.
    pub async fn cancel_job(&self, actor: &Actor, id: &JobId) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::CancelJob)?;
        let mut tx = self.begin().await?;
        let job = tx.job(id).await?.ok_or_else(|| no_job(id))?;
        policy::may_cancel_job(role, job.state)?;
        tx.request_cancel(id, self.now()).await?;
        self.record(&mut tx, actor, Change::JobCancelled { job: id }).await?;
        self.commit(tx, &format!("job/{id}")).await?;
        self.cancel_running(id);
        self.nudge();
        Ok(())
    }
}

pub(crate) fn no_job(id: &JobId) -> ServiceError {
    ServiceError::NotFound(format!("job {id}"))
}
