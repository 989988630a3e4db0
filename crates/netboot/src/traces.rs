//! The boots of the site's machines as the boot listener sees them, until the services write them down.
//!
//! A boot begins when a known machine asks for its script, and is one from the first file of a release that it
//! asks for then: who only reads a menu boots nothing, and requests alone never fill the store. What is sent
//! to the address that asked is of that boot; a machine whose initrd has got another address
//! is known by its first report. Like sightings this is a bounded set in memory: where too many boot at once,
//! some have no trace, and boot as well.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    boot::{BootEvent, Booted, MOST_EVENTS, report::BootReport},
    digest::Digest,
    ids::{BootId, BootOnceId, MachineId},
    machine::BootTarget,
    time::Timestamp,
    transfer::{Transfer, TransferKind},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    machines::{BookedMachine, BookedOnce},
    token::{BootToken, TokenKey},
};

/// How many boots are watched at once.
const MOST_OPEN: usize = 20_000;
/// After how long without an event a boot is watched no more.
const FORGOTTEN: Duration = Duration::from_secs(4 * 3600);
/// The same of one that has loaded nothing yet: its machine may stand at the menu.
const FORGOTTEN_AT_MENU: Duration = Duration::from_secs(600);
/// How often room is made at the most.
const CLEANED: Duration = Duration::from_secs(10);
/// How many scripts are remembered of a boot that has loaded nothing else.
const MOST_SCRIPTS: usize = 8;
/// How many reports wait to be written down; one more is refused, and the machine asks again.
const MOST_REPORTS: usize = 1024;

/// What was seen of a boot since it was asked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootNews {
    /// Which boot.
    pub id: BootId,
    /// Whose.
    pub machine: MachineId,
    /// How the machine is called.
    pub name: String,
    /// What it is to boot.
    pub target: Arc<BootTarget>,
    /// The order that it was given, where this boot was one.
    pub once: Option<BootOnceId>,
    /// From where it asked last.
    pub address: Option<IpAddr>,
    /// When it asked for its script.
    pub started_at: Timestamp,
    /// What it loads.
    pub booted: Option<Booted>,
    /// What was seen.
    pub events: Vec<BootEvent>,
}

/// A report whose token is right, until it is written down.
#[derive(Debug)]
pub struct Reported {
    /// Whose boot, and which.
    pub token: BootToken,
    /// From where it came.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub report: BootReport,
    /// Who waits to hear that it is written down.
    pub answer: oneshot::Sender<ReportAnswer>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportAnswer {
    /// It is written down.
    Noted,
    /// The boot has ended: its token is spent.
    Spent,
    /// The machine is not known any more.
    Unknown,
}

/// The boots that are watched; cheap to clone.
#[derive(Debug, Clone)]
pub struct Traces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: TokenKey,
    open: Mutex<Open>,
    reports: mpsc::Sender<Reported>,
    received: Mutex<Option<mpsc::Receiver<Reported>>>,
}

#[derive(Debug, Default)]
struct Open {
    boots: HashMap<BootId, OpenBoot>,
    machines: HashMap<MachineId, BootId>,
    addresses: HashMap<IpAddr, BootId>,
    /// Those with something that nobody has taken.
    changed: HashSet<BootId>,
    cleaned_at: Option<Timestamp>,
}

#[derive(Debug)]
struct OpenBoot {
    news: BootNews,
    /// Whether it asked for a file of a release.
    begun: bool,
    last_at: Timestamp,
    /// How many events it has had.
    seen: usize,
}

impl OpenBoot {
    /// Whether its machine would begin another one by asking for its script.
    fn is_over_at(&self, now: Timestamp) -> bool {
        self.begun || self.last_at.plus(FORGOTTEN_AT_MENU) < now
    }

    fn is_forgotten_at(&self, now: Timestamp) -> bool {
        self.last_at.plus(if self.begun { FORGOTTEN } else { FORGOTTEN_AT_MENU }) < now
    }
}

impl Traces {
    /// Watches boots whose tokens are known by `key`.
    #[must_use]
    pub fn new(key: TokenKey) -> Self {
        let (reports, received) = mpsc::channel(MOST_REPORTS);
        let received = Mutex::new(Some(received));
        Self(Arc::new(Inner { key, open: Mutex::default(), reports, received }))
    }

    /// The reports that come, for the one who writes them down; nothing where somebody does already.
    #[must_use]
    pub fn take_reports(&self) -> Option<mpsc::Receiver<Reported>> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What was seen since this was asked last, in the order in which the boots began.
    #[must_use]
    pub fn take_news(&self) -> Vec<BootNews> {
        let mut open = self.open();
        let changed = std::mem::take(&mut open.changed);
        let mut all: Vec<_> = changed
            .iter()
            .filter_map(|id| {
                let news = &mut open.boots.get_mut(id)?.news;
                let events = std::mem::take(&mut news.events);
                Some(BootNews { events, ..news.clone() })
            })
            .collect();
        all.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        all
    }

