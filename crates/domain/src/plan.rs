//! Plans: what must be run to judge a release. One is built in so far.

use crate::{evidence::DecidingCase, run::Outcome};

/// A case that every run of a plan must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanCase {
    /// Stable id.
    pub id: &'static str,
    /// What it checks, in one line.
    pub title: &'static str,
}

/// A plan: its cases are required of every boot entry on its machine.
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
    revision: 1,
    machine: "qemu",
    cases: &[
        PlanCase { id: "smoke.boot", title: "boots from the menu to a login prompt" },
        PlanCase { id: "smoke.kernel", title: "runs the kernel that the manifest names" },
        PlanCase { id: "smoke.module", title: "loads a kernel module" },
        PlanCase { id: "smoke.rootfs-digest", title: "runs on the images that the manifest names" },
        PlanCase { id: "smoke.system-state", title: "systemd reaches the state \"running\"" },
        PlanCase { id: "smoke.failed-units", title: "no systemd unit has failed" },
        PlanCase { id: "smoke.dpkg-audit", title: "every package is completely installed" },
        PlanCase { id: "smoke.network", title: "the network card has an address and a route" },
        PlanCase { id: "smoke.writable-root", title: "the root file system can be written" },
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

    /// What is required of an entry that no run has judged yet.
    #[must_use]
    pub fn nothing_yet(&self, entry: &str) -> Vec<DecidingCase> {
        self.cases
            .iter()
            .map(|case| DecidingCase {
                entry: entry.to_owned(),
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
            assert_eq!(plan.nothing_yet("a").len(), plan.cases.len());
        }
        assert_eq!(find("smoke"), Some(&SMOKE));
        assert_eq!(find("smok"), None);
    }
}
