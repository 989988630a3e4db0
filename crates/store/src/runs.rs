//! Validations, their runs, and the outcome of each case.

use domain::{
    digest::Digest,
    ids::{JobId, ReleaseId, RunId, ValidationId, VariantId},
    job::JobVariant,
    page::{Cursor, Page, Slice},
    run::{CaseResult, Outcome, Run, Validation},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        count, json, number, optional_parsed, optional_text, optional_time, parsed, text, time,
        to_json,
    },
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

/// What the newest run that ended says of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingResult {
    /// Label of the boot entry.
    pub entry: String,
    /// Name of the machine.
    pub machine: String,
    /// The run.
    pub run: RunId,
    /// The case's id.
    pub case: String,
    /// Its outcome.
    pub outcome: Outcome,
}

/// What a validation judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged<'a> {
    /// A release, and none of its variants.
    Release(&'a ReleaseId),
    /// A variant.
    Variant(&'a VariantId),
}

/// Which runs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this validation.
    pub validation: Option<ValidationId>,
    /// Only those about this manifest.
    pub manifest: Option<Digest>,
    /// Only those of the boot entry of this label.
    pub entry: Option<String>,
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
}

fn run(row: &AnyRow, results: Vec<CaseResult>) -> Result<Run, StoreError> {
    Ok(Run {
        id: RunId(text(row, "id")?),
        validation: ValidationId(text(row, "validation_id")?),
        entry: text(row, "entry")?,
        machine: text(row, "machine")?,
        machine_details: text(row, "machine_details")?,
        started_at: time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        outcome: optional_parsed(row, "outcome")?,
        failure: optional_parsed(row, "failure")?,
        message: text(row, "message")?,
        console: optional_parsed(row, "console_digest")?,
        stages: json(row, "stages")?,
        results,
    })
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
    /// One run with its results.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run(&mut self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let row = sqlx::query(
            "select id, validation_id, entry, machine, machine_details, started_at, ended_at,
                    outcome, failure, message, console_digest, stages
             from run where id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a run up"))?;
        let Some(row) = row else { return Ok(None) };
        let results = self.results(id).await?;
        run(&row, results).map(Some)
    }

    /// A page of runs, newest first, without their results.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn runs_page(
        &mut self,
        filter: &RunFilter,
        slice: &Slice,
    ) -> Result<Page<Run>, StoreError> {
        let (number, name) = slice.below();
        let read = sqlx::query(
            "select id, validation_id, entry, machine, machine_details, started_at, ended_at,
                    outcome, failure, message, console_digest, stages
             from run
             where (started_at, id) < ($1, $2)
               and ($3 = '' or validation_id = $3) and ($4 = '' or manifest_digest = $4)
               and ($5 = '' or entry = $5) and ($6 = '' or machine = $6)
               and ($7 = '' or outcome = $7)
             order by started_at desc, id desc limit $8",
        )
        .bind(number)
        .bind(name)
        .bind(filter.validation.as_ref().map_or("", ValidationId::as_str))
        .bind(filter.manifest.map_or_else(String::new, |it| it.to_string()))
        .bind(filter.entry.as_deref().unwrap_or_default())
        .bind(filter.machine.as_deref().unwrap_or_default())
        .bind(filter.outcome.map_or("", Outcome::word))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing runs"))?
        .iter()
        .map(|row| run(row, Vec::new()))
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Run| Cursor {
            number: it.started_at.0,
            name: it.id.to_string(),
        }))
    }

    async fn results(&mut self, run: &RunId) -> Result<Vec<CaseResult>, StoreError> {
        sqlx::query(
            "select case_id, title, outcome, duration_us, message
             from case_result where run_id = $1 order by position",
        )
        .bind(run.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing results"))?
        .iter()
        .map(|row| {
            Ok(CaseResult {
                case: text(row, "case_id")?,
                title: text(row, "title")?,
                outcome: parsed(row, "outcome")?,
                duration_us: number(row, "duration_us")?,
                message: text(row, "message")?,
            })
        })
        .collect()
    }

    async fn runs_of(&mut self, validation: &ValidationId) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query(
            "select id, validation_id, entry, machine, machine_details, started_at, ended_at,
                    outcome, failure, message, console_digest, stages
             from run where validation_id = $1 order by started_at, id",
        )
        .bind(validation.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing runs"))?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in &rows {
            let results = self.results(&RunId(text(row, "id")?)).await?;
            runs.push(run(row, results)?);
        }
        Ok(runs)
    }

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
        let mut validations = Vec::with_capacity(rows.len());
        for row in &rows {
            validations.push(self.read_validation(row).await?);
        }
        Ok(validations)
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
        let mut validations = Vec::with_capacity(rows.len());
        for row in &rows {
            validations.push(self.read_validation(row).await?);
        }
        Ok(validations)
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

    async fn read_validation(&mut self, row: &AnyRow) -> Result<Validation, StoreError> {
        let runs = self.runs_of(&ValidationId(text(row, "id")?)).await?;
        validation(row, runs)
    }

    /// For each entry and machine of a plan, the results of the newest run that ended about a
    /// manifest.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deciding_results(
        &mut self,
        manifest: &Digest,
        plan: &str,
        plan_revision: u32,
    ) -> Result<Vec<DecidingResult>, StoreError> {
        sqlx::query(
            "with ranked as (
                 select id, entry, machine,
                        row_number() over (partition by entry, machine
                                           order by ended_at desc, id desc) as place
                 from run
                 where manifest_digest = $1 and plan = $2 and plan_revision = $3
                   and ended_at is not null
             )
             select ranked.entry, ranked.machine, ranked.id as run_id, c.case_id, c.outcome
             from ranked join case_result c on c.run_id = ranked.id
             where ranked.place = 1
             order by ranked.entry, ranked.machine, c.case_id",
        )
        .bind(manifest.to_string())
        .bind(plan)
        .bind(i64::from(plan_revision))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for what decides"))?
        .iter()
        .map(|row| {
            Ok(DecidingResult {
                entry: text(row, "entry")?,
                machine: text(row, "machine")?,
                run: RunId(text(row, "run_id")?),
                case: text(row, "case_id")?,
                outcome: parsed(row, "outcome")?,
            })
        })
        .collect()
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

    /// Notes that a run of a validation has begun.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin_run(
        &mut self,
        validation: &Validation,
        id: &RunId,
        entry: &str,
        machine: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into run (id, validation_id, manifest_digest, plan, plan_revision, entry,
                              machine, machine_details, started_at, message, stages)
             values ($1, $2, $3, $4, $5, $6, $7, '', $8, '', '[]')",
        )
        .bind(id.as_str())
        .bind(validation.id.as_str())
        .bind(validation.manifest.to_string())
        .bind(&validation.plan)
        .bind(i64::from(validation.plan_revision))
        .bind(entry)
        .bind(machine)
        .bind(now.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("beginning a run"))?;
        Ok(())
    }

    /// Ends a run with what it recorded.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it has ended already.
    pub async fn end_run(&mut self, run: &Run) -> Result<(), StoreError> {
        let ended = sqlx::query(
            "update run set machine_details = $1, ended_at = $2, outcome = $3, failure = $4,
                    message = $5, console_digest = $6, stages = $7
             where id = $8 and ended_at is null",
        )
        .bind(&run.machine_details)
        .bind(run.ended_at.map(|at| at.0))
        .bind(run.outcome.map(domain::run::Outcome::word))
        .bind(run.failure.map(domain::run::FailureClass::word))
        .bind(&run.message)
        .bind(run.console.map(|digest| digest.to_string()))
        .bind(to_json(&run.stages)?)
        .bind(run.id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("ending a run"))?;
        if ended.rows_affected() != 1 {
            return Err(StoreError::Changed("run"));
        }
        for (position, result) in (0_i64..).zip(&run.results) {
            sqlx::query(
                "insert into case_result
                     (run_id, position, case_id, title, outcome, duration_us, message)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(run.id.as_str())
            .bind(position)
            .bind(&result.case)
            .bind(&result.title)
            .bind(result.outcome.word())
            .bind(result.duration_us)
            .bind(&result.message)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping a result"))?;
        }
        Ok(())
    }

    /// Removes the runs of a validation that never ended: the server was interrupted, and the
    /// validation begins them again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_unended_runs(
        &mut self,
        validation: &ValidationId,
    ) -> Result<u64, StoreError> {
        sqlx::query("delete from run where validation_id = $1 and ended_at is null")
            .bind(validation.as_str())
            .execute(self.connection())
            .await
            .map(|done| done.rows_affected())
            .map_err(StoreError::database("removing interrupted runs"))
    }
}
