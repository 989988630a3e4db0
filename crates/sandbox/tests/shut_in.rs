//! What a step's script can and cannot do: run as the system user, in the real sandbox.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    cell::Cell,
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::unistd::Uid;
use process::Spawner;
use sandbox::{Conditions, Outputs, Sandbox, SandboxError};

/// One test: the change of user is one of the whole process, and comes first.
#[test]
fn a_script_is_shut_in() {
    support::become_system_user();
    let folder = support::folder("sandbox");
    let bench = Bench { spawner: Spawner::start().unwrap(), work: folder.path().join("work") };
    sandbox::check(&bench.spawner, &bench.work, &[]).unwrap();

    inner_root_is_nobody_outside(&bench);
    host_files_cannot_be_seen(&bench, folder.path());
    the_kernel_cannot_be_changed(&bench);
    no_network_leads_out(&bench);
    a_daemon_dies_with_its_step(&bench);
    a_fork_bomb_is_stopped(&bench);
    what_is_told_to_end_may_do_so_by_itself(&bench, folder.path());
    a_cancelled_step_is_gone_within_a_second(&bench);
    a_failed_step_says_its_last_lines(&bench);
    what_compiles_gives_way(&bench);
    memory_for_files_ends_where_it_is_said(&bench);
    a_shared_folder_can_be_filled_and_removed(&bench, folder.path());
    assert_eq!(fs::read_dir(&bench.work).unwrap().count(), 0, "a step left something behind");
}

struct Bench {
    spawner: Spawner,
    work: PathBuf,
}

impl Bench {
    fn run(&self, script: &str) -> Result<Outputs, SandboxError> {
        self.run_until(script, &|| false)
    }

    fn run_until(&self, script: &str, stop: &dyn Fn() -> bool) -> Result<Outputs, SandboxError> {
        self.run_under(&Conditions::default(), script, stop)
    }

    fn run_under(
        &self,
        conditions: &Conditions,
        script: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<Outputs, SandboxError> {
        let sandbox = Sandbox {
            script,
            inputs: Vec::new(),
            files: Vec::new(),
            environment: Vec::new(),
            limit: Duration::from_secs(60),
        };
        let mut line = |line: &str| println!("  {line}");
        sandbox.run_under(conditions, &self.spawner, &self.work, &mut line, stop)
    }

    fn text(&self, script: &str) -> String {
        self.run(script).unwrap().text("text").unwrap()
    }
}

fn inner_root_is_nobody_outside(bench: &Bench) {
    let map = bench.text("id -u >/out/text; cat /proc/self/uid_map >>/out/text");
    let ids: Vec<u32> = map.split_whitespace().map(|id| id.parse().unwrap()).collect();
    let [own, inside, outside, count] = ids[..] else { panic!("{map}") };
    assert_eq!((own, inside, count), (0, 0, 65536));
    assert!(outside != 0 && outside != Uid::current().as_raw(), "{map}");
}

/// The classic way out of a chroot: change the root below where one stands, and walk up.
const ESCAPE: &str = r#"perl -e '
    mkdir "/build/jail"; chroot "/build/jail" or die "chroot: $!"; chdir "/";
    mkdir "below"; chroot "below"; chdir ".." for 1..64; chroot ".";
    opendir my $root, "."; print join(" ", sort readdir $root), "\n";
    print -e "etc/shadow" ? "shadow\n" : "no shadow\n";
' >/out/text"#;

fn host_files_cannot_be_seen(bench: &Bench, folder: &Path) {
    let secret = folder.join("signing.key");
    fs::write(&secret, "secret").unwrap();
    let other = folder.join("work-of-another-build");
    fs::create_dir(&other).unwrap();
    let look = format!(
        "for path in /etc/shadow /etc/passwd /home /srv {} {} {}; do
             if [ -e \"$path\" ]; then echo \"sees $path\"; fi
         done >/out/text
         ls -A / >>/out/text",
        secret.display(),
        other.display(),
        bench.work.display(),
    );
    let seen = bench.text(&look);
    assert!(!seen.contains("sees"), "{seen}");
    let escaped = bench.text(ESCAPE);
    assert!(escaped.contains("no shadow") && !escaped.contains("home"), "{escaped}");
    fs::remove_file(secret).unwrap();
    fs::remove_dir(other).unwrap();
}

fn the_kernel_cannot_be_changed(bench: &Bench) {
    let tried = bench.text(
        "for path in sys/kernel/core_pattern sys/kernel/modprobe sys/vm/overcommit_memory sysrq-trigger; do
             if (echo x >/proc/$path) 2>/dev/null; then echo \"written $path\"; else echo refused; fi
         done >/out/text
         if mount -o remount,rw /usr 2>/dev/null && touch /usr/planted 2>/dev/null; then
             echo written /usr >>/out/text
         fi
         if mknod /build/disk b 8 0 2>/dev/null; then echo written disk >>/out/text; fi",
    );
    assert!(!tried.contains("written"), "{tried}");
    assert_eq!(tried.matches("refused").count(), 4, "{tried}");
}

fn no_network_leads_out(bench: &Bench) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "python3 - <<'END' >/out/text
import socket
try:
    socket.create_connection(('127.0.0.1', {port}), 2)
    print('connected')
except OSError as error:
    print('refused', error)
with open('/proc/net/dev') as devices:
    print([line.split(':')[0].strip() for line in devices if ':' in line])
END"
    );
    let text = bench.text(&script);
    assert!(text.contains("refused") && text.contains("['lo']"), "{text}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected to the host's loopback");
}

