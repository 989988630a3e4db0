//! Runs: one boot of one entry on one machine, with what every case saw.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    digest::Digest,
    ids::{RunId, ValidationId},
    run::{
        self, BootStage, CaseResult, FailureClass, Outcome, RunSource, keeping::Keeping,
        reported::Totals,
    },
    subject::{Subject, SubjectKey},
};
use serde::{Deserialize, Serialize};
use services::{Services, runs::RunQuery};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Caller, Listed, Path, Query, slice, time},
    problem::Answer,
};
use crate::downloads;

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Which run.
    pub id: String,
    /// The validation that it belongs to; `null` where its results came in from elsewhere.
    pub validation: Option<String>,
    /// What it is about: the name of a release, `variant/…` or `recorded/…`; `null` while nobody has
    /// said.
    pub about: Option<String>,
    /// Name of the suite.
    pub suite: String,
    /// Where its results come from.
    pub source: RunSource,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// Name of the machine.
    pub machine: String,
    /// What the machine was: accelerator, memory, emulator version.
    pub machine_details: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When it ended; `null` while it runs.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// How it ended; `null` while it runs.
    pub outcome: Option<Outcome>,
    /// Whose problem it is, where it did not pass.
    pub failure: Option<FailureClass>,
    /// Why it ended so, in one sentence.
    pub message: String,
    /// Its cases, counted.
    pub totals: Totals,
    /// The program that wrote the results, as it names itself; empty where it does not.
    pub generator: String,
    /// Why its file was not whole; `null` where it was.
    pub incomplete: Option<String>,
    /// What should be known about reading its file, a sentence each.
    pub remarks: Vec<String>,
    /// Who recorded it.
    pub recorded_by: String,
    /// Name of the plan for which it counts at gates; `null` where it counts for none.
    pub plan: Option<String>,
    /// SHA-256 of the console log, where one was kept.
    pub console: Option<Digest>,
    /// What was observed of each boot stage, in order.
    pub stages: Vec<Stage>,
}

/// Whether a run keeps its files: what came in, what it left, and its console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunKeeping {
    /// Who said that it is important, so that they stay for ever; `null` where nobody did.
    pub important_by: Option<String>,
    /// Since when it is.
    #[schema(format = DateTime)]
    pub important_at: Option<String>,
    /// When they were removed by the rules of the room; `null` while they are there.
    #[schema(format = DateTime)]
    pub files_removed_at: Option<String>,
}

impl RunKeeping {
    fn of(it: Keeping) -> Json<Self> {
        let (important_by, important_at) = it.important.map(|it| (it.by, time(it.at))).unzip();
        let files_removed_at = it.files_removed_at.map(time);
        Json(Self { important_by, important_at, files_removed_at })
    }
}

/// What was observed of a boot stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RunStage)]
pub struct Stage {
    /// Which stage.
    pub stage: BootStage,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Bytes that the boot listener sent for it.
    pub bytes: Option<u64>,
}

/// A run with its cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunDetails {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What every case saw, in order: the first 1,000. `/runs/{id}/results` has all, page by page.
    pub results: Vec<CaseResult>,
}

impl Run {
    /// A run as the API shows it.
    pub fn of(it: run::Run) -> Self {
        let stages = it.stages.into_iter().map(|it| Stage {
            stage: it.stage,
            started_at: it.started_at.map(time),
            ended_at: it.ended_at.map(time),
            bytes: it.bytes,
        });
        Self {
            id: it.id.to_string(),
            validation: it.validation.map(|id| id.to_string()),
            about: it.subject.as_ref().map(Subject::key),
            suite: it.suite,
            source: it.source,
            entry: it.entry,
            machine: it.machine,
            machine_details: it.machine_details,
            started_at: time(it.started_at),
            ended_at: it.ended_at.map(time),
            outcome: it.outcome,
            failure: it.failure,
            message: it.message,
            totals: it.totals,
            generator: it.generator,
            incomplete: it.incomplete,
            remarks: it.remarks,
            recorded_by: it.recorded_by,
            plan: it.plan,
            console: it.console,
            stages: stages.collect(),
        }
    }
}

impl RunDetails {
    /// A run with its cases as the API shows it.
    pub fn of(mut it: run::Run) -> Self {
        let results = std::mem::take(&mut it.results);
        Self { run: Run::of(it), results }
    }
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRuns {
    /// Only those of this validation.
    #[param(value_type = Option<String>)]
    validation: Option<ValidationId>,
    /// Only those about the release of this name; `variant/…` and `recorded/…` name others.
    release: Option<String>,
    /// Only those of which nobody has said yet what they are about.
    #[serde(default)]
    unattached: bool,
    /// Only those of this suite.
    suite: Option<String>,
    /// Only those of the boot entry of this label.
    entry: Option<String>,
    /// Only those on this machine.
    machine: Option<String>,
    /// Only those that ended so.
    outcome: Option<Outcome>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(ListRuns), responses((status = 200, body = Listed<Run>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListRuns>,
) -> Answer<Json<Listed<Run>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let ListRuns { validation, unattached, suite, entry, machine, outcome, .. } = query;
    let about = query.release.as_deref().map(SubjectKey::from);
    let asked = RunQuery { validation, about, unattached, suite, entry, machine, outcome };
    Ok(Listed::of(services.runs_page(&actor, &asked, &slice).await?, Run::of))
}

/// Shows a run with its cases.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path, description = "Id of the run")), responses((status = 200, body = RunDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Answer<Json<RunDetails>> {
    Ok(Json(RunDetails::of(services.run(&actor, &id).await?)))
}

/// Shows whether a run keeps its files.
#[utoipa::path(get, path = "/runs/{id}/keeping", tag = "runs", params(("id" = String, Path, description = "Id of the run")), responses((status = 200, body = RunKeeping)))]
pub async fn keeping(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Answer<Json<RunKeeping>> {
    Ok(RunKeeping::of(services.keeping_of_run(&actor, &id).await?))
}

/// Says that a run is important: it keeps its files however old it is.
#[utoipa::path(put, path = "/runs/{id}/importance", tag = "runs", params(("id" = String, Path, description = "Id of the run")), responses((status = 200, body = RunKeeping)))]
pub async fn mark(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Answer<Json<RunKeeping>> {
    Ok(RunKeeping::of(services.mark_run_important(&actor, &id).await?))
}

/// Says that a run is important no more.
#[utoipa::path(delete, path = "/runs/{id}/importance", tag = "runs", params(("id" = String, Path, description = "Id of the run")), responses((status = 200, body = RunKeeping)))]
pub async fn unmark(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Answer<Json<RunKeeping>> {
    Ok(RunKeeping::of(services.unmark_run_important(&actor, &id).await?))
}

/// Gives what the machine wrote to its serial console.
#[utoipa::path(get, path = "/runs/{id}/console", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ("Range" = Option<String>, Header, description = "The part of it that is wanted")), responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")))]
pub async fn console(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    headers: HeaderMap,
) -> Answer<Response> {
    Ok(downloads::to_program(services.console_file(&actor, &id).await?, &headers))
}
