//! Validating a release: one guest per boot entry, on threads of their own, one after the other.
//! Runs that ended before an interruption stay; the interrupted one begins again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    actor::Actor,
    ids::RunId,
    job::{JobState, Step, StepState},
    manifest::{BootEntry, Manifest},
    plan::SMOKE,
    recipe::{self, Revision},
    run::{Outcome, Run, Validation},
    transfer::Transfer,
    variant::Definition,
};
use lab::{
    Board, BootLimits, GuestConfig, RunObserver, RunReport, SmokeRequest, probe_accelerator,
    run_smoke,
};
use netboot::Observations;
use store::{Rows, WriteTx, jobs::ClaimedJob};
use tokio::sync::oneshot;

use super::{Ended, cancelled_by_a_person, release_of};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    guests::{GuestSocket, MEMORY_MIB},
    job_log::LogWriter,
    jobs::no_job,
    releases::no_release,
};

/// What every run of a validation needs.
struct Bench {
    services: Services,
    validation: Validation,
    manifest: Manifest,
    /// Account and password of the console.
    login: (String, String),
    /// What the login prompt must name.
    hostname: String,
    /// Path of the menu at the boot listener.
    menu_path: String,
    log: Arc<LogWriter>,
    cancelled: Arc<AtomicBool>,
}

/// Runs the plan.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let id = &claimed.job.id;
    let bench = match prepare(services, claimed, cancelled.clone()).await? {
        Ok(bench) => Arc::new(bench),
        Err(reason) => return Ok(Ended { state: JobState::Failed, outcome: reason }),
    };
    let steps = services.read().await?.steps(id).await?;
    let mut failed = Vec::new();
    for step in steps {
        let known = bench.validation.runs.iter().find(|run| run.entry == step.name);
        let outcome = match known.and_then(|run| run.outcome) {
            Some(outcome) => outcome,
            None => one_entry(&bench, claimed, step.clone()).await?,
        };
        if cancelled.load(Ordering::Acquire) {
            return Ok(cancelled_by_a_person());
        }
        if outcome != Outcome::Passed {
            failed.push(step.name);
        }
    }
    Ok(if failed.is_empty() {
        let outcome = "every entry booted and passed every check".to_owned();
        Ended { state: JobState::Succeeded, outcome }
    } else {
        let outcome = format!("did not pass: {}", failed.join(", "));
        Ended { state: JobState::Failed, outcome }
    })
}

