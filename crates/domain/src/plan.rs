//! Plans: what must be run to judge a release. One is built in so far.

use crate::{
    evidence::DecidingCase,
    manifest::{BootEntry, EntryKind},
    run::Outcome,
};

/// A case that every run of a plan must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanCase {
    /// Stable id.
    pub id: &'static str,
    /// What it checks, in one line.
    pub title: &'static str,
    /// Which entries must answer it.
    asked_of: AskedOf,
}

/// Which entries must answer a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AskedOf {
    /// Those that boot the release's own rootfs.
    Rootfs,
    /// Those of them that run under a hypervisor.
    Hypervisor,
    /// Those that boot what the release does not hold: the release answers for the way there only.
    Elsewhere,
}

impl AskedOf {
    const fn includes(self, kind: EntryKind) -> bool {
        match self {
            Self::Rootfs => kind.boots_rootfs(),
            Self::Hypervisor => matches!(kind, EntryKind::Xen),
            Self::Elsewhere => !kind.boots_rootfs(),
        }
    }
}

const fn case(asked_of: AskedOf, id: &'static str, title: &'static str) -> PlanCase {
    PlanCase { id, title, asked_of }
}

/// A plan: its cases are required of the boot entries on its machine, each of those it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Unique name.
    pub name: &'static str,
    /// Counts from 1; changes whenever a case is added, removed or means something else.
    pub revision: u32,
    /// Name of the machine that it runs on.
    pub machine: &'static str,
    /// The cases in the order in which they run.
    pub cases: &'static [PlanCase],
}

/// Boots every entry on an emulated machine and looks around inside.
pub const SMOKE: Plan = Plan {
    name: "smoke",
    revision: 2,
    machine: "qemu",
    cases: &[
        case(AskedOf::Rootfs, "smoke.boot", "boots from the menu to a login prompt"),
        case(AskedOf::Rootfs, "smoke.kernel", "runs the kernel that the manifest names"),
        case(
            AskedOf::Hypervisor,
            "smoke.hypervisor",
            "runs on the hypervisor that the manifest names",
        ),
        case(AskedOf::Hypervisor, "smoke.iommu", "the hypervisor has an IOMMU in use"),
        case(AskedOf::Rootfs, "smoke.module", "loads a kernel module"),
        case(AskedOf::Rootfs, "smoke.rootfs-digest", "runs on the images that the manifest names"),
        case(AskedOf::Rootfs, "smoke.system-state", "systemd reaches the state \"running\""),
        case(AskedOf::Rootfs, "smoke.failed-units", "no systemd unit has failed"),
        case(AskedOf::Rootfs, "smoke.dpkg-audit", "every package is completely installed"),
        case(AskedOf::Rootfs, "smoke.network", "the network card has an address and a route"),
        case(AskedOf::Rootfs, "smoke.writable-root", "the root file system can be written"),
        case(
            AskedOf::Elsewhere,
            "smoke.menu",
            "leads from the menu to what it loads from elsewhere",
        ),
    ],
};

/// Every plan that exists.
pub const PLANS: &[Plan] = &[SMOKE];

/// The plan of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|plan| plan.name == name)
}

impl Plan {
    /// The title of a case.
    #[must_use]
    pub fn title(&self, case: &str) -> Option<&'static str> {
        self.cases.iter().find(|known| known.id == case).map(|known| known.title)
    }

    /// The cases that an entry of that kind must answer.
    pub fn cases_of(&self, kind: EntryKind) -> impl Iterator<Item = &'static PlanCase> + use<> {
        self.cases.iter().filter(move |case| case.asked_of.includes(kind))
    }

    /// What is required of an entry that no run has judged yet.
    #[must_use]
    pub fn nothing_yet(&self, entry: &BootEntry) -> Vec<DecidingCase> {
        self.cases_of(entry.kind())
            .map(|case| DecidingCase {
                entry: entry.label().to_owned(),
                machine: self.machine.to_owned(),
                case: case.id.to_owned(),
                run: None,
                outcome: Outcome::NotRun.into(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn cases_are_unique_and_carry_their_plan() {
        for plan in PLANS {
            let ids: BTreeSet<_> = plan.cases.iter().map(|case| case.id).collect();
            assert_eq!(ids.len(), plan.cases.len());
            assert!(ids.iter().all(|id| id.starts_with(&format!("{}.", plan.name))));
            assert!(EntryKind::ALL.into_iter().all(|kind| plan.cases_of(kind).count() > 0));
        }
        assert_eq!(find("smoke"), Some(&SMOKE));
        assert_eq!(find("smok"), None);
    }

    #[test]
    fn entries_answer_for_what_they_boot() {
        let ids = |kind| SMOKE.cases_of(kind).map(|case| case.id).collect::<BTreeSet<_>>();
        let (linux, xen) = (ids(EntryKind::Linux), ids(EntryKind::Xen));
        assert!(linux.is_subset(&xen));
        assert_eq!(
            xen.difference(&linux).copied().collect::<Vec<_>>(),
            ["smoke.hypervisor", "smoke.iommu"]
        );
        for kind in [EntryKind::Installer, EntryKind::Chain] {
            assert_eq!(ids(kind).into_iter().collect::<Vec<_>>(), ["smoke.menu"]);
        }
    }
}
