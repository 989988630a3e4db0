//! A serial console: what a machine writes, with times, and what is typed to it.

use std::{
    io::{Read, Write},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use domain::time::{Clock, Timestamp};

/// How often a wait asks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);

/// Why a wait ended without what was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missed {
    /// The machine is gone.
    Ended,
    /// It took too long.
    TimedOut,
    /// Somebody asked to stop.
    Stopped,
}

/// A console under way.
pub(crate) struct Console {
    input: Box<dyn Write + Send>,
    chunks: mpsc::Receiver<Vec<u8>>,
    clock: Arc<dyn Clock>,
    /// Every byte, as it came.
    log: Vec<u8>,
    /// The text without its escape sequences.
    text: String,
    escapes: Escapes,
    /// Up to where the text has been looked at.
    seen: usize,
    marks: Marks,
}

/// Texts that are watched for all the time, each with when it was first seen.
#[derive(Debug)]
pub(crate) struct Marks(Vec<(&'static str, Option<Timestamp>)>);

impl Marks {
    /// None of which was seen yet.
    pub(crate) fn of(texts: &[&'static str]) -> Self {
        Self(texts.iter().map(|text| (*text, None)).collect())
    }

    /// Where in a text to look from, once something was added behind `end`: a mark may be split.
    pub(crate) fn look_from(text: &str, end: usize) -> usize {
        text.floor_char_boundary(end.saturating_sub(80))
    }

    /// Looks at a stretch of a console.
    pub(crate) fn look_at(&mut self, text: &str, now: Timestamp) {
        for (mark, at) in &mut self.0 {
            if at.is_none() && text.contains(*mark) {
                *at = Some(now);
            }
        }
    }

    /// When a text was first seen.
    pub(crate) fn at(&self, text: &str) -> Option<Timestamp> {
        self.0.iter().find(|(mark, _)| *mark == text).and_then(|(_, at)| *at)
    }
}

impl Console {
    pub(crate) fn new(
        input: impl Write + Send + 'static,
        output: impl Read + Send + 'static,
        clock: Arc<dyn Clock>,
        marks: &[&'static str],
    ) -> Self {
        let (sender, chunks) = mpsc::channel();
        thread::spawn(move || pump(output, &sender));
        Self {
            input: Box::new(input),
            chunks,
            clock,
            log: Vec::new(),
            text: String::new(),
            escapes: Escapes::default(),
            seen: 0,
            marks: Marks::of(marks),
        }
    }

    /// Waits until one of `texts` appears after what was looked at before; gives which. What
    /// appears later is looked at by the next wait.
    pub(crate) fn expect(
        &mut self,
        texts: &[&str],
        deadline: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Result<usize, Missed> {
        self.wait_for(deadline, stop, |rest| {
            let found = texts.iter().enumerate();
            let found =
                found.filter_map(|(index, text)| Some((rest.find(text)?, index, text.len())));
            found.min().map(|(at, index, length)| (index, at + length))
        })
    }

    /// As [`Console::expect`] of one text that may be longer than a line of the machine's screen: it
    /// is found however it is broken.
    pub(crate) fn expect_broken(
        &mut self,
        text: &str,
        deadline: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Missed> {
        self.wait_for(deadline, stop, |rest| Some(((), end_of_broken(rest, text)?)))
    }

    /// Waits until anything at all appears, and looks at none of it.
    pub(crate) fn hear(
        &mut self,
        deadline: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Missed> {
        self.wait_for(deadline, stop, |rest| (!rest.trim().is_empty()).then_some(((), 0)))
    }

    /// Waits until `find` finds something in what was not looked at yet, and where it ends.
    fn wait_for<T>(
        &mut self,
        deadline: Instant,
        stop: &dyn Fn() -> bool,
        find: impl Fn(&str) -> Option<(T, usize)>,
    ) -> Result<T, Missed> {
        loop {
            if let Some((found, end)) = find(&self.text[self.seen..]) {
                self.seen += end;
                return Ok(found);
            }
            if stop() {
                return Err(Missed::Stopped);
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(Missed::TimedOut);
            }
            match self.chunks.recv_timeout(TICK.min(deadline - now)) {
                Ok(chunk) => self.take(&chunk),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Missed::Ended),
            }
        }
    }

    /// Types. A machine that is gone is noticed by the next wait.
    pub(crate) fn send(&mut self, text: &str) {
        let _ = self.input.write_all(text.as_bytes()).and_then(|()| self.input.flush());
    }

    /// The text since the last wait ended, to its end so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where the text has been looked at up to.
    pub(crate) const fn position(&self) -> usize {
        self.seen
    }

    /// When a mark was first seen.
    pub(crate) fn mark(&self, mark: &str) -> Option<Timestamp> {
        self.marks.at(mark)
    }

    /// Takes what has come until the machine is gone, at the longest until `deadline`.
    pub(crate) fn drain(&mut self, deadline: Instant) {
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.take(&chunk),
                Err(_) => return,
            }
        }
    }

    /// Every byte that came so far.
    #[cfg(test)]
    pub(crate) fn log(&self) -> &[u8] {
        &self.log
    }

    /// Every byte that came.
    pub(crate) fn into_log(self) -> Vec<u8> {
        self.log
    }

    fn take(&mut self, chunk: &[u8]) {
        let from = Marks::look_from(&self.text, self.text.len());
        self.log.extend_from_slice(chunk);
        let plain = self.escapes.strip(chunk);
        self.text.push_str(&String::from_utf8_lossy(&plain));
        self.marks.look_at(&self.text[from..], self.clock.now());
    }
}

/// Where `text` ends in `all`, whose lines may break it anywhere.
fn end_of_broken(all: &str, text: &str) -> Option<usize> {
    let characters = all.char_indices().filter(|(_, it)| !matches!(it, '\r' | '\n'));
    let (whole, ends): (String, Vec<usize>) =
        characters.map(|(at, it)| (it, at + it.len_utf8())).unzip();
    let end = whole.find(text)? + text.len();
    ends.get(whole[..end].chars().count().checked_sub(1)?).copied()
}

fn pump(mut output: impl Read, chunks: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 4096];
    loop {
        match output.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                if chunks.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        }
    }
}

/// Drops escape sequences (ECMA-48), which may be split between chunks.
#[derive(Debug, Default)]
pub(crate) struct Escapes {
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Text,
    Escape,
    Sequence,
}

impl Escapes {
    pub(crate) fn strip(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(chunk.len());
        for byte in chunk {
            self.state = match (self.state, byte) {
                (_, 0x1b) => State::Escape,
                (State::Escape, b'[') => State::Sequence,
                (State::Sequence, 0x20..=0x3f) => State::Sequence,
                (State::Escape | State::Sequence, _) => State::Text,
                (State::Text, b'\r') => State::Text,
                (State::Text, byte) => {
                    plain.push(*byte);
                    State::Text
                }
            };
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp(7)
        }
    }

    fn console(chunks: &[&str]) -> Console {
        let (mut writer, reader) = (Vec::new(), chunks.concat());
        writer.clear();
        let input: io::Cursor<Vec<u8>> = io::Cursor::new(writer);
        Console::new(input, io::Cursor::new(reader.into_bytes()), Arc::new(Fixed), &["login:"])
    }

    #[test]
    fn an_address_is_found_however_the_screen_breaks_it() {
        let mut console = console(&["http://boot.exa", "mple/lin\r\nux... ok\r\nPress any key"]);
        assert_eq!(console.expect_broken("boot.example/linux", soon(), &|| false), Ok(()));
        assert_eq!(console.expect(&["linux", "... ok"], soon(), &|| false), Ok(1));
        assert_eq!(console.expect_broken("ok", soon(), &|| false), Err(Missed::Ended));
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn texts_are_found_in_order_through_escape_sequences() {
        let mut console = console(&["\u{1b}[2J\u{1b}[1;1Hi\u{1b}[31mPXE> \r\nhost lo", "gin: "]);
        assert_eq!(console.expect(&["nothing", "iPXE> "], soon(), &|| false), Ok(1));
        assert_eq!(console.expect(&["iPXE> ", "login:"], soon(), &|| false), Ok(1));
        assert_eq!(console.mark("login:"), Some(Timestamp(7)));
        assert_eq!(console.expect(&["more"], soon(), &|| false), Err(Missed::Ended));
        assert!(String::from_utf8(console.into_log()).unwrap().starts_with("\u{1b}[2J"));
    }

    #[test]
    fn a_wait_can_be_stopped() {
        let (sender, receiver) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut console = Console::new(io::sink(), receiver, Arc::new(Fixed), &[]);
        assert_eq!(console.expect(&["x"], soon(), &|| true), Err(Missed::Stopped));
        let now = Instant::now();
        assert_eq!(console.expect(&["x"], now, &|| false), Err(Missed::TimedOut));
        drop(sender);
    }
}
