//! What NFS exports of the catalogue, and to whom.

use std::{fs, net::IpAddr, path::Path, process::Command, sync::Arc};

use netboot::{PrivateOptions, RootExports, Snapshot};
use nfs::{Caller, Creation, Exports as _, FileSystem, MountRefused, Status};
use roots::Quota;

use crate::support::Bench;

const FIRST: &str = "52-54-00-00-00-01";

/// An image of one file.
fn image() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (tree, image) = (folder.path().join("tree"), folder.path().join("image"));
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("issue"), "Debian").unwrap();
    let made = Command::new("mksquashfs").arg(&tree).arg(&image).arg("-quiet").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    fs::read(image).unwrap()
}

fn exports(bench: &Bench) -> RootExports {
    let folder = bench.folder.path().join("private");
    fs::create_dir_all(&folder).unwrap();
    bench.listener.exports(PrivateOptions { folder, quota: Quota { bytes: 1 << 20, files: 100 } })
}

fn address(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

fn root(uid: u32) -> Caller {
    Caller { uid, gid: 0, groups: Vec::new(), address: address(1) }
}

fn read(tree: &Arc<dyn FileSystem>, name: &str) -> Result<Vec<u8>, Status> {
    let file = tree.lookup(&root(0), tree.root(), name.as_bytes())?;
    Ok(tree.read(&root(0), file, 0, 100)?.bytes.to_vec())
}

fn write(tree: &Arc<dyn FileSystem>, name: &str) -> Result<(), Status> {
    let how = Creation::Unchecked(nfs::Change { mode: Some(0o644), ..nfs::Change::default() });
    let file = tree.create(&root(0), tree.root(), name.as_bytes(), how)?;
    tree.write(&root(0), file, 0, b"written", true)
}

#[test]
fn every_path_leads_to_the_same_images() {
    let bench = Bench::with_image(&image());
    let exports = exports(&bench);
    let digest = bench.served.digest;
    let named = exports.mount(format!("/release/{digest}").as_bytes(), address(1)).unwrap();
    let mut paths = exports.paths();
    assert!(paths.contains(&"/env/production".to_owned()), "{paths:?}");
    assert!(!paths.iter().any(|it| it.contains("over") || it.contains("development")), "{paths:?}");
    paths.extend(["/srv/nfs/debian/".to_owned(), "/release/v1.2.0-rc.1".to_owned()]);
    for path in &paths {
        assert_eq!(exports.mount(path.as_bytes(), address(2)), Ok(named), "{path}");
    }
    for path in [
        "",
        "/",
        "/release",
        "/release/",
        "/release/v9",
        "/release/../release/v1.2.0",
        "/variant/over",
        "/env/development",
        "/env/none",
        "/etc",
        "/private",
        "/private/x/y",
        "/srv/nfs/debian/etc",
        "\0",
    ] {
        let refused = exports.mount(path.as_bytes(), address(1));
        assert_eq!(refused, Err(MountRefused::NotFound), "{path:?}");
    }
    assert_eq!(exports.mount(b"/release/\xff", address(1)), Err(MountRefused::NotFound));
    let tree = exports.export(named, address(3)).unwrap();
    assert_eq!(read(&tree, "issue").unwrap(), b"Debian");
    assert_eq!(write(&tree, "new"), Err(Status::ReadOnly));
    // A machine that reads of a release is booting it.
    assert!(bench.listener.booting(domain::time::Timestamp(0)).contains(&digest));

    // Another server knows the handles, and what is served no more is gone.
    let again = self::exports(&bench);
    assert_eq!(read(&again.export(named, address(3)).unwrap(), "issue").unwrap(), b"Debian");
    bench.catalogue.swap(Snapshot::default());
    assert_eq!(again.export(named, address(3)).err(), Some(Status::Stale));
}

#[test]
fn a_damaged_image_is_not_exported() {
    let bench = Bench::with_image(&image());
    let digest = bench.digest_of("rootfs.squashfs");
    let path = bench.blobs.path(&digest);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    overwrite(&path, &bytes);
    let refused = exports(&bench).mount(b"/release/v1.2.0", address(1));
    assert_eq!(refused, Err(MountRefused::Io));
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn each_machine_writes_a_root_of_its_own_until_its_next_boot() {
    let bench = Bench::with_image(&image());
    let exports = exports(&bench);
    let digest = bench.served.digest;
    let path = |mac: &str| format!("/private/{digest}/{mac}").into_bytes();
    let mount = |mac: &str, last| exports.mount(&path(mac), address(last));
    let first = mount(FIRST, 1).unwrap();
    assert_eq!(mount(FIRST, 1), Ok(first), "an answer got lost, and the kernel asks again");
    let second = mount("52:54:00:00:00:02", 2).unwrap();
    let (one, other) =
        (exports.export(first, address(1)).unwrap(), exports.export(second, address(2)).unwrap());
    write(&one, "mine").unwrap();
    assert_eq!(read(&one, "mine").unwrap(), b"written");
    assert_eq!(read(&one, "issue").unwrap(), b"Debian");
    assert_eq!(read(&other, "mine"), Err(Status::NotFound), "nobody else sees it");
    // A handle is of use to its own client alone, and the root of a machine that runs is not taken from it.
    assert_eq!(exports.export(first, address(2)).err(), Some(Status::Denied));
    assert_eq!(mount(FIRST, 3), Err(MountRefused::Denied));

    // A server that starts anew serves those that run.
    drop((one, other));
    drop(exports);
    let exports = self::exports(&bench);
    let mount = |mac: &str, last| exports.mount(&path(mac), address(last));
    assert_eq!(read(&exports.export(first, address(1)).unwrap(), "mine").unwrap(), b"written");
    assert_eq!(exports.export(first, address(2)).err(), Some(Status::Denied));

    // The next boot begins with what was released.
    let next = mount(FIRST, 1).unwrap();
    assert_ne!(next, first);
    let fresh = exports.export(next, address(1)).unwrap();
    assert_eq!(read(&fresh, "mine"), Err(Status::NotFound));
    assert_eq!(exports.export(first, address(1)).err(), Some(Status::Stale));
    // What another test's child holds open while it is started goes with a later mount.
    let kept = || fs::read_dir(bench.folder.path().join("private")).unwrap().count();
    let one_for_each = (0..100).any(|_| {
        mount("52:54:00:00:00:02", 2).unwrap();
        kept() == 2
    });
    assert!(one_for_each, "{} folders for 2 machines", kept());
}

#[test]
fn what_a_killed_server_left_of_a_root_is_removed() {
    let bench = Bench::with_image(&image());
    let folder = bench.folder.path().join("private");
    fs::create_dir_all(folder.join("00ff00ff00ff00ff00ff00ff00ff00ff/root")).unwrap();
    fs::create_dir_all(folder.join("no number")).unwrap();
    let exports = exports(&bench);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let mounted = exports.mount(b"/private/x/52-54-00-00-00-01", address(1));
    assert_eq!(mounted, Err(MountRefused::NotFound));
}
