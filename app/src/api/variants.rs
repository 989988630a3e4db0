//! Variants: the list, one with its builds and tests, and the form that composes one.
//!
//! That form carries files, so it is sent to the server's `POST /variants/new` and
//! `POST /variants/:name/edit`, not to a server function: every button of it but those that save
//! brings the form back with what was typed and what was uploaded, and with what the definition
//! would do. The server renders it with a [`VariantForm`] in its context.

mod draft;
mod rows;

use domain::{
    ids::JobId,
    job::Step,
    page::Cursor,
    run::Validation,
    time::Timestamp,
    variant::{VariantBuild, VariantState},
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::variants::{
    FoundPackage, Preview, RecipeProposal, VariantComparison, VariantSummary,
};

pub use self::{
    draft::{ARCHIVE, FIELDS, FieldFault, VariantForm, seen},
    rows::{Group, Row},
};
use super::{Around, Choice, recipes::RevisionRow};
pub use crate::compose::variants::{look::look, stepped};
use crate::error::AppError;

/// What a list of variants was narrowed to, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantsAsked {
    /// Name of the owner.
    pub owner: String,
    /// The state.
    pub state: String,
    /// Part of the name or description.
    pub words: String,
}

/// `/variants`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VariantsPage {
    /// By name.
    pub variants: Vec<VariantRow>,
    /// What else there is.
    pub around: Around,
    /// What was asked for.
    pub asked: VariantsAsked,
    /// The state that was asked for.
    pub state: Option<VariantState>,
    /// Whether the viewer may make one.
    pub make: Choice,
}

/// A variant in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantRow {
    /// The variant.
    pub summary: VariantSummary,
    /// Whether its days are almost over.
    pub ending: bool,
}

/// `/variants/:name`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VariantPage {
    /// The variant.
    pub row: VariantRow,
    /// A page of its builds, newest first.
    pub builds: Vec<VariantBuild>,
    /// What other builds there are.
    pub around: Around,
    /// Its newest build.
    pub newest: Option<VariantBuild>,
    /// Steps of that build.
    pub steps: Vec<Step>,
    /// Length of the images of the base that its newest complete build stands on, in bytes.
    pub image_size: Option<u64>,
    /// What was tested of it, newest first.
    pub validations: Vec<Validation>,
    /// Names of the plans by which it can be tested.
    pub plans: Vec<String>,
    /// What to type at an iPXE prompt, by this host's addresses.
    pub chain_lines: Vec<String>,
    /// Its job that has not ended.
    pub job: Option<JobId>,
    /// The releases that it can stand on.
    pub bases: Bases,
    /// Whether the viewer may change it or give it more days.
    pub edit: Choice,
    /// Whether the viewer may make another one like it.
    pub make: Choice,
    /// Whether it may be built.
    pub build: Choice,
    /// Whether it may be tested.
    pub validate: Choice,
    /// Whether it may be booted in a guest.
    pub try_it: Choice,
    /// Whether it may be removed.
    pub delete: Choice,
}

/// What a variant can stand on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    /// What production runs.
    pub production: Option<String>,
    /// Releases that can be booted, newest first.
    pub names: Vec<String>,
}

/// `/variants/new` and `/variants/:name/edit`
#[derive(Debug, Clone)]
pub struct VariantFormPage {
    /// What the form holds.
    pub form: VariantForm,
    /// What it would do.
    pub look: Look,
    /// Name of the variant, unless it is a new one.
    pub name: Option<String>,
    /// The releases to choose from.
    pub bases: Bases,
    /// Names of the kernels to choose from.
    pub kernels: Vec<String>,
    /// Whether the viewer may save it.
    pub save: Choice,
}

/// `/variants/:name/comparison`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ComparisonPage {
    /// Name of the variant.
    pub name: String,
    /// What both sides saw.
    pub found: VariantComparison,
    /// Whether the viewer may validate the base.
    pub validate_base: Choice,
}

