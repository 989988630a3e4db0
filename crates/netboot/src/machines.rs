//! The machines of the site in memory: who is known by what, and what each boots.
//!
//! A request of a machine is answered from a [`MachineBook`] and never waits: neither for the store nor
//! for whoever changes the book. A change makes another book, which shares with the former one all
//! that it did not touch (maps of the crate `rpds`), and swaps it in whole. So one machine of 100,000
//! is changed in microseconds, and nobody sees half a change. What a target *serves* stands in the
//! catalogue: a deployment changes no book.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use domain::{
    digest::Digest,
    ids::{BootOnceId, MachineId},
    machine::{BootTarget, Mac, MachineUuid, Unregistered},
    time::Timestamp,
};
use rpds::HashTrieMapSync;

/// How long a machine is not noted again that was seen.
const NOTED: Duration = Duration::from_secs(300);

/// What a machine says that it is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The card that it boots from.
    pub mac: Option<Mac>,
    /// Its UUID, where that is one.
    pub uuid: Option<MachineUuid>,
    /// Its serial number, where that is one.
    pub serial: Option<String>,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { mac: Some(mac), .. } => write!(f, "machine {mac}"),
            Self { uuid: Some(uuid), .. } => write!(f, "machine {uuid}"),
            Self { serial, .. } => {
                write!(f, "machine of serial number {}", serial.as_deref().unwrap_or("?"))
            }
        }
    }
}

/// An order that a machine boots something once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedOnce {
    /// Which order.
    pub id: BootOnceId,
    /// What it boots.
    pub target: Arc<BootTarget>,
    /// Label of the entry; the menu's own default where absent.
    pub entry: Option<String>,
}

/// A machine as the listener knows it.
#[derive(Debug)]
pub struct BookedMachine {
    /// Which machine.
    pub id: MachineId,
    /// Its name.
    pub name: String,
    /// Whether nobody has accepted it yet.
    pub pending: bool,
    /// Its cards.
    pub macs: Vec<Mac>,
    /// Its UUID.
    pub uuid: Option<MachineUuid>,
    /// Its serial number.
    pub serial: Option<String>,
    /// What it boots.
    pub target: Arc<BootTarget>,
    /// What it boots next.
    pub once: Option<BookedOnce>,
    /// The manifest that it booted last, by its own report.
    pub running: Option<Digest>,
    /// When it was noted last that it was seen.
    pub noted: Noted,
}

/// When something was noted last, in microseconds; readers of a book set it.
#[derive(Debug)]
pub struct Noted(AtomicI64);

impl BookedMachine {
    /// A machine that boots `target` and was last seen at that time.
    #[must_use]
    pub fn new(id: MachineId, target: Arc<BootTarget>, last_seen: Option<Timestamp>) -> Self {
        Self {
            id,
            name: String::new(),
            pending: false,
            macs: Vec::new(),
            uuid: None,
            serial: None,
            target,
            once: None,
            running: None,
            noted: Noted(AtomicI64::new(last_seen.map_or(i64::MIN, |it| it.0))),
        }
    }

    /// Whether it was not noted lately that it was seen; then it counts as noted from now on.
    pub(crate) fn worth_noting(&self, now: Timestamp) -> bool {
        let last = self.noted.0.load(Ordering::Relaxed);
        if Timestamp(last).plus(NOTED) > now {
            return false;
        }
        self.noted.0.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// All machines at one moment; a clone shares everything.
#[derive(Debug, Clone)]
pub struct MachineBook {
    /// What machines get that nobody has accepted.
    pub unregistered: Unregistered,
    all: HashTrieMapSync<MachineId, Arc<BookedMachine>>,
    macs: HashTrieMapSync<Mac, Arc<BookedMachine>>,
    uuids: HashTrieMapSync<MachineUuid, Arc<BookedMachine>>,
    serials: HashTrieMapSync<String, Arc<BookedMachine>>,
}

impl Default for MachineBook {
    fn default() -> Self {
        Self {
            unregistered: Unregistered::default(),
            all: HashTrieMapSync::new_sync(),
            macs: HashTrieMapSync::new_sync(),
            uuids: HashTrieMapSync::new_sync(),
            serials: HashTrieMapSync::new_sync(),
        }
    }
}

impl MachineBook {
    /// The machine that is known by the MAC address, else by the UUID, else by the serial number.
    #[must_use]
    pub fn find(&self, known: &Known) -> Option<&Arc<BookedMachine>> {
        let by_mac = known.mac.and_then(|it| self.macs.get(&it));
        by_mac
            .or_else(|| known.uuid.and_then(|it| self.uuids.get(&it)))
            .or_else(|| known.serial.as_ref().and_then(|it| self.serials.get(it)))
    }

    /// All machines, in no order.
    pub fn machines(&self) -> impl Iterator<Item = &Arc<BookedMachine>> {
        self.all.values()
    }

    /// How many machines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.size()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds a machine, in the place of what the book had of it.
    pub fn put(&mut self, machine: BookedMachine) {
        let machine = Arc::new(machine);
        if let Some(former) = self.all.get(&machine.id).cloned() {
            self.forget(&former);
        }
        for mac in &machine.macs {
            self.macs.insert_mut(*mac, machine.clone());
        }
        if let Some(uuid) = machine.uuid {
            self.uuids.insert_mut(uuid, machine.clone());
        }
        if let Some(serial) = &machine.serial {
            self.serials.insert_mut(serial.clone(), machine.clone());
        }
        self.all.insert_mut(machine.id.clone(), machine);
    }

    /// Takes a machine out, where it is there.
    pub fn remove(&mut self, id: &MachineId) {
        if let Some(former) = self.all.get(id).cloned() {
            self.forget(&former);
            self.all.remove_mut(id);
        }
    }

    /// Takes out what a machine is known by, as far as no other machine has taken that over.
    fn forget(&mut self, machine: &BookedMachine) {
        let its = |found: Option<&Arc<BookedMachine>>| found.is_some_and(|it| it.id == machine.id);
        let macs: HashSet<Mac> = machine.macs.iter().copied().collect();
        for mac in macs.into_iter().filter(|it| its(self.macs.get(it))).collect::<Vec<_>>() {
            self.macs.remove_mut(&mac);
        }
        if let Some(uuid) = machine.uuid.filter(|it| its(self.uuids.get(it))) {
            self.uuids.remove_mut(&uuid);
        }
        if let Some(serial) = machine.serial.as_ref().filter(|it| its(self.serials.get(*it))) {
            self.serials.remove_mut(serial);
        }
    }
}

/// The book that is read now; cheap to clone. Readers never wait for a change.
#[derive(Debug, Clone, Default)]
pub struct SharedMachines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    book: ArcSwap<MachineBook>,
    /// Held by whoever makes another book of the present one.
    changing: Mutex<()>,
}

impl SharedMachines {
    /// The present book.
    #[must_use]
    pub fn book(&self) -> Arc<MachineBook> {
        self.0.book.load_full()
    }

