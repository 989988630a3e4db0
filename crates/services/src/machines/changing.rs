//! Registering machines, changing, accepting, merging and removing them.

use domain::{
    actor::Actor,
    ids::MachineId,
    machine::{Fault, MOST_MACS, Machine, MachineDraft, MachineState, Profile},
    policy::{self, Action},
};
use store::WriteTx;

use super::{TOPIC, asking, follows, machine_of, topic};
use crate::{Services, audit::Change, error::ServiceError};

impl Services {
    /// Registers a machine. It boots what the rules say until it is assigned something of its own.
    ///
    /// # Errors
    /// Where the actor may not, the draft has faults, or something that it is known by is another's.
    pub async fn register_machine(
        &self,
        actor: &Actor,
        draft: &MachineDraft,
    ) -> Result<Machine, ServiceError> {
        let asking = asking(actor, Action::EditMachine, None)?;
        policy::may_use_machine(asking, None)?;
        let (name, profile) = draft.check().map_err(faulty)?;
        let mut tx = self.begin().await?;
        is_free(&mut tx, &name, &profile, None).await?;
        let machine = Machine {
            id: MachineId::generate(self.ids()),
            name,
            state: MachineState::Accepted,
            profile,
            revision: 1,
            target: None,
            once: None,
            lock: None,
            running: None,
            first_seen_at: None,
            last_seen: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
        };
        tx.insert_machine(&machine).await?;
        self.note_machine(tx, actor, "machine.add", &machine, None).await?;
        Ok(machine)
    }

    /// Changes name and profile of a machine on top of revision `base`. Saying again what it is changes
    /// nothing.
    ///
    /// # Errors
    /// Where the actor may not, somebody changed it meanwhile, the draft has faults, or something that
    /// it is known by is another's.
    pub async fn change_machine(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        draft: &MachineDraft,
        reason: Option<&str>,
    ) -> Result<Machine, ServiceError> {
        self.write_machine(actor, (name, base), draft, reason, "machine.change").await
    }

    /// Accepts a machine that was seen, under the name and with the profile of a draft.
    ///
    /// # Errors
    /// As [`Services::change_machine`]; and where it was accepted already.
    pub async fn accept_machine(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        draft: &MachineDraft,
    ) -> Result<Machine, ServiceError> {
        self.write_machine(actor, (name, base), draft, None, ACCEPT).await
    }

    async fn write_machine(
        &self,
        actor: &Actor,
        (name, base): (&str, u32),
        draft: &MachineDraft,
        reason: Option<&str>,
        action: &'static str,
    ) -> Result<Machine, ServiceError> {
        let asking = asking(actor, Action::EditMachine, reason)?;
        let (new_name, profile) = draft.check().map_err(faulty)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        let reason = policy::may_use_machine(asking, self.held(&former).as_ref())?;
        if former.revision != base {
            return Err(ServiceError::Conflict(format!(
                "machine {name} has revision {} by now, and you were editing revision {base}; look \
                 at that one and make your change again",
                former.revision
            )));
        }
        let state = match (action, former.state) {
            (ACCEPT, MachineState::Accepted) => return Err(accepted_already(name)),
            (ACCEPT, MachineState::Pending) => MachineState::Accepted,
            (_, state) => state,
        };
        let same = (&former.name, &former.profile, former.state) == (&new_name, &profile, state);
        if same {
            return Ok(former);
        }
        is_free(&mut tx, &new_name, &profile, Some(&former.id)).await?;
        let revision = former.revision.saturating_add(1);
        let machine = Machine { name: new_name, profile, state, revision, ..former };
        tx.change_machine(&machine).await?;
        self.note_machine(tx, actor, action, &machine, reason.as_deref()).await?;
        if machine.name != name {
            self.tell(&topic(name));
        }
        Ok(machine)
    }

