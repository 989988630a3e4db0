//! What was computed of many results is remembered until one of them changes: a subject's revision grows
//! with each run that is added or taken away, so what was computed of an older one is asked for no more.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{history::Group, run::report::Placed};
use store::{comparisons::Compared, subjects::SubjectNumber};

/// How many things are remembered of a kind: each holds some thousand rows at the most.
const MOST: usize = 32;

/// A subject, and how often its results had changed.
pub(crate) type Revision = (SubjectNumber, i64);

/// Things that were computed of `K`.
pub(crate) struct Remembered<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    /// What was computed of it.
    pub(crate) fn of(&self, key: &K) -> Option<Arc<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Remembers what was computed of it.
    pub(crate) fn keep(&self, key: K, computed: V) -> Arc<V> {
        let computed = Arc::new(computed);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, computed.clone());
        computed
    }
}

/// What is remembered of results.
#[derive(Default)]
pub(crate) struct OfResults {
    /// What differs between two subjects.
    pub(crate) comparisons: Remembered<[Revision; 2], Compared>,
    /// How a subject stands by machine.
    pub(crate) machines: Remembered<Revision, Vec<Group>>,
    /// How it stands by machine, boot entry and suite.
    pub(crate) placed: Remembered<Revision, Vec<Placed>>,
}
