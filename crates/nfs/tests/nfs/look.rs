//! The procedures that look.

use nfs::{FileSystem as _, Status};
use nfs3_types::{
    nfs3::{
        ACCESS3args, ACCESS3resfail, ACCESS3resok, FSINFO3args, FSINFO3resfail, FSINFO3resok,
        FSSTAT3args, FSSTAT3resfail, FSSTAT3resok, GETATTR3args, GETATTR3resok, LOOKUP3args,
        LOOKUP3resfail, LOOKUP3resok, NFS_PROGRAM, Nfs3Option, PATHCONF3args, PATHCONF3resfail,
        PATHCONF3resok, READ3args, READ3resfail, READ3resok, READLINK3args, READLINK3resfail,
        READLINK3resok, fattr3, ftype3, nfs_fh3, nfsstat3,
    },
    rpc::accept_stat_data,
    xdr_codec::{Opaque, Void},
};

use crate::{
    World,
    change::{filled, make_directory, make_link},
    client::{Client, NFSACL, Outcome, at, user},
    memory::TOP,
};

pub(crate) fn attributes(client: &mut Client, file: &nfs_fh3) -> Result<fattr3, nfsstat3> {
    let arguments = GETATTR3args { object: file.clone() };
    let outcome = client.nfs::<GETATTR3resok, Void>(NFS_PROGRAM::NFSPROC3_GETATTR, &arguments);
    outcome.map(|it| it.obj_attributes).map_err(|it| it.0)
}

fn whole_lookup(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
) -> Outcome<LOOKUP3resok, LOOKUP3resfail> {
    let arguments = LOOKUP3args { what: at(directory, name) };
    client.nfs(NFS_PROGRAM::NFSPROC3_LOOKUP, &arguments)
}

pub(crate) fn lookup(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
) -> Result<nfs_fh3, nfsstat3> {
    whole_lookup(client, directory, name).map(|it| it.object).map_err(|it| it.0)
}

pub(crate) fn read(
    client: &mut Client,
    file: &nfs_fh3,
    offset: u64,
    count: u32,
) -> Outcome<READ3resok<'static>, READ3resfail> {
    client.nfs(NFS_PROGRAM::NFSPROC3_READ, &READ3args { file: file.clone(), offset, count })
}

#[test]
fn no_file_has_a_list_of_access() {
    let world = World::new();
    let mut client = world.client();
    let object = client.mounted("/first");
    // GETACL has the arguments of ACCESS.
    let asked = ACCESS3args { object, access: 0x0f };
    let (said, results) = client.said(NFSACL, 1, &asked);
    assert!(matches!(said, Ok(accept_stat_data::SUCCESS)), "{said:?}");
    let words: Vec<u32> =
        results.chunks(4).map(|it| u32::from_be_bytes(it.try_into().unwrap())).collect();
    assert_eq!(words[..3], [0, 1, 2], "it is there, and has the attributes of a directory");
    assert_eq!(words[23..], [0x0f, 0, 0, 0, 0], "what was asked for, and two lists of nothing");
    let (_, refused) = client.said(NFSACL, 2, &asked);
    assert_eq!(refused[..4], 10_004_u32.to_be_bytes(), "none can be set");
    let object = nfs_fh3 { data: Opaque::owned(vec![1; 41]) };
    let (_, refused) = client.said(NFSACL, 1, &ACCESS3args { object, access: 1 });
    assert_eq!(refused, [10_001_u32.to_be_bytes(), [0; 4]].concat(), "no handle of ours");
    let (said, _) = client.said(NFSACL, 9, &Void);
    assert!(matches!(said, Ok(accept_stat_data::PROC_UNAVAIL)), "{said:?}");
}

fn access(client: &mut Client, file: &nfs_fh3, access: u32) -> u32 {
    let arguments = ACCESS3args { object: file.clone(), access };
    let outcome =
        client.nfs::<ACCESS3resok, ACCESS3resfail>(NFS_PROGRAM::NFSPROC3_ACCESS, &arguments);
    outcome.unwrap().access
}

#[test]
fn attributes_are_told_as_they_are() {
    let world = World::new();
    let mut client = world.client();
    let (first, second) = (client.mounted("/first"), client.mounted("/second"));
    let it = attributes(&mut client, &first).unwrap();
    let expected = world.paths.first.attributes(TOP).unwrap();
    assert_eq!(it.type_, ftype3::NF3DIR);
    assert_eq!((it.mode, it.nlink, it.fileid), (0o755, 1, TOP));
    assert_eq!((it.ctime.seconds, it.ctime.nseconds), (expected.changed.seconds, 5));
    let other = attributes(&mut client, &second).unwrap();
    assert_ne!(it.fsid, other.fsid, "each export is a file system of its own");
}

