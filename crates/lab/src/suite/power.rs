//! The machine's power switch, as RteCtrl serves it to robots: the part of its REST interface that
//! presses buttons.
//!
//! Pins are known by their number. Button pins are pulled low by 1: the state is 1 while the button is
//! held. A request that names a time lets go after so many seconds by itself. As with RteCtrl, replies
//! are JSON that says it is plain text, and a pin whose direction is `in` ignores what is written.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// What the pins are called; a pin's place is its number.
const PINS: [&str; 20] = [
    "relay", "oc3", "oc2", "oc1", "oc6", "oc5", "oc4", "apu_wdt", "apu_rst", "apu_pwr", "modesw",
    "clr_cmos", "wp", "ext0", "ext1", "ext2", "ext3", "led1", "led2", "led3",
];
/// The supply: 1 while the machine has one.
const RELAY: usize = 0;
/// The reset button.
const RESET: usize = 8;
/// The power button.
const BUTTON: usize = 9;
/// The power LED, by the convention of robots.
const LED: usize = 13;

/// From how long on a press of the power button switches off.
const LONG_PRESS: Duration = Duration::from_secs(4);
/// The longest time that a request may name, in seconds.
const LONGEST: u64 = 60;
/// How many buttons may be held at once until their time is over.
const MOST_HELD: usize = 32;
/// The longest request, in bytes.
const LONGEST_REQUEST: usize = 16 * 1024;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(30);

/// The switch of one machine; cheap to clone.
#[derive(Clone)]
pub(crate) struct PowerSwitch {
    machine: Arc<Machine>,
    pins: Arc<Mutex<[Pin; PINS.len()]>>,
    /// How many times are not over yet.
    held: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy)]
struct Pin {
    state: u8,
    input: bool,
    /// Since when it has its state.
    since: Instant,
}

/// A pin as clients see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: usize,
    state: u8,
    description: &'static str,
    direction: &'static str,
}

/// What a client wants of a pin.
#[derive(Debug, Deserialize)]
struct Wanted {
    state: u8,
    direction: Option<Direction>,
    #[serde(default)]
    time: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    In,
    Out,
}

