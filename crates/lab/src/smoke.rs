//! One run of plan "smoke": a guest from power-on to the last check.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    manifest::{BootEntry, EntryKind, Manifest},
    plan::{PlanCase, SMOKE},
    run::{CaseResult, FailureClass, ObservedStage, Outcome},
    time::Clock,
    transfer::Transfer,
};
use process::{Running, Spawner};

use crate::{
    boot::{self, BootFailure, BootLimits, LOGIN, STAGE_INIT, STAGE_ROOTFS},
    checks,
    complaints::Complaints,
    console::Console,
    guest::{self, GuestConfig, LabError, Reboots},
    stages::{ConsoleTimes, waterfall},
};

/// How long a guest may take to write its last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is to be booted and how it is judged.
#[derive(Debug, Clone, Copy)]
pub struct SmokeRequest<'a> {
    /// Path of the menu at the boot listener: `/release/v1.0.0-rc.1/menu.ipxe`.
    pub menu_path: &'a str,
    /// What the release consists of.
    pub manifest: &'a Manifest,
    /// Label of the entry.
    pub entry: &'a str,
    /// What the login prompt must name.
    pub hostname: &'a str,
    /// The account to sign in with.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// The Unix socket of this run at the boot listener.
    pub socket: &'a Path,
    /// What the machine may take to its login prompt.
    pub limits: BootLimits,
}

impl<'a> SmokeRequest<'a> {
    pub(crate) fn entry(&self) -> Option<&'a BootEntry> {
        self.manifest.entry(self.entry)
    }

    /// The kind of the entry; that of most where there is none, which is told when it is picked.
    pub(crate) fn kind(&self) -> EntryKind {
        self.entry().map_or(EntryKind::Linux, BootEntry::kind)
    }
}

/// Who watches a run, from the run's own thread.
pub trait RunObserver {
    /// Something happened, in one line.
    fn line(&self, text: &str);
    /// What the boot listener has counted for this run so far.
    fn transfers(&self) -> Vec<Transfer>;
    /// Whether the run is to stop at once.
    fn stopped(&self) -> bool;
}

/// What a run recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Whose problem it is, where it did not pass.
    pub failure: Option<FailureClass>,
    /// Why it ended so, in one sentence.
    pub message: String,
    /// What the machine was.
    pub machine_details: String,
    /// What was observed of each boot stage.
    pub stages: Vec<ObservedStage>,
    /// The cases in the plan's order.
    pub results: Vec<CaseResult>,
    /// Everything that the machine wrote to its serial console.
    pub console: Vec<u8>,
}

/// Boots a guest and runs the plan's cases. Every way it ends is a report: a guest that does not
/// boot is one that failed.
#[must_use]
pub fn run_smoke(
    spawner: &Spawner,
    clock: &Arc<dyn Clock>,
    config: &GuestConfig,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
) -> RunReport {
    match run(spawner, clock, config, request, observer) {
        Ok(report) => report,
        Err(error) => {
            let failure =
                BootFailure { class: Some(FailureClass::Lab), message: error.to_string() };
            let results = judged(request.kind(), &failure, Duration::ZERO);
            report(
                config,
                request,
                observer,
                results,
                Some(failure),
                Vec::new(),
                &ConsoleTimes::default(),
            )
        }
    }
}

fn run(
    spawner: &Spawner,
    clock: &Arc<dyn Clock>,
    config: &GuestConfig,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
) -> Result<RunReport, LabError> {
    observer.line(&format!("entry {}: {} starts", request.entry, config.details()));
    let guest =
        guest::start(spawner, config, request.socket, request.menu_path, Reboots::BeginAnew)?;
    over(guest, clock, config, request, observer)
}

/// A run of a program that stands on its own.
pub(crate) fn over(
    mut guest: Running,
    clock: &Arc<dyn Clock>,
    config: &GuestConfig,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
) -> Result<RunReport, LabError> {
    let (Some(input), Some(output)) = (guest.child.stdin.take(), guest.child.stdout.take()) else {
        return Err(LabError::NoConsole);
    };
    let complaints = guest.child.stderr.take().map(Complaints::of);
    let marks = [STAGE_ROOTFS, STAGE_INIT, LOGIN];
    let mut console = Console::new(input, output, clock.clone(), &marks);
    let begun = Instant::now();
    let stop = || observer.stopped();
    let mut shell = None;
    let elsewhere = request.entry().and_then(loads_from_elsewhere);
    if let Some(address) = elsewhere {
        let (results, failure) = lead(&mut console, request, observer, address);
        guest.kill();
        let times = ConsoleTimes::default();
        return Ok(report(config, request, observer, results, failure, console.into_log(), &times));
    }
    let transfers = || observer.transfers();
    let picked = || observer.line("entry picked from the menu");
    let deadline = begun + request.limits.login;
    let booted =
        boot::boot(&mut console, request, &transfers, deadline, &picked, &stop).and_then(|()| {
            observer.line(&format!("login prompt after {:.0} s", begun.elapsed().as_secs_f64()));
            boot::sign_in(&mut console, request, &stop)
        });
    let (results, failure) = match booted {
        Ok(()) => {
            shell = Some(clock.now());
            (check(&mut console, request, observer, begun.elapsed()), None)
        }
        Err(mut failure) => {
            let said = complaints.as_ref().map(Complaints::last).unwrap_or_default();
            if failure.class == Some(FailureClass::Lab) && !said.is_empty() {
                failure.message = format!("{}: {said}", failure.message);
            }
            observer.line(&format!("\u{1b}[31mError: {}\u{1b}[0m", failure.message));
            if failure.class.is_some() {
                console.drain(Instant::now() + LAST_WORDS);
            }
            (judged(request.kind(), &failure, begun.elapsed()), Some(failure))
        }
    };
    guest.kill();
    let times = ConsoleTimes {
        rootfs: console.mark(STAGE_ROOTFS),
        init: console.mark(STAGE_INIT),
        login: console.mark(LOGIN),
        shell,
    };
    Ok(report(config, request, observer, results, failure, console.into_log(), &times))
}

