//! Validations: asking for one, and what its runs recorded.

use domain::{
    actor::Actor,
    ids::{JobId, ReleaseId, ValidationId, VariantId},
    job::{Job, JobKind},
    manifest::Manifest,
    page::{Page, Slice},
    plan::{Plan, RUNNER_MACHINE, SMOKE},
    policy::{self, Action},
    release::Release,
    run::Validation,
};
use serde_json::json;
use store::{WriteTx, jobs::NewJob, validations::NewValidation};

use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    evidence::plan_called,
    jobs::no_job,
    releases::no_release,
    variants::{self, no_variant},
};

/// What is to be judged.
#[derive(Clone, Copy)]
struct ToJudge<'a> {
    /// The release; of a variant, its base.
    release: &'a ReleaseId,
    variant: Option<&'a VariantId>,
    manifest: &'a Manifest,
}

impl Services {
    /// Asks for a validation of a complete release by a plan; by "smoke" where none is named.
    ///
    /// # Errors
    /// Where the actor may not, machines cannot boot the release, there is no such plan, or it asks
    /// nothing of the runner for this release.
    pub async fn start_validation(
        &self,
        actor: &Actor,
        release: &str,
        plan: Option<&str>,
    ) -> Result<Job, ServiceError> {
        let role = Self::role_of(actor, Action::Validate)?;
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(release).await?.ok_or_else(|| no_release(release))?;
        policy::may_validate(role, release.stage)?;
        let manifest = tx
            .manifest_of(&release.id)
            .await?
            .ok_or_else(|| ServiceError::NotFound(format!("manifest of {}", release.name())))?;
        let judged = ToJudge { release: &release.id, variant: None, manifest: &manifest };
        let (job, plan) = self.queue_validation(&mut tx, actor, &judged, plan).await?;
        let change = Change::ValidationRequested { release: &release, plan: &plan, job: &job };
        self.record(&mut tx, actor, change).await?;
        let row = tx.job(&job).await?.ok_or_else(|| no_job(&job))?;
        self.commit(tx, &format!("job/{job}")).await?;
        self.nudge();
        Ok(row)
    }

    /// Asks for a validation of what was built of a variant, by a plan; by "smoke" where none is named.
    ///
    /// # Errors
    /// Where the actor may not, nothing of it can be booted, there is no such plan, or it asks nothing
    /// of the runner for this variant.
    pub async fn start_variant_validation(
        &self,
        actor: &Actor,
        name: &str,
        plan: Option<&str>,
    ) -> Result<Job, ServiceError> {
        let role = Self::role_of(actor, Action::Validate)?;
        let mut tx = self.begin().await?;
        let variant = tx.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
        let built = tx.built_variant(&variant.id).await?;
        let open = variants::open_job(&mut tx, &variant.id).await?;
        let expired = variant.expires_at <= self.now();
        policy::may_validate_variant(role, expired, built.is_some(), open.as_ref())?;
        let nothing = || ServiceError::NotFound(format!("complete build of variant {name}"));
        let built = built.ok_or_else(nothing)?;
        let manifest = built.build.manifest.ok_or_else(nothing)?;
        let judged =
            ToJudge { release: &built.base, variant: Some(&variant.id), manifest: &manifest };
        let (job, plan) = self.queue_validation(&mut tx, actor, &judged, plan).await?;
        let change =
            Change::VariantValidationRequested { variant: &variant, plan: &plan, job: &job };
        self.record(&mut tx, actor, change).await?;
        let row = tx.job(&job).await?.ok_or_else(|| no_job(&job))?;
        self.commit(tx, &format!("job/{job}")).await?;
        self.tell(&variants::topic(name));
        self.nudge();
        Ok(row)
    }

    /// Queues the job, and the validation that it runs.
    async fn queue_validation(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        judged: &ToJudge<'_>,
        plan: Option<&str>,
    ) -> Result<(JobId, Plan), ServiceError> {
        let ToJudge { release, variant, manifest } = *judged;
        let name = plan.filter(|it| !it.is_empty()).unwrap_or(SMOKE.name);
        let plan = plan_called(tx, name).await?.ok_or_else(|| {
            ServiceError::invalid("plan", format!("there is no plan called \"{name}\""))
        })?;
        let runs = plan.runs(manifest);
        if runs.is_empty() {
            let message = format!(
                "plan {name} asks nothing of the runner here: it names neither the machine \
                 \"{RUNNER_MACHINE}\" with an entry of this menu nor a suite that needs no entry; \
                 results of other machines come in by tokens, or an approver attaches them"
            );
            return Err(ServiceError::invalid("plan", message));
        }
        let job = JobId::generate(self.ids());
        tx.insert_job(&NewJob {
            id: job.clone(),
            kind: JobKind::Validation,
            release: Some(release.clone()),
            kernel: None,
            variant: variant.cloned(),
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters: json!({}),
            steps: runs.into_iter().map(|it| it.step).collect(),
        })
        .await?;
        tx.insert_validation(&NewValidation {
            id: ValidationId::generate(self.ids()),
            job: job.clone(),
            release: release.clone(),
            variant: variant.cloned(),
            manifest: manifest.digest()?,
            plan: plan.name.clone(),
            plan_revision: plan.revision,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
        })
        .await?;
        Ok((job, plan))
    }

    /// The validations of a variant with their runs, newest first.
    ///
    /// # Errors
    /// Where there is no such variant, or the actor may not read.
    pub async fn validations_of_variant(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Vec<Validation>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.variant(name).await?.ok_or_else(|| no_variant(name))?;
        Ok(rows.validations_of_variant(&row.variant.id).await?)
    }

    /// The validations of a release with their runs, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn validations(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<Validation>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.validations_of(&release.id).await?)
    }

    /// A page of validations, newest first, without their runs; of one release where given.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn validations_page(
        &self,
        actor: &Actor,
        release: Option<&Release>,
        slice: &Slice,
    ) -> Result<Page<Validation>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.validations_page(release.map(|it| &it.id), slice).await?)
    }

    /// One validation with its runs.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn validation(
        &self,
        actor: &Actor,
        id: &ValidationId,
    ) -> Result<Validation, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.validation(id).await?;
        found.ok_or_else(|| ServiceError::NotFound(format!("validation {id}")))
    }

    /// The validation that a job runs, where it runs one.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn validation_of_job(
        &self,
        actor: &Actor,
        id: &JobId,
    ) -> Result<Option<Validation>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.validation_of_job(id).await?)
    }
}