/// A refusal: status and sentence.
type Refused = (u16, &'static str);

const NO_ID: Refused = (404, "id not found");
const NO_PIN: Refused = (404, "can't read GPIO states");
const BAD: Refused = (403, "bad parameters");
const TOO_MANY: Refused = (429, "too many requests");

impl PowerSwitch {
    pub(crate) fn of(machine: Arc<Machine>) -> Self {
        let mut pins = [Pin { state: 0, input: false, since: Instant::now() }; PINS.len()];
        pins[RELAY].state = 1;
        pins[LED].input = true;
        Self { machine, pins: Arc::new(Mutex::new(pins)), held: Arc::default() }
    }

    /// Answers the one request of a client.
    pub(crate) fn serve(&self, mut client: UnixStream) {
        // Whoever has gone hears no answer.
        let _ = client.set_read_timeout(Some(PATIENCE));
        if let Ok(request) = read_request(&mut client) {
            let (status, body) = match self.answer(&request) {
                Ok(body) => (200, body),
                Err((status, error)) => (status, serde_json::json!({ "error": error })),
            };
            let body = format!("{body}\n");
            let _ = write!(
                client,
                "HTTP/1.1 {status} {}\r\nContent-Type: text/plain; charset=utf-8\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                if status == 200 { "OK" } else { "Refused" },
                body.len(),
            );
        }
    }

    fn answer(&self, request: &Request) -> Result<serde_json::Value, Refused> {
        let rest = request.path.strip_prefix("/api/v1/gpio").ok_or((404, "page not found"))?;
        let id = match rest.strip_prefix('/') {
            None if rest.is_empty() => None,
            Some(id) => Some(id.parse::<usize>().map_err(|_| NO_ID)?),
            None => return Err((404, "page not found")),
        };
        match (request.method.as_str(), id) {
            ("GET", None) => {
                let pins: Vec<_> = (0..PINS.len()).map(|id| self.shown(id)).collect();
                Ok(serde_json::json!(pins))
            }
            ("GET", Some(id)) if id < PINS.len() => Ok(serde_json::json!(self.shown(id))),
            ("PATCH", Some(id)) if id < PINS.len() => {
                let wanted: Wanted = serde_json::from_slice(&request.body).map_err(|_| BAD)?;
                if wanted.state > 1 || wanted.time > LONGEST {
                    return Err(BAD);
                }
                self.change(id, &wanted)?;
                Ok(serde_json::json!(self.shown(id)))
            }
            ("GET" | "PATCH", Some(_)) => Err(NO_PIN),
            _ => Err((405, "method not allowed")),
        }
    }

    fn change(&self, id: usize, wanted: &Wanted) -> Result<(), Refused> {
        if let Some(direction) = wanted.direction {
            self.pins()[id].input = direction == Direction::In;
        }
        if self.pins()[id].input {
            return Ok(());
        }
        if wanted.time > 0 && self.held.fetch_add(1, Ordering::AcqRel) >= MOST_HELD {
            self.held.fetch_sub(1, Ordering::AcqRel);
            return Err(TOO_MANY);
        }
        self.set(id, wanted.state);
        if wanted.time > 0 {
            let (switch, state) = (self.clone(), 1 - wanted.state);
            let time = Duration::from_secs(wanted.time);
            thread::spawn(move || {
                thread::sleep(time);
                switch.set(id, state);
                switch.held.fetch_sub(1, Ordering::AcqRel);
            });
        }
        Ok(())
    }

    /// Gives a pin a state, and does what that means for the machine.
    fn set(&self, id: usize, state: u8) {
        let (before, supplied) = {
            let mut pins = self.pins();
            let before = pins[id];
            if before.state == state {
                return;
            }
            pins[id] = Pin { state, since: Instant::now(), ..before };
            (before, pins[RELAY].state == 1)
        };
        let released = state == 0;
        match id {
            // Boards of labs start when they get their supply back.
            RELAY if state == 1 => self.machine.switch_on(),
            RELAY => self.machine.switch_off(),
            RESET if released => self.machine.reset(),
            BUTTON if released && before.since.elapsed() >= LONG_PRESS => self.machine.switch_off(),
            BUTTON if released && supplied => self.machine.switch_on(),
            _ => {}
        }
    }

    fn shown(&self, id: usize) -> Shown {
        let pin = self.pins()[id];
        let state = if id == LED { u8::from(self.machine.is_on()) } else { pin.state };
        let direction = if pin.input { "in" } else { "out" };
        Shown { id, state, description: PINS[id], direction }
    }

    fn pins(&self) -> MutexGuard<'_, [Pin; PINS.len()]> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request (RFC 9112), as far as it matters here.
struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

fn read_request(client: &mut UnixStream) -> io::Result<Request> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(request) = parse(&read)? {
            return Ok(request);
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read.extend_from_slice(&buffer[..more]),
        }
        if read.len() > LONGEST_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// The request that was read so far; none where it is not all there.
fn parse(read: &[u8]) -> io::Result<Option<Request>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(read).map_err(invalid)? else {
        return Ok(None);
    };
    let length = parsed
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let body = &read[head..];
    if body.len() < length {
        return Ok(None);
    }
    Ok(Some(Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        body: body[..length].to_vec(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_however_it_comes() {
        let all =
            b"PATCH /api/v1/gpio/9 HTTP/1.1\r\nHost: x\r\ncontent-length: 11\r\n\r\n{\"state\":1}";
        for end in 0..all.len() {
            assert!(parse(&all[..end]).unwrap().is_none(), "{end}");
        }
        let request = parse(all).unwrap().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("PATCH", "/api/v1/gpio/9"));
        assert_eq!(request.body, b"{\"state\":1}");
        assert!(parse(b"\x01\r\n\r\n").is_err());
    }
}