/// Reads what the runs need; the inner error is why there can be none.
async fn prepare(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Result<Bench, String>, ServiceError> {
    let job = &claimed.job;
    let mut tx = services.begin().await?;
    let validation = tx.validation_of_job(&job.id).await?.ok_or_else(|| no_job(&job.id))?;
    if tx.delete_unended_runs(&validation.id).await? > 0 {
        tracing::info!(job = %job.id, "an interrupted run begins again");
    }
    let validation = tx.validation_of_job(&job.id).await?.unwrap_or(validation);
    let about = release_of(job)?;
    let missing = || no_release(about.as_str());
    let release = tx.release(about).await?.ok_or_else(missing)?;
    let variant = variant_of(&mut tx, &validation).await?;
    let manifest = match &variant {
        Some((_, manifest)) => Some(manifest.clone()),
        None => tx.manifest_of(&release.id).await?,
    };
    let manifest = manifest.ok_or_else(missing)?;
    let revision = tx.revision_of(&release.recipe, release.revision).await?.ok_or_else(missing)?;
    let import = tx.import_of(&release.id).await?;
    tx.commit().await?;
    let built_hostname = format!("rootfs-{}", manifest.version);
    // What was put together elsewhere was not made from its recipe.
    let (login, hostname) = match import {
        Some(import) => {
            let login = (import.login.user, import.login.password);
            (Ok(login), import.hostname.unwrap_or(built_hostname))
        }
        None => (login_of(&revision), built_hostname),
    };
    let (login, hostname) = match &variant {
        Some((definition, _)) => changed(definition, login, hostname),
        None => (login, hostname),
    };
    let login = match login {
        Ok(login) => login,
        Err(why) => return Ok(Err(why)),
    };
    let menu_path = validation.variant.as_ref().map_or_else(
        || format!("/release/{}/menu.ipxe", release.name()),
        |variant| format!("/variant/{}/menu.ipxe", variant.name),
    );
    let log = Arc::new(services.logs().writer(&job.id)?);
    let services = services.clone();
    Ok(Ok(Bench { services, validation, manifest, login, hostname, menu_path, log, cancelled }))
}

/// What a variant that is judged changes, and what it consists of.
async fn variant_of(
    rows: &mut Rows,
    validation: &Validation,
) -> Result<Option<(Definition, Manifest)>, ServiceError> {
    let Some(variant) = &validation.variant else { return Ok(None) };
    let built = rows.built_variant(&variant.id).await?.map(|it| it.build);
    let of_manifest = built.and_then(|it| Some((it.definition, it.manifest?)));
    match of_manifest {
        Some((definition, manifest)) if manifest.digest()? == validation.manifest => {
            Ok(Some((definition, manifest)))
        }
        _ => Err(ServiceError::NotFound(format!("build of variant {} to judge", variant.name))),
    }
}

/// Account and host name of a variant, where it has others than its base.
fn changed(
    definition: &Definition,
    login: Result<(String, String), String>,
    hostname: String,
) -> (Result<(String, String), String>, String) {
    let own = |name: &str| {
        let user = definition.users.iter().find(|it| it.name == name)?;
        user.password.clone()
    };
    let login = login.map(|(user, password)| {
        let password = own(&user).unwrap_or(password);
        (user, password)
    });
    (login, definition.hostname.clone().unwrap_or(hostname))
}

/// The account of the console that a recipe names.
fn login_of(revision: &Revision) -> Result<(String, String), String> {
    let recipe = recipe::parse(&revision.text)
        .map_err(|_| "the recipe of this release cannot be read any more".to_owned())?;
    let (user, password) = recipe::console_login(&recipe).ok_or_else(|| {
        "the recipe names no account with a password, so plan \"smoke\" cannot sign in on the \
         console: give root or another account one"
            .to_owned()
    })?;
    Ok((user.to_owned(), password.to_owned()))
}

async fn one_entry(
    bench: &Arc<Bench>,
    claimed: &ClaimedJob,
    step: Step,
) -> Result<Outcome, ServiceError> {
    let services = &bench.services;
    let id = RunId::generate(services.ids());
    let began = services.now();
    let running = Step {
        state: StepState::Running,
        started_at: Some(began),
        ended_at: None,
        message: None,
        ..step.clone()
    };
    let mut tx = services.begin().await?;
    let kernel = bench.manifest.kernel_of(&step.name);
    let place = (SMOKE.machine, step.name.as_str(), kernel.as_str());
    tx.begin_run(&bench.validation, &id, place, began).await?;
    tx.set_step(&claimed.job.id, &running).await?;
    services.commit(tx, &format!("job/{}", claimed.job.id)).await?;

    let report = boot(bench, &id, &step.name).await?;

    let console = {
        let (blobs, bytes) = (services.blobs().clone(), report.console.clone());
        tokio::task::spawn_blocking(move || blobs.put(bytes.as_slice()))
            .await
            .map_err(ServiceError::internal)?
            .map_err(ServiceError::internal)?
    };
    let ended = services.now();
    if bench.cancelled.load(Ordering::Acquire) {
        // What was stopped says nothing about the release: it is no evidence.
        return Ok(Outcome::NotRun);
    }
    let state =
        if report.outcome == Outcome::Passed { StepState::Succeeded } else { StepState::Failed };
    let done =
        Step { state, ended_at: Some(ended), message: Some(report.message.clone()), ..running };
    let mut tx = services.begin().await?;
    let begun = tx.run(&id).await?;
    let begun = begun.ok_or_else(|| ServiceError::NotFound(format!("run {id} to end")))?;
    tx.end_run(&Run {
        machine_details: report.machine_details,
        ended_at: Some(ended),
        outcome: Some(report.outcome),
        failure: report.failure,
        message: report.message.clone(),
        console: Some(console.sha256),
        stages: report.stages,
        results: report.results,
        ..begun
    })
    .await?;
    tx.set_step(&claimed.job.id, &done).await?;
    services.commit(tx, &format!("job/{}", claimed.job.id)).await?;
    Ok(report.outcome)
}

/// Boots one guest with a socket of its own at the boot listener.
async fn boot(bench: &Arc<Bench>, id: &RunId, entry: &str) -> Result<RunReport, ServiceError> {
    let services = &bench.services;
    let observations = Observations::default();
    let listener = services.boot_listener().observed_by(Arc::new(observations.clone()));
    let socket = GuestSocket::open(services, listener, "run", id.as_str()).await?;
    let (sender, receiver) = oneshot::channel();
    let watcher = Watcher { bench: bench.clone(), entry: entry.to_owned(), observations };
    let menu_path = bench.menu_path.clone();
    let path = socket.path().to_path_buf();
    std::thread::Builder::new().name("run".to_owned()).spawn(move || {
        let _ = sender.send(watcher.run(&menu_path, &path));
    })?;
    receiver.await.map_err(ServiceError::internal)
}

/// Watches a run, from the run's own thread.
struct Watcher {
    bench: Arc<Bench>,
    entry: String,
    observations: Observations,
}

impl Watcher {
    fn run(&self, menu_path: &str, socket: &std::path::Path) -> RunReport {
        let Bench { services, manifest, login, hostname, .. } = &*self.bench;
        let options = services.options();
        // A hypervisor is judged by whether it finds an IOMMU, so its machine has one.
        let board = match manifest.entry(&self.entry).and_then(BootEntry::hypervisor) {
            Some(_) => Board::WithIommu,
            None => Board::Plain,
        };
        let config = GuestConfig {
            accelerator: probe_accelerator(services.spawner(), services.clock()),
            board,
            memory_mib: MEMORY_MIB,
            program: options.program.clone(),
        };
        let request = SmokeRequest {
            menu_path,
            manifest,
            entry: &self.entry,
            hostname,
            user: &login.0,
            password: &login.1,
            socket,
            limits: BootLimits::usual(options.boot_limit),
        };
        run_smoke(services.spawner(), services.clock(), &config, &request, self)
    }
}

impl RunObserver for Watcher {
    fn line(&self, text: &str) {
        let Bench { services, log, .. } = &*self.bench;
        if let Err(error) = log.line(services.now(), &self.entry, text) {
            tracing::error!(%error, "a line of a validation's log was lost");
        }
    }

    fn transfers(&self) -> Vec<Transfer> {
        self.observations.transfers()
    }

    fn stopped(&self) -> bool {
        self.bench.cancelled.load(Ordering::Acquire)
    }
}

/// In the transaction that ends the job.
pub(super) async fn end(
    services: &Services,
    tx: &mut WriteTx,
    claimed: &ClaimedJob,
    ended: &Ended,
) -> Result<(), ServiceError> {
    let id = &claimed.job.id;
    if let Some(validation) = tx.validation_of_job(id).await? {
        tx.delete_unended_runs(&validation.id).await?;
    }
    let change = Change::ValidationEnded { job: id, outcome: &ended.outcome };
    services.record(tx, &Actor::runner(id.as_str()), change).await?;
    Ok(())
}
