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
mod script;
mod telnet;
mod verdict;
mod within;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    run::{FailureClass, ObservedStage},
    time::{Clock, human_size},
};
use process::Spawner;
use sandbox::{Conditions, IdRange, Sandbox, SandboxError};

pub use self::{
    artefacts::Artefact,
    within::{NoOpenPort, OpenPort, within},
};
use self::{
    artefacts::{Collected, collect, filled},
    console_port::ConsolePort,
    console_times::Watch,
    door::Door,
    machine::{Machine, Making},
    power::PowerSwitch,
    script::{PROGRAM, PYTHON, RESULTS, SUITE, script},
    verdict::judge,
};
use crate::{guest::GuestConfig, scrollback::Scrollback, smoke::RunObserver, stages::waterfall};

/// Where a suite finds the console: the port of labs' serial servers.
const CONSOLE_PORT: u16 = 13541;
/// Where it finds the power switch: the port of RteCtrl.
const POWER_PORT: u16 = 8000;
/// How much of the console is kept, in bytes.
const CONSOLE_KEPT: usize = 16 << 20;
/// How much a suite may keep in memory besides its output folder, in bytes.
const SCRATCH: u64 = 1 << 30;
/// How often its output folder is measured.
const MEASURED: Duration = Duration::from_secs(1);
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
    let mut last_lines = VecDeque::new();
    let mut line = |text: &str| {
        observer.line(text);
        if last_lines.len() == LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(text.to_owned());
    };
    let run = Run { spawner, config, request, observer, machine: &machine };
    let (end, folder, collected) = match run.to_its_end(&mut line) {
        Ok(Ran { end, folder, collected }) => (end, Some(folder), collected),
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

struct Run<'a> {
    spawner: &'a Spawner,
    config: &'a GuestConfig,
    request: &'a SuiteRequest<'a>,
    observer: &'a dyn RunObserver,
    machine: &'a Arc<Machine>,
}

struct Ran {
    end: SuiteEnd,
    folder: tempfile::TempDir,
    collected: Collected,
}

impl Run<'_> {
    /// Runs the suite; where it was never begun, the reason.
    fn to_its_end(&self, line: &mut dyn FnMut(&str)) -> Result<Ran, String> {
        let request = self.request;
        let stop = || self.observer.stopped();
        let range = match sandbox::wait_for_range(&|_| false, &stop) {
            Err(SandboxError::Cancelled) => return Err("stopped before it began".to_owned()),
            other => other.map_err(|error| error.to_string())?,
        };
        let folder = make_folder(request.work_dir)
            .map_err(|error| format!("no folder in {}: {error}", request.work_dir.display()))?;
        let results = folder.path().join("results");
        let (first, last) = (range.first_uid, range.last_uid());
        let admits = move |id| (first..=last).contains(&id);
        let door = |name: &str, serve: Box<dyn Fn(_) + Send + Sync>| {
            Door::open(&folder.path().join(name), admits, serve)
                .map_err(|error| format!("no socket for the {name}: {error}"))
        };
        let port = ConsolePort::of(self.machine.clone());
        let _console = door("console", Box::new(move |client| port.serve(client)))?;
        let switch = PowerSwitch::of(self.machine.clone());
        let _power = door("power", Box::new(move |client| switch.serve(client)))?;
        let leads_to = |port, name| OpenPort { port, socket: Path::new("/in").join(name) };
        let ports = [
            ("CONSOLE_PORT", leads_to(CONSOLE_PORT, "console")),
            ("POWER_PORT", leads_to(POWER_PORT, "power")),
        ];
        let script = script(request, &ports);
        let mut inputs = vec![
            (SUITE.to_owned(), request.folder.to_owned()),
            (PROGRAM.to_owned(), self.config.program.clone()),
            ("console".to_owned(), folder.path().join("console")),
            ("power".to_owned(), folder.path().join("power")),
        ];
        inputs.extend(request.python.map(|it| (PYTHON.to_owned(), it.to_owned())));
        let sandbox = Sandbox {
            script: &script,
            inputs,
            files: Vec::new(),
            environment: Vec::new(),
            limit: request.limits.time,
        };
        let conditions = Conditions {
            build_size: SCRATCH,
            mounts: false,
            namespaces: false,
            patience: request.limits.patience,
            writable: vec![(RESULTS, results.clone())],
            ..Conditions::default()
        };
        let meter = Meter::of(self, &range, &results);
        let ended =
            sandbox.run_in(&range, &conditions, self.spawner, request.work_dir, line, &|| {
                stop() || meter.is_over()
            });
        let end = match (ended, meter.over.take()) {
            (_, Some(much)) => SuiteEnd::WroteTooMuch(much),
            (Ok(_), None) => SuiteEnd::Exited(0),
            (Err(SandboxError::Failed { code: Some(code), lines, .. }), None) => {
                // The program that makes the sandbox says so itself where it cannot.
                match lines.last().filter(|it| code == 1 && it.starts_with("bwrap: ")) {
                    Some(why) => return Err(why.clone()),
                    None => SuiteEnd::Exited(code),
                }
            }
            (Err(SandboxError::TimedOut(limit)), None) => SuiteEnd::TimedOut(limit),
            (Err(SandboxError::Cancelled), None) => SuiteEnd::Stopped,
            (Err(other), None) => return Err(other.to_string()),
        };
        sandbox::give_to_all(self.spawner, &range, &results);
        let collected = collect(&results, request.limits.files, request.limits.bytes);
        Ok(Ran { end, folder, collected })
    }
}

/// A folder of a run with a folder for what the suite leaves. Others pass through to that and to the
/// sockets, and see nothing else.
fn make_folder(work_dir: &Path) -> io::Result<tempfile::TempDir> {
    fs::create_dir_all(work_dir)?;
    let folder = tempfile::Builder::new().prefix("suite-").tempdir_in(work_dir)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    let results = folder.path().join("results");
    fs::create_dir(&results)?;
    fs::set_permissions(&results, fs::Permissions::from_mode(0o777))?;
    Ok(folder)
}

/// Looks now and then whether a suite has filled its output folder.
struct Meter<'a> {
    run: &'a Run<'a>,
    range: &'a IdRange,
    results: &'a Path,
    next: Cell<Instant>,
    over: RefCell<Option<String>>,
}

impl<'a> Meter<'a> {
    fn of(run: &'a Run<'a>, range: &'a IdRange, results: &'a Path) -> Self {
        let next = Cell::new(Instant::now() + MEASURED);
        Self { run, range, results, next, over: RefCell::default() }
    }

    fn is_over(&self) -> bool {
        let now = Instant::now();
        if now < self.next.get() || self.over.borrow().is_some() {
            return self.over.borrow().is_some();
        }
        self.next.set(now + MEASURED);
        let mut found = filled(self.results);
        if found.shut {
            // Folders that only the suite may look into could hide anything.
            sandbox::give_to_all(self.run.spawner, self.range, self.results);
            found = filled(self.results);
        }
        let most = self.run.request.limits.bytes;
        let much = if found.crowded {
            "too many files".to_owned()
        } else if found.bytes > most {
            format!("more than {}", human_size(most))
        } else {
            return false;
        };
        *self.over.borrow_mut() = Some(much);
        true
    }
}
