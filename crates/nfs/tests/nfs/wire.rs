//! Records and calls: whole, in pieces, many at once, and broken.

use std::io::Write as _;

use nfs3_types::{
    nfs3::{FSSTAT3args, READ3args},
    rpc::{accept_stat_data, auth_flavor, auth_stat, opaque_auth, rejected_reply},
    xdr_codec::{Opaque, Void},
};

use crate::{
    World,
    change::filled,
    client::{MOUNT, NFS, PORTMAP, call, packed, record, reply, user},
};

#[test]
fn each_program_has_a_procedure_that_does_nothing() {
    let world = World::new();
    let mut client = world.client();
    for program in [NFS, MOUNT, PORTMAP] {
        let Void = client.results(program, 0, &Void);
        client.credential = opaque_auth::default();
    }
}

#[test]
fn what_is_not_here_is_refused() {
    let world = World::new();
    let mut client = world.client();
    for (program, last) in [(NFS, 21), (MOUNT, 5), (PORTMAP, 4)] {
        for procedure in [last + 1, u32::MAX] {
            let (said, _) = client.said(program, procedure, &Void);
            assert!(matches!(said, Ok(accept_stat_data::PROC_UNAVAIL)), "{program:?} {said:?}");
        }
        for version in [0, program.1 - 1, program.1 + 1] {
            let (said, _) = client.said((program.0, version), 0, &Void);
            let Ok(accept_stat_data::PROG_MISMATCH { low, high }) = said else {
                panic!("{said:?}")
            };
            assert_eq!((low, high), (program.1, program.1));
        }
    }
    let (said, _) = client.said((PORTMAP.0, 2), 1, &Void);
    assert!(matches!(said, Ok(accept_stat_data::PROC_UNAVAIL)), "nobody registers here");
    let (said, _) = client.said((100_021, 4), 0, &Void);
    assert!(matches!(said, Ok(accept_stat_data::PROG_UNAVAIL)), "there are no locks: {said:?}");
}

#[test]
fn arguments_that_end_early_are_garbage() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let whole = packed(&READ3args { file: top, offset: 0, count: 1 });
    for length in (0..whole.len()).step_by(4) {
        let mut bytes = call(5, NFS, 6, &client.credential, &Void);
        bytes.extend(&whole[..length]);
        client.stream.write_all(&record(&bytes)).unwrap();
        let (xid, said, _) = reply(&client.received());
        assert_eq!(xid, 5);
        assert!(matches!(said, Ok(accept_stat_data::GARBAGE_ARGS)), "{said:?}");
    }
    for procedure in 1..=21 {
        let (said, _) = client.said(NFS, procedure, &u32::MAX);
        assert!(matches!(said, Ok(accept_stat_data::GARBAGE_ARGS)), "{procedure} {said:?}");
    }
    let Void = client.results(NFS, 0, &Void);
}

#[test]
fn another_rpc_is_refused_with_what_is_here() {
    let world = World::new();
    let mut client = world.client();
    let mut bytes = call(5, NFS, 0, &client.credential, &Void);
    bytes[11] = 3;
    client.stream.write_all(&record(&bytes)).unwrap();
    let said = reply(&client.received()).1;
    let Err(rejected_reply::RPC_MISMATCH { low, high }) = said else { panic!("{said:?}") };
    assert_eq!((low, high), (2, 2));
}

#[test]
fn credentials_that_are_not_known_are_refused() {
    let world = World::new();
    let mut client = world.client();
    let body = |length| Opaque::owned(vec![0; length]);
    let of = |flavor, body| opaque_auth { flavor, body };
    for (credential, expected) in [
        (of(auth_flavor::AUTH_SHORT, body(4)), auth_stat::AUTH_REJECTEDCRED),
        (of(auth_flavor::AUTH_DES, body(4)), auth_stat::AUTH_TOOWEAK),
        (of(auth_flavor::AUTH_UNIX, body(4)), auth_stat::AUTH_BADCRED),
        (of(auth_flavor::AUTH_NULL, body(401)), auth_stat::AUTH_BADCRED),
        (user(0, 0, vec![1; 17]), auth_stat::AUTH_BADCRED),
    ] {
        client.credential = credential;
        let (said, _) = client.said(NFS, 0, &Void);
        let Err(rejected_reply::AUTH_ERROR(why)) = said else { panic!("{said:?}") };
        assert_eq!(why, expected);
    }
    client.credential = user(0, 0, vec![1; 16]);
    let Void = client.results(NFS, 0, &Void);
}

