//! What a site writes into its own DHCP server, or builds into its own iPXE, so that its machines find us.
//!
//! Each text is a part of a configuration, whole in itself: it says what machines that boot over the network
//! are told, and nothing about addresses. It does what proxyDHCP does where that is switched on.

use std::net::Ipv4Addr;

/// Where machines reach us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The address of the boot listener and of TFTP: DHCP of IPv4 names boot servers by addresses.
    pub address: Ipv4Addr,
    /// The port of the boot listener; TFTP is at its own, since DHCP has no room for another.
    pub boot_port: u16,
}

impl Reached {
    /// For dnsmasq: a file of `/etc/dnsmasq.d` (dnsmasq(8), `--dhcp-match`, `--dhcp-boot`).
    #[must_use]
    pub fn dnsmasq(&self) -> String {
        self.filled(include_str!("snippets/dnsmasq.conf"))
    }

    /// For ISC DHCP: a part of `dhcpd.conf` (dhcp-eval(5), dhcp-options(5)).
    #[must_use]
    pub fn isc_dhcp(&self) -> String {
        self.filled(include_str!("snippets/dhcpd.conf"))
    }

    /// For Kea: the classes of `kea-dhcp4.conf` (Kea Administrator Reference Manual, "Client
    /// Classification").
    #[must_use]
    pub fn kea(&self) -> String {
        self.filled(include_str!("snippets/kea-dhcp4.json"))
    }

    /// For an iPXE of the site's own: the script to build into it, <https://ipxe.org/embed>.
    #[must_use]
    pub fn embedded_script(&self) -> String {
        self.filled(include_str!("snippets/embedded.ipxe"))
    }

    fn filled(&self, snippet: &str) -> String {
        snippet
            .replace("{address}", &self.address.to_string())
            .replace("{port}", &self.boot_port.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first_stage::{BIOS_BINARY, UEFI_BINARY};

    const REACHED: Reached = Reached { address: Ipv4Addr::new(10, 77, 0, 1), boot_port: 8000 };

    #[test]
    fn every_dhcp_server_tells_each_kind_of_firmware_what_we_serve() {
        for text in [REACHED.dnsmasq(), REACHED.isc_dhcp(), REACHED.kea()] {
            assert!(text.contains("http://10.77.0.1:8000/boot.ipxe"), "{text}");
            assert!(
                text.contains(&format!("http://10.77.0.1:8000/first-stage/{UEFI_BINARY}")),
                "{text}"
            );
            assert!(text.contains(BIOS_BINARY) && text.contains("HTTPClient"), "{text}");
            assert!(!text.contains("{address}") && !text.contains("{port}"), "{text}");
        }
        let kea: serde_json::Value = serde_json::from_str(&REACHED.kea()).unwrap();
        assert_eq!(kea["Dhcp4"]["client-classes"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn an_ipxe_of_the_sites_own_asks_until_it_is_answered() {
        let script = REACHED.embedded_script();
        assert!(script.starts_with("#!ipxe\n") && script.ends_with("goto ASK\n"), "{script}");
        assert!(script.contains("chain --autofree http://10.77.0.1:8000/boot.ipxe"), "{script}");
    }
}
