//! Collecting garbage: withdraws candidates whose days are over, and removes what nothing needs.
//!
//! Rows first, files after: a release whose files are to go says so before the first of them goes,
//! so that a collection that is interrupted, by whatever, leaves garbage and nothing half. Begun
//! again, it takes the inventory anew.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    actor::Actor,
    error_chain::chain,
    job::{JobState, Step, StepState},
    release::{Release, Stage},
    room::{Fate, Place, over_before},
    time::human_size,
};
use store::{WriteTx, jobs::ClaimedJob};

use super::{Ended, cancelled_by_a_person};
use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    job_log::LogWriter,
    kernels::topic,
    releases::no_release,
    room::{
        CollectionParameters,
        inventory::{self, Inventory},
        kernels, variants,
    },
};

/// One collection at work.
struct Collection {
    services: Services,
    claimed: ClaimedJob,
    log: LogWriter,
    cancelled: Arc<AtomicBool>,
}

/// What was removed.
#[derive(Default)]
struct Removed {
    bytes: u64,
    files: usize,
    steps: usize,
    /// What could not be removed, and why the first of it.
    kept: usize,
    why: Option<String>,
}

impl Removed {
    /// One file that cannot be removed must not keep all the others.
    fn could_not<E: std::error::Error>(&mut self, done: Result<bool, E>) -> bool {
        match done {
            Ok(done) => done,
            Err(error) => {
                self.kept += 1;
                self.why.get_or_insert_with(|| chain(&error));
                false
            }
        }
    }
}

/// Collects, or only says what would go.
pub(super) async fn run(
    services: &Services,
    claimed: &ClaimedJob,
    cancelled: Arc<AtomicBool>,
) -> Result<Ended, ServiceError> {
    let CollectionParameters { dry_run } =
        serde_json::from_value(claimed.parameters.clone()).map_err(ServiceError::internal)?;
    let log = services.logs().writer(&claimed.job.id)?;
    let (services, claimed) = (services.clone(), claimed.clone());
    let collection = Arc::new(Collection { services, claimed, log, cancelled });
    if collection.claimed.job.attempts > 1 {
        collection.say("", "The server was interrupted; what was removed is gone, and it goes on.");
    }
    let outcome = if dry_run { collection.dry_run().await } else { collection.collect().await };
    Ok(outcome?.unwrap_or_else(cancelled_by_a_person))
}

impl Collection {
    /// The inner `None` says that a person stopped it.
    async fn dry_run(self: &Arc<Self>) -> Result<Option<Ended>, ServiceError> {
        let inventory = self.count(0).await?;
        let withdrawn = inventory.releases.iter().filter(|it| it.fate == Fate::Withdrawn).count();
        let (places, bytes) = inventory.left_over();
        if self.stopped() {
            return Ok(None);
        }
        Ok(succeeded(format!(
            "would free {} in {}, and withdraw {}; nothing was removed",
            human_size(bytes),
            counted(places.len(), "file"),
            counted(withdrawn, "candidate"),
        )))
    }

    async fn collect(self: &Arc<Self>) -> Result<Option<Ended>, ServiceError> {
        let step = self.begin(0, "withdraw").await?;
        let (withdrawn, given_up) = self.withdraw().await?;
        let mut message = format!(
            "{} withdrawn, files of {} go",
            counted(withdrawn, "candidate"),
            counted(given_up, "withdrawn candidate")
        );
        let variants = self.give_up_variants().await?;
        if variants > 0 {
            message += &format!(", those of {} of variants", counted(variants, "build"));
        }
        let (builds, uploads) = self.give_up_kernels().await?;
        if builds + uploads > 0 {
            let builds = counted(builds, "build");
            message +=
                &format!(", those of {builds} of kernels and {}", counted(uploads, "upload"));
        }
        let runs = self.give_up_runs().await?;
        if runs > 0 {
            message += &format!(", those of {}", counted(runs, "run"));
        }
        self.end_step(step, &message).await?;
        let inventory = self.count(1).await?;
        if self.stopped() {
            return Ok(None);
        }
        let step = self.begin(2, "remove").await?;
        let collection = self.clone();
        let remove = move || collection.remove(&inventory);
        let removed = tokio::task::spawn_blocking(remove).await.map_err(ServiceError::internal)?;
        if self.stopped() {
            return Ok(None);
        }
        let freed = format!(
            "{} freed: {} and {} removed",
            human_size(removed.bytes),
            counted(removed.files, "file"),
            counted(removed.steps, "build step"),
        );
        if let Some(why) = removed.why {
            let kept = counted(removed.kept, "file");
            let outcome = format!("{freed}; {kept} could not be removed, the first since {why}");
            self.say("remove", &outcome);
            return Ok(Some(Ended { state: JobState::Failed, outcome }));
        }
        self.end_step(step, &freed).await?;
        Ok(succeeded(format!("{freed}, {} withdrawn", counted(withdrawn, "candidate"))))
    }

