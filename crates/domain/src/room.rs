//! Room on the disk: what takes it, what would be free if a thing went, what needs it, and how long
//! things stay that nothing needs.
//!
//! Things share files: two releases with the same kernel keep it once, and a hard link lets the step
//! cache and a release keep one file together. A file counts once for the disk, for every thing that
//! reaches it, and as what would be free only for the one thing that alone reaches it.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    ids::JobId,
    release::Stage,
    time::{Timestamp, human_size},
};

/// How long what nothing needs stays, by kind, and below how much free room builds wait. Releases
/// stay for ever, and so does what is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoomRules {
    /// Days from its build until a candidate that nothing needs is withdrawn; for ever where `null`.
    pub candidates: Option<u32>,
    /// Days from its withdrawal until the files of a candidate go; for ever where `null`.
    pub withdrawn: Option<u32>,
    /// Days from their end until logs of jobs and files of runs go (what came in, what they left, their
    /// consoles), those of releases, of what is served or pinned, of important runs and of the newest
    /// that decide excepted; for ever where `null`.
    pub logs: Option<u32>,
    /// Days from its last use until a finished build step goes, and from the build until packages of
    /// a build that came to nothing go; for ever where `null`.
    pub cache: Option<u32>,
    /// Bytes of the disk that stay free: builds wait while there are fewer.
    pub floor: u64,
}

impl Default for RoomRules {
    fn default() -> Self {
        let floor = 2 * 1024 * 1024 * 1024;
        Self { candidates: Some(90), withdrawn: Some(7), logs: Some(365), cache: Some(30), floor }
    }
}

/// A rule is out of range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidRule {
    /// Of the days of this kind.
    #[error("{0} can stay for 0 to {most} days, or for ever", most = RoomRules::MOST_DAYS)]
    Days(&'static str),
    /// Of the floor.
    #[error("the free room below which builds wait can be 0 B to 1 PiB")]
    Floor,
}

impl InvalidRule {
    /// The field that is to blame.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Days(kind) => kind,
            Self::Floor => "floor",
        }
    }
}

impl RoomRules {
    /// The longest that something can stay without staying for ever: a hundred years.
    pub const MOST_DAYS: u32 = 36_500;
    /// The largest floor, in bytes.
    const MOST_FLOOR: u64 = 1 << 50;

    /// The days of each kind, by the kind's name.
    #[must_use]
    pub const fn days(&self) -> [(&'static str, Option<u32>); 4] {
        [
            ("candidates", self.candidates),
            ("withdrawn", self.withdrawn),
            ("logs", self.logs),
            ("cache", self.cache),
        ]
    }

    /// Refuses what is out of range.
    ///
    /// # Errors
    /// [`InvalidRule`]: the first that is.
    pub fn check(&self) -> Result<(), InvalidRule> {
        let too_long = |days: Option<u32>| days.is_some_and(|days| days > Self::MOST_DAYS);
        if let Some((kind, _)) = self.days().into_iter().find(|(_, days)| too_long(*days)) {
            return Err(InvalidRule::Days(kind));
        }
        if self.floor > Self::MOST_FLOOR { Err(InvalidRule::Floor) } else { Ok(()) }
    }

    /// The digest by which these very rules are known: who changes them says which were looked at.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn version(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }
}

/// Before when something must have happened so that its days are over now.
#[must_use]
pub fn over_before(days: Option<u32>, now: Timestamp) -> Timestamp {
    days.map_or(Timestamp(i64::MIN), |days| Timestamp(now.0.saturating_sub(micros(days))))
}

const fn micros(days: u32) -> i64 {
    days as i64 * 24 * 3600 * 1_000_000
}

/// A release that somebody wants to stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Name of the person who pinned it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why it must stay.
    pub reason: String,
}

