//! What the outside does to a build: no mirror, no such package, no room on the disk. Each ends in
//! an error that names the remedy, and leaves a store that goes on.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use domain::{job::JobState, recipe, release::Stage};
use services::{recipes::Saved, releases::Packages};

const LIMIT: Duration = Duration::from_secs(600);
/// Port 9 of this host: nothing listens there.
const NO_MIRROR: &str = "http://127.0.0.1:9/debian";

#[test]
fn a_mirror_that_does_not_answer_is_named() {
    support::run_with(LIMIT, Some(NO_MIRROR), |world| async move {
        // Whether the archive has the packages cannot be known now; the build looks again.
        world.save(None, recipe::starter()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Failed);
        let outcome = job.outcome.unwrap();
        assert!(outcome.contains(NO_MIRROR) && outcome.contains("--mirror"), "{outcome}");
        let release = world.services.release(&world.developer, &version).await.unwrap();
        assert_eq!(release.stage, Stage::Failed);
        world
    });
}

#[test]
fn a_package_that_is_missing_is_named_at_its_line() {
    support::run_with(LIMIT, None, |world| async move {
        let ann = &world.developer;
        let text = recipe::starter().replace("\"pciutils\"", "\"pciutils-nonesuch\"");
        let saved = world.services.create_recipe(ann, "starter", &text, "first").await;
        let Ok(Saved::Problems(problems)) = saved else { panic!("{saved:?}") };
        let line = text.lines().position(|line| line.contains("nonesuch")).unwrap() + 1;
        let found: Vec<_> = problems.iter().map(|it| (it.line as usize, &it.message)).collect();
        assert!(
            matches!(&found[..], [(at, message)] if *at == line && message.contains("pciutils-nonesuch")),
            "{found:?}"
        );
        world
    });
}

/// Runs the next test on a small disk of its own, which goes with the mount namespace.
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
        let filler = world.folder().join("filler");
        fill(&filler, 16 * 1024 * 1024);
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Failed);
        let outcome = job.outcome.unwrap();
        assert!(outcome.contains("is full: make room there"), "{outcome}");
        let release = world.services.release(ann, &version).await.unwrap();
        assert_eq!(release.stage, Stage::Failed);
        let half = fs::read_dir(world.folder().join("blobs/tmp")).unwrap().count();
        assert_eq!(half, 0, "files that are no blobs were left");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let below = format!("{}/", world.folder().display());
        assert!(!mounts.contains(&below), "{mounts}");

        fs::remove_file(&filler).unwrap();
        let (job, _) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        world.services.verify_audit().await.unwrap();
        world
    });
}

/// Writes zeros until `left` bytes of the disk are free.
fn fill(path: &Path, left: u64) {
    let free = nix::sys::statvfs::statvfs(path.parent().unwrap()).unwrap();
    let free = free.blocks_available() * free.fragment_size();
    let file = fs::File::create(path).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..free.saturating_sub(left) / zeros.len() as u64 {
        std::io::Write::write_all(&mut &file, &zeros).unwrap();
    }
}
