//! A client of the three programs, whose calls and replies are written and read by `nfs3_types`, not by the
//! code under test: each reply must be read to its last byte, and be the same when it is written again.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use nfs3_types::{
    mount::mountres3,
    nfs3::{NFS_PROGRAM, Nfs3Result, diropargs3, nfs_fh3, nfsstat3},
    rpc::{
        accept_stat_data, auth_unix, call_body, msg_body, opaque_auth, rejected_reply, reply_body,
        rpc_msg,
    },
    xdr_codec::{Opaque, Pack, Unpack},
};

pub(crate) const NFS: (u32, u32) = (100_003, 3);
pub(crate) const NFSACL: (u32, u32) = (100_227, 3);
pub(crate) const MOUNT: (u32, u32) = (100_005, 3);
pub(crate) const PORTMAP: (u32, u32) = (100_000, 2);

/// What a procedure of NFS results in: why it failed, and what is said beside that.
pub(crate) type Outcome<T, E> = Result<T, (nfsstat3, Box<E>)>;

pub(crate) fn packed(value: &impl Pack) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.pack(&mut bytes).unwrap();
    bytes
}

/// A record in one fragment.
pub(crate) fn record(body: &[u8]) -> Vec<u8> {
    let head = 1 << 31 | u32::try_from(body.len()).unwrap();
    [&head.to_be_bytes(), body].concat()
}

/// Reads a value that must take all of the bytes and be written in the same way by the other implementation.
pub(crate) fn unpacked<T: Pack + Unpack>(bytes: &[u8]) -> T {
    let (value, length) = T::unpack(&mut &*bytes).unwrap();
    assert_eq!(length, bytes.len(), "bytes are left");
    assert_eq!(packed(&value), bytes, "the two implementations differ");
    value
}

/// A call of this user with all heads but the record's.
pub(crate) fn call(
    xid: u32,
    (program, version): (u32, u32),
    procedure: u32,
    credential: &opaque_auth<'static>,
    arguments: &impl Pack,
) -> Vec<u8> {
    let body = call_body {
        rpcvers: 2,
        prog: program,
        vers: version,
        proc: procedure,
        cred: credential.borrow(),
        verf: opaque_auth::default(),
    };
    let mut bytes = packed(&rpc_msg { xid, body: msg_body::CALL(body) });
    arguments.pack(&mut bytes).unwrap();
    bytes
}

pub(crate) fn user(uid: u32, gid: u32, gids: Vec<u32>) -> opaque_auth<'static> {
    let machinename = Opaque::borrowed(b"guest");
    opaque_auth::auth_unix(&auth_unix { stamp: 1, machinename, uid, gid, gids })
}

/// Splits a reply into number, what it says of the call, and results.
pub(crate) fn reply(bytes: &[u8]) -> (u32, Result<accept_stat_data, rejected_reply>, Vec<u8>) {
    let (message, length) = rpc_msg::unpack(&mut &*bytes).unwrap();
    let msg_body::REPLY(body) = message.body else { panic!("this is no reply") };
    let said = match body {
        reply_body::MSG_ACCEPTED(accepted) => Ok(accepted.reply_data),
        reply_body::MSG_DENIED(rejected) => Err(rejected),
    };
    (message.xid, said, bytes[length..].to_vec())
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) credential: opaque_auth<'static>,
    xid: u32,
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, credential: user(0, 0, Vec::new()), xid: 100 }
    }

    /// Sends a call and gives its number.
    pub(crate) fn send(
        &mut self,
        program: (u32, u32),
        procedure: u32,
        arguments: &impl Pack,
    ) -> u32 {
        self.xid += 1;
        let bytes = call(self.xid, program, procedure, &self.credential, arguments);
        self.stream.write_all(&record(&bytes)).unwrap();
        self.xid
    }

    /// The next record, whole.
    pub(crate) fn received(&mut self) -> Vec<u8> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).unwrap();
        let head = u32::from_be_bytes(head);
        assert_eq!(head >> 31, 1, "a reply comes in one fragment");
        let mut bytes = vec![0; (head & !(1 << 31)) as usize];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the server has ended the connection, without another reply.
    pub(crate) fn ended(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// What is said to a call, and its results.
    pub(crate) fn said(
        &mut self,
        program: (u32, u32),
        procedure: u32,
        arguments: &impl Pack,
    ) -> (Result<accept_stat_data, rejected_reply>, Vec<u8>) {
        let xid = self.send(program, procedure, arguments);
        let (answered, said, results) = reply(&self.received());
        assert_eq!(answered, xid);
        (said, results)
    }

    /// The results of a call that is carried out.
    pub(crate) fn results<T: Pack + Unpack>(
        &mut self,
        program: (u32, u32),
        procedure: u32,
        arguments: &impl Pack,
    ) -> T {
        let (said, results) = self.said(program, procedure, arguments);
        assert!(matches!(said, Ok(accept_stat_data::SUCCESS)), "{said:?}");
        unpacked(&results)
    }

    /// The outcome of a procedure of NFS.
    pub(crate) fn nfs<T: Pack + Unpack, E: Pack + Unpack>(
        &mut self,
        procedure: NFS_PROGRAM,
        arguments: &impl Pack,
    ) -> Outcome<T, E> {
        match self.results(NFS, procedure as u32, arguments) {
            Nfs3Result::Ok(results) => Ok(results),
            Nfs3Result::Err((status, failed)) => Err((status, Box::new(failed))),
        }
    }

    pub(crate) fn mount(&mut self, path: &str) -> mountres3<'static> {
        self.results(MOUNT, 1, &Opaque::owned(path.into()))
    }

    /// The handle of the top of an export.
    pub(crate) fn mounted(&mut self, path: &str) -> nfs_fh3 {
        match self.mount(path) {
            mountres3::Ok(mounted) => nfs_fh3 { data: Opaque::owned(mounted.fhandle.0.to_vec()) },
            mountres3::Err(status) => panic!("{status}"),
        }
    }
}

/// A name in a directory.
pub(crate) fn at(directory: &nfs_fh3, name: &[u8]) -> diropargs3<'static> {
    diropargs3 { dir: directory.clone(), name: name.to_vec().into() }
}
