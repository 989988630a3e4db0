//! Locks: what a recipe revision resolved to. Building from a lock needs no mirror.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    kernel::{Flavor, Record},
};

/// Every package of a build, and the build's epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    /// Kernels that are components of their own, ordered by name; what each installs stands among
    /// the packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<LockedKernel>,
}

/// A kernel of our own making, as a lock holds it: the release needs nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LockedKernel {
    /// The name by which the recipe names it.
    pub name: String,
    /// What it is.
    pub flavor: Flavor,
    /// SHA-256 of its record's canonical JSON.
    pub record: Digest,
    /// The package that holds what a boot loader starts: the one that is installed.
    pub package: String,
    /// All its `.deb`s, ordered by name: headers and symbols are handed out with the release.
    pub files: Vec<LockedFile>,
}

/// A file of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LockedFile {
    /// File name.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
}

/// Where the packages of our own kernels come from, before the kernel's name.
const OWN_ORIGIN: &str = "kernel/";

/// One `.deb` of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    /// Where it came from: suite and component, such as `bookworm/main`, or `kernel/<name>`.
    pub origin: String,
    /// Path below the mirror's root, such as `pool/main/b/bash/bash_5.2.15-2+b2_amd64.deb`; empty
    /// where no mirror has it.
    pub path: String,
}

impl LockedPackage {
    /// What a kernel of our own installs; `None` where its record names no package that holds it.
    #[must_use]
    pub fn of_kernel(name: &str, record: &Record) -> Option<Self> {
        let package = record.kernel_package()?;
        let file = record.files.iter().find(|file| file.name == package.file)?;
        Some(Self {
            part: Part::Kernel,
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            size: file.size,
            sha256: file.sha256,
            origin: format!("{OWN_ORIGIN}{name}"),
            path: String::new(),
        })
    }

    /// Whether it was built here, or brought along with a kernel.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.origin.starts_with(OWN_ORIGIN)
    }
}

/// Which step uses a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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

    /// Packages that end up installed in the rootfs, those of kernels included.
    pub fn installed(&self) -> impl Iterator<Item = &LockedPackage> {
        self.packages.iter().filter(|package| package.part != Part::Initrd)
    }

    /// The kernel of our own of that name.
    #[must_use]
    pub fn kernel(&self, name: &str) -> Option<&LockedKernel> {
        self.kernels.iter().find(|kernel| kernel.name == name)
    }

    /// The package of that part and name.
    #[must_use]
    pub fn find(&self, part: Part, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.part == part && package.name == name)
    }

    /// What a build fetches: the length of all packages in bytes.
    #[must_use]
    pub fn download_size(&self) -> u64 {
        self.packages.iter().map(|package| package.size).fold(0, u64::saturating_add)
    }
}

/// Whether two locks hold the same packages of the archive, wherever in it they lie and whatever the
/// epoch: then a new lock keeps the former's epoch, and so the former's bytes.
///
/// Kernels of our own have an epoch of their own: another one leaves the rest as it was.
#[must_use]
pub fn packages_equal(a: &Lock, b: &Lock) -> bool {
    let content = |lock: &Lock| {
        let mut packages: Vec<_> = lock
            .packages
            .iter()
            .filter(|of| !of.is_own())
            .map(|of| {
                (of.part, of.name.clone(), of.architecture.clone(), of.version.clone(), of.sha256)
            })
            .collect();
        packages.sort();
        packages
    };
    a.suite == b.suite && a.architecture == b.architecture && content(a) == content(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(part: Part, name: &str) -> LockedPackage {
        LockedPackage {
            part,
            name: name.to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            size: 10,
            sha256: Digest::of(name),
            origin: "bookworm/main".to_owned(),
            path: "pool/a.deb".to_owned(),
        }
    }

    fn lock() -> Lock {
        Lock {
            schema: 1,
            suite: "bookworm".to_owned(),
            architecture: "amd64".to_owned(),
            epoch: 1,
            packages: vec![
                package(Part::Rootfs, "a"),
                package(Part::Kernel, "b"),
                package(Part::Initrd, "a"),
            ],
            kernels: Vec::new(),
        }
    }

    #[test]
    fn locks_are_equal_by_what_they_hold() {
        let first = lock();
        let mut moved = Lock { epoch: 2, ..lock() };
        moved.packages.reverse();
        moved.packages[0].path = "elsewhere.deb".to_owned();
        assert!(packages_equal(&first, &moved));
        moved.packages[0].sha256 = Digest::of("other bytes");
        assert!(!packages_equal(&first, &moved));
        assert!(!packages_equal(&first, &Lock { suite: "trixie".to_owned(), ..lock() }));
        let mut with_own_kernel = lock();
        let mut own = package(Part::Kernel, "linux-image-6.1.170-lab");
        own.origin = "kernel/lab".to_owned();
        with_own_kernel.packages.push(own);
        assert!(packages_equal(&first, &with_own_kernel));
    }

    #[test]
    fn packages_are_found_by_part() {
        let lock = lock();
        let installed: Vec<&str> = lock.installed().map(|package| package.name.as_str()).collect();
        assert_eq!(installed, ["a", "b"]);
        assert_eq!(lock.find(Part::Initrd, "a").map(|package| package.part), Some(Part::Initrd));
        assert_eq!(lock.find(Part::Kernel, "a"), None);
        assert_eq!(lock.download_size(), 30);
    }
}
