//! A suite of people: its files are fetched and unpacked, it drives a guest in its sandbox, and what it
//! leaves is kept and read.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use builder::UnpackedSource;
use domain::{
    error_chain::chain,
    history::worst,
    plan::PlannedRun,
    run::{FailureClass, Outcome, Run, reported::ReportedRun},
    suite::{Suite, SuiteCommand, SuiteDefinition},
};
use lab::{
    SuiteLimits, SuiteReport, SuiteRequest, SuiteVariables, results::ReadOptions, run_suite,
};
use store::runs::Artefact;

use super::{Bench, Ran, Watcher, keep_console, on_a_socket};
use crate::{
    Services,
    error::ServiceError,
    plans::no_suite,
    results::reading::{into_rows, message},
};

/// Names of files that are read as results, the first that is there.
const RESULTS: [&str; 6] =
    ["output.xml", "results.xml", "junit.xml", "results.json", "results.tap", "results.csv"];
/// How long a suite has to write down what it found, once it is to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much it may leave, in bytes, and how many files of that are kept.
const MOST_LEFT: (u64, usize) = (512 << 20, 500);

/// Fetches the suite, runs it, keeps what it leaves.
pub(super) async fn run(
    bench: &Arc<Bench>,
    begun: Run,
    planned: &PlannedRun,
) -> Result<Ran, ServiceError> {
    let suite = bench.suites.iter().find(|it| it.name == planned.suite);
    let suite = suite.ok_or_else(|| no_suite(&planned.suite))?;
    let robot = matches!(suite.definition.command, SuiteCommand::Robot { .. });
    if robot && bench.services.options().suites_python.is_none() {
        let why = "this server has no Python environment of suites (--suites-python), so Robot \
                   Framework cannot be run"
            .to_owned();
        return Ok(not_begun(begun, why));
    }
    let unpacked = match unpacked(bench, suite, planned).await? {
        Ok(unpacked) => Arc::new(unpacked),
        Err(why) => return Ok(not_begun(begun, why)),
    };
    let head = if planned.entry.is_empty() { &planned.suite } else { &planned.entry };
    let (files, definition) = (unpacked.clone(), suite.definition.clone());
    let (entry, machine) = (planned.entry.clone(), planned.machine.clone());
    let drive = move |watcher: &Watcher, socket: &Path| {
        drive(watcher, &files, &definition, &machine, &entry, socket)
    };
    let report = on_a_socket(bench, &begun.id, head, drive).await?;
    keep(bench, begun, suite, &unpacked, report).await
}

/// The files of a suite; the inner error is why there are none.
async fn unpacked(
    bench: &Arc<Bench>,
    suite: &Suite,
    planned: &PlannedRun,
) -> Result<Result<UnpackedSource, String>, ServiceError> {
    let (builder, source) = (bench.services.builder().clone(), suite.definition.source.to_fetch());
    let (log, clock) = (bench.log.clone(), bench.services.clock().clone());
    let (cancelled, head) = (bench.cancelled.clone(), planned.step.clone());
    let fetch = move || {
        let line = |text: &str| {
            if let Err(error) = log.line(clock.now(), &head, text) {
                tracing::error!(%error, "a line of a validation's log was lost");
            }
        };
        builder.unpack_source(&source, &line, &|| cancelled.load(Ordering::Acquire))
    };
    let fetched = tokio::task::spawn_blocking(fetch).await.map_err(ServiceError::internal)?;
    let unpacked = match fetched {
        Ok(unpacked) => unpacked,
        Err(error) => {
            return Ok(Err(format!("its files cannot be had: {}", chain(&error))));
        }
    };
    if let Some(commit) = &unpacked.commit
        && let Some(pinned) = suite.definition.pinned(commit)
    {
        let mut tx = bench.services.begin().await?;
        tx.pin_suite(suite, &pinned).await?;
        bench.services.commit(tx, &format!("suite/{}", suite.name)).await?;
    }
    if !unpacked.path().join(&suite.definition.folder).is_dir() {
        let why = format!("its files have no folder {}", suite.definition.folder);
        return Ok(Err(why));
    }
    Ok(Ok(unpacked))
}

/// What is kept of a suite that was never begun.
fn not_begun(begun: Run, why: String) -> Ran {
    let run = Run {
        outcome: Some(Outcome::Errored),
        failure: Some(FailureClass::Configuration),
        message: why.clone(),
        ..begun
    };
    Ran { run, incomplete: Some(why), remarks: Vec::new(), artefacts: Vec::new() }
}

