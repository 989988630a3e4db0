//! A process of a network: what it says, and its end.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long anything that is waited for may take on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(240);

/// A process that ends with this value, and whose output is kept.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// Which process it is, as the host knows it, until it is ended.
    pid: Option<Pid>,
    said: Arc<Heard>,
    /// Up to where the output has been looked at.
    seen: usize,
    /// Held: some end when nobody can type to them.
    input: Option<ChildStdin>,
}

/// What was said, and whether there is more.
type Heard = (Mutex<Said>, Condvar);

#[derive(Default)]
struct Said {
    text: String,
    ended: bool,
}

impl Process {
    /// Starts a command that writes first which process it has become, as those of a namespace do.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let pid = first.trim().parse().unwrap_or_else(|_| panic!("{name} did not start: {first}"));
        let said = Arc::<Heard>::default();
        let heard = said.clone();
        thread::spawn(move || listen(output, &heard));
        let input = child.stdin.take();
        Self { name, child, pid: Some(Pid::from_raw(pid)), said, seen: 0, input }
    }

    /// Waits until it says a text after what was waited for before; gives the time.
    pub(crate) fn expect(&mut self, text: &str) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        let shared = self.said.clone();
        let mut said = locked(&shared);
        loop {
            if let Some(at) = said.text[self.seen..].find(text) {
                self.seen += at + text.len();
                return Instant::now();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let ended = said.ended;
            assert!(
                !ended && !left.is_zero(),
                "{} did not say: {text} (ended: {ended})",
                self.name
            );
            said = shared.1.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types something.
    pub(crate) fn types(&mut self, keys: &str) {
        self.input.as_mut().expect("it has not been ended").write_all(keys.as_bytes()).unwrap();
    }

    /// All that it has said so far.
    pub(crate) fn text(&self) -> String {
        locked(&self.said).text.clone()
    }

    /// Which process it is, as the host knows it.
    pub(crate) fn pid(&self) -> String {
        self.pid.expect("it has not been ended").to_string()
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        // What has ended by itself may have left its number to another.
        if let (Some(pid), Ok(None)) = (self.pid.take(), self.child.try_wait()) {
            let _ = kill(pid, Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }

    /// Lets one end that does so when nobody can type to it.
    pub(crate) fn end(&mut self) {
        self.input = None;
        let _ = self.child.wait();
        self.pid = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let text = self.text();
        if thread::panicking() && !text.is_empty() {
            eprintln!("---- {} said:\n{text}\n----", self.name);
        }
    }
}

fn locked(said: &Heard) -> MutexGuard<'_, Said> {
    said.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(mut output: impl Read, said: &Heard) {
    let mut screen = Screen::default();
    let mut bytes = [0; 4096];
    loop {
        let length = output.read(&mut bytes).unwrap_or_default();
        let mut heard = locked(said);
        heard.ended = length == 0;
        let (new, _) = bytes.split_at(length);
        heard.text.extend(new.iter().filter_map(|byte| screen.shown(*byte)));
        said.1.notify_all();
        if heard.ended {
            return;
        }
    }
}

/// What of a console's bytes is text: firmware moves the cursor and changes colours between words.
#[derive(Default)]
enum Screen {
    #[default]
    Text,
    Escape,
    Sequence,
}

impl Screen {
    fn shown(&mut self, byte: u8) -> Option<char> {
        let (next, shown) = match (&self, byte) {
            (_, 0x1b) => (Self::Escape, None),
            (Self::Escape, b'[') => (Self::Sequence, None),
            (Self::Sequence, b'0'..=b'9' | b';' | b'?') => (Self::Sequence, None),
            (Self::Escape | Self::Sequence, _) => (Self::Text, None),
            (Self::Text, b'\n' | b' '..=b'~') => (Self::Text, Some(char::from(byte))),
            (Self::Text, _) => (Self::Text, None),
        };
        *self = next;
        shown
    }
}