/// Why the files of a release stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "need")]
pub enum Need {
    /// It is a release: these stay for ever.
    Released,
    /// An environment points at it.
    Served {
        /// Which one.
        environment: String,
    },
    /// An environment pointed at it before: a rollback leads there.
    Rollback {
        /// Which one.
        environment: String,
    },
    /// Somebody asks for its deployment.
    Requested {
        /// Where to.
        environment: String,
    },
    /// Somebody pinned it.
    Pinned(Pin),
    /// A job is at work on it, or waits.
    Job {
        /// Which one.
        job: JobId,
    },
    /// A machine boots it now.
    Booting,
    /// Machines are to boot it.
    Assigned {
        /// Which: `machine nuc-7`, or `machines of rack=3`.
        to: String,
    },
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released => f.write_str("releases stay for ever"),
            Self::Served { environment } => write!(f, "{environment} serves it"),
            Self::Rollback { environment } => {
                write!(f, "{environment} served it before, and may go back")
            }
            Self::Requested { environment } => write!(f, "it is asked for in {environment}"),
            Self::Pinned(pin) => write!(f, "{} pinned it: {}", pin.by, pin.reason),
            Self::Job { job } => write!(f, "job {job} is about it"),
            Self::Booting => f.write_str("a machine boots it"),
            Self::Assigned { to } => write!(f, "it is assigned to {to}"),
        }
    }
}

/// What is known of a complete release whose files are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How far it has come.
    pub stage: Stage,
    /// When it became a candidate.
    pub built_at: Timestamp,
    /// When it was withdrawn; where that is not known, when it was built.
    pub withdrawn_at: Timestamp,
    /// What needs it besides its stage.
    pub needs: Vec<Need>,
}

/// What is to become of a release's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// They stay because of these.
    Needed(Vec<Need>),
    /// Nothing needs them, and they stay until then; for ever where absent.
    Until(Option<Timestamp>),
    /// It is a candidate whose days are over: it is withdrawn.
    Withdrawn,
    /// It was withdrawn and its days are over: they go.
    Removed,
}

/// Decides about a release's files.
#[must_use]
pub fn fate(standing: &Standing, rules: &RoomRules, now: Timestamp) -> Fate {
    let mut needs = standing.needs.clone();
    if standing.stage == Stage::Released {
        needs.insert(0, Need::Released);
    }
    if !needs.is_empty() {
        return Fate::Needed(needs);
    }
    let (days, since, over) = match standing.stage {
        Stage::Withdrawn => (rules.withdrawn, standing.withdrawn_at, Fate::Removed),
        Stage::Building | Stage::Candidate | Stage::Released | Stage::Failed => {
            (rules.candidates, standing.built_at, Fate::Withdrawn)
        }
    };
    match days.map(|days| Timestamp(since.0.saturating_add(micros(days)))) {
        Some(until) if until <= now => over,
        until => Fate::Until(until),
    }
}

/// How many builds of a kernel keep their files, the newest of each mode.
///
/// It is as many of those that are complete, and as many of those that left a configuration and no
/// kernel. Older ones keep them while a release holds one of their packages.
pub const KEPT_BUILDS: usize = 3;

/// Days from the last time that somebody uploaded or named a file until it goes, where nothing names
/// it.
const UPLOAD_DAYS: u32 = 7;

/// Until when an upload stays that was uploaded or named last at `last`, where nothing names it.
#[must_use]
pub fn upload_stays_until(last: Timestamp) -> Timestamp {
    Timestamp(last.0.saturating_add(micros(UPLOAD_DAYS)))
}

/// A disk that is written to, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// What lies on it: "data", or "cache" where that lies elsewhere.
    pub holds: String,
    /// How large it is.
    pub total: u64,
    /// How much of it the server may still write.
    pub free: u64,
}

impl Disk {
    /// What is short where less than `floor` is free.
    #[must_use]
    pub fn shortage(&self, floor: u64) -> Option<Shortage> {
        (self.free < floor).then(|| Shortage { holds: self.holds.clone(), free: self.free, floor })
    }
}

/// A disk has less free room than has to stay free.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error(
    "builds wait for room: {} of the {holds} disk is free, and they begin when {} is; collect garbage, take pins off or add room",
    human_size(*free), human_size(*floor)
)]
pub struct Shortage {
    /// What lies on the disk.
    pub holds: String,
    /// How much is free, in bytes.
    pub free: u64,
    /// How much has to be, in bytes.
    pub floor: u64,
}

