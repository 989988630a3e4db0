//! What a guest wrote to its console, as far back as it is kept, for watchers who come and go.
//!
//! Every byte has an offset from the beginning, so a watcher who was away says which byte is next
//! and misses nothing or is told how much is gone. Watchers read at their own pace: nothing waits
//! for them.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// How much is kept, in bytes.
const KEPT: usize = 256 * 1024;
/// How far after the cut a line may begin for the rest to start there.
const LINE: usize = 4096;

/// The console of a guest so far; written by one, read by many.
#[derive(Debug)]
pub struct Scrollback {
    kept: Mutex<Kept>,
    more: Condvar,
    end: watch::Sender<u64>,
    most: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// Offset of the first byte.
    from: u64,
    bytes: VecDeque<u8>,
}

impl Kept {
    fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

/// A stretch of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePart {
    /// Offset of its first byte: later than what was asked for where that is gone.
    pub from: u64,
    /// Its bytes; none where there are no more yet.
    pub bytes: Vec<u8>,
}

impl ConsolePart {
    /// Offset behind its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

impl Default for Scrollback {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl Scrollback {
    /// One that keeps this many bytes.
    pub(crate) fn keeping(most: usize) -> Self {
        Self { kept: Mutex::default(), more: Condvar::new(), end: watch::Sender::new(0), most }
    }

    /// Appends what the guest wrote and tells the watchers.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let end = {
            let mut kept = self.kept();
            kept.bytes.extend(bytes);
            if kept.bytes.len() > self.most {
                // A quarter at once, so that not each new line moves the beginning.
                let over = kept.bytes.len() - self.most / 4 * 3;
                // From the beginning of a line, so that no sequence or character is cut in two.
                let line = kept.bytes.iter().skip(over).take(LINE).position(|byte| *byte == b'\n');
                let gone = line.map_or(over, |at| over + at + 1);
                kept.bytes.drain(..gone);
                kept.from += gone as u64;
            }
            kept.end()
        };
        self.more.notify_all();
        self.end.send_replace(end);
    }

    /// What was written from `offset` on, at the most `most` bytes. What is no offset of this
    /// console begins with what is kept.
    #[must_use]
    pub fn read(&self, offset: u64, most: usize) -> ConsolePart {
        let kept = self.kept();
        let from = if (kept.from..=kept.end()).contains(&offset) { offset } else { kept.from };
        let skip = usize::try_from(from - kept.from).unwrap_or(usize::MAX);
        ConsolePart { from, bytes: kept.bytes.iter().skip(skip).take(most).copied().collect() }
    }

    /// Offsets of the first byte that is kept, and behind the last.
    #[must_use]
    pub fn bounds(&self) -> (u64, u64) {
        let kept = self.kept();
        (kept.from, kept.end())
    }

    /// Waits until the guest has written up to `offset`, at the longest for `patience`.
    pub(crate) fn wait_for(&self, offset: u64, patience: Duration) {
        let short = |kept: &mut Kept| kept.end() < offset;
        // Who panicked while it wrote has written all the same.
        drop(self.more.wait_timeout_while(self.kept(), patience, short));
    }

    /// Changes whenever the guest has written something.
    #[must_use]
    pub fn grown(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scrollback: &Scrollback, offset: u64) -> (u64, String) {
        let part = scrollback.read(offset, usize::MAX);
        (part.from, String::from_utf8(part.bytes).unwrap())
    }

    #[test]
    fn who_comes_back_goes_on_where_they_were() {
        let scrollback = Scrollback::keeping(100);
        assert_eq!(text(&scrollback, 0), (0, String::new()));
        scrollback.append(b"one ");
        scrollback.append(b"two");
        assert_eq!(text(&scrollback, 0), (0, "one two".to_owned()));
        assert_eq!(text(&scrollback, 4), (4, "two".to_owned()));
        assert_eq!(text(&scrollback, 7), (7, String::new()), "there is no more yet");
        assert_eq!(text(&scrollback, 8), (0, "one two".to_owned()), "never written");
        let part = scrollback.read(0, 3);
        assert_eq!((part.end(), part.bytes.as_slice()), (3, &b"one"[..]));
        assert_eq!(*scrollback.grown().borrow(), 7);
    }

    #[test]
    fn what_is_kept_is_bounded_and_begins_with_a_line() {
        let scrollback = Scrollback::keeping(100);
        let mut all = String::new();
        for line in 0..50 {
            let line = format!("line {line:02} ä\n");
            scrollback.append(line.as_bytes());
            all.push_str(&line);
            let (from, end) = scrollback.bounds();
            assert!(end - from <= 100 && end == all.len() as u64);
            let (at, kept) = text(&scrollback, 0);
            assert_eq!((at, kept.as_str()), (from, &all[usize::try_from(from).unwrap()..]));
            assert!(kept.starts_with("line "), "{kept}");
        }
        assert_eq!(text(&scrollback, 1).0, scrollback.bounds().0, "what is gone is skipped");
    }

    #[test]
    fn a_console_without_lines_is_cut_all_the_same() {
        let scrollback = Scrollback::keeping(100);
        scrollback.append(&[b'x'; 1000]);
        assert_eq!(scrollback.bounds(), (925, 1000));
    }
}
