//! What a kernel is made of: its source, its configuration, its patches.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Flavor;
use crate::{digest::Digest, menu::check_file_name};

/// What a kernel is made of, as a person asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = KernelDefinition))]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What it is.
    #[serde(default)]
    pub flavor: Flavor,
    /// Where it comes from.
    pub source: Source,
    /// How it is configured; absent for what is not compiled here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration>,
    /// Patches in the order in which they are applied, in `patch -p1` form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<UploadedFile>,
    /// Whether the package of debug symbols is kept too.
    #[serde(default)]
    pub debug: bool,
}

/// Where a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = KernelSource))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A package of Debian that holds a kernel.
    DebianBinary {
        /// Suite, such as `bookworm` or `bookworm-backports`.
        suite: String,
        /// Package, such as `linux-image-cloud-amd64`.
        package: String,
        /// Version to insist on; the suite's newest where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// A package of Debian that holds a source tree below `/usr/src`.
    DebianSource {
        /// Suite.
        suite: String,
        /// Package, such as `linux-source-6.1`.
        package: String,
        /// Version to insist on; the suite's newest where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// An archive at a URL.
    Archive {
        /// `http` or `https`.
        url: String,
        /// SHA-256 that it must have.
        sha256: Digest,
    },
    /// An archive that was uploaded.
    UploadedArchive {
        /// Which upload.
        file: UploadedFile,
    },
    /// A commit of a Git repository.
    Git {
        /// `https://…`, `ssh://…`, or an absolute path below the configured root.
        url: String,
        /// A tag, or the 40 digits of a commit.
        reference: String,
        /// The commit that the reference stood for when it was first fetched; where a tag moves
        /// afterwards, that is an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Name of the key that an administrator has put there for `ssh`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Packages that were built elsewhere and uploaded.
    UploadedPackages {
        /// The `.deb`s: of one kernel.
        packages: Vec<UploadedFile>,
        /// The bzImage that was built with them, where it is at hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<UploadedFile>,
    },
}

/// A file that somebody uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UploadedFile {
    /// What it was called there.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// How a kernel is configured: a base, and fragments over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = KernelConfiguration))]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// What it starts from.
    pub base: ConfigBase,
    /// What is set on top, in order; a later one wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
}

/// What a configuration starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConfigBase {
    /// A target of the tree's own Makefile.
    Defconfig {
        /// Such as `defconfig`, `tinyconfig` or `x86_64_defconfig`.
        target: String,
    },
    /// A `.config` that was uploaded.
    File {
        /// Which upload.
        file: UploadedFile,
    },
    /// The configuration of another kernel's newest complete build.
    Kernel {
        /// Its name.
        name: String,
        /// SHA-256 of that configuration: filled in when a build is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<Digest>,
    },
}

/// Lines of a configuration that are set over its base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ConfigFragment))]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// What it is called in messages.
    pub name: String,
    /// Lines such as `CONFIG_VIRTIO_NET=y` and `# CONFIG_DRM is not set`.
    pub content: String,
}

/// What is wrong with a definition, and in which of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct DefinitionFault {
    /// Name of the field, such as `source.url`.
    pub field: &'static str,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
}

/// The longest fragment, in bytes.
const LONGEST_FRAGMENT: usize = 64 * 1024;
/// The most of patches, packages or fragments that one kernel has.
const MOST: usize = 64;

/// Whether `name` can name a kernel: it stands in recipes, URLs and file names.
///
/// # Errors
/// The rule that it breaks.
pub fn check_name(name: &str) -> Result<(), DefinitionFault> {
    let fits = (1..=60).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && !matches!(name, "new" | "diff");
    if fits {
        return Ok(());
    }
    Err(DefinitionFault {
        field: "name",
        message: "a kernel's name has 1 to 60 of the characters a-z, 0-9, '.' and '-', starts with a letter or digit, and is not \"new\" or \"diff\"".to_owned(),
    })
}

