//! Jobs: the list, one job, its log.

use domain::{
    ids::JobId,
    job::{Job, JobState, StepState},
    log::LogLine,
    page::{Cursor, Slice},
    policy,
};
use services::jobs::JobFilter;

use super::{Asked, releases::choice};
use crate::{
    api::{
        Around,
        jobs::{JobPage, JobRow, JobsPage},
    },
    error::AppError,
    viewer::viewer_of,
};

/// How many lines of a failed step a page shows above the log.
const FAILING: usize = 12;

pub(crate) async fn list(asked: &Asked, after: Option<Cursor>) -> Result<JobsPage, AppError> {
    let slice = Slice { after, ..Slice::first() };
    let found = asked
        .services
        .jobs_page(&asked.actor, &JobFilter::default(), &slice)
        .await
        .map_err(|it| asked.refuse(it))?;
    let mut jobs = Vec::with_capacity(found.items.len());
    for job in found.items {
        jobs.push(row(asked, job).await?);
    }
    Ok(JobsPage { jobs, around: Around::of(&slice, found.next) })
}

/// A job with the step that it is at.
pub(crate) async fn row(asked: &Asked, job: Job) -> Result<JobRow, AppError> {
    let steps = asked.services.steps(&asked.actor, &job.id).await.map_err(|it| asked.refuse(it))?;
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let step = steps
        .into_iter()
        .filter(|step| step.state != StepState::Waiting)
        .max_by_key(|step| step.position);
    Ok(JobRow { job, step, steps: count })
}

pub(crate) async fn job(asked: &Asked, id: &JobId) -> Result<JobPage, AppError> {
    let Asked { services, actor } = asked;
    let job = services.job(actor, id).await.map_err(|it| asked.refuse(it))?;
    let steps = services.steps(actor, id).await.map_err(|it| asked.refuse(it))?;
    let validation = services.validation_of_job(actor, id).await.map_err(|it| asked.refuse(it))?;
    let runs = validation.map_or_else(Vec::new, |it| it.runs);
    let role = viewer_of(actor).role;
    let failing_lines = if job.state == JobState::Failed {
        failing(&steps, log(asked, id).await?)
    } else {
        Vec::new()
    };
    let waits_for = services.waits_for(actor, &job).await.map_err(|it| asked.refuse(it))?;
    Ok(JobPage {
        waits_for: waits_for.map(|it| it.to_string()),
        cancel: choice(policy::may_cancel_job(role, job.state)),
        job,
        steps,
        runs,
        failing_lines,
    })
}

/// The last lines of the step that failed.
fn failing(steps: &[domain::job::Step], lines: Vec<LogLine>) -> Vec<LogLine> {
    let Some(step) = steps.iter().find(|step| step.state == StepState::Failed) else {
        return Vec::new();
    };
    let mut lines: Vec<LogLine> =
        lines.into_iter().rev().filter(|line| line.step == step.name).take(FAILING).collect();
    lines.reverse();
    lines
}

pub(crate) async fn log(asked: &Asked, id: &JobId) -> Result<Vec<LogLine>, AppError> {
    asked.services.job_log(&asked.actor, id, 0, usize::MAX).await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn cancel(asked: &Asked, id: &JobId) -> Result<(), AppError> {
    asked.services.cancel_job(&asked.actor, id).await.map_err(|it| asked.refuse(it))
}