    /// Takes the inventory and says what is in it that goes.
    async fn count(&self, position: u32) -> Result<Inventory, ServiceError> {
        const NAME: &str = "count";
        let step = self.begin(position, NAME).await?;
        let inventory = Inventory::take(&self.services).await?;
        for it in &inventory.releases {
            match &it.fate {
                Fate::Withdrawn => {
                    let days = "its days as a candidate are over: it is withdrawn";
                    self.say(NAME, &format!("{}: {days}", it.release.name()));
                }
                Fate::Removed => {
                    let text = format!("{}: withdrawn, its files go", it.release.name());
                    self.say(NAME, &text);
                }
                Fate::Needed(_) | Fate::Until(_) => {}
            }
        }
        for it in inventory.kernels.iter().filter(|it| it.goes) {
            let (name, number) = (&it.build.name, it.build.number);
            let text = "newer ones took its place, and no release holds it: its files go";
            self.say(NAME, &format!("kernel {name} build {number}: {text}"));
        }
        for it in inventory.uploads.iter().filter(|it| it.goes) {
            let (name, digest) = (&it.file.name, it.file.sha256.short());
            self.say(NAME, &format!("upload {name} {digest}: nothing has named it for a week"));
        }
        for it in inventory.steps.iter().filter(|it| it.goes) {
            let used = inventory::timestamp(it.cached.used_at).rfc3339();
            self.say(NAME, &format!("step {} {}: last used {used}", it.cached.step, it.cached.key));
        }
        let (places, bytes) = inventory.left_over();
        let files = counted(places.len(), "file");
        let message = format!("{} in {files} that nothing needs", human_size(bytes));
        self.end_step(step, &message).await?;
        Ok(inventory)
    }

    /// Withdraws candidates whose days are over, and gives up the files of withdrawn ones whose days
    /// are over too. Each is judged again in the transaction that changes it.
    async fn withdraw(&self) -> Result<(usize, usize), ServiceError> {
        let (mut withdrawn, mut given_up) = (0, 0);
        // A candidate that is withdrawn now may have no days left at all.
        for wanted in [Fate::Withdrawn, Fate::Removed] {
            let mut rows = self.services.read().await?;
            let rules = rows.room_rules().await?;
            let now = self.services.now();
            let all = inventory::releases(&self.services, &mut rows, &rules, now).await?;
            drop(rows);
            for (kept, _) in all.into_iter().filter(|(_, fate)| *fate == wanted) {
                if self.stopped() {
                    return Ok((withdrawn, given_up));
                }
                let mut tx = self.services.begin().await?;
                let release = tx
                    .release(&kept.release)
                    .await?
                    .ok_or_else(|| no_release(kept.release.as_str()))?;
                let now = self.services.now();
                let rules = tx.room_rules().await?;
                let fates = inventory::releases(&self.services, &mut tx, &rules, now).await?;
                if !fates.contains(&(kept.clone(), wanted.clone())) {
                    continue;
                }
                if release.stage == Stage::Candidate {
                    self.withdraw_one(&mut tx, &release, rules.candidates).await?;
                    withdrawn += 1;
                } else {
                    tx.set_files_removed(&release.id, now).await?;
                    let change = Change::FilesRemoved { release: &release };
                    self.services.record(&mut tx, &self.actor(), change).await?;
                    self.say("withdraw", &format!("{}: its files go", release.name()));
                    given_up += 1;
                }
                self.services.commit(tx, &format!("release/{}", release.version)).await?;
                self.services.refresh_catalogue().await?;
            }
        }
        Ok((withdrawn, given_up))
    }

