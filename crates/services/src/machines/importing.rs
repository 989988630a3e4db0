//! Machines from a table, and a table of them: all lines are taken, or none.

use std::collections::HashMap;

use domain::{
    actor::Actor,
    digest::Digest,
    ids::MachineId,
    machine::{
        Identifier, Machine, MachineDraft, MachineRow, MachineState, Profile, RowFault, read_table,
        write_table,
    },
    policy::{self, Action, Asking},
};
use serde::{Deserialize, Serialize};
use store::WriteTx;

use super::{TOPIC, asking, follows};
use crate::{Services, audit::Change, error::ServiceError};

/// What a table comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Import {
    /// Nothing was taken, since these lines cannot be.
    Faulty(Vec<RowFault>),
    /// What was done, or would be.
    Done(Imported),
}

/// What a table does, by names of machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Those that are registered by it.
    pub added: Vec<String>,
    /// Those that are changed or accepted by it.
    pub changed: Vec<String>,
    /// How many are as it says already.
    pub unchanged: usize,
}

/// A machine as a line makes it.
struct Taken {
    line: u64,
    machine: Machine,
    /// How it was before; `None` where it is new.
    former: Option<Machine>,
}

impl Services {
    /// Takes machines from a table: one of a new name is registered, one of a known name becomes what the line
    /// says. A dry run says what would be done.
    ///
    /// # Errors
    /// Where the actor may not register machines at all. Everything else is a fault of a line.
    pub async fn import_machines(
        &self,
        actor: &Actor,
        table: &str,
        dry_run: bool,
        reason: Option<&str>,
    ) -> Result<Import, ServiceError> {
        let asking = asking(actor, Action::EditMachine, reason)?;
        Self::role_of(actor, Action::AssignMachine)?;
        let lines = match read_table(table) {
            Ok(lines) => lines,
            Err(faults) => return Ok(Import::Faulty(faults)),
        };
        let mut tx = self.begin().await?;
        let mut known: HashMap<String, Machine> =
            tx.machines().await?.into_iter().map(|it| (it.name.clone(), it)).collect();
        let (mut taken, mut faults) = (Vec::new(), Vec::new());
        for line in &lines {
            let former = known.remove(&line.name);
            match self.take_line(&mut tx, asking, line, former).await? {
                Ok(it) => taken.push(it),
                Err(messages) => faults.extend(
                    messages.into_iter().map(|message| RowFault { line: line.line, message }),
                ),
            }
        }
        faults.extend(taken_twice(&taken, known.values()));
        if !faults.is_empty() {
            faults.sort_by_key(|it| it.line);
            return Ok(Import::Faulty(faults));
        }
        let mut imported = Imported::default();
        let mut write = Vec::new();
        for it in taken {
            match &it.former {
                None => imported.added.push(it.machine.name.clone()),
                Some(former) if *former == it.machine => {
                    imported.unchanged += 1;
                    continue;
                }
                Some(_) => imported.changed.push(it.machine.name.clone()),
            }
            write.push(it);
        }
        if dry_run || write.is_empty() {
            return Ok(Import::Done(imported));
        }
        write_all(&mut tx, &write).await?;
        let table = Digest::of(table);
        let (added, changed) = (imported.added.len(), imported.changed.len());
        let change = Change::MachinesImported { table: &table, added, changed };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, TOPIC).await?;
        self.refresh_machines().await?;
        Ok(Import::Done(imported))
    }

    /// All machines as a table that [`Services::import_machines`] takes.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn export_machines(&self, actor: &Actor) -> Result<String, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(write_table(&self.read().await?.machines().await?))
    }

    /// What a line makes of a machine, or everything that speaks against it.
    async fn take_line(
        &self,
        tx: &mut WriteTx,
        asking: Asking<'_>,
        line: &MachineRow,
        former: Option<Machine>,
    ) -> Result<Result<Taken, Vec<String>>, ServiceError> {
        let draft =
            former.as_ref().map(|it| MachineDraft::of(&it.name, &it.profile)).unwrap_or_default();
        let (name, profile) = match line.over(draft).check() {
            Ok(said) => said,
            Err(faults) => return Ok(Err(faults.into_iter().map(|it| it.message).collect())),
        };
        let machine = self.of_line(name, profile, line, former.as_ref(), asking.name);
        if former.as_ref() == Some(&machine) {
            return Ok(Ok(Taken { line: line.line, machine, former }));
        }
        let lock = former.as_ref().and_then(|it| self.held(it));
        let mut refusals = Vec::new();
        refusals.extend(policy::may_use_machine(asking, lock.as_ref()).err());
        if let Some(before) = former.as_ref().filter(|it| it.target != machine.target) {
            let follows = follows(tx, before).await?;
            let state = MachineState::Accepted;
            let may = policy::may_assign_machine(asking, state, lock.as_ref(), follows.as_deref());
            refusals.extend(may.err().filter(|it| !refusals.contains(it)));
        }
        let mut messages: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        let new_target =
            former.as_ref().and_then(|it| it.target.as_ref()) != machine.target.as_ref();
        if let Some(target) = machine.target.as_ref().filter(|_| new_target) {
            let architecture = Some(machine.profile.architecture);
            match self.can_be_booted(tx, target, architecture).await {
                Ok(()) => {}
                Err(error @ ServiceError::Internal(_)) => return Err(error),
                Err(error) => messages.push(error.to_string()),
            }
        }
        let taken = Taken { line: line.line, machine, former };
        Ok(if messages.is_empty() { Ok(taken) } else { Err(messages) })
    }

    fn of_line(
        &self,
        name: String,
        profile: Profile,
        line: &MachineRow,
        former: Option<&Machine>,
        by: &str,
    ) -> Machine {
        let state = MachineState::Accepted;
        match former {
            Some(former) => {
                let said = former.profile != profile || former.state != state;
                Machine {
                    name,
                    profile,
                    state,
                    revision: former.revision.saturating_add(u32::from(said)),
                    target: line.target.clone().unwrap_or_else(|| former.target.clone()),
                    ..former.clone()
                }
            }
            None => Machine {
                id: MachineId::generate(self.ids()),
                name,
                state,
                profile,
                revision: 1,
                target: line.target.clone().flatten(),
                once: None,
                lock: None,
                running: None,
                first_seen_at: None,
                last_seen: None,
                created_at: self.now(),
                created_by: by.to_owned(),
            },
        }
    }
}

