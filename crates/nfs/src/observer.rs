//! Who is told what clients do.

use std::net::IpAddr;

use crate::{ExportId, MountRefused};

/// Is told of mounts and of what is read. Called on the threads that answer: it must not wait for anything.
pub trait Observer: Send + Sync {
    /// A client asked to mount a path.
    fn mounted(&self, client: IpAddr, path: &[u8], outcome: Result<ExportId, MountRefused>) {
        let _ = (client, path, outcome);
    }

    /// A client is sent so many bytes of a file of an export.
    fn read(&self, client: IpAddr, export: ExportId, bytes: usize) {
        let _ = (client, export, bytes);
    }
}

/// Takes no notice.
pub(crate) struct Nobody;

impl Observer for Nobody {}
