//! Room on the disk: what takes it, what must stay and for how long, and asking for a collection.
//!
//! [`inventory`] lists every file with the things that reach it. The page and the collection are
//! made of the same inventory: what the one says would be free is what the other removes.

mod disks;
pub(crate) mod inventory;
pub(crate) mod kernels;
pub(crate) mod variants;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    actor::Actor,
    digest::Digest,
    ids::JobId,
    job::{Job, JobKind, JobState},
    page::{Cursor, Page, Slice},
    policy::{self, Action},
    release::Release,
    room::{Disk, Fate, Kind, Pin, RoomRules, Share, Shortage, share},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use store::{WriteTx, jobs::NewJob};

use self::inventory::Inventory;
use crate::{Services, audit::Change, error::ServiceError, releases::no_release};

/// How long a count of the room is good, where nothing is known to have changed.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How long after a collection the next begins by itself.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The same where builds wait for room.
const HOUR: Duration = Duration::from_secs(3600);

/// What is asked of a collection, as the worker reads it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CollectionParameters {
    /// Whether it only says what would go.
    pub(crate) dry_run: bool,
}

/// The room on the disk.
#[derive(Debug, Clone)]
pub struct Room {
    /// The disks that are written to, as they are now.
    pub disks: Vec<Disk>,
    /// How long things stay.
    pub rules: RoomRules,
    /// Why builds wait, where they do.
    pub shortage: Option<Shortage>,
    /// What takes the room, as it was counted last.
    pub counted: Arc<Counted>,
}

/// What takes the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// When it was counted.
    pub at: Timestamp,
    /// Bytes by kind, all kinds; each file once.
    pub kinds: Vec<(Kind, u64)>,
    /// Complete releases whose files are there; what would free most first.
    pub releases: Vec<ReleaseRoom>,
    /// Finished build steps by name.
    pub steps: Vec<StepRoom>,
    /// Logs of jobs and consoles of runs.
    pub logs: LogRoom,
    /// What a collection would free now, in bytes.
    pub would_free: u64,
    /// How many candidates it would withdraw.
    pub would_withdraw: usize,
}

/// What a release takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRoom {
    /// Which release.
    pub release: Release,
    /// What needs it, or until when it stays.
    pub fate: Fate,
    /// What it takes, with the packages of its lock.
    pub share: Share,
}

/// What the finished runs of a build step take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRoom {
    /// Name of the step; empty where an older program wrote them.
    pub step: String,
    /// How many there are.
    pub entries: usize,
    /// What they take together.
    pub share: Share,
    /// When one was used last.
    pub used_at: Timestamp,
    /// How many of them a collection would forget now.
    pub idle: usize,
}

/// What logs take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRoom {
    /// How many there are.
    pub entries: usize,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How many of them a collection would remove now.
    pub over: usize,
}

