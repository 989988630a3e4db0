//! Results that come in from elsewhere: the form that brings a file, the one for what a person saw, and
//! the inbox.
//!
//! Both forms may carry a file, so they are sent to the server's `POST /tests/import` and
//! `POST /tests/record`, not to a server function: where they have faults the answer is the form again,
//! with what was typed. The server renders it with a draft in its context.

use domain::{
    ids::RunId,
    page::Cursor,
    run::{Outcome, Run},
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::{Around, Choice};
use crate::error::AppError;

/// What the names of releases are for that the forms offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// What results can be about: names of releases, and `recorded/…` of those made elsewhere.
    pub releases: Vec<String>,
    /// Machines that have results.
    pub machines: Vec<String>,
    /// Suites that have results.
    pub suites: Vec<String>,
}

/// What the form of a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsDraft {
    /// What the results are about.
    pub release: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry.
    pub entry: String,
    /// Name of the suite.
    pub suite: String,
    /// Which kernel the machine ran.
    pub kernel: String,
    /// The format's word; empty where it is to be recognised.
    pub format: String,
    /// Of a table with a column for each board: which one.
    pub board: String,
    /// Why nothing was brought in.
    pub error: Option<AppError>,
}

/// `/tests/import`
#[derive(Debug, Clone)]
pub struct BringPage {
    /// What somebody sent that was not brought in and why not; else empty.
    pub draft: ResultsDraft,
    /// What the form offers.
    pub offered: Offered,
    /// Whether the viewer may bring results in.
    pub bring: Choice,
}

/// What the form of what a person saw holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDraft {
    /// What it is about.
    pub release: String,
    /// Name of the machine.
    pub machine: String,
    /// Name of the suite.
    pub suite: String,
    /// The case's id.
    pub case: String,
    /// What it checks.
    pub title: String,
    /// How it ended; `None` where nothing was chosen.
    pub outcome: Option<Outcome>,
    /// What was seen.
    pub comment: String,
    /// Why nothing was kept.
    pub error: Option<AppError>,
}

/// `/tests/record`
#[derive(Debug, Clone)]
pub struct RecordPage {
    /// What somebody sent that was not kept and why not; else empty.
    pub draft: RecordDraft,
    /// What the form offers.
    pub offered: Offered,
    /// Whether the viewer may write results down.
    pub record: Choice,
}

/// `/tests/inbox`
#[derive(Debug, Clone)]
pub struct InboxPage {
    /// Newest first.
    pub runs: Vec<Run>,
    /// What else there is.
    pub around: Around,
    /// What the runs can be attached to.
    pub offered: Offered,
    /// Whether the viewer may say so.
    pub attach: Choice,
}

/// The form of a file.
pub(crate) async fn load_bring() -> Result<BringPage, AppError> {
    crate::compose::results::bring(&super::asked()?).await
}

/// The form of what a person saw.
pub(crate) async fn load_record(release: String, case: String) -> Result<RecordPage, AppError> {
    crate::compose::results::record(&super::asked()?, release, case).await
}

/// The inbox.
pub(crate) async fn load_inbox(after: Option<Cursor>) -> Result<InboxPage, AppError> {
    crate::compose::results::inbox(&super::asked()?, after).await
}

/// Lets a run decide at the gates that demand a plan: plan "smoke" where none is named.
#[server(prefix = "/api/ui")]
pub async fn count_run(run: String, #[server(default)] plan: String) -> Result<(), AppError> {
    crate::compose::results::count(&super::asked()?, &RunId(run), &plan).await
}

/// Says what a run is about, and goes to it.
#[server(prefix = "/api/ui")]
pub async fn attach_run(run: String, release: String) -> Result<(), AppError> {
    crate::compose::results::attach(&super::asked()?, &RunId(run), &release).await
}
