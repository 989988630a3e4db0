//! Recipes: the text that says everything that goes into a rootfs and its boot menu.
//!
//! The text is TOML. [`parse`] gives the recipe or every problem with its line, so that nothing is
//! built from a text that cannot work.

mod boot;
mod entries;
mod fields;
pub mod form;
mod from_variant;
mod kernels;
pub(crate) mod nearest;
mod proposal;
mod read;
pub(crate) mod report;
mod root;
mod slips;
pub(crate) mod syntax;
pub(crate) mod system;
#[cfg(test)]
mod tests;
mod using;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    from_variant::{VariantInRecipe, with_variant},
    proposal::{BroughtKernel, RootfsFacts, propose},
    read::{LONGEST_TEXT, parse},
    root::{InvalidNfsOption, NfsRoot, RootMethod},
    using::{console_login, kernels_named, normalised, starter, unknown_kernels, unknown_packages},
};
pub use crate::variant::Script;
use crate::{
    digest::Digest, ids::RecipeId, kernel::Flavor, manifest::BootEntry, packages::pinned_suites,
    time::Timestamp,
};

/// Whether `alias` can name a kernel of a release.
///
/// # Errors
/// What is wrong with it and what to do.
pub fn check_alias(alias: &str) -> Result<(), String> {
    syntax::alias(alias)
}

/// Whether an account can be called so and have that password.
///
/// # Errors
/// What is wrong and what to do.
pub fn check_account(name: &str, password: &str) -> Result<(), String> {
    syntax::user(name).and_then(|()| syntax::password(password))
}

/// A recipe revision, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Form of this text; 1.
    pub schema: u32,
    /// Debian suite, such as `bookworm`.
    pub suite: String,
    /// Debian architecture; `amd64`.
    pub architecture: String,
    /// Archive components.
    #[serde(default = "main_component")]
    pub components: Vec<String>,
    /// Base URL of the Debian mirror; the build host's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// Packages to install besides the essential ones; dependencies come along. Names, or `name/suite`
    /// where another suite than the recipe's is to give it.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Text of `/etc/issue`, shown above the login prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Accounts; an entry for `root` sets its password.
    #[serde(default)]
    pub users: Vec<User>,
    /// Files to write.
    #[serde(default)]
    pub files: Vec<File>,
    /// systemd units to switch on and off.
    #[serde(default)]
    pub services: Services,
    /// An Ansible playbook that is played on the rootfs once all of the above is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<Playbook>,
    /// What is left: a shell script that runs in the rootfs last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Kernels to install and serve.
    pub kernels: Vec<Kernel>,
    /// Answers to installers' questions, served with the release.
    #[serde(default)]
    pub preseeds: Vec<Preseed>,
    /// The boot menu.
    pub menu: Menu,
}

fn main_component() -> Vec<String> {
    vec!["main".to_owned()]
}

/// An account in the rootfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Account name; `root` exists already.
    pub name: String,
    /// Password in clear text. Whoever reaches the boot network can read the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Groups besides the account's own.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Lines of `~/.ssh/authorized_keys`.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// Login shell.
    #[serde(default = "bash")]
    pub shell: String,
}

fn bash() -> String {
    "/bin/bash".to_owned()
}

/// A file in the rootfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute path; missing folders are made.
    pub path: String,
    /// What the file holds.
    pub content: String,
    /// Octal mode such as `0644`.
    #[serde(default = "plain_mode")]
    pub mode: String,
    /// `user:group` by name in the rootfs.
    #[serde(default = "root_owner")]
    pub owner: String,
}

fn plain_mode() -> String {
    "0644".to_owned()
}

fn root_owner() -> String {
    "root:root".to_owned()
}

/// systemd units to switch on and off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// Units to enable.
    #[serde(default)]
    pub enable: Vec<String>,
    /// Units to disable.
    #[serde(default)]
    pub disable: Vec<String>,
}

/// An Ansible playbook of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The playbook in YAML. Its plays are for `all` hosts.
    pub content: String,
}

/// A kernel of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The stable name that entries use, such as `vmlinuz-6.1.y`. Several may stand for one kernel.
    pub alias: String,
    /// What it is.
    #[serde(default)]
    pub flavor: Flavor,
    /// Where it comes from.
    pub from: KernelFrom,
}

/// Where a kernel of a recipe comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelFrom {
    /// A package of the recipe's suite, such as `linux-image-cloud-amd64` or
    /// `xen-hypervisor-4.17-amd64`, or `name/suite` where another is to give it.
    Package(String),
    /// A kernel that is a component of its own, by its name.
    Kernel(String),
}

impl Recipe {
    /// The suites besides its own that packages are taken from, in order.
    #[must_use]
    pub fn pinned_suites(&self) -> Vec<String> {
        pinned_suites(self.packages.iter().map(String::as_str).chain(self.kernel_packages()))
    }

    /// Packages that hold kernels, `name/suite` where another suite than the recipe's is to give it.
    pub fn kernel_packages(&self) -> impl Iterator<Item = &str> {
        self.kernels.iter().filter_map(|kernel| match &kernel.from {
            KernelFrom::Package(package) => Some(package.as_str()),
            KernelFrom::Kernel(_) => None,
        })
    }

    /// Names of the kernels that are components of their own, each once, with the flavor that the
    /// recipe says.
    #[must_use]
    pub fn own_kernels(&self) -> BTreeMap<&str, Flavor> {
        let own = self.kernels.iter().filter_map(|kernel| match &kernel.from {
            KernelFrom::Package(_) => None,
            KernelFrom::Kernel(name) => Some((name.as_str(), kernel.flavor)),
        });
        own.collect()
    }
}

/// A file that an installer loads instead of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preseed {
    /// File name by which entries name it, such as `preseed.cfg`.
    pub name: String,
    /// What the file holds.
    pub content: String,
}

/// The boot menu of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// Label of the entry that an unattended machine boots.
    pub default: String,
    /// How long the menu waits for a key, in milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u32,
    /// The entries, in order; `ipxe shell` comes before them by itself.
    pub entries: Vec<BootEntry>,
}

const fn default_timeout() -> u32 {
    3000
}

/// What is wrong with a recipe text, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = RecipeProblem))]
pub struct Problem {
    /// Line of the text, from 1; 0 where it concerns the whole.
    pub line: u32,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
}

/// A saved change of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Which recipe.
    pub recipe: RecipeId,
    /// Counts from 1 within the recipe.
    pub number: u32,
    /// SHA-256 of the text.
    pub digest: Digest,
    /// The whole text.
    pub text: String,
    /// Why it was changed.
    pub message: String,
    /// Name of the person who saved it.
    pub author: String,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// A recipe in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeSummary {
    /// Which recipe.
    pub id: RecipeId,
    /// Its unique name.
    pub name: String,
    /// Number of the newest revision.
    pub revision: u32,
    /// Digest of the newest revision.
    pub digest: Digest,
    /// Author of the newest revision.
    pub author: String,
    /// When the newest revision was saved.
    pub saved_at: Timestamp,
}
