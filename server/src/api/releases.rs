//! Releases: what was built, what it consists of, and building another.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use domain::{
    change::ReleaseChange,
    digest::Digest,
    environment::Environment,
    evidence::{DecidingCase, Evidence},
    lock::Part,
    manifest::Manifest,
    menu::reader::Unread,
    packages::HeldPackage,
    page::{Cursor, Page},
    release::{self, Health, Stage},
    text_diff::DiffLine,
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    releases::{Packages, ReleaseContents, ReleaseFilter},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Accepted, Body, Caller, Listed, Path, Query, slice, text, time},
    jobs::Job,
    problem::{Answer, Problem},
    room::Pin,
};
use crate::downloads;

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// `v1.2.0` once released, `v1.2.0-rc.1` before.
    pub name: String,
    /// Its candidate name, kept for ever.
    pub candidate: String,
    /// How far it has come.
    pub stage: Stage,
    /// What its evidence says.
    pub health: Health,
    /// Names of the environments that serve it.
    pub serving: Vec<String>,
    /// Name of the recipe; of an imported release, of the one that the import proposes.
    pub recipe: String,
    /// Number of the recipe's revision.
    pub revision: u32,
    /// Whether it was put together elsewhere: then it has no lock and cannot be built again.
    pub imported: bool,
    /// The job that builds, built or imported it.
    pub job: String,
    /// SHA-256 of the manifest, once it is complete: the release's identity.
    pub digest: Option<Digest>,
    /// SHA-256 of the lock, once it is resolved; an imported release has none.
    pub lock: Option<Digest>,
    /// The candidate whose manifest this build came to as well.
    pub identical_to: Option<String>,
    /// When the build was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who asked for it.
    pub created_by: String,
    /// When it became a candidate.
    #[schema(format = DateTime)]
    pub built_at: Option<String>,
    /// When it got its released name.
    #[schema(format = DateTime)]
    pub released_at: Option<String>,
}

impl Release {
    fn of(it: &release::Release, health: Health, environments: &[Environment]) -> Self {
        let serving = environments
            .iter()
            .filter(|environment| environment.release.as_ref() == Some(&it.id))
            .map(|environment| environment.name.clone())
            .collect();
        Self {
            name: it.name(),
            candidate: it.version.to_string(),
            stage: it.stage,
            health,
            serving,
            recipe: it.recipe_name.clone(),
            revision: it.revision,
            imported: it.is_imported(),
            job: it.job.to_string(),
            digest: it.manifest,
            lock: it.lock,
            identical_to: text(it.identical_to.as_ref()),
            created_at: time(it.created_at),
            created_by: it.created_by.clone(),
            built_at: it.built_at.map(time),
            released_at: it.released_at.map(time),
        }
    }
}

/// A release with what it consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseDetails {
    /// The release.
    #[serde(flatten)]
    pub release: Release,
    /// What it consists of, once it is complete.
    pub manifest: Option<Manifest>,
    /// How many packages its rootfs has.
    pub packages: u32,
    /// Id of the key that signed it, once it is complete.
    pub signed_by: Option<String>,
    /// The entries of an imported menu that could not be read, and why.
    pub unread: Vec<Unread>,
    /// Who wants it to stay, and why; `null` where it is not pinned.
    pub pin: Option<Pin>,
    /// When its files were removed, where they were.
    #[schema(format = DateTime)]
    pub files_removed_at: Option<String>,
}

/// What changed against the release that production serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeAgainst {
    /// Name of the release that is compared with; `null` where production serves none.
    pub base: Option<String>,
    /// What changed in what the releases consist of.
    pub change: ReleaseChange,
    /// What changed in the recipe's text.
    pub recipe: Vec<DiffLine>,
}

/// What decides about one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanEvidence {
    /// Name of the plan.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
    /// What the cases say together.
    pub health: Health,
    /// The digest that an approval names.
    pub digest: Digest,
    /// The deciding result of each required case.
    pub cases: Vec<DecidingCase>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Length in bytes, where it is known beforehand.
    pub size: Option<u64>,
    /// SHA-256, where it is known beforehand.
    pub sha256: Option<Digest>,
}

