//! Results that come in from elsewhere, and results as they are kept.
//!
//! The body of `POST /results` is the file itself and goes to the disk as it comes. The same file twice
//! is the same run, so it needs no `Idempotency-Key`.

use axum::{
    Json,
    body::Body as Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use domain::{
    digest::Digest,
    ids::RunId,
    page::{Cursor, Page},
    run::{
        Outcome,
        file::Said,
        reported::{EarlierAttempt, Measurement, ReportedCase, ResultFormat},
    },
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    results::{self, ExportFormat, ManualResult, ResultFilter, ResultsOrder},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Body, Caller, Created, Listed, Path, Query, slice, time},
    problem::{Answer, Problem},
    runs::Run,
    uploads::{FileBytes, coming},
};
use crate::downloads;

/// What is said of a file of results; what is not said is taken from the file where it tells.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewResults {
    /// What the file is called.
    name: Option<String>,
    /// Its format; recognised where absent.
    format: Option<ResultFormat>,
    /// Of a table with a column for each board: the header of the one to take.
    board: Option<String>,
    /// What the results are about: the name of a release, `variant/<name>`, or `recorded/<name>` for a
    /// release that was made elsewhere. Without it, and where nothing has that name, the run waits in
    /// the inbox.
    release: Option<String>,
    /// SHA-256 of the manifest that was judged; a token of one plan and one machine must name it.
    #[param(value_type = Option<String>)]
    manifest: Option<Digest>,
    /// Name of the plan, from a token of one plan and one machine only.
    plan: Option<String>,
    /// Name of the machine; `unknown` where absent.
    machine: Option<String>,
    /// Label of the boot entry.
    entry: Option<String>,
    /// Which kernel the machine ran.
    kernel: Option<String>,
    /// Name of the suite; the outermost one of the file where absent.
    suite: Option<String>,
}

/// Brings a file of results in, 1 GiB at the most: Robot Framework, JUnit, TAP, CSV or our own JSON. 201
/// with the new run; 200 with the run that it is already where the same file came before.
#[utoipa::path(post, path = "/results", tag = "runs", params(NewResults), request_body(content = FileBytes, content_type = "application/octet-stream"), responses((status = 200, body = Run), (status = 201, body = Run)))]
pub async fn bring(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(new): Query<NewResults>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (bytes, ended) = coming(&headers, body, results::LONGEST)?;
    let said = Said {
        format: new.format,
        board: new.board,
        subject: new.release,
        machine: new.machine,
        entry: new.entry,
        kernel: new.kernel,
        suite: new.suite,
        manifest: new.manifest,
        plan: new.plan,
    };
    let order = ResultsOrder { name: new.name.unwrap_or_default(), said };
    let brought = services.bring_results(&actor, order, bytes).await;
    let brought = brought.map_err(|error| ended.told(error))?;
    let run = Run::of(brought.run);
    let path = format!("/runs/{}", run.id);
    Ok(if brought.new {
        Created(path, Json(run)).into_response()
    } else {
        (StatusCode::OK, Json(run)).into_response()
    })
}

/// What a person wrote down of a board.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewManualResult {
    /// What it is about: the name of a release, `variant/<name>` or `recorded/<name>`.
    pub release: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry, where it matters.
    pub entry: Option<String>,
    /// Name of the suite; `manual` where absent.
    pub suite: Option<String>,
    /// The case's id.
    pub case: String,
    /// What it checks, in one line; what it was called before where absent.
    pub title: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen; a failure needs it.
    #[serde(default)]
    pub comment: String,
}

/// Keeps what a person wrote down of a board: 201 with the run.
#[utoipa::path(post, path = "/results/manual", tag = "runs", request_body = NewManualResult, responses((status = 201, body = Run)))]
pub async fn write_down(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewManualResult>,
) -> Answer<Created<Json<Run>>> {
    let result = ManualResult {
        about: new.release,
        machine: new.machine,
        entry: new.entry,
        suite: new.suite,
        case: new.case,
        title: new.title,
        outcome: new.outcome,
        comment: new.comment,
        picture: None,
    };
    let run = Run::of(services.record_manual_result(&actor, result).await?);
    Ok(Created(format!("/runs/{}", run.id), Json(run)))
}