#[test]
fn names_are_looked_up() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let directory = make_directory(&mut client, &top, b"d").unwrap();
    let file = filled(&mut client, &directory, b"f", b"content");
    let found = whole_lookup(&mut client, &directory, b"f").unwrap();
    assert_eq!(found.object, file);
    let Nfs3Option::Some(of_file) = found.obj_attributes else { panic!() };
    assert_eq!((of_file.type_, of_file.size), (ftype3::NF3REG, 7));
    let Nfs3Option::Some(of_directory) = found.dir_attributes else { panic!() };
    assert_eq!(of_directory.type_, ftype3::NF3DIR);

    assert_eq!(lookup(&mut client, &directory, b"."), Ok(directory.clone()));
    assert_eq!(lookup(&mut client, &directory, b".."), Ok(top.clone()));
    assert_eq!(lookup(&mut client, &top, b".."), Ok(top.clone()));
    for (name, status) in [
        (&b"none"[..], nfsstat3::NFS3ERR_NOENT),
        (b"", nfsstat3::NFS3ERR_INVAL),
        (b"a/b", nfsstat3::NFS3ERR_INVAL),
        (b"../f", nfsstat3::NFS3ERR_INVAL),
        (b"/etc/passwd", nfsstat3::NFS3ERR_INVAL),
        (b"f\0", nfsstat3::NFS3ERR_INVAL),
        (&[b'n'; 256], nfsstat3::NFS3ERR_NAMETOOLONG),
        (&[b'n'; 255], nfsstat3::NFS3ERR_NOENT),
    ] {
        assert_eq!(lookup(&mut client, &directory, name), Err(status), "{}", name.escape_ascii());
    }
    for name in [&b"."[..], b"..", b"f"] {
        assert_eq!(lookup(&mut client, &file, name), Err(nfsstat3::NFS3ERR_NOTDIR));
    }
}

#[test]
fn who_may_not_search_a_directory_does_not_leave_it_either() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let directory = make_directory(&mut client, &top, b"d").unwrap();
    client.credential = user(1000, 1000, Vec::new());
    assert_eq!(lookup(&mut client, &directory, b".."), Err(nfsstat3::NFS3ERR_ACCES));
}

#[test]
fn access_is_what_the_export_says_for_this_caller() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"");
    assert_eq!(access(&mut client, &file, 0x3f), 0x3f);
    assert_eq!(access(&mut client, &file, u32::MAX), 0x3f, "bits that there are");
    client.credential = user(1000, 100, vec![4, 24]);
    assert_eq!(access(&mut client, &file, 0x3f), 0x01);
    assert_eq!(access(&mut client, &file, 0x04), 0);
    let caller = world.paths.first.caller.lock().unwrap().clone().unwrap();
    assert_eq!((caller.uid, caller.gid, caller.groups), (1000, 100, vec![4, 24]));
    assert_eq!(caller.address, world.address.ip());
}

#[test]
fn links_are_read() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let link = make_link(&mut client, &top, b"l", b"../some/where").unwrap();
    let mut leads = |link: &nfs_fh3| {
        let arguments = READLINK3args { symlink: link.clone() };
        client.nfs::<READLINK3resok<'static>, READLINK3resfail>(
            NFS_PROGRAM::NFSPROC3_READLINK,
            &arguments,
        )
    };
    assert_eq!(leads(&link).unwrap().data.0.as_ref(), b"../some/where");
    let (status, failed) = leads(&top).unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_INVAL);
    assert!(failed.symlink_attributes.is_some());
}

#[test]
fn files_are_read_in_parts() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"0123456789");
    for (offset, count, bytes, end) in [
        (0, 4, &b"0123"[..], false),
        (3, 2, b"34", false),
        (0, 10, b"0123456789", true),
        (7, 100, b"789", true),
        (7, u32::MAX, b"789", true),
        (10, 1, b"", true),
        (1 << 40, 1, b"", true),
        (2, 0, b"", false),
    ] {
        let it = read(&mut client, &file, offset, count).unwrap();
        assert_eq!((it.data.as_ref(), it.eof), (bytes, end), "{offset} {count}");
        assert_eq!(it.count as usize, bytes.len());
        assert!(it.file_attributes.is_some());
    }
    assert_eq!(*world.notes.read.lock().unwrap(), 4 + 2 + 10 + 3 + 3);
    let refused = |it: Outcome<READ3resok<'static>, READ3resfail>| it.unwrap_err().0;
    assert_eq!(refused(read(&mut client, &top, 0, 1)), nfsstat3::NFS3ERR_ISDIR);
    assert_eq!(refused(read(&mut client, &file, u64::MAX, 1)), nfsstat3::NFS3ERR_INVAL);
}

