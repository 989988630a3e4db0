//! Jobs, their steps, and the leases under which workers run them.

use domain::{
    digest::Digest,
    ids::{JobId, KernelId, ReleaseId, VariantId},
    job::{Job, JobKernel, JobKind, JobRelease, JobState, JobVariant, Step, StepState},
    page::{Cursor, Page, Slice},
    time::Timestamp,
};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        count, exactly_one, foreign, json, optional_number, optional_parsed, optional_text,
        optional_time, parsed, text, time, to_json,
    },
};

/// A job that is asked for.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The release that it is about, if any.
    pub release: Option<ReleaseId>,
    /// The kernel that it makes, if any.
    pub kernel: Option<KernelId>,
    /// The variant that it makes, if any.
    pub variant: Option<VariantId>,
    /// When it is asked for.
    pub created_at: Timestamp,
    /// Name of the person who asks.
    pub created_by: String,
    /// What else there is to know; read back by the worker.
    pub parameters: Value,
    /// Names of its steps, in order.
    pub steps: Vec<String>,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those that stand so.
    pub state: Option<JobState>,
    /// Only those of this kind.
    pub kind: Option<JobKind>,
    /// Only those about this release.
    pub release: Option<ReleaseId>,
    /// Only those that make this kernel.
    pub kernel: Option<KernelId>,
    /// Only those that make this variant.
    pub variant: Option<VariantId>,
}

/// A job that a worker has taken.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// The job.
    pub job: Job,
    /// What was asked for.
    pub parameters: Value,
}

fn job(row: &AnyRow) -> Result<Job, StoreError> {
    let release = match optional_text(row, "release_id")? {
        Some(id) => {
            let (target, number) = (text(row, "target")?, count(row, "number")?);
            let released = optional_text(row, "released_name")?;
            let name = released.unwrap_or_else(|| format!("{target}-rc.{number}"));
            Some(JobRelease { id: ReleaseId(id), name })
        }
        None => None,
    };
    let kernel = match optional_text(row, "kernel_id")? {
        Some(id) => Some(JobKernel { id: KernelId(id), name: text(row, "kernel_name")? }),
        None => None,
    };
    let variant = match optional_text(row, "variant_id")? {
        Some(id) => Some(JobVariant { id: VariantId(id), name: text(row, "variant_name")? }),
        None => None,
    };
    Ok(Job {
        id: JobId(text(row, "id")?),
        kind: parsed(row, "kind")?,
        release,
        kernel,
        variant,
        state: parsed(row, "state")?,
        created_at: time(row, "created_at")?,
        created_by: text(row, "created_by")?,
        started_at: optional_time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        cancel_requested_at: optional_time(row, "cancel_requested_at")?,
        outcome: optional_text(row, "outcome")?,
        attempts: count(row, "attempts")?,
        log: optional_parsed(row, "log_digest")?,
    })
}

fn step(row: &AnyRow) -> Result<Step, StoreError> {
    let progress = optional_number(row, "progress")?
        .map(|value| u32::try_from(value).map_err(|_| foreign("progress", &value.to_string())))
        .transpose()?;
    Ok(Step {
        position: count(row, "position")?,
        name: text(row, "name")?,
        state: parsed(row, "state")?,
        key: optional_parsed(row, "key_digest")?,
        started_at: optional_time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        progress,
        message: optional_text(row, "message")?,
    })
}

