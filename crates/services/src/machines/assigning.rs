//! What machines boot: always, or once.

use domain::{
    actor::Actor,
    ids::BootOnceId,
    machine::{Architecture, BootTarget, Machine, Once},
    policy::{self, Action},
};
use store::Rows;

use super::{asking, follows, machine_of};
use crate::{
    Services, environments::no_environment, error::ServiceError, releases::no_release,
    variants::no_variant,
};

impl Services {
    /// Gives a machine a target of its own; without one, the rules say what it boots. Served before this
    /// returns.
    ///
    /// # Errors
    /// Where the actor may not, or nothing of the target can be booted by that machine.
    pub async fn assign_machine(
        &self,
        actor: &Actor,
        name: &str,
        target: Option<&BootTarget>,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let asking = asking(actor, Action::AssignMachine, reason)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        let (lock, follows) = (self.held(&former), follows(&mut tx, &former).await?);
        let reason =
            policy::may_assign_machine(asking, former.state, lock.as_ref(), follows.as_deref())?;
        if former.target.as_ref() == target {
            return Ok(());
        }
        if let Some(target) = target {
            self.can_be_booted(&mut tx, target, Some(former.profile.architecture)).await?;
        }
        tx.assign_machine(&former.id, target).await?;
        let machine = Machine { target: target.cloned(), ..former };
        self.note_machine(tx, actor, "machine.assign", &machine, reason.as_deref()).await
    }

    /// Orders that a machine boots something once, in the place of an earlier order. The order ends when that
    /// boot has reported, or by [`Services::clear_once`].
    ///
    /// # Errors
    /// As [`Services::assign_machine`]; and where the menu has no entry of that label.
    pub async fn boot_machine_once(
        &self,
        actor: &Actor,
        name: &str,
        target: &BootTarget,
        entry: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Once, ServiceError> {
        let asking = asking(actor, Action::AssignMachine, reason)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        let (lock, follows) = (self.held(&former), follows(&mut tx, &former).await?);
        let reason =
            policy::may_assign_machine(asking, former.state, lock.as_ref(), follows.as_deref())?;
        self.can_be_booted(&mut tx, target, Some(former.profile.architecture)).await?;
        self.has_entry(target, entry)?;
        let once = Once {
            id: BootOnceId::generate(self.ids()),
            target: target.clone(),
            entry: entry.map(str::to_owned),
            asked_by: actor.name().to_owned(),
            asked_at: self.now(),
            boot: None,
        };
        tx.boot_once(&former.id, &once).await?;
        let machine = Machine { once: Some(once.clone()), ..former };
        self.note_machine(tx, actor, "machine.boot-once", &machine, reason.as_deref()).await?;
        Ok(once)
    }

    /// Takes back that a machine boots something once; where nothing was ordered, nothing changes.
    ///
    /// # Errors
    /// Where the actor may not.
    pub async fn clear_once(
        &self,
        actor: &Actor,
        name: &str,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        let asking = asking(actor, Action::AssignMachine, reason)?;
        let mut tx = self.begin().await?;
        let former = machine_of(&mut tx, name).await?;
        // Whatever it follows: without the order it boots what others said.
        let lock = self.held(&former);
        let reason = policy::may_assign_machine(asking, former.state, lock.as_ref(), None)?;
        if !tx.clear_once(&former.id).await? {
            return Ok(());
        }
        let machine = Machine { once: None, ..former };
        self.note_machine(tx, actor, "machine.clear-once", &machine, reason.as_deref()).await
    }

    /// Whether a machine can boot something of a target, of that architecture where one is given.
    pub(super) async fn can_be_booted(
        &self,
        rows: &mut Rows,
        target: &BootTarget,
        machine: Option<Architecture>,
    ) -> Result<(), ServiceError> {
        let manifest = match target {
            BootTarget::Environment(name) => {
                let environment = rows.environment(name).await?;
                match environment.ok_or_else(|| no_environment(name))?.release {
                    Some(release) => rows.manifest_of(&release).await?,
                    None => None,
                }
            }
            BootTarget::Release(name) => {
                let found = rows.release_by_name(name).await?;
                let release = found.ok_or_else(|| no_release(name))?;
                policy::bootable(release.stage)?;
                rows.manifest_of(&release.id).await?
            }
            BootTarget::Variant(name) => {
                let row = rows.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
                let built = rows.built_variant(&row.id).await?.and_then(|it| it.build.manifest);
                policy::bootable_variant(row.expires_at <= self.now(), built.is_some())?;
                built
            }
        };
        match (manifest, machine) {
            (Some(it), Some(machine)) if it.architecture != machine.word() => {
                Err(ServiceError::invalid(
                    "target",
                    format!("{target} is for {}, and this machine is {machine}", it.architecture),
                ))
            }
            _ => Ok(()),
        }
    }

    fn has_entry(&self, target: &BootTarget, entry: Option<&str>) -> Result<(), ServiceError> {
        let Some(entry) = entry else { return Ok(()) };
        let labels = self.catalogue().snapshot().labels_of(target, self.now());
        if labels.iter().any(|it| it == entry) {
            return Ok(());
        }
        let message = match &labels[..] {
            [] => format!("{target} serves nothing now"),
            _ => format!("the menu of {target} has the entries {}", labels.join(", ")),
        };
        Err(ServiceError::invalid("entry", message))
    }
}
