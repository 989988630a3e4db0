//! The sandbox in which everything runs that is not ours: the steps of builds, and suites of tests.
//!
//! `unshare` (util-linux) makes user, mount and pid namespaces in which id 0 is the first id of a
//! subordinate range; inside, `bwrap` (bubblewrap) changes the root by `pivot_root` to a tree that
//! holds the host's `/usr` read-only, a `/proc` and `/dev` of its own, the inputs read-only
//! under `/in`, a `/build` in memory, and one folder `/out` for what comes out. There is no
//! network, ever. When the script ends, its pid namespace ends, and every process in it; the sandbox
//! ends when they are gone.

mod conditions;
mod error;
mod follow;
mod range;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use process::{Invocation, Spawner};

pub use self::{
    conditions::Conditions,
    error::SandboxError,
    follow::follow,
    range::{IdRange, take},
};

/// How often a running sandbox asks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);
/// How many processes may run inside at once.
const PROCESSES: u32 = 4096;
/// How large a file may grow, in bytes.
const FILE_SIZE: u64 = 16 << 30;

/// What runs in a sandbox.
#[derive(Debug)]
pub struct Sandbox<'a> {
    /// The script, for `sh`.
    pub script: &'a str,
    /// Files and folders that stand read-only under `/in`, by name.
    pub inputs: Vec<(String, PathBuf)>,
    /// Small files of our own that stand under `/in`, by name.
    pub files: Vec<(String, Vec<u8>)>,
    /// Variables of the script.
    pub environment: Vec<(&'static str, String)>,
    /// After how long it is ended.
    pub limit: Duration,
}

/// What a sandbox left in `/out`; removed when dropped.
#[derive(Debug)]
pub struct Outputs {
    folder: tempfile::TempDir,
}

impl Outputs {
    /// The file of that name in `/out`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Reads a small text of ours.
    ///
    /// # Errors
    /// Where it is missing or no text.
    pub fn text(&self, name: &str) -> Result<String, SandboxError> {
        let path = self.path(name);
        // Whoever wrote it may have made it a link to a file of ours.
        let plain = fs::symlink_metadata(&path).is_ok_and(|it| it.is_file());
        if !plain {
            let source = io::Error::new(io::ErrorKind::NotFound, "no plain file");
            return Err(SandboxError::Unreadable { path, source });
        }
        fs::read_to_string(&path).map_err(|source| SandboxError::Unreadable { path, source })
    }
}

/// Programs that sandboxes are made with, and the Debian packages that they come from.
const TOOLS: [(&str, &str); 5] = [
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("prlimit", "util-linux"),
    ("newuidmap", "uidmap"),
    ("bwrap", "bubblewrap"),
];

/// Finds out, by running one, whether sandboxes work here; `programs` are those that are to run inside,
/// each with its Debian package.
///
/// # Errors
/// What is missing or not permitted, and the remedy.
pub fn check(
    spawner: &Spawner,
    work_dir: &Path,
    programs: &[(&'static str, &'static str)],
) -> Result<(), SandboxError> {
    if nix::unistd::Uid::effective().is_root() {
        return Err(SandboxError::Root);
    }
    for &(program, package) in TOOLS.iter().chain(programs) {
        let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
        if !folders.iter().any(|folder| Path::new(folder).join(program).exists()) {
            return Err(SandboxError::Missing { program, package });
        }
    }
    let probe = Sandbox {
        script: "test \"$(id -u)\" = 0",
        inputs: Vec::new(),
        files: Vec::new(),
        environment: Vec::new(),
        limit: Duration::from_secs(20),
    };
    match probe.run(spawner, work_dir, &mut |_| {}, &|| false) {
        Ok(_) => Ok(()),
        Err(SandboxError::Failed { lines, .. }) => Err(not_permitted(&lines)),
        Err(other) => Err(other),
    }
}

fn not_permitted(lines: &[String]) -> SandboxError {
    let said = lines.last().map_or_else(|| "nothing was said".to_owned(), Clone::clone);
    let is = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|it| it.trim() == value);
    let remedy = if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "run: sysctl -w kernel.unprivileged_userns_clone=1"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "run: sysctl -w user.max_user_namespaces=10000"
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap an AppArmor profile"
    } else {
        "in a container, it must be allowed to make user namespaces (seccomp, AppArmor); under systemd, NoNewPrivileges must be off"
    };
    SandboxError::NotPermitted(format!("{said}; {remedy}"))
}

