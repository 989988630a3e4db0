use std::net::{IpAddr, Ipv4Addr};

use nfs::Time;

use super::*;

fn caller(uid: u32, gid: u32, groups: &[u32]) -> Caller {
    Caller { uid, gid, groups: groups.to_vec(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

fn file(kind: FileKind, mode: u32, uid: u32, gid: u32) -> Attributes {
    Attributes {
        kind,
        mode,
        links: 1,
        uid,
        gid,
        size: 0,
        used: 0,
        device: (0, 0),
        file_id: 1,
        accessed: Time::default(),
        modified: Time::default(),
        changed: Time::default(),
    }
}

#[test]
fn the_first_class_that_a_caller_is_in_decides() {
    let shadow = file(FileKind::File, 0o640, 0, 42);
    assert!(grants(&caller(0, 0, &[]), &shadow, READ | WRITE));
    assert!(grants(&caller(7, 42, &[]), &shadow, READ));
    assert!(grants(&caller(7, 7, &[3, 42]), &shadow, READ));
    assert!(!grants(&caller(7, 42, &[]), &shadow, WRITE));
    assert!(!grants(&caller(7, 7, &[]), &shadow, READ));
    // An owner whom the mode leaves out is out, whatever others may.
    let odd = file(FileKind::File, 0o077, 7, 7);
    assert!(!grants(&caller(7, 7, &[]), &odd, READ));
    assert!(grants(&caller(8, 7, &[]), &odd, READ | WRITE | EXECUTE));
}

#[test]
fn root_runs_only_what_somebody_may_run() {
    let root = caller(0, 0, &[]);
    assert!(!grants(&root, &file(FileKind::File, 0o666, 1, 1), EXECUTE));
    assert!(grants(&root, &file(FileKind::File, 0o001, 1, 1), EXECUTE));
    assert!(grants(&root, &file(FileKind::Directory, 0, 1, 1), READ | WRITE | EXECUTE));
}

#[test]
fn an_owner_and_who_runs_a_file_may_read_it() {
    let (owner, other) = (caller(7, 7, &[]), caller(8, 8, &[]));
    assert_eq!(to_read(&owner, &file(FileKind::File, 0, 7, 7)), Ok(()));
    assert_eq!(to_write(&owner, &file(FileKind::File, 0o400, 7, 7)), Ok(()));
    assert_eq!(to_read(&other, &file(FileKind::File, 0o711, 7, 7)), Ok(()));
    assert_eq!(to_read(&other, &file(FileKind::File, 0o600, 7, 7)), Err(Status::Denied));
    assert_eq!(to_write(&other, &file(FileKind::File, 0o755, 7, 7)), Err(Status::Denied));
    assert_eq!(to_read(&owner, &file(FileKind::Directory, 0o755, 7, 7)), Err(Status::IsDirectory));
    assert_eq!(to_read(&owner, &file(FileKind::Pipe, 0o777, 7, 7)), Err(Status::Invalid));
}

#[test]
fn access_tells_what_the_mode_allows() {
    let (root, other) = (caller(0, 0, &[]), caller(8, 8, &[]));
    let all = 0x3f;
    let directory = file(FileKind::Directory, 0o755, 0, 0);
    assert_eq!(access(&other, &directory, all, true), asked::READ | asked::LOOKUP);
    assert_eq!(access(&root, &directory, all, true), 0x1f);
    let program = file(FileKind::File, 0o755, 0, 0);
    assert_eq!(access(&other, &program, all, true), asked::READ | asked::EXECUTE);
    assert_eq!(access(&other, &program, asked::READ, true), asked::READ);
    let secret = file(FileKind::File, 0o600, 0, 0);
    assert_eq!(access(&other, &secret, all, true), 0);
    assert_eq!(access(&root, &secret, all, true), asked::READ | asked::MODIFY | asked::EXTEND);
}

#[test]
fn a_read_only_tree_lets_nothing_of_it_be_changed() {
    let root = caller(0, 0, &[]);
    let changes = asked::MODIFY | asked::EXTEND | asked::DELETE;
    for kind in [FileKind::File, FileKind::Directory] {
        assert_eq!(access(&root, &file(kind, 0o777, 0, 0), changes, false), 0, "{kind:?}");
    }
    let console = file(FileKind::CharacterDevice, 0o600, 0, 5);
    assert_eq!(access(&root, &console, changes, false), asked::MODIFY | asked::EXTEND);
    assert_eq!(access(&caller(8, 8, &[]), &console, changes, false), 0);
}
