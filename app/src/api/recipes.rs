//! Recipes: the list, the editor, revisions, and the form that starts a build.
//!
//! The editor's form is sent to the server's `POST /recipes/new` and `POST /recipes/:name`, not to a
//! server function: where the text has faults the answer is the editor again, with what was typed,
//! with or without script. The server renders it with a [`RecipeDraft`] in its context. The form
//! beside the text is an [`EditorForm`].

use domain::{
    digest::Digest,
    recipe::{
        Problem, RecipeSummary, Revision,
        form::{Fault, Group, RecipeForm, Seen, read},
    },
    text_diff::DiffLine,
    time::Timestamp,
    version::CandidateVersion,
};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::releases::ReleaseRow;
use crate::error::{AppError, sentence};

/// `/recipes`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecipesPage {
    /// By name.
    pub recipes: Vec<RecipeRow>,
}

/// A recipe in the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecipeRow {
    /// The recipe.
    pub recipe: RecipeSummary,
    /// Its newest release.
    pub newest: Option<ReleaseRow>,
}

/// `/recipes/new` and `/recipes/:name`
#[derive(Debug, Clone)]
pub struct RecipePage {
    /// What the form holds.
    pub draft: RecipeDraft,
    /// The newest revision; `None` for a new recipe.
    pub newest: Option<RevisionRow>,
    /// Names of kernels that it may take.
    pub kernels: Vec<String>,
}

/// What a person typed into the editor, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipeDraft {
    /// The recipe's name.
    pub name: String,
    /// The revision that the text was made from; `None` for a new recipe.
    pub base: Option<u32>,
    /// The text.
    pub text: String,
    /// The form beside it.
    pub form: EditorForm,
    /// What was changed and why.
    pub message: String,
    /// Faults of the text.
    pub problems: Vec<Problem>,
    /// Why it was not saved, besides.
    pub error: Option<AppError>,
}

/// The form beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditorForm {
    /// What it holds.
    pub values: RecipeForm,
    /// What form and text held when they were last in step.
    pub seen: Seen,
    /// Why form and text are not in step.
    pub fault: Option<String>,
    /// What came of a button of the form.
    pub notice: Option<&'static str>,
    /// Whose section is shown open, besides the first.
    pub open: Option<Group>,
}

impl Default for EditorForm {
    fn default() -> Self {
        Self::of("", None)
    }
}

impl EditorForm {
    /// The form of `text`. Where that cannot be read it keeps the `former` values and says why.
    #[must_use]
    pub fn of(text: &str, former: Option<(RecipeForm, Seen)>) -> Self {
        match read(text) {
            Ok(values) => {
                let seen = Seen::of(&values);
                Self { values, seen, fault: None, notice: None, open: None }
            }
            Err(problem) => Self::apart(former.unwrap_or_default(), &Fault::Unreadable(problem)),
        }
    }

    /// The form with its own values, and why they are not those of the text.
    #[must_use]
    pub fn apart((values, seen): (RecipeForm, Seen), fault: &Fault) -> Self {
        let fault = Some(sentence(&fault.to_string()));
        Self { values, seen, fault, notice: None, open: None }
    }
}

/// A revision in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionRow {
    /// Counts from 1.
    pub number: u32,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// What was changed and why.
    pub message: String,
    /// Who saved it.
    pub author: String,
    /// When.
    pub saved_at: Timestamp,
}

impl From<&Revision> for RevisionRow {
    fn from(revision: &Revision) -> Self {
        Self {
            number: revision.number,
            digest: revision.digest,
            message: revision.message.clone(),
            author: revision.author.clone(),
            saved_at: revision.saved_at,
        }
    }
}

/// `/recipes/:name/revisions`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevisionsPage {
    /// The recipe's name.
    pub name: String,
    /// Newest first.
    pub revisions: Vec<RevisionRow>,
}

/// `/recipes/:name/diff?from=&to=`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecipeDiffPage {
    /// The recipe's name.
    pub name: String,
    /// Number of the newest revision.
    pub newest: u32,
    /// The former side.
    pub from: RevisionRow,
    /// The newer side.
    pub to: RevisionRow,
    /// What changed.
    pub lines: Vec<DiffLine>,
}

/// `/recipes/:name/build`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildPage {
    /// The recipe's name.
    pub name: String,
    /// Its newest revision: what would be built.
    pub revision: RevisionRow,
    /// The version that the build would get.
    pub version: CandidateVersion,
    /// The newest release whose lock could be kept.
    pub former: Option<ReleaseRow>,
}

/// The list of recipes.
pub(crate) async fn load_recipes() -> Result<RecipesPage, AppError> {
    crate::compose::recipes::list(&super::asked()?).await
}

/// The editor, of a new recipe where no name is given.
pub(crate) async fn load_recipe(name: String) -> Result<RecipePage, AppError> {
    crate::compose::recipes::editor(&super::asked()?, &name).await
}

/// A recipe's revisions.
pub(crate) async fn load_revisions(name: String) -> Result<RevisionsPage, AppError> {
    crate::compose::recipes::revisions(&super::asked()?, name).await
}

/// What changed between two revisions; without numbers the newest against the one before.
pub(crate) async fn load_recipe_diff(
    name: String,
    from: Option<u32>,
    to: Option<u32>,
) -> Result<RecipeDiffPage, AppError> {
    crate::compose::recipes::diff(&super::asked()?, name, from, to).await
}

/// What a build would start from.
pub(crate) async fn load_build(name: String) -> Result<BuildPage, AppError> {
    crate::compose::recipes::build_form(&super::asked()?, name).await
}

/// Starts a build, and goes to its job. `packages` is `newer` or `keep`.
#[server(prefix = "/api/ui")]
pub async fn start_build(
    name: String,
    revision: u32,
    #[server(default)] version: String,
    #[server(default)] packages: String,
) -> Result<(), AppError> {
    crate::compose::recipes::start_build(&super::asked()?, &name, revision, &version, &packages)
        .await
}
