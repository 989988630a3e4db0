//! Validations: asking for one, and what its runs recorded.

use domain::{
    actor::Actor,
    ids::{JobId, RunId, ValidationId},
    job::{Job, JobKind},
    page::{Page, Slice},
    plan::SMOKE,
    policy::{self, Action},
    release::Release,
    run::{Run, Validation},
};
use serde_json::json;
pub use store::runs::RunFilter;
use store::{jobs::NewJob, runs::NewValidation};

use crate::{Services, audit::Change, error::ServiceError, jobs::no_job, releases::no_release};

impl Services {
    /// Asks for a validation of a complete release by plan "smoke".
    ///
    /// # Errors
    /// Where the actor may not, or machines cannot boot the release.
    pub async fn start_validation(
        &self,
        actor: &Actor,
        release: &str,
    ) -> Result<Job, ServiceError> {
        let role = Self::role_of(actor, Action::Validate)?;
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(release).await?.ok_or_else(|| no_release(release))?;
        policy::may_validate(role, release.stage)?;
        let manifest = tx
            .manifest_of(&release.id)
            .await?
            .ok_or_else(|| ServiceError::NotFound(format!("manifest of {}", release.name())))?;
        let job = JobId::generate(self.ids());
        tx.insert_job(&NewJob {
            id: job.clone(),
            kind: JobKind::Validation,
            release: Some(release.id.clone()),
            kernel: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters: json!({}),
            steps: manifest.entries.iter().map(|entry| entry.label().to_owned()).collect(),
        })
        .await?;
        tx.insert_validation(&NewValidation {
            id: ValidationId::generate(self.ids()),
            job: job.clone(),
            release: release.id.clone(),
            manifest: manifest.digest()?,
            plan: SMOKE.name.to_owned(),
            plan_revision: SMOKE.revision,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
        })
        .await?;
        let change = Change::ValidationRequested { release: &release, job: &job };
        self.record(&mut tx, actor, change).await?;
        let row = tx.job(&job).await?.ok_or_else(|| no_job(&job))?;
        self.commit(tx, &format!("job/{job}")).await?;
        self.nudge();
        Ok(row)
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

    /// A page of runs, newest first, without their results.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn runs_page(
        &self,
        actor: &Actor,
        filter: &RunFilter,
        slice: &Slice,
    ) -> Result<Page<Run>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.runs_page(filter, slice).await?)
    }

    /// One run, and the release that it judges.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn run(&self, actor: &Actor, id: &RunId) -> Result<Run, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.run(id).await?.ok_or_else(|| ServiceError::NotFound(format!("run {id}")))
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

    /// One run with its validation and the release that it judges.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn run_in_context(
        &self,
        actor: &Actor,
        id: &RunId,
    ) -> Result<(Run, Validation, Release), ServiceError> {
        let run = self.run(actor, id).await?;
        let missing = || ServiceError::NotFound(format!("run {id}"));
        let mut rows = self.read().await?;
        let validation = rows.validation(&run.validation).await?.ok_or_else(missing)?;
        let release = rows.release(&validation.release).await?.ok_or_else(missing)?;
        Ok((run, validation, release))
    }
}
