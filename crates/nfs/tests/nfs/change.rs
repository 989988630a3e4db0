//! The procedures that change something.

use nfs3_types::{
    nfs3::{
        COMMIT3args, COMMIT3resfail, COMMIT3resok, CREATE3args, CREATE3resfail, CREATE3resok,
        LINK3args, LINK3resfail, LINK3resok, MKDIR3args, MKDIR3resfail, MKDIR3resok, MKNOD3args,
        MKNOD3resfail, MKNOD3resok, NFS_PROGRAM, Nfs3Option, REMOVE3args, REMOVE3resfail,
        REMOVE3resok, RENAME3args, RENAME3resfail, RENAME3resok, RMDIR3args, RMDIR3resfail,
        RMDIR3resok, SETATTR3args, SETATTR3resfail, SETATTR3resok, SYMLINK3args, SYMLINK3resfail,
        SYMLINK3resok, WRITE3args, WRITE3resfail, WRITE3resok, createhow3, createverf3,
        devicedata3, ftype3, mknoddata3, nfs_fh3, nfsstat3, nfstime3, sattr3, set_atime, set_mtime,
        specdata3, stable_how, symlinkdata3, wcc_data,
    },
    xdr_codec::Opaque,
};

use crate::{
    World,
    client::{Client, NFS, Outcome, at, call, packed, record, reply},
    look::{attributes, lookup, read},
};

fn mode(mode: u32) -> sattr3 {
    sattr3 { mode: Nfs3Option::Some(mode), ..sattr3::default() }
}

fn handle(it: Nfs3Option<nfs_fh3>) -> nfs_fh3 {
    match it {
        Nfs3Option::Some(handle) => handle,
        Nfs3Option::None => panic!("there is no handle"),
    }
}

/// Attributes from before and after that say that this directory was changed.
fn assert_changed(it: &wcc_data) {
    let (Nfs3Option::Some(before), Nfs3Option::Some(after)) = (&it.before, &it.after) else {
        panic!("{it:?}")
    };
    assert!(before.ctime.seconds < after.ctime.seconds, "{it:?}");
}

fn assert_unchanged(it: &wcc_data) {
    let (Nfs3Option::Some(before), Nfs3Option::Some(after)) = (&it.before, &it.after) else {
        panic!("{it:?}")
    };
    assert_eq!(before.ctime, after.ctime);
}

fn create(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
    how: createhow3,
) -> Result<nfs_fh3, nfsstat3> {
    let arguments = CREATE3args { where_: at(directory, name), how };
    let made = client.nfs::<CREATE3resok, CREATE3resfail>(NFS_PROGRAM::NFSPROC3_CREATE, &arguments);
    made.map(|it| handle(it.obj)).map_err(|it| it.0)
}

pub(crate) fn write(
    client: &mut Client,
    file: &nfs_fh3,
    offset: u64,
    bytes: &[u8],
) -> Outcome<WRITE3resok, WRITE3resfail> {
    let count = u32::try_from(bytes.len()).unwrap();
    let (file, data) = (file.clone(), Opaque::owned(bytes.to_vec()));
    let arguments = WRITE3args { file, offset, count, stable: stable_how::UNSTABLE, data };
    client.nfs(NFS_PROGRAM::NFSPROC3_WRITE, &arguments)
}

/// Makes a file with this content.
pub(crate) fn filled(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
    content: &[u8],
) -> nfs_fh3 {
    let file = create(client, directory, name, createhow3::GUARDED(mode(0o644))).unwrap();
    write(client, &file, 0, content).unwrap();
    file
}

pub(crate) fn make_directory(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
) -> Result<nfs_fh3, nfsstat3> {
    let arguments = MKDIR3args { where_: at(directory, name), attributes: mode(0o750) };
    let made = client.nfs::<MKDIR3resok, MKDIR3resfail>(NFS_PROGRAM::NFSPROC3_MKDIR, &arguments);
    made.map(|it| handle(it.obj)).map_err(|it| it.0)
}

