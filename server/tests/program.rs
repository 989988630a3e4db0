//! The program itself, started as people start it: as root it becomes its system user, and every
//! command says what it did or what to do.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bootwright");

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

struct Server {
    child: Child,
    /// Kept open: the server tells more than these tests read, and ends where nobody can hear it.
    _output: Lines<BufReader<ChildStdout>>,
    dashboard: String,
    boot: String,
}

impl Server {
    fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--boot-listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = lines.next().expect("the server tells where it listens").unwrap();
            line.strip_prefix(name).unwrap().trim().to_owned()
        };
        let (dashboard, boot) = (next("Dashboard:"), next("Boot listener:"));
        Self { dashboard, boot, child, _output: lines }
    }

    fn get(&self, url: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut response = ureq::Agent::from(agent).get(url).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Ends it as a service manager would.
    fn stop(mut self) {
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

#[test]
fn a_server_on_an_empty_folder_serves_and_ends_cleanly() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let server = Server::start(&data_dir);
    assert_eq!(server.get(&format!("{}/readyz", server.dashboard)), (200, "ready\n".to_owned()));
    let (status, menu) = server.get(&server.boot);
    assert_eq!(status, 404);
    assert!(menu.starts_with("#!ipxe\necho Bootwright: "), "{menu}");

    // Root's server has become an ordinary user, and so has what it made.
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let uid = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
    assert!(!uid.split_whitespace().any(|id| id == "0"), "{uid}");
    assert_ne!(fs::metadata(&data_dir).unwrap().uid(), 0);
    let key = fs::metadata(data_dir.join("keys/signing.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let database = fs::metadata(data_dir.join("bootwright.db")).unwrap();
    assert_eq!(database.permissions().mode() & 0o077, 0, "others must not read the database");

    let second = run(
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--boot-listen",
            "127.0.0.1:0",
            "--data-dir",
            data_dir.to_str().unwrap(),
        ],
        "",
    );
    assert!(
        !second.status.success() && said(&second).contains("another server"),
        "{}",
        said(&second)
    );
    server.stop();
    Server::start(&data_dir).stop();
}

#[test]
fn people_are_added_from_the_terminal_and_the_audit_log_verifies() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_str().unwrap();
    let create = |name: &str, password: &str| {
        let arguments = [
            "admin",
            "create-user",
            name,
            "--role",
            "administrator",
            "--password-stdin",
            "--data-dir",
            data_dir,
        ];
        run(&arguments, password)
    };
    let short = create("ann", "short\n");
    assert!(!short.status.success() && said(&short).contains("10 to 200"), "{}", said(&short));
    let added = create("ann", "correct horse battery\n");
    assert!(added.status.success() && said(&added).contains("ann may sign in"), "{}", said(&added));
    let again = create("Ann", "correct horse battery\n");
    assert!(!again.status.success() && said(&again).contains("already"), "{}", said(&again));
    assert!(!said(&added).contains("correct horse"));
    let verified = run(&["audit", "verify", "--data-dir", data_dir], "");
    assert!(
        verified.status.success() && said(&verified).contains("1 audit rows"),
        "{}",
        said(&verified)
    );
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_the_remedy() {
    let folder = folder();
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("file"), "somebody's").unwrap();
    let refused = run(&["migrate", "--data-dir", foreign.to_str().unwrap()], "");
    assert!(
        !refused.status.success() && said(&refused).contains("--data-dir"),
        "{}",
        said(&refused)
    );
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);

    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let inside = closed.join("data");
    let refused = run(&["migrate", "--data-dir", inside.to_str().unwrap()], "");
    let text = said(&refused);
    assert!(
        !refused.status.success() && text.contains("chmod o+x") && text.contains("closed"),
        "{text}"
    );
}

/// In a user namespace of the test's own, which permits no further ones.
#[test]
fn where_user_namespaces_are_not_permitted_the_remedy_is_named() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let serve = format!(
        "echo 0 >/proc/sys/user/max_user_namespaces && exec '{PROGRAM}' serve \
         --listen 127.0.0.1:0 --boot-listen 127.0.0.1:0 --data-dir '{}'",
        data_dir.display()
    );
    // It is root there from the program on that it starts once its ids are known.
    let script = "read -r _ && exec sh -c \"$0\"";
    let mut child = Command::new("unshare")
        .args(["--user", "sh", "-c", script, &serve])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its ids are ours, once it is in its namespace.
    let own = fs::read_link("/proc/self/ns/user").unwrap();
    let theirs = format!("/proc/{}/ns/user", child.id());
    while fs::read_link(&theirs).unwrap() == own {
        std::thread::yield_now();
    }
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{map}", child.id()), "0 0 65536").unwrap();
    }
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let errors = BufReader::new(child.stderr.take().unwrap());
    let said = errors.lines().map_while(Result::ok).find(|line| line.contains("builds will fail"));
    child.kill().unwrap();
    child.wait().unwrap();
    let said = said.expect("the server says at start that it cannot build");
    assert!(said.contains("user namespaces are not permitted here"), "{said}");
    assert!(said.contains("sysctl -w user.max_user_namespaces"), "{said}");
}

#[test]
fn version_and_help_name_what_people_look_for() {
    let version = said(&run(&["--version"], ""));
    assert!(version.starts_with("bootwright 0.1.0 ("), "{version}");
    let help = said(&run(&["serve", "--help"], ""));
    for option in ["--data-dir", "--listen", "--boot-listen", "BOOTWRIGHT_MIRROR", "--workers"] {
        assert!(help.contains(option), "{option}: {help}");
    }
}
