//! The built-in suite: boots an entry and looks around inside. What its cases do is in crate `lab`.

use crate::manifest::EntryKind;

/// A case that every run of the built-in suite must answer.
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

/// The built-in suite: its cases are asked of the boot entries, each of those it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInSuite {
    /// Its name, and that of the plan which runs it alone.
    pub name: &'static str,
    /// Counts from 1; changes whenever a case is added, removed or means something else.
    pub revision: u32,
    /// Name of the machine on which the built-in plan runs it.
    pub machine: &'static str,
    /// The cases in the order in which they run.
    pub cases: &'static [PlanCase],
}

/// Boots every entry on an emulated machine and looks around inside.
pub const SMOKE: BuiltInSuite = BuiltInSuite {
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

impl BuiltInSuite {
    /// The title of a case.
    #[must_use]
    pub fn title(&self, case: &str) -> Option<&'static str> {
        self.cases.iter().find(|known| known.id == case).map(|known| known.title)
    }

    /// The cases that an entry of that kind must answer.
    pub fn cases_of(&self, kind: EntryKind) -> impl Iterator<Item = &'static PlanCase> + use<> {
        self.cases.iter().filter(move |case| case.asked_of.includes(kind))
    }
}
