//! Releases: the list, and the tabs of one.

use domain::{
    change::ReleaseChange,
    deployment::Deployment,
    digest::Digest,
    environment::Policy,
    evidence::Evidence,
    ids::JobId,
    job::Step,
    lock::Part,
    manifest::Manifest,
    menu::reader::Unread,
    notes::ReleaseNotes,
    packages::HeldPackage,
    page::{Cursor, Slice},
    release::{Health, Release},
    room::Pin,
    run::{Validation, report::Report},
    text_diff::DiffLine,
    time::Timestamp,
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::releases::ReleaseFilter;

use super::{
    Around, Choice,
    history::{Narrowed, StandingPage, SubjectChoice},
};
use crate::error::AppError;

/// A release in lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// The release.
    pub release: Release,
    /// What its evidence says.
    pub health: Health,
    /// Names of the environments that serve it.
    pub serving: Vec<String>,
}

/// `/releases`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasesPage {
    /// Newest first.
    pub releases: Vec<ReleaseRow>,
    /// What else there is.
    pub around: Around,
}

/// What stands above every tab of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseHead {
    /// The release, its health and where it is live.
    pub row: ReleaseRow,
    /// Whether it may be validated now.
    pub validate: Choice,
    /// Whether the viewer may make a variant of it.
    pub variant: Choice,
    /// Whether it may be withdrawn now.
    pub withdraw: Choice,
    /// Its validation that runs or waits now.
    pub validating: Option<JobId>,
    /// Who wants it to stay, and why.
    pub pinned: Option<Pin>,
    /// Whether it may be pinned, or the pin be taken off.
    pub pin: Choice,
    /// When its files were removed, where they were.
    pub files_removed_at: Option<Timestamp>,
}

/// What changed against the release that production serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeAgainst {
    /// Name of the release that is compared with; `None` where production serves none.
    pub base: Option<String>,
    /// What changed in what the releases consist of.
    pub change: ReleaseChange,
    /// What changed in the recipe's text.
    pub recipe: Vec<DiffLine>,
}

/// `/releases/:version`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasePage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// What it consists of, once its build is complete.
    pub manifest: Option<Manifest>,
    /// How many packages its rootfs has.
    pub packages: usize,
    /// Id of the key that signed it, once its build is complete.
    pub key_id: Option<String>,
    /// What changed against production; `None` while its build is not complete or where it is
    /// itself in production.
    pub changes: Option<ChangeAgainst>,
    /// The steps of its build.
    pub steps: Vec<Step>,
    /// How the build ended, in one sentence.
    pub outcome: Option<String>,
    /// Whether the viewer may boot it in a guest now.
    pub try_it: Choice,
}

/// `/releases/:version/contents?q=&part=`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContentsPage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// What it consists of, once its build is complete.
    pub manifest: Option<Manifest>,
    /// The entries of an imported menu that could not be read.
    pub unread: Vec<Unread>,
    /// The packages that match the search, ordered by part and name.
    pub packages: Vec<HeldPackage>,
    /// How many packages there are.
    pub total: u32,
    /// What was searched for: a part of a name.
    pub search: String,
    /// Only packages of this part.
    pub part: Option<Part>,
}

/// `/releases/:version/tests`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestsPage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// What counts of all results that it has.
    pub standing: StandingPage,
    /// What decides now, plan by plan.
    pub evidence: Vec<PlanEvidence>,
    /// All validations with their runs, newest first.
    pub validations: Vec<Validation>,
    /// When this was so: waivers end.
    pub now: Timestamp,
    /// Names of the plans by which it can be validated.
    pub plans: Vec<String>,
}

/// `/releases/:version/report`
#[derive(Debug, Clone)]
pub struct ReportPage {
    /// The report.
    pub report: Report,
    /// Where its badge is, for whoever looks from elsewhere.
    pub badge: String,
    /// What it can be measured against.
    pub choices: Vec<SubjectChoice>,
}

/// What decides about one plan, and the digest that approvals name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanEvidence {
    /// The deciding cases.
    pub evidence: Evidence,
    /// Its digest.
    pub digest: Digest,
    /// What the cases say together.
    pub health: Health,
}