pub(crate) fn make_link(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
    leads: &[u8],
) -> Result<nfs_fh3, nfsstat3> {
    let symlink =
        symlinkdata3 { symlink_attributes: mode(0o777), symlink_data: leads.to_vec().into() };
    let arguments = SYMLINK3args { where_: at(directory, name), symlink };
    let made =
        client.nfs::<SYMLINK3resok, SYMLINK3resfail>(NFS_PROGRAM::NFSPROC3_SYMLINK, &arguments);
    made.map(|it| handle(it.obj)).map_err(|it| it.0)
}

fn make_special(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
    what: mknoddata3,
) -> Result<nfs_fh3, nfsstat3> {
    let arguments = MKNOD3args { where_: at(directory, name), what };
    let made = client.nfs::<MKNOD3resok, MKNOD3resfail>(NFS_PROGRAM::NFSPROC3_MKNOD, &arguments);
    made.map(|it| handle(it.obj)).map_err(|it| it.0)
}

fn remove(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
) -> Outcome<REMOVE3resok, REMOVE3resfail> {
    let arguments = REMOVE3args { object: at(directory, name) };
    client.nfs(NFS_PROGRAM::NFSPROC3_REMOVE, &arguments)
}

fn remove_directory(
    client: &mut Client,
    directory: &nfs_fh3,
    name: &[u8],
) -> Outcome<RMDIR3resok, RMDIR3resfail> {
    let arguments = RMDIR3args { object: at(directory, name) };
    client.nfs(NFS_PROGRAM::NFSPROC3_RMDIR, &arguments)
}

fn rename(
    client: &mut Client,
    from: (&nfs_fh3, &[u8]),
    to: (&nfs_fh3, &[u8]),
) -> Outcome<RENAME3resok, RENAME3resfail> {
    let arguments = RENAME3args { from: at(from.0, from.1), to: at(to.0, to.1) };
    client.nfs(NFS_PROGRAM::NFSPROC3_RENAME, &arguments)
}

fn link(
    client: &mut Client,
    file: &nfs_fh3,
    directory: &nfs_fh3,
    name: &[u8],
) -> Outcome<LINK3resok, LINK3resfail> {
    let arguments = LINK3args { file: file.clone(), link: at(directory, name) };
    client.nfs(NFS_PROGRAM::NFSPROC3_LINK, &arguments)
}

fn set(
    client: &mut Client,
    file: &nfs_fh3,
    new_attributes: sattr3,
    guard: Option<nfstime3>,
) -> Outcome<SETATTR3resok, SETATTR3resfail> {
    let guard = guard.map_or(Nfs3Option::None, Nfs3Option::Some);
    let arguments = SETATTR3args { object: file.clone(), new_attributes, guard };
    client.nfs(NFS_PROGRAM::NFSPROC3_SETATTR, &arguments)
}

#[test]
fn files_are_created_in_three_ways() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let guarded = || createhow3::GUARDED(mode(0o4755));
    let file = create(&mut client, &top, b"f", guarded()).unwrap();
    assert_eq!(attributes(&mut client, &file).unwrap().mode, 0o4755);
    assert_eq!(create(&mut client, &top, b"f", guarded()), Err(nfsstat3::NFS3ERR_EXIST));
    let unchecked = createhow3::UNCHECKED(mode(0o600));
    assert_eq!(create(&mut client, &top, b"f", unchecked), Ok(file.clone()));
    assert_eq!(attributes(&mut client, &file).unwrap().mode, 0o600);

    let exclusive = |byte| createhow3::EXCLUSIVE(createverf3([byte; 8]));
    let file = create(&mut client, &top, b"e", exclusive(1)).unwrap();
    assert_eq!(create(&mut client, &top, b"e", exclusive(1)), Ok(file));
    assert_eq!(create(&mut client, &top, b"e", exclusive(2)), Err(nfsstat3::NFS3ERR_EXIST));
}