/// A release to build.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelease {
    /// Name of the recipe.
    pub recipe: String,
    /// Number of its revision; the newest where absent.
    pub revision: Option<u32>,
    /// The candidate's version, such as `v1.2.0-rc.1`; the one that is free where absent.
    pub version: Option<String>,
    /// Which packages it takes.
    #[serde(default = "newer")]
    #[schema(default = "newer")]
    pub packages: WhichPackages,
}

const fn newer() -> WhichPackages {
    WhichPackages::Newer
}

/// Which packages a build takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhichPackages {
    /// The newest that the archive has.
    Newer,
    /// Those of the recipe's newest release.
    Keep,
}

/// Why something is done.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// 3 to 2000 characters; it stands in the audit log.
    pub reason: String,
}

/// Which releases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReleases {
    /// Only those of this stage.
    stage: Option<Stage>,
    /// Only those of the recipe of this name.
    recipe: Option<String>,
    /// Only those whose candidate name holds this.
    search: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Which packages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPackages {
    /// Only those whose name holds this.
    search: Option<String>,
    /// Only those of this part.
    part: Option<Part>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists releases, newest first.
#[utoipa::path(get, path = "/releases", tag = "releases", params(ListReleases), responses((status = 200, body = Listed<Release>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListReleases>,
) -> Answer<Json<Listed<Release>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let filter = ReleaseFilter { stage: query.stage, recipe: query.recipe, search: query.search };
    let page = services.releases_page(&actor, &filter, &slice).await?;
    let environments = services.environments(&actor).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for release in page.items {
        let health = services.health(&actor, &release).await?;
        items.push(Release::of(&release, health, &environments));
    }
    Ok(Listed::of(Page { items, next: page.next }, |it| it))
}

/// Builds a release of a recipe: 202 with the job.
#[utoipa::path(post, path = "/releases", tag = "releases", request_body = NewRelease, responses((status = 202, body = Job)))]
pub async fn build(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewRelease>,
) -> Answer<Accepted<Job>> {
    let version = new.version.map(|version| version.trim().parse()).transpose().map_err(
        |error: domain::version::InvalidVersion| Problem::of_field("version", &error.to_string()),
    )?;
    let (version, revision) = match (version, new.revision) {
        (Some(version), Some(revision)) => (version, revision),
        (version, revision) => {
            let proposal = services.propose_build(&actor, &new.recipe).await?;
            (version.unwrap_or(proposal.version), revision.unwrap_or(proposal.revision))
        }
    };
    let packages = match new.packages {
        WhichPackages::Newer => Packages::Newer,
        WhichPackages::Keep => Packages::Keep,
    };
    let job = services.start_build(&actor, &new.recipe, revision, version, packages).await?;
    Ok(Job::of(job).accepted())
}

/// Shows a release with what it consists of.
#[utoipa::path(get, path = "/releases/{version}", tag = "releases", params(("version" = String, Path, description = "Name of the release: `v1.2.0-rc.1`, or `v1.2.0` once released")), responses((status = 200, body = ReleaseDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
) -> Answer<Json<ReleaseDetails>> {
    let release = services.release(&actor, &version).await?;
    let health = services.health(&actor, &release).await?;
    let environments = services.environments(&actor).await?;
    let contents = match release.manifest {
        Some(_) => Some(services.contents(&actor, &release).await?),
        None => None,
    };
    let installed =
        |it: &ReleaseContents| it.packages.iter().filter(|it| it.is_installed()).count();
    let packages = contents.as_ref().map_or(0, installed);
    let import = services.import_of(&actor, &release).await?;
    Ok(Json(ReleaseDetails {
        unread: import.map(|it| it.import.unread).unwrap_or_default(),
        pin: services.pin_of(&actor, &release).await?.map(Pin::of),
        files_removed_at: services.files_removed_at(&actor, &release).await?.map(time),
        release: Release::of(&release, health, &environments),
        packages: u32::try_from(packages).unwrap_or(u32::MAX),
        signed_by: contents.as_ref().map(|it| it.key_id.clone()),
        manifest: contents.map(|it| it.manifest),
    }))
}

