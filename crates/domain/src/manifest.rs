//! Manifests: what a release is made of. The manifest's digest is the release's identity.
//!
//! Content only: no times, no host, no candidate number, no rendered menu (DESIGN.md §4).

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    recipe::{Menu, RootMethod},
    version::TargetVersion,
};

/// Everything that a release consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// Form of this record; 1.
    pub schema: u32,
    /// The version that stands inside the image.
    pub version: TargetVersion,
    /// Debian architecture.
    pub architecture: String,
    /// Every file, ordered by name.
    pub components: Vec<Component>,
    /// Names of the images, from the lowest layer to the highest.
    pub images: Vec<String>,
    /// What each alias stands for, ordered by alias.
    pub kernels: Vec<BoundKernel>,
    /// The boot entries in menu order.
    pub entries: Vec<BootEntry>,
    /// Label of the entry that an unattended machine boots.
    pub default_entry: String,
    /// How long the menu waits for a key, in milliseconds.
    pub timeout_ms: u32,
    /// Digest of the lock that everything was built from.
    pub lock: Digest,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Component {
    /// What it is for.
    pub role: ComponentRole,
    /// File name, unique in the release: `rootfs.squashfs`, `vmlinuz-6.1.0-40-cloud-amd64`.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
}

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ComponentRole {
    /// A SquashFS image of the rootfs.
    Image,
    /// A kernel that a boot loader can start.
    Kernel,
    /// The initrd that loads and stacks the images.
    Initrd,
    /// The kernel's configuration.
    Config,
}

impl ComponentRole {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Config => "config",
        }
    }
}

/// What an alias stands for in this release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BoundKernel {
    /// The stable name that entries use.
    pub alias: String,
    /// What `uname -r` prints, such as `6.1.0-40-cloud-amd64`.
    pub release: String,
    /// Name of the kernel component.
    pub image: String,
    /// Name of the initrd component made for it.
    pub initrd: String,
    /// Name of the configuration component.
    pub config: String,
}

/// One way to boot the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum BootEntry {
    /// A Linux kernel with our initrd.
    Linux {
        /// Stable name.
        label: String,
        /// What the menu shows.
        text: String,
        /// Alias of a bound kernel.
        kernel: String,
        /// How the rootfs reaches the machine.
        root: RootMethod,
        /// Kernel arguments of the recipe.
        arguments: String,
    },
}

impl BootEntry {
    /// The stable name of the entry.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Linux { label, .. } => label,
        }
    }

    /// What the menu shows.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Linux { text, .. } => text,
        }
    }
}

impl Manifest {
    /// Canonical JSON: the bytes that are signed.
    ///
    /// # Errors
    /// As [`canonical::to_vec`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }

    /// The release's identity.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn digest(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }

    /// The component of that name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// The kernel that an alias stands for.
    #[must_use]
    pub fn kernel(&self, alias: &str) -> Option<&BoundKernel> {
        self.kernels.iter().find(|kernel| kernel.alias == alias)
    }

    /// The entry of that label.
    #[must_use]
    pub fn entry(&self, label: &str) -> Option<&BootEntry> {
        self.entries.iter().find(|entry| entry.label() == label)
    }

    /// Builds the boot part from a recipe's menu.
    #[must_use]
    pub fn entries_of(menu: &Menu) -> Vec<BootEntry> {
        menu.entries
            .iter()
            .map(|entry| BootEntry::Linux {
                label: entry.label.clone(),
                text: entry.text.clone(),
                kernel: entry.kernel.clone(),
                root: entry.root,
                arguments: entry.arguments.clone(),
            })
            .collect()
    }
}