/// The address that an entry loads first from where the release does not reach.
fn loads_from_elsewhere(entry: &BootEntry) -> Option<&str> {
    match entry {
        BootEntry::Linux { .. } | BootEntry::Xen { .. } => None,
        BootEntry::Installer { kernel, .. } => Some(kernel),
        BootEntry::Chain { script, .. } => Some(script),
    }
}

/// Picks an entry whose files lie elsewhere, where a guest must not go: iPXE says what it loads,
/// and that is how far a release can answer for it.
fn lead(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
    address: &str,
) -> (Vec<CaseResult>, Option<BootFailure>) {
    let begun = Instant::now();
    let stop = || observer.stopped();
    let led = boot::pick_entry(console, request, &|| observer.transfers(), &stop)
        .and_then(|()| boot::reach_address(console, address, &stop));
    match led {
        Ok(()) => {
            let kind = request.kind();
            let said = format!("iPXE asked for {address}");
            observer.line(&said);
            let result = |case: &PlanCase| {
                result(case.id, case.title, Outcome::Passed, begun.elapsed(), said.clone())
            };
            (SMOKE.cases_of(kind).map(result).collect(), None)
        }
        Err(failure) => (judged(request.kind(), &failure, begun.elapsed()), Some(failure)),
    }
}

fn check(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
    boot: Duration,
) -> Vec<CaseResult> {
    let mut silent = false;
    SMOKE
        .cases_of(request.kind())
        .map(|case| {
            let begun = Instant::now();
            let (outcome, message) = if case.id == "smoke.boot" {
                (Outcome::Passed, String::new())
            } else {
                checks::run(case.id, console, request, &mut silent, &|| observer.stopped())
            };
            let length = if case.id == "smoke.boot" { boot } else { begun.elapsed() };
            observer.line(&format!("{} {outcome} {message}", case.id));
            result(case.id, case.title, outcome, length, message)
        })
        .collect()
}

/// The cases of a run that did not boot: the first tells why, the rest were not reached.
fn judged(kind: EntryKind, failure: &BootFailure, boot: Duration) -> Vec<CaseResult> {
    let outcome = match failure.class {
        Some(FailureClass::Product | FailureClass::Configuration) => Outcome::Failed,
        Some(FailureClass::Lab | FailureClass::Test) => Outcome::Errored,
        None => Outcome::NotRun,
    };
    SMOKE
        .cases_of(kind)
        .enumerate()
        .map(|(index, case)| {
            if index == 0 {
                result(case.id, case.title, outcome, boot, failure.message.clone())
            } else {
                let why = "the machine did not boot".to_owned();
                result(case.id, case.title, Outcome::NotRun, Duration::ZERO, why)
            }
        })
        .collect()
}

fn result(
    id: &str,
    title: &str,
    outcome: Outcome,
    length: Duration,
    message: String,
) -> CaseResult {
    CaseResult {
        case: id.to_owned(),
        title: title.to_owned(),
        outcome,
        duration_us: Some(i64::try_from(length.as_micros()).unwrap_or(i64::MAX)),
        message,
    }
}

fn passed(request: &SmokeRequest<'_>) -> String {
    if request.kind().boots_rootfs() {
        format!("{} booted and passed every check", request.entry)
    } else {
        format!("{} leads to what it loads", request.entry)
    }
}

fn report(
    config: &GuestConfig,
    request: &SmokeRequest<'_>,
    observer: &dyn RunObserver,
    results: Vec<CaseResult>,
    failure: Option<BootFailure>,
    console: Vec<u8>,
    times: &ConsoleTimes,
) -> RunReport {
    let failed: Vec<&str> = results
        .iter()
        .filter(|it| it.outcome != Outcome::Passed)
        .map(|it| it.case.as_str())
        .collect();
    let stopped = failure.as_ref().is_some_and(|it| it.class.is_none()) || observer.stopped();
    let (outcome, class, message) = match failure {
        _ if stopped => (Outcome::NotRun, None, "stopped".to_owned()),
        Some(BootFailure { class, message }) => {
            let outcome = results.first().map_or(Outcome::Errored, |it| it.outcome);
            (outcome, class, message)
        }
        None if failed.is_empty() => (Outcome::Passed, None, passed(request)),
        None => {
            (Outcome::Failed, Some(FailureClass::Product), format!("failed: {}", failed.join(", ")))
        }
    };
    RunReport {
        outcome,
        failure: class,
        message,
        machine_details: config.details(),
        stages: waterfall(&observer.transfers(), times),
        results,
        console,
    }
}
