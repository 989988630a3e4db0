//! Runs: lists of them, and one with what it is about.

use std::collections::HashMap;

use domain::{
    actor::Actor,
    assessment::MadeAssessment,
    ids::{RunId, ValidationId},
    page::{Page, Slice},
    policy::Action,
    release::Release,
    run::{CaseResult, Outcome, Run, Validation},
    subject::{Subject, SubjectKey},
};
use store::{Rows, results::ResultFilter, runs::RunFilter, subjects::SubjectNumber};

use crate::{Services, error::ServiceError, releases::no_release};

/// How many results a page of a run shows.
const MANY: u32 = 500;
/// How many results a run is given with.
const MOST: u32 = 1_000;

/// Which runs somebody wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Only those of this validation.
    pub validation: Option<ValidationId>,
    /// Only those about this subject.
    pub about: Option<SubjectKey>,
    /// Only those of which nobody has said yet what they are about.
    pub unattached: bool,
    /// Only those of this suite.
    pub suite: Option<String>,
    /// Only those of the boot entry of this label.
    pub entry: Option<String>,
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
}

/// A run with what it belongs to.
#[derive(Debug, Clone)]
pub struct RunInContext {
    /// The run.
    pub run: Run,
    /// The validation that it belongs to.
    pub validation: Option<Validation>,
    /// The release that it judges; of a variant, its base.
    pub release: Option<Release>,
    /// Names of what it left behind.
    pub artefacts: Vec<String>,
    /// What people say of its failures, by case.
    pub assessments: HashMap<String, MadeAssessment>,
}

impl Services {
    /// A page of runs, newest first, without their results.
    ///
    /// # Errors
    /// Where the actor may not read, or what they are to be about does not exist.
    pub async fn runs_page(
        &self,
        actor: &Actor,
        query: &RunQuery,
        slice: &Slice,
    ) -> Result<Page<Run>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let subject = match &query.about {
            None => None,
            Some(key) => match subject_of(&mut rows, key).await? {
                Some(subject) => Some(subject),
                // Nothing has been said of it yet.
                None => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let filter = RunFilter {
            validation: query.validation.clone(),
            subject,
            unattached: query.unattached,
            suite: query.suite.clone(),
            entry: query.entry.clone(),
            machine: query.machine.clone(),
            outcome: query.outcome,
        };
        Ok(rows.runs_page(&filter, slice).await?)
    }

    /// One run with its results: the first thousand, where there are more.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn run(&self, actor: &Actor, id: &RunId) -> Result<Run, ServiceError> {
        let filter = ResultFilter { limit: MOST, ..ResultFilter::default() };
        let (mut run, results) = self.recorded_results(actor, id, &filter).await?;
        run.results = results.into_iter().map(|(_, case)| CaseResult::from(case)).collect();
        Ok(run)
    }

    /// One run with what it belongs to, and its results: all of them where these are not many, else
    /// those that speak against what was tested.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn run_in_context(
        &self,
        actor: &Actor,
        id: &RunId,
    ) -> Result<RunInContext, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let mut run = rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let failing = run.totals.all() > u64::from(MANY);
        let filter = ResultFilter { failing, limit: MANY, ..ResultFilter::default() };
        let results = rows.recorded_results(id, &filter).await?.into_iter();
        run.results = results.map(|(_, case)| CaseResult::from(case)).collect();
        let artefacts = rows.artefacts(id).await?.into_iter().map(|it| it.name).collect();
        let validation = match &run.validation {
            Some(validation) => rows.validation(validation).await?,
            None => None,
        };
        let about = match (&validation, &run.subject) {
            (Some(validation), _) => Some(&validation.release),
            (None, Some(Subject::Release { id, .. })) => Some(id),
            (None, _) => None,
        };
        let release = match about {
            Some(id) => rows.release(id).await?,
            None => None,
        };
        let assessments = rows.assessments_of_run(id, None).await?.into_iter().collect();
        Ok(RunInContext { run, validation, release, artefacts, assessments })
    }
}

/// There is no such run.
pub(crate) fn no_run(id: &RunId) -> ServiceError {
    ServiceError::NotFound(format!("run {id}"))
}

/// The subject of a key; `None` where what it names exists and has no results yet.
pub(crate) async fn subject_of(
    rows: &mut Rows,
    key: &SubjectKey,
) -> Result<Option<SubjectNumber>, ServiceError> {
    if let Some((number, _)) = rows.subject(key).await? {
        return Ok(Some(number));
    }
    let exists = match key {
        SubjectKey::Named(name) => rows.release_by_name(name).await?.is_some(),
        SubjectKey::Variant { name, .. } => rows.variant(name).await?.is_some(),
        SubjectKey::Recorded(_) => false,
    };
    match key {
        _ if exists => Ok(None),
        SubjectKey::Named(name) | SubjectKey::Variant { name, .. } | SubjectKey::Recorded(name) => {
            Err(no_release(name))
        }
    }
}
