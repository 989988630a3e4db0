//! Which releases machines boot now: what they read must stay until they have all of it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    digest::Digest,
    time::{Clock, Timestamp},
};

/// The boots that this program has served since it began; cheap to clone.
#[derive(Clone)]
pub(crate) struct Boots {
    releases: Arc<Mutex<HashMap<Digest, Asked>>>,
    clock: Arc<dyn Clock>,
}

/// What machines asked of a release.
struct Asked {
    last: Timestamp,
    under_way: u32,
}

/// Something of a release that is being sent, until it is dropped.
pub(crate) struct Sending {
    boots: Boots,
    release: Digest,
}

impl Boots {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { releases: Arc::default(), clock }
    }

    /// A machine asks for a menu of a release, or for a file.
    pub(crate) fn begin(&self, release: Digest) -> Sending {
        let last = self.clock.now();
        let mut releases = self.releases();
        let asked = releases.entry(release).or_insert(Asked { last, under_way: 0 });
        asked.last = last;
        asked.under_way += 1;
        Sending { boots: self.clone(), release }
    }

    /// The releases of which something is being sent, or was after `since`.
    pub(crate) fn since(&self, since: Timestamp) -> HashSet<Digest> {
        let recent = |asked: &Asked| asked.under_way > 0 || asked.last > since;
        self.releases().iter().filter(|(_, it)| recent(it)).map(|(digest, _)| *digest).collect()
    }

    fn releases(&self) -> MutexGuard<'_, HashMap<Digest, Asked>> {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let now = self.boots.clock.now();
        if let Some(asked) = self.boots.releases().get_mut(&self.release) {
            asked.last = now;
            asked.under_way = asked.under_way.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_boot_lasts_from_its_menu_until_after_its_last_byte() {
        let clock = Arc::new(Hand::default());
        let boots = Boots::new(clock.clone());
        let release = Digest::of("release");
        let at = |time| clock.0.store(time, Ordering::Relaxed);
        let booted = |since| boots.since(Timestamp(since)).contains(&release);
        assert!(!booted(0));
        at(10);
        drop(boots.begin(release));
        assert!(booted(9) && !booted(10));
        at(20);
        let (kernel, image) = (boots.begin(release), boots.begin(release));
        at(30);
        drop(kernel);
        // However long the image takes.
        assert!(booted(1_000_000));
        at(40);
        drop(image);
        assert!(booted(39) && !booted(40));
    }
}
