//! Whatever comes, it is answered or the client is left; nothing panics.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
};

use bytes::Buf as _;
use nfs::{HandleKey, Limits, Server, ServerOptions};
use nfs3_types::{
    nfs3::{CREATE3args, createhow3, createverf3, nfs_fh3},
    rpc::{accept_stat_data, opaque_auth},
    xdr_codec::{Opaque, Void},
};

use crate::{
    client::{MOUNT, NFS, PORTMAP, at, call, packed, reply, user},
    memory::Paths,
};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// No reply is longer than what READ gives, with some room for heads.
const LONGEST: usize = (1 << 20) + 4096;

fn server() -> Server {
    let (exports, key) = (Arc::new(Paths::new()), HandleKey::new([3; 32]));
    Server::new(ServerOptions { key, exports, observer: None, limits: Limits::default() }).unwrap()
}

/// The reply to a call without its head; `None` where it is none.
fn answer(server: &Server, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reply = server.answer(CLIENT, 2049, bytes)?.into_buf();
    let length = reply.remaining();
    let whole = reply.copy_to_bytes(length);
    let head = 1 << 31 | u32::try_from(length - 4).unwrap();
    assert_eq!(whole[..4], head.to_be_bytes());
    assert_eq!(length % 4, 0);
    assert!(length <= LONGEST, "{length}");
    Some(whole[4..].to_vec())
}

fn assert_sound(server: &Server, bytes: &[u8]) {
    match answer(server, bytes) {
        Some(answer) => {
            let (xid, said, _) = reply(&answer);
            assert_eq!(xid.to_be_bytes(), bytes[..4], "another's number");
            assert!(!matches!(said, Ok(accept_stat_data::SYSTEM_ERR)), "something panicked");
        }
        // It has no number, or says that it is no call.
        None => assert!(bytes.get(4..8).is_none_or(|kind| kind != [0; 4])),
    }
}

#[test]
fn fuzz_calls_from_bytes() {
    static SERVER: LazyLock<Server> = LazyLock::new(server);
    bolero::check!().for_each(|bytes: &[u8]| assert_sound(&SERVER, bytes));
}

/// Where a call is cut off, and which of its bytes are others.
type Changes = (u8, Vec<(u8, u8)>);

#[test]
fn fuzz_calls_that_are_damaged() {
    static SERVER: LazyLock<Server> = LazyLock::new(server);
    static CALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let top = top(&SERVER);
        let arguments = CREATE3args {
            where_: at(&top, b"name"),
            how: createhow3::EXCLUSIVE(createverf3([1; 8])),
        };
        call(1, NFS, 8, &user(0, 0, vec![4, 24]), &arguments)
    });
    bolero::check!().with_type::<Changes>().for_each(|(cut, changes)| {
        let mut bytes = CALL.clone();
        for (at, byte) in changes {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *byte;
        }
        bytes.truncate(bytes.len().saturating_sub(usize::from(*cut) / 4));
        assert_sound(&SERVER, &bytes);
    });
}

/// What the arguments of the procedures of NFS are made of: see [`Arguments::draw`].
const SHAPES: [&str; 22] = [
    "", "h", "hAt", "hn", "hw", "h", "hlw", "hlW", "hnC", "hnA", "hnAb", "hnM", "hn", "hn", "hnhn",
    "hhn", "hllw", "hllww", "h", "h", "h", "hlw",
];

const NAMES: [&[u8]; 8] = [b"f", b"g", b"d", b".", b"..", b"", b"a/b", &[b'n'; 256]];

/// Arguments whose values are drawn from bytes.
struct Arguments<'a> {
    bytes: std::slice::Iter<'a, u8>,
    handles: &'a [Vec<u8>],
    written: Vec<u8>,
}