impl Rows {
    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn jobs_page(
        &mut self,
        filter: &JobFilter,
        slice: &Slice,
    ) -> Result<Page<Job>, StoreError> {
        let (number, name) = slice.below();
        let read = sqlx::query(
            "select * from job_with_release
             where (created_at, id) < ($1, $2)
               and ($3 = '' or state = $3) and ($4 = '' or kind = $4)
               and ($5 = '' or release_id = $5) and ($6 = '' or kernel_id = $6)
               and ($7 = '' or variant_id = $7)
             order by created_at desc, id desc limit $8",
        )
        .bind(number)
        .bind(name)
        .bind(filter.state.map_or("", JobState::word))
        .bind(filter.kind.map_or("", JobKind::word))
        .bind(filter.release.as_ref().map_or("", ReleaseId::as_str))
        .bind(filter.kernel.as_ref().map_or("", KernelId::as_str))
        .bind(filter.variant.as_ref().map_or("", VariantId::as_str))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing jobs"))?
        .iter()
        .map(job)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Job| Cursor {
            number: it.created_at.0,
            name: it.id.to_string(),
        }))
    }

    /// Jobs that run or wait for a worker, in the order in which they are taken.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open_jobs(&mut self) -> Result<Vec<Job>, StoreError> {
        sqlx::query(
            "select * from job_with_release
             where state in ('running', 'queued')
             order by case state when 'running' then 0 else 1 end,
                      priority desc, created_at, id",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing jobs that are not done"))?
        .iter()
        .map(job)
        .collect()
    }

    /// The newest jobs that failed, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn failed_jobs(&mut self, limit: u32) -> Result<Vec<Job>, StoreError> {
        sqlx::query(
            "select * from job_with_release
             where state = 'failed'
             order by created_at desc, id desc limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing jobs that failed"))?
        .iter()
        .map(job)
        .collect()
    }

    /// The jobs about a release, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn jobs_of_release(&mut self, release: &ReleaseId) -> Result<Vec<Job>, StoreError> {
        sqlx::query(
            "select * from job_with_release
             where release_id = $1
             order by created_at desc, id desc",
        )
        .bind(release.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing a release's jobs"))?
        .iter()
        .map(job)
        .collect()
    }

    /// One job.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn job(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        sqlx::query("select * from job_with_release where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a job up"))?
            .as_ref()
            .map(job)
            .transpose()
    }

    /// The steps of a job, in order.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn steps(&mut self, id: &JobId) -> Result<Vec<Step>, StoreError> {
        sqlx::query(
            "select position, name, state, key_digest, started_at, ended_at, progress, message
             from job_step where job_id = $1 order by position",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing steps"))?
        .iter()
        .map(step)
        .collect()
    }
}