    /// Reads another book from now on.
    pub fn swap(&self, book: MachineBook) {
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.book.store(Arc::new(book));
    }

    /// Changes the book: all of it is seen at once.
    pub fn change(&self, change: impl FnOnce(&mut MachineBook)) {
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = MachineBook::clone(&self.0.book.load());
        change(&mut book);
        self.0.book.store(Arc::new(book));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(id: &str, mac: u8, serial: Option<&str>) -> BookedMachine {
        let target = Arc::new(BootTarget::Environment("production".to_owned()));
        BookedMachine {
            macs: vec![Mac([2, 0, 0, 0, 0, mac])],
            serial: serial.map(str::to_owned),
            uuid: format!("4c4c4544-0000-0000-0000-0000000000{mac:02x}").parse().ok(),
            ..BookedMachine::new(MachineId::from(id), target, None)
        }
    }

    fn found(book: &MachineBook, known: &Known) -> Option<String> {
        book.find(known).map(|it| it.id.to_string())
    }

    fn by_mac(mac: u8) -> Known {
        Known { mac: Some(Mac([2, 0, 0, 0, 0, mac])), ..Known::default() }
    }

    #[test]
    fn a_machine_is_known_by_its_mac_before_its_uuid_before_its_serial() {
        let mut book = MachineBook::default();
        for it in [machine("a", 1, Some("s1")), machine("b", 2, Some("s2"))] {
            book.put(it);
        }
        let uuid = |mac: u8| format!("4c4c4544-0000-0000-0000-0000000000{mac:02x}").parse().ok();
        let known = |mac, it, serial: &str| Known {
            mac: Some(Mac([2, 0, 0, 0, 0, mac])),
            uuid: uuid(it),
            serial: Some(serial.to_owned()),
        };
        assert_eq!(found(&book, &known(1, 2, "s2")).as_deref(), Some("a"));
        assert_eq!(found(&book, &known(9, 2, "s1")).as_deref(), Some("b"));
        assert_eq!(found(&book, &known(9, 9, "s1")).as_deref(), Some("a"));
        assert_eq!(found(&book, &known(9, 9, "s9")), None);
        assert_eq!(found(&book, &Known::default()), None);
    }

    #[test]
    fn cards_change_hands_in_any_order_and_former_books_stay_as_they_are() {
        let shared = SharedMachines::default();
        shared.change(|book| {
            book.put(machine("a", 1, None));
            book.put(machine("b", 2, None));
        });
        let before = shared.book();
        shared.change(|book| {
            // a takes the card of b before b has given it up.
            book.put(machine("a", 2, None));
            book.put(machine("b", 3, None));
        });
        let book = shared.book();
        let all = |book: &MachineBook| [1, 2, 3].map(|it| found(book, &by_mac(it)));
        let [a, b] = ["a", "b"].map(|it| Some(it.to_owned()));
        assert_eq!(all(&book), [None, a.clone(), b.clone()]);
        assert_eq!(all(&before), [a, b.clone(), None]);
        shared.change(|book| book.remove(&MachineId::from("a")));
        assert_eq!(all(&shared.book()), [None, None, b]);
        assert_eq!((shared.book().len(), before.len()), (1, 2));
    }

    #[test]
    fn that_a_machine_was_seen_is_worth_noting_every_few_minutes() {
        let target = Arc::new(BootTarget::Environment("production".to_owned()));
        let it = BookedMachine::new(MachineId::from("a"), target, Some(Timestamp(0)));
        let later = Timestamp(0).plus(NOTED);
        assert!(!it.worth_noting(Timestamp(later.0 - 1)));
        assert!(it.worth_noting(later) && !it.worth_noting(later));
    }
}