/// `/variants/:name/recipe-change`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecipeChangePage {
    /// Name of the variant.
    pub name: String,
    /// What it would change.
    pub proposal: RecipeProposal,
    /// The revision that this is made on.
    pub base: RevisionRow,
    /// What somebody typed that was not saved, and why not.
    pub draft: Option<RecipeChangeDraft>,
    /// Whether the viewer may save it now.
    pub save: Choice,
}

/// What somebody wrote about a change of a recipe that was not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeChangeDraft {
    /// What changes and why.
    pub message: String,
    /// Why nothing was saved.
    pub error: AppError,
}

/// What a form would do, as far as somebody asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What apt says.
    pub seen: Seen,
    /// What was found in the archive, or why nothing can be; `None` where nobody searched.
    pub found: Option<Result<Vec<FoundPackage>, String>>,
}

/// What apt says of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seen {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// It has faults, so nothing was asked.
    Faulty,
    /// It cannot be said now, and why.
    Unavailable(String),
    /// It would do this.
    Would(Box<Preview>),
}

impl VariantRow {
    pub(crate) fn of(summary: VariantSummary, now: Timestamp) -> Self {
        let days = u64::from(domain::variant::WARNED_DAYS);
        let warned = now.plus(std::time::Duration::from_secs(days * 24 * 3600));
        Self { ending: summary.variant.expires_at <= warned, summary }
    }
}

/// A page of variants: those after `after`, else the first; an unknown state is refused.
pub(crate) async fn load_variants(
    narrowing: VariantsAsked,
    after: Option<Cursor>,
) -> Result<VariantsPage, AppError> {
    crate::compose::variants::list(&super::asked()?, narrowing, after).await
}

/// A variant.
pub(crate) async fn load_variant(
    name: String,
    after: Option<Cursor>,
) -> Result<VariantPage, AppError> {
    crate::compose::variants::one(&super::asked()?, &name, after).await
}

/// The form of a new variant, filled from another one or on a release where those are named.
pub(crate) async fn load_new_variant(
    clone: String,
    base: String,
) -> Result<VariantFormPage, AppError> {
    crate::compose::variants::new(&super::asked()?, &clone, &base).await
}

/// The form of a variant, on another release where one is named.
pub(crate) async fn load_variant_form(
    name: String,
    base: String,
) -> Result<VariantFormPage, AppError> {
    crate::compose::variants::edit(&super::asked()?, &name, &base).await
}

/// Results of a variant beside those of its base.
pub(crate) async fn load_comparison(name: String) -> Result<ComparisonPage, AppError> {
    crate::compose::variants::comparison(&super::asked()?, name).await
}

/// A variant as a change of its base's recipe.
pub(crate) async fn load_recipe_change(name: String) -> Result<RecipeChangePage, AppError> {
    crate::compose::variants::recipe_change(&super::asked()?, name).await
}

/// Asks for a build of a variant, and leads to the job.
#[server(prefix = "/api/ui")]
pub async fn start_variant_build(name: String) -> Result<(), AppError> {
    crate::compose::variants::build(&super::asked()?, &name).await
}

/// Asks for a validation of what was built of a variant by a plan, by "smoke" where none is named, and
/// leads to the job.
#[server(prefix = "/api/ui")]
pub async fn start_variant_validation(
    name: String,
    #[server(default)] plan: String,
) -> Result<(), AppError> {
    crate::compose::variants::validate(&super::asked()?, &name, &plan).await
}

/// Boots what was built of a variant in a guest, and goes to it; without an entry the menu is left to
/// whoever types.
#[server(prefix = "/api/ui")]
pub async fn start_variant_guest(
    name: String,
    #[server(default)] entry: String,
) -> Result<(), AppError> {
    crate::compose::guests::start_of_variant(&super::asked()?, &name, &entry).await
}

/// Gives a variant so many days from now.
#[server(prefix = "/api/ui")]
pub async fn extend_variant(name: String, days: u32) -> Result<(), AppError> {
    crate::compose::variants::extend(&super::asked()?, &name, days).await
}

/// Removes a variant; `confirm` is its name, typed.
#[server(prefix = "/api/ui")]
pub async fn delete_variant(
    name: String,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    crate::compose::variants::delete(&super::asked()?, &name, &confirm).await
}
