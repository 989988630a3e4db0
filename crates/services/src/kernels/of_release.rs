//! Kernels that a release's recipe names: frozen when its build is asked for, and noted with the
//! kernel when that build has made them.

use builder::{KernelOutput, KernelRequest};
use domain::{
    actor::Actor,
    ids::{JobId, KernelId},
    job::{JobKind, JobState},
    kernel::{BuildMode, Definition},
    recipe::Recipe,
    version::CandidateVersion,
};
use serde::{Deserialize, Serialize};
use store::{WriteTx, jobs::NewJob, kernels::builds::NewKernelBuild};

use super::{building::freeze_base, definition::pinned, topic};
use crate::{Services, audit::Change, error::ServiceError};

/// A kernel of a recipe as it was when the build of a release was asked for: kept with its job, so
/// that whoever changes the kernel meanwhile changes nothing of that release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenKernel {
    /// Which kernel.
    pub id: KernelId,
    /// Its name.
    pub name: String,
    /// Revision of its definition.
    pub revision: u32,
    /// What it is made of.
    pub definition: Definition,
}

impl FrozenKernel {
    /// What the builder is asked for: a kernel that a release may hold.
    pub(crate) fn request(&self) -> KernelRequest {
        KernelRequest {
            kernel: self.id.clone(),
            name: self.name.clone(),
            definition: self.definition.clone(),
            mode: BuildMode::Release,
        }
    }
}

impl Services {
    /// The kernels that a recipe names, as they are now.
    pub(crate) async fn freeze_kernels(
        &self,
        tx: &mut WriteTx,
        recipe: &Recipe,
    ) -> Result<Vec<FrozenKernel>, ServiceError> {
        let mut frozen = Vec::new();
        for name in recipe.own_kernels().into_keys() {
            let row = tx.kernel(name).await?.ok_or_else(|| {
                ServiceError::invalid(
                    "revision",
                    format!("there is no kernel called {name} any more"),
                )
            })?;
            let mut definition = row.kernel.definition;
            if let Some((_, digest)) = self.name_everything(tx, name, &definition).await? {
                freeze_base(&mut definition, digest);
            }
            let name = name.to_owned();
            let revision = row.kernel.revision;
            frozen.push(FrozenKernel { id: row.kernel.id, name, revision, definition });
        }
        Ok(frozen)
    }

    /// Notes with a kernel that a release's build has made it, unless it has the very same record
    /// already.
    pub(crate) async fn note_kernel_of_release(
        &self,
        release: &CandidateVersion,
        frozen: &FrozenKernel,
        output: &KernelOutput,
    ) -> Result<(), ServiceError> {
        let Some(record) = &output.record else { return Ok(()) };
        let digest = domain::canonical::digest(record)?;
        let mut tx = self.begin().await?;
        // Removed meanwhile: the release has what it needs.
        let Some(row) = tx.kernel(&frozen.name).await?.filter(|it| it.kernel.id == frozen.id)
        else {
            return Ok(());
        };
        let mut definition = frozen.definition.clone();
        if let Some(commit) = &output.source.commit
            && let Some(own) = pinned(&frozen.definition, commit)
        {
            tx.pin_kernel(&frozen.id, frozen.revision, &own).await?;
            definition = own;
        }
        if !tx.kernel_has_record(&frozen.id, &digest).await? {
            let build = NewKernelBuild {
                kernel: frozen.id.clone(),
                number: row.newest + 1,
                mode: BuildMode::Release,
                job: JobId::generate(self.ids()),
                revision: frozen.revision,
                definition,
            };
            let now = self.now();
            tx.insert_job(&NewJob {
                id: build.job.clone(),
                kind: JobKind::Kernel,
                release: None,
                kernel: Some(frozen.id.clone()),
                variant: None,
                created_at: now,
                created_by: Actor::runner("").name().to_owned(),
                parameters: serde_json::json!({}),
                steps: Vec::new(),
            })
            .await?;
            tx.insert_kernel_build(&build).await?;
            if let Some(config) = &output.config {
                tx.set_configured(&build.job, output.report.as_ref(), config).await?;
            }
            tx.complete_kernel_build(&build.job, record).await?;
            let outcome = format!("{} is built, with {release}", record.release);
            tx.end_job(&build.job, JobState::Succeeded, &outcome, None, now).await?;
            let change = Change::KernelBuildEnded {
                kernel: &frozen.name,
                job: &build.job,
                number: build.number,
                record: Some(&digest),
                outcome: &outcome,
            };
            self.record(&mut tx, &Actor::runner(build.job.as_str()), change).await?;
        }
        self.commit(tx, &topic(&frozen.name)).await
    }
}
