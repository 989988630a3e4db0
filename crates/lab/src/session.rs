//! A guest for people: its boot entry is picked from the menu, and then its console is theirs.
//!
//! Nothing of it is judged. Whoever types before the entry is picked takes the menu over. Three
//! threads serve a session: one reads what the guest writes, one gives it what is typed, and one
//! picks the entry and ends.

use std::{
    io::{self, Read},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use domain::{menu::FOOTER, time::Clock};
use process::{Running, Spawner};
use tokio::sync::watch;

use crate::{
    boot::press_down,
    complaints::Complaints,
    console::{Console, Missed},
    guest::{self, GuestConfig, LabError, Reboots},
    keys::{Keys, NotTyped},
    scrollback::Scrollback,
};

/// How long iPXE may take to show the menu before it is left to whoever looks on.
const MENU_LIMIT: Duration = Duration::from_secs(300);
/// What iPXE's menu takes for its first line: any key holds the countdown.
const HOME: &str = "\u{1b}[H";

/// What a guest is to boot.
#[derive(Debug, Clone)]
pub struct SessionRequest {
    /// Path of the menu at the boot listener: `/release/v1.0.0-rc.1/menu.ipxe`.
    pub menu_path: String,
    /// Texts of the menu's entries down to the one that is to be picked; none where the menu is
    /// left to whoever types.
    pub pick: Vec<String>,
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// Whether its system ended it, and not QEMU itself or a signal.
    pub well: bool,
    /// What QEMU said last; empty where it said nothing.
    pub said: String,
}

/// A guest that runs. Dropped, it is ended.
#[derive(Debug)]
pub struct Session {
    keys: Keys,
    /// Set once somebody has typed: the menu is theirs.
    typed: Arc<AtomicBool>,
    qemu: Arc<Mutex<Running>>,
    ended: watch::Receiver<Option<SessionEnd>>,
}

impl Session {
    /// Starts a guest whose console goes to `console`, with the Unix socket of its own at the boot
    /// listener.
    ///
    /// # Errors
    /// Where QEMU cannot be started.
    pub fn start(
        spawner: &Spawner,
        clock: &Arc<dyn Clock>,
        config: &GuestConfig,
        request: SessionRequest,
        socket: &Path,
        console: Arc<Scrollback>,
    ) -> Result<Self, LabError> {
        let qemu = guest::start(spawner, config, socket, &request.menu_path, Reboots::End)?;
        Self::over(qemu, clock, Some(request.pick), console)
    }

    /// Starts a guest as [`Session::start`] does, in whose menu nobody presses a key, and which may
    /// reboot.
    pub(crate) fn unattended(
        spawner: &Spawner,
        clock: &Arc<dyn Clock>,
        config: &GuestConfig,
        menu_path: &str,
        socket: &Path,
        console: Arc<Scrollback>,
    ) -> Result<Self, LabError> {
        let qemu = guest::start(spawner, config, socket, menu_path, Reboots::BeginAnew)?;
        Self::over(qemu, clock, None, console)
    }

    /// A session with a program that stands on its own; without `pick`, nobody picks anything.
    fn over(
        mut qemu: Running,
        clock: &Arc<dyn Clock>,
        pick: Option<Vec<String>>,
        console: Arc<Scrollback>,
    ) -> Result<Self, LabError> {
        let (Some(mut input), Some(output)) = (qemu.child.stdin.take(), qemu.child.stdout.take())
        else {
            return Err(LabError::NoConsole);
        };
        let complaints = qemu.child.stderr.take().map(Complaints::of);
        let keys = Keys::default();
        let (shown, seen) = mpsc::channel();
        let (tell, ended) = watch::channel(None);
        let qemu = Arc::new(Mutex::new(qemu));
        let (pressed, over, echoed) = (keys.clone(), keys.clone(), console.clone());
        thread::spawn(move || pressed.press(&mut input, &echoed));
        let running = qemu.clone();
        thread::spawn(move || {
            read(output, &console, shown);
            over.end();
            // It closed its console, so it has ended or is about to.
            let well = lock(&running).wait().is_ok_and(|status| status.success());
            let said = complaints.map(Complaints::last_of_all).unwrap_or_default();
            tell.send_replace(Some(SessionEnd { well, said }));
        });
        let typed = Arc::new(AtomicBool::new(false));
        if let Some(pick) = pick {
            let console = Console::new(keys.clone(), Shown::of(seen), clock.clone(), &[]);
            let taken_over = typed.clone();
            thread::spawn(move || {
                pick_entry(console, &pick, &|| taken_over.load(Ordering::Acquire));
            });
        }
        Ok(Self { keys, typed, qemu, ended })
    }

    /// Types. The guest gets it when it reads; nobody waits for that.
    ///
    /// # Errors
    /// Where the guest has ended, or reads too slowly.
    pub fn type_in(&self, keys: &[u8]) -> Result<(), NotTyped> {
        self.typed.store(true, Ordering::Release);
        self.keys.push(keys)
    }

    /// How the guest ended, once it has.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<Option<SessionEnd>> {
        self.ended.clone()
    }

    /// Ends the guest at once.
    pub fn end(&self) {
        self.typed.store(true, Ordering::Release);
        lock(&self.qemu).kill();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock(qemu: &Mutex<Running>) -> MutexGuard<'_, Running> {
    qemu.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what the guest writes until it is gone, and shows it to who picks the entry.
fn read(mut output: impl Read, console: &Scrollback, shown: mpsc::Sender<Vec<u8>>) {
    let mut picking = Some(shown);
    let mut buffer = vec![0; 4096];
    loop {
        let read = match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        console.append(&buffer[..read]);
        if picking.as_ref().is_some_and(|picking| picking.send(buffer[..read].to_vec()).is_err()) {
            picking = None;
        }
    }
}

/// Picks the entry as lab robots do. Where the menu does not come, what stands on the console says
/// why, and whoever looks on decides what to do.
fn pick_entry(mut console: Console, texts: &[String], stop: &dyn Fn() -> bool) {
    let picked = console
        .expect(&[FOOTER], Instant::now() + MENU_LIMIT, stop)
        .and_then(|_| if stop() { Err(Missed::Stopped) } else { Ok(()) })
        .and_then(|()| press_down(&mut console, texts.iter().map(String::as_str), stop));
    match picked {
        Ok(()) => console.send(if texts.is_empty() { HOME } else { "\r" }),
        Err(Missed::Stopped | Missed::Ended | Missed::TimedOut) => {}
    }
}

/// What who picks the entry sees.
struct Shown {
    pieces: mpsc::Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Shown {
    fn of(pieces: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { pieces, piece: io::Cursor::default() }
    }
}

impl Read for Shown {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 => match self.pieces.recv() {
                    Ok(piece) => self.piece = io::Cursor::new(piece),
                    Err(_) => return Ok(0),
                },
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use domain::time::Timestamp;
    use process::Invocation;

    use super::*;

    /// Children die with the thread that made them.
    static SPAWNER: LazyLock<Spawner> = LazyLock::new(|| Spawner::start().unwrap());

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
    }

    /// A session with a shell script in the place of QEMU.
    fn session(script: &str, pick: &[&str]) -> (Session, Arc<Scrollback>) {
        let shell = Invocation::new("sh").args(["-c", script]).with_stdin();
        let running = SPAWNER.spawn(&shell).unwrap();
        let console = Arc::new(Scrollback::default());
        let clock: Arc<dyn Clock> = Arc::new(Still);
        let pick = pick.iter().map(|text| (*text).to_owned()).collect();
        (Session::over(running, &clock, Some(pick), console.clone()).unwrap(), console)
    }

    /// Waits until the console holds `text`.
    async fn sees(console: &Scrollback, text: &str) -> String {
        let mut grown = console.grown();
        let written = || String::from_utf8(console.read(0, usize::MAX).bytes).unwrap();
        let seen = async {
            while !written().contains(text) {
                grown.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), seen).await;
        assert!(waited.is_ok(), "no {text:?} in {:?}", written());
        written()
    }

    async fn ended(session: &Session) -> SessionEnd {
        let mut ended = session.ended();
        let ended = ended.wait_for(Option::is_some);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        ended.expect("it ends in time").unwrap().clone().unwrap()
    }

    #[tokio::test]
    async fn what_is_typed_comes_to_the_guest_and_its_answer_back() {
        let (session, console) = session("read x; echo $((x + 2)); echo bad >&2", &[]);
        session.type_in(b"40\n").unwrap();
        sees(&console, "42").await;
        assert_eq!(ended(&session).await, SessionEnd { well: true, said: "bad".to_owned() });
        assert_eq!(console.read(0, 1024).bytes, b"42\n", "it can be read after the end");
    }

    #[tokio::test]
    async fn the_entry_is_picked_by_keys() {
        let menu = format!(
            "echo 'ipxe shell'; echo '{FOOTER}'; for text in one two; do
                IFS= read -r -n 3 key || key=$(head -c 3); echo \"$text\"; done
            head -c 1 >/dev/null; echo picked"
        );
        let (_session, console) = session(&menu, &["one", "two"]);
        sees(&console, "picked").await;
    }

    #[tokio::test]
    async fn whoever_types_takes_the_menu_over() {
        let script = format!("read first; echo \"got $first\"; echo '{FOOTER}'; cat");
        let (session, console) = session(&script, &["one"]);
        session.type_in(b"mine\n").unwrap();
        sees(&console, FOOTER).await;
        session.type_in(b"and this\n").unwrap();
        let all = sees(&console, "and this").await;
        assert!(all.contains("got mine") && !all.contains("[B"), "{all}");
    }

    #[tokio::test]
    async fn a_guest_that_does_not_read_blocks_nobody() {
        let (session, _console) = session("exec sleep 60", &[]);
        // More than the pipe and the queue hold together.
        let keys = vec![b'x'; 32 * 1024];
        let refused = (0..8).find_map(|_| session.type_in(&keys).err());
        assert_eq!(refused, Some(NotTyped::Full));
        session.end();
        assert_eq!(ended(&session).await, SessionEnd { well: false, said: String::new() });
    }
}