impl Services {
    /// The room on the disk. What takes it is counted at the most once a minute, and anew after what
    /// changes it.
    ///
    /// # Errors
    /// Where the actor may not read, or a folder cannot be read.
    pub async fn room(&self, actor: &Actor) -> Result<Room, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let counted = {
            // Who asks meanwhile waits for the same count.
            let mut last = self.counted().lock().await;
            let changes = self.room_changes();
            match &*last {
                Some((seen, counted))
                    if *seen == changes && self.now() < counted.at.plus(GOOD_FOR) =>
                {
                    counted.clone()
                }
                _ => {
                    let inventory = Inventory::take(self).await?;
                    let count = move || Arc::new(count(&inventory));
                    let counted = tokio::task::spawn_blocking(count).await;
                    let counted = counted.map_err(ServiceError::internal)?;
                    *last = Some((changes, counted.clone()));
                    counted
                }
            }
        };
        let rules = self.read().await?.room_rules().await?;
        let disks = self.disks()?;
        let shortage = disks.iter().find_map(|disk| disk.shortage(rules.floor));
        Ok(Room { disks, rules, shortage, counted })
    }

    /// A page of the complete releases whose files are there; what would free most first.
    ///
    /// # Errors
    /// As [`Services::room`].
    pub async fn room_of_releases(
        &self,
        actor: &Actor,
        slice: &Slice,
    ) -> Result<Page<ReleaseRoom>, ServiceError> {
        let counted = self.room(actor).await?.counted;
        let key = |it: &ReleaseRoom| Cursor {
            number: i64::try_from(it.share.frees).unwrap_or(i64::MAX),
            name: it.release.id.to_string(),
        };
        let (number, name) = slice.below();
        let below = |it: &&ReleaseRoom| {
            let key = key(it);
            (key.number, key.name.as_str()) < (number, name)
        };
        let limit = usize::try_from(slice.limit).unwrap_or(usize::MAX).saturating_add(1);
        let read = counted.releases.iter().filter(below).take(limit).cloned().collect();
        Ok(Page::of(read, slice, key))
    }

    /// How long things stay.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn room_rules(&self, actor: &Actor) -> Result<RoomRules, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.room_rules().await?)
    }

    /// Why builds wait for room, where they do.
    ///
    /// # Errors
    /// Where the actor may not read, or a disk cannot be asked.
    pub async fn room_shortage(&self, actor: &Actor) -> Result<Option<Shortage>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.shortage().await
    }

    pub(crate) async fn shortage(&self) -> Result<Option<Shortage>, ServiceError> {
        let rules = self.read().await?.room_rules().await?;
        Ok(self.disks()?.iter().find_map(|disk| disk.shortage(rules.floor)))
    }

    /// Changes how long things stay. `base` is the digest of the rules that the change was made
    /// from, where known.
    ///
    /// # Errors
    /// Where the actor may not, a number is out of range, or somebody changed the rules meanwhile.
    pub async fn change_room_rules(
        &self,
        actor: &Actor,
        rules: RoomRules,
        base: Option<&Digest>,
    ) -> Result<(), ServiceError> {
        Action::ChangeRoomRules.allowed_to(&actor.who)?;
        rules.check().map_err(|error| ServiceError::invalid(error.field(), error.to_string()))?;
        let mut tx = self.begin().await?;
        let before = tx.room_rules().await?;
        if let Some(base) = base
            && *base != before.version()?
        {
            return Err(ServiceError::Conflict(
                "somebody changed how long things stay since you looked at it; look again, and \
                 change it then"
                    .to_owned(),
            ));
        }
        tx.set_room_rules(&rules).await?;
        let change = Change::RoomRulesChanged { from: &before, to: &rules };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, "room").await?;
        self.count_room_anew();
        // Builds that waited may begin.
        self.nudge();
        Ok(())
    }

    /// Why a release must stay, where somebody has said so.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn pin_of(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Option<Pin>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.pin_of(&release.id).await?)
    }

    /// When the files of a release were removed, where they were.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn files_removed_at(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Option<Timestamp>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.files_removed_at(&release.id).await?)
    }

    /// Says that a candidate must stay: nothing withdraws it, and its files and logs are kept.
    ///
    /// # Errors
    /// Where the actor may not, no reason is given, or it is no candidate.
    pub async fn pin_release(
        &self,
        actor: &Actor,
        name: &str,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::PinRelease)?;
        let reason = policy::require_reason(reason)?;
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(name).await?.ok_or_else(|| no_release(name))?;
        policy::may_pin(role, release.stage)?;
        let pin = Pin { by: actor.name().to_owned(), at: self.now(), reason };
        tx.set_pin(&release.id, &pin).await?;
        let change = Change::ReleasePinned { release: &release, reason: &pin.reason };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("release/{}", release.version)).await?;
        self.count_room_anew();
        Ok(())
    }

    /// Takes the pin off a release.
    ///
    /// # Errors
    /// Where the actor may not, or it is not pinned.
    pub async fn unpin_release(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        Action::PinRelease.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(name).await?.ok_or_else(|| no_release(name))?;
        if tx.pin_of(&release.id).await?.is_none() {
            return Err(ServiceError::NotFound(format!("pin on {}", release.name())));
        }
        tx.delete_pin(&release.id).await?;
        self.record(&mut tx, actor, Change::ReleaseUnpinned { release: &release }).await?;
        self.commit(tx, &format!("release/{}", release.version)).await?;
        self.count_room_anew();
        Ok(())
    }

    /// Queues a collection of what nothing needs; a dry run only says what would go.
    ///
    /// # Errors
    /// Where the actor may not, or one of the same kind has not ended yet.
    pub async fn start_collection(
        &self,
        actor: &Actor,
        dry_run: bool,
    ) -> Result<Job, ServiceError> {
        Action::CollectGarbage.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        if let Some(open) = tx.open_collection(dry_run).await? {
            return Err(ServiceError::Conflict(format!(
                "a collection has not ended yet: look at job {open}"
            )));
        }
        let job = self.queue_collection(&mut tx, actor, dry_run).await?;
        self.commit(tx, &format!("job/{}", job.id)).await?;
        self.nudge();
        Ok(job)
    }

    /// Queues a collection where builds wait for room and none began within the hour; says whether
    /// it did.
    pub(crate) async fn make_room(&self, tx: &mut WriteTx) -> Result<bool, ServiceError> {
        let waits = |job: &Job| job.kind.waits_for_room() && job.state == JobState::Queued;
        if !tx.open_jobs().await?.iter().any(waits) {
            return Ok(false);
        }
        self.collect_after(tx, HOUR).await
    }

    /// Queues a collection where the last one was a day ago.
    pub(crate) async fn collect_daily(&self) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        if self.collect_after(&mut tx, DAY).await? {
            self.commit(tx, "job/").await?;
            self.nudge();
        }
        Ok(())
    }

    async fn collect_after(&self, tx: &mut WriteTx, pause: Duration) -> Result<bool, ServiceError> {
        let last = tx.last_collection().await?;
        if last.is_some_and(|last| self.now() < last.plus(pause)) {
            return Ok(false);
        }
        self.queue_collection(tx, &Actor::runner("collection"), false).await?;
        Ok(true)
    }

    async fn queue_collection(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        dry_run: bool,
    ) -> Result<Job, ServiceError> {
        let id = JobId::generate(self.ids());
        let steps = if dry_run { &["count"][..] } else { &["withdraw", "count", "remove"] };
        tx.insert_job(&NewJob {
            id: id.clone(),
            kind: JobKind::Collection,
            release: None,
            kernel: None,
            variant: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters: serde_json::to_value(CollectionParameters { dry_run })
                .map_err(ServiceError::internal)?,
            steps: steps.iter().map(|name| (*name).to_owned()).collect(),
        })
        .await?;
        let change = Change::CollectionRequested { job: &id, dry_run };
        self.record(tx, actor, change).await?;
        tx.job(&id).await?.ok_or_else(|| crate::jobs::no_job(&id))
    }
}

