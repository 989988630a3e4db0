//! What was computed of many results is remembered until one of them changes: a subject's revision grows
//! with each run that is added or taken away, so what was computed of an older one is asked for no more.
//!
//! What depends on more than the results of one or two subjects is remembered until anything at all is told
//! to have changed: many people look at the same pages, and look again.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    history::{Group, History, HistoryQuery},
    run::report::Placed,
    subject::JudgedSubject,
};
use store::{comparisons::Compared, subjects::SubjectNumber};

use crate::history::{CasePast, CaseQuery, FailureQuery, HistoryWords, ListedFailures};

/// How many things are remembered of a kind: each holds some thousand rows at the most.
const MOST: usize = 32;
/// How much is remembered of a kind until a change is told, in bytes.
const MOST_BYTES: usize = 32 * 1024 * 1024;

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
    /// What was computed of it; where that is not known, `compute` is awaited and remembered.
    pub(crate) async fn of_or<E>(
        &self,
        key: K,
        compute: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all().get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let computed = Arc::new(compute.await?);
        let mut all = all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, computed.clone());
        Ok(computed)
    }
}

/// Things that were read for `K`, remembered until a change is told.
pub(crate) struct UntilChange<K, V>(Mutex<Current<K, V>>);

struct Current<K, V> {
    /// How many changes had been told when the first of them was read.
    told: u64,
    weight: usize,
    all: HashMap<K, Arc<V>>,
}

impl<K, V> Default for UntilChange<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Current { told: 0, weight: 0, all: HashMap::new() }))
    }
}

impl<K: Eq + Hash, V> UntilChange<K, V> {
    fn of(&self, told: u64, key: &K) -> Option<Arc<V>> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (current.told == told).then(|| current.all.get(key).cloned()).flatten()
    }

    /// What was read for it since the change that was told last; where that is not known, `read` is
    /// awaited and remembered. `size` tells of how many bytes it is, about.
    pub(crate) async fn of_or<E>(
        &self,
        told: u64,
        key: K,
        size: impl FnOnce(&V) -> usize,
        read: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        if let Some(known) = self.of(told, &key) {
            return Ok(known);
        }
        let read = read.await?;
        let size = size(&read);
        Ok(self.keep(told, key, size, read))
    }

    fn keep(&self, told: u64, key: K, weight: usize, read: V) -> Arc<V> {
        let read = Arc::new(read);
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told > current.told || current.weight.saturating_add(weight) > MOST_BYTES {
            *current = Current { told, weight: 0, all: HashMap::new() };
        }
        if told == current.told {
            current.weight = current.weight.saturating_add(weight);
            current.all.insert(key, read.clone());
        }
        read
    }
}

/// What is remembered of results.
#[derive(Default)]
pub(crate) struct OfResults {
    /// What differs between two subjects.
    pub(crate) comparisons: Remembered<[Revision; 2], Compared>,
    /// How a subject stands by suite.
    pub(crate) suites: Remembered<Revision, Vec<Group>>,
    /// How it stands by machine, boot entry, suite and plan.
    pub(crate) placed: Remembered<Revision, Vec<Placed>>,
    /// Parts of the history.
    pub(crate) histories: UntilChange<HistoryQuery, History>,
    /// The words of its filters.
    pub(crate) words: UntilChange<(), HistoryWords>,
    /// The pasts of cases.
    pub(crate) pasts: UntilChange<CaseQuery, CasePast>,
    /// The failures of subjects.
    pub(crate) failures: UntilChange<(SubjectNumber, FailureQuery), ListedFailures>,
    /// What has results.
    pub(crate) judged: UntilChange<(), Vec<JudgedSubject>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_remembered_until_a_change_is_told() {
        let known = UntilChange::default();
        known.keep(1, "a", 10, "old");
        assert_eq!(known.of(1, &"a").as_deref(), Some(&"old"));
        assert_eq!(known.of(2, &"a"), None);
        known.keep(2, "a", 10, "new");
        assert_eq!(known.of(2, &"a").as_deref(), Some(&"new"));
        // Who began before the change and is late.
        assert_eq!(*known.keep(1, "b", 10, "old"), "old");
        assert_eq!((known.of(1, &"b"), known.of(2, &"b")), (None, None));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let known = UntilChange::default();
        for key in 0..10 {
            known.keep(1, key, MOST_BYTES / 4, key);
        }
        let there = (0..10).filter(|key| known.of(1, key).is_some()).count();
        assert!((1..=4).contains(&there), "{there}");
    }
}
