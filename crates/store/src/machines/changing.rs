//! Writing machines.

use std::net::IpAddr;

use domain::{
    ids::{BootOnceId, MachineId},
    machine::{BootTarget, Machine, MachineLock, Once, Profile, Running},
    time::Timestamp,
};

use crate::{
    StoreError, WriteTx,
    columns::{exactly_one, to_json},
};

/// A known machine was seen at the boot listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    /// Which machine.
    pub machine: MachineId,
    /// When.
    pub at: Timestamp,
    /// From where, where that is known.
    pub address: Option<IpAddr>,
}

fn written_macs(profile: &Profile) -> String {
    profile.macs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// All texts by which lists find a machine.
fn search(name: &str, profile: &Profile) -> String {
    let uuid = profile.uuid.map(|it| it.to_string()).unwrap_or_default();
    let serial = profile.serial.as_deref().unwrap_or_default();
    let parts = [name, &written_macs(profile), &uuid, serial, &profile.location];
    parts.join("\n").to_lowercase()
}

impl WriteTx {
    /// Adds a machine, without lock and order.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its name, or something it is known by, is taken.
    pub async fn insert_machine(&mut self, machine: &Machine) -> Result<(), StoreError> {
        let profile = &machine.profile;
        sqlx::query(
            "insert into machine (id, name, state, macs, uuid, serial, architecture, labels,
                                  location, note, search, revision, target_kind, target,
                                  first_seen_at, last_seen_at, last_seen_address, created_at,
                                  created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     $18, $19)",
        )
        .bind(machine.id.as_str())
        .bind(&machine.name)
        .bind(machine.state.word())
        .bind(written_macs(profile))
        .bind(profile.uuid.map(|it| it.to_string()))
        .bind(profile.serial.as_deref())
        .bind(profile.architecture.word())
        .bind(to_json(&profile.labels)?)
        .bind(&profile.location)
        .bind(&profile.note)
        .bind(search(&machine.name, profile))
        .bind(i64::from(machine.revision))
        .bind(machine.target.as_ref().map(BootTarget::kind))
        .bind(machine.target.as_ref().map(BootTarget::name))
        .bind(machine.first_seen_at.map(|it| it.0))
        .bind(machine.last_seen.map(|it| it.at.0))
        .bind(machine.last_seen.and_then(|it| it.address).map(|it| it.to_string()))
        .bind(machine.created_at.0)
        .bind(&machine.created_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a machine"))?;
        self.insert_parts(machine).await
    }

    /// Writes the next revision of a machine: its name, state and profile.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where its revision is not the one before, or it was removed;
    /// [`StoreError::is_conflict`] as [`WriteTx::insert_machine`].
    pub async fn change_machine(&mut self, machine: &Machine) -> Result<(), StoreError> {
        let profile = &machine.profile;
        sqlx::query(
            "update machine set name = $1, state = $2, macs = $3, uuid = $4, serial = $5,
                    architecture = $6, labels = $7, location = $8, note = $9, search = $10,
                    revision = $11
             where id = $12 and revision = $11 - 1",
        )
        .bind(&machine.name)
        .bind(machine.state.word())
        .bind(written_macs(profile))
        .bind(profile.uuid.map(|it| it.to_string()))
        .bind(profile.serial.as_deref())
        .bind(profile.architecture.word())
        .bind(to_json(&profile.labels)?)
        .bind(&profile.location)
        .bind(&profile.note)
        .bind(search(&machine.name, profile))
        .bind(i64::from(machine.revision))
        .bind(machine.id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing a machine"))
        .and_then(|done| exactly_one(&done, "machine"))?;
        self.delete_parts(&machine.id).await?;
        self.insert_parts(machine).await
    }

    /// Frees everything that a machine is known by, for others of one transaction to take before it is
    /// changed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn free_identifiers(&mut self, id: &MachineId) -> Result<(), StoreError> {
        sqlx::query("update machine set uuid = null, serial = null where id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("freeing what a machine is known by"))?;
        self.delete_parts(id).await
    }

    async fn insert_parts(&mut self, machine: &Machine) -> Result<(), StoreError> {
        for mac in &machine.profile.macs {
            sqlx::query("insert into machine_mac (mac, machine_id) values ($1, $2)")
                .bind(mac.to_string())
                .bind(machine.id.as_str())
                .execute(self.connection())
                .await
                .map_err(StoreError::database("adding a MAC address of a machine"))?;
        }
        for (key, value) in machine.profile.labels.iter() {
            sqlx::query(
                "insert into machine_label (machine_id, key, value, name) values ($1, $2, $3, $4)",
            )
            .bind(machine.id.as_str())
            .bind(key)
            .bind(value)
            .bind(&machine.name)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("adding a label of a machine"))?;
        }
        Ok(())
    }

    async fn delete_parts(&mut self, id: &MachineId) -> Result<(), StoreError> {
        sqlx::query("delete from machine_mac where machine_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("removing MAC addresses of a machine"))?;
        sqlx::query("delete from machine_label where machine_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("removing labels of a machine"))?;
        Ok(())
    }

    /// Removes a machine; audit rows and runs go on naming it.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed already.
    pub async fn delete_machine(&mut self, id: &MachineId) -> Result<(), StoreError> {
        self.delete_parts(id).await?;
        self.clear_once(id).await?;
        sqlx::query("delete from machine where id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("removing a machine"))
            .and_then(|done| exactly_one(&done, "machine"))
    }

    /// Gives a machine a target of its own, or takes it away.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed.
    pub async fn assign_machine(
        &mut self,
        id: &MachineId,
        target: Option<&BootTarget>,
    ) -> Result<(), StoreError> {
        sqlx::query("update machine set target_kind = $1, target = $2 where id = $3")
            .bind(target.map(BootTarget::kind))
            .bind(target.map(BootTarget::name))
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("assigning a machine"))
            .and_then(|done| exactly_one(&done, "machine"))
    }

    /// Sets what a machine boots next, in the place of an earlier order.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot_once(&mut self, id: &MachineId, once: &Once) -> Result<(), StoreError> {
        sqlx::query(
            "insert into machine_once (machine_id, id, target_kind, target, entry, asked_by,
                                       asked_at, boot)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (machine_id) do update set id = excluded.id,
                 target_kind = excluded.target_kind, target = excluded.target,
                 entry = excluded.entry, asked_by = excluded.asked_by,
                 asked_at = excluded.asked_at, boot = excluded.boot",
        )
        .bind(id.as_str())
        .bind(once.id.as_str())
        .bind(once.target.kind())
        .bind(once.target.name())
        .bind(once.entry.as_deref())
        .bind(&once.asked_by)
        .bind(once.asked_at.0)
        .bind(once.boot.as_deref())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("ordering one boot of a machine"))?;
        Ok(())
    }

    /// Notes the boot that was given an order; whether that order still stood.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn give_once(
        &mut self,
        id: &MachineId,
        order: &BootOnceId,
        boot: &str,
    ) -> Result<bool, StoreError> {
        let done =
            sqlx::query("update machine_once set boot = $1 where machine_id = $2 and id = $3")
                .bind(boot)
                .bind(id.as_str())
                .bind(order.as_str())
                .execute(self.connection())
                .await
                .map_err(StoreError::database("giving an order to a boot"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an order since it was carried out; whether that order still stood.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn spend_once(
        &mut self,
        id: &MachineId,
        order: &BootOnceId,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from machine_once where machine_id = $1 and id = $2")
            .bind(id.as_str())
            .bind(order.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("ending an order of one boot"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes the order of a machine back, whatever it was; whether there was one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn clear_once(&mut self, id: &MachineId) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from machine_once where machine_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("taking an order of one boot back"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Locks a machine in the place of an earlier lock, or takes its lock away.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed.
    pub async fn set_machine_lock(
        &mut self,
        id: &MachineId,
        lock: Option<&MachineLock>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update machine set lock_owner_id = $1, lock_owner = $2, lock_purpose = $3,
                    lock_since = $4, lock_until = $5
             where id = $6",
        )
        .bind(lock.map(|it| it.owner_id.as_str()))
        .bind(lock.map(|it| it.owner.as_str()))
        .bind(lock.map(|it| it.purpose.as_str()))
        .bind(lock.map(|it| it.since.0))
        .bind(lock.map(|it| it.until.0))
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("locking a machine"))
        .and_then(|done| exactly_one(&done, "machine"))
    }

    /// Notes what a machine booted, by its own report.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed.
    pub async fn set_machine_running(
        &mut self,
        id: &MachineId,
        running: &Running,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update machine set running_manifest = $1, running_name = $2, running_entry = $3,
                    running_since = $4
             where id = $5",
        )
        .bind(running.manifest.to_string())
        .bind(&running.name)
        .bind(&running.entry)
        .bind(running.since.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting what a machine runs"))
        .and_then(|done| exactly_one(&done, "machine"))
    }

    /// Notes that machines were seen; those that were removed meanwhile are left out.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn sight_machines(&mut self, sighted: &[Sighted]) -> Result<(), StoreError> {
        for it in sighted {
            sqlx::query(
                "update machine set first_seen_at = coalesce(first_seen_at, $1),
                        last_seen_at = $1, last_seen_address = $2
                 where id = $3 and coalesce(last_seen_at, 0) < $1",
            )
            .bind(it.at.0)
            .bind(it.address.map(|it| it.to_string()))
            .bind(it.machine.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting that a machine was seen"))?;
        }
        Ok(())
    }
}