/// The daemon holds the lock of a file; once its step has ended, nobody holds it any more.
fn a_daemon_dies_with_its_step(bench: &Bench) {
    let outputs = bench
        .run(
            "setsid sh -c 'exec 9>/out/held; flock 9; echo up >/out/up; exec sleep 1000' \
                 >/dev/null 2>&1 </dev/null &
             while [ ! -e /out/up ]; do sleep 0.05; done",
        )
        .unwrap();
    let held = fs::File::open(outputs.path("held")).unwrap();
    held.lock().unwrap();
    assert!(fs::read_dir("/proc").unwrap().flatten().all(|process| {
        let line = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        !line.contains("/out/held")
    }));
}

fn a_fork_bomb_is_stopped(bench: &Bench) {
    let text = bench.text(
        "python3 - <<'END' >/out/text
import os, time
made = 0
try:
    while made < 100000:
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
    print('unlimited')
except OSError:
    print('stopped after', made)
END",
    );
    assert!(text.contains("stopped after"), "{text}");
}

fn what_is_told_to_end_may_do_so_by_itself(bench: &Bench, folder: &Path) {
    let left = folder.join("left");
    fs::create_dir(&left).unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o777)).unwrap();
    let conditions = |patience| Conditions {
        patience: Duration::from_secs(patience),
        writable: vec![("/left", left.clone())],
        ..Conditions::default()
    };
    let up = || left.join("up").exists();
    let script = "echo >/left/up; cat >/dev/null; echo told >/left/words";
    let result = bench.run_under(&conditions(60), script, &up);
    assert!(matches!(result, Err(SandboxError::Cancelled)), "{result:?}");
    assert_eq!(fs::read_to_string(left.join("words")).unwrap(), "told\n");
    // Whoever does not listen is ended all the same.
    let result = bench.run_under(&conditions(1), "exec sleep 1000", &up);
    assert!(matches!(result, Err(SandboxError::Cancelled)), "{result:?}");
    fs::remove_dir_all(&left).unwrap();
}

fn a_cancelled_step_is_gone_within_a_second(bench: &Bench) {
    let begun = Instant::now();
    let cancelled_at = Cell::new(None);
    let result = bench.run_until("mount -t tmpfs x /build; sleep 1000 & sleep 1000", &|| {
        if begun.elapsed() < Duration::from_secs(1) {
            return false;
        }
        if cancelled_at.get().is_none() {
            cancelled_at.set(Some(Instant::now()));
        }
        true
    });
    println!("  gone {:?} after it was cancelled", cancelled_at.get().unwrap().elapsed());
    assert!(matches!(result, Err(SandboxError::Cancelled)), "{result:?}");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(bench.work.to_str().unwrap()), "{mounts}");
}

fn a_failed_step_says_its_last_lines(bench: &Bench) {
    let script = "echo first; echo why >&2; mkdir -p /out/deep/er; chmod 0700 /out/deep; exit 7";
    match bench.run(script) {
        Err(SandboxError::Failed { status, code, lines }) => {
            assert!(
                status.contains('7') && code == Some(7) && lines.contains(&"why".to_owned()),
                "{status} {lines:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

fn what_compiles_gives_way(bench: &Bench) {
    let conditions = Conditions::compiling();
    assert!(conditions.build_size <= 16 << 30, "{conditions:?}");
    let script = "nice >/out/text; cat /proc/self/oom_score_adj >>/out/text; ionice >>/out/text";
    let text = bench.run_under(&conditions, script, &|| false).unwrap().text("text").unwrap();
    assert_eq!(text, "19\n500\nidle\n");
}

fn memory_for_files_ends_where_it_is_said(bench: &Bench) {
    let conditions = Conditions { build_size: 4 << 20, ..Conditions::of_source() };
    let script = "
        mount -i -n -t tmpfs -o remount,size=1g tmpfs /build && exit 1
        mount -i -n -t tmpfs tmpfs /tmp && exit 1
        unshare --user --map-root-user --mount mount -i -n -t tmpfs tmpfs /tmp && exit 1
        unshare --user true && exit 1
        echo 9 >/proc/sys/user/max_user_namespaces && exit 1
        head -c 8M /dev/zero >/build/large";
    match bench.run_under(&conditions, script, &|| false) {
        Err(SandboxError::Failed { lines, .. }) => {
            let last = lines.last().unwrap();
            assert!(last.starts_with("head: ") && last.contains("No space left"), "{lines:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// Two sandboxes with other ids fill it, one of them with what it alone may change; the server
/// removes everything.
fn a_shared_folder_can_be_filled_and_removed(bench: &Bench, folder: &Path) {
    let shared = folder.join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let conditions =
        Conditions { writable: vec![("/cache", shared.clone())], ..Conditions::default() };
    for script in [
        "umask 077; mkdir -p /cache/deep/er; echo x >/cache/deep/er/file",
        "test -e /cache/deep/er/file; echo y >/cache/deep/more",
    ] {
        bench.run_under(&conditions, script, &|| false).unwrap();
    }
    assert_eq!(fs::read_to_string(shared.join("deep/more")).unwrap(), "y\n");
    fs::remove_dir_all(&shared).unwrap();
}