impl Sandbox<'_> {
    /// Runs the script to its end. Each line that it writes goes to `line` at once; `stop` is asked
    /// ten times a second.
    ///
    /// # Errors
    /// [`SandboxError`]; whatever the reason, nothing of it runs or is mounted afterwards.
    pub fn run(
        &self,
        spawner: &Spawner,
        work_dir: &Path,
        line: &mut dyn FnMut(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Outputs, SandboxError> {
        self.run_under(&Conditions::default(), spawner, work_dir, line, stop)
    }

    /// As [`Sandbox::run`], where it may take more or less than usual.
    ///
    /// # Errors
    /// [`SandboxError`]; whatever the reason, nothing of it runs or is mounted afterwards.
    pub fn run_under(
        &self,
        conditions: &Conditions,
        spawner: &Spawner,
        work_dir: &Path,
        line: &mut dyn FnMut(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Outputs, SandboxError> {
        let range = wait_for_range(&|_| false, stop)?;
        self.run_in(&range, conditions, spawner, work_dir, line, stop)
    }

    /// As [`Sandbox::run_under`], with the ids of a range that the caller has taken.
    ///
    /// # Errors
    /// [`SandboxError`]; whatever the reason, nothing of it runs or is mounted afterwards.
    pub fn run_in(
        &self,
        range: &IdRange,
        conditions: &Conditions,
        spawner: &Spawner,
        work_dir: &Path,
        line: &mut dyn FnMut(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Outputs, SandboxError> {
        let outputs = self.prepare(work_dir)?;
        let mut invocation = self.invocation(range, conditions, outputs.folder.path());
        if !conditions.patience.is_zero() {
            invocation = invocation.with_stdin();
        }
        let mut running = spawner.spawn(&invocation)?;
        let result = follow(&mut running, self.limit, conditions.patience, line, stop);
        running.kill();
        if result.is_err() {
            // What ended well has waited for all that were in its namespace.
            range.wait_until_empty();
        }
        make_removable(spawner, range, &outputs.folder.path().join("out"));
        for (_, folder) in &conditions.writable {
            make_removable(spawner, range, folder);
        }
        result.map(|()| outputs)
    }

    /// The folder that holds the script, our small files, and `/out`.
    fn prepare(&self, work_dir: &Path) -> Result<Outputs, SandboxError> {
        let failed = |doing: &'static str, path: &Path| {
            let path = path.to_path_buf();
            move |source| SandboxError::Folder { doing, path, source }
        };
        fs::create_dir_all(work_dir).map_err(failed("make", work_dir))?;
        let folder = tempfile::Builder::new()
            .prefix("step-")
            .tempdir_in(work_dir)
            .map_err(failed("make a folder in", work_dir))?;
        // Others pass through to `out` and `in`, and see nothing else.
        let open = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(failed("open", path))
        };
        open(folder.path(), 0o711)?;
        for (name, mode) in [("in", 0o755), ("out", 0o777)] {
            let path = folder.path().join(name);
            fs::create_dir(&path).map_err(failed("make", &path))?;
            open(&path, mode)?;
        }
        let own = [("script".to_owned(), self.script.as_bytes().to_vec())];
        for (name, content) in own.iter().chain(&self.files) {
            let path = folder.path().join("in").join(name);
            fs::write(&path, content).map_err(failed("write", &path))?;
            open(&path, 0o644)?;
        }
        // `/in` is read-only inside: a place to mount on must be there already.
        for (name, path) in &self.inputs {
            let place = folder.path().join("in").join(name);
            let above = place.parent().unwrap_or(&place);
            fs::create_dir_all(above)
                .and_then(|()| {
                    if path.is_dir() {
                        fs::create_dir_all(&place)
                    } else {
                        fs::File::create(&place).map(|_| ())
                    }
                })
                .map_err(failed("make a place for", path))?;
        }
        Ok(Outputs { folder })
    }

    fn invocation(&self, range: &IdRange, conditions: &Conditions, folder: &Path) -> Invocation {
        let mut invocation = enter(range, conditions)
            .args(["--ro-bind".as_ref(), folder.join("in").as_os_str(), "/in".as_ref()])
            .args(["--bind".as_ref(), folder.join("out").as_os_str(), "/out".as_ref()]);
        for (name, path) in &self.inputs {
            invocation = invocation
                .args(["--ro-bind".as_ref(), path.as_os_str()])
                .arg(format!("/in/{name}"));
        }
        for (place, path) in conditions.writable.iter().chain(&conditions.kept) {
            invocation = invocation.args(["--bind".as_ref(), path.as_os_str(), place.as_ref()]);
        }
        for (place, path) in &conditions.readable {
            invocation = invocation.args(["--ro-bind".as_ref(), path.as_os_str(), place.as_ref()]);
        }
        for (name, value) in &self.environment {
            invocation = invocation.args(["--setenv", name, value]);
        }
        invocation.args(["--chdir", "/build", "--", "/bin/sh", "/in/script"])
    }
}

/// What mounts, and what lifts the limit of the other.
const WITHOUT_MOUNTS: &[&str] = &["--cap-drop", "CAP_SYS_ADMIN", "--cap-drop", "CAP_SYS_RESOURCE"];

/// Runs a command in whose user namespace no other can be made.
const NO_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";

/// The tried way in: namespaces by `unshare`, limits, and the root by `bwrap`.
fn enter(range: &IdRange, conditions: &Conditions) -> Invocation {
    let map = |first: u32| format!("{first},0,65536");
    // Neither here nor in a namespace of its own (user_namespaces(7), namespaces(7)).
    let alone: &[&str] =
        if conditions.namespaces { &[] } else { &["sh", "-c", NO_NAMESPACES, "sh"] };
    let without = if conditions.mounts { &[] } else { WITHOUT_MOUNTS };
    conditions
        .unshare()
        .arg("--user")
        .arg(format!("--map-users={}", map(range.first_uid)))
        .arg(format!("--map-groups={}", map(range.first_gid)))
        .args(["--setuid", "0", "--setgid", "0", "--mount", "--pid", "--fork", "--kill-child"])
        .args(alone)
        .arg("prlimit")
        .arg(format!("--nproc={PROCESSES}"))
        .arg(format!("--fsize={FILE_SIZE}"))
        .args(["--core=0", "bwrap", "--unshare-net", "--unshare-ipc", "--unshare-uts"])
        // Without a pid namespace of its own bwrap shows the processes of the host below /proc.
        .args(["--unshare-pid"])
        .args(["--die-with-parent", "--new-session", "--cap-add", "ALL"])
        .args(without)
        .args(["--ro-bind", "/usr", "/usr"])
        .args(["--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"])
        .args(["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"])
        .args(["--proc", "/proc", "--dev", "/dev"])
        .args(["--tmpfs", "/tmp", "--tmpfs", "/etc", "--tmpfs", "/var", "--tmpfs", "/run"])
        .arg("--size")
        .arg(conditions.build_size.to_string())
        .args(["--tmpfs", "/build", "--dir", "/root"])
        .args(["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"])
        .args(["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"])
        .args(["--setenv", "HOME", "/root", "--setenv", "LC_ALL", "C.UTF-8"])
}

/// Waits until one of the ranges is free, and takes a preferred one where it can: as many sandboxes
/// run at once as there are ranges.
///
/// # Errors
/// Where the user has no ranges, or it is stopped.
pub fn wait_for_range(
    preferred: &dyn Fn(u32) -> bool,
    stop: &dyn Fn() -> bool,
) -> Result<IdRange, SandboxError> {
    loop {
        if let Some(range) = take(preferred)? {
            return Ok(range);
        }
        if stop() {
            return Err(SandboxError::Cancelled);
        }
        thread::sleep(TICK);
    }
}

/// Removes everything in a folder, also what belongs to the ids of the range.
///
/// # Errors
/// Where no sandbox can be made, or something cannot be removed.
pub fn empty(spawner: &Spawner, range: &IdRange, folder: &Path) -> Result<(), SandboxError> {
    let cleaner = enter(range, &Conditions::default())
        .args(["--bind".as_ref(), folder.as_os_str(), "/out".as_ref()])
        .args(["--", "/usr/bin/find", "/out", "-mindepth", "1", "-delete"]);
    let done = spawner.output(&cleaner)?;
    if done.status.success() {
        return Ok(());
    }
    let lines = String::from_utf8_lossy(&done.stderr).lines().map(ToOwned::to_owned).collect();
    Err(SandboxError::Failed { status: done.status.to_string(), code: done.status.code(), lines })
}

/// What a script made in a folder may stand in folders that belong to subordinate ids, where the
/// server may remove nothing: gives them to everybody, from inside the range.
fn make_removable(spawner: &Spawner, range: &IdRange, folder: &Path) {
    let nested = fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|it| it.file_type().is_ok_and(|kind| kind.is_dir()))
    });
    if !nested {
        return;
    }
    change_modes(spawner, range, folder, &FOLDERS_TO_ALL);
}

