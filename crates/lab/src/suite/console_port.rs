//! A machine's console as labs serve it: telnet, one client at a time.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    machine::Machine,
    telnet::{GREETING, Telnet, escaped},
};

/// What the second client reads, as ser2net words it.
const IN_USE: &[u8] = b"Port already in use\r\n";
/// How long it waits for the first, who may be about to go.
const HAND_OVER: Duration = Duration::from_secs(1);
/// How often a silent console asks whether its client is still there.
const TICK: Duration = Duration::from_millis(250);
/// How much goes to a client at once, in bytes.
const PIECE: usize = 16 * 1024;

/// The port of one machine.
pub(crate) struct ConsolePort {
    machine: Arc<Machine>,
    in_use: Mutex<bool>,
    free: Condvar,
}

impl ConsolePort {
    pub(crate) const fn of(machine: Arc<Machine>) -> Self {
        Self { machine, in_use: Mutex::new(false), free: Condvar::new() }
    }

    /// Serves a client until it goes away.
    pub(crate) fn serve(&self, mut client: UnixStream) {
        if !self.take() {
            // Whoever has gone already reads nothing.
            let _ = client.write_all(IN_USE);
            return;
        }
        // What it wrote before somebody looked is in its log only.
        let (_, from) = self.machine.console().bounds();
        if let (Ok(output), Ok(shown)) = (client.try_clone(), client.try_clone()) {
            let output = Mutex::new(output);
            let gone = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| self.show(from, &output, &gone));
                let _ = self.listen(&mut client, &output);
                gone.store(true, Ordering::Release);
                // Whoever connects next need not wait for the other thread.
                self.give_up();
                let _ = shown.shutdown(Shutdown::Both);
            });
        } else {
            self.give_up();
        }
    }

    /// Takes the console, where nobody else has it.
    fn take(&self) -> bool {
        let in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.free.wait_timeout_while(in_use, HAND_OVER, |in_use| *in_use);
        let (mut in_use, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut *in_use, true)
    }

    fn give_up(&self) {
        *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.free.notify_all();
    }

    /// Gives the guest what the client types, until it goes away.
    fn listen(&self, client: &mut UnixStream, output: &Mutex<UnixStream>) -> io::Result<()> {
        write(output, &GREETING)?;
        self.machine.look_at();
        let mut telnet = Telnet::greeted();
        let mut buffer = [0; 4096];
        loop {
            let read = match client.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let received = telnet.receive(&buffer[..read]);
            if !received.reply.is_empty() {
                write(output, &received.reply)?;
            }
            if !received.keys.is_empty() {
                self.machine.type_in(&received.keys);
            }
        }
    }

    /// Shows the client what the guest writes.
    fn show(&self, mut from: u64, output: &Mutex<UnixStream>, gone: &AtomicBool) {
        let console = self.machine.console();
        while !gone.load(Ordering::Acquire) {
            let part = console.read(from, PIECE);
            if part.bytes.is_empty() {
                console.wait_for(from + 1, TICK);
            } else if write(output, &escaped(&part.bytes)).is_err() {
                return;
            }
            from = part.end();
        }
    }
}

/// Both threads write to a client, and each a whole command at once.
fn write(output: &Mutex<UnixStream>, bytes: &[u8]) -> io::Result<()> {
    output.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)
}