/// What takes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Components, manifests and signatures.
    Releases,
    /// Packages that releases were built from, and can be built from again.
    Packages,
    /// What came out of builds of kernels: packages, images, configurations.
    Kernels,
    /// What people uploaded.
    Uploads,
    /// Layers of variants and what they boot besides.
    Variants,
    /// Finished build steps and what the archive was asked for.
    Cache,
    /// Logs of jobs, consoles of runs.
    Logs,
    /// The database.
    Database,
    /// What builds and machines at work write.
    Work,
    /// What nothing needs.
    Unneeded,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Releases,
        Self::Packages,
        Self::Kernels,
        Self::Uploads,
        Self::Variants,
        Self::Cache,
        Self::Logs,
        Self::Database,
        Self::Work,
        Self::Unneeded,
    ];

    /// The word used in pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Releases => "releases",
            Self::Packages => "packages",
            Self::Kernels => "kernels",
            Self::Uploads => "uploads",
            Self::Variants => "variants",
            Self::Cache => "cache",
            Self::Logs => "logs",
            Self::Database => "database",
            Self::Work => "work",
            Self::Unneeded => "unneeded",
        }
    }
}

/// Where a blob is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Among the blobs that are kept.
    Kept(Digest),
    /// In the cache of build steps and downloads.
    Cached(Digest),
}

/// A file on the disk, with every place that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// What it takes of the disk, in bytes.
    pub bytes: u64,
    /// Its names: one, or several where hard links share it.
    pub places: Vec<Place>,
}

/// What a thing takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// All that it reaches, in bytes, shared or not.
    pub bytes: u64,
    /// What would be free if it went and nothing else, in bytes.
    pub frees: u64,
}

/// What all things take together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Of each thing, in the order in which they were given.
    pub things: Vec<Share>,
    /// All files, each once, in bytes.
    pub total: u64,
    /// Files that nothing reaches, in bytes.
    pub unneeded: u64,
}

/// Accounts for every file, by the places that each thing reaches.
#[must_use]
pub fn share<'a, P>(files: &[KeptFile], things: impl IntoIterator<Item = P>) -> Shares
where
    P: IntoIterator<Item = &'a Place>,
{
    let mut file_of = BTreeMap::new();
    for (file, kept) in files.iter().enumerate() {
        file_of.extend(kept.places.iter().map(|place| (*place, file)));
    }
    // How many things reach a file, and the last of them.
    let mut reached: Vec<(usize, usize)> = vec![(0, 0); files.len()];
    let mut shares = Vec::new();
    for (thing, places) in things.into_iter().enumerate() {
        let mut own: Vec<usize> =
            places.into_iter().filter_map(|place| file_of.get(place).copied()).collect();
        own.sort_unstable();
        own.dedup();
        let bytes = own.iter().map(|file| files[*file].bytes).sum();
        shares.push(Share { bytes, frees: 0 });
        for file in own {
            reached[file] = (reached[file].0 + 1, thing);
        }
    }
    let mut unneeded = 0;
    for (kept, (things, last)) in files.iter().zip(reached) {
        match things {
            0 => unneeded += kept.bytes,
            1 => shares[last].frees += kept.bytes,
            _ => {}
        }
    }
    Shares { things: shares, total: files.iter().map(|kept| kept.bytes).sum(), unneeded }
}

/// The places that stay named by nothing once only `staying` is left, with what the disk gets back:
/// the room of a file is free when its last name goes.
#[must_use]
pub fn left_over<'a>(
    files: &'a [KeptFile],
    staying: impl IntoIterator<Item = &'a Place>,
) -> (Vec<&'a Place>, u64) {
    let staying: BTreeSet<&Place> = staying.into_iter().collect();
    let mut places = Vec::new();
    let mut bytes = 0;
    for file in files {
        let before = places.len();
        places.extend(file.places.iter().filter(|place| !staying.contains(place)));
        if places.len() - before == file.places.len() {
            bytes += file.bytes;
        }
    }
    (places, bytes)
}