/// The lines that name a machine twice, or something that another machine is known by once all is taken.
fn taken_twice<'a>(taken: &'a [Taken], others: impl Iterator<Item = &'a Machine>) -> Vec<RowFault> {
    let mut names: HashMap<&str, u64> = HashMap::new();
    let mut owners: HashMap<Identifier, &str> = HashMap::new();
    for it in others {
        owners.extend(it.profile.identifiers().map(|id| (id, it.name.as_str())));
    }
    let mut faults = Vec::new();
    for it in taken {
        let (line, name) = (it.line, it.machine.name.as_str());
        if let Some(first) = names.insert(name, line) {
            let message = format!("the machine {name} stands in line {first} already");
            faults.push(RowFault { line, message });
            continue;
        }
        for identifier in it.machine.profile.identifiers() {
            let said = identifier.to_string();
            if let Some(owner) = owners.insert(identifier, name) {
                faults
                    .push(RowFault { line, message: format!("{said} is that of machine {owner}") });
            }
        }
    }
    faults
}

/// Writes what changed. Machines may take over what others of the table gave up.
async fn write_all(tx: &mut WriteTx, all: &[Taken]) -> Result<(), ServiceError> {
    let profiled =
        |it: &&Taken| it.former.as_ref().is_some_and(|was| was.revision != it.machine.revision);
    for it in all.iter().filter(profiled) {
        tx.free_identifiers(&it.machine.id).await?;
    }
    for it in all {
        match &it.former {
            None => tx.insert_machine(&it.machine).await?,
            Some(former) => {
                if former.revision != it.machine.revision {
                    tx.change_machine(&it.machine).await?;
                }
                if former.target != it.machine.target {
                    tx.assign_machine(&it.machine.id, it.machine.target.as_ref()).await?;
                }
            }
        }
    }
    Ok(())
}
