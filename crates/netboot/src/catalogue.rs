//! What is served, to whom: a snapshot in memory.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use domain::{
    digest::Digest,
    manifest::{ComponentRole, Manifest},
    time::Timestamp,
};

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
}

/// Everything that machines may boot at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The environment behind `/menu.ipxe`.
    pub default_environment: String,
    /// What each environment points at.
    pub environments: BTreeMap<String, Option<Arc<Served>>>,
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

    pub(crate) fn variant(&self, name: &str) -> Option<&(Arc<Served>, Timestamp)> {
        self.variants.get(name)
    }

    pub(crate) fn release(&self, name: &str) -> Option<&Arc<Served>> {
        self.releases.get(name)
    }

    /// The only release whose digest lies in a range.
    pub(crate) fn between(&self, (first, last): (Digest, Digest)) -> Option<&Arc<Served>> {
        let mut found = self.digests.range(first..=last).map(|(_, served)| served);
        found.next().filter(|_| found.next().is_none())
    }

    pub(crate) fn by_digest(&self, digest: &Digest) -> Option<&Arc<Served>> {
        self.digests.get(digest)
    }
}

/// The snapshot that is served now; cheap to clone. Readers never wait for a swap.
#[derive(Debug, Clone, Default)]
pub struct SharedCatalogue(Arc<ArcSwap<Snapshot>>);

impl SharedCatalogue {
    /// Serves another snapshot from now on.
    pub fn swap(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// What is served now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}
