//! What a variant changes of its base release.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    kernel::{Flavor, UploadedFile},
    packages::pinned_suites,
    recipe::{Services, User},
};

/// How long a script may take where nothing else is said, in seconds.
pub const SCRIPT_LIMIT: u32 = 600;
/// The longest that a script may be given, in seconds.
pub const LONGEST_SCRIPT_LIMIT: u32 = 3600;

/// What a variant changes of a release, as a person asks for it. Its text is TOML with the names of
/// these fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantDefinition))]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Name of the release that it changes; what production runs where empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// Another host name than the release's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Packages to add and remove.
    #[serde(default, skip_serializing_if = "is_default")]
    pub packages: Packages,
    /// systemd units to switch on and off.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub services: Services,
    /// What the kernels are told besides.
    #[serde(default, skip_serializing_if = "is_default")]
    pub boot: Boot,
    /// Accounts to add; one for `root` sets its password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Object>))]
    pub users: Vec<User>,
    /// Files to write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Kernels to swap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<Kernel>,
    /// An Ansible playbook that is played on the rootfs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<Playbook>,
    /// What is left: a shell script that runs in the rootfs, last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Packages that a variant adds and removes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantPackages))]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Names, or `name/suite` where another suite than the base's is to give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Names; their configuration goes too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// What may be removed along with those, by name: what needs something that goes. Nothing else
    /// ever is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept_removal: Vec<String>,
}

/// What the kernels of a variant are told besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantBoot))]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// Added to the arguments of Linux in each entry that boots the rootfs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
    /// Added to the arguments of the hypervisor.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hypervisor_arguments: String,
}

/// A file of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantFile))]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute path; missing folders are made.
    pub path: String,
    /// Octal mode such as `0644`.
    #[serde(default = "plain_mode")]
    pub mode: String,
    /// `user:group` by name in the rootfs.
    #[serde(default = "root_owner")]
    pub owner: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What it holds, where that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadedFile>,
}

fn plain_mode() -> String {
    "0644".to_owned()
}

fn root_owner() -> String {
    "root:root".to_owned()
}

/// A kernel of a variant: one of the four ways to name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantKernel))]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The alias that stands for it from now on. One that the base lacks, such as `vmlinuz-dev`,
    /// gets a boot entry of its own.
    pub alias: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Flavor::is_linux")]
    pub flavor: Flavor,
    /// A package of the base's suite, or `name/suite` where another is to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// A kernel of the list Kernels, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// `.deb`s that were built elsewhere and uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<UploadedFile>,
    /// An uploaded bzImage; alone, it has everything built in that it needs to boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<UploadedFile>,
}

/// An Ansible playbook: its text, or an archive of roles that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantPlaybook))]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The file of the archive to play; `site.yml` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A playbook in YAML. Its plays are for `all` hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// An uploaded tar archive with the playbook and its roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<UploadedFile>,
}

/// A shell script that runs in the rootfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantScript))]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// For `/bin/sh`, which ends at the first command that fails.
    pub content: String,
    /// How long it may take, in seconds.
    #[serde(default = "script_limit")]
    pub limit_seconds: u32,
}

const fn script_limit() -> u32 {
    SCRIPT_LIMIT
}

impl Definition {
    /// Whether it changes nothing of its base.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { base: self.base.clone(), ..Self::default() }
    }

    /// The suites besides the base's own that packages are taken from, in order.
    #[must_use]
    pub fn suites(&self) -> Vec<String> {
        let kernels = self.kernels.iter().filter_map(|it| it.package.as_deref());
        pinned_suites(self.packages.add.iter().map(String::as_str).chain(kernels))
    }

    /// Names of the kernels of the list Kernels that it takes, each once, with their flavors.
    #[must_use]
    pub fn own_kernels(&self) -> std::collections::BTreeMap<&str, Flavor> {
        self.kernels.iter().filter_map(|it| Some((it.kernel.as_deref()?, it.flavor))).collect()
    }

    /// Every upload that it names.
    pub fn uploads(&self) -> impl Iterator<Item = &UploadedFile> {
        let kernels = self.kernels.iter().flat_map(|it| it.packages.iter().chain(&it.image));
        let files = self.files.iter().filter_map(|it| it.upload.as_ref());
        let playbook = self.playbook.iter().filter_map(|it| it.archive.as_ref());
        kernels.chain(files).chain(playbook)
    }

    /// Whether its kernels or packages need the archive's index.
    #[must_use]
    pub fn asks_apt(&self) -> bool {
        let Packages { add, remove, .. } = &self.packages;
        !add.is_empty() || !remove.is_empty() || self.installs_kernels()
    }

    /// Whether one of its kernels comes as packages.
    #[must_use]
    pub fn installs_kernels(&self) -> bool {
        self.kernels.iter().any(|it| !it.is_bare())
    }
}

impl Kernel {
    /// Whether it is an image alone, without packages.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.package.is_none() && self.kernel.is_none() && self.packages.is_empty()
    }

    /// What it comes from, in a few words.
    #[must_use]
    pub fn origin(&self) -> String {
        let uploads = || {
            let names: Vec<&str> =
                self.packages.iter().chain(&self.image).map(|it| it.name.as_str()).collect();
            format!("upload {}", names.join(", "))
        };
        match (&self.package, &self.kernel) {
            (Some(package), _) => format!("package {package}"),
            (None, Some(kernel)) => format!("kernel {kernel}"),
            (None, None) => uploads(),
        }
    }
}

/// What is uploaded, by its digest.
#[must_use]
pub fn upload_digests(definition: &Definition) -> BTreeSet<Digest> {
    definition.uploads().map(|it| it.sha256).collect()
}
