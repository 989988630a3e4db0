//! Every file that is kept, and every thing that reaches one.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use builder::{CachedStep, CachedTree};
use domain::{
    digest::Digest,
    ids::{JobId, ReleaseId},
    machine::BootTarget,
    release::{Release, Stage},
    room::{self, Fate, KeptFile, Kind, Need, Place, RoomRules, Standing, fate, over_before},
    time::Timestamp,
};
use store::{Rows, room::KeptRelease};

use super::{
    disks,
    kernels::{self, KernelFiles, UploadRoom},
    variants::{self, VariantFiles},
};
use crate::{Services, error::ServiceError};

/// How long after a machine's last request its boot may still go on: longer than the initrd of a
/// release waits for an answer.
const BOOT: Duration = Duration::from_secs(30 * 60);
/// How much the clock by which files get their times may be behind the one that tells the time.
const SLACK: Duration = Duration::from_secs(2);

/// Everything that is kept, as it was at one moment.
pub(crate) struct Inventory {
    /// When it was taken.
    pub(crate) at: Timestamp,
    pub(crate) rules: RoomRules,
    /// The blobs; those of hard links once.
    pub(crate) files: Vec<KeptFile>,
    /// What somebody writes, or has marked as counted on: it stays, named or not.
    in_use: Vec<Place>,
    pub(crate) releases: Vec<ReleaseFiles>,
    /// Packages of locks that stay.
    pub(crate) packages: Vec<Place>,
    pub(crate) kernels: Vec<KernelFiles>,
    pub(crate) uploads: Vec<UploadRoom>,
    pub(crate) variants: Vec<VariantFiles>,
    pub(crate) steps: Vec<KeptStep>,
    /// Unpacked releases that no variant was built on for longer than steps stay.
    pub(crate) idle_trees: Vec<CachedTree>,
    pub(crate) logs: Vec<Log>,
    /// Logs that are files of their own: of jobs that have not ended, or were not cleaned up after.
    pub(crate) growing_logs: Vec<GrowingLog>,
    /// Bytes of everything that is no blob.
    others: Vec<(Kind, u64)>,
    /// Before when a kept blob was touched last that may be removed.
    pub(crate) kept_unused_since: SystemTime,
    /// The same for the cache.
    pub(crate) cached_unused_since: SystemTime,
}

/// A complete release whose files are there.
pub(crate) struct ReleaseFiles {
    pub(crate) release: Release,
    pub(crate) fate: Fate,
    /// Whether its files go.
    goes: bool,
    own: Vec<Place>,
    packages: Vec<Place>,
}

impl ReleaseFiles {
    /// Every place that it reaches.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.own.iter().chain(&self.packages)
    }
}

/// A finished build step.
pub(crate) struct KeptStep {
    pub(crate) cached: CachedStep,
    pub(crate) places: Vec<Place>,
    /// Whether nobody has used it for longer than steps stay.
    pub(crate) goes: bool,
}

/// A log or a console that has ended.
pub(crate) struct Log {
    pub(crate) place: Place,
    /// Whether it is older than logs stay.
    pub(crate) goes: bool,
}

/// A log that is a file.
pub(crate) struct GrowingLog {
    pub(crate) job: JobId,
    pub(crate) bytes: u64,
    /// Whether its job has ended: a blob has every line of it.
    pub(crate) goes: bool,
}

