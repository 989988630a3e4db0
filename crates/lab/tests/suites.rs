//! Suites that are any command, run as the system user in the real sandbox: what they leave, how they
//! are ended, what they cannot see, and a real guest's console by telnet.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;
#[path = "../../sandbox/tests/support/mod.rs"]
mod system_user;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use domain::{run::FailureClass, time::Clock, transfer::Transfer};
use lab::{
    Accelerator, Artefact, Board, GuestConfig, RunObserver, SuiteCommand, SuiteEnd, SuiteLimits,
    SuiteReport, SuiteRequest, SuiteVariables, run_suite,
};
use process::Spawner;
use support::{SinceStart, relay_program};

/// A robot's part of a test.
const CONSOLE: &str = include_str!("suites/console.py");
/// Long enough for everything that is to end by itself, on a busy machine.
const TIME: Duration = Duration::from_secs(120);
/// What a guest needs for iPXE.
const MEMORY_MIB: u32 = 256;
/// Long enough to write one line.
const PATIENCE: Duration = Duration::from_secs(5);

/// One test: the change of user is one of the whole process, and comes first.
#[test]
fn any_command_is_a_suite() {
    let relay = fs::read(relay_program()).expect("cargo builds the example `relay`");
    system_user::become_system_user();
    let folder = system_user::folder("suites");
    let program = folder.path().join("relay");
    fs::write(&program, relay).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let bench = Bench { spawner: Spawner::start().unwrap(), clock, program, folder };

    results_and_variables_come_through(&bench);
    exit_codes_are_told(&bench);
    who_hangs_is_told_to_end_and_may_write_down_what_it_found(&bench);
    who_does_not_listen_is_ended(&bench);
    who_is_stopped_is_gone(&bench);
    who_writes_too_much_is_ended(&bench);
    who_prints_too_much_is_not_listened_to(&bench);
    links_lead_nowhere(&bench);
    the_host_cannot_be_seen(&bench);
    the_console_is_served_by_telnet_to_one_client_at_a_time(&bench);
    a_machine_that_is_none_is_the_labs_problem(&bench);
    let work = fs::read_dir(bench.work()).unwrap();
    assert_eq!(work.count(), 0, "a suite left something behind");
}

/// Stops a suite as soon as it has printed a line.
struct Watcher {
    stop_at: Option<&'static str>,
    lines: Mutex<Vec<String>>,
}

impl RunObserver for Watcher {
    fn line(&self, text: &str) {
        if text != "a line that says nothing" {
            println!("  {text}");
        }
        self.lines.lock().unwrap().push(text.to_owned());
    }

    fn transfers(&self) -> Vec<Transfer> {
        Vec::new()
    }

    fn stopped(&self) -> bool {
        let lines = self.lines.lock().unwrap();
        self.stop_at.is_some_and(|it| lines.iter().any(|line| line == it))
    }
}

struct Bench {
    spawner: Spawner,
    clock: Arc<dyn Clock>,
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Bench {
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn run(&self, script: &str) -> SuiteReport {
        self.run_until(script, TIME, None)
    }

    fn run_until(
        &self,
        script: &str,
        time: Duration,
        stop_at: Option<&'static str>,
    ) -> SuiteReport {
        self.run_on(MEMORY_MIB, script, time, stop_at)
    }

    fn run_on(
        &self,
        memory_mib: u32,
        script: &str,
        time: Duration,
        stop_at: Option<&'static str>,
    ) -> SuiteReport {
        let suite = self.folder.path().join("suite");
        fs::create_dir_all(&suite).unwrap();
        fs::write(suite.join("run.sh"), script).unwrap();
        let config = GuestConfig {
            accelerator: Accelerator::Tcg,
            board: Board::Plain,
            memory_mib,
            program: self.program.clone(),
        };
        let request = SuiteRequest {
            folder: &suite,
            command: SuiteCommand::Program(["sh", "run.sh", "it's"].map(str::to_owned).to_vec()),
            python: None,
            menu_path: "/release/v1.0.0/menu.ipxe",
            // Nobody serves it: the guest's iPXE comes to no menu.
            socket: &self.folder.path().join("no.sock"),
            variables: SuiteVariables {
                machine: "qemu",
                release: "v1.0.0",
                manifest: "0123",
                entry: Some(("linux", "Debian $stable")),
                user: "root",
                password: "pass word",
            },
            limits: SuiteLimits { time, patience: PATIENCE, bytes: 1 << 20, files: 10 },
            work_dir: &self.work(),
        };
        let watcher = Watcher { stop_at, lines: Mutex::default() };
        let report = run_suite(&self.spawner, &self.clock, &config, &request, &watcher);
        println!("{:?} {:?} {}", report.end, report.failure, report.message);
        report
    }
}

fn artefact<'a>(report: &'a SuiteReport, name: &str) -> &'a Artefact {
    let found = report.artefacts.iter().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", report.artefacts))
}

