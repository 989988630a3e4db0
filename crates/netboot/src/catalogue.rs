//! What is served, to whom: a snapshot in memory.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use bytes::Bytes;
use domain::{
    digest::Digest,
    machine::BootTarget,
    manifest::{ComponentRole, Manifest},
    slot::{self, FilledMenu, Filling, Slot},
    time::Timestamp,
};
use quick_cache::sync::Cache;

use crate::script::{Base, environment_script};

/// A release or a variant that machines may boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Its name now.
    pub name: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// What it consists of.
    pub manifest: Manifest,
}

impl Served {
    /// The role, size and digest of a file of the release.
    pub(crate) fn file(&self, name: &str) -> Option<(ComponentRole, u64, Digest)> {
        self.manifest.component(name).map(|it| (it.role, it.size, it.sha256))
    }

    /// The name of the file that a kernel's alias stands for; any other name stands for itself.
    pub(crate) fn kernel_file<'a>(&'a self, name: &'a str) -> &'a str {
        self.manifest.kernel(name).map_or(name, |bound| bound.image.as_str())
    }
}

/// A variant in a slot of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotServed {
    pub(crate) slot: Slot,
    pub(crate) variant: String,
    pub(crate) served: Arc<Served>,
    /// When its days are over, and the slot is empty.
    pub(crate) until: Timestamp,
}

/// What an environment serves at one moment: a release, and variants in its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentServed {
    pub(crate) release: Option<Arc<Served>>,
    /// Those whose days are not over.
    pub(crate) slots: Vec<SlotServed>,
}

impl EnvironmentServed {
    /// What machines get that boot one release or variant and nothing else.
    pub(crate) fn alone(served: Arc<Served>) -> Self {
        Self { release: Some(served), slots: Vec::new() }
    }

    /// Everything that its menu has entries of.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.release.iter().chain(self.slots.iter().map(|it| &it.served))
    }

    /// Its menu; each entry is of the release or of a variant in a slot.
    pub(crate) fn menu(&self) -> FilledMenu {
        let fillings: Vec<_> = self.slots.iter().map(SlotServed::filling).collect();
        slot::fill(self.release.as_ref().map(|it| &it.manifest), &fillings)
    }

    /// A kernel by alias, the slots' first, or a file of the release; with what it is a file of.
    pub(crate) fn kernel<'a>(&'a self, name: &'a str) -> Option<(&'a Arc<Served>, &'a str)> {
        let in_slot = self.slots.iter().filter(|it| it.slot.word() == name).find_map(|it| {
            let entry = it.slot.entry_of(&it.served.manifest)?;
            let bound = it.served.manifest.kernel(it.slot.started_by(entry)?)?;
            Some((&it.served, bound.image.as_str()))
        });
        in_slot.or_else(|| self.release.as_ref().map(|it| (it, it.kernel_file(name))))
    }
}

impl SlotServed {
    fn filling(&self) -> Filling<'_> {
        Filling { slot: self.slot, variant: &self.variant, manifest: &self.served.manifest }
    }
}

/// Everything that machines may boot at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The environment behind `/menu.ipxe`.
    pub default_environment: String,
    /// The release that each environment points at.
    pub environments: BTreeMap<String, Option<Arc<Served>>>,
    slots: BTreeMap<String, Vec<SlotServed>>,
    releases: BTreeMap<String, Arc<Served>>,
    /// The newest of each, with its end.
    variants: BTreeMap<String, (Arc<Served>, Timestamp)>,
    digests: BTreeMap<Digest, Arc<Served>>,
}

impl Snapshot {
    /// Adds a release under a name; under another as well where it is called again.
    pub fn add(&mut self, served: Arc<Served>, name: &str) {
        self.digests.insert(served.digest, served.clone());
        self.releases.insert(name.to_owned(), served);
    }

    /// Adds what was built of a variant, which ends at `until`; the first that is added under a name is
    /// its menu, and files of all can be had.
    pub fn add_variant(&mut self, served: Arc<Served>, name: &str, until: Timestamp) {
        self.digests.entry(served.digest).or_insert_with(|| served.clone());
        self.variants.entry(name.to_owned()).or_insert((served, until));
    }

    /// Lets a variant that was added fill a slot of an environment; one of which nothing is served
    /// leaves it empty.
    pub fn fill_slot(&mut self, environment: &str, slot: Slot, variant: &str) {
        let Some((served, until)) = self.variants.get(variant) else { return };
        let (variant, served, until) = (variant.to_owned(), served.clone(), *until);
        let slots = self.slots.entry(environment.to_owned()).or_default();
        slots.push(SlotServed { slot, variant, served, until });
    }