impl Inventory {
    /// Takes the inventory.
    pub(crate) async fn take(services: &Services) -> Result<Self, ServiceError> {
        let at = services.now();
        // Before any row is read: who names a blob after that has touched it after that, or runs
        // since before.
        let now = blobs::now();
        let kept_unused_since = services.running_since().unwrap_or(now).min(now) - SLACK;
        let cached_unused_since = services.builder().cache().unused_since(now)? - SLACK;
        let mut rows = services.read().await?;
        let rules = rows.room_rules().await?;
        let releases = releases(services, &mut rows, &rules, at).await?;
        let locked = locked(&mut rows, &releases, &rules, at).await?;
        let kernels = kernels::builds(&mut rows, &locked.staying).await?;
        let uploads = kernels::uploads(&mut rows, &kernels, at).await?;
        let variants = variants::builds(&mut rows, &booting(services, at), at).await?;
        let all = rows.releases().await?.into_iter();
        let mut names: HashMap<ReleaseId, Release> =
            all.map(|release| (release.id.clone(), release)).collect();
        let mut release_files = Vec::with_capacity(releases.len());
        for (kept, fate) in releases {
            let Some(release) = names.remove(&kept.release) else { continue };
            let of_lock = release.lock.and_then(|lock| locked.of_locks.get(&lock));
            let packages = of_lock.into_iter().flatten().copied().map(Place::Kept).collect();
            let (goes, own) = (goes(&fate, &rules), own_places(&kept)?);
            release_files.push(ReleaseFiles { goes, own, packages, release, fate });
        }
        let packages = locked.staying.into_iter().map(Place::Kept).collect();
        let old = over_before(rules.logs, at);
        let mut logs = rows.kept_job_logs().await?;
        logs.append(&mut rows.kept_consoles().await?);
        let logs = logs
            .into_iter()
            .map(|it| Log { place: Place::Kept(it.blob), goes: !it.stays && it.ended_at <= old })
            .collect();
        let kept_logs: HashSet<JobId> = rows.jobs_with_kept_log().await?.into_iter().collect();
        drop(rows);
        let inventory = Self {
            at,
            rules,
            files: Vec::new(),
            in_use: Vec::new(),
            releases: release_files,
            packages,
            kernels,
            uploads,
            variants,
            steps: Vec::new(),
            idle_trees: Vec::new(),
            logs,
            growing_logs: Vec::new(),
            others: Vec::new(),
            kept_unused_since,
            cached_unused_since,
        };
        let services = services.clone();
        let look = move || inventory.with_files(&services, &kept_logs);
        tokio::task::spawn_blocking(look).await.map_err(ServiceError::internal)?
    }

    /// Looks at the disk.
    fn with_files(
        mut self,
        services: &Services,
        kept_logs: &HashSet<JobId>,
    ) -> Result<Self, ServiceError> {
        let cache = services.builder().cache();
        let unused = over_before(self.rules.cache, self.at);
        for cached in cache.steps()? {
            let goes =
                timestamp(cached.used_at) < unused && cached.used_at < self.cached_unused_since;
            let places = cached.blobs.iter().copied().map(Place::Cached).collect();
            self.steps.push(KeptStep { cached, places, goes });
        }
        let mut trees = services.builder().trees()?;
        trees.retain(|tree| timestamp(tree.used_at) < unused);
        self.idle_trees = trees;
        let mut files: BTreeMap<(u64, u64), KeptFile> = BTreeMap::new();
        let kept = services.blobs().found().map_err(ServiceError::internal)?;
        let kept = kept.into_iter().map(|it| (Place::Kept(it.digest), it, self.kept_unused_since));
        let cached = cache.blobs().found().map_err(ServiceError::internal)?;
        let cached =
            cached.into_iter().map(|it| (Place::Cached(it.digest), it, self.cached_unused_since));
        for (place, found, unused_since) in kept.chain(cached) {
            if found.touched >= unused_since {
                self.in_use.push(place);
            }
            let new = KeptFile { bytes: found.bytes, places: Vec::new() };
            files.entry(found.inode).or_insert(new).places.push(place);
        }
        self.files = files.into_values().collect();
        for (job, bytes) in services.logs().files()? {
            // A job that the rows did not have yet may have begun to write meanwhile.
            let goes = kept_logs.contains(&job);
            self.growing_logs.push(GrowingLog { job, bytes, goes });
        }
        let data = &services.options().data_dir;
        let (blobs, logs) = (data.join("blobs"), data.join("logs"));
        let work = data.join("work");
        let folder = cache.folder().to_path_buf();
        let except = [blobs.as_path(), &logs, &work, &folder];
        self.others = vec![
            (Kind::Cache, disks::taken_by(&folder, &[&folder.join("blobs")])),
            (Kind::Work, disks::taken_by(&work, &[])),
            (Kind::Work, disks::taken_by(&services.blobs().temporary(), &[])),
            (Kind::Logs, self.growing_logs.iter().map(|it| it.bytes).sum()),
            (Kind::Database, disks::taken_by(data, &except)),
        ];
        Ok(self)
    }