/// Gives what a script made in a folder to everybody, from inside the range: folders, and the files to
/// read. What is left to be read or removed afterwards belongs to others.
pub fn give_to_all(spawner: &Spawner, range: &IdRange, folder: &Path) {
    change_modes(spawner, range, folder, &[&FOLDERS_TO_ALL[..], &["-o"], &FILES_TO_ALL].concat());
}

/// What find(1) is to do with folders.
const FOLDERS_TO_ALL: [&str; 10] =
    ["-type", "d", "-not", "-perm", "0777", "-exec", "chmod", "0777", "{}", "+"];
/// What it is to do with files.
const FILES_TO_ALL: [&str; 10] =
    ["-type", "f", "-not", "-perm", "-0444", "-exec", "chmod", "a+r", "{}", "+"];

fn change_modes(spawner: &Spawner, range: &IdRange, folder: &Path, actions: &[&str]) {
    // Those of another range, in a folder that is shared, were given to everybody by it.
    let changer = enter(range, &Conditions::default())
        .args(["--bind".as_ref(), folder.as_os_str(), "/out".as_ref()])
        .args(["--", "/usr/bin/find", "/out", "-mindepth", "1"])
        .args(actions);
    // What stays behind is found by the next start's cleaning of the work folder.
    let _ = spawner.output(&changer);
}
