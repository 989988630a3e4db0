//! A PostgreSQL of our own: in a temporary folder, on a unix socket only, gone with its test.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User, chown},
};
use tempfile::TempDir;

/// A running server; the last clone stops it and removes its folder.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Mutex<Server>>);

struct Server {
    /// Of the server's programs.
    programs: PathBuf,
    process: Child,
    folder: TempDir,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder = TempDir::with_prefix("bw-pg-").unwrap();
        if let Some(user) = other_user() {
            chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        let made = as_server_user(&programs.join("initdb"), folder.path())
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args(["--username=postgres", "--auth=trust", "--locale=C", "--encoding=UTF8"])
            .args(["--no-sync", "--no-instructions"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let process = spawn(&programs, folder.path());
        Self(Arc::new(Mutex::new(Server { programs, process, folder })))
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        format!("postgres://postgres@localhost/{database}?host={}", server.folder.path().display())
    }

    /// Ends it without any of the work that an orderly end does, and starts it again.
    pub(crate) fn crash(&self) {
        let mut server = self.0.lock().unwrap();
        server.end();
        server.process = spawn(&server.programs, server.folder.path());
    }
}

impl Server {
    fn end(&mut self) -> ExitStatus {
        // SIGQUIT: everything stops at once, as after a crash; the next start recovers.
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(pid, Signal::SIGQUIT).unwrap();
        self.process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
        }
    }
}

/// Starts the server and waits until it takes connections.
fn spawn(programs: &Path, folder: &Path) -> Child {
    let log = folder.join("log");
    let mut process = as_server_user(&programs.join("postgres"), folder)
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        // Only processes crash in a test, never the machine: nothing needs to reach the disk.
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
        .stdin(Stdio::null())
        .stdout(File::create(&log).unwrap())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        let ready = Command::new(programs.join("pg_isready"))
            .arg("-q")
            .arg("-h")
            .arg(folder)
            .status()
            .unwrap();
        if ready.success() {
            return process;
        }
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(process.try_wait().unwrap().is_none(), "PostgreSQL ended: {}", said());
        assert!(Instant::now() < limit, "PostgreSQL took no connection in a minute: {}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `program` as a user that PostgreSQL agrees to run as, ending with the thread that starts it.
fn as_server_user(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = other_user() {
        command
            .arg(format!("--reuid={}", user.uid))
            .arg(format!("--regid={}", user.gid))
            .arg("--clear-groups");
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program).current_dir(folder);
    command
}

/// PostgreSQL refuses to run as root.
fn other_user() -> Option<User> {
    Uid::effective().is_root().then(|| {
        User::from_name("postgres").unwrap().expect(
            "the store's tests run PostgreSQL, which refuses to run as root, and there is no user \
             \"postgres\": install the package postgresql",
        )
    })
}

/// The folder of the newest server programs: Debian keeps them out of the path.
fn programs() -> PathBuf {
    let number = |path: &PathBuf| -> u32 {
        path.parent()
            .and_then(|version| version.file_name()?.to_str()?.parse().ok())
            .unwrap_or_default()
    };
    std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(number)
        .or_else(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
        })
        .expect(
            "the store's tests need PostgreSQL's server programs: install the package postgresql",
        )
}
