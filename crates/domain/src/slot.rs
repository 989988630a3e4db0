//! Slots: places in the menu of the environment development that variants fill.
//!
//! A slot is an alias of a kernel, `vmlinuz-dev` or `xen-dev`. While a variant fills it, each entry of
//! the environment's menu that boots the alias boots the variant instead, kernel and rootfs alike,
//! under the label and text that robots know; where no entry does, one is added. The environment's
//! pointer and the release's own menu stay as they are. Production has no slots.

use serde::{Deserialize, Serialize};

use crate::{
    environment::DEVELOPMENT,
    job::words,
    manifest::{BootEntry, Manifest},
    menu::check_menu,
    time::Timestamp,
};

/// A place that a variant can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// The Linux kernel that developers try.
    VmlinuzDev,
    /// The hypervisor that developers try.
    XenDev,
}

words! {
    Slot: "a slot of an environment";
}

impl Slot {
    /// All slots.
    pub const ALL: [Self; 2] = [Self::VmlinuzDev, Self::XenDev];

    /// The alias of a kernel that it stands for.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::VmlinuzDev => "vmlinuz-dev",
            Self::XenDev => "xen-dev",
        }
    }

    /// The slots of an environment.
    #[must_use]
    pub fn of(environment: &str) -> &'static [Self] {
        if environment == DEVELOPMENT { &Self::ALL } else { &[] }
    }

    /// The entry of a variant's menu that fills it: the one of that alias, else the default where
    /// that suits, else the first that does.
    #[must_use]
    pub fn entry_of(self, variant: &Manifest) -> Option<&BootEntry> {
        let suits = |entry: &&BootEntry| match self {
            Self::VmlinuzDev => matches!(entry, BootEntry::Linux { .. }),
            Self::XenDev => matches!(entry, BootEntry::Xen { .. }),
        };
        let suitable = || variant.entries.iter().filter(suits);
        suitable()
            .find(|it| self.started_by(it) == Some(self.word()))
            .or_else(|| variant.entry(&variant.default_entry).filter(suits))
            .or_else(|| suitable().next())
    }

    /// The alias of what an entry starts that the slot could stand for.
    #[must_use]
    pub fn started_by(self, entry: &BootEntry) -> Option<&str> {
        match self {
            Self::VmlinuzDev => entry.kernel(),
            Self::XenDev => entry.hypervisor(),
        }
    }
}

/// A slot and the variant that fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledSlot {
    /// The slot.
    pub slot: Slot,
    /// Name of the variant.
    pub variant: String,
    /// When the variant's days are over, and the slot is empty again.
    pub expires_at: Timestamp,
    /// When it was filled.
    pub filled_at: Timestamp,
    /// The name by which that person went then.
    pub filled_by: String,
}

/// What a variant brings into a slot.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The slot.
    pub slot: Slot,
    /// Name of the variant.
    pub variant: &'a str,
    /// What machines boot of it.
    pub manifest: &'a Manifest,
}

/// A menu in which slots are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledMenu {
    /// The entries in menu order, each with the index of the filling that it boots; none where it
    /// is the release's own.
    pub entries: Vec<(BootEntry, Option<usize>)>,
    /// Label of the entry that an unattended machine boots.
    pub default_entry: String,
    /// Indexes of the fillings that the menu has no room for, or that have nothing to boot there.
    pub left_out: Vec<usize>,
}

