//! Runs: one execution of a suite on a machine each, from their beginning to what they say.

use domain::{
    digest::Digest,
    ids::{ResultFileId, RunId, ValidationId},
    page::{Cursor, Page, Slice},
    run::{FailureClass, Outcome, Run, RunSource, Validation, reported::ReportedCase},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        json, number, optional_parsed, optional_text, optional_time, parsed, text, time, to_json,
    },
    results::totals,
    subjects::{SubjectNumber, optional_subject},
};

/// Which runs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this validation.
    pub validation: Option<ValidationId>,
    /// Only those about this subject.
    pub subject: Option<SubjectNumber>,
    /// Only those of which nobody has said yet what they are about.
    pub unattached: bool,
    /// Only those of this suite.
    pub suite: Option<String>,
    /// Only those of the boot entry of this label.
    pub entry: Option<String>,
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
}

/// A run whose results came in from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// What it is about; `None` where nobody has said.
    pub subject: Option<SubjectNumber>,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// Name of the suite.
    pub suite: String,
    /// Where its results come from.
    pub source: RunSource,
    /// The plan and the manifest that a gate asks for, where it may decide.
    pub gate: Option<GateFacts>,
    /// The file that it is read from.
    pub file: Option<ResultFileId>,
    /// Which kernel the machine ran; empty where nobody knows.
    pub kernel: String,
    /// The program that wrote the results.
    pub generator: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Who records it.
    pub recorded_by: String,
}

/// What makes a run decide at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateFacts {
    /// The manifest that was judged.
    pub manifest: Digest,
    /// Name of the plan.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
}

/// Where a run of a validation takes place, and of what.
#[derive(Debug, Clone, Copy)]
pub struct RunPlace<'a> {
    /// Name of the machine.
    pub machine: &'a str,
    /// Label of the boot entry; empty where it is run for none.
    pub entry: &'a str,
    /// Name of the suite.
    pub suite: &'a str,
    /// Which kernel the machine runs; empty where that is not known.
    pub kernel: &'a str,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// When it ended.
    pub ended_at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// Whose problem it is, where it did not pass and somebody knows.
    pub failure: Option<FailureClass>,
    /// Why it ended so, in one sentence.
    pub message: String,
    /// Why its file was not whole.
    pub incomplete: Option<String>,
    /// What should be known about reading its file.
    pub remarks: Vec<String>,
}

pub(crate) fn run(row: &AnyRow) -> Result<Run, StoreError> {
    Ok(Run {
        id: RunId(text(row, "id")?),
        validation: optional_text(row, "validation_id")?.map(ValidationId),
        subject: optional_subject(row)?,
        suite: text(row, "suite")?,
        source: parsed(row, "source")?,
        entry: text(row, "entry")?,
        machine: text(row, "machine")?,
        machine_details: text(row, "machine_details")?,
        kernel: text(row, "kernel")?,
        started_at: time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        outcome: optional_parsed(row, "outcome")?,
        failure: optional_parsed(row, "failure")?,
        message: text(row, "message")?,
        file: optional_text(row, "file_id")?.map(ResultFileId),
        generator: text(row, "generator")?,
        incomplete: optional_text(row, "incomplete")?,
        remarks: json(row, "remarks")?,
        recorded_by: text(row, "recorded_by")?,
        plan: optional_text(row, "plan")?,
        totals: totals(row)?,
        console: optional_parsed(row, "console_digest")?,
        stages: json(row, "stages")?,
        results: Vec::new(),
    })
}

