//! Manifests: what a release is made of. The manifest's digest is the release's identity.
//!
//! Content only: no times, no host, no candidate number, no rendered menu (DESIGN.md §4).

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    kernel::Flavor,
    recipe::RootMethod,
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
    /// Digest of the lock that everything was built from; an imported release has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Digest>,
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
    /// A Linux kernel that a boot loader can start.
    Kernel,
    /// A Xen hypervisor that a boot loader can start, not compressed.
    Hypervisor,
    /// The initrd that loads and stacks the images.
    Initrd,
    /// The kernel's configuration.
    Config,
    /// Answers to an installer's questions.
    Preseed,
    /// A `.deb` of a kernel of our own: image, headers, symbols.
    Package,
}

impl ComponentRole {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Kernel => "kernel",
            Self::Hypervisor => "hypervisor",
            Self::Initrd => "initrd",
            Self::Config => "config",
            Self::Preseed => "preseed",
            Self::Package => "package",
        }
    }
}

/// What an alias stands for in this release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BoundKernel {
    /// The stable name that entries use.
    pub alias: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Flavor::is_linux")]
    pub flavor: Flavor,
    /// What `uname -r` prints, such as `6.1.0-40-cloud-amd64`; of a hypervisor the version that
    /// `xl info` prints, such as `4.17.7`.
    pub release: String,
    /// Name of the kernel or hypervisor component.
    pub image: String,
    /// Name of the initrd component made for it; a hypervisor has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<String>,
    /// Name of the configuration component; an imported kernel may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

/// One way to boot, of a recipe's menu and of the release that is built from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum BootEntry {
    /// A Linux kernel with our initrd.
    Linux {
        /// Stable name: robots and plans use it.
        label: String,
        /// What the menu shows.
        text: String,
        /// Alias of a Linux kernel.
        kernel: String,
        /// How the rootfs reaches the machine.
        root: RootMethod,
        /// Kernel arguments besides those that Bootwright adds.
        arguments: String,
    },
    /// A Xen hypervisor with a Linux kernel and our initrd as its dom0.
    Xen {
        /// Stable name.
        label: String,
        /// What the menu shows.
        text: String,
        /// Alias of a hypervisor.
        hypervisor: String,
        /// The hypervisor's arguments.
        hypervisor_arguments: String,
        /// Alias of the Linux kernel of dom0.
        kernel: String,
        /// How the rootfs reaches dom0.
        root: RootMethod,
        /// Arguments of dom0's kernel besides those that Bootwright adds.
        arguments: String,
    },
    /// Somebody else's kernel and initrd, such as an installer.
    Installer {
        /// Stable name.
        label: String,
        /// What the menu shows.
        text: String,
        /// URL of the kernel.
        kernel: String,
        /// URL of the initrd.
        initrd: String,
        /// Name of one of the recipe's preseeds, which the installer is told to load.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preseed: Option<String>,
        /// Kernel arguments.
        arguments: String,
    },
    /// Another iPXE script.
    Chain {
        /// Stable name.
        label: String,
        /// What the menu shows.
        text: String,
        /// URL of the script.
        script: String,
    },
}

