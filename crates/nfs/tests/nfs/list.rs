//! READDIR and READDIRPLUS.

use nfs3_types::{
    nfs3::{
        NFS_PROGRAM, Nfs3Option, READDIR3args, READDIR3resfail, READDIR3resok, READDIRPLUS3args,
        READDIRPLUS3resfail, READDIRPLUS3resok, cookieverf3, ftype3, nfs_fh3, nfsstat3,
    },
    xdr_codec::Pack as _,
};

use crate::{
    World,
    change::{filled, make_directory},
    client::{Client, Outcome},
    memory::TOP,
};

fn list(
    client: &mut Client,
    dir: &nfs_fh3,
    cookie: u64,
    count: u32,
) -> Outcome<READDIR3resok<'static>, READDIR3resfail> {
    let (dir, cookieverf) = (dir.clone(), cookieverf3([0; 8]));
    let arguments = READDIR3args { dir, cookie, cookieverf, count };
    client.nfs(NFS_PROGRAM::NFSPROC3_READDIR, &arguments)
}

fn list_plus(
    client: &mut Client,
    dir: &nfs_fh3,
    cookie: u64,
    (dircount, maxcount): (u32, u32),
) -> Outcome<READDIRPLUS3resok<'static>, READDIRPLUS3resfail> {
    let (dir, cookieverf) = (dir.clone(), cookieverf3([0; 8]));
    let arguments = READDIRPLUS3args { dir, cookie, cookieverf, dircount, maxcount };
    client.nfs(NFS_PROGRAM::NFSPROC3_READDIRPLUS, &arguments)
}

/// A directory of so many files, and all names that a listing must give.
fn many(client: &mut Client, top: &nfs_fh3, files: usize) -> Vec<Vec<u8>> {
    let mut names = vec![b".".to_vec(), b"..".to_vec()];
    for number in 0..files {
        let name = vec![b'a' + (number % 26) as u8; 1 + number * 7 % 200];
        names.push([name, number.to_string().into_bytes()].concat());
        filled(client, top, names.last().unwrap(), b"x");
    }
    names
}

#[test]
fn a_directory_is_listed_in_pieces_of_any_size() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let names = many(&mut client, &top, 60);
    for count in [400, 1000, 4096, 1 << 16, u32::MAX] {
        let (mut found, mut cookie) = (Vec::new(), 0);
        loop {
            let piece = list(&mut client, &top, cookie, count).unwrap();
            assert!(piece.packed_size() <= count as usize, "{count}");
            assert!(piece.dir_attributes.is_some());
            let entries = piece.reply.entries.0;
            cookie = entries.last().expect("there are more").cookie;
            found.extend(entries.into_iter().map(|it| it.name.0.to_vec()));
            if piece.reply.eof {
                break;
            }
        }
        assert_eq!(found, names, "{count}");
    }
}

#[test]
fn a_directory_is_listed_with_what_is_in_it() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let names = many(&mut client, &top, 60);
    for counts in [(400, 600), (300, 4096), (1 << 16, 2000), (1, 4096), (u32::MAX, u32::MAX)] {
        let (mut found, mut cookie) = (Vec::new(), 0);
        loop {
            let piece = list_plus(&mut client, &top, cookie, counts).unwrap();
            assert!(piece.packed_size() <= counts.1 as usize, "{counts:?}");
            let entries = piece.reply.entries.0;
            let short = |it: &nfs3_types::nfs3::entryplus3<'_>| 20 + it.name.packed_size();
            let of_names: usize = entries.iter().map(short).sum();
            assert!(entries.len() == 1 || of_names <= counts.0 as usize, "{counts:?}");
            cookie = entries.last().expect("there are more").cookie;
            for entry in entries {
                let name = entry.name.0.to_vec();
                let Nfs3Option::Some(attributes) = entry.name_attributes else { panic!() };
                let Nfs3Option::Some(handle) = entry.name_handle else { panic!() };
                assert_eq!(attributes.fileid, entry.fileid);
                let directory = name.starts_with(b".");
                let kind = if directory { ftype3::NF3DIR } else { ftype3::NF3REG };
                assert_eq!(attributes.type_, kind);
                assert_eq!(crate::look::lookup(&mut client, &top, &name), Ok(handle));
                found.push(name);
            }
            if piece.reply.eof {
                break;
            }
        }
        assert_eq!(found, names, "{counts:?}");
    }
}

#[test]
fn a_piece_without_room_for_an_entry_is_too_small() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    for count in [0, 103, 104, 104 + 27] {
        let (status, failed) = list(&mut client, &top, 0, count).unwrap_err();
        assert_eq!(status, nfsstat3::NFS3ERR_TOOSMALL, "{count}");
        assert!(failed.dir_attributes.is_some());
    }
    assert_eq!(list(&mut client, &top, 0, 104 + 28).unwrap().reply.entries.0.len(), 1);
    let (status, _) = list_plus(&mut client, &top, 0, (4096, 200)).unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_TOOSMALL);
    // After the last entry none needs room.
    assert!(list(&mut client, &top, 2, 104).unwrap().reply.eof);
}

#[test]
fn what_is_no_directory_is_not_listed() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"");
    let (status, _) = list(&mut client, &file, 0, 4096).unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_NOTDIR);
    let (status, _) = list_plus(&mut client, &file, 0, (4096, 4096)).unwrap_err();
    assert_eq!(status, nfsstat3::NFS3ERR_NOTDIR);
}

#[test]
fn above_a_directory_is_its_parent() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let directory = make_directory(&mut client, &top, b"d").unwrap();
    let piece = list_plus(&mut client, &directory, 0, (4096, 4096)).unwrap();
    let above = &piece.reply.entries.0[1];
    assert_eq!((above.name.0.as_ref(), above.fileid), (&b".."[..], TOP));
    assert_eq!(above.name_handle, Nfs3Option::Some(top));
}
