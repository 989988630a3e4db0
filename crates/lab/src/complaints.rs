//! What QEMU itself says, as it comes: it must not wait for a reader.

use std::{
    io::Read as _,
    process::ChildStderr,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// How much of it is kept, in bytes.
const MOST: usize = 16 * 1024;

/// The standard error of a guest's QEMU.
pub(crate) struct Complaints {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Complaints {
    /// Reads until QEMU has ended.
    pub(crate) fn of(mut stderr: ChildStderr) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = text.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                let mut text = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if text.len() < MOST {
                    text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
            }
        });
        Self { text, reader }
    }

    /// The last line so far; empty where it said nothing.
    pub(crate) fn last(&self) -> String {
        last_line(&self.text)
    }

    /// The last line of all, once QEMU has ended.
    pub(crate) fn last_of_all(self) -> String {
        let Self { text, reader } = self;
        // An error means that the reader panicked; what it read is there.
        let _ = reader.join();
        last_line(&text)
    }
}

fn last_line(text: &Mutex<String>) -> String {
    let text = text.lock().unwrap_or_else(PoisonError::into_inner);
    text.lines().last().unwrap_or_default().trim().to_owned()
}
