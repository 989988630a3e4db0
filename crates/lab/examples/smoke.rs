//! Boots a folder with a release (as `crates/builder/examples/build.rs` leaves it) for real and
//! prints what the run recorded.
//!
//! ```text
//! cargo run -p lab --example smoke -- FOLDER [--arguments "WORDS"] [--flip stored|served]
//!     [--menu PATH] [--limit SECONDS] [--stop-after SECONDS] [--console FILE]
//! ```
//!
//! The options bring faults about, each in a real guest: `--arguments "init=/bin/false"` panics,
//! `--arguments "rdinit=/bin/sleep 1000"` hangs, `--flip stored` damages the image on the disk of
//! the listener, `--flip served` after the listener has verified it, `--menu
//! /release/v9.9.9/menu.ipxe` asks for what is not there.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{
    canonical,
    digest::Digest,
    manifest::{BootEntry, ComponentRole, Manifest},
    time::{Clock, Timestamp, human_duration, human_size},
    transfer::Transfer,
};
use lab::{
    Board, BootLimits, GuestConfig, RunObserver, RunReport, SmokeRequest, probe_accelerator,
    run_smoke,
};
use netboot::{BootListener, Observations, Served, SharedCatalogue, Snapshot};
use process::Spawner;

type Failure = Box<dyn Error>;

/// Counts from the start of the program: times of an example need no date.
struct SinceStart(Instant);

impl Clock for SinceStart {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

struct Watcher {
    observations: Observations,
    begun: Instant,
    stop_after: Option<Duration>,
}

impl RunObserver for Watcher {
    fn line(&self, text: &str) {
        println!("{:6.1} {text}", self.begun.elapsed().as_secs_f64());
    }

    fn transfers(&self) -> Vec<Transfer> {
        self.observations.transfers()
    }

    fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|limit| self.begun.elapsed() > limit)
    }
}

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("usage: smoke FOLDER [options], see the top of smoke.rs")?;
    if folder == "relay" {
        let socket = words.next().ok_or("usage: smoke relay SOCKET")?;
        return Ok(lab::relay(Path::new(&socket))?);
    }
    let mut options = BTreeMap::new();
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
        options.insert(name, value);
    }
    let option = |name: &str| options.get(name).map(String::as_str);
    let seconds = |name: &str| option(name).map(str::parse).transpose();

    let folder = PathBuf::from(folder);
    let mut manifest: Manifest = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let entry = manifest.default_entry.clone();
    if let Some(more) = option("--arguments") {
        for entry in &mut manifest.entries {
            if let BootEntry::Linux { arguments, .. } | BootEntry::Xen { arguments, .. } = entry {
                *arguments = format!("{arguments} {more}");
            }
        }
    }
    let scratch = tempfile::tempdir()?;
    let blobs = BlobStore::open(&scratch.path().join("blobs"))?;
    for component in &manifest.components {
        let blob = blobs.put_file(&folder.join(&component.name))?;
        assert_eq!(blob.sha256, component.sha256, "{} is not what it should be", component.name);
    }
    let version = manifest.version.clone();
    let digest = Digest::of(canonical::to_vec(&manifest)?);
    let served = Arc::new(Served { name: version.to_string(), digest, manifest: manifest.clone() });
    let mut snapshot = Snapshot::default();
    snapshot.add(served, &version.to_string());
    let catalogue = SharedCatalogue::default();
    catalogue.swap(snapshot);

    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let observations = Observations::default();
    let listener = BootListener::new(catalogue, blobs.clone(), clock.clone())
        .observed_by(Arc::new(observations.clone()));
    let runtime = tokio::runtime::Runtime::new()?;
    let socket = scratch.path().join("run.sock");
    let path = socket.clone();
    runtime
        .spawn(async move { netboot::serve_guest(&path, listener, std::future::pending()).await });
    let image = manifest
        .components
        .iter()
        .find(|it| it.role == ComponentRole::Image)
        .ok_or("the release has no image")?;
    if let Some(when) = option("--flip") {
        if when == "served" {
            ask_for(&socket, &format!("/artifacts/{digest}/{}", image.name))?;
        }
        flip(&blobs.path(&image.sha256), image.size / 2)?;
    }

    let spawner = Spawner::start()?;
    let config = GuestConfig {
        accelerator: probe_accelerator(&spawner, &clock),
        board: Board::Plain,
        memory_mib: 1024,
        program: std::env::current_exe()?,
    };
    let menu = format!("/release/{version}/menu.ipxe");
    let request = SmokeRequest {
        menu_path: option("--menu").unwrap_or(&menu),
        manifest: &manifest,
        entry: &entry,
        hostname: &format!("rootfs-{version}"),
        user: option("--user").unwrap_or("root"),
        password: option("--password").unwrap_or("debian"),
        socket: &socket,
        limits: BootLimits::usual(Duration::from_secs(seconds("--limit")?.unwrap_or(600))),
    };
    let stop_after = seconds("--stop-after")?.map(Duration::from_secs);
    let watcher = Watcher { observations, begun: Instant::now(), stop_after };
    let report = run_smoke(&spawner, &clock, &config, &request, &watcher);
    show(&report, watcher.begun.elapsed());
    if let Some(file) = option("--console") {
        fs::write(file, &report.console)?;
    }
    runtime.shutdown_background();
    Ok(())
}

fn show(report: &RunReport, took: Duration) {
    println!("\n{}\n", report.machine_details);
    for stage in &report.stages {
        let times = match (stage.started_at, stage.ended_at) {
            (Some(from), Some(to)) => human_duration(to.since(from)),
            (Some(_), None) => "no end observed".to_owned(),
            (None, _) => "not observed".to_owned(),
        };
        let bytes = stage.bytes.map_or_else(String::new, human_size);
        println!("{:8} {times:>16} {bytes:>12}", stage.stage.word());
    }
    println!();
    for case in &report.results {
        let length =
            human_duration(Duration::from_micros(case.duration_us.unwrap_or(0).unsigned_abs()));
        println!("{:22} {:8} {length:>10}  {}", case.case, case.outcome, case.message);
    }
    let class = report.failure.map_or("-", domain::run::FailureClass::word);
    println!(
        "\n{} in {:.1} s, class {class}: {}",
        report.outcome,
        took.as_secs_f64(),
        report.message
    );
}

/// Has the listener verify a file and keep it for good.
fn ask_for(socket: &Path, path: &str) -> Result<(), Failure> {
    use std::io::{Read as _, Write as _};
    let mut stream = loop {
        if let Ok(stream) = std::os::unix::net::UnixStream::connect(socket) {
            break stream;
        }
        std::thread::yield_now();
    };
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nConnection: close\r\n\r\n"
    )?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Flips one bit of a file in its middle.
fn flip(path: &Path, at: u64) -> Result<(), Failure> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let file = fs::File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 1;
    Ok(file.write_all_at(&byte, at)?)
}
