//! What is typed to a guest and has not gone to it yet.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thiserror::Error;

use crate::scrollback::Scrollback;

/// How many bytes go to the guest at once: the BIOS, which fills its keyboard buffer from the serial
/// port, keeps 15 keys until iPXE reads them, and drops what comes then.
const PIECE: usize = 8;
/// How long the next ones wait for the guest to write as much as was typed, which is its echo. What is
/// not echoed, such as a password, goes at this pace.
const PATIENCE: Duration = Duration::from_millis(250);
/// How many bytes may wait, so that a guest that does not read costs no more than this.
const MOST: usize = 64 * 1024;

/// What is typed does not go to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotTyped {
    /// It has not read yet what was typed before.
    #[error("the guest takes no more: it has not read yet what was typed before; wait a moment")]
    Full,
    /// It is over.
    #[error("the guest has ended")]
    Ended,
}

/// A queue of keys; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Debug, Default)]
struct Waiting {
    keys: VecDeque<u8>,
    over: bool,
}

impl Keys {
    /// Adds keys, all of them or none.
    pub(crate) fn push(&self, keys: &[u8]) -> Result<(), NotTyped> {
        let mut waiting = self.waiting();
        if waiting.over {
            return Err(NotTyped::Ended);
        }
        if waiting.keys.len() + keys.len() > MOST {
            return Err(NotTyped::Full);
        }
        waiting.keys.extend(keys);
        self.0.1.notify_all();
        Ok(())
    }

    /// Nothing goes to the guest any more.
    pub(crate) fn end(&self) {
        self.waiting().over = true;
        self.0.1.notify_all();
    }

    /// Gives the guest what is typed, until it is over or takes nothing any more.
    pub(crate) fn press(&self, guest: &mut impl Write, console: &Scrollback) {
        while let Some(piece) = self.next() {
            let (_, before) = console.bounds();
            if guest.write_all(&piece).and_then(|()| guest.flush()).is_err() {
                return self.end();
            }
            console.wait_for(before + piece.len() as u64, PATIENCE);
        }
    }

    /// The next keys, as soon as there are some.
    fn next(&self) -> Option<Vec<u8>> {
        let nothing = |waiting: &mut Waiting| waiting.keys.is_empty() && !waiting.over;
        let waiting = self.0.1.wait_while(self.waiting(), nothing);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.over {
            return None;
        }
        let piece = waiting.keys.len().min(PIECE);
        Some(waiting.keys.drain(..piece).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Keys {
    fn write(&mut self, keys: &[u8]) -> io::Result<usize> {
        self.push(keys).map_err(io::Error::other)?;
        Ok(keys.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_however_they_were_typed() {
        let keys = Keys::default();
        for key in b"echo one; echo two" {
            keys.push(&[*key]).unwrap();
        }
        assert_eq!(keys.next().unwrap(), b"echo one");
        keys.push(b"!").unwrap();
        assert_eq!(keys.next().unwrap(), b"; echo t");
        assert_eq!(keys.next().unwrap(), b"wo!");
    }

    #[test]
    fn what_waits_is_bounded_and_ends() {
        let keys = Keys::default();
        let much = vec![b'x'; MOST];
        assert_eq!(keys.push(&much), Ok(()));
        assert_eq!(keys.push(b"y"), Err(NotTyped::Full));
        keys.end();
        assert_eq!(keys.push(b"y"), Err(NotTyped::Ended));
        assert_eq!(keys.next(), None, "what waits goes nowhere");
    }
}
