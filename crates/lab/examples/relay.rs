//! The commands `relay` and `within` as a program of their own, for tests of crates below the server.

use std::{env, ffi::OsString, io, path::Path, process::ExitCode};

fn main() -> io::Result<ExitCode> {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    match words.split_first() {
        Some((command, rest)) if command == "within" => within(rest),
        Some((command, [socket])) if command == "relay" => {
            lab::relay(Path::new(socket)).map(|()| ExitCode::SUCCESS)
        }
        _ => {
            Err(io::Error::other("usage: relay SOCKET, within [--port PORT=SOCKET]... -- COMMAND"))
        }
    }
}

fn within(words: &[OsString]) -> io::Result<ExitCode> {
    let end = words.iter().position(|it| it == "--").unwrap_or(words.len());
    let ports = words[..end].iter().filter(|it| *it != "--port");
    let ports: Result<Vec<lab::OpenPort>, _> =
        ports.map(|it| it.to_string_lossy().parse().map_err(io::Error::other)).collect();
    Ok(lab::within(&ports?, words.get(end + 1..).unwrap_or_default()).into())
}
