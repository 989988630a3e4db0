//! The relay as a program of its own, for tests of crates below the server.

fn main() -> std::io::Result<()> {
    let socket = std::env::args_os().nth(1).unwrap_or_default();
    // As the server's command: `relay <socket>`.
    let socket =
        if socket == "relay" { std::env::args_os().nth(2).unwrap_or_default() } else { socket };
    lab::relay(std::path::Path::new(&socket))
}