/// Whether `name` can name an upload: it becomes the name of a file.
///
/// # Errors
/// The rule that it breaks.
pub fn check_upload_name(name: &str) -> Result<(), DefinitionFault> {
    if is_word(name, b"._+~-") {
        return Ok(());
    }
    Err(DefinitionFault {
        field: "files",
        message: "an upload is named by 1 to 100 letters, digits and any of . _ + ~ -, and begins with a letter or digit".to_owned(),
    })
}

impl Source {
    /// Whether its programs were compiled elsewhere.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::DebianBinary { .. } | Self::UploadedPackages { .. })
    }

    /// The source in a few words, for lists.
    #[must_use]
    pub fn summary(&self) -> String {
        let version = |version: &Option<String>| {
            version.as_ref().map_or_else(String::new, |version| format!(" {version}"))
        };
        match self {
            Self::DebianBinary { suite, package, version: v }
            | Self::DebianSource { suite, package, version: v } => {
                format!("{package}/{suite}{}", version(v))
            }
            Self::Archive { url, .. } => url.clone(),
            Self::UploadedArchive { file } => file.name.clone(),
            Self::Git { url, reference, .. } => format!("{url} at {reference}"),
            Self::UploadedPackages { packages, .. } => {
                packages.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Everything that is wrong with it as it stands, without asking anybody.
    pub(crate) fn faults(&self) -> Vec<DefinitionFault> {
        let mut faults = Vec::new();
        let mut fault = |field, message: &str| {
            faults.push(DefinitionFault { field, message: message.to_owned() });
        };
        match self {
            Self::DebianBinary { suite, package, version }
            | Self::DebianSource { suite, package, version } => {
                if !is_word(suite, b"-/") {
                    fault(
                        "source.suite",
                        "a suite is a word such as bookworm or bookworm-backports",
                    );
                }
                if !is_word(package, b"+.-") {
                    fault("source.package", "a package is a word such as linux-source-6.1");
                }
                if version.as_ref().is_some_and(|it| !is_word(it, b"+.~:-")) {
                    fault(
                        "source.version",
                        "a version is written as apt shows it, such as 6.1.170-1",
                    );
                }
            }
            Self::Archive { url, .. } => {
                let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
                if !rest.is_some_and(is_location) {
                    fault(
                        "source.url",
                        "an archive's URL begins with https:// or http:// and has no spaces, user name or password",
                    );
                }
            }
            Self::UploadedArchive { .. } => {}
            Self::Git { url, reference, commit, key } => {
                let https = url.strip_prefix("https://").is_some_and(is_location);
                let ssh = url.strip_prefix("ssh://").is_some_and(is_ssh_location);
                let path = url.starts_with('/')
                    && url.bytes().all(|b| b.is_ascii_graphic())
                    && url.split('/').all(|part| part != "..");
                if !(https || ssh || path) {
                    fault(
                        "source.url",
                        "a repository is https://…, ssh://user@host/path, or an absolute path below the configured root",
                    );
                }
                if !is_reference(reference) {
                    fault(
                        "source.reference",
                        "a reference is a tag such as v6.1.170, or the 40 digits of a commit",
                    );
                }
                if commit.as_ref().is_some_and(|it| !is_commit(it)) {
                    fault("source.commit", "a commit has 40 lower-case hexadecimal digits");
                }
                match key {
                    Some(name) if !is_word(name, b"-") => {
                        fault(
                            "source.key",
                            "a key is named by a word; ask an administrator which there are",
                        );
                    }
                    None if ssh => fault(
                        "source.key",
                        "ssh needs the name of a key that an administrator has put there",
                    ),
                    Some(_) if !ssh => fault("source.key", "only ssh:// takes a key"),
                    Some(_) | None => {}
                }
            }
            Self::UploadedPackages { packages, .. } => {
                if packages.is_empty() || packages.len() > MOST {
                    fault("source.packages", "upload the .debs of one kernel: 1 to 64 files");
                }
            }
        }
        faults
    }
}

impl Definition {
    /// Every upload that it names.
    pub fn uploads(&self) -> impl Iterator<Item = &UploadedFile> {
        let of_source: Vec<&UploadedFile> = match &self.source {
            Source::UploadedArchive { file } => vec![file],
            Source::UploadedPackages { packages, image } => packages.iter().chain(image).collect(),
            Source::DebianBinary { .. }
            | Source::DebianSource { .. }
            | Source::Archive { .. }
            | Source::Git { .. } => Vec::new(),
        };
        let base = match self.configuration.as_ref().map(|it| &it.base) {
            Some(ConfigBase::File { file }) => Some(file),
            _ => None,
        };
        of_source.into_iter().chain(base).chain(&self.patches)
    }

    /// Everything that is wrong with it as it stands, without asking anybody.
    ///
    /// # Errors
    /// Every fault, in the order of the fields.
    pub fn check(&self) -> Result<(), Vec<DefinitionFault>> {
        let mut faults = self.source.faults();
        let mut fault = |field, message: &str| {
            faults.push(DefinitionFault { field, message: message.to_owned() });
        };
        match (&self.configuration, self.source.is_binary()) {
            (None, false) => {
                fault(
                    "configuration",
                    "what is compiled needs a configuration: a defconfig, a file, or another kernel's",
                );
            }
            (Some(_), true) => {
                fault(
                    "configuration",
                    "a kernel that was compiled elsewhere brings its configuration",
                );
            }
            (None, true) => {}
            (Some(configuration), false) => check_configuration(configuration, &mut fault),
        }
        if self.source.is_binary() && !self.patches.is_empty() {
            fault("patches", "a kernel that was compiled elsewhere cannot be patched");
        }
        if self.patches.len() > MOST {
            fault("patches", "a kernel has 64 patches at the most; put them together");
        }
        faults.extend(self.uploads().find_map(|it| check_upload_name(&it.name).err()));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn check_configuration(configuration: &Configuration, fault: &mut impl FnMut(&'static str, &str)) {
    match &configuration.base {
        ConfigBase::Defconfig { target } => {
            if !(target.ends_with("config") && is_word(target, b"_.-")) {
                fault(
                    "configuration.base",
                    "a target of the tree's Makefile ends in \"config\", such as defconfig or tinyconfig",
                );
            }
        }
        ConfigBase::Kernel { name, .. } => {
            if check_name(name).is_err() {
                fault("configuration.base", "name the kernel whose configuration is taken");
            }
        }
        ConfigBase::File { .. } => {}
    }
    if configuration.fragments.len() > MOST {
        fault("configuration.fragments", "a configuration has 64 fragments at the most");
    }
    let mut names = BTreeSet::new();
    for fragment in &configuration.fragments {
        if fragment.content.len() > LONGEST_FRAGMENT {
            fault(
                "configuration.fragments",
                "a fragment has 64 KiB at the most; upload a whole .config instead",
            );
        }
        if check_file_name(&fragment.name).is_err() || !names.insert(&fragment.name) {
            fault(
                "configuration.fragments",
                "each fragment has a name of its own, of letters, digits and . _ -",
            );
        }
        if let Err(error) = super::Config::parse_fragment(&fragment.content) {
            fault("configuration.fragments", &format!("{}: {error}", fragment.name));
        }
    }
}

/// Letters, digits and `others`, not beginning with one that could make it an option or a path.
fn is_word(text: &str, others: &[u8]) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b))
}

/// What follows the scheme: a host and a path, nobody's name or password.
fn is_location(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    rest.len() <= 2000
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !host.contains('@')
        && rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"'`<>\\|{}".contains(&b))
}

fn is_ssh_location(rest: &str) -> bool {
    let (user, location) = rest.split_once('@').unwrap_or(("git", rest));
    is_word(user, b"_-") && is_location(location) && location.contains('/')
}

/// A tag or a commit that no program takes for an option or a range (git-check-ref-format(1)).
fn is_reference(text: &str) -> bool {
    is_word(text, b"._/+-")
        && !text.contains("..")
        && !text.contains("//")
        && !text.ends_with('/')
        && !text
            .split('/')
            .any(|part| part.starts_with('.') || part.to_ascii_lowercase().ends_with(".lock"))
}

/// Whether `text` is a whole commit id.
fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests;
