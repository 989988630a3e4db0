//! Validations: what was asked for, and the runs that came of it.

use domain::{
    digest::Digest,
    ids::{JobId, ReleaseId, ValidationId, VariantId},
    job::JobVariant,
    page::{Cursor, Page, Slice},
    run::{Run, Validation},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, optional_text, parsed, text, time},
};

/// A validation that is asked for.
#[derive(Debug, Clone)]
pub struct NewValidation {
    /// Its id.
    pub id: ValidationId,
    /// The job that runs it.
    pub job: JobId,
    /// The release that is judged; of a variant, its base.
    pub release: ReleaseId,
    /// The variant that is judged.
    pub variant: Option<VariantId>,
    /// The manifest that is judged.
    pub manifest: Digest,
    /// Name of the plan.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
    /// When it is asked for.
    pub created_at: Timestamp,
    /// Name of the person who asks.
    pub created_by: String,
}

/// What a validation judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged<'a> {
    /// A release, and none of its variants.
    Release(&'a ReleaseId),
    /// A variant.
    Variant(&'a VariantId),
}

fn validation(row: &AnyRow, runs: Vec<Run>) -> Result<Validation, StoreError> {
    Ok(Validation {
        id: ValidationId(text(row, "id")?),
        job: JobId(text(row, "job_id")?),
        release: ReleaseId(text(row, "release_id")?),
        variant: match optional_text(row, "variant_id")? {
            Some(id) => Some(JobVariant { id: VariantId(id), name: text(row, "variant_name")? }),
            None => None,
        },
        manifest: parsed(row, "manifest_digest")?,
        plan: text(row, "plan")?,
        plan_revision: count(row, "plan_revision")?,
        created_at: time(row, "created_at")?,
        created_by: text(row, "created_by")?,
        state: parsed(row, "state")?,
        runs,
    })
}

impl Rows {
    /// The validations of a release with their runs, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn validations_of(
        &mut self,
        release: &ReleaseId,
    ) -> Result<Vec<Validation>, StoreError> {
        let rows = sqlx::query(
            "select * from validation_with_state
             where release_id = $1 and variant_id is null order by created_at desc, id desc",
        )
        .bind(release.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing validations"))?;
        self.read_validations(&rows).await
    }

    /// The validations of a variant with their runs, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn validations_of_variant(
        &mut self,
        variant: &VariantId,
    ) -> Result<Vec<Validation>, StoreError> {
        let rows = sqlx::query(
            "select * from validation_with_state
             where variant_id = $1 order by created_at desc, id desc",
        )
        .bind(variant.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing validations of a variant"))?;
        self.read_validations(&rows).await
    }

    /// The newest validation that has ended and of which a run has, with its runs; of one plan where
    /// given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn newest_results(
        &mut self,
        judged: Judged<'_>,
        plan: Option<&str>,
    ) -> Result<Option<Validation>, StoreError> {
        let (release, variant) = match judged {
            Judged::Release(id) => (id.as_str(), ""),
            Judged::Variant(id) => ("", id.as_str()),
        };
        let row = sqlx::query(
            "select * from validation_with_state v
             where ((v.release_id = $1 and v.variant_id is null) or v.variant_id = $2)
               and ($3 = '' or v.plan = $3) and v.state in ('succeeded', 'failed', 'cancelled')
               and exists (select 1 from run
                           where run.validation_id = v.id and run.ended_at is not null)
             order by v.created_at desc, v.id desc limit 1",
        )
        .bind(release)
        .bind(variant)
        .bind(plan.unwrap_or_default())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for the newest results"))?;
        match row {
            Some(row) => self.read_validation(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// A page of validations, newest first, without their runs; only of one release where given, and
    /// then none of its variants.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn validations_page(
        &mut self,
        release: Option<&ReleaseId>,
        slice: &Slice,
    ) -> Result<Page<Validation>, StoreError> {
        let (number, name) = slice.below();
        let read = sqlx::query(
            "select * from validation_with_state
             where (created_at, id) < ($1, $2)
               and ($3 = '' or (release_id = $3 and variant_id is null))
             order by created_at desc, id desc limit $4",
        )
        .bind(number)
        .bind(name)
        .bind(release.map_or("", ReleaseId::as_str))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing validations"))?
        .iter()
        .map(|row| validation(row, Vec::new()))
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Validation| Cursor {
            number: it.created_at.0,
            name: it.id.to_string(),
        }))
    }

    /// The validation that a job runs.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn validation_of_job(
        &mut self,
        job: &JobId,
    ) -> Result<Option<Validation>, StoreError> {
        let row = sqlx::query("select * from validation_with_state where job_id = $1")
            .bind(job.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a validation up"))?;
        match row {
            Some(row) => self.read_validation(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// One validation with its runs.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn validation(
        &mut self,
        id: &ValidationId,
    ) -> Result<Option<Validation>, StoreError> {
        let row = sqlx::query("select * from validation_with_state where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a validation up"))?;
        match row {
            Some(row) => self.read_validation(&row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_validations(&mut self, rows: &[AnyRow]) -> Result<Vec<Validation>, StoreError> {
        let mut validations = Vec::with_capacity(rows.len());
        for row in rows {
            validations.push(self.read_validation(row).await?);
        }
        Ok(validations)
    }

    async fn read_validation(&mut self, row: &AnyRow) -> Result<Validation, StoreError> {
        let runs = self.runs_of(&ValidationId(text(row, "id")?)).await?;
        validation(row, runs)
    }
}

impl WriteTx {
    /// Adds a validation that is asked for.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_validation(&mut self, new: &NewValidation) -> Result<(), StoreError> {
        sqlx::query(
            "insert into validation (id, job_id, release_id, variant_id, manifest_digest, plan,
                                     plan_revision, created_at, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(new.id.as_str())
        .bind(new.job.as_str())
        .bind(new.release.as_str())
        .bind(new.variant.as_ref().map(VariantId::as_str))
        .bind(new.manifest.to_string())
        .bind(&new.plan)
        .bind(i64::from(new.plan_revision))
        .bind(new.created_at.0)
        .bind(&new.created_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a validation"))?;
        Ok(())
    }
}
