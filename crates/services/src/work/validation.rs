//! Validating a release by a plan: its runs one after the other, each on a thread of its own with a
//! guest of its own. Runs that ended before an interruption stay; the interrupted one begins again.
//!
//! The built-in suite boots an entry and looks around ([`smoke`]); suites of people drive the guest
//! themselves ([`suite`]). A run that did not pass is tried again as often as the plan says.

mod smoke;
mod suite;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    actor::Actor,
    digest::Digest,
    ids::RunId,
    job::{JobState, Step, StepState},
    manifest::{BootEntry, Manifest},
    plan::{Plan, PlannedRun, SMOKE},
    recipe::{self, Revision},
    run::{Outcome, Run, Validation},
    suite::Suite,
    transfer::Transfer,
    variant::Definition,
};
use lab::{Board, GuestConfig, RunObserver, probe_accelerator};
use netboot::Observations;
use store::{
    Rows, WriteTx,
    jobs::ClaimedJob,
    runs::{Artefact, RunPlace},
};
use tokio::sync::oneshot;

use super::{Ended, cancelled_by_a_person, release_of};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    guests::{GuestSocket, MEMORY_MIB},
    job_log::LogWriter,
    jobs::no_job,
    plans::{no_plan, no_suite},
    releases::no_release,
};

/// What every run of a validation needs.
struct Bench {
    services: Services,
    validation: Validation,
    plan: Plan,
    manifest: Manifest,
    /// Its suites of people, with the revisions that the plan names.
    suites: Vec<Suite>,
    /// Name of what is judged.
    judged: String,
    /// Account and password of the console.
    login: (String, String),
    /// What the login prompt must name.
    hostname: String,
    /// Path of the menu at the boot listener.
    menu_path: String,
    log: Arc<LogWriter>,
    cancelled: Arc<AtomicBool>,
}