/// The menu of an environment that serves `release`, with its slots filled.
#[must_use]
pub fn fill(release: Option<&Manifest>, fillings: &[Filling<'_>]) -> FilledMenu {
    let own = release.map_or(&[][..], |it| &it.entries);
    let entries = own.iter().map(|entry| {
        let replaced = fillings.iter().enumerate().rev().find_map(|(index, filling)| {
            instead_of(entry, filling).map(|instead| (instead, Some(index)))
        });
        replaced.unwrap_or_else(|| (entry.clone(), None))
    });
    let default_entry = release.map(|it| it.default_entry.clone()).unwrap_or_default();
    let mut menu = FilledMenu { entries: entries.collect(), default_entry, left_out: Vec::new() };
    for (index, filling) in fillings.iter().enumerate() {
        if menu.entries.iter().any(|(_, from)| *from == Some(index)) {
            continue;
        }
        if !menu.add(index, filling) {
            menu.left_out.push(index);
        }
    }
    menu
}

impl FilledMenu {
    /// Adds an entry for a filling that no entry of the release boots; whether there is room.
    fn add(&mut self, index: usize, filling: &Filling<'_>) -> bool {
        let Some(entry) = filling.slot.entry_of(filling.manifest) else { return false };
        let alias = filling.slot.word();
        let taken = self.entries.iter().any(|(it, _)| it.label() == alias);
        let label = if taken { format!("slot-{alias}") } else { alias.to_owned() };
        let entry = entry.renamed(&label, &format!("Variant {} as {alias}", filling.variant));
        let default = if self.entries.is_empty() { &label } else { &self.default_entry };
        let mut entries: Vec<_> = self.entries.iter().map(|(it, _)| it.clone()).collect();
        entries.push(entry.clone());
        if !check_menu(&entries, default).is_empty() {
            return false;
        }
        self.default_entry = default.clone();
        self.entries.push((entry, Some(index)));
        true
    }
}

/// What stands in the place of a release's entry while a slot is filled; `None` where that entry
/// does not boot the slot.
fn instead_of(entry: &BootEntry, filling: &Filling<'_>) -> Option<BootEntry> {
    let Filling { slot, manifest, .. } = *filling;
    if slot.started_by(entry)? != slot.word() {
        return None;
    }
    let filled = slot.entry_of(manifest)?;
    let instead = match (entry, filled) {
        // The kernel in the slot is to run as dom0 of a hypervisor that the variant has as well.
        (BootEntry::Xen { hypervisor, .. }, BootEntry::Linux { kernel, .. }) => {
            let mut of_variant =
                manifest.entries.iter().filter(|it| it.hypervisor() == Some(hypervisor));
            of_variant.next()?.with_kernel(kernel)
        }
        (_, filled) => filled.clone(),
    };
    Some(instead.renamed(entry.label(), entry.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest, kernel::Flavor, manifest::BoundKernel, recipe::RootMethod,
        version::TargetVersion,
    };

    fn linux(label: &str, kernel: &str) -> BootEntry {
        BootEntry::Linux {
            label: label.to_owned(),
            text: format!("Debian {label}"),
            kernel: kernel.to_owned(),
            root: RootMethod::Http,
            arguments: format!("from={label}"),
        }
    }

    fn xen(label: &str, hypervisor: &str, kernel: &str) -> BootEntry {
        BootEntry::Xen {
            label: label.to_owned(),
            text: format!("Hypervisor {label}"),
            hypervisor: hypervisor.to_owned(),
            hypervisor_arguments: String::new(),
            kernel: kernel.to_owned(),
            root: RootMethod::Http,
            arguments: String::new(),
        }
    }

    fn manifest(entries: Vec<BootEntry>) -> Manifest {
        let bound = |alias: &str, flavor| BoundKernel {
            alias: alias.to_owned(),
            flavor,
            release: "6.1.0".to_owned(),
            image: alias.to_owned(),
            initrd: None,
            config: None,
        };
        Manifest {
            schema: 1,
            version: TargetVersion::new(1, 0, 0),
            architecture: "amd64".to_owned(),
            components: Vec::new(),
            images: vec!["rootfs.squashfs".to_owned()],
            kernels: vec![bound("vmlinuz-6.1.y", Flavor::Linux), bound("xen-4.17", Flavor::Xen)],
            default_entry: entries[0].label().to_owned(),
            entries,
            timeout_ms: 3000,
            lock: Some(Digest::of("lock")),
        }
    }

    fn filling(slot: Slot, manifest: &Manifest) -> Filling<'_> {
        Filling { slot, variant: "probe", manifest }
    }

    #[test]
    fn production_has_no_slots() {
        assert_eq!(Slot::of(crate::environment::PRODUCTION), []);
        assert_eq!(Slot::of(DEVELOPMENT), Slot::ALL);
        assert_eq!("xen-dev".parse(), Ok(Slot::XenDev));
    }

    #[test]
    fn entries_of_the_alias_boot_the_variant_under_their_own_names() {
        let release = manifest(vec![
            linux("stable", "vmlinuz-6.1.y"),
            linux("dev", "vmlinuz-dev"),
            xen("xen-linux-dev", "xen-4.17", "vmlinuz-dev"),
        ]);
        let variant = manifest(vec![
            linux("stable", "vmlinuz-6.1.y"),
            xen("xen", "xen-4.17", "vmlinuz-6.1.y"),
            linux("variant-vmlinuz-dev", "vmlinuz-dev"),
        ]);
        let menu = fill(Some(&release), &[filling(Slot::VmlinuzDev, &variant)]);
        let origins: Vec<_> = menu.entries.iter().map(|(_, from)| *from).collect();
        assert_eq!(origins, [None, Some(0), Some(0)]);
        assert_eq!(menu.entries[0].0, release.entries[0]);
        let (dev, dom0) = (&menu.entries[1].0, &menu.entries[2].0);
        assert_eq!((dev.label(), dev.text()), ("dev", "Debian dev"));
        assert_eq!(dev.arguments(), ["from=variant-vmlinuz-dev"]);
        assert_eq!((dom0.label(), dom0.hypervisor()), ("xen-linux-dev", Some("xen-4.17")));
        assert_eq!(dom0.kernel(), Some("vmlinuz-dev"));
        assert_eq!((menu.default_entry.as_str(), menu.left_out), ("stable", vec![]));
    }

    #[test]
    fn a_slot_that_no_entry_boots_gets_one_at_the_end() {
        let release = manifest(vec![linux("xen-dev", "vmlinuz-6.1.y")]);
        let variant = manifest(vec![
            linux("stable", "vmlinuz-6.1.y"),
            xen("xen", "xen-4.17", "vmlinuz-6.1.y"),
        ]);
        let both = [filling(Slot::VmlinuzDev, &variant), filling(Slot::XenDev, &variant)];
        let menu = fill(Some(&release), &both);
        let labels: Vec<_> = menu.entries.iter().map(|(it, _)| it.label()).collect();
        assert_eq!(labels, ["xen-dev", "vmlinuz-dev", "slot-xen-dev"]);
        assert_eq!(menu.entries[1].0.text(), "Variant probe as vmlinuz-dev");
        assert_eq!(menu.entries[2].1, Some(1));
        let alone = fill(None, &both);
        assert_eq!(alone.default_entry, "vmlinuz-dev");
    }

    #[test]
    fn what_has_no_room_or_nothing_to_boot_is_told() {
        let full: Vec<_> =
            (10..26).map(|it| linux(&format!("entry-{it}"), "vmlinuz-6.1.y")).collect();
        let release = manifest(full);
        let variant = manifest(vec![linux("stable", "vmlinuz-6.1.y")]);
        let menu = fill(Some(&release), &[filling(Slot::VmlinuzDev, &variant)]);
        assert_eq!((menu.entries.len(), menu.left_out), (16, vec![0]));
        assert_eq!(fill(None, &[filling(Slot::XenDev, &variant)]).left_out, [0]);
    }

    #[test]
    fn a_hypervisor_that_the_variant_lacks_keeps_the_release_s_own_entry() {
        let release = manifest(vec![xen("xen", "xen-4.18", "vmlinuz-dev")]);
        let variant = manifest(vec![linux("stable", "vmlinuz-6.1.y")]);
        let menu = fill(Some(&release), &[filling(Slot::VmlinuzDev, &variant)]);
        assert_eq!(menu.entries[0], (release.entries[0].clone(), None));
        assert_eq!(menu.entries[1].1, Some(0));
    }
}