fn drive(
    watcher: &Watcher,
    unpacked: &UnpackedSource,
    definition: &SuiteDefinition,
    machine: &str,
    entry: &str,
    socket: &Path,
) -> SuiteReport {
    let Bench { services, manifest, judged, login, menu_path, validation, .. } = &*watcher.bench;
    let digest = validation.manifest.to_string();
    let text = manifest.entry(entry).map(domain::manifest::BootEntry::text);
    let (bytes, files) = MOST_LEFT;
    let request = SuiteRequest {
        folder: &unpacked.path().join(&definition.folder),
        command: match definition.command.clone() {
            SuiteCommand::Robot { suites, options } => lab::SuiteCommand::Robot { suites, options },
            SuiteCommand::Program { words } => lab::SuiteCommand::Program(words),
        },
        python: services.options().suites_python.as_deref(),
        menu_path,
        socket,
        variables: SuiteVariables {
            machine,
            release: judged,
            manifest: &digest,
            entry: text.map(|text| (entry, text)),
            user: &login.0,
            password: &login.1,
        },
        limits: SuiteLimits {
            time: Duration::from_secs(u64::from(definition.minutes) * 60),
            patience: PATIENCE,
            bytes,
            files,
        },
        work_dir: services.builder().work_dir(),
    };
    run_suite(services.spawner(), services.clock(), &watcher.machine(entry), &request, watcher)
}

/// Keeps what a suite left, and reads its results into rows that count once the run ends.
async fn keep(
    bench: &Arc<Bench>,
    begun: Run,
    suite: &Suite,
    unpacked: &UnpackedSource,
    mut report: SuiteReport,
) -> Result<Ran, ServiceError> {
    let services = &bench.services;
    let mut run = Run {
        machine_details: std::mem::take(&mut report.machine_details),
        stages: std::mem::take(&mut report.stages),
        console: Some(keep_console(services, std::mem::take(&mut report.console)).await?),
        ..begun
    };
    let mut remarks =
        vec![format!("suite {} revision {}: {}", suite.name, suite.revision, unpacked.origin)];
    let artefacts = keep_artefacts(services, &report).await?;
    let read = read(services, &run, &suite.definition, &report).await?;
    let (failure, incomplete) = match read {
        Ok(told) => {
            remarks.extend(told.contradictions.into_iter().chain(told.remarks));
            let ended_itself = matches!(report.end, lab::SuiteEnd::Exited(_));
            let cut = (!ended_itself).then(|| report.message.clone());
            let incomplete = told.incomplete.or(cut);
            let worst = worst(&told.totals);
            let outcome = match (worst.fails(), &incomplete, report.failure) {
                (true, _, _) => worst,
                // Nothing failed, and still it did not end well.
                (false, Some(_), _) | (false, None, Some(_)) => Outcome::Errored,
                (false, None, None) => worst,
            };
            run.outcome = Some(outcome);
            run.message = match report.failure {
                Some(_) if !worst.fails() => report.message.clone(),
                _ => message(&told.totals),
            };
            let product = outcome.fails().then_some(FailureClass::Product);
            (report.failure.or(product), incomplete)
        }
        Err(why) => {
            run.outcome = Some(Outcome::Errored);
            run.message = format!("{}; {why}", report.message);
            (report.failure.or(Some(FailureClass::Test)), Some(why))
        }
    };
    run.failure = failure;
    remarks.extend(report.left_out.iter().map(|it| format!("left out: {it}")));
    if incomplete.is_some() && !report.last_lines.is_empty() {
        remarks.push(format!("it printed last: {}", report.last_lines.join(" / ")));
    }
    Ok(Ran { run, incomplete, remarks, artefacts })
}

async fn keep_artefacts(
    services: &Services,
    report: &SuiteReport,
) -> Result<Vec<Artefact>, ServiceError> {
    let mut kept = Vec::with_capacity(report.artefacts.len());
    for artefact in report.artefacts.clone() {
        let blobs = services.blobs().clone();
        let put = move || {
            let file = File::open(&artefact.path).map_err(ServiceError::internal)?;
            let blob = blobs.put(file).map_err(ServiceError::internal)?;
            Ok::<_, ServiceError>(Artefact {
                name: artefact.name,
                media_type: artefact.media_type.to_owned(),
                size: blob.size,
                sha256: blob.sha256,
            })
        };
        kept.push(tokio::task::spawn_blocking(put).await.map_err(ServiceError::internal)??);
    }
    Ok(kept)
}

/// Reads the results that a suite left into rows; the inner error is why there are none.
async fn read(
    services: &Services,
    run: &Run,
    definition: &SuiteDefinition,
    report: &SuiteReport,
) -> Result<Result<ReportedRun, String>, ServiceError> {
    let named = |name: &str| report.artefacts.iter().find(|it| it.name == name).cloned();
    let found = if definition.results.is_empty() {
        RESULTS.iter().find_map(|name| named(name))
    } else {
        named(&definition.results)
    };
    let Some(found) = found else {
        let wanted = if definition.results.is_empty() {
            RESULTS.join(", ")
        } else {
            definition.results.clone()
        };
        return Ok(Err(format!("it left no results (looked for {wanted})")));
    };
    let file = File::open(&found.path).map_err(ServiceError::internal)?;
    let told = match into_rows(services, &run.id, file, ReadOptions::default()).await? {
        Ok(told) => told,
        Err(error) => return Ok(Err(format!("{} cannot be read: {}", found.name, chain(&error)))),
    };
    if told.totals.all() == 0 {
        return Ok(Err(format!("{} holds no case", found.name)));
    }
    Ok(Ok(told))
}