/// Lists the packages of a complete release.
#[utoipa::path(get, path = "/releases/{version}/packages", tag = "releases", params(("version" = String, Path, description = "Name of the release"), ListPackages), responses((status = 200, body = Listed<HeldPackage>)))]
pub async fn packages(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
    Query(query): Query<ListPackages>,
) -> Answer<Json<Listed<HeldPackage>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let release = services.release(&actor, &version).await?;
    let contents = services.contents(&actor, &release).await?;
    let wanted = query.search.unwrap_or_default().to_ascii_lowercase();
    let after = slice.after.as_ref().map_or(0, |after| after.number);
    // A release never changes, so a package's place in it is its place in the list.
    let rest = (1_i64..)
        .zip(contents.packages)
        .filter(|(place, it)| {
            *place > after
                && query.part.is_none_or(|part| it.part == part)
                && it.name.contains(&wanted)
        })
        .collect();
    let page = Page::of(rest, &slice, |(place, _)| Cursor { number: *place, name: String::new() });
    Ok(Listed::of(page, |(_, package)| package))
}

/// Compares a complete release with the one that production serves.
#[utoipa::path(get, path = "/releases/{version}/change", tag = "releases", params(("version" = String, Path, description = "Name of the release")), responses((status = 200, body = ChangeAgainst)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
) -> Answer<Json<ChangeAgainst>> {
    let release = services.release(&actor, &version).await?;
    let services::releases::ChangeAgainst { base, change, recipe } =
        services.change_against_production(&actor, &release).await?;
    Ok(Json(ChangeAgainst { base, change, recipe }))
}

/// Shows what decides about a complete release, plan by plan.
#[utoipa::path(get, path = "/releases/{version}/evidence", tag = "releases", params(("version" = String, Path, description = "Name of the release")), responses((status = 200, body = Listed<PlanEvidence>)))]
pub async fn evidence(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
) -> Answer<Json<Listed<PlanEvidence>>> {
    let release = services.release(&actor, &version).await?;
    let evidence = services.evidence(&actor, &release).await?;
    let shown = |it: Evidence| {
        Ok(PlanEvidence {
            health: it.health(),
            digest: it.digest().map_err(services::ServiceError::from)?,
            plan: it.plan,
            plan_revision: it.plan_revision,
            cases: it.cases,
        })
    };
    Ok(Listed::whole(evidence.into_iter().map(shown).collect::<Result<_, Problem>>()?))
}

/// Lists the files of a complete release.
#[utoipa::path(get, path = "/releases/{version}/files", tag = "releases", params(("version" = String, Path, description = "Name of the release")), responses((status = 200, body = Listed<ReleaseFile>)))]
pub async fn files(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
) -> Answer<Json<Listed<ReleaseFile>>> {
    let release = services.release(&actor, &version).await?;
    let files = services.release_files(&actor, &release).await?;
    let shown = files.into_iter().map(|it| ReleaseFile {
        name: it.name,
        what: it.what.to_owned(),
        size: it.size,
        sha256: it.sha256,
    });
    Ok(Listed::whole(shown.collect()))
}

/// Gives a file of a complete release: a component, `manifest.json`, its signature, the lock, the
/// SBOM.
#[utoipa::path(get, path = "/releases/{version}/files/{name}", tag = "releases", params(("version" = String, Path, description = "Name of the release"), ("name" = String, Path, description = "Name of the file"), ("Range" = Option<String>, Header, description = "The part of it that is wanted")), responses((status = 200, content((Vec<u8> = "application/octet-stream"), (String = "application/json"), (String = "text/plain; charset=utf-8")))))]
pub async fn file(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let file = services.release_file(&actor, &version, &name).await?;
    Ok(downloads::to_program(file, &headers))
}

/// Takes a candidate back for good: machines cannot boot it any more.
#[utoipa::path(post, path = "/releases/{version}/withdraw", tag = "releases", params(("version" = String, Path, description = "Name of the release")), request_body = Reason, responses((status = 200, body = ReleaseDetails)))]
pub async fn withdraw(
    state: State<Services>,
    caller: Caller,
    version: Path<String>,
    Body(Reason { reason }): Body<Reason>,
) -> Answer<Json<ReleaseDetails>> {
    state.withdraw_release(&caller.0, &version.0, &reason).await?;
    show(state, caller, version).await
}