    /// What an environment serves; `None` where there is no such environment.
    pub(crate) fn environment(&self, name: &str, now: Timestamp) -> Option<EnvironmentServed> {
        let release = self.environments.get(name)?.clone();
        let slots = self.slots.get(name).into_iter().flatten();
        let slots = slots.filter(|it| it.until > now).cloned().collect();
        Some(EnvironmentServed { release, slots })
    }

    pub(crate) fn variant(&self, name: &str) -> Option<&(Arc<Served>, Timestamp)> {
        self.variants.get(name)
    }

    pub(crate) fn release(&self, name: &str) -> Option<&Arc<Served>> {
        self.releases.get(name)
    }

    /// The names of all releases.
    pub(crate) fn release_names(&self) -> impl Iterator<Item = &str> {
        self.releases.keys().map(String::as_str)
    }

    /// The names of the variants whose days are not over.
    pub(crate) fn variant_names(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let living = self.variants.iter().filter(move |(_, (_, until))| *until > now);
        living.map(|(name, _)| name.as_str())
    }

    /// The only release whose digest lies in a range.
    pub(crate) fn between(&self, (first, last): (Digest, Digest)) -> Option<&Arc<Served>> {
        let mut found = self.digests.range(first..=last).map(|(_, served)| served);
        found.next().filter(|_| found.next().is_none())
    }

    pub(crate) fn by_digest(&self, digest: &Digest) -> Option<&Arc<Served>> {
        self.digests.get(digest)
    }

    /// The name of what has a manifest of that digest, where that is served.
    #[must_use]
    pub fn name_of(&self, digest: &Digest) -> Option<String> {
        self.by_digest(digest).map(|it| it.name.clone())
    }

    /// What a machine is served at `now` that boots `target`; `None` where there is no such thing.
    fn of_target(&self, target: &BootTarget, now: Timestamp) -> Option<EnvironmentServed> {
        match target {
            BootTarget::Environment(name) => self.environment(name, now),
            BootTarget::Release(name) => self.release(name).cloned().map(EnvironmentServed::alone),
            BootTarget::Variant(name) => {
                let (served, _) = self.variant(name).filter(|(_, until)| *until > now)?;
                Some(EnvironmentServed::alone(served.clone()))
            }
        }
    }

    /// The manifests of what a machine may come to boot that boots `target` at `now`; none where that
    /// serves nothing.
    #[must_use]
    pub fn digests_of(&self, target: &BootTarget, now: Timestamp) -> Vec<Digest> {
        let served = self.of_target(target, now);
        served.map(|it| it.served().map(|it| it.digest).collect()).unwrap_or_default()
    }

    /// The labels of the menu of a machine that boots `target` at `now`; none where that serves nothing.
    #[must_use]
    pub fn labels_of(&self, target: &BootTarget, now: Timestamp) -> Vec<String> {
        let entries = self.of_target(target, now).map(|it| it.menu().entries).unwrap_or_default();
        entries.iter().map(|(entry, _)| entry.label().to_owned()).collect()
    }
}

/// How many scripts are kept: one for each target of machines and each name by which they reach us.
const KEPT_SCRIPTS: usize = 256;

/// What a script was rendered of, within one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ScriptKey {
    target: BootTarget,
    /// The slots whose days were not over.
    slots: Vec<Slot>,
    base: Base,
}

/// A snapshot, and the scripts that were rendered of it.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) snapshot: Arc<Snapshot>,
    scripts: Cache<ScriptKey, Bytes>,
}

impl Current {
    fn of(snapshot: Snapshot) -> Self {
        Self { snapshot: Arc::new(snapshot), scripts: Cache::new(KEPT_SCRIPTS) }
    }

    /// The menu of what a target serves, rendered once.
    pub(crate) fn script(
        &self,
        target: &BootTarget,
        served: &EnvironmentServed,
        base: &Base,
    ) -> Result<Bytes, String> {
        let slots = served.slots.iter().map(|it| it.slot).collect();
        let key = ScriptKey { target: target.clone(), slots, base: base.clone() };
        if let Some(script) = self.scripts.get(&key) {
            return Ok(script);
        }
        let script = Bytes::from(environment_script(served, base, None)?);
        self.scripts.insert(key, script.clone());
        Ok(script)
    }
}

/// The snapshot that is served now; cheap to clone. Readers never wait for a swap.
#[derive(Debug, Clone)]
pub struct SharedCatalogue(Arc<ArcSwap<Current>>);

impl Default for SharedCatalogue {
    fn default() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Current::of(Snapshot::default()))))
    }
}

impl SharedCatalogue {
    /// Serves another snapshot from now on.
    pub fn swap(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(Current::of(snapshot)));
    }

    /// What is served now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load().snapshot.clone()
    }

    /// What is served now, with its scripts.
    pub(crate) fn current(&self) -> Arc<Current> {
        self.0.load_full()
    }
}
