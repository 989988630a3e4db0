//! MOUNT and portmap.

use nfs::MountRefused;
use nfs3_types::{
    mount::{exports, mountlist, mountres3, mountstat3},
    portmap::{mapping, pmaplist},
    rpc::accept_stat_data,
    xdr_codec::{Opaque, Void},
};

use crate::{
    World,
    client::{MOUNT, NFS, NFSACL, PORTMAP},
    memory::Paths,
};

#[test]
fn a_path_is_mounted_or_refused() {
    let world = World::new();
    let mut client = world.client();
    let mountres3::Ok(mounted) = client.mount("/first") else { panic!() };
    assert_eq!(mounted.auth_flavors, [1, 0], "AUTH_SYS is what clients are to take");
    assert_eq!(mounted.fhandle.0.len(), 41);
    for (path, refused) in [
        ("/denied", mountstat3::MNT3ERR_ACCES),
        ("/broken", mountstat3::MNT3ERR_IO),
        ("/nothing", mountstat3::MNT3ERR_NOENT),
        ("", mountstat3::MNT3ERR_NOENT),
        ("/first\0", mountstat3::MNT3ERR_NOENT),
        (&"n".repeat(256), mountstat3::MNT3ERR_NOENT),
    ] {
        let mountres3::Err(status) = client.mount(path) else { panic!("{path} is mounted") };
        assert_eq!(status as u32, refused as u32, "{path}");
    }
    let mounts = world.notes.mounts.lock().unwrap().clone();
    let first = (b"/first".to_vec(), Ok(Paths::FIRST));
    assert_eq!(mounts[..2], [first, (b"/denied".to_vec(), Err(MountRefused::Denied))]);
    assert_eq!(mounts.len(), 7);
}

#[test]
fn a_path_that_is_longer_than_any_is_no_argument() {
    let world = World::new();
    let (said, _) = world.client().said(MOUNT, 1, &Opaque::owned(vec![b'/'; 1025]));
    assert!(matches!(said, Ok(accept_stat_data::GARBAGE_ARGS)), "{said:?}");
}

/// Both kinds of lists, as (client or path, path or number of groups).
fn mounts(client: &mut crate::Client) -> Vec<(String, String)> {
    let text = |it: &Opaque<'_>| String::from_utf8(it.to_vec()).unwrap();
    let list: mountlist<'static, 'static> = client.results(MOUNT, 2, &Void);
    list.0.iter().map(|it| (text(&it.ml_hostname.0), text(&it.ml_directory.0))).collect()
}

#[test]
fn mounts_are_remembered_until_they_are_said_to_end() {
    let world = World::new();
    let mut client = world.client();
    for path in ["/second", "/first", "/first", "/denied"] {
        client.mount(path);
    }
    let here = |path: &str| ("127.0.0.1".to_owned(), path.to_owned());
    assert_eq!(mounts(&mut client), [here("/first"), here("/second")]);
    let Void = client.results(MOUNT, 3, &Opaque::owned(b"/first".into()));
    assert_eq!(mounts(&mut client), [here("/second")]);
    let Void = client.results(MOUNT, 4, &Void);
    assert_eq!(mounts(&mut client), []);
}

#[test]
fn what_can_be_mounted_is_listed() {
    let world = World::new();
    let list: exports<'static, 'static> = world.client().results(MOUNT, 5, &Void);
    let paths: Vec<_> = list.0.iter().map(|it| it.ex_dir.0.to_vec()).collect();
    assert_eq!(paths, [b"/first".to_vec(), b"/second".to_vec()]);
    assert!(list.0.iter().all(|it| it.ex_groups.0.is_empty()), "open to all");
}

#[test]
fn an_export_that_is_not_ready_is_not_mounted() {
    let world = World::new();
    for (status, refused) in [
        (nfs::Status::Denied, mountstat3::MNT3ERR_ACCES),
        (nfs::Status::Stale, mountstat3::MNT3ERR_NOENT),
        (nfs::Status::Later, mountstat3::MNT3ERR_IO),
    ] {
        *world.paths.second_is.lock().unwrap() = Some(status);
        let mountres3::Err(said) = world.client().mount("/second") else { panic!("{status}") };
        assert_eq!(said as u32, refused as u32, "{status}");
    }
}

#[test]
fn portmap_says_that_all_is_on_this_port() {
    let world = World::new();
    let mut client = world.client();
    let port = u32::from(world.address.port());
    let mut ask = |(prog, vers): (u32, u32), prot| -> u32 {
        client.results(PORTMAP, 3, &mapping { prog, vers, prot, port: 0 })
    };
    for (program, expected) in
        [(NFS, port), (MOUNT, port), (PORTMAP, port), ((100_021, 4), 0), ((100_003, 4), 0)]
    {
        assert_eq!(ask(program, 6), expected, "{program:?}");
        assert_eq!(ask(program, 17), 0, "nothing is here over UDP");
    }
    let list: pmaplist = client.results(PORTMAP, 4, &Void);
    let all: Vec<_> = list.0.iter().map(|it| (it.prog, it.vers, it.prot, it.port)).collect();
    assert_eq!(
        all,
        [PORTMAP, NFS, MOUNT, NFSACL].map(|(program, version)| (program, version, 6, port))
    );
}