#[test]
fn a_read_gives_a_megabyte_at_the_most() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let content: Vec<u8> = (0..(3 << 20) + 5_u32).map(|at| (at % 251) as u8).collect();
    let file = filled(&mut client, &top, b"large", b"");
    for (part, at) in content.chunks(1 << 20).zip(0..) {
        crate::change::write(&mut client, &file, at << 20, part).unwrap();
    }
    let mut whole = Vec::new();
    loop {
        let it = read(&mut client, &file, whole.len() as u64, 2 << 20).unwrap();
        assert!(it.data.len() <= 1 << 20);
        whole.extend_from_slice(it.data.as_ref());
        if it.eof {
            break;
        }
    }
    assert!(whole == content);
}

#[test]
fn an_export_says_its_room_its_properties_and_its_limits() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let arguments = FSSTAT3args { fsroot: top.clone() };
    let space = client
        .nfs::<FSSTAT3resok, FSSTAT3resfail>(NFS_PROGRAM::NFSPROC3_FSSTAT, &arguments)
        .unwrap();
    assert_eq!((space.tbytes, space.fbytes, space.abytes), (1000, 900, 900));
    assert_eq!((space.tfiles, space.ffiles, space.afiles), (80, 70, 70));

    let arguments = FSINFO3args { fsroot: top.clone() };
    let it = client
        .nfs::<FSINFO3resok, FSINFO3resfail>(NFS_PROGRAM::NFSPROC3_FSINFO, &arguments)
        .unwrap();
    assert_eq!((it.rtmax, it.rtpref, it.wtmax, it.wtpref), (1 << 20, 1 << 20, 1 << 20, 1 << 20));
    assert_eq!((it.dtpref, it.maxfilesize), (64 << 10, i64::MAX as u64));
    assert_eq!((it.time_delta.seconds, it.time_delta.nseconds, it.properties), (0, 1, 0x1b));

    let arguments = PATHCONF3args { object: top };
    let it = client
        .nfs::<PATHCONF3resok, PATHCONF3resfail>(NFS_PROGRAM::NFSPROC3_PATHCONF, &arguments)
        .unwrap();
    assert_eq!((it.linkmax, it.name_max), (65_000, 255));
    let said = (it.no_trunc, it.chown_restricted, it.case_insensitive, it.case_preserving);
    assert_eq!(said, (true, true, false, true));
}

#[test]
fn forged_handles_are_refused_and_an_export_is_not_asked() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    // From here on, the export would answer everything as stale.
    world.paths.first.fault(|it| it.attributes = Some(Status::Stale));
    assert_eq!(attributes(&mut client, &top).unwrap_err(), nfsstat3::NFS3ERR_STALE);
    let genuine = top.data.to_vec();
    let mut other_file = genuine.clone();
    other_file[24] ^= 3;
    let mut other_export = genuine.clone();
    other_export[1..17].copy_from_slice(&crate::memory::Paths::SECOND.0);
    for forged in
        [vec![], genuine[..40].to_vec(), vec![0; 41], vec![1; 64], other_file, other_export]
    {
        let forged = nfs_fh3 { data: Opaque::owned(forged) };
        assert_eq!(attributes(&mut client, &forged).unwrap_err(), nfsstat3::NFS3ERR_BADHANDLE);
    }
}

#[test]
fn an_export_is_refused_and_comes_back() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/second");
    for (status, said) in [
        (Status::Denied, nfsstat3::NFS3ERR_ACCES),
        (Status::Later, nfsstat3::NFS3ERR_JUKEBOX),
        (Status::Stale, nfsstat3::NFS3ERR_STALE),
    ] {
        *world.paths.second_is.lock().unwrap() = Some(status);
        assert_eq!(attributes(&mut client, &top).unwrap_err(), said);
    }
    *world.paths.second_is.lock().unwrap() = None;
    assert_eq!(attributes(&mut client, &top).unwrap().fileid, TOP);
}

#[test]
fn handles_are_good_after_a_restart() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"still here");
    let world = World::with(world.end(), nfs::Limits::default());
    let mut client = world.client();
    assert_eq!(read(&mut client, &file, 0, 100).unwrap().data.as_ref(), b"still here");
}
