//! How each procedure says that it failed: each in a form of its own.

use nfs::Status;
use nfs3_types::{
    nfs3::{
        ACCESS3args, ACCESS3resfail, ACCESS3resok, COMMIT3args, COMMIT3resfail, COMMIT3resok,
        CREATE3args, CREATE3resfail, CREATE3resok, FSINFO3args, FSINFO3resfail, FSINFO3resok,
        FSSTAT3args, FSSTAT3resfail, FSSTAT3resok, GETATTR3args, GETATTR3resok, LINK3args,
        LINK3resfail, LINK3resok, LOOKUP3args, LOOKUP3resfail, LOOKUP3resok, MKDIR3args,
        MKDIR3resfail, MKDIR3resok, MKNOD3args, MKNOD3resfail, MKNOD3resok, NFS_PROGRAM,
        PATHCONF3args, PATHCONF3resfail, PATHCONF3resok, READ3args, READ3resfail, READ3resok,
        READDIR3args, READDIR3resfail, READDIR3resok, READDIRPLUS3args, READDIRPLUS3resfail,
        READDIRPLUS3resok, READLINK3args, READLINK3resfail, READLINK3resok, REMOVE3args,
        REMOVE3resfail, REMOVE3resok, RENAME3args, RENAME3resfail, RENAME3resok, RMDIR3args,
        RMDIR3resfail, RMDIR3resok, SETATTR3args, SETATTR3resfail, SETATTR3resok, SYMLINK3args,
        SYMLINK3resfail, SYMLINK3resok, WRITE3args, WRITE3resfail, WRITE3resok, cookieverf3,
        createhow3, createverf3, mknoddata3, nfs_fh3, nfsstat3, sattr3, stable_how, symlinkdata3,
    },
    xdr_codec::{Opaque, Void},
};

use crate::{
    World,
    client::{Client, at},
};

/// How a procedure of this handle and a name in it ends.
macro_rules! status {
    ($client:ident, $procedure:ident, $ok:ty, $failed:ty, $arguments:expr) => {{
        let outcome = $client.nfs::<$ok, $failed>(NFS_PROGRAM::$procedure, &$arguments);
        (stringify!($procedure), outcome.map(drop).map_err(|failed| failed.0))
    }};
}

