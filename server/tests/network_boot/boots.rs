//! The ways a machine boots, each on a network of its own.

use std::fs;

use netboot::{BIOS_BINARY, Base, UEFI_BINARY, chain_script};

use crate::{
    installation::Installation,
    machine::{Firmware, Machine},
    namespace::{ADDRESS, BRIDGE},
    network::{Network, reached},
};

/// A boot, which gives how long it took.
type Boot = fn(&Installation) -> String;

/// What has firmware fetch iPXE over TFTP.
const TFTP: [&str; 2] = ["--tftp-listen", "0.0.0.0:69"];

/// All of them, the longest first.
pub(crate) const ALL: [(&str, Boot); 8] = [
    ("UEFI by PXE, to the login prompt", uefi_by_pxe),
    ("a server that comes late and is killed", a_server_that_comes_late_and_is_killed),
    ("BIOS by DHCP alone, to the login prompt", bios_by_dhcp_alone),
    ("BIOS by proxyDHCP, to the login prompt", bios_by_proxy_dhcp),
    ("UEFI by proxyDHCP", uefi_by_proxy_dhcp),
    ("UEFI over HTTP", uefi_over_http),
    ("UEFI over HTTP by proxyDHCP", uefi_over_http_by_proxy_dhcp),
    ("BIOS by undionly.kpxe", bios_by_undionly),
];

/// A network whose DHCP server says what ours is to be told, and a machine that is on.
fn by_snippet(installation: &Installation, firmware: Firmware) -> (Network, Machine) {
    let mut network = Network::new(installation);
    network.start_dhcp(&reached().dnsmasq());
    network.start_server(&TFTP);
    let machine = Machine::start(&mut network, firmware);
    (network, machine)
}

fn bios_by_dhcp_alone(installation: &Installation) -> String {
    let (network, mut machine) = by_snippet(installation, Firmware::Bios);
    machine.reaches_menu();
    machine.reaches_login();
    let server = network.server.as_ref().unwrap().text();
    assert!(!server.contains("sent over TFTP"), "its card is iPXE and needs none: {server}");
    machine.times()
}

fn uefi_by_pxe(installation: &Installation) -> String {
    let (mut network, mut machine) = by_snippet(installation, Firmware::Uefi);
    network.server().expect(&sent(UEFI_BINARY));
    machine.reaches_menu();
    machine.reaches_login();
    machine.times()
}

fn uefi_over_http(installation: &Installation) -> String {
    let (mut network, mut machine) = by_snippet(installation, Firmware::UefiHttp);
    machine.reaches_menu();
    let server = network.server().text();
    assert!(!server.contains("sent over TFTP"), "it came over HTTP: {server}");
    machine.times()
}

fn bios_by_undionly(installation: &Installation) -> String {
    let mut network = Network::new(installation);
    // The card's ROM is iPXE; told as firmware is that knows of no URLs, it loads what such firmware does.
    network.start_dhcp(&format!("dhcp-boot={BIOS_BINARY},,{ADDRESS}\n"));
    network.start_server(&TFTP);
    let mut machine = Machine::start(&mut network, Firmware::Bios);
    network.server().expect(&sent(BIOS_BINARY));
    network.start_dhcp(&reached().dnsmasq());
    machine.console.expect("using undionly");
    machine.reaches_menu();
    machine.times()
}

/// A network whose DHCP server knows nothing of us.
fn by_proxy_dhcp(installation: &Installation, firmware: Firmware) -> (Network, Machine) {
    let mut network = Network::new(installation);
    network.start_dhcp("");
    network.start_server(&[&TFTP[..], &["--proxy-dhcp", BRIDGE]].concat());
    let machine = Machine::start(&mut network, firmware);
    (network, machine)
}

fn bios_by_proxy_dhcp(installation: &Installation) -> String {
    let (mut network, mut machine) = by_proxy_dhcp(installation, Firmware::Bios);
    machine.reaches_menu();
    network.server().expect(TOLD);
    let told = network.server().text().matches(TOLD).count();
    machine.reaches_login();
    // Its kernel asks as any client does, and hears of addresses alone.
    let told_later = network.server().text().matches(TOLD).count();
    assert_eq!(told, told_later);
    machine.times()
}

fn uefi_by_proxy_dhcp(installation: &Installation) -> String {
    let (mut network, mut machine) = by_proxy_dhcp(installation, Firmware::Uefi);
    network.server().expect(TOLD);
    network.server().expect(&sent(UEFI_BINARY));
    machine.reaches_menu();
    machine.times()
}

fn uefi_over_http_by_proxy_dhcp(installation: &Installation) -> String {
    let (mut network, mut machine) = by_proxy_dhcp(installation, Firmware::UefiHttp);
    network.server().expect(TOLD);
    machine.reaches_menu();
    machine.times()
}

fn a_server_that_comes_late_and_is_killed(installation: &Installation) -> String {
    let mut network = Network::new(installation);
    let base = Base::from_host(&format!("{ADDRESS}:8000")).unwrap();
    fs::write(network.path("first.ipxe"), chain_script(&base)).unwrap();
    let folder = network.path("");
    network.start_dhcp(&format!(
        "enable-tftp\ntftp-root={}\ndhcp-boot=first.ipxe\n",
        folder.display()
    ));
    let mut machine = Machine::start(&mut network, Firmware::Bios);
    machine.console.expect(", again in 1 s");
    machine.console.expect(", again in 4 s");
    network.start_server(&[]);
    machine.reaches_menu();
    network.server().kill();
    machine.console.expect("could not be loaded");
    machine.console.expect("Trying again in 4000 ms");
    network.start_server(&[]);
    machine.reaches_login();
    machine.times()
}

/// What our server logs when it has answered by proxyDHCP.
const TOLD: &str = "told firmware where to boot from";

/// What our server logs when a file went out over TFTP as a whole.
fn sent(file: &str) -> String {
    format!("file=\"{file}\" bytes=")
}
