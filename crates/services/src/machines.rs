//! Machines: registered, discovered, assigned, locked; and what each boots now beside what it should.
//!
//! Here they are read. [`mod@changing`] registers, changes and removes them, [`mod@assigning`] says what they
//! boot, [`mod@locking`] who has them, [`mod@rules`] what those of a label boot and what strangers get,
//! [`mod@importing`] takes tables. [`mod@following`] keeps the boot listener's book of them up to the store, and
//! [`mod@discovering`] writes down who was seen there.

mod assigning;
mod changing;
mod discovering;
mod following;
mod importing;
mod locking;
mod rules;

use domain::{
    actor::Actor,
    environment::PRODUCTION,
    machine::{Assigned, BootTarget, Drift, Machine, MachineLock, MachineState, drift},
    page::{Cursor, Page, Slice},
    policy::{Action, Asking},
};
use serde::{Deserialize, Serialize};
use store::{Rows, WriteTx};

pub use store::machines::MachineFilter;

pub(crate) use self::{discovering::boot_listener, following::Followed};
pub use self::{
    discovering::{MOST_PENDING, PENDING_DAYS},
    importing::{Import, Imported},
};
use crate::{Services, error::ServiceError};

/// The kind of subject of audit rows about one machine, and of those about any number of them: who
/// follows the sequence reads again what these name.
pub(crate) const MACHINE: &str = "machine";
pub(crate) const MACHINES: &str = "machines";
/// What pages about machines follow.
pub(crate) const TOPIC: &str = "machines";

/// A machine as pages and programs show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSummary {
    /// The machine; its lock is absent where that has run out.
    pub machine: Machine,
    /// What it boots, its next boot apart, and why.
    pub assigned: Assigned,
    /// How what it runs stands to that.
    pub drift: Drift,
}

impl Services {
    /// A page of machines, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn machines_page(
        &self,
        actor: &Actor,
        filter: &MachineFilter,
        slice: &Slice,
    ) -> Result<Page<MachineSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let page = rows.machines_page(filter, slice).await?;
        let rules = rows.machine_rules().await?.rules;
        Ok(page.map(|it| self.summary_of_machine(it, &rules)))
    }

    /// The machine of that name.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn machine(&self, actor: &Actor, name: &str) -> Result<MachineSummary, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let machine = rows.machine(name).await?.ok_or_else(|| no_machine(name))?;
        let rules = rows.machine_rules().await?.rules;
        Ok(self.summary_of_machine(machine, &rules))
    }

    /// How many machines wait to be accepted.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn count_pending_machines(&self, actor: &Actor) -> Result<u32, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.count_machines(MachineState::Pending).await?)
    }

    /// The environment that a machine follows, where that demands something of releases: then it takes a
    /// lock or an approver to let it boot something else.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn followed_by_machine(
        &self,
        actor: &Actor,
        machine: &Machine,
    ) -> Result<Option<String>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        follows(&mut self.read().await?, machine).await
    }

    /// The labels of the menu that a machine gets which boots that now.
    #[must_use]
    pub fn entries_of_target(&self, target: &BootTarget) -> Vec<String> {
        self.catalogue().snapshot().labels_of(target, self.now())
    }

    /// A page of the accepted machines that run something else than they should, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn drifting_machines(
        &self,
        actor: &Actor,
        slice: &Slice,
    ) -> Result<Page<MachineSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let (book, snapshot) =
            (self.boot_listener().machines().book(), self.catalogue().snapshot());
        let (now, after) = (self.now(), slice.after.as_ref().map_or("", |it| &it.name));
        let mut drifting: Vec<_> = book
            .machines()
            .filter(|it| !it.pending && it.running.is_some() && it.name.as_str() > after)
            .filter(|it| drift(it.running, &snapshot.digests_of(&it.target, now)) == Drift::Other)
            .collect();
        drifting.sort_by(|a, b| a.name.cmp(&b.name));
        let limit = usize::try_from(slice.limit).unwrap_or(usize::MAX).saturating_add(1);
        let mut rows = self.read().await?;
        let rules = rows.machine_rules().await?.rules;
        let mut items = Vec::new();
        for it in drifting.into_iter().take(limit) {
            if let Some(machine) = rows.machine_by_id(&it.id).await? {
                items.push(self.summary_of_machine(machine, &rules));
            }
        }
        let key = |it: &MachineSummary| Cursor { number: 0, name: it.machine.name.clone() };
        Ok(Page::of(items, slice, key))
    }

    fn summary_of_machine(
        &self,
        machine: Machine,
        rules: &[domain::machine::Rule],
    ) -> MachineSummary {
        let now = self.now();
        let assigned = machine.assigned(rules, PRODUCTION);
        let should = self.catalogue().snapshot().digests_of(&assigned.target, now);
        let drift = drift(machine.running.as_ref().map(|it| it.manifest), &should);
        let lock = machine.locked(now).cloned();
        MachineSummary { machine: Machine { lock, ..machine }, assigned, drift }
    }

    /// The lock of a machine, where it holds now.
    fn held(&self, machine: &Machine) -> Option<MachineLock> {
        machine.locked(self.now()).cloned()
    }
}

/// The environment that a machine follows, where that demands something of releases.
async fn follows(rows: &mut Rows, machine: &Machine) -> Result<Option<String>, ServiceError> {
    let rules = rows.machine_rules().await?.rules;
    let BootTarget::Environment(name) = machine.assigned(&rules, PRODUCTION).target else {
        return Ok(None);
    };
    let environment = rows.environment(&name).await?;
    Ok(environment.filter(|it| it.policy.names_releases()).map(|it| it.name))
}

/// Who asks, as the rules see it.
fn asking<'a>(
    actor: &'a Actor,
    action: Action,
    reason: Option<&'a str>,
) -> Result<Asking<'a>, ServiceError> {
    let role = Services::role_of(actor, action)?;
    Ok(Asking { role, name: actor.name(), reason })
}

async fn machine_of(tx: &mut WriteTx, name: &str) -> Result<Machine, ServiceError> {
    tx.machine(name).await?.ok_or_else(|| no_machine(name))
}

fn no_machine(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("machine {name}"))
}

/// What pages about one machine follow.
pub(crate) fn topic(name: &str) -> String {
    format!("machine/{name}")
}