#[test]
fn what_is_no_file_is_made() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let directory = make_directory(&mut client, &top, b"d").unwrap();
    let it = attributes(&mut client, &directory).unwrap();
    assert_eq!((it.type_, it.mode), (ftype3::NF3DIR, 0o750));
    let link = make_link(&mut client, &top, b"l", &[b'p'; 4095]).unwrap();
    let it = attributes(&mut client, &link).unwrap();
    assert_eq!((it.type_, it.size), (ftype3::NF3LNK, 4095));
    let device = |specdata1, specdata2| devicedata3 {
        dev_attributes: mode(0o660),
        spec: specdata3 { specdata1, specdata2 },
    };
    for (name, what, kind, numbers) in [
        (b"b", mknoddata3::NF3BLK(device(8, 1)), ftype3::NF3BLK, (8, 1)),
        (b"c", mknoddata3::NF3CHR(device(1, 3)), ftype3::NF3CHR, (1, 3)),
        (b"p", mknoddata3::NF3FIFO(mode(0o660)), ftype3::NF3FIFO, (0, 0)),
        (b"s", mknoddata3::NF3SOCK(mode(0o660)), ftype3::NF3SOCK, (0, 0)),
    ] {
        let made = make_special(&mut client, &top, name, what).unwrap();
        let it = attributes(&mut client, &made).unwrap();
        assert_eq!((it.type_, it.mode), (kind, 0o660));
        assert_eq!((it.rdev.specdata1, it.rdev.specdata2), numbers);
    }
    // A regular file is not made so; the other implementation cannot write this.
    let arguments = [packed(&at(&top, b"r")), 1_u32.to_be_bytes().to_vec()].concat();
    let mut bytes = call(7, NFS, 11, &client.credential, &nfs3_types::xdr_codec::Void);
    bytes.extend(arguments);
    std::io::Write::write_all(&mut client.stream, &record(&bytes)).unwrap();
    let results = reply(&client.received()).2;
    let failed = crate::client::unpacked::<nfs3_types::nfs3::MKNOD3res>(&results);
    let nfs3_types::nfs3::Nfs3Result::Err((status, failed)) = failed else { panic!() };
    assert_eq!(status, nfsstat3::NFS3ERR_BADTYPE);
    assert_unchanged(&failed.dir_wcc);
}

#[test]
fn names_that_nothing_can_have_are_refused() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"");
    for (name, new, old) in [
        (&b""[..], nfsstat3::NFS3ERR_INVAL, nfsstat3::NFS3ERR_INVAL),
        (b".", nfsstat3::NFS3ERR_EXIST, nfsstat3::NFS3ERR_INVAL),
        (b"..", nfsstat3::NFS3ERR_EXIST, nfsstat3::NFS3ERR_INVAL),
        (b"../x", nfsstat3::NFS3ERR_INVAL, nfsstat3::NFS3ERR_INVAL),
        (b"a\0b", nfsstat3::NFS3ERR_INVAL, nfsstat3::NFS3ERR_INVAL),
        (&[b'n'; 256], nfsstat3::NFS3ERR_NAMETOOLONG, nfsstat3::NFS3ERR_NAMETOOLONG),
    ] {
        let c = &mut client;
        let unchecked = createhow3::UNCHECKED(mode(0o600));
        assert_eq!(create(c, &top, name, unchecked).unwrap_err(), new);
        assert_eq!(make_directory(c, &top, name).unwrap_err(), new);
        assert_eq!(make_link(c, &top, name, b"x").unwrap_err(), new);
        assert_eq!(make_special(c, &top, name, mknoddata3::NF3FIFO(mode(0))).unwrap_err(), new);
        assert_eq!(link(c, &file, &top, name).unwrap_err().0, new);
        assert_eq!(remove(c, &top, name).unwrap_err().0, old);
        assert_eq!(remove_directory(c, &top, name).unwrap_err().0, old);
        assert_eq!(rename(c, (&top, name), (&top, b"x")).unwrap_err().0, old);
        assert_eq!(rename(c, (&top, b"f"), (&top, name)).unwrap_err().0, old);
    }
    for (leads, status) in [
        (&b""[..], nfsstat3::NFS3ERR_INVAL),
        (b"a\0", nfsstat3::NFS3ERR_INVAL),
        (&[b'p'; 4096], nfsstat3::NFS3ERR_NAMETOOLONG),
    ] {
        assert_eq!(make_link(&mut client, &top, b"l", leads), Err(status));
    }
}

