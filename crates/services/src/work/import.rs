//! Importing a release: hands what was uploaded to the builder, and keeps what came of it.

use std::sync::{Arc, atomic::AtomicBool};

use builder::{ImportOutput, ImportRequest};
use domain::{
    digest::Digest, error_chain::chain, job::JobState, recipe::Revision, release::Release,
};
use store::jobs::ClaimedJob;

use super::{
    Ended,
    build::{Recorder, completed, settle},
    cancelled_by_a_person, release_of,
    transcript::on_a_thread,
};
use crate::{Services, error::ServiceError, imports::ImportParameters, releases::no_release};

/// Imports, and completes the release where all went well.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let mut rows = services.read().await?;
    let id = release_of(&claimed.job)?;
    let missing = || no_release(id.as_str());
    let release = rows.release(id).await?.ok_or_else(missing)?;
    let import = rows.import_of(id).await?.ok_or_else(missing)?;
    drop(rows);
    if let Some(ended) = completed(&release) {
        return Ok(ended);
    }
    let parameters: ImportParameters =
        serde_json::from_value(claimed.parameters.clone()).map_err(ServiceError::internal)?;
    let request = ImportRequest {
        target: release.version.target.clone(),
        rootfs: parameters.rootfs.clone(),
        kernels: parameters.kernels.clone(),
        menu: parameters.menu.clone(),
        login: import.login,
    };
    let observer =
        Recorder::start(services, claimed, cancelled.clone(), &release, Vec::new()).await?;
    let builder = services.builder().clone();
    let imported = on_a_thread("import", observer, move |it| builder.import(&request, it)).await?;
    match imported {
        Ok(output) => complete(services, &release, &parameters, &output).await,
        Err(_) if cancelled.load(std::sync::atomic::Ordering::Acquire) => {
            Ok(cancelled_by_a_person())
        }
        Err(error) => Ok(Ended { state: JobState::Failed, outcome: chain(&error) }),
    }
}

async fn complete(
    services: &Services,
    release: &Release,
    parameters: &ImportParameters,
    output: &ImportOutput,
) -> Result<Ended, ServiceError> {
    let mut tx = services.begin().await?;
    let signature = &output.signature.sha256;
    let outcome = settle(services, &mut tx, release, &output.manifest, signature).await?;
    tx.complete_import(&release.id, output.hostname.as_deref(), &output.packages).await?;
    let revision = Revision {
        recipe: release.recipe.clone(),
        number: release.revision,
        digest: Digest::of(&output.proposal),
        text: output.proposal.clone(),
        message: format!("Proposed by the import of {}", release.version),
        author: release.created_by.clone(),
        saved_at: services.now(),
    };
    tx.insert_revision(&revision, &parameters.author).await?;
    services.commit(tx, &format!("release/{}", release.version)).await?;
    Ok(Ended { state: JobState::Succeeded, outcome })
}
