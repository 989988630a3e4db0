//! Reading a file of results: once to see whether it can be, once into rows.

use std::{fs::File, io::BufReader, ops::ControlFlow, time::Duration};

use domain::{
    actor::Actor,
    digest::Digest,
    history::worst,
    ids::RunId,
    run::{
        Outcome, Run, RunSource,
        file::ResultFile,
        reported::{ReportedCase, ReportedRun, Totals},
    },
    subject::SubjectKey,
    time::Timestamp,
};
use lab::results::{ReadOptions, ResultFileError, read_results};
use store::{
    Rows, WriteTx,
    runs::{GateFacts, NewRun, RunEnd},
    subjects::SubjectNumber,
};
use tokio::sync::mpsc;

use super::unreadable;
use crate::{Services, audit::Change, error::ServiceError, evidence::plan_called, runs::no_run};

/// How many cases go into rows in one transaction: others write in between.
const BATCH: usize = 200;
/// How many batches are read ahead of the rows.
const AHEAD: usize = 2;
/// The machine of results of which nobody said where they were made.
const UNKNOWN_MACHINE: &str = "unknown";
/// The suite of results that name none.
const UNNAMED_SUITE: &str = "results";
/// By how much clocks of runners may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(3600);

/// Reads a file to its end to see whether it can be read.
pub(super) async fn look_through(
    services: &Services,
    sha256: &Digest,
    options: &ReadOptions,
) -> Result<ReportedRun, ServiceError> {
    let (blobs, sha256, options) = (services.blobs().clone(), *sha256, options.clone());
    let look = move || {
        let file = blobs.open_blob(&sha256).map_err(ServiceError::internal)?;
        let read = read_results(BufReader::new(file), &options, &mut |_| ControlFlow::Continue(()));
        read.map_err(unreadable)
    };
    let read = tokio::task::spawn_blocking(look).await.map_err(ServiceError::internal)??;
    if read.totals.all() == 0 {
        let why = read.incomplete.map_or_else(String::new, |it| format!(" ({it})"));
        let message = format!("the file holds no whole case{why}: nothing was brought in");
        return Err(ServiceError::invalid("file", message));
    }
    Ok(read)
}

/// Reads a file into rows that was acknowledged before.
pub(super) async fn read_again(
    services: &Services,
    actor: &Actor,
    file: &ResultFile,
) -> Result<Run, ServiceError> {
    let told = look_through(services, &file.sha256, &options(file)).await?;
    read_into_rows(services, actor, file, told).await
}

fn options(file: &ResultFile) -> ReadOptions {
    ReadOptions { format: file.said.format, column: file.said.board.clone() }
}

/// Reads an acknowledged file into rows, which count from the last of them on; `told` is what looking it
/// through has told. What a former attempt left is removed first.
pub(super) async fn read_into_rows(
    services: &Services,
    actor: &Actor,
    file: &ResultFile,
    told: ReportedRun,
) -> Result<Run, ServiceError> {
    let options = options(file);
    let when = When::of(&told, file, services.now());
    let id = RunId::generate(services.ids());
    let mut tx = services.begin().await?;
    tx.delete_half_read(&file.id).await?;
    let subject = subject(services, &mut tx, file, when.began).await?;
    let run = NewRun {
        id: id.clone(),
        subject,
        machine: file.said.machine.clone().unwrap_or_else(|| UNKNOWN_MACHINE.to_owned()),
        entry: file.said.entry.clone().unwrap_or_default(),
        suite: suite(file, &told),
        source: file.source,
        gate: gate(&mut tx, file).await?,
        file: Some(file.id.clone()),
        kernel: file.said.kernel.clone().unwrap_or_default(),
        generator: told.generator.clone(),
        started_at: when.began,
        recorded_by: file.received_by.clone(),
    };
    tx.insert_run(&run, None).await?;
    tx.commit().await?;

    let opened = services.blobs().open_blob(&file.sha256).map_err(ServiceError::internal)?;
    let told = into_rows(services, &id, opened, options).await?.map_err(unreadable)?;

    let end = RunEnd {
        ended_at: when.ended,
        outcome: outcome(&told.totals, told.incomplete.is_some()),
        failure: None,
        message: message(&told.totals),
        incomplete: told.incomplete,
        remarks: told.contradictions.into_iter().chain(told.remarks).chain(when.remark).collect(),
    };
    let mut tx = services.begin().await?;
    tx.finish_run(&id, &end).await?;
    tx.result_file_was_read(&file.id, services.now()).await?;
    let run = tx.run_alone(&id).await?.ok_or_else(|| no_run(&id))?;
    services.record(&mut tx, actor, Change::ResultsRecorded { run: &run }).await?;
    services.commit(tx, &format!("run/{id}")).await?;
    services.count_room_anew();
    Ok(run)
}