type Ended = (&'static str, Result<(), nfsstat3>);

/// How the procedures end that only say what the server or `attributes` knows.
fn known(c: &mut Client, it: &nfs_fh3) -> Vec<Ended> {
    let handle = || it.clone();
    vec![
        status!(c, NFSPROC3_GETATTR, GETATTR3resok, Void, GETATTR3args { object: handle() }),
        status!(c, NFSPROC3_FSINFO, FSINFO3resok, FSINFO3resfail, FSINFO3args { fsroot: handle() }),
        status!(
            c,
            NFSPROC3_PATHCONF,
            PATHCONF3resok,
            PATHCONF3resfail,
            PATHCONF3args { object: handle() }
        ),
    ]
}

/// How all others end.
fn others(c: &mut Client, it: &nfs_fh3) -> Vec<Ended> {
    let handle = || it.clone();
    let place = || at(it, b"name");
    let cookieverf = cookieverf3([0; 8]);
    let (set, data) = (sattr3::default, Opaque::borrowed(b"a"));
    let guard = nfs3_types::nfs3::Nfs3Option::None;
    let setattr = SETATTR3args { object: handle(), new_attributes: set(), guard };
    let stable = stable_how::UNSTABLE;
    let write = WRITE3args { file: handle(), offset: 0, count: 1, stable, data };
    let create = CREATE3args { where_: place(), how: createhow3::EXCLUSIVE(createverf3([0; 8])) };
    let symlink = symlinkdata3 { symlink_attributes: set(), symlink_data: b"x".to_vec().into() };
    let symlink = SYMLINK3args { where_: place(), symlink };
    let mkdir = MKDIR3args { where_: place(), attributes: set() };
    let mknod = MKNOD3args { where_: place(), what: mknoddata3::NF3FIFO(set()) };
    let list = READDIR3args { dir: handle(), cookie: 0, cookieverf, count: 999 };
    let (dircount, maxcount) = (999, 999);
    let plus = READDIRPLUS3args { dir: handle(), cookie: 0, cookieverf, dircount, maxcount };
    let read = READ3args { file: handle(), offset: 0, count: 1 };
    let readlink = READLINK3args { symlink: handle() };
    let rename = RENAME3args { from: place(), to: place() };
    let link = LINK3args { file: handle(), link: place() };
    let commit = COMMIT3args { file: handle(), offset: 0, count: 0 };
    let access = ACCESS3args { object: handle(), access: 1 };
    let (remove, rmdir) = (REMOVE3args { object: place() }, RMDIR3args { object: place() });
    let (lookup, fsstat) = (LOOKUP3args { what: place() }, FSSTAT3args { fsroot: handle() });
    vec![
        status!(c, NFSPROC3_SETATTR, SETATTR3resok, SETATTR3resfail, setattr),
        status!(c, NFSPROC3_LOOKUP, LOOKUP3resok, LOOKUP3resfail, lookup),
        status!(c, NFSPROC3_ACCESS, ACCESS3resok, ACCESS3resfail, access),
        status!(c, NFSPROC3_READLINK, READLINK3resok<'static>, READLINK3resfail, readlink),
        status!(c, NFSPROC3_READ, READ3resok<'static>, READ3resfail, read),
        status!(c, NFSPROC3_WRITE, WRITE3resok, WRITE3resfail, write),
        status!(c, NFSPROC3_CREATE, CREATE3resok, CREATE3resfail, create),
        status!(c, NFSPROC3_MKDIR, MKDIR3resok, MKDIR3resfail, mkdir),
        status!(c, NFSPROC3_SYMLINK, SYMLINK3resok, SYMLINK3resfail, symlink),
        status!(c, NFSPROC3_MKNOD, MKNOD3resok, MKNOD3resfail, mknod),
        status!(c, NFSPROC3_REMOVE, REMOVE3resok, REMOVE3resfail, remove),
        status!(c, NFSPROC3_RMDIR, RMDIR3resok, RMDIR3resfail, rmdir),
        status!(c, NFSPROC3_RENAME, RENAME3resok, RENAME3resfail, rename),
        status!(c, NFSPROC3_LINK, LINK3resok, LINK3resfail, link),
        status!(c, NFSPROC3_READDIR, READDIR3resok<'static>, READDIR3resfail, list),
        status!(c, NFSPROC3_READDIRPLUS, READDIRPLUS3resok<'static>, READDIRPLUS3resfail, plus),
        status!(c, NFSPROC3_FSSTAT, FSSTAT3resok, FSSTAT3resfail, fsstat),
        status!(c, NFSPROC3_COMMIT, COMMIT3resok, COMMIT3resfail, commit),
    ]
}

#[test]
fn a_handle_that_leads_nowhere_is_refused_by_each_procedure() {
    let world = World::new();
    let mut client = world.client();
    let forged = nfs_fh3 { data: Opaque::owned(vec![1; 41]) };
    let ended = [known(&mut client, &forged), others(&mut client, &forged)].concat();
    assert_eq!(ended.len(), 21);
    for (procedure, status) in ended {
        assert_eq!(status, Err(nfsstat3::NFS3ERR_BADHANDLE), "{procedure}");
    }
}

#[test]
fn whatever_goes_wrong_is_said_by_each_procedure() {
    let all = [
        (Status::NotOwner, nfsstat3::NFS3ERR_PERM),
        (Status::NotFound, nfsstat3::NFS3ERR_NOENT),
        (Status::Io, nfsstat3::NFS3ERR_IO),
        (Status::Denied, nfsstat3::NFS3ERR_ACCES),
        (Status::Exists, nfsstat3::NFS3ERR_EXIST),
        (Status::CrossDevice, nfsstat3::NFS3ERR_XDEV),
        (Status::NotDirectory, nfsstat3::NFS3ERR_NOTDIR),
        (Status::IsDirectory, nfsstat3::NFS3ERR_ISDIR),
        (Status::Invalid, nfsstat3::NFS3ERR_INVAL),
        (Status::TooLarge, nfsstat3::NFS3ERR_FBIG),
        (Status::NoSpace, nfsstat3::NFS3ERR_NOSPC),
        (Status::ReadOnly, nfsstat3::NFS3ERR_ROFS),
        (Status::TooManyLinks, nfsstat3::NFS3ERR_MLINK),
        (Status::NameTooLong, nfsstat3::NFS3ERR_NAMETOOLONG),
        (Status::NotEmpty, nfsstat3::NFS3ERR_NOTEMPTY),
        (Status::QuotaExceeded, nfsstat3::NFS3ERR_DQUOT),
        (Status::Stale, nfsstat3::NFS3ERR_STALE),
        (Status::BadHandle, nfsstat3::NFS3ERR_BADHANDLE),
        (Status::NotSynchronized, nfsstat3::NFS3ERR_NOT_SYNC),
        (Status::BadCookie, nfsstat3::NFS3ERR_BAD_COOKIE),
        (Status::NotSupported, nfsstat3::NFS3ERR_NOTSUPP),
        (Status::TooSmall, nfsstat3::NFS3ERR_TOOSMALL),
        (Status::BadType, nfsstat3::NFS3ERR_BADTYPE),
        (Status::Later, nfsstat3::NFS3ERR_JUKEBOX),
    ];
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    for (status, said) in all {
        world.paths.first.fault(|it| it.all = Some(status));
        for (procedure, ended) in others(&mut client, &top) {
            assert_eq!(ended, Err(said), "{procedure}");
        }
    }
    world.paths.first.fault(|it| {
        (it.all, it.attributes) = (None, Some(Status::Io));
    });
    let ended = known(&mut client, &top);
    assert_eq!(ended[0].1, Err(nfsstat3::NFS3ERR_IO));
    assert!(ended[1..].iter().all(|it| it.1.is_ok()), "they say no attributes: {ended:?}");
}
