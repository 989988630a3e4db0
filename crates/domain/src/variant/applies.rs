//! What of a definition does nothing on the release that it stands on.
//!
//! Nobody notices it otherwise: apt is content where what is to go is not there, and where what is to
//! come is there already, and a kernel whose alias the release lacks gets an entry of its own while
//! the entries that people know boot what they booted before. It is what somebody wants to know who
//! looks at a variant on another release.

use super::{Definition, VariantLock};
use crate::{manifest::Manifest, packages::pinned};

/// A release that a variant stands on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it consists of.
    pub manifest: &'a Manifest,
}

/// What of a definition would do nothing on `base`, a sentence each; of its packages only where apt
/// said what they come to. `former` is what the variant stood on before.
#[must_use]
pub fn without_effect(
    definition: &Definition,
    lock: Option<&VariantLock>,
    base: Ground<'_>,
    former: Option<Ground<'_>>,
) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(lock) = lock {
        let changes = |name: &str, comes: bool| {
            lock.changes.iter().any(|it| it.name == name && it.to.is_some() == comes)
        };
        for name in definition.packages.remove.iter().filter(|it| !changes(it, false)) {
            said.push(format!("{} has no package {name}, so nothing is removed", base.name));
        }
        let added = definition.packages.add.iter().map(|it| pinned(it).0);
        for name in added.filter(|it| !changes(it, true)) {
            // apt takes a name that other packages provide, too.
            said.push(format!(
                "nothing called {name} is added: {} has it already, or another package stands for it",
                base.name
            ));
        }
    }
    if let Some(former) = former {
        let lost = definition.kernels.iter().map(|it| &it.alias).filter(|alias| {
            former.manifest.kernel(alias).is_some() && base.manifest.kernel(alias).is_none()
        });
        said.extend(lost.map(|alias| {
            format!(
                "{alias} stands for a kernel of {} and for none of {}: the other kernel gets an entry \
                 of its own, and the entries of {1} boot what they booted before",
                former.name, base.name
            )
        }));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        kernel::Flavor,
        manifest::BoundKernel,
        variant::{Kernel, PackageChange, Packages},
        version::TargetVersion,
    };

    fn release(aliases: &[&str]) -> Manifest {
        let bound = |alias: &&str| BoundKernel {
            alias: (*alias).to_owned(),
            flavor: Flavor::Linux,
            release: "6.1.0".to_owned(),
            image: "vmlinuz-6.1.0".to_owned(),
            initrd: None,
            config: None,
        };
        Manifest {
            schema: 1,
            version: TargetVersion::new(1, 0, 0),
            architecture: "amd64".to_owned(),
            components: Vec::new(),
            images: Vec::new(),
            kernels: aliases.iter().map(bound).collect(),
            entries: Vec::new(),
            default_entry: String::new(),
            timeout_ms: 3000,
            lock: None,
        }
    }

    fn lock(changes: &[(&str, Option<&str>)]) -> VariantLock {
        let change = |(name, to): &(&str, Option<&str>)| PackageChange {
            name: (*name).to_owned(),
            architecture: "amd64".to_owned(),
            from: None,
            to: to.map(ToOwned::to_owned),
            installed_kib: 1,
            essential: false,
        };
        VariantLock {
            schema: 1,
            base: Digest::of("base"),
            epoch: 1,
            install: Vec::new(),
            changes: changes.iter().map(change).collect(),
            kernels: Vec::new(),
            busybox: None,
        }
    }

    fn definition() -> Definition {
        let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        Definition {
            packages: Packages {
                add: owned(&["htop", "tmux/bookworm-backports"]),
                remove: owned(&["nano"]),
                accept_removal: owned(&["less"]),
            },
            kernels: vec![Kernel {
                alias: "vmlinuz-6.1.y".to_owned(),
                flavor: Flavor::Linux,
                package: None,
                kernel: Some("lab".to_owned()),
                packages: Vec::new(),
                image: None,
            }],
            ..Definition::default()
        }
    }

    #[test]
    fn what_apt_has_nothing_to_do_for_is_told() {
        let manifest = release(&["vmlinuz-6.1.y"]);
        let base = Ground { name: "v2.0.0", manifest: &manifest };
        let told = |changes| without_effect(&definition(), Some(&lock(changes)), base, None);
        assert!(told(&[("htop", Some("1")), ("nano", None), ("tmux", Some("3"))]).is_empty());
        let said = told(&[("htop", None), ("tmux", Some("3"))]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("v2.0.0 has no package nano"), "{said:?}");
        assert!(said[1].contains("nothing called htop is added"), "{said:?}");
        // What apt refuses has another sentence.
        assert!(without_effect(&definition(), None, base, None).is_empty());
    }

    #[test]
    fn an_alias_that_only_the_former_base_has_is_told() {
        let (former, other) = (release(&["vmlinuz-6.1.y"]), release(&["vmlinuz-6.12.y"]));
        let told = |base, former: Option<&'static str>, manifest| {
            let base = Ground { name: "v2.0.0", manifest: base };
            let former = former.map(|name| Ground { name, manifest });
            without_effect(&definition(), None, base, former)
        };
        let said = told(&other, Some("v1.0.0"), &former);
        assert_eq!(said.len(), 1);
        assert!(
            said[0]
                .starts_with("vmlinuz-6.1.y stands for a kernel of v1.0.0 and for none of v2.0.0")
                && said[0].ends_with("the entries of v2.0.0 boot what they booted before"),
            "{said:?}"
        );
        assert!(told(&former, Some("v1.0.0"), &former).is_empty());
        assert!(told(&other, Some("v1.5.0"), &other).is_empty(), "it was one of its own before");
        assert!(told(&other, None, &former).is_empty());
    }
}
