//! Who has a machine.

use domain::{
    actor::Actor,
    machine::{Machine, MachineLock, check_lock},
    policy::{self, Action},
    time::Timestamp,
};

use super::{asking, changing::faulty, machine_of};
use crate::{Services, error::ServiceError};

impl Services {
    /// Locks a machine for the actor, or gives a lock of the actor's own another purpose and end. An
    /// administrator takes another person's by saying why.
    ///
    /// # Errors
    /// Where the actor may not, or purpose or end cannot be taken.
    pub async fn lock_machine(
        &self,
        actor: &Actor,
        name: &str,
        purpose: &str,
        until: Timestamp,
        reason: Option<&str>,
    ) -> Result<MachineLock, ServiceError> {
        let asking = asking(actor, Action::LockMachine, reason)?;
        let (owner_id, _) = Self::person_of(actor)?;
        let now = self.now();
        check_lock(purpose, until, now).map_err(faulty)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        let held = self.held(&former);
        let reason = policy::may_lock_machine(asking, former.state, held.as_ref())?;
        let since = held.filter(|it| it.owner_id == owner_id).map_or(now, |it| it.since);
        let purpose = purpose.trim().to_owned();
        let owner = actor.name().to_owned();
        let lock = MachineLock { owner_id, owner, purpose, since, until };
        tx.set_machine_lock(&former.id, Some(&lock)).await?;
        let machine = Machine { lock: Some(lock.clone()), ..former };
        self.note_machine(tx, actor, "machine.lock", &machine, reason.as_deref()).await?;
        Ok(lock)
    }

    /// Releases the lock of a machine.
    ///
    /// # Errors
    /// Where nobody has it, or somebody else has and the actor is no administrator who says why.
    pub async fn unlock_machine(
        &self,
        actor: &Actor,
        name: &str,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let asking = asking(actor, Action::LockMachine, reason)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        let reason = policy::may_unlock_machine(asking, self.held(&former).as_ref())?;
        tx.set_machine_lock(&former.id, None).await?;
        let machine = Machine { lock: None, ..former };
        self.note_machine(tx, actor, "machine.unlock", &machine, reason.as_deref()).await
    }
}
