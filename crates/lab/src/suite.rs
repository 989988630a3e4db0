//! One run of a suite: somebody's tests, against a machine that they drive by its serial console.
//!
//! A suite is a folder of files and a command: Robot Framework, or any program that leaves files. It
//! runs in a sandbox without a network, where two ports of its own loopback lead out: the machine's
//! console, by telnet as labs have it ([`console_port`]), and its power switch ([`power`]). The machine
//! is a guest that is switched on when the suite first looks at its console. What the suite leaves in
//! its output folder is kept as artefacts ([`artefacts`]); what the results among them say is not
//! read here.

mod artefacts;
mod console_port;
mod console_times;
mod door;
mod machine;
mod power;
mod run;
mod script;
mod telnet;
mod verdict;
mod within;

use std::{collections::VecDeque, path::Path, sync::Arc, time::Duration};

use domain::{
    run::{FailureClass, ObservedStage},
    time::{Clock, human_size},
};
use process::Spawner;

pub use self::{
    artefacts::Artefact,
    within::{NoOpenPort, OpenPort, within},
};
use self::{
    artefacts::Collected,
    console_times::Watch,
    machine::{Machine, Making},
    run::{Ran, Run},
    verdict::judge,
};
use crate::{guest::GuestConfig, scrollback::Scrollback, smoke::RunObserver, stages::waterfall};

/// How much of the console is kept, in bytes.
const CONSOLE_KEPT: usize = 16 << 20;
/// How much of what a suite prints goes to its observer, in bytes.
const LONGEST_LOG: usize = 4 << 20;
/// How many of its last lines a report has.
const LAST_LINES: usize = 40;

/// What a suite runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuiteCommand {
    /// Robot Framework, from the Python environment of suites.
    Robot {
        /// Files or folders of the suite.
        suites: Vec<String>,
        /// Options, before them.
        options: Vec<String>,
    },
    /// Any program, with its arguments.
    Program(Vec<String>),
}

/// What a suite is told, in variables whose names begin with `BOOTWRIGHT_`.
#[derive(Debug, Clone, Copy)]
pub struct SuiteVariables<'a> {
    /// Name of the machine.
    pub machine: &'a str,
    /// Name of the release.
    pub release: &'a str,
    /// Digest of its manifest.
    pub manifest: &'a str,
    /// Label and display text of the boot entry, where the suite is run for one.
    pub entry: Option<(&'a str, &'a str)>,
    /// The account of the machine's console.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
}

/// What a suite may take.
#[derive(Debug, Clone, Copy)]
pub struct SuiteLimits {
    /// How long it may run.
    pub time: Duration,
    /// How long it has to write down what it found, once it is to end.
    pub patience: Duration,
    /// How much it may leave, in bytes.
    pub bytes: u64,
    /// How many files of that are kept.
    pub files: usize,
}

/// A suite that is to be run.
#[derive(Debug, Clone)]
pub struct SuiteRequest<'a> {
    /// Its folder. The user ids of sandboxes must be able to read it.
    pub folder: &'a Path,
    /// What it runs, from within its folder.
    pub command: SuiteCommand,
    /// The folder of a Python environment with Robot Framework, made by the host's own Python.
    pub python: Option<&'a Path>,
    /// Path of the menu at the boot listener: `/release/v1.0.0-rc.1/menu.ipxe`.
    pub menu_path: &'a str,
    /// The Unix socket of this run at the boot listener.
    pub socket: &'a Path,
    /// What it is told.
    pub variables: SuiteVariables<'a>,
    /// What it may take.
    pub limits: SuiteLimits,
    /// Where folders of runs are made.
    pub work_dir: &'a Path,
}

/// How a suite ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuiteEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// It took longer than this.
    TimedOut(Duration),
    /// Somebody asked for it.
    Stopped,
    /// It filled its output folder with this.
    WroteTooMuch(String),
    /// It was never begun, for this reason.
    NotRun(String),
}

/// What came of a suite.
#[derive(Debug)]
pub struct SuiteReport {
    /// How it ended.
    pub end: SuiteEnd,
    /// Whose problem it is, by its end alone; the results among the artefacts know better.
    pub failure: Option<FailureClass>,
    /// Why it ended so, in one sentence.
    pub message: String,
    /// What it printed last.
    pub last_lines: Vec<String>,
    /// What it left.
    pub artefacts: Vec<Artefact>,
    /// What it left and is not among them, and why.
    pub left_out: Vec<String>,
    /// What the machine was.
    pub machine_details: String,
    /// What was observed of each boot stage; of the first boot, where there were several.
    pub stages: Vec<ObservedStage>,
    /// Everything that the machine wrote to its serial console.
    pub console: Vec<u8>,
    /// Where the artefacts lie: removed with the report.
    _folder: Option<tempfile::TempDir>,
}

/// Runs a suite to its end. Every way it ends is a report.
#[must_use]
pub fn run_suite(
    spawner: &Spawner,
    clock: &Arc<dyn Clock>,
    config: &GuestConfig,
    request: &SuiteRequest<'_>,
    observer: &dyn RunObserver,
) -> SuiteReport {
    let console = Arc::new(Scrollback::keeping(CONSOLE_KEPT));
    let making = Making {
        spawner: spawner.clone(),
        clock: clock.clone(),
        config: config.clone(),
        menu_path: request.menu_path.to_owned(),
        socket: request.socket.to_owned(),
    };
    let machine = Arc::new(Machine::new(making, console.clone()));
    let watch = Watch::over(console.clone(), clock.clone());
    let (mut last_lines, mut printed) = (VecDeque::new(), 0);
    let mut line = |text: &str| {
        printed += text.len();
        if printed <= LONGEST_LOG {
            observer.line(text);
        }
        if last_lines.len() == LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(text.to_owned());
    };
    let run = Run { spawner, config, request, observer, machine: &machine };
    let (end, folder, collected) = match run.to_its_end(&mut line) {
        Ok(Ran { end, folder, collected }) => (end, Some(folder), collected),
        Err(_) if observer.stopped() => (SuiteEnd::Stopped, None, Collected::default()),
        Err(why) => (SuiteEnd::NotRun(why), None, Collected::default()),
    };
    let trouble = machine.trouble();
    machine.retire();
    let times = watch.end();
    let Collected { artefacts, mut left_out } = collected;
    let results = artefacts.iter().any(|it| it.name == "output.xml");
    let (mut failure, mut message) = judge(&request.command, &end, results);
    if let Some(trouble) = trouble.filter(|_| failure.is_some()) {
        // Tests cannot pass on a machine that is none.
        (failure, message) = (Some(FailureClass::Lab), format!("{trouble}; {message}"));
    }
    if printed > LONGEST_LOG {
        let most = human_size(LONGEST_LOG as u64);
        left_out.push(format!("what it printed after the first {most}, but for the last lines"));
    }
    let log = console.read(0, usize::MAX);
    if log.from > 0 {
        left_out.push(format!("the first {} of the console", human_size(log.from)));
    }
    SuiteReport {
        end,
        failure,
        message,
        last_lines: last_lines.into(),
        artefacts,
        left_out,
        machine_details: config.details(),
        stages: waterfall(&observer.transfers(), &times),
        console: log.bytes,
        _folder: folder,
    }
}
