//! How machines come to boot from here: what a site tells its DHCP server, and which services are on.

use std::net::{Ipv4Addr, SocketAddr};

use crate::error::AppError;

/// The services besides the boot listener that machines may begin with, as this server runs; it gives them
/// to every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootServices {
    /// Where TFTP listens.
    pub tftp: Option<SocketAddr>,
    /// The interfaces on which proxyDHCP answers.
    pub proxy_dhcp: Vec<String>,
    /// Where NFS listens.
    pub nfs: Option<SocketAddr>,
    /// Names of iPXE's binaries that are served.
    pub binaries: Vec<String>,
    /// Whether the server went on where a port was taken.
    pub skips: bool,
}

/// Parts of configurations, filled in for one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippets {
    /// For dnsmasq.
    pub dnsmasq: String,
    /// For ISC DHCP.
    pub isc_dhcp: String,
    /// For Kea.
    pub kea: String,
    /// To build into an iPXE.
    pub embedded_script: String,
    /// What is typed at an iPXE prompt.
    pub chain: String,
}

/// `/machines/booting`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootingPage {
    /// What was typed as the address.
    pub typed: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
    /// The address that is shown; `None` where this host has none.
    pub address: Option<Ipv4Addr>,
    /// The addresses at which the boot listener may be reached.
    pub own: Vec<Ipv4Addr>,
    /// What is filled in with the address.
    pub snippets: Option<Snippets>,
    /// Which services are on.
    pub services: BootServices,
}

/// How machines boot from here, by the address that was typed or one that fits.
pub(crate) async fn load_booting(typed: String) -> Result<BootingPage, AppError> {
    crate::compose::machines::booting::page(&crate::api::asked()?, typed)
}
