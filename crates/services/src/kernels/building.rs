//! Asking for a kernel, or for its configuration alone.

use domain::{
    actor::Actor,
    ids::JobId,
    job::{Job, JobKind},
    kernel::{BuildMode, ConfigBase, Definition},
    policy::{self, Action},
};
use store::{jobs::NewJob, kernels::builds::NewKernelBuild};

use super::{no_kernel, topic};
use crate::{Services, audit::Change, error::ServiceError, jobs::no_job};

impl Services {
    /// Asks for a kernel's configuration, or for the kernel itself.
    ///
    /// # Errors
    /// Where the actor may not, a job of this kernel has not ended, a binary is to be configured, or
    /// something that the definition names is gone.
    pub async fn start_kernel_build(
        &self,
        actor: &Actor,
        name: &str,
        mode: BuildMode,
    ) -> Result<Job, ServiceError> {
        let role = Self::role_of(actor, Action::BuildKernel)?;
        let mut tx = self.begin().await?;
        let row = tx.kernel(name).await?.ok_or_else(|| no_kernel(name))?;
        let kernel = row.kernel;
        let open = tx.open_job_of_kernel(&kernel.id).await?;
        let binary = kernel.definition.source.is_binary();
        policy::may_build_kernel(role, binary, mode, open.as_ref())?;
        let mut definition = kernel.definition.clone();
        if let Some((_, digest)) = self.name_everything(&mut tx, name, &definition).await? {
            freeze_base(&mut definition, digest);
        }
        let build = NewKernelBuild {
            kernel: kernel.id.clone(),
            number: row.newest + 1,
            mode,
            job: JobId::generate(self.ids()),
            revision: kernel.revision,
            definition,
        };
        let steps = builder::kernel_steps(&build.definition, mode);
        tx.insert_job(&NewJob {
            id: build.job.clone(),
            kind: JobKind::Kernel,
            release: None,
            kernel: Some(kernel.id),
            variant: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters: serde_json::json!({}),
            steps: steps.into_iter().map(ToOwned::to_owned).collect(),
        })
        .await?;
        tx.insert_kernel_build(&build).await?;
        let change = Change::KernelBuildRequested { kernel: name, build: &build };
        self.record(&mut tx, actor, change).await?;
        let job = tx.job(&build.job).await?.ok_or_else(|| no_job(&build.job))?;
        self.commit(tx, &topic(name)).await?;
        self.tell(&format!("job/{}", job.id));
        self.nudge();
        Ok(job)
    }
}

/// Says which configuration of the other kernel is meant, whatever becomes of that kernel.
pub(crate) fn freeze_base(definition: &mut Definition, digest: domain::digest::Digest) {
    let base = definition.configuration.as_mut().map(|it| &mut it.base);
    if let Some(ConfigBase::Kernel { config, .. }) = base {
        *config = Some(digest);
    }
}
