//! Plans and suites: what is run to judge a release.
//!
//! Their forms are sent to `POST /plans/…` and `POST /suites/…`, not to server functions: a suite's may
//! carry a file, and where one has faults the answer is the form again, with what was typed. The server
//! renders it with a draft in its context.

use domain::{
    kernel::UploadedFile,
    plan::{Plan, PlanDefinition, SMOKE},
    suite::{Suite, SuiteCommand, SuiteDefinition, SuiteSource, USUAL_MINUTES},
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// `/plans`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlansPage {
    /// The built-in plan, then the others by name, each with the environments that demand it.
    pub plans: Vec<(Plan, Vec<String>)>,
    /// Suites of people, by name.
    pub suites: Vec<Suite>,
    /// Whether the viewer may add one.
    pub edit: Choice,
}

/// `/plans/new` and `/plans/:name`
#[derive(Debug, Clone)]
pub struct PlanPage {
    /// The plan; `None` for a new one.
    pub plan: Option<Plan>,
    /// Names of the environments that demand it.
    pub demanded_by: Vec<String>,
    /// Its revisions, newest first.
    pub revisions: Vec<Plan>,
    /// Names of the suites that it could run.
    pub suites: Vec<String>,
    /// What stands in the form.
    pub draft: PlanDraft,
    /// Whether the viewer may save it.
    pub edit: Choice,
}

/// `/suites/new` and `/suites/:name`
#[derive(Debug, Clone)]
pub struct SuitePage {
    /// The suite; `None` for a new one.
    pub suite: Option<Suite>,
    /// Names of the plans that run it.
    pub plans: Vec<String>,
    /// Its revisions, newest first.
    pub revisions: Vec<Suite>,
    /// What stands in the form.
    pub draft: SuiteDraft,
    /// Whether the viewer may save it.
    pub edit: Choice,
}

/// What the form of a plan holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanDraft {
    /// Its name.
    pub name: String,
    /// The revision that the form was filled from; `None` for a new plan.
    pub revision: Option<u32>,
    /// What it is for.
    pub description: String,
    /// Labels of entries, a line each.
    pub entries: String,
    /// Names of machines, a line each.
    pub machines: String,
    /// The chosen suites, each with its approved cases, a line each.
    pub suites: Vec<(String, String)>,
    /// How often a run is tried again.
    pub retries: u32,
    /// Why it was not saved.
    pub error: Option<AppError>,
}

/// What the form of a suite holds, whatever kind of source and command it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteDraft {
    /// Its name.
    pub name: String,
    /// The revision that the form was filled from; `None` for a new suite.
    pub revision: Option<u32>,
    /// What it is for.
    pub description: String,
    /// Whether its files come from a repository.
    pub from_git: bool,
    /// The archive that was uploaded.
    pub upload: Option<UploadedFile>,
    /// Address of the repository.
    pub url: String,
    /// Tag or commit.
    pub reference: String,
    /// The commit that the tag stood for; kept where address and tag are the same.
    pub commit: Option<String>,
    /// Key for ssh.
    pub key: String,
    /// Folder in which it runs.
    pub folder: String,
    /// Whether it is any program, and not Robot Framework.
    pub is_program: bool,
    /// Files that Robot runs, a line each.
    pub robot: String,
    /// Options of Robot, a line each.
    pub options: String,
    /// The program and its arguments, a line each.
    pub words: String,
    /// Whether it is run for each entry.
    pub each_entry: bool,
    /// How long it may run, in minutes.
    pub minutes: u32,
    /// The file of results.
    pub results: String,
    /// Why it was not saved.
    pub error: Option<AppError>,
}

impl Default for SuiteDraft {
    fn default() -> Self {
        Self {
            name: String::new(),
            revision: None,
            description: String::new(),
            from_git: false,
            upload: None,
            url: String::new(),
            reference: String::new(),
            commit: None,
            key: String::new(),
            folder: String::new(),
            is_program: false,
            robot: String::new(),
            options: String::new(),
            words: String::new(),
            each_entry: false,
            minutes: USUAL_MINUTES,
            results: String::new(),
            error: None,
        }
    }
}

/// The lines of a field that say something.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

impl PlanDraft {
    /// What a new plan starts from: the built-in suite on the runner's machine.
    #[must_use]
    pub fn new() -> Self {
        Self {
            machines: SMOKE.machine.to_owned(),
            suites: vec![(SMOKE.name.to_owned(), String::new())],
            ..Self::default()
        }
    }

