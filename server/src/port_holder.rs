//! Who has a port: what the kernel tells of sockets in `/proc/net` (proc(5)), so that "address in use" can be
//! acted on.

use std::{fs, path::Path};

use nix::unistd::{Uid, User};

/// The tables of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Sockets that listen.
    Tcp,
    /// Sockets that are bound.
    Udp,
}

impl Protocol {
    const fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
            Self::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        }
    }

    /// The state of a socket that takes what comes, as `include/net/tcp_states.h` of Linux numbers them.
    const fn open(self) -> &'static str {
        match self {
            Self::Tcp => "0A",
            Self::Udp => "07",
        }
    }
}

/// The process that has a port, such as `dnsmasq (process 812)`; its user where we may not see more, and
/// `None` where the kernel names nobody: it may be the kernel itself, or another network namespace.
pub(crate) fn port_holder(protocol: Protocol, port: u16) -> Option<String> {
    let tables = protocol.tables().map(|path| fs::read_to_string(path).unwrap_or_default());
    let (uid, inode) = tables.iter().find_map(|table| socket(table, protocol.open(), port))?;
    process(&format!("socket:[{inode}]")).or_else(|| {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.map_or_else(|| format!("number {uid}"), |it| format!("\"{}\"", it.name));
        Some(format!("a process of user {name}"))
    })
}

/// User and inode of the socket that has a port in a table.
fn socket(table: &str, open: &str, port: u16) -> Option<(u32, u64)> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, hexadecimal) = fields.get(1)?.rsplit_once(':')?;
        let same = u16::from_str_radix(hexadecimal, 16) == Ok(port) && *fields.get(3)? == open;
        let found = || Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?));
        same.then(found).flatten()
    })
}

/// The process that has a socket open, among those that we may look into.
fn process(socket: &str) -> Option<String> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut open = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        open.any(|it| fs::read_link(it.path()).is_ok_and(|to| to == Path::new(socket)))
            .then(|| fs::read_to_string(entry.path().join("comm")).ok())
            .flatten()
            .map(|name| format!("{} (process {id})", name.trim()))
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn whoever_has_a_port_is_named() {
        let (tcp, udp) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
        let own = format!("(process {})", std::process::id());
        let holder = port_holder(Protocol::Tcp, tcp.local_addr().unwrap().port()).unwrap();
        assert!(holder.ends_with(&own), "{holder}");
        let port = udp.local_addr().unwrap().port();
        let holder = port_holder(Protocol::Udp, port).unwrap();
        assert!(holder.ends_with(&own), "{holder}");
        drop(udp);
        assert_eq!(port_holder(Protocol::Udp, port), None);
    }

    #[test]
    fn tables_of_any_content_are_read() {
        let line = "  0: 00000000:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000 104 0 987 2";
        assert_eq!(socket(&format!("head\n{line}\n"), "07", 69), Some((104, 987)));
        for other in ["", "head", "head\n", "head\n0:", "head\n0: zz:0045 a 07 b c d x y z"] {
            assert_eq!(socket(other, "07", 69), None);
        }
    }
}