impl Bench {
    /// What is said where everything passed.
    fn passed(&self) -> String {
        if self.plan.is_built_in() {
            "every entry booted and passed every check".to_owned()
        } else {
            format!("every run of plan {} passed", self.plan.name)
        }
    }
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
    let planned = bench.plan.runs(&bench.manifest);
    for step in steps {
        let Some(planned) = planned.iter().find(|it| it.step == step.name) else {
            let outcome = format!("the plan has no step called {}", step.name);
            return Ok(Ended { state: JobState::Failed, outcome });
        };
        let outcome = planned_run(&bench, claimed, planned, step.clone()).await?;
        if cancelled.load(Ordering::Acquire) {
            return Ok(cancelled_by_a_person());
        }
        if outcome != Outcome::Passed {
            failed.push(step.name);
        }
    }
    Ok(if failed.is_empty() {
        let outcome = bench.passed();
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
    let plan = match validation.plan.as_str() {
        name if name == SMOKE.name => Some(Plan::smoke()),
        name => tx.plan(name, Some(validation.plan_revision)).await?,
    };
    let plan = plan.ok_or_else(|| no_plan(&validation.plan))?;
    let mut suites = Vec::new();
    for it in plan.definition.suites.iter().filter(|it| it.suite != SMOKE.name) {
        let found = tx.test_suite(&it.suite, Some(it.revision)).await?;
        suites.push(found.ok_or_else(|| no_suite(&it.suite))?);
    }
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
    let (judged, menu_path) = match &validation.variant {
        None => (release.name(), format!("/release/{}/menu.ipxe", release.name())),
        Some(variant) => {
            (format!("variant {}", variant.name), format!("/variant/{}/menu.ipxe", variant.name))
        }
    };
    let log = Arc::new(services.logs().writer(&job.id)?);
    let services = services.clone();
    Ok(Ok(Bench {
        services,
        validation,
        plan,
        manifest,
        suites,
        judged,
        login,
        hostname,
        menu_path,
        log,
        cancelled,
    }))
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

/// A planned run to its end, tried again as often as the plan says; how it ended at last.
async fn planned_run(
    bench: &Arc<Bench>,
    claimed: &ClaimedJob,
    planned: &PlannedRun,
    step: Step,
) -> Result<Outcome, ServiceError> {
    let most = bench.plan.definition.retries + 1;
    let former = bench.validation.runs.iter().filter(|run| {
        run.entry == planned.entry && run.suite == planned.suite && run.machine == planned.machine
    });
    let mut ended: Vec<Outcome> = former.filter_map(|run| run.outcome).collect();
    // What was interrupted begins again.
    let step = Step { started_at: Some(bench.services.now()), ..step };
    loop {
        let attempts = u32::try_from(ended.len()).unwrap_or(u32::MAX);
        match ended.last() {
            Some(Outcome::Passed) => return Ok(Outcome::Passed),
            Some(outcome) if attempts >= most => return Ok(*outcome),
            _ => {}
        }
        let attempt = Attempt { number: attempts + 1, most };
        ended.push(one_run(bench, claimed, planned, step.clone(), attempt).await?);
        if bench.cancelled.load(Ordering::Acquire) {
            return Ok(Outcome::NotRun);
        }
    }
}

/// Which attempt of how many.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    number: u32,
    most: u32,
}

impl Attempt {
    /// The message of a run with what it was one of.
    fn of(self, message: &str) -> String {
        if self.most == 1 {
            message.to_owned()
        } else {
            format!("attempt {} of {}: {message}", self.number, self.most)
        }
    }
}

/// What a run left: the run as it is kept, and what is kept beside it.
struct Ran {
    run: Run,
    /// Why its results are not whole.
    incomplete: Option<String>,
    /// What else should be known about them.
    remarks: Vec<String>,
    artefacts: Vec<Artefact>,
}

async fn one_run(
    bench: &Arc<Bench>,
    claimed: &ClaimedJob,
    planned: &PlannedRun,
    step: Step,
    attempt: Attempt,
) -> Result<Outcome, ServiceError> {
    let services = &bench.services;
    let id = RunId::generate(services.ids());
    let began = services.now();
    let running = Step { state: StepState::Running, ended_at: None, message: None, ..step };
    let mut tx = services.begin().await?;
    let kernel = bench.manifest.kernel_of(&planned.entry);
    let place = RunPlace {
        machine: &planned.machine,
        entry: &planned.entry,
        suite: &planned.suite,
        kernel: &kernel,
    };
    tx.begin_run(&bench.validation, &id, &place, began).await?;
    tx.set_step(&claimed.job.id, &running).await?;
    services.commit(tx, &format!("job/{}", claimed.job.id)).await?;

    let begun = services.read().await?.run_alone(&id).await?;
    let begun = begun.ok_or_else(|| ServiceError::NotFound(format!("run {id} to end")))?;
    let ran = if planned.suite == SMOKE.name {
        smoke::run(bench, begun, planned).await?
    } else {
        suite::run(bench, begun, planned).await?
    };
    if bench.cancelled.load(Ordering::Acquire) {
        // What was stopped says nothing about the release: it is no evidence.
        return Ok(Outcome::NotRun);
    }
    let Ran { run, incomplete, remarks, artefacts } = ran;
    let ended = services.now();
    let outcome = run.outcome.unwrap_or(Outcome::Errored);
    let state = if outcome == Outcome::Passed { StepState::Succeeded } else { StepState::Failed };
    let message = Some(attempt.of(&run.message));
    let done = Step { state, ended_at: Some(ended), message, ..running };
    let run = Run { ended_at: Some(ended), outcome: Some(outcome), incomplete, remarks, ..run };
    let mut tx = services.begin().await?;
    for artefact in &artefacts {
        tx.insert_artefact(&id, artefact).await?;
    }
    tx.end_run(&run).await?;
    tx.set_step(&claimed.job.id, &done).await?;
    services.commit(tx, &format!("job/{}", claimed.job.id)).await?;
    services.count_room_anew();
    Ok(outcome)
}

/// Keeps what a machine wrote to its console.
async fn keep_console(services: &Services, bytes: Vec<u8>) -> Result<Digest, ServiceError> {
    let blobs = services.blobs().clone();
    let kept = tokio::task::spawn_blocking(move || blobs.put(bytes.as_slice()));
    let kept = kept.await.map_err(ServiceError::internal)?.map_err(ServiceError::internal)?;
    Ok(kept.sha256)
}

/// Runs on a thread of its own, with a socket of its own at the boot listener.
async fn on_a_socket<T: Send + 'static>(
    bench: &Arc<Bench>,
    run: &RunId,
    entry: &str,
    work: impl FnOnce(&Watcher, &Path) -> T + Send + 'static,
) -> Result<T, ServiceError> {
    let services = &bench.services;
    let observations = Observations::default();
    let listener = services.boot_listener().observed_by(Arc::new(observations.clone()));
    let socket = GuestSocket::open(services, listener, "run", run.as_str()).await?;
    let (sender, receiver) = oneshot::channel();
    let watcher = Watcher { bench: bench.clone(), entry: entry.to_owned(), observations };
    let path = socket.path().to_path_buf();
    std::thread::Builder::new().name("run".to_owned()).spawn(move || {
        let _ = sender.send(work(&watcher, &path));
    })?;
    receiver.await.map_err(ServiceError::internal)
}

/// Watches a run, from the run's own thread.
struct Watcher {
    bench: Arc<Bench>,
    /// What its lines of the log are headed with.
    entry: String,
    observations: Observations,
}

impl Watcher {
    /// The machine to boot; a hypervisor is judged by whether it finds an IOMMU, so its machine has one.
    fn machine(&self, entry: &str) -> GuestConfig {
        let Bench { services, manifest, .. } = &*self.bench;
        let board = match manifest.entry(entry).and_then(BootEntry::hypervisor) {
            Some(_) => Board::WithIommu,
            None => Board::Plain,
        };
        GuestConfig {
            accelerator: probe_accelerator(services.spawner(), services.clock()),
            board,
            memory_mib: MEMORY_MIB,
            program: services.options().program.clone(),
        }
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
