//! Packages as a release holds them, whether a lock names them or a rootfs that was brought along.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    lock::{Lock, LockedPackage, Part},
    recipe::nearest::nearest,
};

/// The origin of a package that came inside a rootfs: nobody knows from where that had it.
pub const IMPORTED: &str = "imported";

/// A package of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HeldPackage {
    /// Where it is: in the rootfs, there with a kernel, or in the initrd.
    pub part: Part,
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Debian architecture or `all`.
    pub architecture: String,
    /// Length of the `.deb` in bytes; not known of a rootfs that was imported.
    pub size: Option<u64>,
    /// SHA-256 of the `.deb`; not known of a rootfs that was imported.
    pub sha256: Option<Digest>,
    /// Suite and component, such as `bookworm/main`; `imported` in a rootfs that was imported.
    pub origin: String,
    /// Path below the mirror's root; not known of a rootfs that was imported.
    pub path: Option<String>,
}

/// Splits `name/suite`, a package that another suite than the usual one is to give.
#[must_use]
pub fn pinned(package: &str) -> (&str, Option<&str>) {
    package.split_once('/').map_or((package, None), |(name, suite)| (name, Some(suite)))
}

/// The suites that packages are pinned to, each once, in order.
#[must_use]
pub fn pinned_suites<'a>(packages: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let suites: std::collections::BTreeSet<&str> =
        packages.into_iter().filter_map(|it| pinned(it).1).collect();
    suites.into_iter().map(ToOwned::to_owned).collect()
}

/// Up to three of `known` that are nearest to `name`: for somebody who mistyped it.
#[must_use]
pub fn nearest_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut left: std::collections::BTreeSet<&str> = known.into_iter().collect();
    let mut found = Vec::new();
    while let Some(near) = nearest(name, left.iter().copied()).filter(|_| found.len() < 3) {
        left.remove(near);
        found.push(near);
    }
    found
}

impl HeldPackage {
    /// A package that a rootfs says is installed.
    #[must_use]
    pub fn imported(name: String, version: String, architecture: String) -> Self {
        Self {
            part: Part::Rootfs,
            name,
            version,
            architecture,
            size: None,
            sha256: None,
            origin: IMPORTED.to_owned(),
            path: None,
        }
    }

    /// Whether it is installed in the rootfs, with a kernel or without.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.part != Part::Initrd
    }
}

impl From<LockedPackage> for HeldPackage {
    fn from(locked: LockedPackage) -> Self {
        Self {
            part: locked.part,
            name: locked.name,
            version: locked.version,
            architecture: locked.architecture,
            size: Some(locked.size),
            sha256: Some(locked.sha256),
            origin: locked.origin,
            path: Some(locked.path),
        }
    }
}

/// The packages of a lock, in its order.
#[must_use]
pub fn of_lock(lock: &Lock) -> Vec<HeldPackage> {
    lock.packages.iter().cloned().map(HeldPackage::from).collect()
}
