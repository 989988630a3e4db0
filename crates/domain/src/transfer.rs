//! Transfers: what the boot listener sent to a machine, by its own counters.
//!
//! The listener records them, a run reads them: the bytes and times of its first stages come from
//! here, never from the machine.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What kind of thing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferKind {
    /// An iPXE script.
    Script,
    /// A kernel.
    Kernel,
    /// An initrd.
    Initrd,
    /// An image of the rootfs.
    Image,
    /// Something else, such as a kernel's configuration.
    Other,
}

/// One answer of the boot listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// What kind of thing was asked for.
    pub kind: TransferKind,
    /// The path that was asked for.
    pub path: String,
    /// When the request had been read.
    pub started_at: Timestamp,
    /// When the last byte had been handed to the network, or the transfer broke off.
    pub ended_at: Timestamp,
    /// Bytes of the body that were sent.
    pub bytes: u64,
    /// The HTTP status that the answer stands for.
    pub status: u16,
    /// Whether everything that was promised was sent.
    pub complete: bool,
    /// Why it was refused; empty where it was not.
    pub refusal: String,
}

impl Transfer {
    /// Whether the request was answered with what it asked for.
    #[must_use]
    pub const fn served(&self) -> bool {
        self.status < 400
    }
}
