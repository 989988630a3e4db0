//! Imports: a rootfs, kernels and a menu that somebody has already become a release.
//!
//! An imported release has no lock: what it holds was put together elsewhere, so it cannot be built
//! again. Everything else is as of any other: it boots, and is compared, validated, deployed and
//! rolled back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    ids::ReleaseId,
    kernel::{Flavor, UploadedFile},
    menu::reader::Unread,
    recipe,
    time::Timestamp,
};

/// A kernel that is brought along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportedKernel {
    /// The name of its file in the menu, such as `vmlinuz-4.14.y` or `xen-dev`.
    pub alias: String,
    /// What it is.
    #[serde(default)]
    pub flavor: Flavor,
    /// The kernel as a boot loader starts it, or a hypervisor, compressed or not; where it is absent,
    /// the one of the packages is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<UploadedFile>,
    /// Its packages: installed where the rootfs has no modules of this kernel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<UploadedFile>,
}

/// The account with which plans sign in on the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsoleLogin {
    /// Its name.
    pub user: String,
    /// Its password, in clear text as a recipe has it.
    pub password: String,
}

/// What is known of a release because it was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Which release.
    pub release: ReleaseId,
    /// When it was asked for.
    pub imported_at: Timestamp,
    /// How to sign in on its console.
    pub login: ConsoleLogin,
    /// What the rootfs calls itself, once it has been unpacked.
    pub hostname: Option<String>,
    /// The entries of the menu that could not be read.
    pub unread: Vec<Unread>,
}

/// What is wrong with what is to be imported; each is a sentence for whoever imports.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportFault {
    /// No entry could start the rootfs.
    #[error(
        "an import needs a Linux kernel: name one as the menu calls its file, such as vmlinuz-4.14.y"
    )]
    NoKernel,
    /// An alias breaks its rule.
    #[error("{0}")]
    Alias(String),
    /// Two kernels have one alias.
    #[error("two kernels are called \"{0}\"; a menu could name neither")]
    AliasTwice(String),
    /// There is nothing to start.
    #[error("the kernel \"{0}\" has neither an image nor packages; name its file")]
    NothingOf(String),
    /// The login breaks the rules of accounts.
    #[error("{0}")]
    Login(String),
}

/// Looks at the kernels of an import; gives what each alias stands for, as a menu is read with.
///
/// # Errors
/// The first fault.
pub fn check_kernels(kernels: &[ImportedKernel]) -> Result<BTreeMap<String, Flavor>, ImportFault> {
    let mut known = BTreeMap::new();
    for kernel in kernels {
        recipe::check_alias(&kernel.alias).map_err(ImportFault::Alias)?;
        if kernel.image.is_none() && kernel.packages.is_empty() {
            return Err(ImportFault::NothingOf(kernel.alias.clone()));
        }
        if known.insert(kernel.alias.clone(), kernel.flavor).is_some() {
            return Err(ImportFault::AliasTwice(kernel.alias.clone()));
        }
    }
    let linux = known.values().any(|flavor| *flavor == Flavor::Linux);
    if linux { Ok(known) } else { Err(ImportFault::NoKernel) }
}

/// Looks at the account that plans are to sign in with.
///
/// # Errors
/// What is wrong with it.
pub fn check_login(login: &ConsoleLogin) -> Result<(), ImportFault> {
    recipe::check_account(&login.user, &login.password).map_err(ImportFault::Login)
}

/// Name of the recipe that an import proposes.
#[must_use]
pub fn proposal_name(version: &crate::version::CandidateVersion) -> String {
    format!("imported-{version}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn kernel(alias: &str) -> ImportedKernel {
        let image = UploadedFile { name: "vmlinuz".to_owned(), sha256: Digest::of("kernel") };
        ImportedKernel {
            alias: alias.to_owned(),
            flavor: Flavor::Linux,
            image: Some(image),
            packages: Vec::new(),
        }
    }

    #[test]
    fn kernels_are_what_a_menu_can_name() {
        let known = check_kernels(&[kernel("vmlinuz-4.14.y"), kernel("vmlinuz-dev")]).unwrap();
        assert_eq!(known.get("vmlinuz-dev"), Some(&Flavor::Linux));
        assert_eq!(check_kernels(&[]), Err(ImportFault::NoKernel));
        let twice = check_kernels(&[kernel("a-kernel"), kernel("a-kernel")]);
        assert_eq!(twice, Err(ImportFault::AliasTwice("a-kernel".to_owned())));
        let nothing = ImportedKernel { image: None, ..kernel("a-kernel") };
        assert_eq!(check_kernels(&[nothing]), Err(ImportFault::NothingOf("a-kernel".to_owned())));
        for bad in ["", "../x", "a b", "voyage/vmlinuz", "rootfs.squashfs", "initrd-1.img"] {
            assert!(matches!(check_kernels(&[kernel(bad)]), Err(ImportFault::Alias(_))), "{bad}");
        }
    }

    #[test]
    fn logins_are_accounts_with_passwords() {
        let login = |user: &str, password: &str| {
            check_login(&ConsoleLogin { user: user.to_owned(), password: password.to_owned() })
        };
        assert_eq!(login("root", "debian"), Ok(()));
        for (user, password) in [("root", ""), ("", "x"), ("Root", "x"), ("root", "a\nb")] {
            assert!(login(user, password).is_err(), "{user} {password}");
        }
    }
}