#[test]
fn attributes_are_set_where_the_guard_holds() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"0123456789");
    let some = sattr3 {
        mode: Nfs3Option::Some(0o2701),
        uid: Nfs3Option::Some(7),
        gid: Nfs3Option::Some(8),
        size: Nfs3Option::Some(4),
        atime: set_atime::SET_TO_CLIENT_TIME(nfstime3 { seconds: 12, nseconds: 999_999_999 }),
        mtime: set_mtime::SET_TO_SERVER_TIME,
    };
    let changed = set(&mut client, &file, some.clone(), None).unwrap();
    assert_changed(&changed.obj_wcc);
    let it = attributes(&mut client, &file).unwrap();
    assert_eq!((it.mode, it.uid, it.gid, it.size), (0o2701, 7, 8, 4));
    assert_eq!((it.atime.seconds, it.atime.nseconds), (12, 999_999_999));

    let late = nfstime3 { seconds: 1, nseconds: 0 };
    let (status, failed) = set(&mut client, &file, mode(0), Some(late)).unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_NOT_SYNC);
    assert_unchanged(&failed.obj_wcc);
    set(&mut client, &file, mode(0o600), Some(it.ctime)).unwrap();
    let huge = sattr3 { size: Nfs3Option::Some(u64::MAX), ..sattr3::default() };
    assert_eq!(set(&mut client, &file, huge, None).unwrap_err().0, nfsstat3::NFS3ERR_FBIG);
}

#[test]
fn files_are_written_and_committed() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"");
    let written = write(&mut client, &file, 3, b"abc").unwrap();
    assert_eq!((written.count, written.committed), (3, stable_how::UNSTABLE));
    assert!(written.file_wcc.after.is_some());
    assert_eq!(read(&mut client, &file, 0, 9).unwrap().data.as_ref(), b"\0\0\0abc");
    for stable in [stable_how::DATA_SYNC, stable_how::FILE_SYNC] {
        let data = Opaque::borrowed(b"z");
        let arguments = WRITE3args { file: file.clone(), offset: 0, count: 1, stable, data };
        let written =
            client.nfs::<WRITE3resok, WRITE3resfail>(NFS_PROGRAM::NFSPROC3_WRITE, &arguments);
        assert_eq!(written.unwrap().committed, stable_how::FILE_SYNC);
    }
    let arguments = COMMIT3args { file: file.clone(), offset: 0, count: 0 };
    let commit = |client: &mut Client| {
        client
            .nfs::<COMMIT3resok, COMMIT3resfail>(NFS_PROGRAM::NFSPROC3_COMMIT, &arguments)
            .unwrap()
            .verf
    };
    assert_eq!(commit(&mut client), written.verf, "nothing was lost in between");
    let beyond = write(&mut client, &file, i64::MAX as u64, b"a").unwrap_err().0;
    assert_eq!(beyond, nfsstat3::NFS3ERR_FBIG);
    assert_eq!(write(&mut client, &file, u64::MAX, b"a").unwrap_err().0, nfsstat3::NFS3ERR_FBIG);

    let world = World::with(world.end(), nfs::Limits::default());
    assert_ne!(commit(&mut world.client()), written.verf, "after a restart, all is sent again");
}

