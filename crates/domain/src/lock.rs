//! Locks: what a recipe revision resolved to. Building from a lock needs no mirror.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
};

/// Every package of a build, and the build's epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Form of this record; 1.
    pub schema: u32,
    /// Debian suite.
    pub suite: String,
    /// Debian architecture.
    pub architecture: String,
    /// `SOURCE_DATE_EPOCH` of everything that is built: seconds since 1970-01-01 UTC. A lock
    /// whose packages are those of the recipe's former lock keeps the former's epoch.
    pub epoch: i64,
    /// Ordered by part, name and architecture.
    pub packages: Vec<LockedPackage>,
}

/// One `.deb` of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    /// Which step installs it.
    pub part: Part,
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Debian architecture or `all`.
    pub architecture: String,
    /// Length of the `.deb` in bytes.
    pub size: u64,
    /// SHA-256 of the `.deb`.
    pub sha256: Digest,
    /// Where it came from: suite and component, such as `bookworm/main`.
    pub origin: String,
    /// Path below the mirror's root, such as `pool/main/b/bash/bash_5.2.15-2+b2_amd64.deb`.
    pub path: String,
}

/// Which step uses a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Installed by the bootstrap.
    Rootfs,
    /// Installed with a kernel, above the bootstrap.
    Kernel,
    /// Unpacked into the initrd, never installed.
    Initrd,
}

impl Lock {
    /// The digest by which manifests and releases name this lock.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn digest(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }
}
