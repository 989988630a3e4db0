//! A blob as other things refer to it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Bytes in the blob store, by name and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Length in bytes.
    pub size: u64,
}