/// Reads results into rows of a run that has not ended, which nobody sees before it has; the inner error
/// is why they cannot be read.
pub(crate) async fn into_rows(
    services: &Services,
    run: &RunId,
    file: File,
    options: ReadOptions,
) -> Result<Result<ReportedRun, ResultFileError>, ServiceError> {
    let (batches, mut coming) = mpsc::channel(AHEAD);
    let reader = tokio::task::spawn_blocking(move || {
        let mut batch = Vec::with_capacity(BATCH);
        let told = read_results(BufReader::new(file), &options, &mut |case| {
            batch.push(case);
            if batch.len() < BATCH {
                return ControlFlow::Continue(());
            }
            match batches.blocking_send(std::mem::take(&mut batch)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        // An error means that whoever takes them has given up, and says why itself.
        let _ = batches.blocking_send(batch);
        told
    });
    let mut position = 0;
    while let Some(batch) = coming.recv().await {
        let batch: Vec<ReportedCase> = batch;
        let mut tx = services.begin().await?;
        tx.insert_results(run, position, &batch).await?;
        tx.commit().await?;
        position += batch.len() as u64;
    }
    reader.await.map_err(ServiceError::internal)
}

/// When a run began and ended, by our clock where the file's makes no sense.
struct When {
    began: Timestamp,
    ended: Timestamp,
    remark: Option<String>,
}

impl When {
    fn of(told: &ReportedRun, file: &ResultFile, now: Timestamp) -> Self {
        let latest = now.plus(CLOCK_SKEW);
        let said = told.started_at.or(told.ended_at);
        let began = said.unwrap_or(file.received_at);
        let ended = told.ended_at.or(told.started_at).unwrap_or(file.received_at);
        if began > latest || ended > latest {
            let remark = format!(
                "the file says that it was made at {}, which is yet to come: the time when it came \
                 in stands instead",
                began.max(ended)
            );
            return Self { began: file.received_at, ended: file.received_at, remark: Some(remark) };
        }
        Self { began, ended: ended.max(began), remark: None }
    }
}

fn suite(file: &ResultFile, told: &ReportedRun) -> String {
    let named = file.said.suite.as_deref().or_else(|| domain::run::file::named(&told.suite));
    named.unwrap_or(UNNAMED_SUITE).to_owned()
}

/// What makes it decide at a gate: only a token of one plan and one machine, which named the manifest.
async fn gate(rows: &mut Rows, file: &ResultFile) -> Result<Option<GateFacts>, ServiceError> {
    let (RunSource::Token, Some(name), Some(manifest)) =
        (file.source, &file.said.plan, file.said.manifest)
    else {
        return Ok(None);
    };
    let plan = plan_called(rows, name).await?;
    Ok(plan.map(|plan| GateFacts { manifest, plan: plan.name, plan_revision: plan.revision }))
}

/// What a file's results are about; `None` where nobody said, or where what they said is not known.
async fn subject(
    services: &Services,
    tx: &mut WriteTx,
    file: &ResultFile,
    at: Timestamp,
) -> Result<Option<SubjectNumber>, ServiceError> {
    match &file.said.subject {
        None => Ok(None),
        Some(key) => {
            super::attaching::subject_to_judge(services, tx, &SubjectKey::from(key.as_str()), at)
                .await
        }
    }
}

/// How a run ended: what is missing of a file may have failed.
fn outcome(totals: &Totals, incomplete: bool) -> Outcome {
    match worst(totals) {
        Outcome::Passed | Outcome::Skipped | Outcome::NotRun if incomplete => Outcome::Errored,
        outcome => outcome,
    }
}

/// How many of the cases that gave an answer passed.
pub(crate) fn message(totals: &Totals) -> String {
    let answered = totals.passed.saturating_add(totals.failing());
    let silent = totals.all().saturating_sub(answered);
    let also = if silent > 0 { format!(", {silent} gave no answer") } else { String::new() };
    format!("{} of {answered} cases passed{also}", totals.passed)
}