    /// Says that a machine that was seen is a registered one: its network cards become that one's, and
    /// its UUID and serial number where that one has none.
    ///
    /// # Errors
    /// Where the actor may not, the first was accepted already, or the other has too many cards then.
    pub async fn merge_machine(
        &self,
        actor: &Actor,
        pending: &str,
        into: &str,
        reason: Option<&str>,
    ) -> Result<Machine, ServiceError> {
        let asking = asking(actor, Action::EditMachine, reason)?;
        let mut tx = self.begin().await?;
        let found = machine_of(&mut tx, pending).await?;
        if found.state == MachineState::Accepted {
            return Err(accepted_already(pending));
        }
        let former = machine_of(&mut tx, into).await?;
        if former.id == found.id {
            return Err(ServiceError::invalid("into", "name another machine than this one"));
        }
        let reason = policy::may_use_machine(asking, self.held(&former).as_ref())?;
        let mut profile = former.profile.clone();
        profile.macs.extend(&found.profile.macs);
        if profile.macs.len() > MOST_MACS {
            let message = format!("a machine has {MOST_MACS} MAC addresses at the most");
            return Err(ServiceError::invalid("into", message));
        }
        profile.uuid = profile.uuid.or(found.profile.uuid);
        profile.serial = profile.serial.or_else(|| found.profile.serial.clone());
        tx.delete_machine(&found.id).await?;
        let revision = former.revision.saturating_add(1);
        let machine = Machine { profile, revision, ..former };
        tx.change_machine(&machine).await?;
        let change = Change::Machine {
            action: "machine.merge",
            machine: &found,
            reason: None,
            into: Some(into),
        };
        self.record(&mut tx, actor, change).await?;
        self.note_machine(tx, actor, "machine.change", &machine, reason.as_deref()).await?;
        self.tell(&topic(pending));
        Ok(machine)
    }

    /// Removes a machine, or discards one that was seen. What runs and the audit log say of it stays.
    ///
    /// # Errors
    /// Where there is none, or the actor may not.
    pub async fn remove_machine(
        &self,
        actor: &Actor,
        name: &str,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let asking = asking(actor, Action::EditMachine, reason)?;
        let mut tx = self.begin().await?;
        let machine = machine_of(&mut tx, name).await?;
        let lock = self.held(&machine);
        let reason = match machine.state {
            MachineState::Pending => policy::may_use_machine(asking, lock.as_ref())?,
            MachineState::Accepted => {
                let follows = follows(&mut tx, &machine).await?;
                let state = machine.state;
                policy::may_assign_machine(asking, state, lock.as_ref(), follows.as_deref())?
            }
        };
        tx.delete_machine(&machine.id).await?;
        self.note_machine(tx, actor, "machine.remove", &machine, reason.as_deref()).await
    }

    /// Writes the audit row of a machine's change, commits, and has the change served.
    pub(super) async fn note_machine(
        &self,
        mut tx: WriteTx,
        actor: &Actor,
        action: &'static str,
        machine: &Machine,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let change = Change::Machine { action, machine, reason, into: None };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &topic(&machine.name)).await?;
        self.tell(TOPIC);
        self.refresh_machines().await
    }
}

/// The action of accepting a machine.
const ACCEPT: &str = "machine.accept";

fn accepted_already(name: &str) -> ServiceError {
    ServiceError::Conflict(format!("machine {name} was accepted already; change it instead"))
}

/// All faults at the field of the first; forms check a draft themselves, and show each at its own.
pub(super) fn faulty(faults: Vec<Fault>) -> ServiceError {
    let field = faults.first().map_or("machine", |it| it.field);
    let all: Vec<String> = faults.into_iter().map(|it| it.message).collect();
    ServiceError::invalid(field, all.join("; "))
}

/// Whether a name and all that a machine is to be known by are its own, or nobody's.
async fn is_free(
    tx: &mut WriteTx,
    name: &str,
    profile: &Profile,
    own: Option<&MachineId>,
) -> Result<(), ServiceError> {
    if tx.machine(name).await?.is_some_and(|it| Some(&it.id) != own) {
        let message = format!("there is a machine called {name} already");
        return Err(ServiceError::invalid("name", message));
    }
    for identifier in profile.identifiers() {
        if let Some((id, whose)) = tx.machine_known_by(&identifier).await?
            && Some(&id) != own
        {
            let field = match identifier {
                domain::machine::Identifier::Mac(_) => "macs",
                domain::machine::Identifier::Uuid(_) => "uuid",
                domain::machine::Identifier::Serial(_) => "serial",
            };
            let message = format!("{identifier} is that of machine {whose}");
            return Err(ServiceError::invalid(field, message));
        }
    }
    Ok(())
}
