//! Following a guest: its console byte by byte, and how it stands.

use std::sync::Arc;

use domain::guest::{Guest, Typist};
use tokio::sync::watch;

use super::{held::Held, life};
use crate::{Services, error::ServiceError};

/// How many sockets may show one guest.
const MOST_WATCHERS: u32 = 64;
/// How many bytes are handed over at once.
const PIECE: usize = 32 * 1024;

/// What there is to show next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The guest stands so now.
    Stands(Box<Guest>),
    /// It wrote these bytes.
    Wrote(Vec<u8>),
    /// Whoever watches fell so far behind that this many bytes are gone.
    Lost(u64),
}

/// One watcher of a guest. The guest never waits for it: what it does not fetch in time is gone.
pub struct GuestWatch {
    services: Services,
    held: Arc<Held>,
    who: Typist,
    at: u64,
    grown: watch::Receiver<u64>,
    changed: watch::Receiver<u64>,
    /// Up to which change it was told.
    told: Option<u64>,
}

impl GuestWatch {
    pub(super) fn begin(
        services: Services,
        held: Arc<Held>,
        who: Typist,
        after: u64,
    ) -> Result<Self, ServiceError> {
        let at = held.console().read(after, 0).from;
        held.change(|standing| {
            if standing.keyboard.watchers() >= MOST_WATCHERS {
                let message = format!("{MOST_WATCHERS} windows show this guest already; close one");
                return Err(ServiceError::Unavailable(message));
            }
            standing.keyboard.joined(&who);
            Ok(())
        })?;
        services.tell(&life::topic(held.id()));
        let (grown, changed) = (held.console().grown(), held.changes());
        Ok(Self { services, held, who, at, grown, changed, told: None })
    }

    /// Offset of the byte that comes next.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.at
    }

    /// Offset behind the last byte of the console so far.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.held.console().bounds().1
    }

    /// What there is to show next; waits until there is something. Dropped while it waits, it has
    /// lost nothing.
    pub async fn next(&mut self) -> Seen {
        loop {
            let change = *self.changed.borrow_and_update();
            if self.told.replace(change) != Some(change) {
                return Seen::Stands(Box::new(self.held.view()));
            }
            self.grown.mark_unchanged();
            let part = self.held.console().read(self.at, PIECE);
            if part.from > self.at {
                let lost = part.from - self.at;
                self.at = part.from;
                return Seen::Lost(lost);
            }
            if !part.bytes.is_empty() {
                self.at = part.end();
                return Seen::Wrote(part.bytes);
            }
            // Errors mean that the guest is gone, which it is not as long as this holds it.
            tokio::select! {
                _ = self.changed.changed() => {}
                _ = self.grown.changed() => {}
            }
        }
    }
}

impl Drop for GuestWatch {
    fn drop(&mut self) {
        let left = self.held.change(|standing| {
            standing.keyboard.left(&self.who.id);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(()) = left;
        self.services.tell(&life::topic(self.held.id()));
    }
}
