//! What came out of a kernel's build, and from what: by this record it can be built again anywhere.

use serde::{Deserialize, Serialize};

use super::{BuildMode, Flavor};
use crate::{blob::BlobRef, digest::Digest};

/// What a complete build came to. Content only: two builds from the same inputs give the same record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = KernelRecord))]
pub struct Record {
    /// Form of this record; 1.
    pub schema: u32,
    /// What it is.
    pub flavor: Flavor,
    /// What `uname -r` prints; of a hypervisor the version that `xl info` prints.
    pub release: String,
    /// Whether a compiler cache had a part in it.
    pub mode: BuildMode,
    /// What it was made from.
    pub source: SourceRecord,
    /// `SOURCE_DATE_EPOCH` of the build, in seconds since 1970-01-01 UTC: when the source was
    /// changed last.
    pub epoch: i64,
    /// Programs that took part, with their versions, ordered; none where nothing was compiled.
    pub toolchain: Vec<String>,
    /// Every file that came out, ordered by name.
    pub files: Vec<KernelFile>,
    /// What the `.deb`s among the files install.
    pub packages: Vec<KernelPackage>,
    /// A shell script that builds the same bytes anywhere from the same source; empty where nothing
    /// was compiled.
    pub commands: String,
}

/// Where the source came from, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceRecord {
    /// The source in a few words, with the version that was found.
    pub origin: String,
    /// SHA-256 of the archive, or of the canonical list of packages.
    pub sha256: Digest,
    /// The commit, where it comes from a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// SHA-256 of each patch, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Digest>,
}

/// A file that a kernel's build gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KernelFile {
    /// What it is for.
    pub role: KernelFileRole,
    /// File name, unique in the record.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
}

/// What a file of a kernel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KernelFileRole {
    /// A `.deb`.
    Package,
    /// `vmlinuz-<release>`, or the hypervisor, not compressed.
    Image,
    /// `config-<release>`.
    Config,
    /// `System.map-<release>`.
    SystemMap,
}

impl KernelFileRole {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Image => "image",
            Self::Config => "config",
            Self::SystemMap => "system map",
        }
    }
}

/// A package among the files of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KernelPackage {
    /// Package name, such as `linux-image-6.1.170-lab`.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Debian architecture.
    pub architecture: String,
    /// The file of the record.
    pub file: String,
    /// Whether it holds the kernel that a boot loader starts.
    pub holds_kernel: bool,
}

impl KernelFile {
    /// Its bytes in the blob store.
    #[must_use]
    pub const fn blob(&self) -> BlobRef {
        BlobRef { sha256: self.sha256, size: self.size }
    }
}

impl Record {
    /// The file of that role; of packages the first.
    #[must_use]
    pub fn file(&self, role: KernelFileRole) -> Option<&KernelFile> {
        self.files.iter().find(|file| file.role == role)
    }

    /// The package that holds the kernel.
    #[must_use]
    pub fn kernel_package(&self) -> Option<&KernelPackage> {
        self.packages.iter().find(|package| package.holds_kernel)
    }

    /// Length of all files together, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).fold(0, u64::saturating_add)
    }
}
