//! The ways a machine boots, each on a network of its own.

use std::fs;

use netboot::{BIOS_BINARY, Base, UEFI_BINARY, chain_script};

use crate::{
    installation::Installation,
    machine::{Firmware, Machine, mac_of},
    namespace::{ADDRESS, BRIDGE},
    network::{Network, reached},
};

/// A boot, which gives how long it took.
type Boot = fn(&Installation) -> String;

/// What has firmware fetch iPXE over TFTP.
const TFTP: [&str; 2] = ["--tftp-listen", "0.0.0.0:69"];

/// All of them, the longest first.
pub(crate) const ALL: [(&str, Boot); 10] = [
    ("two machines with roots of their own over NFS", roots_of_their_own),
    ("UEFI by PXE, to the login prompt", uefi_by_pxe),
    ("a server that comes late and is killed", a_server_that_comes_late_and_is_killed),
    ("a rootfs read over NFS, to the login prompt", rootfs_over_nfs),
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
    let mut network = Network::new(installation);
    network.start_dhcp(&reached().dnsmasq());
    network.start_server(&TFTP);
    network.asks(&["machine", "add", "nuc-0", "--mac", &mac_of(0)]);
    let mut machine = Machine::start(&mut network, Firmware::Bios);
    machine.reaches_menu();
    machine.reaches_login();
    is_traced(&network);
    let server = network.server.as_ref().unwrap().text();
    assert!(!server.contains("sent over TFTP"), "its card is iPXE and needs none: {server}");
    machine.times()
}

/// The boot of the machine is known from its script to its login, by what it loaded and what it said.
fn is_traced(network: &Network) {
    let boot = network.is_up("nuc-0");
    let steps = boot["stages"].as_array().unwrap();
    let began: Vec<_> = steps.iter().map(|it| it["started_at"].as_str()).collect();
    assert!(began.iter().all(Option::is_some) && began.is_sorted(), "{boot:#}");
    let sent = |step: usize| steps[step]["bytes"].as_u64().unwrap();
    assert!(sent(1) > 1 << 20 && sent(2) > 1 << 20 && sent(4) > 50 << 20, "{boot:#}");
    assert_eq!(
        (&boot["entry"], &boot["reason"]),
        (&"deb-netboot-6.1.y".into(), &"".into()),
        "{boot:#}"
    );
    let machine: serde_json::Value =
        serde_json::from_str(&network.asks(&["machine", "show", "nuc-0", "--json"])).unwrap();
    assert_eq!(machine["drift"], "none", "{machine:#}");
    assert_eq!(machine["running"]["name"], boot["release"], "{machine:#}");
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

/// Where an entry stands below the shell, in the menu of the installation.
const OVER_NFS: usize = 2;
const OVER_NFS_WRITABLE: usize = 3;

fn rootfs_over_nfs(installation: &Installation) -> String {
    let (mut network, mut machine) = by_snippet(installation, Firmware::Bios);
    machine.picks(OVER_NFS);
    machine.console.expect("bootwright: mounted 10.77.0.1:/release/");
    machine.reaches_login();
    machine.signs_in();
    machine.answers("findmnt -n -o FSTYPE / && echo new >/etc/new && cat /etc/new", "overlay");
    // Nobody but root reads what is root's, over the network either.
    machine.answers("! setpriv --reuid 1000 --clear-groups cat /etc/shadow", "Permission denied");
    machine.answers("setpriv --reuid 1000 --clear-groups cat /etc/debian_version", "12.");
    network.server().expect("/release/");
    machine.times()
}

fn roots_of_their_own(installation: &Installation) -> String {
    let mut network = Network::new(installation);
    network.start_dhcp(&reached().dnsmasq());
    network.start_server(&TFTP);
    let mut one = Machine::start_another(&mut network, Firmware::Bios, 1);
    one.picks(OVER_NFS_WRITABLE);
    one.console.expect("bootwright: stage init");
    // Killed while its init runs from there, the server comes back, and nobody notices.
    network.server().kill();
    network.start_server(&TFTP);
    let mut other = Machine::start_another(&mut network, Firmware::Bios, 2);
    other.picks(OVER_NFS_WRITABLE);
    one.reaches_login();
    other.reaches_login();
    one.signs_in();
    other.signs_in();
    one.answers("findmnt -rn -o FSTYPE,OPTIONS /", "nfs rw,");
    one.answers("echo one >/root/who && sync", "");
    other.answers("! ls /root/who", "No such file");
    other.answers("echo other >/root/who && cat /root/who", "other");
    one.answers("cat /root/who", "one");
    // What a client of the kernel asks of a root that it may write.
    for (command, text) in [
        ("cd /root && cp /bin/true s && chmod 4755 s && stat -c =%a= s", "=4755="),
        ("mkdir t && chmod 1777 t && stat -c =%a= t", "=1777="),
        ("ln s h && stat -c =%h= h && rm s && stat -c =%h= h", "=2="),
        ("mkfifo p && mknod n c 1 3 && echo x >n && stat -c =%t,%T= n", "=1,3="),
        ("mkdir d && cd d && seq 10000 | xargs touch && ls | wc -l && cd ..", "10000"),
        ("rm -r d && ! ls d", "No such file"),
        (
            "truncate -s 5G big && echo end >>big && tail -c 4 big && stat -c =%s= big",
            "=5368709124=",
        ),
        ("touch a && ! setpriv --reuid 1000 --clear-groups rm -f /root/t/../a", "denied"),
        ("exec 3>open && rm open && echo still >&3 && exec 3>&- && ! ls open", "No such file"),
    ] {
        one.answers(command, text);
    }
    one.times() + ";" + &other.times()
}

/// What our server logs when it has answered by proxyDHCP.
const TOLD: &str = "told firmware where to boot from";

/// What our server logs when a file went out over TFTP as a whole.
fn sent(file: &str) -> String {
    format!("file=\"{file}\" bytes=")
}
