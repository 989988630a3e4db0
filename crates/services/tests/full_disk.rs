//! A build on a disk that fills up ends in an error that names the remedy, leaves nothing half, and
//! works once there is room.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use domain::{job::JobState, recipe, release::Stage, room::RoomRules};
use services::releases::Packages;

const LIMIT: Duration = Duration::from_secs(600);

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
        // What database and log need to say how the build ended is never taken by packages.
        assert!(free(world.folder()) >= 4 * 1024 * 1024);
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
