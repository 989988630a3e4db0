//! One run: its cases, its boot stages and its console.

use std::collections::HashMap;

use domain::{
    assessment::MadeAssessment,
    ids::RunId,
    run::{Run, Validation, keeping::Keeping},
    time::Timestamp,
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// `/runs/:id`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunPage {
    /// The run.
    pub run: Run,
    /// The validation that it belongs to.
    pub validation: Option<Validation>,
    /// Name of the release that is judged; of a variant, of its base.
    pub release_name: Option<String>,
    /// Names of what it left behind.
    pub artefacts: Vec<String>,
    /// What the menu shows for the entry.
    pub entry_text: String,
    /// Whether it keeps its files.
    pub keeping: Keeping,
    /// Whether the viewer may say so.
    pub keep: Choice,
    /// What people say of its failures, by case.
    pub assessments: HashMap<String, MadeAssessment>,
    /// When this was so: waivers end.
    pub now: Timestamp,
    /// Whether the viewer may let it decide at a gate; `None` where that is not the question.
    pub count: Option<Choice>,
    /// Names of plans.
    pub plans: Vec<String>,
}

/// One run.
pub(crate) async fn load_run(id: RunId) -> Result<RunPage, AppError> {
    crate::compose::runs::run(&super::asked()?, &id).await
}

/// What the machine wrote to its serial console, as lines with their ANSI sequences.
pub(crate) async fn load_console(id: &RunId) -> Result<Vec<String>, AppError> {
    crate::compose::runs::console(&super::asked()?, id).await
}

/// Says that a run must keep its files.
#[server(prefix = "/api/ui")]
pub async fn mark_run(run: RunId) -> Result<(), AppError> {
    crate::compose::runs::mark(&super::asked()?, &run).await
}

/// Says that a run need not keep its files any more.
#[server(prefix = "/api/ui")]
pub async fn unmark_run(run: RunId) -> Result<(), AppError> {
    crate::compose::runs::unmark(&super::asked()?, &run).await
}
