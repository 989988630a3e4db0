//! Jobs: the list, and one with its steps. Its log is streamed, see `live`.

use domain::{
    ids::JobId,
    job::{Job, Step},
    log::LogLine,
    page::Cursor,
    run::Run,
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::{Around, Choice};
use crate::error::AppError;

/// A job in lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobRow {
    /// The job.
    pub job: Job,
    /// The step that runs now, or that failed.
    pub step: Option<Step>,
    /// How many steps the job has.
    pub steps: u32,
}

/// `/jobs`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobsPage {
    /// Newest first.
    pub jobs: Vec<JobRow>,
    /// What else there is.
    pub around: Around,
}

/// `/jobs/:id`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobPage {
    /// The job.
    pub job: Job,
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// The runs of a validation; none for a build.
    pub runs: Vec<Run>,
    /// Whether the viewer may cancel it now.
    pub cancel: Choice,
    /// The last lines of the step that failed; those that matter.
    pub failing_lines: Vec<LogLine>,
    /// Why no worker takes it, where it waits for more than a worker.
    pub waits_for: Option<String>,
}

/// A page of the list of jobs: those after `after`, else the newest.
pub(crate) async fn load_jobs(after: Option<Cursor>) -> Result<JobsPage, AppError> {
    crate::compose::jobs::list(&super::asked()?, after).await
}

/// A job with its steps.
pub(crate) async fn load_job(id: JobId) -> Result<JobPage, AppError> {
    crate::compose::jobs::job(&super::asked()?, &id).await
}

/// Stops a job.
#[server(prefix = "/api/ui")]
pub async fn cancel_job(id: JobId) -> Result<(), AppError> {
    crate::compose::jobs::cancel(&super::asked()?, &id).await
}

/// The log as far as it is written, for the first rendering only: the browser gets what follows as
/// a stream, so this is no server function.
pub(crate) async fn read_log(id: &JobId) -> Result<Vec<LogLine>, AppError> {
    crate::compose::jobs::log(&super::asked()?, id).await
}