impl Rows {
    /// One run with its results.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run(&mut self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let Some(mut run) = self.run_alone(id).await? else { return Ok(None) };
        run.results = self.results(id).await?;
        Ok(Some(run))
    }

    /// One run without its results, of which it may have many.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_alone(&mut self, id: &RunId) -> Result<Option<Run>, StoreError> {
        sqlx::query("select * from run_with_names where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a run up"))?
            .as_ref()
            .map(run)
            .transpose()
    }

    /// A page of runs, newest first, without their results; none whose file is still being read.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn runs_page(
        &mut self,
        filter: &RunFilter,
        slice: &Slice,
    ) -> Result<Page<Run>, StoreError> {
        let (before, name) = slice.below();
        let read = sqlx::query(
            "select * from run_with_names
             where (started_at, id) < ($1, $2)
               and (ended_at is not null or file_id is null)
               and ($3 = '' or validation_id = $3) and ($4 = 0 or subject = $4)
               and ($5 = '' or entry = $5) and ($6 = '' or machine = $6)
               and ($7 = '' or outcome = $7) and ($8 = '' or suite = $8)
               and ($9 = 0 or subject is null)
             order by started_at desc, id desc limit $10",
        )
        .bind(before)
        .bind(name)
        .bind(filter.validation.as_ref().map_or("", ValidationId::as_str))
        .bind(filter.subject.map_or(0, |it| it.0))
        .bind(filter.entry.as_deref().unwrap_or_default())
        .bind(filter.machine.as_deref().unwrap_or_default())
        .bind(filter.outcome.map_or("", Outcome::word))
        .bind(filter.suite.as_deref().unwrap_or_default())
        .bind(i64::from(filter.unattached))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing runs"))?
        .iter()
        .map(run)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Run| Cursor {
            number: it.started_at.0,
            name: it.id.to_string(),
        }))
    }

    /// How many runs wait for somebody to say what they are about.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn unattached_runs(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "select count(*) as waiting from run where subject is null and ended_at is not null",
        )
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("counting the inbox"))?;
        Ok(u64::try_from(number(&row, "waiting")?).unwrap_or(0))
    }

    pub(crate) async fn runs_of(
        &mut self,
        validation: &ValidationId,
    ) -> Result<Vec<Run>, StoreError> {
        let mut runs = sqlx::query(
            "select * from run_with_names where validation_id = $1 order by started_at, id",
        )
        .bind(validation.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing runs"))?
        .iter()
        .map(run)
        .collect::<Result<Vec<_>, _>>()?;
        for run in &mut runs {
            run.results = self.results(&run.id).await?;
        }
        Ok(runs)
    }
}

/// What a run left behind, or a picture that somebody added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// What it is called, unique within the run.
    pub name: String,
    /// What it is, such as `image/png`.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

impl Rows {
    /// What a run left behind, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn artefacts(&mut self, run: &RunId) -> Result<Vec<Artefact>, StoreError> {
        sqlx::query(
            "select a.name, a.media_type, a.size, a.sha256
             from run u join run_artefact a on a.run = u.number
             where u.id = $1 order by a.name",
        )
        .bind(run.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what a run left"))?
        .iter()
        .map(|row| {
            Ok(Artefact {
                name: text(row, "name")?,
                media_type: text(row, "media_type")?,
                size: u64::try_from(number(row, "size")?).unwrap_or(0),
                sha256: parsed(row, "sha256")?,
            })
        })
        .collect()
    }
}

