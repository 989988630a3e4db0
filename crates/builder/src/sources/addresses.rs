//! Which addresses sources may be fetched from.
//!
//! Public ones, always. Private ones, loopback and whatever else has a special purpose (IANA's
//! registries of special-purpose addresses, RFC 6890) only where the administrator's list has them:
//! a definition must not reach what only this server can reach. Link-local never: a cloud's metadata
//! service stands there, with this machine's credentials.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::mpsc,
    thread,
    time::Duration,
};

use ipnet::IpNet;

use super::error::SourceError;

/// How long the name service may take.
const LOOKUP: Duration = Duration::from_secs(20);

/// Why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Of the link only; a metadata service stands there.
    LinkLocal,
    /// No single machine.
    NoMachine,
    /// This machine itself.
    Loopback,
    /// A network of its own, or one with a special purpose.
    Private,
}

impl Refusal {
    /// What an administrator can do.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::LinkLocal | Self::NoMachine => "",
            Self::Loopback | Self::Private => {
                "; an administrator can permit its network with --source-network"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkLocal => "link-local",
            Self::NoMachine => "no single machine's",
            Self::Loopback => "this server's own (loopback)",
            Self::Private => "of a private or special network",
        })
    }
}

/// Judges addresses by the administrator's list; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    networks: Vec<IpNet>,
}

impl Guard {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self { networks: networks.to_vec() }
    }

    /// The addresses of a host that may be connected to; the name is looked up here and nowhere else.
    ///
    /// # Errors
    /// Where it has none, or none that may be.
    pub(super) fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, SourceError> {
        let found = look_up(host, port)?;
        let mut permitted = Vec::new();
        let mut refused = None;
        for address in found {
            match self.judge(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(refusal) => refused = refused.or(Some((address.ip(), refusal))),
            }
        }
        match refused {
            Some((address, refusal)) if permitted.is_empty() => {
                Err(SourceError::Refused { host: host.to_owned(), address, refusal })
            }
            _ if permitted.is_empty() => {
                let why = "the answer is empty".to_owned();
                Err(SourceError::NoAddress { host: host.to_owned(), why })
            }
            _ => Ok(permitted),
        }
    }

    /// Whether an address may be connected to.
    pub(super) fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        let address = plain(address);
        match special(address) {
            None => Ok(()),
            Some(never @ (Refusal::LinkLocal | Refusal::NoMachine)) => Err(never),
            Some(_) if self.networks.iter().any(|network| network.contains(&address)) => Ok(()),
            Some(refusal) => Err(refusal),
        }
    }
}

/// The name service has no time limit of its own that could be set.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, SourceError> {
    let no_address = |why: String| SourceError::NoAddress { host: host.to_owned(), why };
    // In a URL an IPv6 address stands in brackets.
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let (name, (answer, answered)) = (bare.to_owned(), mpsc::channel());
    thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Where nobody waits any more, nobody needs it.
        let _ = answer.send(found.map(Iterator::collect::<Vec<_>>));
    });
    match answered.recv_timeout(LOOKUP) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(no_address(error.to_string())),
        Err(_) => Err(no_address(format!("no answer within {} s", LOOKUP.as_secs()))),
    }
}

/// The IPv4 address that an IPv6 one stands for, where packets to it end up there: mapped (RFC 4291),
/// translated (RFC 6052) and 6to4 (RFC 3056).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        // `::` and `::1` are addresses of their own.
        (0, 0, 0, 0, 0, 0) if g != 0 => v4(g, h),
        (0x2002, ..) => v4(b, c),
        _ => address,
    }
}

/// What is special about an address; `None` is one of the public Internet.
fn special(address: IpAddr) -> Option<Refusal> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v4(v4: Ipv4Addr) -> Option<Refusal> {
    let [a, b, c, _] = v4.octets();
    match (a, b, c) {
        (169, 254, _) => Some(Refusal::LinkLocal),
        // `0.0.0.0` connects to this machine; multicast, reserved and broadcast from 224 on.
        (0 | 224..=255, _, _) => Some(Refusal::NoMachine),
        (127, _, _) => Some(Refusal::Loopback),
        // RFC 1918; shared by carriers (RFC 6598); IETF protocols, documentation, 6to4 relays,
        // benchmarks.
        (10, _, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        | (100, 64..=127, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Some(Refusal::Private),
        _ => None,
    }
}

fn special_v6(v6: Ipv6Addr) -> Option<Refusal> {
    let [a, b, ..] = v6.segments();
    match (a, b) {
        (0xfe80..=0xfebf, _) => Some(Refusal::LinkLocal),
        (0xff00..=0xffff, _) => Some(Refusal::NoMachine),
        _ if v6.is_unspecified() => Some(Refusal::NoMachine),
        _ if v6.is_loopback() => Some(Refusal::Loopback),
        // IETF protocols with Teredo, documentation twice.
        (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => Some(Refusal::Private),
        (0x2000..=0x3fff, _) => None,
        // Unique-local, site-local, and everything that nobody has been given yet.
        _ => Some(Refusal::Private),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(networks: &[&str], address: &str) -> Result<(), Refusal> {
        let networks: Vec<IpNet> = networks.iter().map(|it| it.parse().unwrap()).collect();
        Guard::new(&networks).judge(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_need_no_list() {
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1", "2a00::1"]
        {
            assert_eq!(judge(&[], address), Ok(()), "{address}");
        }
    }

    #[test]
    fn private_addresses_need_the_list() {
        let inner = [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "198.18.0.1",
            "192.0.0.8",
            "fd00:ec2::254",
            "fc00::1",
            "fec0::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "4000::1",
            "64:ff9b:1::1",
        ];
        for address in inner {
            assert_eq!(judge(&[], address), Err(Refusal::Private), "{address}");
            assert_eq!(judge(&["0.0.0.0/0", "::/0"], address), Ok(()), "{address}");
        }
        assert_eq!(judge(&["10.1.0.0/16"], "10.1.2.3"), Ok(()));
        assert_eq!(judge(&["10.1.0.0/16"], "10.2.2.3"), Err(Refusal::Private));
        assert_eq!(judge(&["10.1.0.0/16"], "::ffff:10.1.2.3"), Ok(()));
    }

    #[test]
    fn loopback_needs_the_list_however_it_is_written() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
        ] {
            assert_eq!(judge(&["10.0.0.0/8"], address), Err(Refusal::Loopback), "{address}");
        }
        assert_eq!(judge(&["127.0.0.0/8"], "127.0.0.1"), Ok(()));
        assert_eq!(judge(&["::1/128"], "::1"), Ok(()));
    }

    #[test]
    fn no_list_permits_link_local_or_what_is_no_machine() {
        let everything = ["0.0.0.0/0", "::/0"];
        for address in [
            "169.254.169.254",
            "fe80::1",
            "febf::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert_eq!(judge(&everything, address), Err(Refusal::LinkLocal), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "ff02::1",
            "::ffff:0.0.0.0",
        ] {
            assert_eq!(judge(&everything, address), Err(Refusal::NoMachine), "{address}");
        }
    }

    #[test]
    fn numbers_in_other_spellings_are_judged_as_what_they_stand_for() {
        let guard = Guard::new(&[]);
        for host in ["2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]"] {
            let error = guard.addresses(host, 80).unwrap_err();
            assert!(
                matches!(error, SourceError::Refused { refusal: Refusal::Loopback, .. }),
                "{host}: {error}"
            );
        }
        let error = guard.addresses("169.254.169.254", 80).unwrap_err().to_string();
        assert!(error.contains("link-local") && !error.contains("--source-network"), "{error}");
    }
}
