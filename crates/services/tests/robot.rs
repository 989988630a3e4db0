//! A real Robot Framework suite drives a real guest by its serial console over telnet: from iPXE's
//! shell to our menu, down to an entry, and into its rootfs. Where the release renames the entry's
//! text, the same suite fails and names it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    cell::Cell,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{
    job::JobState,
    manifest::{BootEntry, Manifest},
    plan::{PlanDefinition, PlannedSuite, WHOLE_RUN},
    recipe,
    release::Health,
    run::{BootStage, FailureClass, Outcome, reported::ReportedCase},
    suite::{SuiteDefinition, SuiteSource},
    time::Clock,
    transfer::Transfer,
};
use lab::{
    Artefact, Board, GuestConfig, RunObserver, SuiteCommand, SuiteEnd, SuiteLimits, SuiteReport,
    SuiteRequest, SuiteVariables, probe_accelerator,
    results::{ReadOptions, read_results},
    run_suite,
};
use netboot::{BootListener, Observations, Served, SharedCatalogue, Snapshot};
use process::Spawner;
use services::releases::Packages;
use support::{World, guests::SinceStart, python_of_suites};

const SUITE: [(&str, &str); 2] = [
    ("boot.robot", include_str!("../../../examples/suites/boot/boot.robot")),
    ("machine.resource", include_str!("../../../examples/suites/boot/machine.resource")),
];
/// A suite that does not end by itself.
const HANGS: &str = "*** Test Cases ***\nHangs\n    Sleep    1 h\n";
/// The text that the suite looks for.
const TEXT: &str = "Debian stable netboot 6.1.y";

/// The starter with another entry before its own, which hangs and is the one that is booted where no
/// key comes.
fn recipe_of_two() -> String {
    let other = "[[menu.entries]]\nlabel = \"other\"\ntext = \"Another way to boot\"\n\
        kernel = \"vmlinuz-6.1.y\"\narguments = \"console=ttyS0,115200 init=/bin/cat\"\n\n";
    let two = recipe::starter()
        .replacen("[[menu.entries]]", &format!("{other}[[menu.entries]]"), 1)
        .replace("default = \"deb-netboot-6.1.y\"", "default = \"other\"")
        // A machine that has to share its processor must not miss the three seconds of the starter.
        .replace("timeout_ms = 3000", "timeout_ms = 60000");
    assert!(two.contains(TEXT) && two.contains("\"other\"\ntimeout_ms = 60000"), "{two}");
    two
}

/// Stops a suite as soon as a line that it prints begins with a text.
struct Watcher {
    observations: Observations,
    stop_at: Option<&'static str>,
    stopped: Cell<bool>,
}

impl RunObserver for Watcher {
    fn line(&self, text: &str) {
        println!("  {text}");
        if self.stop_at.is_some_and(|it| text.starts_with(it)) {
            self.stopped.set(true);
        }
    }

    fn transfers(&self) -> Vec<Transfer> {
        self.observations.transfers()
    }

    fn stopped(&self) -> bool {
        self.stopped.get()
    }
}

struct Bench {
    folder: PathBuf,
    spawner: Spawner,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Handle,
}

impl Bench {
    /// Runs a file of the suite against a release that is served to its machine alone.
    fn run(
        &self,
        name: &str,
        manifest: &Manifest,
        file: &str,
        stop_at: Option<&'static str>,
    ) -> SuiteReport {
        let begun = Instant::now();
        let digest = manifest.digest().unwrap();
        let served = Served { name: name.to_owned(), digest, manifest: manifest.clone() };
        let mut snapshot = Snapshot::default();
        snapshot.add(Arc::new(served), name);
        let catalogue = SharedCatalogue::default();
        catalogue.swap(snapshot);
        let blobs = BlobStore::open(&self.folder.join("blobs")).unwrap();
        let observations = Observations::default();
        let listener = BootListener::new(catalogue, blobs, self.clock.clone())
            .observed_by(Arc::new(observations.clone()));
        let socket = self.folder.join(format!("{name}.sock"));
        let path = socket.clone();
        self.runtime.spawn(async move {
            netboot::serve_guest(&path, listener, std::future::pending()).await
        });
        let config = GuestConfig {
            accelerator: probe_accelerator(&self.spawner, &self.clock),
            board: Board::Plain,
            memory_mib: 1536,
            program: self.folder.join("relay"),
        };
        let request = SuiteRequest {
            folder: &self.folder.join("suite"),
            command: SuiteCommand::Robot {
                suites: vec![file.to_owned()],
                options: ["--loglevel", "DEBUG"].map(str::to_owned).to_vec(),
            },
            python: Some(&python_of_suites()),
            menu_path: &format!("/release/{name}/menu.ipxe"),
            socket: &socket,
            variables: SuiteVariables {
                machine: "qemu",
                release: name,
                manifest: &digest.to_string(),
                entry: None,
                user: "root",
                password: "debian",
            },
            limits: SuiteLimits {
                time: Duration::from_secs(600),
                patience: Duration::from_secs(15),
                bytes: 64 << 20,
                files: 100,
            },
            work_dir: &self.folder.join("suites"),
        };
        let watcher = Watcher { observations, stop_at, stopped: Cell::default() };
        let report = run_suite(&self.spawner, &self.clock, &config, &request, &watcher);
        println!("{name}: {:?} {} in {:?}", report.end, report.message, begun.elapsed());
        report
    }
}