impl WriteTx {
    /// Keeps something that a run left behind.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_artefact(
        &mut self,
        run: &RunId,
        artefact: &Artefact,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into run_artefact (run, name, media_type, size, sha256)
             select number, $1, $2, $3, $4 from run where id = $5",
        )
        .bind(&artefact.name)
        .bind(&artefact.media_type)
        .bind(i64::try_from(artefact.size).unwrap_or(i64::MAX))
        .bind(artefact.sha256.to_string())
        .bind(run.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping what a run left"))?;
        Ok(())
    }

    /// Notes that a run of a validation has begun; `kernel` is what the entry starts.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin_run(
        &mut self,
        validation: &Validation,
        id: &RunId,
        place: &RunPlace<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = self.subject_of_validation(validation).await?;
        let run = NewRun {
            id: id.clone(),
            subject: Some(subject),
            machine: place.machine.to_owned(),
            entry: place.entry.to_owned(),
            suite: place.suite.to_owned(),
            source: RunSource::Runner,
            gate: Some(GateFacts {
                manifest: validation.manifest,
                plan: validation.plan.clone(),
                plan_revision: validation.plan_revision,
            }),
            file: None,
            kernel: place.kernel.to_owned(),
            generator: String::new(),
            started_at: now,
            recorded_by: "runner".to_owned(),
        };
        self.insert_run(&run, Some(&validation.id)).await
    }

    /// Adds a run that has not ended yet.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_run(
        &mut self,
        new: &NewRun,
        validation: Option<&ValidationId>,
    ) -> Result<(), StoreError> {
        let lane = self.lane(&new.machine, &new.entry).await?;
        let suite = self.suite(&new.suite).await?;
        sqlx::query(
            "insert into run (id, subject, lane, suite, source, validation_id, manifest_digest, plan,
                              plan_revision, file_id, machine_details, kernel, generator, started_at,
                              message,
                              remarks, stages, recorded_by, passed, failed, errored, skipped, not_run)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, $13, '', '[]', '[]',
                     $14, 0, 0, 0, 0, 0)",
        )
        .bind(new.id.as_str())
        .bind(new.subject.map(|it| it.0))
        .bind(lane)
        .bind(suite)
        .bind(new.source.word())
        .bind(validation.map(ValidationId::as_str))
        .bind(new.gate.as_ref().map(|it| it.manifest.to_string()))
        .bind(new.gate.as_ref().map(|it| it.plan.as_str()))
        .bind(new.gate.as_ref().map(|it| i64::from(it.plan_revision)))
        .bind(new.file.as_ref().map(ResultFileId::as_str))
        .bind(&new.kernel)
        .bind(&new.generator)
        .bind(new.started_at.0)
        .bind(&new.recorded_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("beginning a run"))?;
        Ok(())
    }

    /// Ends a run of the runner with what it recorded.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it has ended already.
    pub async fn end_run(&mut self, run: &Run) -> Result<(), StoreError> {
        let cases: Vec<_> = run.results.iter().cloned().map(ReportedCase::from).collect();
        self.insert_results(&run.id, 0, &cases).await?;
        sqlx::query(
            "update run set machine_details = $1, console_digest = $2, stages = $3 where id = $4",
        )
        .bind(&run.machine_details)
        .bind(run.console.map(|digest| digest.to_string()))
        .bind(to_json(&run.stages)?)
        .bind(run.id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping what a run recorded"))?;
        let (Some(ended_at), Some(outcome)) = (run.ended_at, run.outcome) else {
            return Err(StoreError::Changed("run"));
        };
        let end = RunEnd {
            ended_at,
            outcome,
            failure: run.failure,
            message: run.message.clone(),
            incomplete: run.incomplete.clone(),
            remarks: run.remarks.clone(),
        };
        self.finish_run(&run.id, &end).await
    }

    /// Ends a run whose results are all there; from here on they count.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it has ended already, or there is none.
    pub async fn finish_run(&mut self, id: &RunId, end: &RunEnd) -> Result<(), StoreError> {
        let ended = sqlx::query(
            "update run set ended_at = $1, outcome = $2, failure = $3, message = $4, incomplete = $5,
                            remarks = $6
             where id = $7 and ended_at is null
             returning number",
        )
        .bind(end.ended_at.0)
        .bind(end.outcome.word())
        .bind(end.failure.map(FailureClass::word))
        .bind(&end.message)
        .bind(end.incomplete.as_deref())
        .bind(to_json(&end.remarks)?)
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("ending a run"))?;
        let Some(row) = ended else { return Err(StoreError::Changed("run")) };
        let run = number(&row, "number")?;
        self.count_results(run).await?;
        self.let_results_count(run).await
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
