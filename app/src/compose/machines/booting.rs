//! How machines come to boot from here.

use std::net::{IpAddr, Ipv4Addr};

use leptos::prelude::use_context;

use crate::{
    api::machines::booting::{BootServices, BootingPage, Snippets},
    compose::Asked,
    error::AppError,
    viewer::Origin,
};

pub(crate) fn page(asked: &Asked, typed: String) -> Result<BootingPage, AppError> {
    let services = &asked.services;
    let own: Vec<Ipv4Addr> = services
        .boot_addresses()
        .into_iter()
        .filter_map(|it| match it {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .collect();
    let reached = use_context::<Origin>().and_then(|it| host_of(&it.0)?.parse().ok());
    let chosen =
        if typed.is_empty() { Ok(fitting(reached, &own)) } else { checked(&typed).map(Some) };
    let (address, wrong) = match chosen {
        Ok(address) => (address, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let snippets = address.map(|address| {
        let reached = services.boot_snippets(address);
        Snippets {
            dnsmasq: reached.dnsmasq(),
            isc_dhcp: reached.isc_dhcp(),
            kea: reached.kea(),
            embedded_script: reached.embedded_script(),
            chain: format!("chain http://{address}:{}/menu.ipxe", reached.boot_port),
        }
    });
    let services = use_context::<BootServices>().unwrap_or_default();
    Ok(BootingPage { typed, wrong, address, own, snippets, services })
}

/// The host in `http://host:port`.
fn host_of(origin: &str) -> Option<&str> {
    let authority = origin.split_once("://")?.1;
    Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host))
}

/// The address by which the reader came, where machines can use it too; else this host's first one.
fn fitting(reached: Option<Ipv4Addr>, own: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    let usable = reached.filter(|it| !it.is_loopback() && own.contains(it));
    usable.or_else(|| own.first().copied())
}

/// An address at which machines can be told to look.
fn checked(typed: &str) -> Result<Ipv4Addr, String> {
    let address = typed.trim().parse::<Ipv4Addr>().ok();
    let reachable =
        |it: &Ipv4Addr| !it.is_unspecified() && !it.is_multicast() && !it.is_broadcast();
    address.filter(reachable).ok_or_else(|| {
        "This is no IPv4 address of a host. DHCP names boot servers by such addresses: write one as 10.0.0.5.".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_machines_reach() {
        let (lan, lab) = (Ipv4Addr::new(192, 168, 1, 2), Ipv4Addr::new(10, 0, 0, 5));
        assert_eq!(fitting(Some(lab), &[lan, lab]), Some(lab));
        assert_eq!(fitting(Some(Ipv4Addr::LOCALHOST), &[lan, lab]), Some(lan));
        assert_eq!(fitting(Some(Ipv4Addr::new(203, 0, 113, 9)), &[lan]), Some(lan));
        assert_eq!(fitting(None, &[]), None);
        assert_eq!(host_of("http://10.0.0.5:3000"), Some("10.0.0.5"));
        assert_eq!(host_of("https://10.0.0.5"), Some("10.0.0.5"));
        assert_eq!(checked(" 10.0.0.5 "), Ok(lab));
        for typed in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "host", "1.2.3"] {
            assert!(checked(typed).is_err(), "{typed}");
        }
    }
}
