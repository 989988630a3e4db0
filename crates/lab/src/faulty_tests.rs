//! Guests that say nothing, and guests that reboot for ever: each ends in its class, with a shell in
//! the place of QEMU where the guest's words are all that counts, and once for real.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{
    manifest::{BootEntry, Manifest},
    menu::FOOTER,
    run::{FailureClass, Outcome},
    time::Clock,
    transfer::Transfer,
};
use process::{Invocation, Spawner};

use crate::{
    BootLimits, RunObserver, RunReport, SmokeRequest,
    robot_tests::{example, serve, small_guest},
    run_smoke,
    smoke::over,
    test_support::SinceStart,
};

/// Long enough for whatever is to come by itself.
const LIMIT: Duration = Duration::from_secs(120);
/// One reboot is one too many already.
const LIMITS: BootLimits = BootLimits { login: LIMIT, first_word: LIMIT, reboots: 1 };

struct Silent;

impl RunObserver for Silent {
    fn line(&self, text: &str) {
        println!("{text}");
    }

    fn transfers(&self) -> Vec<Transfer> {
        Vec::new()
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// The example with one of its entries.
fn one_entry() -> Manifest {
    let mut manifest = example();
    manifest.entries.retain(|entry| entry.label() == "deb-netboot-4.14.y");
    assert_eq!(manifest.entries.len(), 1);
    manifest
}

fn request<'a>(manifest: &'a Manifest, socket: &'a Path, limits: BootLimits) -> SmokeRequest<'a> {
    SmokeRequest {
        menu_path: "/release/v1.0.0/menu.ipxe",
        manifest,
        entry: manifest.entries[0].label(),
        hostname: "rootfs-v1.0.0",
        user: "root",
        password: "debian",
        socket,
        limits,
    }
}

/// A run with a shell script in the place of QEMU.
fn run_script(script: &str, limits: BootLimits) -> RunReport {
    let spawner = Spawner::start().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let guest = Invocation::new("sh").args(["-c", script]).with_stdin();
    let guest = spawner.spawn(&guest).unwrap();
    let manifest = one_entry();
    let request = request(&manifest, Path::new("no.sock"), limits);
    over(guest, &clock, &small_guest(&spawner, &clock), &request, &Silent).unwrap()
}

#[test]
fn a_silent_machine_is_the_labs_problem() {
    let limits = BootLimits { first_word: Duration::from_secs(1), ..LIMITS };
    let report = run_script("printf '\\033[2J\\r\\n'; exec sleep 1000", limits);
    assert_eq!((report.outcome, report.failure), (Outcome::Errored, Some(FailureClass::Lab)));
    let said = "the machine wrote nothing at all to its console in 1.0 s";
    assert_eq!(report.message, said);
}

#[test]
fn a_machine_that_reboots_once_may_still_log_in() {
    let boot = |then: &str| {
        format!(
            "echo 'iPXE initialising devices...ok'; echo '{FOOTER}'; head -c 3 >/dev/null
            echo Debian stable netboot 4.14.y; head -c 1 >/dev/null; {then}\n"
        )
    };
    // It ends when the account is typed: how it goes on from there is told elsewhere.
    let script = boot("echo Linux version") + &boot("echo rootfs-v1 login:; head -c 5 >/dev/null");
    let report = run_script(&script, LIMITS);
    assert!(report.message.contains("switched off at the login prompt"), "{}", report.message);
}

#[test]
fn a_machine_that_reboots_for_ever_is_the_products_problem() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = one_entry();
    let BootEntry::Linux { kernel, .. } = &manifest.entries[0] else { panic!("no kernel") };
    let kernel = kernel.clone();
    let blobs = BlobStore::open(&folder.path().join("blobs")).unwrap();
    for component in &mut manifest.components {
        // iPXE takes a script for a kernel: so the machine reboots as soon as it has loaded it.
        let content: &[u8] =
            if component.name == kernel { b"#!ipxe\nreboot\n" } else { b"something" };
        let blob = blobs.put(content).unwrap();
        (component.size, component.sha256) = (blob.size, blob.sha256);
    }
    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let spawner = Spawner::start().unwrap();
    let (runtime, socket) = serve(folder.path(), &manifest, clock.clone());
    let config = small_guest(&spawner, &clock);
    let request = request(&manifest, &socket, LIMITS);
    let report = run_smoke(&spawner, &clock, &config, &request, &Silent);
    let console = String::from_utf8_lossy(&report.console);
    assert_eq!(report.failure, Some(FailureClass::Product), "{}\n{console}", report.message);
    assert!(report.message.contains("2 boots came to no login prompt"), "{}", report.message);
    assert_eq!(console.matches("iPXE initialising devices").count(), 3, "{console}");
    runtime.shutdown_background();
}
