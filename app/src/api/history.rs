//! What results say over time: the grid, one case, one result, and what differs between two releases or
//! runs.

use std::sync::Arc;

use domain::{
    history::{History, HistoryQuery},
    ids::RunId,
    run::comparison::CaseChange,
};
use serde::{Deserialize, Serialize};
use services::history::{CasePast, HistoryWords, ResultComparison, ResultInContext, Standing};

use super::Choice;
use crate::{api::releases::ChangeAgainst, error::AppError, routes::href::encode};

/// `/tests`
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// What was asked for.
    pub query: HistoryQuery,
    /// What there is of it.
    pub history: Arc<History>,
    /// What the filters offer.
    pub words: Arc<HistoryWords>,
    /// How many runs wait in the inbox.
    pub waiting: u64,
}

/// `/tests/case`
#[derive(Debug, Clone)]
pub struct CasePage {
    /// Its past.
    pub past: Arc<CasePast>,
    /// The machine that was asked for.
    pub machine: String,
    /// What the results are about that were asked for.
    pub about: String,
    /// How many results the window takes.
    pub window: u32,
    /// Whether the page of results is the newest.
    pub newest: bool,
}

/// Something with results that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectChoice {
    /// How addresses name it.
    pub key: String,
    /// What people call it, and what finds it where it is typed.
    pub name: String,
}

/// How a release stands: `/tests/release`, and a part of `/releases/:version/tests`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StandingPage {
    /// Which release.
    pub about: String,
    /// The address of the page, without what narrows it.
    pub path: String,
    /// How it stands; `None` where it has no results.
    pub standing: Option<Standing>,
    /// What it can be measured against.
    pub choices: Vec<SubjectChoice>,
    /// What narrows it.
    pub narrowed: Narrowed,
    /// Whether the viewer may assess failures.
    pub assess: Choice,
    /// Whether the viewer may waive failures at all.
    pub waive: Choice,
}

impl StandingPage {
    /// The address of the page with one more thing that narrows it.
    #[must_use]
    pub fn narrowed_by(&self, part: &str, value: &str) -> String {
        let Narrowed { baseline, suite, machine, plan, reviewed, tick } = &self.narrowed;
        let parts = [
            ("baseline", baseline.as_str()),
            ("suite", suite),
            ("machine", machine),
            ("plan", plan),
            ("reviewed", reviewed),
            ("tick", tick),
        ];
        let mut href = self.path.clone();
        for (name, former) in parts {
            let chosen = if name == part { value } else { former };
            if !chosen.is_empty() {
                let sign = if href.contains('?') { '&' } else { '?' };
                href.push_str(&format!("{sign}{name}={}", encode(chosen)));
            }
        }
        href
    }
}

/// What narrows how a release stands, as the address of its page says; empty where nobody chose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// What it is measured against.
    pub baseline: String,
    /// The suite whose failures are shown.
    pub suite: String,
    /// The machine whose failures are shown.
    pub machine: String,
    /// The plan whose failures are shown.
    pub plan: String,
    /// `no` where only failures are shown that nobody has reviewed.
    pub reviewed: String,
    /// `all` where all failures are ticked that are shown.
    pub tick: String,
}

impl Narrowed {
    /// As the parts of an address say.
    #[must_use]
    pub fn of(part: impl Fn(&'static str) -> String) -> Self {
        Self {
            baseline: part("baseline"),
            suite: part("suite"),
            machine: part("machine"),
            plan: part("plan"),
            reviewed: part("reviewed"),
            tick: part("tick"),
        }
    }

    /// Whether only failures are shown that nobody has reviewed.
    #[must_use]
    pub fn unreviewed(&self) -> bool {
        self.reviewed == "no"
    }
}

/// `/compare`
#[derive(Debug, Clone)]
pub struct ComparePage {
    /// What is looked at, as it was asked for.
    pub here: String,
    /// What it is compared with, as it was asked for.
    pub base: String,
    /// Which changes are shown, as it was asked for.
    pub change: String,
    /// Which these are.
    pub shown: Vec<CaseChange>,
    /// How many of the cases stand on the pages before.
    pub skipped: usize,
    /// What differs; `None` while a side is not chosen.
    pub found: Option<ResultComparison>,
    /// What differs between the releases themselves, where both are releases.
    pub releases: Option<ChangeAgainst>,
    /// What can be chosen: what has results, newest first.
    pub choices: Vec<SubjectChoice>,
}

/// A part of the history, as the address asks.
pub(crate) async fn load_history(
    get: impl Fn(&'static str) -> String,
) -> Result<HistoryPage, AppError> {
    let query = HistoryQuery::of(get);
    crate::compose::history::history(&super::asked()?, query).await
}

/// One case.
pub(crate) async fn load_case(
    case: String,
    machine: String,
    about: String,
    window: String,
    before: String,
) -> Result<CasePage, AppError> {
    crate::compose::history::case(&super::asked()?, &case, machine, about, &window, &before).await
}

/// How what has no page of its own stands.
pub(crate) async fn load_standing(
    about: String,
    narrowed: Narrowed,
) -> Result<StandingPage, AppError> {
    let path = format!("/tests/release?about={}", encode(&about));
    crate::compose::history::standing(&super::asked()?, &about, path, narrowed).await
}

/// One result of a run.
pub(crate) async fn load_result(run: RunId, case: String) -> Result<ResultInContext, AppError> {
    crate::compose::history::result(&super::asked()?, &run, &case).await
}

/// What differs between two releases or runs.
pub(crate) async fn load_comparison(
    here: String,
    base: String,
    change: String,
    skipped: String,
) -> Result<ComparePage, AppError> {
    crate::compose::history::compare(&super::asked()?, here, base, change, &skipped).await
}
