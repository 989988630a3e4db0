//! A build of a release, of a kernel or of a variant on a disk that fills up ends in an error that names
//! the remedy, leaves nothing half, and works once there is room.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../../builder/tests/kernels/packed.rs"]
mod packed;
mod support;

use std::{
    fs, io::Cursor, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration,
};

use domain::{
    job::{Job, JobState, StepState},
    kernel::{self, BuildMode, ConfigBase, Configuration, Flavor, KernelState, Source},
    recipe,
    release::Stage,
    room::RoomRules,
    variant::{Definition, Script},
};
use services::{releases::Packages, variants::VariantDraft};
use support::World;

const LIMIT: Duration = Duration::from_secs(600);
/// What is left of the disk when it is filled, in bytes.
const LEFT: u64 = 16 * 1024 * 1024;
/// What a layer takes that has no room there, in bytes.
const LAYER: u64 = LEFT + 4 * 1024 * 1024;

/// Runs the next test on a small disk of its own, which goes with the mount namespace. Stays root
/// for that, so no other test of this process may become the system user.
#[test]
fn a_build_on_a_full_disk_fails_and_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let disk = folder.path().to_str().unwrap();
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=500m,mode=1777 none '{disk}' && \
         TMPDIR='{disk}' exec '{}' --ignored --exact on_a_small_disk --nocapture",
        own.display()
    );
    let done = Command::new("unshare").args(["--mount", "sh", "-c", &script]).status().unwrap();
    assert!(done.success(), "{done}; this test mounts a disk and needs root for it");
}

#[test]
#[ignore = "the test above starts it on a disk that it can fill"]
fn on_a_small_disk() {
    support::run_with(LIMIT, None, |world| async move {
        let ann = &world.developer;
        world.save(None, recipe::starter()).await;
        // The disk has never as much room as is kept free unless said otherwise.
        let short = world.services.room_shortage(ann).await.unwrap();
        assert!(short.is_some_and(|it| it.floor == RoomRules::default().floor));
        let rules = RoomRules { floor: 0, ..RoomRules::default() };
        world.services.change_room_rules(&world.administrator, rules, None).await.unwrap();
        a_release(&world).await;
        a_kernel(&world).await;
        a_variant(&world).await;
        world.services.verify_audit().await.unwrap();
        world
    });
}

/// Its packages have no room.
async fn a_release(world: &World) {
    let filler = world.folder().join("filler");
    fill(&filler, LEFT);
    let (job, version) = world.build(1, Packages::Newer).await;
    assert_eq!(job.state, JobState::Failed);
    let outcome = job.outcome.unwrap();
    assert!(outcome.contains("is full: make room there"), "{outcome}");
    let release = world.services.release(&world.developer, &version).await.unwrap();
    assert_eq!(release.stage, Stage::Failed);
    nothing_is_half(world);

    fs::remove_file(&filler).unwrap();
    let (job, _) = world.build(1, Packages::Newer).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
}

/// What its compilation gives has no room.
async fn a_kernel(world: &World) {
    let (ann, services) = (&world.developer, &world.services);
    // A tree that no other run of this test had: the cache keeps what they compiled.
    let archive = Cursor::new(packed::tree(("large", own(world))));
    let (file, _) = services.keep_upload(ann, "linux-6.1.7.tar.xz", archive).await.unwrap();
    let base = ConfigBase::Defconfig { target: "tinyconfig".to_owned() };
    let definition = kernel::Definition {
        flavor: Flavor::Linux,
        source: Source::UploadedArchive { file },
        configuration: Some(Configuration { base, fragments: Vec::new() }),
        patches: Vec::new(),
        debug: false,
    };
    services.create_kernel(ann, "tiny", definition).await.unwrap();
    let filler = world.folder().join("filler");
    fill(&filler, LEFT);
    let job = build_kernel(world).await;
    assert_eq!(job.state, JobState::Failed);
    let outcome = job.outcome.unwrap();
    let why = "the step compile failed: the disk of the work folder is full (";
    assert!(outcome.starts_with(why) && outcome.contains("/out/"), "{outcome}");
    assert!(outcome.ends_with("make room and try again"), "{outcome}");
    let kernel = services.kernel(ann, "tiny").await.unwrap();
    assert_eq!((kernel.state, kernel.built), (KernelState::Failed, None));
    nothing_is_half(world);
    assert!(job.log.is_some());
    let log = services.job_log(ann, &job.id, 0, usize::MAX).await.unwrap();
    let full = "No space left on device";
    assert!(log.iter().any(|it| it.step == "compile" && it.text.contains(full)), "{log:?}");

    fs::remove_file(&filler).unwrap();
    let job = build_kernel(world).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
    let steps = services.steps(ann, &job.id).await.unwrap();
    let states: Vec<_> = steps.iter().map(|it| (it.name.as_str(), it.state)).collect();
    let (ran, reused) = (StepState::Succeeded, StepState::Reused);
    let expected = [
        ("source", ran),
        ("prepare", reused),
        ("configure", reused),
        // Half a compilation was not kept.
        ("compile", ran),
        ("record", ran),
    ];
    assert_eq!(states, expected);
    assert_eq!(services.kernel(ann, "tiny").await.unwrap().state, KernelState::Built);
}