impl WriteTx {
    /// Queues a job with its steps.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_job(&mut self, new: &NewJob) -> Result<(), StoreError> {
        sqlx::query(
            "insert into job (id, kind, release_id, kernel_id, variant_id, state, priority,
                              parameters, created_at, created_by, attempts)
             values ($1, $2, $3, $4, $5, 'queued', 0, $6, $7, $8, 0)",
        )
        .bind(new.id.as_str())
        .bind(new.kind.word())
        .bind(new.release.as_ref().map(ReleaseId::as_str))
        .bind(new.kernel.as_ref().map(KernelId::as_str))
        .bind(new.variant.as_ref().map(VariantId::as_str))
        .bind(to_json(&new.parameters)?)
        .bind(new.created_at.0)
        .bind(&new.created_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("queueing a job"))?;
        for (position, name) in (0_i64..).zip(&new.steps) {
            sqlx::query(
                "insert into job_step (job_id, position, name, state)
                 values ($1, $2, $3, 'waiting')",
            )
            .bind(new.id.as_str())
            .bind(position)
            .bind(name)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("queueing a job's steps"))?;
        }
        Ok(())
    }

    /// Takes the oldest job of one of these kinds that waits, or whose worker let its lease run out.
    /// Steps that ran under that lease were interrupted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn claim_job(
        &mut self,
        worker: &str,
        now: Timestamp,
        lease_expires_at: Timestamp,
        kinds: &[JobKind],
    ) -> Result<Option<ClaimedJob>, StoreError> {
        let mut words = String::from(",");
        for kind in kinds {
            words.push_str(kind.word());
            words.push(',');
        }
        let row = sqlx::query(
            "update job set state = 'running', worker = $1, lease_expires_at = $2,
                    attempts = attempts + 1, started_at = coalesce(started_at, $3)
             where id = (select id from job
                         where (state = 'queued' or (state = 'running' and lease_expires_at <= $3))
                           and $4 like '%,' || kind || ',%'
                         order by priority desc, created_at, id limit 1)
             returning id, parameters",
        )
        .bind(worker)
        .bind(lease_expires_at.0)
        .bind(now.0)
        .bind(words)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("taking a job"))?;
        let Some(row) = row else { return Ok(None) };
        let id = JobId(text(&row, "id")?);
        sqlx::query(
            "update job_step set state = 'interrupted', ended_at = $1
             where job_id = $2 and state = 'running'",
        )
        .bind(now.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting interrupted steps"))?;
        let parameters = json(&row, "parameters")?;
        Ok(self.job(&id).await?.map(|job| ClaimedJob { job, parameters }))
    }

    /// Lets the leases of all running jobs run out: their worker was a process that is gone.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn expire_leases_of(&mut self, worker: &str) -> Result<u64, StoreError> {
        sqlx::query("update job set lease_expires_at = 0 where state = 'running' and worker = $1")
            .bind(worker)
            .execute(self.connection())
            .await
            .map(|done| done.rows_affected())
            .map_err(StoreError::database("ending leases"))
    }

    /// Keeps a job for its worker; `false` where the worker has lost it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn extend_lease(
        &mut self,
        id: &JobId,
        worker: &str,
        lease_expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let kept = sqlx::query(
            "update job set lease_expires_at = $1
             where id = $2 and worker = $3 and state = 'running'",
        )
        .bind(lease_expires_at.0)
        .bind(id.as_str())
        .bind(worker)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping a job"))?;
        Ok(kept.rows_affected() == 1)
    }

    /// Notes that a person wants a job stopped.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it has ended.
    pub async fn request_cancel(&mut self, id: &JobId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "update job set cancel_requested_at = coalesce(cancel_requested_at, $1)
             where id = $2 and state in ('queued', 'running')",
        )
        .bind(now.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("asking a job to stop"))
        .and_then(|done| exactly_one(&done, "job"))
    }

    /// Ends a job.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it has ended already.
    pub async fn end_job(
        &mut self,
        id: &JobId,
        state: JobState,
        outcome: &str,
        log: Option<&Digest>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ended = sqlx::query(
            "update job set state = $1, outcome = $2, log_digest = $3, ended_at = $4,
                    worker = null, lease_expires_at = null
             where id = $5 and state in ('queued', 'running')",
        )
        .bind(state.word())
        .bind(outcome)
        .bind(log.map(ToString::to_string))
        .bind(now.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("ending a job"))?;
        exactly_one(&ended, "job")
    }

    /// Writes how a step stands; one that the job did not name before is added.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_step(&mut self, job: &JobId, step: &Step) -> Result<(), StoreError> {
        sqlx::query(
            "insert into job_step
                 (job_id, position, name, state, key_digest, started_at, ended_at, progress, message)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (job_id, position) do update set
                 name = excluded.name, state = excluded.state, key_digest = excluded.key_digest,
                 started_at = excluded.started_at, ended_at = excluded.ended_at,
                 progress = excluded.progress, message = excluded.message",
        )
        .bind(job.as_str())
        .bind(i64::from(step.position))
        .bind(&step.name)
        .bind(step.state.word())
        .bind(step.key.map(|key| key.to_string()))
        .bind(step.started_at.map(|at| at.0))
        .bind(step.ended_at.map(|at| at.0))
        .bind(step.progress.map(i64::from))
        .bind(step.message.as_deref())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting a step"))?;
        Ok(())
    }

    /// Marks what a job has not finished: its running step, when a person stopped it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn end_running_steps(
        &mut self,
        job: &JobId,
        state: StepState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update job_step set state = $1, ended_at = $2 where job_id = $3 and state = 'running'",
        )
        .bind(state.word())
        .bind(now.0)
        .bind(job.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("ending a job's steps"))?;
        Ok(())
    }
}
