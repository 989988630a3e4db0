//! Machines that asked for something, until the services take note of them.
//!
//! A request changes nothing but this bounded set in memory; the services empty it on a timer and write
//! what is in it as one transaction. Where many ask at once it forgets some: they ask again.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use domain::{
    ids::MachineId,
    machine::{Architecture, Mac},
    time::Timestamp,
};

use crate::machines::Known;

/// How many unknown machines are kept until the services take them.
const MOST_UNKNOWN: usize = 1000;
/// How many known ones.
const MOST_KNOWN: usize = 200_000;

/// A machine that nobody has heard of asked for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What it says that it is known by; the MAC address among it.
    pub known: Known,
    /// For what its iPXE was built.
    pub architecture: Option<Architecture>,
    /// From where it asked, where that is known.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

/// Who was seen since the services looked last.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    unknown: HashMap<Mac, Sighting>,
    known: HashMap<MachineId, (Timestamp, Option<IpAddr>)>,
}

impl Sightings {
    /// Notes an unknown machine that has a card's address. Whoever asks does not wait for that.
    pub(crate) fn note(&self, sighting: Sighting) {
        let Some(mac) = sighting.known.mac.filter(Mac::is_of_a_card) else { return };
        if let Ok(mut seen) = self.0.try_lock()
            && (seen.unknown.len() < MOST_UNKNOWN || seen.unknown.contains_key(&mac))
        {
            seen.unknown.insert(mac, sighting);
        }
    }

    /// Notes a known one.
    pub(crate) fn note_known(&self, id: &MachineId, at: Timestamp, address: Option<IpAddr>) {
        if let Ok(mut seen) = self.0.try_lock()
            && seen.known.len() < MOST_KNOWN
        {
            seen.known.insert(id.clone(), (at, address));
        }
    }

    /// Takes all unknown machines, in the order in which they were seen.
    #[must_use]
    pub fn take_unknown(&self) -> Vec<Sighting> {
        let unknown = std::mem::take(&mut self.seen().unknown);
        let mut unknown: Vec<_> = unknown.into_values().collect();
        unknown.sort_by_key(|it| (it.at, it.known.mac));
        unknown
    }

    /// Takes all known machines, each with when and from where it was seen.
    #[must_use]
    pub fn take_known(&self) -> Vec<(MachineId, Timestamp, Option<IpAddr>)> {
        let known = std::mem::take(&mut self.seen().known);
        known.into_iter().map(|(id, (at, address))| (id, at, address)).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_bounded() {
        let sightings = Sightings::default();
        for number in 0..5000_u32 {
            let [.., c, d] = number.to_be_bytes();
            let mac = Some(Mac([2, 0, 0, 0, c, d]));
            let known = Known { mac, ..Known::default() };
            let at = Timestamp(i64::from(number));
            sightings.note(Sighting { known, architecture: None, address: None, at });
        }
        assert_eq!(sightings.take_unknown().len(), MOST_UNKNOWN);
        assert_eq!(sightings.take_unknown(), []);
        let group = Known { mac: Some(Mac([1, 0, 0, 0, 0, 1])), ..Known::default() };
        let at = Timestamp(1);
        sightings.note(Sighting { known: group, architecture: None, address: None, at });
        assert_eq!(sightings.take_unknown(), [], "no card has a group's address");
    }
}
