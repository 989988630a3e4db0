//! What results say over time: the grid of cases and releases, the past of a case, and what differs
//! between two releases or runs.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{
    history::{Column, Columns, HistoryQuery, HistoryRow, InvalidQuery},
    run::{
        Outcome,
        comparison::{CaseChange, ComparedCase},
        reported::Totals,
    },
    subject::{Subject, SubjectKey},
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    history::{CasePast, CaseQuery, LONGEST_WINDOW, ResultComparison, USUAL_WINDOW},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Caller, Path, Query, time},
    problem::{Answer, Problem},
};

/// What is shown of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowHistory {
    /// What the columns are: `releases` unless said otherwise, or `runs`.
    by: Option<Columns>,
    /// Only cases of this suite.
    suite: Option<String>,
    /// Only results on this machine.
    machine: Option<String>,
    /// Only results under this kernel.
    kernel: Option<String>,
    /// Only cases with this tag.
    tag: Option<String>,
    /// Only cases whose id or title holds this.
    id: Option<String>,
    /// Only cases that ended so somewhere in the columns.
    outcome: Option<Outcome>,
    /// Only cases that passed in one column and failed in another.
    #[serde(default)]
    changes: bool,
    /// No columns before this day: `2026-11-27`.
    from: Option<String>,
    /// No columns after this day.
    to: Option<String>,
    /// How many columns at the most, 20 unless said otherwise.
    #[param(minimum = 1, maximum = 50)]
    columns: Option<u32>,
    /// How many rows at the most, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    rows: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

impl ShowHistory {
    fn query(self) -> Answer<HistoryQuery> {
        let read = HistoryQuery::of(|part| {
            let text = |it: &Option<String>| it.clone().unwrap_or_default();
            match part {
                "by" => self.by.map_or_else(String::new, |it| it.word().to_owned()),
                "suite" => text(&self.suite),
                "machine" => text(&self.machine),
                "kernel" => text(&self.kernel),
                "tag" => text(&self.tag),
                "id" => text(&self.id),
                "outcome" => self.outcome.map_or_else(String::new, |it| it.word().to_owned()),
                "changes" if self.changes => "1".to_owned(),
                "from" => text(&self.from),
                "to" => text(&self.to),
                "columns" => self.columns.map_or_else(String::new, |it| it.to_string()),
                "rows" => self.rows.map_or_else(String::new, |it| it.to_string()),
                "after" => text(&self.after),
                _ => String::new(),
            }
        });
        read.map_err(|InvalidQuery { field, message }| Problem::of_field(field, &message))
    }
}

/// A part of the history of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultHistory {
    /// Newest first.
    pub columns: Vec<HistoryColumn>,
    /// By the id of the case.
    pub rows: Vec<ResultHistoryRow>,
    /// What to send as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// A column of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryColumn {
    /// What it is about: the name of a release, `recorded/…`; of a run whatever it is about, `null` while
    /// nobody has said.
    pub about: Option<String>,
    /// The run; `null` where the column is a release.
    pub run: Option<String>,
    /// Name of the run's suite.
    pub suite: Option<String>,
    /// Name of the run's machine.
    pub machine: Option<String>,
    /// When the release was made, or the run began.
    #[schema(format = DateTime)]
    pub at: String,
    /// What counts of the release, counted.
    pub totals: Option<Totals>,
}

/// A case with a cell for each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultHistoryRow {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// What each column says of it, machines and boot entries counted; `null` where it says nothing.
    pub cells: Vec<Option<Totals>>,
}

fn column(it: Column) -> HistoryColumn {
    match it {
        Column::Release(it) => HistoryColumn {
            about: Some(it.subject.key()),
            run: None,
            suite: None,
            machine: None,
            at: time(it.created_at),
            totals: Some(it.totals),
        },
        Column::Run { id, about, suite, machine, started_at, .. } => HistoryColumn {
            about: (!about.is_empty()).then_some(about),
            run: Some(id.to_string()),
            suite: Some(suite),
            machine: Some(machine),
            at: time(started_at),
            totals: None,
        },
    }
}

/// Shows cases as rows and releases or runs as columns.
#[utoipa::path(get, path = "/history", tag = "runs", params(ShowHistory), responses((status = 200, body = ResultHistory)))]
pub async fn history(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ShowHistory>,
) -> Answer<Json<ResultHistory>> {
    let history = Arc::unwrap_or_clone(services.result_history(&actor, &query.query()?).await?);
    let row = |it: HistoryRow| ResultHistoryRow { case: it.case, title: it.title, cells: it.cells };
    Ok(Json(ResultHistory {
        columns: history.columns.into_iter().map(column).collect(),
        rows: history.rows.into_iter().map(row).collect(),
        next: history.next,
    }))
}

/// Which part of a case's past.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowCase {
    /// Only results on this machine.
    machine: Option<String>,
    /// Only results of the boot entry of this label.
    entry: Option<String>,
    /// Only results about this: the name of a release, `variant/…` or `recorded/…`.
    release: Option<String>,
    /// From how many of the newest results flakiness is told, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    window: Option<u32>,
}

