//! Asking for a build of a variant.

use builder::{KernelRequest, kernel_step, kernel_steps, upload_name, variant_steps};
use domain::{
    actor::Actor,
    digest::Digest,
    environment::PRODUCTION,
    ids::{JobId, KernelId, VariantId},
    job::{Job, JobKind},
    kernel::{self, BuildMode, Flavor, Source},
    lock::Part,
    manifest::Manifest,
    policy::{self, Action},
    recipe,
    release::Release,
    variant::Definition,
};
use serde::{Deserialize, Serialize};
use store::{Rows, WriteTx, jobs::NewJob, variants::NewVariantBuild};

use super::{no_variant, topic};
use crate::{
    Services, audit::Change, error::ServiceError, jobs::no_job, kernels::freeze_base,
    releases::no_release,
};

/// What a build was asked for: kept with its job, so that whoever changes a kernel meanwhile changes
/// nothing of that variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VariantParameters {
    pub(crate) kernels: Vec<FrozenVariantKernel>,
}

/// A kernel of a variant as it was when the build was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FrozenVariantKernel {
    id: KernelId,
    name: String,
    definition: kernel::Definition,
    mode: BuildMode,
}

impl FrozenVariantKernel {
    pub(crate) fn request(&self) -> KernelRequest {
        KernelRequest {
            kernel: self.id.clone(),
            name: self.name.clone(),
            definition: self.definition.clone(),
            mode: self.mode,
        }
    }
}

/// A release that a variant stands on, as rows have it.
pub(crate) struct FrozenBase {
    pub(crate) release: Release,
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
}

