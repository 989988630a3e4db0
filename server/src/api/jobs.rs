//! Jobs: background work, its steps, and its log as a stream.

use axum::{Json, body::Body as Bytes, extract::State, http::header, response::Response};
use domain::{
    ids::{JobId, ReleaseId},
    job::{self, JobKind, JobState, StepState},
    time::Timestamp,
};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use services::{Services, jobs::JobFilter};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Accepted, Caller, Listed, Path, Query, slice, text, time},
    problem::Answer,
};
use crate::live::{self, Ending, LogEvent};

/// A unit of background work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Which job.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Name of the release that it is about; none where it collects garbage or makes a kernel.
    pub release: Option<String>,
    /// Name of the kernel that it makes.
    pub kernel: Option<String>,
    /// Name of the variant that it makes or judges; its release is the base then.
    pub variant: Option<String>,
    /// How it stands.
    pub state: JobState,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who asked for it.
    pub created_by: String,
    /// When a worker first took it.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Since when a person wants it stopped.
    #[schema(format = DateTime)]
    pub cancel_requested_at: Option<String>,
    /// How it ended, in one sentence.
    pub outcome: Option<String>,
    /// How often a worker took it; above 1 where the server was interrupted.
    pub attempts: u32,
}

impl Job {
    /// A job as the API shows it.
    pub fn of(it: job::Job) -> Self {
        Self {
            id: it.id.to_string(),
            kind: it.kind,
            release: it.release.map(|about| about.name),
            kernel: it.kernel.map(|about| about.name),
            variant: it.variant.map(|about| about.name),
            state: it.state,
            created_at: time(it.created_at),
            created_by: it.created_by,
            started_at: it.started_at.map(time),
            ended_at: it.ended_at.map(time),
            cancel_requested_at: it.cancel_requested_at.map(time),
            outcome: it.outcome,
            attempts: it.attempts,
        }
    }

    /// The answer to whoever asked for it.
    pub fn accepted(self) -> Accepted<Self> {
        Accepted(format!("/jobs/{}", self.id), self)
    }
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Counts from 0 within the job.
    pub position: u32,
    /// Such as `bootstrap`.
    pub name: String,
    /// How it stands.
    pub state: StepState,
    /// SHA-256 of its inputs, once they are known.
    pub key: Option<String>,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How much is done, in thousandths, where the step can tell.
    pub progress: Option<u32>,
    /// Why it failed, or what it found.
    pub message: Option<String>,
}

/// A job with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobDetails {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// The validation that it runs, where it runs one.
    pub validation: Option<String>,
    /// Why no worker takes it, where it waits for more than a worker.
    pub waits_for: Option<String>,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Counts from 1 within the job.
    pub number: u64,
    /// When it was written.
    #[schema(format = DateTime)]
    pub at: String,
    /// The step that wrote it.
    pub step: String,
    /// The text, with its ANSI colour sequences.
    pub text: String,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListJobs {
    /// Only those that stand so.
    state: Option<JobState>,
    /// Only those of this kind.
    kind: Option<JobKind>,
    /// Only those about the release of this name.
    release: Option<String>,
    /// Only those that make the kernel of this name.
    kernel: Option<String>,
    /// Only those that make or judge the variant of this name.
    variant: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichLines {
    /// Only lines after the one of this number.
    #[serde(default)]
    after: u64,
    /// Stay, and get each line as it is written, until the job has ended.
    #[serde(default)]
    follow: bool,
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(ListJobs), responses((status = 200, body = Listed<Job>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListJobs>,
) -> Answer<Json<Listed<Job>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let release: Option<ReleaseId> = match query.release {
        Some(name) => Some(services.release(&actor, &name).await?.id),
        None => None,
    };
    let kernel = match query.kernel {
        Some(name) => Some(services.kernel(&actor, &name).await?.kernel.id),
        None => None,
    };
    let variant = match query.variant {
        Some(name) => Some(services.variant(&actor, &name).await?.variant.id),
        None => None,
    };
    let filter = JobFilter { state: query.state, kind: query.kind, release, kernel, variant };
    Ok(Listed::of(services.jobs_page(&actor, &filter, &slice).await?, Job::of))
}

/// Shows a job with its steps.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "Id of the job")), responses((status = 200, body = JobDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<JobId>,
) -> Answer<Json<JobDetails>> {
    let job = services.job(&actor, &id).await?;
    let steps = services.steps(&actor, &id).await?.into_iter().map(|it| Step {
        position: it.position,
        name: it.name,
        state: it.state,
        key: text(it.key),
        started_at: it.started_at.map(time),
        ended_at: it.ended_at.map(time),
        took_ms: took_ms(it.started_at, it.ended_at),
        progress: it.progress,
        message: it.message,
    });
    let steps = steps.collect();
    let validation = text(services.validation_of_job(&actor, &id).await?.map(|it| it.id));
    let waits_for = text(services.waits_for(&actor, &job).await?);
    Ok(Json(JobDetails { job: Job::of(job), steps, validation, waits_for }))
}

fn took_ms(started_at: Option<Timestamp>, ended_at: Option<Timestamp>) -> Option<u64> {
    u64::try_from(ended_at?.since(started_at?).as_millis()).ok()
}

/// Stops a job: what it runs is ended at once. 202 with the job, which ends soon.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path, description = "Id of the job")), responses((status = 202, body = Job)))]
pub async fn cancel(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<JobId>,
) -> Answer<Accepted<Job>> {
    services.cancel_job(&actor, &id).await?;
    Ok(Job::of(services.job(&actor, &id).await?).accepted())
}

/// Gives a job's log as JSON, one line each (NDJSON); `follow` keeps the answer open until the job
/// has ended.
#[utoipa::path(get, path = "/jobs/{id}/log", tag = "jobs", params(("id" = String, Path, description = "Id of the job"), WhichLines), responses((status = 200, body = LogLine, content_type = "application/x-ndjson")))]
pub async fn log(
    State(services): State<Services>,
    State(ending): State<Ending>,
    Caller(actor): Caller,
    Path(id): Path<JobId>,
    Query(WhichLines { after, follow }): Query<WhichLines>,
) -> Answer<Response> {
    services.job(&actor, &id).await?;
    let lines = live::follow_log(services, ending, actor, id, after, follow);
    let body = Bytes::from_stream(lines.filter_map(|event| async move {
        let LogEvent::Line(it) = event else { return None };
        let line = LogLine { number: it.number, at: time(it.at), step: it.step, text: it.text };
        Some(serde_json::to_vec(&line).map(|mut line| {
            line.push(b'\n');
            line
        }))
    }));
    Response::builder()
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(body)
        .map_err(|error| services::ServiceError::internal(error).into())
}
