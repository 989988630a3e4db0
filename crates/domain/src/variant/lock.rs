//! What a variant's packages resolved to: exactly this is installed and removed.

use serde::{Deserialize, Serialize};

use super::Definition;
use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    lock::{LockedKernel, LockedPackage},
};

/// What a variant changes of its base's packages, found by apt's own simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VariantLock {
    /// Form of this record; 1.
    pub schema: u32,
    /// Manifest of the release that it changes.
    pub base: Digest,
    /// The time that everything in the layer has: seconds since 1970-01-01 UTC.
    pub epoch: i64,
    /// What is installed, ordered by name and architecture.
    pub install: Vec<LockedPackage>,
    /// What becomes of packages that are there, or come along, ordered by name.
    pub changes: Vec<PackageChange>,
    /// Kernels of our own that it takes, ordered by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<LockedKernel>,
    /// What initrds of other kernels are made with; absent where no kernel is swapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busybox: Option<LockedPackage>,
}

/// What becomes of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantPackageChange))]
pub struct PackageChange {
    /// Package name.
    pub name: String,
    /// Debian architecture or `all`.
    pub architecture: String,
    /// Its version in the base; absent where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its version in the variant; absent where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What it takes on the disk, in KiB: of what comes by the archive's index, of what goes by
    /// dpkg's status.
    pub installed_kib: u64,
    /// Whether the base needs it to work at all: essential, or what apt calls important.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
}

impl VariantLock {
    /// The digest by which the manifest names it.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn digest(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }

    /// What is there no more.
    pub fn removed(&self) -> impl Iterator<Item = &PackageChange> {
        self.changes.iter().filter(|it| it.to.is_none())
    }

    /// What a build fetches: the length of all packages in bytes.
    #[must_use]
    pub fn download_size(&self) -> u64 {
        self.install.iter().chain(&self.busybox).map(|it| it.size).fold(0, u64::saturating_add)
    }
}

/// The names of what would be removed and nobody has agreed to.
#[must_use]
pub fn unconfirmed(lock: &VariantLock, definition: &Definition) -> Vec<String> {
    let packages = &definition.packages;
    let agreed =
        |name: &String| packages.remove.contains(name) || packages.accept_removal.contains(name);
    lock.removed().map(|it| it.name.clone()).filter(|name| !agreed(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variant::Packages;

    #[test]
    fn removals_that_nobody_asked_for_need_a_word() {
        let change = |name: &str, to: Option<&str>| PackageChange {
            name: name.to_owned(),
            architecture: "amd64".to_owned(),
            from: Some("1".to_owned()),
            to: to.map(ToOwned::to_owned),
            installed_kib: 1,
            essential: false,
        };
        let lock = VariantLock {
            schema: 1,
            base: Digest::of("base"),
            epoch: 1,
            install: Vec::new(),
            changes: vec![
                change("asked", None),
                change("agreed", None),
                change("upgraded", Some("2")),
                change("half-the-system", None),
            ],
            kernels: Vec::new(),
            busybox: None,
        };
        let definition = Definition {
            packages: Packages {
                add: Vec::new(),
                remove: vec!["asked".to_owned()],
                accept_removal: vec!["agreed".to_owned()],
            },
            ..Definition::default()
        };
        assert_eq!(unconfirmed(&lock, &definition), ["half-the-system"]);
    }
}
