//! Who was seen at the boot listener: written down now and then, in one transaction.
//!
//! A machine that nobody has heard of becomes a pending one. As many wait as [`MOST_PENDING`]; while that many do, others
//! are served by the policy of strangers and not written down. Whoever can send packets could else fill
//! the audit log, from which nothing is ever removed. One that was not seen for [`PENDING_DAYS`] days
//! goes by itself, and makes room.

use std::time::Duration;

use domain::{
    actor::{Actor, Who},
    ids::MachineId,
    machine::{Architecture, Machine, MachineState, Profile, Seen},
    time::Timestamp,
};
use netboot::Sighting;
use store::{WriteTx, machines::Sighted};

use super::TOPIC;
use crate::{Services, audit::Change, error::ServiceError};

/// How many machines wait to be accepted at the most.
pub const MOST_PENDING: u32 = 500;
/// After how many days without being seen a machine waits no more.
pub const PENDING_DAYS: u32 = 14;
/// How many go by themselves at a time.
const LAPSING: u32 = 100;
/// How many known machines one transaction notes: others write in between.
const NOTED_AT_ONCE: usize = 500;

impl Services {
    /// Writes down who was seen at the boot listener since it was looked last.
    ///
    /// # Errors
    /// Where the store fails; then those are noted that are seen again.
    pub async fn note_sightings(&self) -> Result<(), ServiceError> {
        let listener = self.boot_listener();
        let (unknown, known) =
            (listener.sightings().take_unknown(), listener.sightings().take_known());
        let known: Vec<_> = known
            .into_iter()
            .map(|(machine, at, address)| Sighted { machine, at, address })
            .collect();
        for some in known.chunks(NOTED_AT_ONCE) {
            let mut tx = self.begin().await?;
            tx.sight_machines(some).await?;
            tx.commit().await?;
        }
        if !unknown.is_empty() {
            self.discover(unknown).await?;
        }
        self.let_pending_lapse().await
    }

    async fn discover(&self, unknown: Vec<Sighting>) -> Result<(), ServiceError> {
        let actor = boot_listener();
        let mut tx = self.begin().await?;
        let mut waiting = tx.count_machines(MachineState::Pending).await?;
        let mut added = false;
        for sighting in unknown {
            let (at, address) = (sighting.at, sighting.address);
            let Some((name, profile)) = profile_of(sighting) else { continue };
            let mut known = None;
            for identifier in profile.identifiers() {
                known = known.or(tx.machine_known_by(&identifier).await?);
            }
            if let Some((machine, _)) = known {
                tx.sight_machines(&[Sighted { machine, at, address }]).await?;
                continue;
            }
            if waiting >= MOST_PENDING || tx.machine(&name).await?.is_some() {
                continue;
            }
            let machine = self.pending(name, profile, Seen { at, address });
            tx.insert_machine(&machine).await?;
            self.record_of_machine(&mut tx, &actor, "machine.discover", &machine).await?;
            waiting += 1;
            added = true;
        }
        self.commit_machines(tx, added).await
    }

    async fn let_pending_lapse(&self) -> Result<(), ServiceError> {
        let days = Duration::from_secs(u64::from(PENDING_DAYS) * 24 * 3600);
        let days = i64::try_from(days.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp(self.now().0.saturating_sub(days));
        let unseen = self.read().await?.machines_pending_unseen(before, LAPSING).await?;
        if unseen.is_empty() {
            return Ok(());
        }
        let actor = boot_listener();
        let mut tx = self.begin().await?;
        for it in unseen {
            // Accepted or seen since it was read: it stays.
            let now = tx.machine_by_id(&it.id).await?;
            if now.as_ref() == Some(&it) {
                tx.delete_machine(&it.id).await?;
                self.record_of_machine(&mut tx, &actor, "machine.lapse", &it).await?;
            }
        }
        self.commit_machines(tx, true).await
    }

    fn pending(&self, name: String, profile: Profile, seen: Seen) -> Machine {
        Machine {
            id: MachineId::generate(self.ids()),
            name,
            state: MachineState::Pending,
            profile,
            revision: 1,
            target: None,
            once: None,
            lock: None,
            running: None,
            first_seen_at: Some(seen.at),
            last_seen: Some(seen),
            created_at: self.now(),
            created_by: "boot listener".to_owned(),
        }
    }

    async fn record_of_machine(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        action: &'static str,
        machine: &Machine,
    ) -> Result<(), ServiceError> {
        let change = Change::Machine { action, machine, reason: None, into: None };
        self.record(tx, actor, change).await.map(drop)
    }

    async fn commit_machines(&self, tx: WriteTx, changed: bool) -> Result<(), ServiceError> {
        tx.commit().await?;
        if changed {
            self.tell(TOPIC);
            self.refresh_machines().await?;
        }
        Ok(())
    }
}

/// This program, as what it noted at the boot listener has it.
pub(crate) fn boot_listener() -> Actor {
    Actor { who: Who::Runner, request: "boot listener".to_owned(), ..Actor::anonymous() }
}

/// The name and the profile of a machine that was seen.
fn profile_of(sighting: Sighting) -> Option<(String, Profile)> {
    let mac = sighting.known.mac?;
    let digits: String = mac.to_string().split(':').collect();
    let profile = Profile {
        macs: vec![mac],
        uuid: sighting.known.uuid,
        serial: sighting.known.serial,
        architecture: sighting.architecture.unwrap_or(Architecture::Amd64),
        ..Profile::default()
    };
    Some((format!("machine-{digits}"), profile))
}
