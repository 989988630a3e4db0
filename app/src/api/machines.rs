//! Machines: the list, one with what is done to it, and what drifts.
//!
//! The form of what is said of a machine is sent to the server's `POST /machines/new` and
//! `POST /machines/:name`, not to a server function: where it has faults the answer is the form again, with
//! what was typed. The server renders it with a [`MachineForm`] in its context. [`mod@table`] has the pages of
//! tables, [`mod@rules`] that of rules, [`mod@booting`] tells how machines come to boot from here at all.

pub mod booting;
pub mod rules;
pub mod table;

use domain::{
    boot::Boot,
    machine::{Fault, MachineDraft, MachineState, Unregistered},
    page::Cursor,
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::machines::MachineSummary;

use super::{Around, Choice};
use crate::error::{AppError, sentence};

/// What a list of machines was narrowed to, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachinesAsked {
    /// Part of a name, a MAC address, a UUID, a serial number or a location.
    pub words: String,
    /// A label, `rack=3`.
    pub label: String,
    /// How it came to be known.
    pub state: String,
    /// A target of its own, `release v1.2.0`.
    pub target: String,
}

/// `/machines`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MachinesPage {
    /// By name.
    pub machines: Vec<MachineSummary>,
    /// What else there is.
    pub around: Around,
    /// What was asked for.
    pub asked: MachinesAsked,
    /// The state that was asked for.
    pub state: Option<MachineState>,
    /// Why what was asked for cannot be looked for: the field and what is wrong with it.
    pub wrong: Option<(String, String)>,
    /// How many wait to be accepted.
    pub pending: u32,
    /// What those get, and strangers.
    pub unregistered: Unregistered,
    /// Whether the viewer may register one.
    pub register: Choice,
}

/// `/machines/drift`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DriftPage {
    /// Those that run something else than they should, by name.
    pub machines: Vec<MachineSummary>,
    /// What else there is.
    pub around: Around,
}

/// `/machines/new`
#[derive(Debug, Clone)]
pub struct NewMachinePage {
    /// What the form holds.
    pub form: MachineForm,
    /// Whether the viewer may register it.
    pub register: Choice,
}

/// `/machines/:name`
#[derive(Debug, Clone)]
pub struct MachinePage {
    /// The machine.
    pub summary: MachineSummary,
    /// Its newest boots.
    pub boots: Vec<Boot>,
    /// What machines get that are not accepted.
    pub unregistered: Unregistered,
    /// What it can boot.
    pub targets: Targets,
    /// Labels of the menu that it gets now.
    pub entries: Vec<String>,
    /// What the form of its profile holds.
    pub form: MachineForm,
    /// Names of machines that a discovered one may be; empty for an accepted one.
    pub others: Vec<String>,
    /// Whether the viewer passes another's lock by a reason.
    pub by_reason: bool,
    /// Whether the viewer is an administrator, who could pass the lock of another machine.
    pub administrator: bool,
    /// Whether its profile may be changed; whether a discovered one may be accepted or merged.
    pub change: Choice,
    /// Whether the viewer may say what it boots.
    pub assign: Choice,
    /// Whether the viewer may take back what it boots once.
    pub clear_once: Choice,
    /// Whether the viewer may lock it, or extend the lock.
    pub lock: Choice,
    /// Whether the viewer may release the lock.
    pub unlock: Choice,
    /// Whether it may be removed.
    pub remove: Choice,
}

/// What machines can boot, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Environments.
    pub environments: Vec<String>,
    /// The newest releases that can be booted.
    pub releases: Vec<String>,
    /// Variants that can be booted.
    pub variants: Vec<String>,
}

/// What the form of a machine's profile holds, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineForm {
    /// What was typed.
    pub draft: MachineDraft,
    /// The revision that it was filled from; `None` for a new machine.
    pub base: Option<u32>,
    /// Why another's lock does not hold.
    pub reason: String,
    /// What is wrong with its fields.
    pub faults: Vec<Fault>,
    /// Why it was not taken, where no field is at fault.
    pub error: Option<AppError>,
}

impl MachineForm {
    /// What is wrong with a field.
    #[must_use]
    pub fn of_field(&self, name: &str) -> Option<String> {
        let said: Vec<String> = self
            .faults
            .iter()
            .filter(|it| it.field == name)
            .map(|it| sentence(&it.message))
            .collect();
        Some(said.join(" ")).filter(|it| !it.is_empty())
    }

    /// Whether it was sent and not taken.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        !self.faults.is_empty() || self.error.is_some()
    }
}

/// A page of machines: those after `after`, else the first.
pub(crate) async fn load_machines(
    narrowing: MachinesAsked,
    after: Option<Cursor>,
) -> Result<MachinesPage, AppError> {
    crate::compose::machines::list(&super::asked()?, narrowing, after).await
}

/// A page of machines that run something else than they should.
pub(crate) async fn load_drift(after: Option<Cursor>) -> Result<DriftPage, AppError> {
    crate::compose::machines::drift(&super::asked()?, after).await
}

/// The form of a new machine.
pub(crate) async fn load_new_machine() -> Result<NewMachinePage, AppError> {
    crate::compose::machines::new(&super::asked()?)
}

/// A machine.
pub(crate) async fn load_machine(name: String) -> Result<MachinePage, AppError> {
    crate::compose::machines::one(&super::asked()?, &name).await
}

/// Says what a machine boots, such as `release v1.2.0`; an empty target gives it back to the rules.
#[server(prefix = "/api/ui")]
pub async fn assign_machine(
    name: String,
    #[server(default)] target: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::assign(&super::asked()?, &name, &target, &reason).await
}

/// Lets a machine boot something once, by the menu's default where no entry is named.
#[server(prefix = "/api/ui")]
pub async fn boot_machine_once(
    name: String,
    #[server(default)] target: String,
    #[server(default)] entry: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::boot_once(&super::asked()?, &name, &target, &entry, &reason).await
}

/// Takes back what a machine was to boot once.
#[server(prefix = "/api/ui")]
pub async fn clear_boot_once(
    name: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::clear_once(&super::asked()?, &name, &reason).await
}

/// Locks a machine for so many hours from now, or extends the lock.
#[server(prefix = "/api/ui")]
pub async fn lock_machine(
    name: String,
    #[server(default)] purpose: String,
    hours: u32,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::lock(&super::asked()?, &name, &purpose, hours, &reason).await
}

/// Releases the lock of a machine.
#[server(prefix = "/api/ui")]
pub async fn unlock_machine(
    name: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::unlock(&super::asked()?, &name, &reason).await
}

/// Says that a machine that was discovered is a registered one, and goes to that.
#[server(prefix = "/api/ui")]
pub async fn merge_machine(
    name: String,
    #[server(default)] into: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::merge(&super::asked()?, &name, &into, &reason).await
}

/// Removes a machine, whose name is typed once more, or discards one that was discovered.
#[server(prefix = "/api/ui")]
pub async fn remove_machine(
    name: String,
    #[server(default)] confirm: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::machines::remove(&super::asked()?, &name, &confirm, &reason).await
}
