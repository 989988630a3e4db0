//! Program PORTMAP, version 2 (RFC 1833 §3): says that all programs are on the port that was asked.
//!
//! A client that is told the ports needs it not; it is here for those that ask all the same.

use crate::{
    mount,
    nfs3::{self, access_lists},
    rpc::Refusal,
    xdr::{Reader, Writer},
};

/// The number of the program.
pub(crate) const PROGRAM: u32 = 100_000;
/// The only version of it here: later ones are rpcbind's.
pub(crate) const VERSION: u32 = 2;

/// The number of TCP.
const TCP: u32 = 6;
/// Program and version of what is here.
const SERVICES: [(u32, u32); 4] = [
    (PROGRAM, VERSION),
    (nfs3::PROGRAM, nfs3::VERSION),
    (mount::PROGRAM, mount::VERSION),
    (access_lists::PROGRAM, access_lists::VERSION),
];

/// Answers a call that came to this port.
pub(crate) fn answer(
    procedure: u32,
    mut arguments: Reader<'_>,
    port: u16,
    out: &mut Writer,
) -> Result<(), Refusal> {
    match procedure {
        0 => {}
        // PMAPPROC_GETPORT; the port that the client says is not looked at.
        3 => {
            let service = (arguments.u32()?, arguments.u32()?);
            let protocol = arguments.u32()?;
            let here = protocol == TCP && SERVICES.contains(&service);
            out.u32(if here { port.into() } else { 0 });
        }
        // PMAPPROC_DUMP
        4 => {
            for (program, version) in SERVICES {
                out.boolean(true);
                for value in [program, version, TCP, port.into()] {
                    out.u32(value);
                }
            }
            out.boolean(false);
        }
        _ => return Err(Refusal::NoProcedure),
    }
    Ok(())
}