/// Its layer has no room.
async fn a_variant(world: &World) {
    let (ann, services) = (&world.developer, &world.services);
    // A layer that no other run of this test had: the cache keeps what they built.
    let large =
        format!("echo {} >/opt/own\nhead -c {LAYER} /dev/urandom >/opt/large\n", own(world));
    let script = Script { content: large, limit_seconds: 60 };
    let base = "v1.0.0-rc.2".to_owned();
    let definition = Definition { base, script: Some(script), ..Definition::default() };
    let draft = VariantDraft { description: String::new(), days: 1, definition };
    services.create_variant(ann, "large", draft).await.unwrap();
    let filler = world.folder().join("filler");
    fill(&filler, LEFT);
    let (job, _) = world.build_variant("large").await;
    assert_eq!(job.state, JobState::Failed);
    let outcome = job.outcome.unwrap();
    let why = "the step pack failed: the disk of the work folder is full (";
    assert!(outcome.starts_with(why), "{outcome}");
    assert!(outcome.ends_with("make room and try again"), "{outcome}");
    assert!(services.variant(ann, "large").await.unwrap().built.is_none());
    let menu = world.get("/variant/large/menu.ipxe").await;
    assert!(menu.contains("there is no variant large that has been built"), "{menu}");
    nothing_is_half(world);

    fs::remove_file(&filler).unwrap();
    let (job, log) = world.build_variant("large").await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
    assert!(!log.contains("not as it was left"), "the base was changed: {log}");
}

/// What no other run of this test has in it.
fn own(world: &World) -> &str {
    world.folder().to_str().unwrap()
}

/// A whole job of the kernel.
async fn build_kernel(world: &World) -> Job {
    let mode = BuildMode::Release;
    let job = world.services.start_kernel_build(&world.developer, "tiny", mode).await.unwrap();
    let job = world.wait_for(&job.id, LIMIT).await;
    world.print_log(&job.id).await;
    job
}

/// A build that failed for want of room has left no files and no mounts.
fn nothing_is_half(world: &World) {
    for folder in ["blobs/tmp", "work"] {
        let half = fs::read_dir(world.folder().join(folder)).unwrap().count();
        assert_eq!(half, 0, "files in {folder} were left");
    }
    // Database and log have what they need to say how the build ended.
    assert!(free(world.folder()) >= 4 * 1024 * 1024);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let below = format!("{}/", world.folder().display());
    assert!(!mounts.contains(&below), "{mounts}");
}

/// Writes zeros until `left` bytes of the disk are free.
fn fill(path: &Path, left: u64) {
    let free = free(path.parent().unwrap());
    let file = fs::File::create(path).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..free.saturating_sub(left) / zeros.len() as u64 {
        std::io::Write::write_all(&mut &file, &zeros).unwrap();
    }
}

/// What is free on the disk of a folder, in bytes.
fn free(folder: &Path) -> u64 {
    let disk = nix::sys::statvfs::statvfs(folder).unwrap();
    disk.blocks_available() * disk.fragment_size()
}