    /// What no thing reaches that stays, and what its removal frees, in bytes.
    pub(crate) fn left_over(&self) -> (Vec<&Place>, u64) {
        let releases = self.releases.iter().filter(|it| !it.goes).flat_map(|it| &it.own);
        let steps = self.steps.iter().filter(|it| !it.goes).flat_map(|it| &it.places);
        let logs = self.logs.iter().filter(|it| !it.goes).map(|it| &it.place);
        let kernels = self.kernels.iter().filter(|it| !it.goes).flat_map(|it| &it.places);
        let uploads = self.uploads.iter().filter(|it| !it.goes).map(|it| &it.place);
        let variants = self.variants.iter().filter(|it| !it.goes).flat_map(|it| &it.places);
        let needed = releases.chain(&self.packages).chain(kernels).chain(uploads).chain(variants);
        let staying = needed.chain(steps).chain(logs).chain(&self.in_use);
        let (places, bytes) = room::left_over(&self.files, staying);
        let logs = self.growing_logs.iter().filter(|it| it.goes);
        (places, bytes + logs.map(|it| it.bytes).sum::<u64>())
    }

    /// Bytes by kind, each file once: what several kinds of things reach counts for the first.
    pub(super) fn kinds(&self) -> Vec<(Kind, u64)> {
        let mut kind_of: HashMap<&Place, Kind> = HashMap::new();
        let reached = (self.releases.iter().flat_map(|it| &it.own))
            .map(|place| (place, Kind::Releases))
            .chain(self.packages.iter().map(|place| (place, Kind::Packages)))
            .chain(self.releases.iter().flat_map(|it| &it.packages).map(|it| (it, Kind::Packages)))
            .chain(self.kernels.iter().flat_map(|it| &it.places).map(|it| (it, Kind::Kernels)))
            .chain(self.uploads.iter().map(|it| (&it.place, Kind::Uploads)))
            .chain(self.variants.iter().flat_map(|it| &it.places).map(|it| (it, Kind::Variants)))
            .chain(self.steps.iter().flat_map(|it| &it.places).map(|it| (it, Kind::Cache)))
            .chain(self.logs.iter().map(|it| (&it.place, Kind::Logs)))
            .chain(self.in_use.iter().map(|place| (place, Kind::Work)));
        for (place, kind) in reached {
            kind_of.entry(place).or_insert(kind);
        }
        let mut bytes: BTreeMap<Kind, u64> = Kind::ALL.into_iter().map(|it| (it, 0)).collect();
        for file in &self.files {
            let kinds = file.places.iter().filter_map(|place| kind_of.get(place));
            let kind = kinds.min().copied().unwrap_or(Kind::Unneeded);
            *bytes.entry(kind).or_default() += file.bytes;
        }
        for (kind, others) in &self.others {
            *bytes.entry(*kind).or_default() += others;
        }
        bytes.into_iter().collect()
    }
}

/// The packages of locks, as the rows stand.
pub(crate) struct Locked {
    of_locks: BTreeMap<Digest, Vec<Digest>>,
    /// Those that a lock has that stays.
    pub(crate) staying: HashSet<Digest>,
}

/// The packages of locks, where these are all complete releases whose files are there, with what is
/// to become of them.
pub(crate) async fn locked(
    rows: &mut Rows,
    releases: &[(KeptRelease, Fate)],
    rules: &RoomRules,
    now: Timestamp,
) -> Result<Locked, ServiceError> {
    let recent = over_before(rules.cache, now);
    let going: HashSet<&ReleaseId> = releases
        .iter()
        .filter(|(_, fate)| goes(fate, rules))
        .map(|(kept, _)| &kept.release)
        .collect();
    let locks_that_stay: HashSet<Digest> = rows
        .releases()
        .await?
        .iter()
        .filter(|it| {
            let living = matches!(it.stage, Stage::Building | Stage::Candidate | Stage::Released);
            (living && !going.contains(&it.id)) || it.created_at > recent
        })
        .filter_map(|it| it.lock)
        .collect();
    let mut of_locks: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
    for (lock, package) in rows.kept_packages(recent).await? {
        of_locks.entry(lock).or_default().push(package);
    }
    let staying = of_locks
        .iter()
        .filter(|(lock, _)| locks_that_stay.contains(*lock))
        .flat_map(|(_, packages)| packages.iter().copied())
        .collect();
    Ok(Locked { of_locks, staying })
}