    /// The form of a plan as it stands.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let PlanDefinition { description, entries, machines, suites, retries } = &plan.definition;
        Self {
            name: plan.name.clone(),
            revision: Some(plan.revision),
            description: description.clone(),
            entries: entries.join("\n"),
            machines: machines.join("\n"),
            suites: suites.iter().map(|it| (it.suite.clone(), it.approved.join("\n"))).collect(),
            retries: *retries,
            error: None,
        }
    }

    /// What it asks for.
    #[must_use]
    pub fn definition(&self) -> PlanDefinition {
        let planned = |(suite, approved): &(String, String)| domain::plan::PlannedSuite {
            suite: suite.clone(),
            revision: 0,
            each_entry: false,
            approved: lines(approved),
        };
        PlanDefinition {
            description: self.description.clone(),
            entries: lines(&self.entries),
            machines: lines(&self.machines),
            suites: self.suites.iter().map(planned).collect(),
            retries: self.retries,
        }
    }
}

impl SuiteDraft {
    /// The form of a suite as it stands.
    #[must_use]
    pub fn of(suite: &Suite) -> Self {
        let it = &suite.definition;
        let mut draft = Self {
            name: suite.name.clone(),
            revision: Some(suite.revision),
            description: it.description.clone(),
            folder: it.folder.clone(),
            each_entry: it.each_entry,
            minutes: it.minutes,
            results: it.results.clone(),
            ..Self::default()
        };
        match it.source.clone() {
            SuiteSource::Upload { file } => draft.upload = Some(file),
            SuiteSource::Git { url, reference, commit, key } => {
                draft.from_git = true;
                (draft.url, draft.reference, draft.commit) = (url, reference, commit);
                draft.key = key.unwrap_or_default();
            }
        }
        match &it.command {
            SuiteCommand::Robot { suites, options } => {
                (draft.robot, draft.options) = (suites.join("\n"), options.join("\n"));
            }
            SuiteCommand::Program { words } => {
                (draft.is_program, draft.words) = (true, words.join("\n"));
            }
        }
        draft
    }

    /// What it is.
    ///
    /// # Errors
    /// Where no archive was uploaded and its files do not come from elsewhere.
    pub fn definition(&self) -> Result<SuiteDefinition, AppError> {
        let some = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
        let source = if self.from_git {
            SuiteSource::Git {
                url: self.url.clone(),
                reference: self.reference.clone(),
                commit: self.commit.clone(),
                key: some(&self.key),
            }
        } else {
            let file = self.upload.clone().ok_or_else(|| AppError::Invalid {
                field: "archive".to_owned(),
                message: "choose the archive of its files".to_owned(),
            })?;
            SuiteSource::Upload { file }
        };
        let command = if self.is_program {
            SuiteCommand::Program { words: lines(&self.words) }
        } else {
            SuiteCommand::Robot { suites: lines(&self.robot), options: lines(&self.options) }
        };
        Ok(SuiteDefinition {
            description: self.description.clone(),
            source,
            folder: self.folder.clone(),
            command,
            each_entry: self.each_entry,
            minutes: self.minutes,
            results: self.results.clone(),
        })
    }
}

/// The list.
pub(crate) async fn load_plans() -> Result<PlansPage, AppError> {
    crate::compose::plans::list(&super::asked()?).await
}

/// One plan with its form; a new one where there is no name.
pub(crate) async fn load_plan(name: Option<String>) -> Result<PlanPage, AppError> {
    crate::compose::plans::plan(&super::asked()?, name.as_deref()).await
}

/// One suite with its form; a new one where there is no name.
pub(crate) async fn load_suite(name: Option<String>) -> Result<SuitePage, AppError> {
    crate::compose::plans::suite(&super::asked()?, name.as_deref()).await
}

/// Removes a plan, and goes to the list.
#[server(prefix = "/api/ui")]
pub async fn remove_plan(name: String, confirm: String) -> Result<(), AppError> {
    crate::compose::plans::remove_plan(&super::asked()?, &name, &confirm).await
}

/// Removes a suite, and goes to the list.
#[server(prefix = "/api/ui")]
pub async fn remove_suite(name: String, confirm: String) -> Result<(), AppError> {
    crate::compose::plans::remove_suite(&super::asked()?, &name, &confirm).await
}