impl Services {
    /// Asks for a build of a variant.
    ///
    /// # Errors
    /// Where the actor may not, a job of it has not ended, its days are over, or something that it
    /// names is gone.
    pub async fn start_variant_build(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Job, ServiceError> {
        let role = Self::role_of(actor, Action::BuildVariant)?;
        let mut tx = self.begin().await?;
        let row = tx.variant(name).await?.ok_or_else(|| no_variant(name))?;
        let (variant, number) = (row.variant, row.newest + 1);
        let open = open_job(&mut tx, &variant.id).await?;
        let expired = variant.expires_at <= self.now();
        policy::may_build_variant(role, actor.name(), &variant.owner, expired, open.as_ref())?;
        let definition = self.name_uses_of_variant(&mut tx, variant.definition).await?;
        let base = frozen_base(&mut tx, &definition.base).await?;
        domain::variant::menu(&base.manifest, &definition)
            .map_err(|why| ServiceError::invalid("kernels", why.to_string()))?;
        let kernels = self.freeze_variant_kernels(&mut tx, &definition).await?;
        let mut steps: Vec<String> = kernels
            .iter()
            .flat_map(|it| {
                kernel_steps(&it.definition, it.mode)
                    .into_iter()
                    .map(|step| kernel_step(&it.name, step))
            })
            .collect();
        steps.extend(variant_steps(&definition).into_iter().map(ToOwned::to_owned));
        let build = NewVariantBuild {
            variant: variant.id.clone(),
            number,
            job: JobId::generate(self.ids()),
            revision: variant.revision,
            definition,
            base: base.release.id.clone(),
            base_name: base.release.name(),
            base_manifest: base.digest,
        };
        let parameters =
            serde_json::to_value(VariantParameters { kernels }).map_err(ServiceError::internal)?;
        tx.insert_job(&NewJob {
            id: build.job.clone(),
            kind: JobKind::Variant,
            release: None,
            kernel: None,
            variant: Some(variant.id),
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters,
            steps,
        })
        .await?;
        tx.insert_variant_build(&build).await?;
        let change = Change::VariantBuildRequested { variant: name, build: &build };
        self.record(&mut tx, actor, change).await?;
        let job = tx.job(&build.job).await?.ok_or_else(|| no_job(&build.job))?;
        self.commit(tx, &topic(name)).await?;
        self.tell(&format!("job/{}", job.id));
        self.nudge();
        Ok(job)
    }

    /// The kernels that a definition takes, as they are now. One of the list is taken as it was built
    /// last, so that nothing is compiled that is there already.
    async fn freeze_variant_kernels(
        &self,
        tx: &mut WriteTx,
        definition: &Definition,
    ) -> Result<Vec<FrozenVariantKernel>, ServiceError> {
        let mut frozen = Vec::new();
        for name in definition.own_kernels().into_keys() {
            let row = tx.kernel(name).await?.ok_or_else(|| {
                let message = format!("there is no kernel called {name} any more");
                ServiceError::invalid("kernels", message)
            })?;
            let id = row.kernel.id.clone();
            let mut definition = row.kernel.definition;
            if let Some((_, digest)) = self.name_everything(tx, name, &definition).await? {
                freeze_base(&mut definition, digest);
            }
            let built = tx
                .newest_kernel_builds(name, name)
                .await?
                .into_iter()
                .map(|it| it.build)
                .find(|it| it.record.is_some() && it.revision == row.kernel.revision);
            let mode = built.map_or(BuildMode::Development, |it| it.mode);
            frozen.push(FrozenVariantKernel { id, name: name.to_owned(), definition, mode });
        }
        for kernel in definition.kernels.iter().filter(|it| !it.packages.is_empty()) {
            frozen.push(FrozenVariantKernel {
                // It has no compiler cache: nothing of it is compiled here.
                id: KernelId(upload_name(&kernel.alias)),
                name: upload_name(&kernel.alias),
                definition: uploaded(kernel),
                mode: BuildMode::Development,
            });
        }
        Ok(frozen)
    }
}

/// What is uploaded with a variant, as a kernel that was compiled elsewhere.
fn uploaded(kernel: &domain::variant::Kernel) -> kernel::Definition {
    kernel::Definition {
        flavor: kernel.flavor,
        source: Source::UploadedPackages {
            packages: kernel.packages.clone(),
            image: kernel.image.clone().filter(|_| kernel.flavor == Flavor::Linux),
        },
        configuration: None,
        patches: Vec::new(),
        debug: false,
    }
}

/// The release of that name; what production runs where it is empty.
pub(crate) async fn frozen_base(rows: &mut Rows, name: &str) -> Result<FrozenBase, ServiceError> {
    let invalid = |message: String| ServiceError::invalid("base", message);
    let release = if name.is_empty() {
        let environments = rows.environments().await?;
        let production = environments.into_iter().find(|it| it.name == PRODUCTION);
        let Some(id) = production.and_then(|it| it.release) else {
            return Err(invalid(
                "production runs no release yet; name the one to change: base = \"v1.2.0\""
                    .to_owned(),
            ));
        };
        rows.release(&id).await?.ok_or_else(|| no_release(id.as_str()))?
    } else {
        let found = rows.release_by_name(name).await?;
        found.ok_or_else(|| invalid(format!("there is no release {name}")))?
    };
    if !release.stage.bootable() {
        return Err(invalid(format!(
            "{} is {} and cannot be booted",
            release.name(),
            release.stage
        )));
    }
    let manifest = rows
        .manifest_of(&release.id)
        .await?
        .ok_or_else(|| invalid(format!("{} has no manifest", release.name())))?;
    let digest = manifest.digest()?;
    Ok(FrozenBase { release, manifest, digest })
}

impl FrozenBase {
    /// What the builder stands on.
    pub(crate) async fn for_builder(self, rows: &mut Rows) -> Result<builder::Base, ServiceError> {
        let Self { release, manifest, .. } = self;
        let missing = || ServiceError::NotFound(format!("recipe of {}", release.name()));
        let revision =
            rows.revision_of(&release.recipe, release.revision).await?.ok_or_else(missing)?;
        let recipe = recipe::parse(&revision.text).map_err(|problems| {
            let first = problems.first().map_or_else(String::new, |it| it.message.clone());
            ServiceError::invalid("base", format!("the recipe of {}: {first}", release.name()))
        })?;
        let lock = match &release.lock {
            Some(lock) => rows.lock(lock).await?,
            None => None,
        };
        // An import has no lock; when it came stands for when it was made.
        let epoch = lock.as_ref().map_or_else(
            || release.built_at.unwrap_or(release.created_at).seconds(),
            |it| it.epoch,
        );
        let busybox =
            lock.and_then(|lock| lock.packages.into_iter().find(|it| it.part == Part::Initrd));
        Ok(builder::Base { name: release.name(), manifest, recipe, epoch, busybox })
    }
}

/// The job of a variant that has not ended.
pub(crate) async fn open_job(
    rows: &mut Rows,
    variant: &VariantId,
) -> Result<Option<JobId>, ServiceError> {
    let open = rows.open_jobs().await?.into_iter();
    let mut of_it = open.filter(|job| job.variant.as_ref().is_some_and(|it| it.id == *variant));
    Ok(of_it.next().map(|job| job.id))
}
