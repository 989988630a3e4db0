//! Following a program while it runs: its lines, its limit, and how it ended.

use std::{
    io::{BufReader, Read},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use process::Running;

use crate::{TICK, error::SandboxError};

/// How many of the last lines an error shows.
const LAST_LINES: usize = 12;

/// Passes lines on until a program ends, is stopped, or takes too long. A program whose standard input
/// is a pipe is then told to end by the end of that, and has `patience` to do so.
///
/// # Errors
/// How it ended, where that was not well.
pub fn follow(
    running: &mut Running,
    limit: Duration,
    patience: Duration,
    line: &mut dyn FnMut(&str),
    stop: &dyn Fn() -> bool,
) -> Result<(), SandboxError> {
    let mut deadline = Instant::now() + limit;
    let mut told = None;
    let (sender, lines) = mpsc::channel();
    let readers: Vec<_> = [
        running.child.stdout.take().map(|pipe| read_lines(pipe, sender.clone())),
        running.child.stderr.take().map(|pipe| read_lines(pipe, sender)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut last: Vec<String> = Vec::new();
    let mut keep = |text: String, last: &mut Vec<String>| {
        line(&text);
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(text);
    };
    let interrupted = loop {
        match lines.recv_timeout(TICK) {
            Ok(text) => keep(text, &mut last),
            // Both pipes are closed: every process inside has ended.
            Err(mpsc::RecvTimeoutError::Disconnected) => break None,
            // Where `unshare` fails it leaves a process of its own behind, which holds the pipes
            // (util-linux 2.38); what runs inside ends with it and holds nothing.
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if matches!(running.child.try_wait(), Ok(Some(_))) {
                    running.kill();
                    lines.iter().for_each(|text| keep(text, &mut last));
                    break None;
                }
            }
        }
        let over = Instant::now() >= deadline;
        if told.is_some() {
            if over {
                break told.take();
            }
            continue;
        }
        let why = if stop() {
            SandboxError::Cancelled
        } else if over {
            SandboxError::TimedOut(limit)
        } else {
            continue;
        };
        if running.child.stdin.take().is_none() {
            break Some(why);
        }
        told = Some(why);
        deadline = Instant::now() + patience;
    };
    if let Some(error) = interrupted {
        running.kill();
        for reader in readers {
            // Its pipe closes with the last process inside.
            let _ = reader.join();
        }
        return Err(error);
    }
    let status = running.wait()?;
    if let Some(why) = told {
        return Err(why);
    }
    if status.success() {
        return Ok(());
    }
    Err(SandboxError::Failed { status: status.to_string(), code: status.code(), lines: last })
}

/// Splits what a tool writes into lines, at line feeds and at the carriage returns of progress bars.
fn read_lines(
    pipe: impl Read + Send + 'static,
    lines: mpsc::Sender<String>,
) -> thread::JoinHandle<()> {
    const LONGEST: usize = 4096;
    thread::spawn(move || {
        let mut text = Vec::new();
        let send = |text: &mut Vec<u8>| {
            let empty = text.iter().all(u8::is_ascii_whitespace);
            let line = String::from_utf8_lossy(text).into_owned();
            text.clear();
            empty || lines.send(line).is_ok()
        };
        for byte in BufReader::new(pipe).bytes() {
            let Ok(byte) = byte else { break };
            let ends = matches!(byte, b'\n' | b'\r');
            if !ends {
                text.push(byte);
            }
            if (ends || text.len() >= LONGEST) && !send(&mut text) {
                return;
            }
        }
        if !text.is_empty() {
            send(&mut text);
        }
    })
}
