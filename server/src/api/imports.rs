//! Imports: a rootfs, kernels and a menu that exist already become a release.

use axum::{Json, extract::State};
use domain::{
    import::{ConsoleLogin, ImportedKernel},
    kernel::UploadedFile,
};
use serde::{Deserialize, Serialize};
use services::{Services, imports::ImportOrder};
use utoipa::ToSchema;

use super::{
    exchange::{Accepted, Body, Caller},
    jobs::Job,
    problem::{Answer, Problem},
};

/// What is to be imported; its files were sent to `POST /uploads` before.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// The candidate's version, such as `v1.0.0-rc.1`; the one that is free where absent.
    pub version: Option<String>,
    /// The rootfs: a tar archive, compressed by gzip, xz, zstd or not, with the top folder `rootfs/`.
    pub rootfs: UploadedFile,
    /// The kernels by the names that the menu has for their files.
    pub kernels: Vec<ImportedKernel>,
    /// Text of the menu in pxe-server's form, 256 KiB at the most.
    pub menu: String,
    /// The account with which plans sign in on the console.
    pub login: ConsoleLogin,
}

/// What an import would start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProposal {
    /// The version that an import would get.
    pub version: String,
}

/// Imports a release: 202 with the job. The entries of the menu that cannot be read stand in
/// `unread` of the release; `recipe.toml` among its files is the recipe that is proposed.
#[utoipa::path(post, path = "/imports", tag = "releases", request_body = NewImport, responses((status = 202, body = Job)))]
pub async fn start(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewImport>,
) -> Answer<Accepted<Job>> {
    let version = match new.version {
        Some(version) => {
            version.trim().parse().map_err(|error: domain::version::InvalidVersion| {
                Problem::of_field("version", &error.to_string())
            })?
        }
        None => services.propose_import(&actor).await?.version,
    };
    let order = ImportOrder {
        version,
        rootfs: new.rootfs,
        kernels: new.kernels,
        menu: new.menu,
        login: new.login,
    };
    Ok(Job::of(services.start_import(&actor, order).await?).accepted())
}

/// Says which version an import would get.
#[utoipa::path(get, path = "/imports/proposal", tag = "releases", responses((status = 200, body = ImportProposal)))]
pub async fn proposal(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Json<ImportProposal>> {
    let version = services.propose_import(&actor).await?.version.to_string();
    Ok(Json(ImportProposal { version }))
}