/// `/releases/:version/deployments`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseDeploymentsPage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// Every environment, with whether it may be asked to serve this release.
    pub environments: Vec<RequestChoice>,
    /// Deployments of this release, newest first.
    pub deployments: Vec<Deployment>,
}

/// An environment that a release could go to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestChoice {
    /// Its name.
    pub environment: String,
    /// Name of the release that it serves.
    pub serves: Option<String>,
    /// What it demands.
    pub policy: Policy,
    /// Whether the viewer may ask now.
    pub choice: Choice,
}

/// `/releases/:version/notes`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotesPage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// What people say about it.
    pub saved: ReleaseNotes,
    /// What somebody typed that was not saved, and why not.
    pub draft: Option<NotesDraft>,
    /// Whether the viewer may write now.
    pub edit: Choice,
}

/// Notes that somebody typed and that were not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotesDraft {
    /// What is new and what to know.
    pub notes: String,
    /// What is known not to work.
    pub known_issues: String,
    /// Why nothing was saved.
    pub error: AppError,
}

/// `/releases/:version/files`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilesPage {
    /// What stands above every tab.
    pub head: ReleaseHead,
    /// Everything that can be saved: the components first.
    pub files: Vec<ReleaseFile>,
    /// The public key's second line, as `minisign -P` takes it; `None` while the build is not
    /// complete.
    pub public_key: Option<String>,
}

/// A file to save.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub what: String,
    /// Length in bytes, where it is known beforehand.
    pub size: Option<u64>,
    /// SHA-256, where it is known beforehand.
    pub sha256: Option<Digest>,
}

/// A page of the list of releases: those after `after`, else the newest.
pub(crate) async fn load_releases(after: Option<Cursor>) -> Result<ReleasesPage, AppError> {
    let slice = Slice { after, ..Slice::first() };
    let filter = ReleaseFilter::default();
    let page = crate::compose::releases::rows(&super::asked()?, &filter, &slice).await?;
    Ok(ReleasesPage { around: Around::of(&slice, page.next), releases: page.items })
}

/// A release's overview.
pub(crate) async fn load_release(version: String) -> Result<ReleasePage, AppError> {
    crate::compose::releases::overview(&super::asked()?, &version).await
}

/// A release's contents.
pub(crate) async fn load_contents(
    version: String,
    search: String,
    part: String,
) -> Result<ContentsPage, AppError> {
    crate::compose::releases::contents(&super::asked()?, &version, search, &part).await
}

/// A release's tests.
pub(crate) async fn load_tests(version: String, narrowed: Narrowed) -> Result<TestsPage, AppError> {
    crate::compose::releases::tests(&super::asked()?, &version, narrowed).await
}

/// The report of a release.
pub(crate) async fn load_report(version: String, baseline: String) -> Result<ReportPage, AppError> {
    crate::compose::releases::report(&super::asked()?, &version, &baseline).await
}

/// Where a release went and may go.
pub(crate) async fn load_release_deployments(
    version: String,
) -> Result<ReleaseDeploymentsPage, AppError> {
    crate::compose::releases::deployments(&super::asked()?, &version).await
}

/// A release's notes.
pub(crate) async fn load_notes(version: String) -> Result<NotesPage, AppError> {
    crate::compose::releases::notes(&super::asked()?, &version).await
}

/// A release's files.
pub(crate) async fn load_files(version: String) -> Result<FilesPage, AppError> {
    crate::compose::releases::files(&super::asked()?, &version).await
}

/// Asks for a validation by a plan, by "smoke" where none is named, and goes to its job.
#[server(prefix = "/api/ui")]
pub async fn start_validation(
    version: String,
    #[server(default)] plan: String,
) -> Result<(), AppError> {
    crate::compose::releases::start_validation(&super::asked()?, &version, &plan).await
}

/// Takes a candidate back for good.
#[server(prefix = "/api/ui")]
pub async fn withdraw_release(
    version: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::releases::withdraw(&super::asked()?, &version, &reason).await
}