    /// Gives up the files of builds of kernels that newer ones took the place of, and uploads that
    /// nothing names; judged in the transaction that changes them.
    async fn give_up_kernels(&self) -> Result<(usize, usize), ServiceError> {
        const NAME: &str = "withdraw";
        if self.stopped() {
            return Ok((0, 0));
        }
        let services = &self.services;
        let mut tx = services.begin().await?;
        let (rules, now) = (tx.room_rules().await?, services.now());
        let releases = inventory::releases(services, &mut tx, &rules, now).await?;
        let locked = inventory::locked(&mut tx, &releases, &rules, now).await?;
        let builds = kernels::builds(&mut tx, &locked.staying).await?;
        let uploads = kernels::uploads(&mut tx, &builds, now).await?;
        let builds: Vec<_> = builds.into_iter().filter(|it| it.goes).map(|it| it.build).collect();
        let uploads: Vec<_> = uploads.into_iter().filter(|it| it.goes).map(|it| it.file).collect();
        for it in &builds {
            tx.set_kernel_files_removed(&it.kernel, it.number, now).await?;
            let change = Change::KernelFilesRemoved { kernel: &it.name, number: it.number };
            services.record(&mut tx, &self.actor(), change).await?;
            self.say(NAME, &format!("kernel {} build {}: its files go", it.name, it.number));
        }
        for file in &uploads {
            tx.delete_upload(&file.name, &file.sha256).await?;
            let change = Change::UploadForgotten { file };
            services.record(&mut tx, &self.actor(), change).await?;
            self.say(NAME, &format!("upload {} {}: it goes", file.name, file.sha256.short()));
        }
        tx.commit().await?;
        for it in &builds {
            services.tell(&topic(&it.name));
        }
        Ok((builds.len(), uploads.len()))
    }

    /// Gives up the files of variants whose days are over or that were built anew; judged in the
    /// transaction that changes them.
    async fn give_up_variants(&self) -> Result<usize, ServiceError> {
        if self.stopped() {
            return Ok(0);
        }
        let services = &self.services;
        let mut tx = services.begin().await?;
        let now = services.now();
        let booting = inventory::booting(services, now);
        let builds = variants::builds(&mut tx, &booting, now).await?;
        let going: Vec<_> = builds.into_iter().filter(|it| it.goes).map(|it| it.build).collect();
        for it in &going {
            tx.set_variant_files_removed(&it.variant, it.number, now).await?;
            let change = Change::VariantFilesRemoved { variant: &it.name, number: it.number };
            services.record(&mut tx, &self.actor(), change).await?;
            self.say("withdraw", &format!("variant {} build {}: its files go", it.name, it.number));
        }
        tx.commit().await?;
        if !going.is_empty() {
            services.refresh_catalogue().await?;
        }
        for it in &going {
            services.tell(&crate::variants::topic(&it.name));
        }
        Ok(going.len())
    }

    /// Gives up the files of runs that are older than these stay; judged in the transaction that changes
    /// them. Their results stay.
    async fn give_up_runs(&self) -> Result<usize, ServiceError> {
        if self.stopped() {
            return Ok(0);
        }
        let services = &self.services;
        let mut tx = services.begin().await?;
        let (rules, now) = (tx.room_rules().await?, services.now());
        let going = tx.runs_whose_files_go(over_before(rules.logs, now)).await?;
        for run in &going {
            tx.set_run_files_removed(run, now).await?;
            let change = Change::RunFilesRemoved { run };
            services.record(&mut tx, &self.actor(), change).await?;
            self.say("withdraw", &format!("run {run}: its files go, its results stay"));
        }
        tx.commit().await?;
        for run in &going {
            services.tell(&format!("run/{run}"));
        }
        Ok(going.len())
    }

