//! Program NFSACL, version 3: says that no file has a list of access beyond its mode.
//!
//! It has no RFC; `fs/nfs/nfs3acl.c` and `fs/nfs_common/nfsacl.c` of Linux are what clients do. A client that
//! finds no such program is content, but overlayfs is not: it asks for the lists of the files below it, takes "not
//! supported" for an error, and lets nobody but root run a program there.

use super::{Conversation, Service, answer, request::LONGEST_HANDLE};
use crate::{
    Caller, Status,
    rpc::Refusal,
    xdr::{Reader, Writer},
};

/// The number of the program.
pub(crate) const PROGRAM: u32 = 100_227;
/// The only version of it here.
pub(crate) const VERSION: u32 = 3;

/// What GETACL may ask for: lists of access and of what new files get, and how many entries these have.
const MASK: u32 = 0x0f;

impl Service {
    /// Answers a call of NFSACL.
    pub(crate) fn access_lists(
        &self,
        caller: &Caller,
        procedure: u32,
        mut arguments: Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Refusal> {
        match procedure {
            0 => return Ok(()),
            // GETACL, and SETACL, whose lists are not looked at.
            1 | 2 => {}
            _ => return Err(Refusal::NoProcedure),
        }
        let (file, mask) = (arguments.opaque(LONGEST_HANDLE)?, arguments.u32()?);
        let mut conversation = Conversation { service: self, caller, out };
        let target = conversation.open(file);
        let wanted = match &target {
            Ok(target) if procedure == 1 => target.attributes().map(drop),
            Ok(_) => Err(Status::NotSupported),
            Err(status) => Err(*status),
        };
        conversation.outcome(&wanted);
        match &target {
            Ok(target) => conversation.now(target, target.file),
            Err(_) => answer::absent(conversation.out),
        }
        if wanted.is_ok() {
            conversation.out.u32(mask & MASK);
            // Of each list the number of its entries, and an array without any.
            for _ in 0..2 {
                conversation.out.u32(0);
                conversation.out.u32(0);
            }
        }
        Ok(())
    }
}