impl BootEntry {
    /// The stable name of the entry.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Linux { label, .. }
            | Self::Xen { label, .. }
            | Self::Installer { label, .. }
            | Self::Chain { label, .. } => label,
        }
    }

    /// What the menu shows.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Linux { text, .. }
            | Self::Xen { text, .. }
            | Self::Installer { text, .. }
            | Self::Chain { text, .. } => text,
        }
    }

    /// What kind of entry it is.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Linux { .. } => EntryKind::Linux,
            Self::Xen { .. } => EntryKind::Xen,
            Self::Installer { .. } => EntryKind::Installer,
            Self::Chain { .. } => EntryKind::Chain,
        }
    }

    /// What is handed to each program that it starts; none where it starts nothing itself.
    #[must_use]
    pub fn arguments(&self) -> Vec<&str> {
        match self {
            Self::Linux { arguments, .. } | Self::Installer { arguments, .. } => vec![arguments],
            Self::Xen { hypervisor_arguments, arguments, .. } => {
                vec![hypervisor_arguments, arguments]
            }
            Self::Chain { .. } => Vec::new(),
        }
    }

    /// Alias of the Linux kernel that runs the rootfs; `None` where the release's rootfs is not
    /// what it boots.
    #[must_use]
    pub fn kernel(&self) -> Option<&str> {
        match self {
            Self::Linux { kernel, .. } | Self::Xen { kernel, .. } => Some(kernel),
            Self::Installer { .. } | Self::Chain { .. } => None,
        }
    }

    /// Alias of the hypervisor.
    #[must_use]
    pub fn hypervisor(&self) -> Option<&str> {
        match self {
            Self::Xen { hypervisor, .. } => Some(hypervisor),
            _ => None,
        }
    }

    /// How the release's rootfs reaches the machine; `None` where that is not what it boots.
    #[must_use]
    pub const fn root(&self) -> Option<RootMethod> {
        match self {
            Self::Linux { root, .. } | Self::Xen { root, .. } => Some(*root),
            Self::Installer { .. } | Self::Chain { .. } => None,
        }
    }

    /// The same under another label and text.
    #[must_use]
    pub fn renamed(&self, to_label: &str, to_text: &str) -> Self {
        let mut renamed = self.clone();
        match &mut renamed {
            Self::Linux { label, text, .. }
            | Self::Xen { label, text, .. }
            | Self::Installer { label, text, .. }
            | Self::Chain { label, text, .. } => {
                to_label.clone_into(label);
                to_text.clone_into(text);
            }
        }
        renamed
    }

    /// The same with another Linux kernel, where it starts one.
    #[must_use]
    pub fn with_kernel(&self, alias: &str) -> Self {
        let mut other = self.clone();
        if let Self::Linux { kernel, .. } | Self::Xen { kernel, .. } = &mut other {
            alias.clone_into(kernel);
        }
        other
    }

    /// What is set of it, by the names that a recipe uses, without its label.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("text", self.text().to_owned())];
        // An entry of Linux kernel is what nobody has to name.
        if self.kind() != EntryKind::Linux {
            fields.push(("kind", self.kind().word().to_owned()));
        }
        let mut field = |name, value: &str| fields.push((name, value.to_owned()));
        match self {
            Self::Linux { kernel, root, arguments, .. } => {
                field("kernel", kernel);
                field("root", root.word());
                if let Some(nfs) = root.nfs() {
                    field("nfs", &nfs.to_string());
                }
                field("arguments", arguments);
            }
            Self::Xen { hypervisor, hypervisor_arguments, kernel, root, arguments, .. } => {
                field("hypervisor", hypervisor);
                field("hypervisor_arguments", hypervisor_arguments);
                field("kernel", kernel);
                field("root", root.word());
                if let Some(nfs) = root.nfs() {
                    field("nfs", &nfs.to_string());
                }
                field("arguments", arguments);
            }
            Self::Installer { kernel, initrd, preseed, arguments, .. } => {
                field("kernel", kernel);
                field("initrd", initrd);
                if let Some(preseed) = preseed {
                    field("preseed", preseed);
                }
                field("arguments", arguments);
            }
            Self::Chain { script, .. } => field("script", script),
        }
        fields
    }
}

/// What kind of boot entry one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A Linux kernel with our initrd.
    Linux,
    /// A Xen hypervisor with its dom0.
    Xen,
    /// Somebody else's kernel and initrd.
    Installer,
    /// Another iPXE script.
    Chain,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Linux, Self::Xen, Self::Installer, Self::Chain];

    /// The word in recipes and manifests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Xen => "xen",
            Self::Installer => "installer",
            Self::Chain => "chain",
        }
    }

    /// The word for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Xen => "Xen",
            Self::Installer => "Installer",
            Self::Chain => "Chain",
        }
    }

    /// Whether the release's own rootfs is what it boots.
    #[must_use]
    pub const fn boots_rootfs(self) -> bool {
        matches!(self, Self::Linux | Self::Xen)
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

    /// What the entry of that label runs: `6.1.0-40-amd64`, `6.1.0-40-amd64 on Xen 4.17.7`; empty where
    /// it boots what the release does not hold.
    #[must_use]
    pub fn kernel_of(&self, label: &str) -> String {
        let entry = self.entry(label);
        let release = |alias: &str| self.kernel(alias).map(|it| it.release.clone());
        let Some(kernel) = entry.and_then(BootEntry::kernel).and_then(release) else {
            return String::new();
        };
        match entry.and_then(BootEntry::hypervisor).and_then(release) {
            Some(hypervisor) => format!("{kernel} on Xen {hypervisor}"),
            None => kernel,
        }
    }

    /// The entry of that label.
    #[must_use]
    pub fn entry(&self, label: &str) -> Option<&BootEntry> {
        self.entries.iter().find(|entry| entry.label() == label)
    }
}