    async fn withdraw_one(
        &self,
        tx: &mut WriteTx,
        release: &Release,
        days: Option<u32>,
    ) -> Result<(), ServiceError> {
        let days = counted(days.unwrap_or_default() as usize, "day");
        let reason = format!("nothing needed it within {days} of its build");
        tx.withdraw_release(&release.id, self.services.now()).await?;
        let change = Change::ReleaseWithdrawn { release, reason: &reason };
        self.services.record(tx, &self.actor(), change).await?;
        self.say("withdraw", &format!("{} is withdrawn: {reason}", release.name()));
        Ok(())
    }

    /// Removes what nothing needs; ends early where a person stops it.
    fn remove(&self, inventory: &Inventory) -> Removed {
        const NAME: &str = "remove";
        let services = &self.services;
        let cache = services.builder().cache();
        let mut removed = Removed::default();
        // What names blobs goes before the blobs.
        for step in inventory.steps.iter().filter(|it| it.goes) {
            if self.stopped() {
                return removed;
            }
            let forgotten = cache.forget(&step.cached.key, inventory.cached_unused_since);
            if removed.could_not(forgotten) {
                removed.steps += 1;
            }
        }
        let (places, _) = inventory.left_over();
        let mut gone = std::collections::HashSet::new();
        for place in places {
            if self.stopped() {
                break;
            }
            let (store, digest, since) = match place {
                Place::Kept(it) => (services.blobs(), it, inventory.kept_unused_since),
                Place::Cached(it) => (cache.blobs(), it, inventory.cached_unused_since),
            };
            if removed.could_not(store.remove_unused(digest, since)) {
                self.say(NAME, &digest.to_string());
                gone.insert(place);
            }
        }
        removed.files = gone.len();
        let free = inventory.files.iter().filter(|it| it.places.iter().all(|it| gone.contains(it)));
        removed.bytes = free.map(|it| it.bytes).sum();
        for tree in &inventory.idle_trees {
            if self.stopped() {
                break;
            }
            let done = services.builder().remove_tree(tree);
            if removed.could_not(done) {
                self.say(NAME, &format!("the unpacked image {}", tree.image));
            }
        }
        for log in inventory.growing_logs.iter().filter(|it| it.goes) {
            if removed.could_not(services.logs().remove(&log.job).map(|()| true)) {
                removed.files += 1;
                removed.bytes += log.bytes;
            }
        }
        removed
    }

    fn actor(&self) -> Actor {
        Actor::runner(self.claimed.job.id.as_str())
    }

    fn stopped(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// What cannot be logged is done all the same: the disk may be full, and this makes room.
    fn say(&self, step: &str, line: &str) {
        if let Err(error) = self.log.line(self.services.now(), step, line) {
            tracing::warn!(job = %self.claimed.job.id, %error, line, "a line was not logged");
        }
    }

    async fn begin(&self, position: u32, name: &str) -> Result<Step, ServiceError> {
        let step = Step {
            position,
            name: name.to_owned(),
            state: StepState::Running,
            key: None,
            started_at: Some(self.services.now()),
            ended_at: None,
            progress: None,
            message: None,
        };
        self.write(&step).await?;
        Ok(step)
    }

    async fn end_step(&self, step: Step, message: &str) -> Result<(), ServiceError> {
        self.say(&step.name, message);
        let ended_at = Some(self.services.now());
        let message = Some(message.to_owned());
        self.write(&Step { state: StepState::Succeeded, ended_at, message, ..step }).await
    }

    async fn write(&self, step: &Step) -> Result<(), ServiceError> {
        let id = &self.claimed.job.id;
        let mut tx = self.services.begin().await?;
        tx.set_step(id, step).await?;
        self.services.commit(tx, &format!("job/{id}")).await
    }
}

/// In the transaction that ends the job.
pub(super) async fn end(
    services: &Services,
    tx: &mut WriteTx,
    claimed: &ClaimedJob,
    ended: &Ended,
) -> Result<(), ServiceError> {
    let id = &claimed.job.id;
    let change = Change::CollectionEnded { job: id, outcome: &ended.outcome };
    services.record(tx, &Actor::runner(id.as_str()), change).await?;
    Ok(())
}

const fn succeeded(outcome: String) -> Option<Ended> {
    Some(Ended { state: JobState::Succeeded, outcome })
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
