//! Kernels: components of their own, that are added, configured, built, compared and removed.

pub mod shown;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::kernel::{BuildMode, ConfigDifference, Definition, Flavor, KernelState};
use serde::{Deserialize, Serialize};
use services::{Services, kernels::KernelFilter};
use utoipa::{IntoParams, ToSchema};

use self::shown::{Kernel, KernelBuild, KernelBuildDetails, KernelDetails};
use super::{
    exchange::{
        Accepted, Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, slice,
    },
    jobs::Job,
    problem::{Answer, Problem},
};
use crate::downloads;

/// A kernel to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKernel {
    /// 1 to 60 of a-z, 0-9, '.' and '-'; starts with a letter or digit; not `new` or `diff`.
    #[schema(pattern = "^[a-z0-9][a-z0-9.-]{0,59}$")]
    pub name: String,
    /// What it is made of.
    pub definition: Definition,
}

/// What a kernel is made of from now on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDefinition {
    /// All of it: what is left out is not kept.
    pub definition: Definition,
}

/// A build to ask for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKernelBuild {
    /// `configure` for the configuration alone, `development` for today's experiment, `release` for
    /// a kernel that a release may hold.
    pub mode: BuildMode,
}

/// How the configurations of two kernels differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelConfigDiff {
    /// What is compared, as it was asked for.
    pub from: String,
    /// With what.
    pub to: String,
    /// Every option that differs, in the order of the later configuration.
    pub differences: Vec<ConfigDifference>,
}

/// Which kernels.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListKernels {
    /// Only those of this flavor.
    flavor: Option<Flavor>,
    /// Only those that stand so.
    state: Option<KernelState>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Which configurations to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Compared {
    /// The former: a kernel by name, whose newest configuration is meant, or `name/number` for one
    /// of its builds.
    from: String,
    /// The later, named likewise.
    to: String,
}

/// Lists kernels by name.
#[utoipa::path(get, path = "/kernels", tag = "kernels", params(ListKernels), responses((status = 200, body = Listed<Kernel>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListKernels>,
) -> Answer<Json<Listed<Kernel>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let filter = KernelFilter { flavor: query.flavor, state: query.state };
    Ok(Listed::of(services.kernels_page(&actor, &filter, &slice).await?, Kernel::of))
}

/// Adds a kernel. Nothing is fetched before its configuration or a build is asked for.
#[utoipa::path(post, path = "/kernels", tag = "kernels", request_body = NewKernel, responses((status = 201, body = KernelDetails)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(NewKernel { name, definition }): Body<NewKernel>,
) -> Answer<Created<Tagged<KernelDetails>>> {
    let made = services.create_kernel(&actor, &name, definition).await;
    let name = made.map_err(Problem::of_definition)?.name;
    let address = format!("/kernels/{name}");
    Ok(Created(address, KernelDetails::of(services.kernel(&actor, &name).await?).tagged()))
}

/// Shows a kernel with what it is made of; its `ETag` is what a change of it names.
#[utoipa::path(get, path = "/kernels/{name}", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel")), responses((status = 200, body = KernelDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<KernelDetails>> {
    Ok(KernelDetails::of(services.kernel(&actor, &name).await?).tagged())
}

/// Changes what a kernel is made of; `If-Match` names the revision that the change was made from.
/// Builds that were asked for before keep the definition that they have.
#[utoipa::path(put, path = "/kernels/{name}", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel"), ("If-Match" = String, Header, description = "ETag of the kernel that was looked at")), request_body = NewDefinition, responses((status = 200, body = KernelDetails)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(NewDefinition { definition }): Body<NewDefinition>,
) -> Answer<Tagged<KernelDetails>> {
    let base = base.version()?;
    let changed = services.change_kernel(&actor, &name, base, definition).await;
    changed.map_err(Problem::of_change)?;
    Ok(KernelDetails::of(services.kernel(&actor, &name).await?).tagged())
}

/// Removes a kernel that nothing needs. Releases that hold a build of it keep their files.
#[utoipa::path(delete, path = "/kernels/{name}", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel")), responses((status = 204)))]
pub async fn delete(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    services.delete_kernel(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists a kernel's builds, newest first.
#[utoipa::path(get, path = "/kernels/{name}/builds", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel"), Paging), responses((status = 200, body = Listed<KernelBuild>)))]
pub async fn builds(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<KernelBuild>>> {
    let page = services.kernel_builds(&actor, &name, &paging.slice()?).await?;
    Ok(Listed::of(page, |it| KernelBuild::of(&name, &it)))
}

/// Builds a kernel, or its configuration alone: 202 with the job.
#[utoipa::path(post, path = "/kernels/{name}/builds", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel")), request_body = NewKernelBuild, responses((status = 202, body = Job)))]
pub async fn build(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Body(NewKernelBuild { mode }): Body<NewKernelBuild>,
) -> Answer<Accepted<Job>> {
    Ok(Job::of(services.start_kernel_build(&actor, &name, mode).await?).accepted())
}

/// Shows one build of a kernel: what it was made of, what became of its configuration, what came
/// out.
#[utoipa::path(get, path = "/kernels/{name}/builds/{number}", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel"), ("number" = u32, Path, description = "Number of the build")), responses((status = 200, body = KernelBuildDetails)))]
pub async fn show_build(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((name, number)): Path<(String, u32)>,
) -> Answer<Json<KernelBuildDetails>> {
    let build = services.kernel_build(&actor, &name, number).await?;
    Ok(Json(KernelBuildDetails::of(&name, build)))
}

/// Gives a file of a build: one of its record, `record.json`, or `config` as soon as the
/// configuration is known.
#[utoipa::path(get, path = "/kernels/{name}/builds/{number}/files/{file}", tag = "kernels", params(("name" = String, Path, description = "Name of the kernel"), ("number" = u32, Path, description = "Number of the build"), ("file" = String, Path, description = "Name of the file"), ("Range" = Option<String>, Header, description = "The part of it that is wanted")), responses((status = 200, content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/vnd.debian.binary-package"), (String = "application/json"), (String = "text/plain; charset=utf-8")))))]
pub async fn file(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((name, number, file)): Path<(String, u32, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let found = services.kernel_file(&actor, &name, number, &file).await?;
    Ok(downloads::to_program(found, &headers))
}

/// Compares the configurations of two kernels, or of two builds.
#[utoipa::path(get, path = "/kernels/diff", tag = "kernels", params(Compared), responses((status = 200, body = KernelConfigDiff)))]
pub async fn diff(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(Compared { from, to }): Query<Compared>,
) -> Answer<Json<KernelConfigDiff>> {
    let change = services.diff_kernels(&actor, &from, &to).await?;
    Ok(Json(KernelConfigDiff { from, to, differences: change.differences }))
}
