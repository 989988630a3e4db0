//! The program itself, started as people start it: as root it becomes its system user, and every
//! command says what it did or what to do.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Cursor, Lines, Read, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
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
    output: Lines<BufReader<ChildStdout>>,
    dashboard: String,
    boot: String,
}

impl Server {
    fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[])
    }

    fn start_with(data_dir: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--boot-listen",
                "127.0.0.1:0",
                "--nfs-listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(data_dir)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = lines.next().expect("the server tells where it listens").unwrap();
            line.strip_prefix(name).unwrap().trim().to_owned()
        };
        let (dashboard, boot) = (next("Dashboard:"), next("Boot listener:"));
        Self { dashboard, boot, child, output: lines }
    }

    /// Where a service that is not always there listens.
    fn told(&mut self, name: &str) -> String {
        let line = self.output.next().expect("the server tells where it listens").unwrap();
        line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).trim().to_owned()
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

/// The port at the end of an address.
fn port(address: &str) -> u16 {
    let digits = address.split(' ').next().unwrap().rsplit(':').next().unwrap();
    digits.split('/').next().unwrap().parse().unwrap()
}

#[test]
fn ipxe_comes_over_tftp_and_http_and_nfs_answers_beside_them() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, &["--tftp-listen", "127.0.0.1:0"]);
    let (tftp, nfs) = (server.told("TFTP:"), server.told("NFS:"));
    for name in ["undionly.kpxe", "snponly.efi"] {
        let binary = fs::read(Path::new("/usr/lib/ipxe").join(name)).unwrap();
        let address = format!("tftp://127.0.0.1:{}/{name}", port(&tftp));
        let loaded = Command::new("curl").args(["--silent", "--fail", &address]).output().unwrap();
        assert!(loaded.status.success() && loaded.stdout == binary, "{name}: {loaded:?}");
        let address = server.boot.replace("menu.ipxe", &format!("first-stage/{name}"));
        let loaded = Command::new("curl").args(["--silent", "--fail", &address]).output().unwrap();
        assert!(loaded.status.success() && loaded.stdout == binary, "{name}");
    }
    let address = format!("tftp://127.0.0.1:{}/autoexec.ipxe", port(&tftp));
    let script = Command::new("curl").args(["--silent", "--fail", &address]).output().unwrap();
    let own = server.boot.replace("menu.ipxe", "ipxe?mac=");
    assert!(String::from_utf8_lossy(&script.stdout).contains(&own), "{script:?}");
    // NULL of MOUNT, version 3 (RFC 5531): accepted, and nothing more.
    let mut stream = TcpStream::connect(("127.0.0.1", port(&nfs))).unwrap();
    let words: [u32; 11] = [0x8000_0028, 7, 0, 2, 100_005, 3, 0, 0, 0, 0, 0];
    stream.write_all(&words.map(u32::to_be_bytes).concat()).unwrap();
    let mut answer = [0; 28];
    stream.read_exact(&mut answer).unwrap();
    let expected: [u32; 7] = [0x8000_0018, 7, 1, 0, 0, 0, 0];
    assert_eq!(answer.to_vec(), expected.map(u32::to_be_bytes).concat());
    server.stop();
}

#[test]
fn a_port_that_is_taken_is_named_with_who_has_it() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp_address = udp.local_addr().unwrap().to_string();
    let tcp_address = tcp.local_addr().unwrap().to_string();
    let holder = format!("(process {})", std::process::id());
    for (flag, address, skipped) in [
        ("--listen", &tcp_address, false),
        ("--boot-listen", &tcp_address, false),
        ("--nfs-listen", &tcp_address, true),
        ("--tftp-listen", &udp_address, true),
    ] {
        let mut arguments = vec!["serve", "--data-dir", data_dir.to_str().unwrap(), flag, address];
        for other in ["--listen", "--boot-listen", "--nfs-listen"] {
            if other != flag {
                arguments.extend([other, "127.0.0.1:0"]);
            }
        }
        let refused = run(&arguments, "");
        let said = said(&refused);
        assert!(!refused.status.success() && said.contains(flag), "{said}");
        assert!(said.contains(address.as_str()) && said.contains(&holder), "{said}");
        assert_eq!(said.contains("--skip-taken-ports"), skipped, "{said}");
    }
    // Told so, it goes on without what may be missing.
    let options = ["--tftp-listen", &udp_address, "--skip-taken-ports"];
    let mut server = Server::start_with(&data_dir, &options);
    server.told("NFS:");
    server.stop();
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
            "--nfs-listen",
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

/// A file of Robot Framework, written as it is read: each case has 100 KB of messages.
struct LongFile {
    cases: usize,
    written: usize,
    ready: Cursor<Vec<u8>>,
}

impl LongFile {
    const CASES: usize = 1_000;

    fn next(&mut self) -> String {
        self.written += 1;
        match self.written {
            1 => {
                "<robot generator=\"Robot 7.5\" schemaversion=\"5\"><suite id=\"s1\" name=\"Long\">"
                    .to_owned()
            }
            at if at <= self.cases + 1 => {
                let line = "<msg level=\"INFO\">0123456789012345678901234567890123456789</msg>\n";
                let status =
                    "<status status=\"PASS\" start=\"2026-11-01T08:00:00\" elapsed=\"1\"/>";
                let name = at - 1;
                format!(
                    "<test id=\"s1-t{name}\" name=\"LNG001.{name:03} case\"><kw name=\"Log\">{}{status}</kw>{status}</test>",
                    line.repeat(100_000 / line.len()),
                )
            }
            at if at == self.cases + 2 => {
                "<status status=\"PASS\"/></suite><statistics/><errors/></robot>".to_owned()
            }
            _ => String::new(),
        }
    }
}

impl Read for LongFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ready.read(buffer)? {
            0 if self.written < self.cases + 2 => {
                self.ready = Cursor::new(self.next().into_bytes());
                self.ready.read(buffer)
            }
            read => Ok(read),
        }
    }
}

#[test]
fn results_of_100_mb_are_brought_in_and_memory_stays_flat() {
    let folder = folder();
    let data_dir = folder.path().join("data");
    let there = data_dir.to_str().unwrap();
    let admin = |arguments: &[&str], input| {
        let output = run(&[&["admin"], arguments, &["--data-dir", there]].concat(), input);
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let ann = ["create-user", "ann", "--role", "developer", "--password-stdin"];
    admin(&ann, "correct horse battery\n");
    let told = admin(&["create-token", "ann"], "");
    let token = told.split_whitespace().last().unwrap();
    let server = Server::start(&data_dir);
    let bring = |cases: usize| {
        let file = LongFile { cases, written: 0, ready: Cursor::default() };
        let address = format!("{}/api/v1/results?machine=apu2&suite=long", server.dashboard);
        let mut answer = ureq::post(&address)
            .header("authorization", &format!("Bearer {token}"))
            .send(ureq::SendBody::from_owned_reader(file))
            .unwrap();
        let run: serde_json::Value = answer.body_mut().read_json().unwrap();
        run["totals"]["passed"].as_u64()
    };
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    assert_eq!(bring(1), Some(1));
    let before = peak();
    assert_eq!(bring(LongFile::CASES), Some(LongFile::CASES as u64));
    let grown = peak() - before;
    assert!(grown < 24, "100 MB of results took {grown} MiB of memory besides {before} MiB");
    server.stop();
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
         --listen 127.0.0.1:0 --boot-listen 127.0.0.1:0 --nfs-listen off --data-dir '{}'",
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