fn text(report: &SuiteReport, name: &str) -> String {
    fs::read_to_string(&artefact(report, name).path).unwrap()
}

fn results_and_variables_come_through(bench: &Bench) {
    let report = bench.run(
        r#"
        umask 077
        mkdir "$BOOTWRIGHT_RESULTS/more"
        env | grep ^BOOTWRIGHT_ | sort >"$BOOTWRIGHT_RESULTS/more/variables.txt"
        printf '1..1\nok 1 - %s\n' "$1" >"$BOOTWRIGHT_RESULTS/results.tap"
        echo done; echo to standard error >&2"#,
    );
    assert_eq!((&report.end, report.failure), (&SuiteEnd::Exited(0), None), "{}", report.message);
    assert_eq!(text(&report, "results.tap"), "1..1\nok 1 - it's\n");
    assert_eq!(artefact(&report, "results.tap").media_type, "text/plain; charset=utf-8");
    let variables = text(&report, "more/variables.txt");
    for line in [
        "BOOTWRIGHT_MENU_URL=http://10.0.2.100:8000/release/v1.0.0/menu.ipxe",
        "BOOTWRIGHT_ENTRY_TEXT=Debian $stable",
        "BOOTWRIGHT_CONSOLE_PASSWORD=pass word",
        "BOOTWRIGHT_CONSOLE_PORT=13541",
    ] {
        assert!(variables.lines().any(|it| it == line), "no {line} in {variables}");
    }
    let mut last = report.last_lines.clone();
    last.sort();
    assert_eq!(last, ["done", "to standard error"]);
    assert_eq!(report.console, b"", "nobody looked at the machine, so it was never on");
}

fn exit_codes_are_told(bench: &Bench) {
    for (script, end, class) in [
        ("exit 3", SuiteEnd::Exited(3), FailureClass::Product),
        ("exec no-such-program", SuiteEnd::Exited(127), FailureClass::Configuration),
        ("kill -9 $$", SuiteEnd::Exited(137), FailureClass::Test),
    ] {
        let report = bench.run(script);
        assert_eq!((&report.end, report.failure), (&end, Some(class)), "{}", report.message);
    }
}

fn who_hangs_is_told_to_end_and_may_write_down_what_it_found(bench: &Bench) {
    let limit = Duration::from_secs(3);
    let report = bench.run_until(
        r#"
        trap 'echo "not ok 1 - stopped" >"$BOOTWRIGHT_RESULTS/results.tap"; exit 0' TERM
        echo "1..2" >"$BOOTWRIGHT_RESULTS/partial.tap"
        sleep 1000 & wait"#,
        limit,
        None,
    );
    assert_eq!(report.end, SuiteEnd::TimedOut(limit));
    assert_eq!(report.failure, Some(FailureClass::Test));
    assert!(report.message.contains("3.0 s"), "{}", report.message);
    assert_eq!(text(&report, "partial.tap"), "1..2\n");
    assert_eq!(text(&report, "results.tap"), "not ok 1 - stopped\n");
}

fn who_does_not_listen_is_ended(bench: &Bench) {
    let limit = Duration::from_secs(1);
    let report = bench.run_until("trap '' TERM; while :; do sleep 1; done", limit, None);
    assert_eq!(report.end, SuiteEnd::TimedOut(limit));
}

fn who_is_stopped_is_gone(bench: &Bench) {
    let report = bench.run_until("echo up; exec sleep 1000", TIME, Some("up"));
    assert_eq!((&report.end, report.failure), (&SuiteEnd::Stopped, None));
}