/// What a run is about.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The name of a release, `variant/<name>`, or `recorded/<name>` for a release that was made
    /// elsewhere, which is noted where it is new.
    pub release: String,
}

/// Says what a run of the inbox is about; its results count from here on.
#[utoipa::path(post, path = "/runs/{id}/attachment", tag = "runs", params(("id" = String, Path, description = "Id of the run")), request_body = Attachment, responses((status = 200, body = Run)))]
pub async fn attach(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    Body(new): Body<Attachment>,
) -> Answer<Json<Run>> {
    Ok(Json(Run::of(services.attach_run(&actor, &id, &new.release).await?)))
}

/// The plan for which a run counts.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedFor {
    /// Name of the plan.
    pub plan: String,
}

/// Lets results that came in from elsewhere decide at the gates that demand a plan; never by whoever
/// brought them in.
#[utoipa::path(put, path = "/runs/{id}/plan", tag = "runs", params(("id" = String, Path, description = "Id of the run")), request_body = CountedFor, responses((status = 200, body = Run)))]
pub async fn count(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    Body(new): Body<CountedFor>,
) -> Answer<Json<Run>> {
    Ok(Json(Run::of(services.count_run(&actor, &id, &new.plan).await?)))
}

/// One case's outcome in a run, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordedResult {
    /// Which of the run's results, from 0.
    pub position: u64,
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// The suites around it, from the outermost in.
    pub suites: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// What was seen.
    pub message: String,
    /// The log around its first error.
    pub excerpt: String,
    /// What it measured.
    pub measurements: Vec<Measurement>,
    /// The attempts before this one, oldest first.
    pub earlier: Vec<EarlierAttempt>,
}

impl RecordedResult {
    fn of((position, it): (u64, ReportedCase)) -> Self {
        Self {
            position,
            case: it.id,
            title: it.title,
            suites: it.suites,
            tags: it.tags,
            outcome: it.outcome,
            started_at: it.started_at.map(time),
            duration_us: it.duration_us,
            message: it.message,
            excerpt: it.excerpt,
            measurements: it.measurements,
            earlier: it.earlier,
        }
    }
}

/// Which results of a run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListResults {
    /// Only those that ended so.
    outcome: Option<Outcome>,
    /// Only those that failed or could not tell.
    #[serde(default)]
    failing: bool,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists the results of a run with all that is known of them, in the run's order.
#[utoipa::path(get, path = "/runs/{id}/results", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ListResults), responses((status = 200, body = Listed<RecordedResult>)))]
pub async fn results_of_run(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    Query(query): Query<ListResults>,
) -> Answer<Json<Listed<RecordedResult>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let after = slice.after.as_ref().and_then(|it| u64::try_from(it.number).ok());
    let limit = slice.limit + 1;
    let filter = ResultFilter { outcome: query.outcome, failing: query.failing, after, limit };
    let (_, results) = services.recorded_results(&actor, &id, &filter).await?;
    let page = Page::of(results, &slice, |(position, _)| Cursor {
        number: i64::try_from(*position).unwrap_or(i64::MAX),
        name: String::new(),
    });
    Ok(Listed::of(page, RecordedResult::of))
}

/// How a run is written out.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// `json`, which can be brought in again and is the same, or `csv`.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
}

/// Gives a run as a file, made of what is kept of it.
#[utoipa::path(get, path = "/runs/{id}/export", tag = "runs", params(("id" = String, Path, description = "Id of the run"), Export), responses((status = 200, body = String, content_type = "application/json")))]
pub async fn export(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    Query(query): Query<Export>,
    headers: HeaderMap,
) -> Answer<Response> {
    let format = match query.format.as_deref() {
        None | Some("json") => ExportFormat::Json,
        Some("csv") => ExportFormat::Csv,
        Some(_) => return Err(Problem::of_field("format", "A run is written as json or csv")),
    };
    Ok(downloads::to_program(services.export_run(&actor, &id, format).await?, &headers))
}