impl Arguments<'_> {
    fn byte(&mut self, below: u8) -> u8 {
        self.bytes.next().map_or(0, |byte| byte % below)
    }

    /// A number, which is mostly small: sizes of files in memory must be.
    fn word(&mut self, below: u8) -> u8 {
        let word = self.byte(below);
        self.written.extend([0, 0, 0, word]);
        word
    }

    fn opaque(&mut self, bytes: &[u8]) {
        self.written.extend(packed(&Opaque::owned(bytes.to_vec())));
    }

    fn draw(&mut self, shape: char) {
        match shape {
            'h' => {
                let which = usize::from(self.byte(8));
                let handle = self.handles.get(which).unwrap_or(&self.handles[0]).clone();
                self.opaque(&handle);
            }
            'n' => {
                let which = usize::from(self.byte(8));
                self.opaque(NAMES[which]);
            }
            'w' => {
                let number = u32::from(self.byte(255)) * u32::from(self.byte(255));
                self.written.extend((number * number).to_be_bytes());
            }
            'l' => {
                let number = [0, 1, 5000, i64::MAX as u64, u64::MAX][usize::from(self.byte(5))];
                self.written.extend(number.to_be_bytes());
            }
            'b' => {
                let length = usize::from(self.byte(255)) * usize::from(self.byte(20));
                self.opaque(&vec![b'b'; length]);
            }
            // What WRITE writes.
            'W' => {
                let count = self.word(20);
                self.word(4);
                self.opaque(&vec![7; usize::from(count)]);
            }
            // A time, if any.
            't' => {
                if self.word(3) == 1 {
                    self.draw('l');
                }
            }
            // What is to change.
            'A' => {
                for _ in 0..3 {
                    if self.word(2) == 1 {
                        self.draw('w');
                    }
                }
                if self.word(2) == 1 {
                    self.written.extend([0; 4]);
                    self.word(200);
                }
                for _ in 0..2 {
                    if self.word(3) == 2 {
                        self.written.extend([0, 0, 0, 9, 0, 0, 0, 9]);
                    }
                }
            }
            // How to create.
            'C' => {
                if self.word(4) == 2 {
                    self.draw('l');
                } else {
                    self.draw('A');
                }
            }
            // What MKNOD makes.
            'M' => {
                self.word(9);
                self.draw('A');
                self.draw('l');
            }
            other => panic!("{other}"),
        }
    }
}

/// A server, and the handles of its top and of a file in it, and a forged one.
fn filled() -> (Server, Vec<Vec<u8>>) {
    let server = server();
    let top = top(&server);
    let how = createhow3::EXCLUSIVE(createverf3([1; 8]));
    let arguments = CREATE3args { where_: at(&top, b"f"), how };
    let create = call(1, NFS, 8, &user(0, 0, vec![]), &arguments);
    let (_, _, results) = reply(&answer(&server, &create).unwrap());
    (server, vec![top.data.to_vec(), results[12..53].to_vec(), vec![1; 41]])
}

fn top(server: &Server) -> nfs_fh3 {
    let mount = call(1, MOUNT, 1, &opaque_auth::default(), &Opaque::borrowed(b"/first"));
    let (_, _, results) = reply(&answer(server, &mount).unwrap());
    nfs_fh3 { data: Opaque::owned(results[8..49].to_vec()) }
}

#[test]
fn fuzz_calls_in_their_form() {
    static SERVER: LazyLock<(Server, Vec<Vec<u8>>)> = LazyLock::new(filled);
    bolero::check!().with_type::<(u8, Vec<u8>, u8)>().for_each(|(procedure, bytes, cut)| {
        let procedure = procedure % 22;
        let (bytes, written) = (bytes.iter(), Vec::new());
        let mut arguments = Arguments { bytes, handles: &SERVER.1, written };
        for shape in SHAPES[usize::from(procedure)].chars() {
            arguments.draw(shape);
        }
        let mut bytes = call(9, NFS, procedure.into(), &user(0, 0, vec![4]), &Void);
        bytes.extend(arguments.written);
        bytes.truncate(bytes.len() - usize::from(*cut % 16).saturating_sub(12));
        assert_sound(&SERVER.0, &bytes);
    });
}

#[test]
fn fuzz_calls_of_other_programs() {
    static SERVER: LazyLock<Server> = LazyLock::new(server);
    bolero::check!().with_type::<(bool, u8, Vec<u8>)>().for_each(|(mount, procedure, bytes)| {
        let program = if *mount { MOUNT } else { PORTMAP };
        let mut call = call(9, program, (procedure % 8).into(), &opaque_auth::default(), &Void);
        call.extend(packed(&Opaque::borrowed(bytes)));
        assert_sound(&SERVER, &call);
    });
}
