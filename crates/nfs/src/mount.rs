//! Program MOUNT, version 3 (RFC 1813 §5): turns a path into the handle of the directory at its top.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{
    ExportId, MountRefused, NAME_MAX, Status, handle,
    nfs3::Service,
    rpc::{AUTH_NONE, AUTH_SYS, Refusal},
    xdr::{Reader, Writer},
};

/// The number of the program.
pub(crate) const PROGRAM: u32 = 100_005;
/// The only version of it here.
pub(crate) const VERSION: u32 = 3;

/// The longest path, in bytes (RFC 1813 §5.1.1).
const LONGEST_PATH: usize = 1024;
/// How many mounts are remembered, to be told by DUMP.
const MOST_REMEMBERED: usize = 1024;

/// Who has mounted what, as far as is known: clients end without a word, and what they mounted before a
/// restart of the server is forgotten (RFC 1813 §5.2.2 asks for no more).
#[derive(Default)]
pub(crate) struct Mounts(Mutex<BTreeSet<(IpAddr, Vec<u8>)>>);

impl Mounts {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeSet<(IpAddr, Vec<u8>)>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a client's call.
    pub(crate) fn answer(
        &self,
        service: &Service,
        client: IpAddr,
        procedure: u32,
        mut arguments: Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Refusal> {
        match procedure {
            0 => {}
            1 => self.mount(service, client, arguments.opaque(LONGEST_PATH)?, out),
            // MOUNTPROC3_DUMP
            2 => self.with(|all| {
                for (client, path) in all.iter() {
                    out.boolean(true);
                    out.opaque(client.to_string().as_bytes());
                    out.opaque(path);
                }
                out.boolean(false);
            }),
            // MOUNTPROC3_UMNT
            3 => {
                let path = arguments.opaque(LONGEST_PATH)?;
                self.with(|all| all.remove(&(client, path.to_vec())));
                tracing::debug!(%client, path = %path.escape_ascii(), "unmounted over NFS");
            }
            // MOUNTPROC3_UMNTALL
            4 => self.with(|all| all.retain(|(other, _)| *other != client)),
            // MOUNTPROC3_EXPORT
            5 => {
                for path in service.exports.paths() {
                    out.boolean(true);
                    out.opaque(path.as_bytes());
                    // For which clients: that is not told.
                    out.boolean(false);
                }
                out.boolean(false);
            }
            _ => return Err(Refusal::NoProcedure),
        }
        Ok(())
    }

    fn mount(&self, service: &Service, client: IpAddr, path: &[u8], out: &mut Writer) {
        let mounted = top(service, client, path);
        let outcome = mounted.as_ref().map(|it| it.0).map_err(|error| *error);
        service.observer.mounted(client, path, outcome);
        match mounted {
            Ok((_, handle)) => {
                tracing::info!(%client, path = %path.escape_ascii(), "mounted over NFS");
                self.with(|all| {
                    if all.len() < MOST_REMEMBERED {
                        all.insert((client, path.to_vec()));
                    }
                });
                out.u32(0);
                out.opaque(&handle);
                out.u32(2);
                out.u32(AUTH_SYS);
                out.u32(AUTH_NONE);
            }
            Err(error) => {
                tracing::info!(%client, path = %path.escape_ascii(), %error, "no mount over NFS");
                out.u32(match error {
                    MountRefused::NotFound => 2,
                    MountRefused::Io => 5,
                    MountRefused::Denied => 13,
                });
            }
        }
    }
}

/// The export at a path and the handle of its top.
fn top(
    service: &Service,
    client: IpAddr,
    path: &[u8],
) -> Result<(ExportId, [u8; handle::LENGTH]), MountRefused> {
    if path.contains(&0) || path.split(|byte| *byte == b'/').any(|name| name.len() > NAME_MAX) {
        return Err(MountRefused::NotFound);
    }
    let export = service.exports.mount(path, client)?;
    let files = service.exports.export(export, client).map_err(|status| match status {
        Status::Denied => MountRefused::Denied,
        Status::Stale | Status::NotFound => MountRefused::NotFound,
        _ => MountRefused::Io,
    })?;
    Ok((export, service.key.seal(export, files.root())))
}
