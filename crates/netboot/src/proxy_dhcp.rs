//! proxyDHCP: tells firmware where to fetch iPXE from, beside a DHCP server that gives addresses and knows
//! nothing of us.
//!
//! It is off unless interfaces are named, listens on those alone, gives no address, and answers only what asks for
//! a network boot itself: PXE (the PXE specification 2.1, RFC 4578) and the HTTP boot of UEFI. Ordinary
//! clients, and what a relay brings from another network, hear nothing. Some UEFI firmware asks again on port
//! 4011, where the PXE specification puts boot servers.

mod packet;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::{net::UdpSocket, pin, select};

use self::packet::{Answer, Asked, Firmware, Kind};
use crate::first_stage::{BIOS_BINARY, UEFI_BINARY, binary_url, boot_script_url};

/// The port of DHCP servers.
const SERVERS: u16 = 67;
/// The port of DHCP clients.
const CLIENTS: u16 = 68;
/// The port of PXE's boot servers.
const BOOT_SERVERS: u16 = 4011;

/// The sockets of one interface.
#[derive(Debug)]
pub struct ProxyInterface {
    name: String,
    offers: std::net::UdpSocket,
    requests: std::net::UdpSocket,
}

impl ProxyInterface {
    /// Binds both ports on an interface, beside a DHCP server that may be there; takes root.
    ///
    /// # Errors
    /// Where there is no such interface, the ports are taken, or the process may not.
    pub fn bind(name: &str) -> io::Result<Self> {
        let socket = |port| -> io::Result<std::net::UdpSocket> {
            use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, socket};
            use std::os::fd::AsRawFd as _;
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let socket = socket(AddressFamily::Inet, SockType::Datagram, flags, None)?;
            setsockopt(&socket, sockopt::ReuseAddr, &true)?;
            setsockopt(&socket, sockopt::Broadcast, &true)?;
            setsockopt(&socket, sockopt::BindToDevice, &name.into())?;
            bind(socket.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, port))?;
            Ok(socket.into())
        };
        Ok(Self {
            name: name.to_owned(),
            offers: socket(SERVERS)?,
            requests: socket(BOOT_SERVERS)?,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own address of IPv4, which may change while the server runs.
    fn address(&self) -> Option<Ipv4Addr> {
        let all = if_addrs::get_if_addrs().ok()?;
        all.into_iter().filter(|it| it.name == self.name).find_map(|it| match it.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }
}

/// Answers on an interface until `stop` ends; machines are led to the boot listener at `boot_port`.
///
/// # Errors
/// Where the sockets cannot be used.
pub async fn serve_proxy_dhcp(
    interface: ProxyInterface,
    boot_port: u16,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let offers = UdpSocket::from_std(interface.offers.try_clone()?)?;
    let requests = UdpSocket::from_std(interface.requests.try_clone()?)?;
    let (mut first, mut second) = ([0; packet::LONGEST], [0; packet::LONGEST]);
    pin!(stop);
    loop {
        let (bytes, from, expected, socket) = select! {
            it = offers.recv_from(&mut first) => {
                let (length, from) = it?;
                (first.get(..length), from, Kind::Discover, &offers)
            }
            it = requests.recv_from(&mut second) => {
                let (length, from) = it?;
                (second.get(..length), from, Kind::Request, &requests)
            }
            () = &mut stop => return Ok(()),
        };
        let asked = bytes.and_then(Asked::parse).filter(|asked| asked.kind == expected);
        let (Some(asked), Some(own)) = (asked, interface.address()) else { continue };
        let Some(answer) = answer(&asked, own, boot_port) else { continue };
        let to = match expected {
            Kind::Discover => SocketAddr::from((Ipv4Addr::BROADCAST, CLIENTS)),
            Kind::Request => from,
        };
        let (mac, file) = (asked.hardware(), &answer.file);
        match socket.send_to(&answer.bytes(), to).await {
            Ok(_) => {
                tracing::info!(%mac, file, interface = interface.name, "told firmware where to boot from");
            }
            Err(error) => {
                tracing::warn!(%mac, %error, interface = interface.name, "cannot answer by proxyDHCP");
            }
        }
    }
}

/// What a machine is to fetch; `None` where we have nothing for its firmware.
fn answer<'a>(asked: &'a Asked<'_>, own: Ipv4Addr, boot_port: u16) -> Option<Answer<'a>> {
    let file = match asked.firmware()? {
        Firmware::Ipxe => boot_script_url(own.into(), boot_port),
        Firmware::Bios => BIOS_BINARY.to_owned(),
        Firmware::Uefi => UEFI_BINARY.to_owned(),
        Firmware::UefiHttp => binary_url(own.into(), boot_port),
    };
    Some(Answer { asked, own, file })
}

#[cfg(test)]
mod tests;