fn who_writes_too_much_is_ended(bench: &Bench) {
    let report = bench.run(
        r#"
        mkdir -m 0700 "$BOOTWRIGHT_RESULTS/shut"
        echo "1..1" >"$BOOTWRIGHT_RESULTS/results.tap"
        head -c 2M /dev/zero >"$BOOTWRIGHT_RESULTS/shut/large.bin"
        exec sleep 1000"#,
    );
    assert!(matches!(report.end, SuiteEnd::WroteTooMuch(_)), "{:?}", report.end);
    assert_eq!(report.failure, Some(FailureClass::Test));
    assert_eq!(text(&report, "results.tap"), "1..1\n");
    let [left_out] = &report.left_out[..] else { panic!("{:?}", report.left_out) };
    assert!(left_out.starts_with("shut/large.bin: "), "{left_out}");
}

fn who_prints_too_much_is_not_listened_to(bench: &Bench) {
    let report = bench.run("yes 'a line that says nothing' | head -c 6M; echo; echo last");
    assert_eq!(report.end, SuiteEnd::Exited(0));
    assert_eq!(report.last_lines.last().unwrap(), "last");
    assert!(
        report.left_out[0].contains("printed after the first 4.0 MiB"),
        "{:?}",
        report.left_out
    );
}

fn links_lead_nowhere(bench: &Bench) {
    let secret = bench.folder.path().join("secret.xml");
    fs::write(&secret, "secret").unwrap();
    let report = bench.run(&format!(
        "cd $BOOTWRIGHT_RESULTS && ln -s {} output.xml && mkfifo pipe.xml && ln -s / all",
        secret.display()
    ));
    assert_eq!(report.artefacts, []);
    let mut left_out = report.left_out.clone();
    left_out.sort();
    assert_eq!(left_out, ["all: a link", "output.xml: a link", "pipe.xml: not a file"]);
}

fn the_host_cannot_be_seen(bench: &Bench) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let report = bench.run(&format!(
        r#"
        for path in /etc/passwd /etc/shadow /home /srv /var/lib {source} {work} {program}; do
            [ ! -e "$path" ] || echo "sees $path"
        done
        for id in /proc/[0-9]*; do
            ! tr '\0' ' ' <$id/cmdline | grep -q {name} || echo "sees the test as $id"
        done
        python3 - <<'END'
import socket
for port in ({port}, 3000, 22):
    try:
        socket.create_connection(('127.0.0.1', port), 2)
        print('sees port', port)
    except OSError:
        pass
with open('/proc/net/dev') as devices:
    if [line.split(':')[0].strip() for line in devices if ':' in line] != ['lo']:
        print('sees a network')
for path in ('/in/suite/planted', '/usr/planted', '/in/planted'):
    try:
        open(path, 'w')
        print('writes', path)
    except OSError:
        pass
END
        ! mount -t tmpfs x /tmp 2>/dev/null || echo mounts
        ! unshare --user true 2>/dev/null || echo makes a namespace
        echo looked"#,
        source = env!("CARGO_MANIFEST_DIR"),
        work = bench.work().display(),
        program = bench.program.display(),
        name = std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy(),
    ));
    assert_eq!(report.last_lines, ["looked"], "{:?}", report.last_lines);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected to the host's loopback");
}

fn the_console_is_served_by_telnet_to_one_client_at_a_time(bench: &Bench) {
    let report = bench.run(&format!("exec python3 - <<'END'\n{CONSOLE}END"));
    assert_eq!(report.end, SuiteEnd::Exited(0), "{:?}", report.last_lines);
    let console = String::from_utf8_lossy(&report.console).into_owned();
    assert!(console.contains("onetwo"), "{console}");
    assert!(report.machine_details.contains("pc"), "{}", report.machine_details);
}

fn a_machine_that_is_none_is_the_labs_problem(bench: &Bench) {
    let script = r#"exec python3 - <<'END'
import json, os, socket, urllib.request
console = socket.create_connection(('127.0.0.1', int(os.environ['BOOTWRIGHT_CONSOLE_PORT'])))
console.recv(1)
led = 'http://127.0.0.1:%s/api/v1/gpio/13' % os.environ['BOOTWRIGHT_POWER_PORT']
while json.load(urllib.request.urlopen(led))['state'] == 1:
    pass
raise SystemExit('no machine')
END"#;
    // More than anybody has.
    let report = bench.run_on(u32::MAX, script, TIME, None);
    assert_eq!((&report.end, report.failure), (&SuiteEnd::Exited(1), Some(FailureClass::Lab)));
    assert!(report.message.starts_with("QEMU ended by itself: "), "{}", report.message);
}
