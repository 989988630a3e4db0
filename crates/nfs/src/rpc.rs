//! Calls and replies of ONC RPC, version 2 (RFC 5531), without the records that carry them.

use std::net::IpAddr;

use crate::{
    Caller,
    xdr::{Malformed, Reader, Writer},
};

/// The version of RPC itself.
const VERSION: u32 = 2;
/// The longest credential and verifier, in bytes (RFC 5531 §8.2).
const LONGEST_CREDENTIAL: usize = 400;
/// The longest name of a client's machine in a credential, in bytes (RFC 5531, appendix A).
const LONGEST_MACHINE: usize = 255;
/// The most further groups in a credential (RFC 5531, appendix A).
const MOST_GROUPS: u32 = 16;
/// Who calls without saying who it is.
const NOBODY: u32 = 65534;
/// Credentials of no kind, and verifiers too.
pub(crate) const AUTH_NONE: u32 = 0;
/// Credentials that say user and groups.
pub(crate) const AUTH_SYS: u32 = 1;
const AUTH_SHORT: u32 = 2;

/// A call; the arguments are not yet read.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What tells the client's calls apart; its reply says it again.
    pub(crate) xid: u32,
    pub(crate) program: u32,
    pub(crate) version: u32,
    pub(crate) procedure: u32,
    credential: Credential,
    pub(crate) arguments: Reader<'a>,
}

/// Who calls.
#[derive(Debug)]
enum Credential {
    None,
    System { uid: u32, gid: u32, groups: Vec<u32> },
}

/// What has come is no call that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCall {
    /// It is no call at all, and nothing can be answered.
    Nonsense,
    /// It is answered with why not.
    Refused { xid: u32, why: Refusal },
}

/// Why a call is not carried out (RFC 5531 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `RPC_MISMATCH`
    OtherRpc,
    /// `AUTH_BADCRED`
    BadCredential,
    /// `AUTH_REJECTEDCRED`: a credential that we have never given.
    RejectedCredential,
    /// `AUTH_TOOWEAK`: of a kind that is not known here.
    OtherCredential,
    /// `PROG_UNAVAIL`
    NoProgram,
    /// `PROG_MISMATCH`: the program is here in this version only.
    OtherVersion(u32),
    /// `PROC_UNAVAIL`
    NoProcedure,
    /// `GARBAGE_ARGS`
    Garbage,
    /// `SYSTEM_ERR`
    Broken,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Garbage
    }
}

impl<'a> Call<'a> {
    /// Reads the head of a call.
    pub(crate) fn parse(record: &'a [u8]) -> Result<Self, NoCall> {
        let mut reader = Reader::new(record);
        let (Ok(xid), Ok(0)) = (reader.u32(), reader.u32()) else { return Err(NoCall::Nonsense) };
        Self::rest(xid, reader).map_err(|why| NoCall::Refused { xid, why })
    }

    fn rest(xid: u32, mut reader: Reader<'a>) -> Result<Self, Refusal> {
        if reader.u32()? != VERSION {
            return Err(Refusal::OtherRpc);
        }
        let (program, version, procedure) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let credential = credential(&mut reader)?;
        let _ = authentication(&mut reader)?;
        Ok(Self { xid, program, version, procedure, credential, arguments: reader })
    }

    /// Who calls from this address.
    pub(crate) fn caller(&self, address: IpAddr) -> Caller {
        match &self.credential {
            Credential::None => Caller { uid: NOBODY, gid: NOBODY, groups: Vec::new(), address },
            Credential::System { uid, gid, groups } => {
                Caller { uid: *uid, gid: *gid, groups: groups.clone(), address }
            }
        }
    }
}

fn credential(reader: &mut Reader<'_>) -> Result<Credential, Refusal> {
    match authentication(reader)? {
        (AUTH_NONE, _) => Ok(Credential::None),
        (AUTH_SYS, body) => system(body).map_err(|Malformed| Refusal::BadCredential),
        (AUTH_SHORT, _) => Err(Refusal::RejectedCredential),
        _ => Err(Refusal::OtherCredential),
    }
}

fn authentication<'a>(reader: &mut Reader<'a>) -> Result<(u32, &'a [u8]), Refusal> {
    let flavor = reader.u32()?;
    let body = reader.opaque(LONGEST_CREDENTIAL).map_err(|Malformed| Refusal::BadCredential)?;
    Ok((flavor, body))
}

fn system(body: &[u8]) -> Result<Credential, Malformed> {
    let mut body = Reader::new(body);
    let _stamp = body.u32()?;
    let _machine = body.opaque(LONGEST_MACHINE)?;
    let (uid, gid, count) = (body.u32()?, body.u32()?, body.u32()?);
    if count > MOST_GROUPS {
        return Err(Malformed);
    }
    let groups = (0..count).map(|_| body.u32()).collect::<Result<_, _>>()?;
    Ok(Credential::System { uid, gid, groups })
}

/// Begins the reply to a call that is carried out: its results follow.
pub(crate) fn accept(xid: u32, out: &mut Writer) {
    accepted(xid, out, 0);
}

/// The whole reply to a call that is not carried out.
pub(crate) fn refuse(xid: u32, why: Refusal, out: &mut Writer) {
    match why {
        Refusal::OtherRpc => {
            denied(xid, out, 0);
            out.u32(VERSION);
            out.u32(VERSION);
        }
        Refusal::BadCredential => unauthenticated(xid, out, 1),
        Refusal::RejectedCredential => unauthenticated(xid, out, 2),
        Refusal::OtherCredential => unauthenticated(xid, out, 5),
        Refusal::NoProgram => accepted(xid, out, 1),
        Refusal::OtherVersion(ours) => {
            accepted(xid, out, 2);
            out.u32(ours);
            out.u32(ours);
        }
        Refusal::NoProcedure => accepted(xid, out, 3),
        Refusal::Garbage => accepted(xid, out, 4),
        Refusal::Broken => accepted(xid, out, 5),
    }
}

fn accepted(xid: u32, out: &mut Writer, how: u32) {
    out.u32(xid);
    out.u32(1);
    out.u32(0);
    out.u32(AUTH_NONE);
    out.opaque(&[]);
    out.u32(how);
}

fn denied(xid: u32, out: &mut Writer, why: u32) {
    out.u32(xid);
    out.u32(1);
    out.u32(1);
    out.u32(why);
}

fn unauthenticated(xid: u32, out: &mut Writer, why: u32) {
    denied(xid, out, 1);
    out.u32(why);
}