#[test]
fn who_shows_no_credential_is_nobody() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    client.credential = opaque_auth::default();
    let found = crate::look::lookup(&mut client, &top, b"f");
    assert_eq!(found.unwrap_err(), nfs3_types::nfs3::nfsstat3::NFS3ERR_NOENT);
    let caller = world.paths.first.caller.lock().unwrap().clone().unwrap();
    assert_eq!((caller.uid, caller.gid, caller.groups), (65534, 65534, vec![]));
}

#[test]
fn what_is_no_call_ends_the_connection() {
    let world = World::new();
    for bytes in
        [vec![], vec![0; 4], packed(&(5_u32)), [5_u32, 1].iter().flat_map(packed).collect()]
    {
        let mut client = world.client();
        client.stream.write_all(&record(&bytes)).unwrap();
        assert!(client.ended(), "{bytes:?}");
    }
}

#[test]
fn a_record_comes_in_pieces_of_one_byte() {
    let world = World::new();
    let mut client = world.client();
    client.stream.set_nodelay(true).unwrap();
    let top = client.mounted("/first");
    let bytes = call(9, NFS, 18, &client.credential, &FSSTAT3args { fsroot: top });
    for (at, byte) in bytes.iter().enumerate() {
        let last = if at + 1 == bytes.len() { 0x80 } else { 0 };
        // An empty fragment before each, too.
        for part in [0, 0, 0, 0, last, 0, 0, 1, *byte] {
            client.stream.write_all(&[part]).unwrap();
        }
    }
    let (xid, said, _) = reply(&client.received());
    assert_eq!(xid, 9);
    assert!(matches!(said, Ok(accept_stat_data::SUCCESS)), "{said:?}");
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", &[7; 5000]);
    let calls = 1000;
    let mut other = world.client();
    std::thread::scope(|scope| {
        let mut stream = other.stream.try_clone().unwrap();
        let credential = client.credential.clone();
        scope.spawn(move || {
            for xid in 0..calls {
                let arguments = READ3args { file: file.clone(), offset: xid.into(), count: 3 };
                stream.write_all(&record(&call(xid, NFS, 6, &credential, &arguments))).unwrap();
            }
        });
        let mut answered: Vec<u32> = (0..calls)
            .map(|_| {
                let (xid, said, _) = reply(&other.received());
                assert!(matches!(said, Ok(accept_stat_data::SUCCESS)), "{said:?}");
                xid
            })
            .collect();
        answered.sort_unstable();
        assert!(answered.into_iter().eq(0..calls));
    });
}

#[test]
fn calls_overtake_one_that_waits() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    world.paths.first.fault(|it| it.hold = true);
    let waiting = client.send(NFS, 6, &READ3args { file, offset: 0, count: 1 });
    world.paths.first.until_held(1);
    let quick = client.send(NFS, 18, &FSSTAT3args { fsroot: top });
    assert_eq!(reply(&client.received()).0, quick);
    world.paths.first.fault(|it| it.hold = false);
    assert_eq!(reply(&client.received()).0, waiting);
}

#[test]
fn a_failure_inside_is_answered() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    world.paths.first.fault(|it| it.panic = true);
    let (said, _) = client.said(NFS, 18, &FSSTAT3args { fsroot: top.clone() });
    assert!(matches!(said, Ok(accept_stat_data::SYSTEM_ERR)), "{said:?}");
    world.paths.first.fault(|it| it.panic = false);
    let (said, _) = client.said(NFS, 18, &FSSTAT3args { fsroot: top });
    assert!(matches!(said, Ok(accept_stat_data::SUCCESS)), "{said:?}");
}