fn write_suite(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (name, text) in SUITE.into_iter().chain([("hang.robot", HANGS)]) {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn text(report: &SuiteReport, name: &str) -> String {
    let found: Option<&Artefact> = report.artefacts.iter().find(|it| it.name == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {:?}", report.artefacts));
    fs::read_to_string(&found.path).unwrap()
}

/// What the results say.
fn cases(report: &SuiteReport) -> Vec<ReportedCase> {
    let mut cases = Vec::new();
    let mut sink = |case| {
        cases.push(case);
        ControlFlow::Continue(())
    };
    read_results(text(report, "output.xml").as_bytes(), &ReadOptions::default(), &mut sink)
        .unwrap();
    cases
}

fn console(report: &SuiteReport) -> String {
    String::from_utf8_lossy(&report.console).into_owned()
}

#[test]
fn a_robot_suite_boots_a_release_and_fails_where_a_text_of_its_menu_changes() {
    support::run(Duration::from_secs(600), |world| async move {
        world.save(None, &recipe_of_two()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let release = world.services.release(&world.developer, &version).await.unwrap();
        let built = world.services.contents(&world.developer, &release).await.unwrap().manifest;
        a_plan_runs_it(&world, &version, &built).await;
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || suite_tells_them_apart(world, &built, runtime))
            .await
            .unwrap()
    });
}

/// The archive of the suite, as somebody would pack it.
fn archive(folder: &Path) -> Vec<u8> {
    let parent = folder.parent().unwrap();
    let packed = std::process::Command::new("tar")
        .args(["-cz", "-C"])
        .args([parent, Path::new(folder.file_name().unwrap())])
        .output()
        .unwrap();
    assert!(packed.status.success(), "{packed:?}");
    packed.stdout
}

/// By the worker: fetched, unpacked, run, its artefacts kept and its results read.
async fn a_plan_runs_it(world: &World, version: &str, built: &Manifest) {
    let folder = world.folder().join("suite");
    write_suite(&folder);
    let (services, ann) = (&world.services, &world.developer);
    let upload = services.keep_upload(ann, "boot.tar.gz", std::io::Cursor::new(archive(&folder)));
    let (file, _) = upload.await.unwrap();
    let robot = SuiteDefinition {
        description: String::new(),
        source: SuiteSource::Upload { file },
        folder: "suite".to_owned(),
        command: domain::suite::SuiteCommand::Robot {
            suites: vec!["boot.robot".to_owned()],
            options: ["--loglevel", "DEBUG"].map(str::to_owned).to_vec(),
        },
        each_entry: false,
        minutes: 10,
        results: String::new(),
    };
    services.save_suite(ann, "boot", None, robot.clone()).await.unwrap();
    // One that never looks at its machine, fails at its first attempt, and leaves TAP.
    let script = "n=$(ls /in/suite | wc -l); echo 'TAP version 13'; echo '1..1'; \
                  echo \"not ok 1 - has $n files\"; exit 1";
    let program = SuiteDefinition {
        command: domain::suite::SuiteCommand::Program {
            words: ["sh", "-c", &format!("{{ {script}; }} > $BOOTWRIGHT_RESULTS/results.tap")]
                .map(str::to_owned)
                .to_vec(),
        },
        ..robot
    };
    services.save_suite(ann, "tap", None, program).await.unwrap();
    let planned = |suite: &str, approved: &[&str]| PlannedSuite {
        suite: suite.to_owned(),
        revision: 0,
        each_entry: false,
        approved: approved.iter().map(|it| (*it).to_owned()).collect(),
    };
    let plan = PlanDefinition {
        description: String::new(),
        entries: Vec::new(),
        machines: vec!["qemu".to_owned()],
        suites: vec![planned("boot", &["DEB1.1", "DEB1.3"]), planned("tap", &[])],
        retries: 1,
    };
    services.save_plan(ann, "robots", None, plan).await.unwrap();

    let (job, runs) = world.validate_by(version, Some("robots")).await;
    assert_eq!(job.state, JobState::Failed, "{:?}", job.outcome);
    assert_eq!(job.outcome.as_deref(), Some("did not pass: suite tap"));
    let suites: Vec<_> = runs.iter().map(|it| it.suite.as_str()).collect();
    assert_eq!(suites, ["boot", "tap", "tap"], "what did not pass was tried again");

    let green = &runs[0];
    assert_eq!((green.outcome, green.failure), (Some(Outcome::Passed), None), "{}", green.message);
    assert_eq!(green.totals.passed, 3);
    for stage in &green.stages {
        assert!(stage.started_at.is_some(), "{stage:?}");
    }
    let image = green.stages.iter().find(|it| it.stage == BootStage::Rootfs).unwrap();
    assert_eq!(image.bytes, Some(built.component("rootfs.squashfs").unwrap().size));
    let console = fs::read_to_string(world.blob(&green.console.unwrap())).unwrap();
    assert!(console.contains("login:"), "{console}");
    let context = services.run_in_context(ann, &green.id).await.unwrap();
    for name in ["log.html", "output.xml", "report.html"] {
        assert!(context.artefacts.iter().any(|it| it == name), "{:?}", context.artefacts);
    }
    let red = &runs[2];
    assert_eq!((red.outcome, red.failure), (Some(Outcome::Failed), Some(FailureClass::Product)));
    assert_eq!(red.results[0].title, "has 3 files");

    let release = services.release(ann, version).await.unwrap();
    let evidence = services.evidence(ann, &release).await.unwrap();
    let of_robots = evidence.iter().find(|it| it.plan == "robots").unwrap();
    assert_eq!(of_robots.health(), Health::Failing);
    let passed = of_robots.cases.iter().filter(|it| it.outcome.0 == "passed");
    let passed: Vec<_> = passed.map(|it| it.case.as_str()).collect();
    assert_eq!(passed, ["DEB1.1", "DEB1.3", WHOLE_RUN]);
}

fn suite_tells_them_apart(
    world: World,
    built: &Manifest,
    runtime: tokio::runtime::Handle,
) -> World {
    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let spawner = Spawner::start().unwrap();
    let bench = Bench { folder: world.folder().to_owned(), spawner, clock, runtime };

    let mut renamed = built.clone();
    let (entry, with) = (renamed.entries.last_mut().unwrap(), "Debian netboot 6.1.y".to_owned());
    let BootEntry::Linux { text: words, .. } = entry else { panic!("{entry:?}") };
    assert_eq!(std::mem::replace(words, with), TEXT);
    let red = bench.run("v1.1.0", &renamed, "boot.robot", None);
    assert_eq!((&red.end, red.failure), (&SuiteEnd::Exited(1), Some(FailureClass::Product)));
    let said = red.last_lines.join("\n");
    assert!(said.contains(&format!("The menu has no entry '{TEXT}'")), "{said}");
    let found = cases(&red);
    let outcomes = found.iter().map(|it| (it.id.as_str(), it.outcome)).collect::<Vec<_>>();
    let skipped = |id| (id, Outcome::Skipped);
    let expected = [("DEB1.1", Outcome::Failed), skipped("DEB1.2"), skipped("DEB1.3")];
    assert_eq!(outcomes, expected);
    assert!(found[0].message.contains(&format!("no entry '{TEXT}'")), "{}", found[0].message);
    assert!(!console(&red).contains("login:"), "it did not boot: {}", console(&red));

    // Who is stopped may still write down what it found.
    let stopped = bench.run("v1.2.0", built, "hang.robot", Some("Hang"));
    assert_eq!((&stopped.end, stopped.failure), (&SuiteEnd::Stopped, None));
    assert!(text(&stopped, "output.xml").contains("Execution terminated by signal"));
    world
}