/// The past of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestCase {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// How often it fails although nothing has changed.
    pub flakiness: CaseFlakiness,
    /// Where it began to fail, where it fails now; `null` where it does not.
    pub turned_bad: Option<CaseTurnedBad>,
    /// Its newest results, as many as the window takes.
    pub results: Vec<PastResult>,
}

/// How often a case fails although nothing has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseFlakiness {
    /// Executions that gave an answer, attempts that were repeated among them.
    pub executions: u64,
    /// Those that failed where another of the same bytes, machine and boot entry passed.
    pub flaky: u64,
    /// The rate, from 0 to 1; `null` where nothing was executed.
    pub rate: Option<f64>,
    /// Bounds of the rate's 95 % Wilson interval.
    pub interval: Option<[f64; 2]>,
}

/// Where a case began to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseTurnedBad {
    /// The first release in which it failed and has not passed since.
    pub first_bad: String,
    /// The newest release before in which it passed everywhere.
    pub last_good: Option<String>,
}

/// One result of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastResult {
    /// The run.
    pub run: String,
    /// Which of the run's results, from 0.
    pub position: u64,
    /// What it is about; `null` while nobody has said.
    pub about: Option<String>,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// When its run began.
    #[schema(format = DateTime)]
    pub at: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// What was seen.
    pub message: String,
    /// Attempts before it.
    pub retries: u64,
}

impl TestCase {
    fn of(it: CasePast) -> Self {
        let flakiness = CaseFlakiness {
            executions: it.flakiness.executions,
            flaky: it.flakiness.flaky,
            rate: it.flakiness.rate(),
            interval: it.flakiness.interval().map(|(low, high)| [low, high]),
        };
        let turned_bad = it.turned_bad.map(|it| CaseTurnedBad {
            first_bad: it.first_bad.key(),
            last_good: it.last_good.as_ref().map(Subject::key),
        });
        let results = it.window.into_iter().map(|it| PastResult {
            run: it.run.to_string(),
            position: it.position,
            about: it.subject.as_ref().map(Subject::key),
            machine: it.machine,
            entry: it.entry,
            at: time(it.at),
            outcome: it.outcome,
            duration_us: it.duration_us,
            message: it.message,
            retries: it.retries.0,
        });
        Self { case: it.case, title: it.title, flakiness, turned_bad, results: results.collect() }
    }
}

/// Shows the past of a case: its results, its flakiness, and where it began to fail.
#[utoipa::path(get, path = "/cases/{id}", tag = "runs", params(("id" = String, Path, description = "Id of the case"), ShowCase), responses((status = 200, body = TestCase)))]
pub async fn case(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(case): Path<String>,
    Query(query): Query<ShowCase>,
) -> Answer<Json<TestCase>> {
    let window = query.window.unwrap_or(USUAL_WINDOW);
    if !(1..=LONGEST_WINDOW).contains(&window) {
        let words = format!("A window has 1 to {LONGEST_WINDOW} results");
        return Err(Problem::of_field("window", &words));
    }
    let about = query.release.as_deref().map(SubjectKey::from);
    let ShowCase { machine, entry, .. } = query;
    let asked = CaseQuery { case, machine, entry, about, window, before: None, limit: 1 };
    Ok(Json(TestCase::of(Arc::unwrap_or_clone(services.case_past(&actor, &asked).await?))))
}

/// Which results to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Compare {
    /// What is looked at: the name of a release, `variant/<name>`, `recorded/<name>` or `run/<id>`.
    here: String,
    /// What it is compared with.
    base: String,
    /// Only cases that changed so, by commas: `regression,fixed`; all where absent.
    change: Option<String>,
}

/// What differs between two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// What is looked at.
    pub here: String,
    /// What it is compared with.
    pub base: String,
    /// How many cases changed how, of every class.
    pub counts: Vec<ChangeCount>,
    /// The cases of the classes that were asked for, what needs somebody first; 1,000 at the most.
    pub cases: Vec<ComparedCase>,
}

/// How many cases changed so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ResultChangeCount)]
pub struct ChangeCount {
    /// How.
    pub change: CaseChange,
    /// How many.
    pub cases: u64,
}

/// How many cases an answer has at the most.
const MOST_CASES: usize = 1_000;

impl Comparison {
    fn of(mut it: ResultComparison) -> Self {
        it.cases.truncate(MOST_CASES);
        let count = |(change, cases)| ChangeCount { change, cases };
        Self {
            here: it.here.key(),
            base: it.base.key(),
            counts: it.counts.into_iter().map(count).collect(),
            cases: it.cases,
        }
    }
}

/// Shows what differs between the results of two releases, variants or runs.
#[utoipa::path(get, path = "/comparison", tag = "runs", params(Compare), responses((status = 200, body = Comparison)))]
pub async fn compare(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<Compare>,
) -> Answer<Json<Comparison>> {
    let classes = query.change.iter().flat_map(|it| it.split(',')).filter(|it| !it.is_empty());
    let class = |word: &str| {
        let words = || CaseChange::ALL.map(CaseChange::word).join(", ");
        CaseChange::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| {
            Problem::of_field("change", &format!("\"{word}\" is none of {}", words()))
        })
    };
    let classes = classes.map(class).collect::<Answer<Vec<_>>>()?;
    let found = services.compare_results(&actor, &query.here, &query.base, &classes).await?;
    Ok(Json(Comparison::of(found)))
}