/// Whether the next collection removes the files of a release.
fn goes(fate: &Fate, rules: &RoomRules) -> bool {
    match fate {
        Fate::Removed => true,
        // Withdrawn by that very collection.
        Fate::Withdrawn => rules.withdrawn == Some(0),
        Fate::Needed(_) | Fate::Until(_) => false,
    }
}

fn own_places(kept: &KeptRelease) -> Result<Vec<Place>, ServiceError> {
    let mut places: Vec<Place> =
        kept.manifest.components.iter().map(|it| Place::Kept(it.sha256)).collect();
    places.push(Place::Kept(kept.manifest.digest()?));
    places.extend(kept.signature.map(Place::Kept));
    Ok(places)
}

/// Every complete release whose files are there, with what is to become of it at `now`, as the rows
/// stand.
pub(crate) async fn releases(
    services: &Services,
    rows: &mut Rows,
    rules: &RoomRules,
    now: Timestamp,
) -> Result<Vec<(KeptRelease, Fate)>, ServiceError> {
    let mut needs: HashMap<ReleaseId, Vec<Need>> = HashMap::new();
    let mut need = |release: ReleaseId, need| needs.entry(release).or_default().push(need);
    for it in rows.environments().await? {
        if let Some(release) = it.release {
            need(release, Need::Served { environment: it.name });
        }
    }
    for it in rows.served_before().await? {
        need(it.release, Need::Rollback { environment: it.environment });
    }
    for it in rows.open_deployments().await? {
        need(it.release, Need::Requested { environment: it.environment });
    }
    for (release, pin) in rows.pins().await? {
        need(release, Need::Pinned(pin));
    }
    for job in rows.open_jobs().await? {
        if let Some(about) = job.release {
            need(about.id, Need::Job { job: job.id });
        }
    }
    for base in rows.bases_of_open_variants().await? {
        need(base.0, Need::Job { job: base.1 });
    }
    for (name, to) in assigned(rows).await? {
        if let Some(release) = rows.release_by_name(&name).await? {
            need(release.id, Need::Assigned { to });
        }
    }
    let booting = booting(services, now);
    let stages: HashMap<ReleaseId, Stage> =
        rows.releases().await?.into_iter().map(|it| (it.id, it.stage)).collect();
    let mut fated = Vec::new();
    for kept in rows.kept_releases().await? {
        let Some(stage) = stages.get(&kept.release).copied() else { continue };
        let mut needs = needs.remove(&kept.release).unwrap_or_default();
        if booting.contains(&kept.manifest.digest()?) {
            needs.push(Need::Booting);
        }
        let withdrawn_at = kept.withdrawn_at.unwrap_or(kept.built_at);
        let standing = Standing { stage, built_at: kept.built_at, withdrawn_at, needs };
        let fate = fate(&standing, rules, now);
        fated.push((kept, fate));
    }
    Ok(fated)
}

/// The names of releases that machines are to boot, each with who is.
async fn assigned(rows: &mut Rows) -> Result<Vec<(String, String)>, ServiceError> {
    let mut assigned = rows.releases_of_machines().await?;
    for rule in rows.machine_rules().await?.rules {
        if let BootTarget::Release(name) = rule.target {
            assigned.push((name, format!("machines of {}", rule.labels)));
        }
    }
    Ok(assigned)
}

/// The manifests that machines boot at `now`.
pub(crate) fn booting(services: &Services, now: Timestamp) -> HashSet<Digest> {
    let micros = i64::try_from(BOOT.as_micros()).unwrap_or(i64::MAX);
    services.boot_listener().booting(Timestamp(now.0.saturating_sub(micros)))
}

/// A time of a file as the rest of the program has it.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
