//! A suite under way: its sandbox, the ways out of that, and the folder that it fills.

use std::{
    cell::{Cell, RefCell},
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::time::human_size;
use process::Spawner;
use sandbox::{Conditions, IdRange, Sandbox, SandboxError};

use super::{
    SuiteEnd, SuiteRequest,
    artefacts::{Collected, collect, filled},
    console_port::ConsolePort,
    door::Door,
    machine::Machine,
    power::PowerSwitch,
    script::{PROGRAM, PYTHON, RESULTS, SUITE, script},
    within::OpenPort,
};
use crate::{guest::GuestConfig, smoke::RunObserver};

/// Where a suite finds the console: the port of labs' serial servers.
const CONSOLE_PORT: u16 = 13541;
/// Where it finds the power switch: the port of RteCtrl.
const POWER_PORT: u16 = 8000;
/// How much a suite may keep in memory besides its output folder, in bytes.
const SCRATCH: u64 = 1 << 30;
/// How often its output folder is measured.
const MEASURED: Duration = Duration::from_secs(1);

/// A suite and what it runs against.
pub(super) struct Run<'a> {
    pub(super) spawner: &'a Spawner,
    pub(super) config: &'a GuestConfig,
    pub(super) request: &'a SuiteRequest<'a>,
    pub(super) observer: &'a dyn RunObserver,
    pub(super) machine: &'a Arc<Machine>,
}

/// What came of it.
pub(super) struct Ran {
    pub(super) end: SuiteEnd,
    pub(super) folder: tempfile::TempDir,
    pub(super) collected: Collected,
}

impl Run<'_> {
    /// Runs the suite; where it was never begun, the reason.
    pub(super) fn to_its_end(&self, line: &mut dyn FnMut(&str)) -> Result<Ran, String> {
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
