//! The boot menu of a variant: the entries of its base that boot the rootfs, and one for each kernel
//! that the base has no alias for.

use thiserror::Error;

use super::Definition;
use crate::{
    kernel::Flavor,
    manifest::{BootEntry, Manifest},
    menu::check_menu,
    recipe::RootMethod,
};

/// The boot entries of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// In menu order.
    pub entries: Vec<BootEntry>,
    /// Label of the entry that an unattended machine boots.
    pub default_entry: String,
}

/// A variant's menu cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MenuRefused {
    /// The base boots no rootfs of its own.
    #[error(
        "the release has no boot entry that boots its rootfs, so nothing would boot a variant of it"
    )]
    NothingBoots,
    /// An alias stands for a Linux kernel in the base and for Xen here, or the other way round.
    #[error("{alias} is of flavor {is} in the release; give the other kernel an alias of its own")]
    OtherFlavor {
        /// The alias.
        alias: String,
        /// What it is in the base.
        is: &'static str,
    },
    /// It would not fit iPXE's menu.
    #[error("{0}")]
    Rule(String),
}

/// The menu of a variant of `base`.
///
/// # Errors
/// Where the base boots no rootfs, or the menu would break a rule that machines need.
pub fn menu(base: &Manifest, definition: &Definition) -> Result<Menu, MenuRefused> {
    let mut entries: Vec<BootEntry> =
        base.entries.iter().filter(|it| it.kind().boots_rootfs()).cloned().collect();
    let first = entries.first().ok_or(MenuRefused::NothingBoots)?;
    let default = base.entry(&base.default_entry).filter(|it| it.kind().boots_rootfs());
    let pattern = default.unwrap_or(first).clone();
    let default_entry = pattern.label().to_owned();
    for kernel in &definition.kernels {
        match base.kernel(&kernel.alias) {
            Some(bound) if bound.flavor == kernel.flavor => {}
            Some(bound) => {
                let (alias, is) = (kernel.alias.clone(), bound.flavor.word());
                return Err(MenuRefused::OtherFlavor { alias, is });
            }
            None => entries.push(entry_of(&kernel.alias, kernel.flavor, &pattern)),
        }
    }
    for entry in &mut entries {
        match entry {
            BootEntry::Linux { arguments, .. } => append(arguments, &definition.boot.arguments),
            BootEntry::Xen { hypervisor_arguments, arguments, .. } => {
                append(arguments, &definition.boot.arguments);
                append(hypervisor_arguments, &definition.boot.hypervisor_arguments);
            }
            BootEntry::Installer { .. } | BootEntry::Chain { .. } => {}
        }
    }
    if let Some(fault) = check_menu(&entries, &default_entry).into_iter().next() {
        let rule = fault.rule.to_string();
        return Err(MenuRefused::Rule(format!("the menu cannot be made: {rule}")));
    }
    Ok(Menu { entries, default_entry })
}

/// An entry that boots a kernel of its own as `pattern` boots its one.
fn entry_of(alias: &str, flavor: Flavor, pattern: &BootEntry) -> BootEntry {
    let (kernel, arguments) = match pattern {
        BootEntry::Linux { kernel, arguments, .. } | BootEntry::Xen { kernel, arguments, .. } => {
            (kernel.clone(), arguments.clone())
        }
        BootEntry::Installer { .. } | BootEntry::Chain { .. } => Default::default(),
    };
    // Labels have fewer characters than aliases.
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let label = format!("variant-{}", alias.chars().map(plain).collect::<String>());
    let text = format!("Variant {alias}");
    let root = RootMethod::Http;
    match flavor {
        Flavor::Linux => {
            BootEntry::Linux { label, text, kernel: alias.to_owned(), root, arguments }
        }
        Flavor::Xen => BootEntry::Xen {
            label,
            text,
            hypervisor: alias.to_owned(),
            hypervisor_arguments: crate::kernel::HYPERVISOR_ARGUMENTS.to_owned(),
            kernel,
            root,
            arguments: crate::kernel::DOM0_ARGUMENTS.to_owned(),
        },
    }
}

fn append(arguments: &mut String, more: &str) {
    if !more.is_empty() {
        if !arguments.is_empty() {
            arguments.push(' ');
        }
        arguments.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        manifest::BoundKernel,
        variant::{Boot, Kernel},
        version::TargetVersion,
    };

    fn base() -> Manifest {
        let linux = |label: &str, text: &str| BootEntry::Linux {
            label: label.to_owned(),
            text: text.to_owned(),
            kernel: "vmlinuz-6.1.y".to_owned(),
            root: RootMethod::Http,
            arguments: "console=ttyS0".to_owned(),
        };
        Manifest {
            schema: 1,
            version: TargetVersion::new(1, 0, 0),
            architecture: "amd64".to_owned(),
            components: Vec::new(),
            images: vec!["rootfs.squashfs".to_owned()],
            kernels: vec![BoundKernel {
                alias: "vmlinuz-6.1.y".to_owned(),
                flavor: Flavor::Linux,
                release: "6.1.0".to_owned(),
                image: "vmlinuz-6.1.0".to_owned(),
                initrd: Some("initrd-6.1.0.img".to_owned()),
                config: None,
            }],
            entries: vec![
                BootEntry::Chain {
                    label: "chain".to_owned(),
                    text: "Elsewhere".to_owned(),
                    script: "http://192.0.2.1/menu.ipxe".to_owned(),
                },
                linux("debian", "Debian"),
            ],
            default_entry: "chain".to_owned(),
            timeout_ms: 3000,
            lock: Some(Digest::of("lock")),
        }
    }

    fn swapped(alias: &str, flavor: Flavor) -> Definition {
        Definition {
            kernels: vec![Kernel {
                alias: alias.to_owned(),
                flavor,
                package: Some("linux-image-amd64".to_owned()),
                kernel: None,
                packages: Vec::new(),
                image: None,
            }],
            boot: Boot { arguments: "debug".to_owned(), hypervisor_arguments: String::new() },
            ..Definition::default()
        }
    }

    #[test]
    fn a_new_alias_gets_an_entry_and_a_known_one_keeps_its_own() {
        let known = menu(&base(), &swapped("vmlinuz-6.1.y", Flavor::Linux)).unwrap();
        assert_eq!(known.default_entry, "debian");
        assert_eq!(known.entries.len(), 1);
        assert_eq!(known.entries[0].arguments(), ["console=ttyS0 debug"]);
        let new = menu(&base(), &swapped("vmlinuz-dev", Flavor::Linux)).unwrap();
        assert_eq!(new.entries[1].label(), "variant-vmlinuz-dev");
        assert_eq!(new.entries[1].kernel(), Some("vmlinuz-dev"));
        let xen = menu(&base(), &swapped("xen-dev", Flavor::Xen)).unwrap();
        assert_eq!(xen.entries[1].hypervisor(), Some("xen-dev"));
        assert_eq!(xen.entries[1].kernel(), Some("vmlinuz-6.1.y"));
    }

    #[test]
    fn what_cannot_boot_is_refused() {
        let refused = menu(&base(), &swapped("vmlinuz-6.1.y", Flavor::Xen)).unwrap_err();
        assert!(matches!(refused, MenuRefused::OtherFlavor { is: "linux", .. }), "{refused}");
        let nothing = Manifest { entries: Vec::new(), ..base() };
        assert_eq!(menu(&nothing, &Definition::default()), Err(MenuRefused::NothingBoots));
    }
}
