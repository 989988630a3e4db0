//! The sockets of `bootwright serve`: bound as whoever started it, since low ports belong to root, and used once
//! the program is an ordinary user.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
};

use netboot::ProxyInterface;
use thiserror::Error;

use crate::{
    config::ServeArgs,
    port_holder::{Protocol, port_holder},
};

/// A socket cannot be bound.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Its port is taken.
    #[error(
        "the {what} cannot listen on {address}: the port is taken{by}; name another with {flag}{skip}"
    )]
    Taken {
        /// What would listen.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// By whom, where the system tells.
        by: String,
        /// The option that names it.
        flag: &'static str,
        /// How to go on without it, where that can be done.
        skip: &'static str,
    },
    /// Another cause.
    #[error("the {what} cannot listen on {address}: {source}; name another address with {flag}")]
    Unusable {
        /// What would listen.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The option that names it.
        flag: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// proxyDHCP on an interface.
    #[error(
        "proxyDHCP cannot listen on interface {interface}: {source}; name others with --proxy-dhcp, and start as root"
    )]
    Interface {
        /// The interface.
        interface: String,
        /// Why not.
        source: io::Error,
    },
}

/// Every socket of the server.
#[derive(Debug)]
pub struct Sockets {
    pub(crate) dashboard: TcpListener,
    pub(crate) boot: TcpListener,
    pub(crate) tftp: Option<UdpSocket>,
    pub(crate) nfs: Option<TcpListener>,
    pub(crate) proxy_dhcp: Vec<ProxyInterface>,
    /// What is gone on without, for the log, which is not there yet.
    pub(crate) skipped: Vec<String>,
}

impl Sockets {
    /// Binds what the options name.
    ///
    /// # Errors
    /// [`SocketError`], unless it is of something that the options say to go on without.
    pub fn bind(options: &ServeArgs) -> Result<Self, SocketError> {
        let dashboard = tcp(options.listen, "dashboard", "--listen", "")?;
        let boot = tcp(options.boot_listen, "boot listener", "--boot-listen", "")?;
        let mut skipped = Vec::new();
        let mut skippable = |error: SocketError| {
            if options.skip_taken_ports && error.is_taken() {
                skipped.push(error.to_string());
                Ok(())
            } else {
                Err(error)
            }
        };
        let tftp = match options.tftp_listen.map(udp).transpose() {
            Ok(tftp) => tftp,
            Err(error) => skippable(error).map(|()| None)?,
        };
        let nfs =
            options.nfs_listen.0.map(|address| tcp(address, "NFS server", "--nfs-listen", SKIP));
        let nfs = match nfs.transpose() {
            Ok(nfs) => nfs,
            Err(error) => skippable(error).map(|()| None)?,
        };
        let mut proxy_dhcp = Vec::new();
        for interface in &options.proxy_dhcp {
            let failed = |source| SocketError::Interface { interface: interface.clone(), source };
            match ProxyInterface::bind(interface).map_err(failed) {
                Ok(bound) => proxy_dhcp.push(bound),
                Err(error) => skippable(error)?,
            }
        }
        Ok(Self { dashboard, boot, tftp, nfs, proxy_dhcp, skipped })
    }
}

impl SocketError {
    fn is_taken(&self) -> bool {
        match self {
            Self::Taken { .. } => true,
            Self::Interface { source, .. } => source.kind() == io::ErrorKind::AddrInUse,
            Self::Unusable { .. } => false,
        }
    }
}

const SKIP: &str = ", or go on without it by --skip-taken-ports";

fn tcp(
    address: SocketAddr,
    what: &'static str,
    flag: &'static str,
    skip: &'static str,
) -> Result<TcpListener, SocketError> {
    let bound = TcpListener::bind(address).and_then(|it| it.set_nonblocking(true).map(|()| it));
    bound.map_err(|source| explained(source, Protocol::Tcp, address, what, flag, skip))
}

fn udp(address: SocketAddr) -> Result<UdpSocket, SocketError> {
    let bound = UdpSocket::bind(address).and_then(|it| it.set_nonblocking(true).map(|()| it));
    bound.map_err(|source| {
        explained(source, Protocol::Udp, address, "TFTP server", "--tftp-listen", SKIP)
    })
}

fn explained(
    source: io::Error,
    protocol: Protocol,
    address: SocketAddr,
    what: &'static str,
    flag: &'static str,
    skip: &'static str,
) -> SocketError {
    if source.kind() != io::ErrorKind::AddrInUse {
        return SocketError::Unusable { what, address, flag, source };
    }
    let by =
        port_holder(protocol, address.port()).map_or_else(String::new, |it| format!(" by {it}"));
    SocketError::Taken { what, address, by, flag, skip }
}
