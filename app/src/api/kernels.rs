//! Kernels: the list, one with its configuration, files and builds, what differs between two, and
//! the form that adds and changes them.
//!
//! That form carries files, so it is sent to the server's `POST /kernels/new` and
//! `POST /kernels/:name/edit`, not to a server function: where it has faults the answer is the form
//! again, with what was typed and what was uploaded. The server renders it with a [`KernelDraft`] in
//! its context.

mod choices;
mod draft;

use domain::{
    job::{JobState, Step},
    kernel::{BuildMode, ConfigDifference, Flavor, KernelBuild, KernelState},
    page::Cursor,
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::kernels::KernelSummary;

pub use self::{
    choices::{BaseKind, Slot, SourceKind},
    draft::{FieldFault, KernelDraft, TEXTS},
};
use super::{Around, Choice};
use crate::error::AppError;

/// The most differences that a page shows; a search narrows them.
pub const SHOWN: usize = 500;

/// `/kernels`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelsPage {
    /// By name.
    pub kernels: Vec<KernelSummary>,
    /// What else there is.
    pub around: Around,
    /// The flavor that was asked for.
    pub flavor: Option<Flavor>,
    /// The state that was asked for.
    pub state: Option<KernelState>,
    /// Whether the viewer may add one.
    pub add: Choice,
}

/// What stands above every part of a kernel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelHead {
    /// The kernel.
    pub summary: KernelSummary,
    /// Whether the viewer may change it.
    pub edit: Choice,
    /// Whether its configuration may be asked for; `None` for what brings its own.
    pub configure: Option<Choice>,
    /// Whether it may be built.
    pub build: Choice,
    /// Whether it may be removed.
    pub delete: Choice,
}

/// `/kernels/:name`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelPage {
    /// The kernel.
    pub head: KernelHead,
    /// Steps of the newest build.
    pub steps: Vec<Step>,
}

/// `/kernels/:name/configuration` and `/kernels/:name/files`: about one build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelBuildPage {
    /// The kernel.
    pub head: KernelHead,
    /// The build that was asked for, else the newest that has what the page shows.
    pub build: Option<KernelBuild>,
    /// Steps of that build.
    pub steps: Vec<Step>,
    /// Which options of the report are shown.
    pub changed: Option<Narrowed>,
}

/// `/kernels/:name/builds`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelBuildsPage {
    /// The kernel.
    pub head: KernelHead,
    /// Newest first.
    pub builds: Vec<KernelBuild>,
    /// What else there is.
    pub around: Around,
}

/// `/kernels/new` and `/kernels/:name/edit`
#[derive(Debug, Clone)]
pub struct KernelFormPage {
    /// What the form holds.
    pub draft: KernelDraft,
    /// The kernel, unless it is a new one.
    pub head: Option<KernelHead>,
    /// Names of the kernels whose configuration another can start from.
    pub others: Vec<String>,
    /// Whether the viewer may save it.
    pub save: Choice,
}

/// Whether a build came as far as its configuration; lists leave the report itself out.
#[must_use]
pub fn has_report(build: &KernelBuild) -> bool {
    let compiled = build.definition.configuration.is_some();
    build.report.is_some() || (compiled && build.state == JobState::Succeeded)
}

/// How an option differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Differs {
    /// It is set, and was not.
    Set,
    /// It is not set, and was.
    Unset,
    /// It has another value.
    Changed,
}

impl Differs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Set, Self::Unset, Self::Changed];

    /// The word in addresses and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Unset => "unset",
            Self::Changed => "changed",
        }
    }

    /// How this option differs.
    #[must_use]
    pub const fn of(difference: &ConfigDifference) -> Self {
        match (&difference.before, &difference.after) {
            (None, _) => Self::Set,
            (_, None) => Self::Unset,
            (Some(_), Some(_)) => Self::Changed,
        }
    }
}

/// Which differences a page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    /// Part of the option's name or menu.
    pub search: String,
    /// How it differs.
    pub differs: Option<Differs>,
}

/// Differences of configurations, as many as a page can show, grouped by menu.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// What was asked for.
    pub narrowing: Narrowing,
    /// How many there are of each of [`Differs::ALL`], whatever was searched for.
    pub counts: [usize; 3],
    /// How many fit what was asked for.
    pub fitting: usize,
    /// Those that are shown, at the most [`SHOWN`], by menu in the order of the configuration.
    pub menus: Vec<(String, Vec<ConfigDifference>)>,
}

/// `/kernels/diff?from=&to=`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KernelDiffPage {
    /// What is compared, as it was typed: `name` or `name/number`.
    pub from: String,
    /// With what.
    pub to: String,
    /// Names of kernels to choose from.
    pub names: Vec<String>,
    /// What was asked for, also where nothing can be compared.
    pub narrowing: Narrowing,
    /// What differs; `None` before two are named.
    pub found: Option<Result<Narrowed, AppError>>,
}

/// A page of kernels: those after `after`, else the first; unknown words of a filter are refused.
pub(crate) async fn load_kernels(
    flavor: String,
    state: String,
    after: Option<Cursor>,
) -> Result<KernelsPage, AppError> {
    crate::compose::kernels::list(&super::asked()?, &flavor, &state, after).await
}

/// A kernel.
pub(crate) async fn load_kernel(name: String) -> Result<KernelPage, AppError> {
    crate::compose::kernels::overview(&super::asked()?, &name).await
}

/// What became of a kernel's configuration in one of its builds.
pub(crate) async fn load_configuration(
    name: String,
    build: Option<u32>,
    narrowing: Narrowing,
) -> Result<KernelBuildPage, AppError> {
    crate::compose::kernels::configuration(&super::asked()?, &name, build, narrowing).await
}

/// The files of one of a kernel's builds.
pub(crate) async fn load_kernel_files(
    name: String,
    build: Option<u32>,
) -> Result<KernelBuildPage, AppError> {
    crate::compose::kernels::files(&super::asked()?, &name, build).await
}

/// A page of a kernel's builds.
pub(crate) async fn load_kernel_builds(
    name: String,
    after: Option<Cursor>,
) -> Result<KernelBuildsPage, AppError> {
    crate::compose::kernels::builds(&super::asked()?, &name, after).await
}

/// The form, of a new kernel where no name is given.
pub(crate) async fn load_kernel_form(name: String) -> Result<KernelFormPage, AppError> {
    crate::compose::kernels::form(&super::asked()?, &name).await
}

/// What differs between two configurations.
pub(crate) async fn load_kernel_diff(
    from: String,
    to: String,
    narrowing: Narrowing,
) -> Result<KernelDiffPage, AppError> {
    crate::compose::kernels::diff(&super::asked()?, from, to, narrowing).await
}

/// Asks for a kernel's configuration or for the kernel itself, and leads to the job.
#[server(prefix = "/api/ui")]
pub async fn start_kernel_build(name: String, mode: BuildMode) -> Result<(), AppError> {
    crate::compose::kernels::start(&super::asked()?, &name, mode).await
}

/// Removes a kernel; `confirm` is its name, typed.
#[server(prefix = "/api/ui")]
pub async fn delete_kernel(
    name: String,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    crate::compose::kernels::delete(&super::asked()?, &name, &confirm).await
}