#[test]
fn names_are_moved_linked_and_removed() {
    let world = World::new();
    let mut client = world.client();
    let (top, other) = (client.mounted("/first"), client.mounted("/second"));
    let c = &mut client;
    let directory = make_directory(c, &top, b"d").unwrap();
    let file = filled(c, &top, b"f", b"content");

    let linked = link(c, &file, &directory, b"hard").unwrap();
    assert_changed(&linked.linkdir_wcc);
    let Nfs3Option::Some(of_file) = linked.file_attributes else { panic!() };
    assert_eq!(of_file.nlink, 2);
    assert_eq!(link(c, &file, &directory, b"hard").unwrap_err().0, nfsstat3::NFS3ERR_EXIST);
    assert_eq!(link(c, &file, &other, b"hard").unwrap_err().0, nfsstat3::NFS3ERR_XDEV);

    let (status, failed) = remove_directory(c, &top, b"d").unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_NOTEMPTY);
    assert_unchanged(&failed.dir_wcc);
    assert_eq!(remove(c, &top, b"d").unwrap_err().0, nfsstat3::NFS3ERR_ISDIR);

    let moved = rename(c, (&directory, b"hard"), (&top, b"f2")).unwrap();
    assert_changed(&moved.fromdir_wcc);
    assert_changed(&moved.todir_wcc);
    assert_eq!(lookup(c, &top, b"f2"), Ok(file.clone()));
    let missing = rename(c, (&directory, b"hard"), (&top, b"f3")).unwrap_err();
    assert_eq!(missing.0, nfsstat3::NFS3ERR_NOENT);
    let across = rename(c, (&top, b"f2"), (&other, b"f2")).unwrap_err();
    assert_eq!(across.0, nfsstat3::NFS3ERR_XDEV);

    assert_changed(&remove_directory(c, &top, b"d").unwrap().dir_wcc);
    assert_changed(&remove(c, &top, b"f").unwrap().dir_wcc);
    assert_changed(&remove(c, &top, b"f2").unwrap().dir_wcc);
    let gone = read(c, &file, 0, 1).unwrap_err();
    assert_eq!(gone.0, nfsstat3::NFS3ERR_STALE);
}

#[test]
fn a_change_that_is_asked_for_twice_is_made_once() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    filled(&mut client, &top, b"f", b"");
    let arguments = REMOVE3args { object: at(&top, b"f") };
    let bytes = record(&call(77, NFS, 12, &client.credential, &arguments));
    let mut answers = Vec::new();
    // The second time, over another connection as after the first broke.
    for mut client in [client, world.client()] {
        std::io::Write::write_all(&mut client.stream, &bytes).unwrap();
        answers.push(client.received());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(*world.paths.first.removals.lock().unwrap(), 1);
    // Another call is another call.
    let mut client = world.client();
    assert_eq!(remove(&mut client, &top, b"f").unwrap_err().0, nfsstat3::NFS3ERR_NOENT);
}

#[test]
fn a_change_that_fails_says_the_attributes_all_the_same() {
    let world = World::new();
    let mut client = world.client();
    let c = &mut client;
    let top = c.mounted("/first");
    let file = filled(c, &top, b"f", b"");
    world.paths.first.fault(|it| it.all = Some(nfs::Status::QuotaExceeded));
    assert_unchanged(&set(c, &file, mode(0), None).unwrap_err().1.obj_wcc);
    assert!(write(c, &file, 0, b"a").unwrap_err().1.file_wcc.after.is_some());
    assert_unchanged(&remove(c, &top, b"f").unwrap_err().1.dir_wcc);
    assert_unchanged(&remove_directory(c, &top, b"f").unwrap_err().1.dir_wcc);
    let renamed = rename(c, (&top, b"f"), (&top, b"g")).unwrap_err().1;
    assert_unchanged(&renamed.fromdir_wcc);
    assert_unchanged(&renamed.todir_wcc);
    let linked = link(c, &file, &top, b"g").unwrap_err().1;
    assert_unchanged(&linked.linkdir_wcc);
    assert!(linked.file_attributes.is_some());
}
