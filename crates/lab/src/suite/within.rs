//! What runs a suite's command within its sandbox: opens the ports that lead out of it, and tells the
//! command when it is to end.

use std::{
    error::Error,
    ffi::OsString,
    fmt,
    io::{self, Read as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::{
        net::UnixStream,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    str::FromStr,
    thread,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::relay::copy;

/// What we answer where we ourselves fail, as programs do that run others.
pub(super) const FAILED: u8 = 125;
/// What shells answer where there is no such command.
const NOT_FOUND: u8 = 127;
/// What they answer where it cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// A port of the loopback that leads to a Unix socket, written `<port>=<socket>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPort {
    /// The port.
    pub port: u16,
    /// The socket.
    pub socket: PathBuf,
}

/// The text names no port and socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoOpenPort;

impl fmt::Display for NoOpenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write <port>=<socket>")
    }
}

impl Error for NoOpenPort {}

impl FromStr for OpenPort {
    type Err = NoOpenPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (port, socket) = text.split_once('=').ok_or(NoOpenPort)?;
        let port = port.parse().map_err(|_| NoOpenPort)?;
        Ok(Self { port, socket: PathBuf::from(socket) })
    }
}

impl fmt::Display for OpenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.port, self.socket.display())
    }
}

/// Runs a command while the ports are open, and gives its exit code as shells do. When our standard
/// input ends, the command and what it started get SIGTERM: it may still write down what it found.
#[must_use]
pub fn within(ports: &[OpenPort], command: &[OsString]) -> u8 {
    run(ports, command).unwrap_or_else(|error| {
        eprintln!("bootwright: the suite's ports: {error}");
        FAILED
    })
}

fn run(ports: &[OpenPort], command: &[OsString]) -> io::Result<u8> {
    for open in ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, open.port))?;
        let socket = open.socket.clone();
        thread::spawn(move || pass_on(&listener, &socket));
    }
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no command"));
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        // A group of its own: so it is told to end with everything that it started.
        .process_group(0)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{}: {error}", program.to_string_lossy());
            let missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(if missing { NOT_FOUND } else { NOT_RUNNABLE });
        }
    };
    let group = i32::try_from(child.id()).map(Pid::from_raw);
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        if let Ok(group) = group {
            // An error means that it has ended just now.
            let _ = killpg(group, Signal::SIGTERM);
        }
    });
    Ok(code(child.wait()?))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn pass_on(listener: &TcpListener, socket: &Path) {
    for caller in listener.incoming() {
        let (Ok(caller), Ok(way)) = (caller, UnixStream::connect(socket)) else { continue };
        thread::spawn(move || connect(&caller, &way));
    }
}

/// Copies both ways until both sides have ended.
fn connect(caller: &TcpStream, way: &UnixStream) {
    // What is typed must not wait for more.
    let _ = caller.set_nodelay(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = copy(&mut &*caller, &mut &*way);
            let _ = way.shutdown(Shutdown::Write);
        });
        let _ = copy(&mut &*way, &mut &*caller);
        let _ = caller.shutdown(Shutdown::Write);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_as_it_is_written() {
        let port = OpenPort { port: 13541, socket: PathBuf::from("/in/console=1") };
        assert_eq!(port.to_string().parse(), Ok(port));
        for wrong in ["", "13541", "x=/in/console", "99999=/in/console"] {
            assert_eq!(wrong.parse::<OpenPort>(), Err(NoOpenPort));
        }
    }
}
