//! The server's process: started, killed, and what may be left of it afterwards.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{ids::JobId, job::Job};
use store::Store;

use crate::picture::Picture;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bootwright");
/// The cache that other tests fill as well.
const CACHE: &str = "/var/cache/bootwright-test/cache";
/// The folder of a cache whose files belong to subordinate ids. A link changes what it links to, and
/// a tree that has changed is unpacked anew: nobody links these.
const TREES: &str = "trees";
const FINGERPRINT: &str = include_str!("../../../crates/builder/assets/variants/fingerprint.sh");
/// How long the kernel may take to end what a killed server leaves.
pub(crate) const ORPHANS: Duration = Duration::from_secs(10);
pub(crate) const NAP: Duration = Duration::from_millis(5);

/// Where one installation is, over all of its servers.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    /// What the shared cache gave: the rest is the rounds' own and is thrown away again.
    given: Vec<PathBuf>,
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    pub(crate) dashboard: String,
    pub(crate) boot: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        // Its name is how processes and mounts of its servers are known from those of others.
        let folder = tempfile::Builder::new()
            .prefix("bootwright-crash-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        Self { folder, given: Vec::new() }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn cache_dir(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Builds use a cache of their own that begins as the shared one: what a killed build leaves
    /// must be new in every execution of this test, and of no use to anybody else.
    pub(crate) fn fill_cache(&mut self) {
        let owner = fs::metadata(self.data_dir()).unwrap();
        link_tree(Path::new(CACHE), &self.cache_dir(), &owner);
        self.given = files_below(&self.cache_dir());
    }

    /// Every unpacked release of the cache that is whole, and a digest over what all of it is.
    pub(crate) fn trees(&self) -> BTreeMap<PathBuf, String> {
        let trees = fs::read_dir(self.cache_dir().join(TREES)).into_iter().flatten().flatten();
        let whole = trees.map(|it| it.path()).filter(|it| it.join("fingerprint").is_file());
        whole
            .map(|tree| {
                let script = format!("{FINGERPRINT}\nfingerprint \"$1\"");
                let mut look = Command::new("sh");
                look.args(["-euc", &script, "sh"]).arg(tree.join("root"));
                let looked = look.output().unwrap();
                assert!(looked.status.success(), "{looked:?}");
                (tree, String::from_utf8(looked.stdout).unwrap())
            })
            .collect()
    }

    /// Throws away what builds put into the cache. No job may run meanwhile.
    pub(crate) fn trim_cache(&self) {
        for file in files_below(&self.cache_dir()) {
            if self.given.binary_search(&file).is_err() {
                fs::remove_file(file).unwrap();
            }
        }
    }

    pub(crate) fn start(&self) -> Server {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0"])
            .args(["--nfs-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--cache-dir")
            .arg(self.cache_dir())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = lines.next().unwrap_or_else(|| panic!("no server: {}", self.last_words()));
            line.unwrap().strip_prefix(name).unwrap().trim().to_owned()
        };
        let dashboard = next("Dashboard:");
        let boot = next("Boot listener:").trim_end_matches("/menu.ipxe").to_owned();
        Server { child, dashboard, boot }
    }

    /// The end of what the servers logged.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Runs another command of the program on the same data folder.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{errors}");
        said
    }

    /// What the store holds while no server runs, read from a copy: the next server is to find the
    /// very files that the killed one left.
    pub(crate) fn picture_of_killed(&self) -> Picture {
        let copy = tempfile::tempdir().unwrap();
        for name in ["bootwright.db", "bootwright.db-wal"] {
            let from = self.data_dir().join(name);
            if from.exists() {
                fs::copy(from, copy.path().join(name)).unwrap();
            }
        }
        picture_of(copy.path())
    }

    /// What the store of the running server holds.
    pub(crate) fn picture(&self) -> Picture {
        picture_of(&self.data_dir())
    }

    /// Asserts that nothing of a former server runs or is mounted any more: each process that knows
    /// this place, by its arguments or by what is mounted for it, descends from `server`.
    pub(crate) fn assert_no_orphans(&self, server: Option<&Server>) {
        let deadline = Instant::now() + ORPHANS;
        let root = server.map(|server| server.child.id());
        loop {
            let orphans: Vec<Process> = self
                .processes()
                .into_iter()
                .filter(|process| root.is_none_or(|root| !descends(process.id, root)))
                .collect();
            if orphans.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "left of a killed server: {orphans:?}");
            thread::sleep(NAP);
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(&self.mark()), "{mounts}");
    }

    fn mark(&self) -> String {
        self.folder.path().file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Processes that were started for this place. A sandbox has another root, but its bind mounts
    /// still name the folders of the host that they show (`proc_pid_mountinfo(5)`, field 4).
    fn processes(&self) -> Vec<Process> {
        let mark = self.mark();
        let work = format!("{mark}/data/work/");
        let own = std::process::id();
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|id| *id != own)
            .filter_map(|id| {
                let read = |name: &str| fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
                let (command, mounts) = (text(read("cmdline")), text(read("mountinfo")));
                let knows = |what: &str| command.contains(what) || mounts.contains(what);
                let (ours, sandboxed) = (knows(&mark), knows(&work));
                ours.then_some(Process { id, command, sandboxed })
            })
            .collect()
    }

    /// How many processes besides the server run for this place.
    pub(crate) fn children(&self, server: &Server) -> usize {
        self.processes().iter().filter(|process| process.id != server.child.id()).count()
    }

    /// Processes in sandboxes, and those that made them.
    pub(crate) fn sandboxed(&self) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.sandboxed).collect()
    }

    /// What a job that has not ended has logged: whole lines.
    pub(crate) fn log_of(&self, job: &JobId) -> String {
        // There is none before it has begun.
        let log = fs::read(self.data_dir().join(format!("logs/{job}.log"))).unwrap_or_default();
        let whole = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        String::from_utf8_lossy(&log[..whole]).into_owned()
    }

    /// The log of a job that has ended.
    pub(crate) fn kept_log(&self, job: &Job) -> String {
        let blobs = BlobStore::open(&self.data_dir().join("blobs")).unwrap();
        fs::read_to_string(blobs.path(&job.log.unwrap())).unwrap()
    }

    /// The entries of the cache that a step of that name wrote.
    pub(crate) fn cached(&self, step: &str) -> Vec<PathBuf> {
        let wrote = |path: &PathBuf| {
            let entry: serde_json::Value =
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            entry["step"] == step
        };
        let entries = fs::read_dir(self.cache_dir().join("steps")).unwrap();
        entries.flatten().map(|entry| entry.path()).filter(wrote).collect()
    }

    /// What stands in the folder of running work.
    pub(crate) fn work_left(&self) -> Vec<PathBuf> {
        fs::read_dir(self.data_dir().join("work"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect()
    }
}

impl Server {
    /// `kill -9`, of the server itself only: the rest is the kernel's to end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended before it was killed: {status}");
    }

    /// Ends it as a service manager would.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that was started for this place.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    /// Whether it knows a folder of a step.
    sandboxed: bool,
    #[expect(dead_code, reason = "shown by Debug")]
    command: String,
}

fn descends(mut id: u32, ancestor: u32) -> bool {
    while id > 1 {
        if id == ancestor {
            return true;
        }
        // The name before it may hold blanks and brackets itself.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        id = parent.and_then(|parent| parent.parse().ok()).unwrap_or(0);
    }
    false
}

fn picture_of(folder: &Path) -> Picture {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Store::sqlite_url(folder)).await.unwrap();
        // A server may be at work: nobody writes while a transaction that might write is open.
        let picture = Picture::take(&mut store.begin().await.unwrap()).await.unwrap();
        store.close().await;
        picture
    })
}

/// The same tree in folders of `owner`; files are links where the disk is the same.
fn link_tree(from: &Path, to: &Path, owner: &fs::Metadata) {
    fs::create_dir(to).unwrap();
    std::os::unix::fs::chown(to, Some(owner.uid()), Some(owner.gid())).unwrap();
    // Where no other test has filled the shared cache yet there is none.
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        if entry.file_name() == TREES {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            link_tree(&source, &target, owner);
        } else if fs::hard_link(&source, &target).is_err() && source.exists() {
            fs::copy(&source, &target).unwrap();
            std::os::unix::fs::chown(&target, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
}

/// Every file below a folder, in order, but those of trees.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name() == TREES {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