    /// Watches a boot no more, since it has ended.
    pub fn close(&self, id: &BootId) {
        let mut open = self.open();
        if let Some(boot) = open.boots.remove(id) {
            if open.machines.get(&boot.news.machine) == Some(id) {
                open.machines.remove(&boot.news.machine);
            }
            open.changed.remove(id);
            open.addresses.retain(|_, of| of != id);
        }
    }

    /// A machine asks for its script; the token of the boot that this begins, or goes on. Without one, it
    /// boots untraced.
    pub(crate) fn begin(
        &self,
        machine: &BookedMachine,
        (target, once): (&Arc<BootTarget>, Option<&BookedOnce>),
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<String> {
        let once = once.map(|it| &it.id);
        let mut open = self.open();
        let former = open.machines.get(&machine.id).cloned();
        let waiting = former.filter(|id| {
            open.boots.get(id).is_some_and(|it| {
                !it.is_over_at(now) && it.news.target == *target && it.news.once.as_ref() == once
            })
        });
        let id = match waiting {
            Some(id) => id,
            None => open.add(machine, target, once, now)?,
        };
        if let Some(address) = address {
            open.addresses.insert(address, id.clone());
        }
        if let Some(boot) = open.boots.get_mut(&id) {
            (boot.last_at, boot.news.address) = (now, address);
        }
        self.0.key.seal(&machine.id, &id, once, now)
    }

    /// Something was sent to an address, or refused; `file` is of what, and its digest.
    pub(crate) fn transferred(
        &self,
        address: IpAddr,
        transfer: Transfer,
        file: Option<(Booted, Digest)>,
    ) {
        let mut open = self.open();
        let Some(id) = open.addresses.get(&address).cloned() else { return };
        let Some(boot) = open.boots.get_mut(&id) else { return };
        boot.last_at = transfer.ended_at;
        boot.begun |= transfer.kind != TransferKind::Script;
        if boot.seen < if boot.begun { MOST_EVENTS } else { MOST_SCRIPTS } {
            boot.seen += 1;
            let sha256 = file.as_ref().map(|(_, sha256)| *sha256);
            boot.news.events.push(BootEvent::Transfer { transfer, sha256 });
        }
        if let Some((booted, _)) = file {
            boot.news.booted = Some(booted);
        }
        if boot.begun {
            open.changed.insert(id);
        }
    }

    /// What a token says that a machine shows; `None` where it is none of ours, or its time is over.
    pub(crate) fn token(&self, token: &str, now: Timestamp) -> Option<BootToken> {
        self.0.key.open(token, now)
    }

    /// A machine has reported: what is sent to its address is of that boot from now on. `None` where too many
    /// report at once.
    pub(crate) fn report(
        &self,
        token: BootToken,
        address: Option<IpAddr>,
        at: Timestamp,
        report: BootReport,
    ) -> Option<oneshot::Receiver<ReportAnswer>> {
        {
            let mut open = self.open();
            if let Some(boot) = open.boots.get_mut(&token.boot) {
                (boot.last_at, boot.begun, boot.news.address) = (at, true, address);
                if let Some(address) = address {
                    open.addresses.insert(address, token.boot.clone());
                }
                // What was sent before this is written down before this.
                open.changed.insert(token.boot.clone());
            }
        }
        let (answer, answered) = oneshot::channel();
        let reported = Reported { token, address, at, report, answer };
        self.0.reports.try_send(reported).ok().map(|()| answered)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(
        &mut self,
        machine: &BookedMachine,
        target: &Arc<BootTarget>,
        once: Option<&BootOnceId>,
        now: Timestamp,
    ) -> Option<BootId> {
        if self.boots.len() >= MOST_OPEN {
            self.clean(now);
        }
        if self.boots.len() >= MOST_OPEN {
            return None;
        }
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).ok()?;
        let id = BootId(hex::encode(nonce));
        let news = BootNews {
            id: id.clone(),
            machine: machine.id.clone(),
            name: machine.name.clone(),
            target: target.clone(),
            once: once.cloned(),
            address: None,
            started_at: now,
            booted: None,
            events: Vec::new(),
        };
        self.boots.insert(id.clone(), OpenBoot { news, begun: false, last_at: now, seen: 0 });
        self.machines.insert(machine.id.clone(), id.clone());
        Some(id)
    }

    /// Forgets what has long had no event, or never begun; not at each request.
    fn clean(&mut self, now: Timestamp) {
        if self.cleaned_at.is_some_and(|at| at.plus(CLEANED) > now) {
            return;
        }
        self.cleaned_at = Some(now);
        self.boots.retain(|_, it| !it.is_forgotten_at(now));
        let Self { boots, machines, addresses, changed, .. } = self;
        machines.retain(|_, id| boots.contains_key(id));
        addresses.retain(|_, id| boots.contains_key(id));
        changed.retain(|id| boots.contains_key(id));
    }
}

#[cfg(test)]
#[path = "traces_tests.rs"]
mod tests;