/// Accounts for everything that an inventory lists.
fn count(inventory: &Inventory) -> Counted {
    let mut steps: BTreeMap<&str, Vec<&inventory::KeptStep>> = BTreeMap::new();
    for step in &inventory.steps {
        steps.entry(&step.cached.step).or_default().push(step);
    }
    let things = inventory
        .releases
        .iter()
        .map(|it| it.places().collect::<Vec<_>>())
        .chain(steps.values().map(|all| all.iter().flat_map(|it| &it.places).collect()))
        .chain(std::iter::once(inventory.logs.iter().map(|it| &it.place).collect()))
        .chain(std::iter::once(inventory.packages.iter().collect()))
        .chain(std::iter::once(inventory.kernels.iter().flat_map(|it| &it.places).collect()))
        .chain(std::iter::once(inventory.uploads.iter().map(|it| &it.place).collect()));
    let shares = share(&inventory.files, things);
    let mut of_things = shares.things.iter().copied();
    let mut releases: Vec<_> = inventory
        .releases
        .iter()
        .zip(&mut of_things)
        .map(|(it, share)| ReleaseRoom {
            release: it.release.clone(),
            fate: it.fate.clone(),
            share,
        })
        .collect();
    releases.sort_by(|a, b| {
        b.share.frees.cmp(&a.share.frees).then_with(|| b.release.id.cmp(&a.release.id))
    });
    let steps = steps
        .into_iter()
        .zip(&mut of_things)
        .map(|((step, all), share)| StepRoom {
            step: step.to_owned(),
            entries: all.len(),
            share,
            used_at: all
                .iter()
                .map(|it| inventory::timestamp(it.cached.used_at))
                .max()
                .unwrap_or(Timestamp(0)),
            idle: all.iter().filter(|it| it.goes).count(),
        })
        .collect();
    let blobs = of_things.next().unwrap_or_default().bytes;
    let growing = &inventory.growing_logs;
    let logs = LogRoom {
        entries: inventory.logs.len() + growing.iter().filter(|it| !it.goes).count(),
        bytes: blobs + growing.iter().map(|it| it.bytes).sum::<u64>(),
        over: inventory.logs.iter().filter(|it| it.goes).count(),
    };
    let fated = |fate: &Fate| inventory.releases.iter().filter(|it| it.fate == *fate).count();
    Counted {
        at: inventory.at,
        kinds: inventory.kinds(),
        releases,
        steps,
        logs,
        would_free: inventory.left_over().1,
        would_withdraw: fated(&Fate::Withdrawn),
    }
}
