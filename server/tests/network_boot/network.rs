//! A network as a site has one: a DHCP server, our server, and machines that are switched on.

use std::{fs, net::Ipv4Addr, path::PathBuf};

use netboot::Reached;

use crate::{
    installation::{Installation, PROGRAM},
    namespace::{ADDRESS, BRIDGE, Namespace},
    process::Process,
};

/// The port of the boot listener.
const PORT: u16 = 8000;

/// A network; all of it ends with this value, processes first.
pub(crate) struct Network {
    pub(crate) dhcp: Option<Process>,
    pub(crate) server: Option<Process>,
    pub(crate) namespace: Namespace,
    folder: tempfile::TempDir,
}

impl Network {
    /// One whose server serves what `installation` has, once it is started.
    pub(crate) fn new(installation: &Installation) -> Self {
        let (namespace, folder) = (Namespace::new(), installation.copy());
        Self { dhcp: None, server: None, namespace, folder }
    }

    /// A DHCP server that gives addresses, configured further by a snippet.
    pub(crate) fn start_dhcp(&mut self, snippet: &str) {
        self.dhcp = None;
        let file = self.path("dnsmasq.conf");
        let leases = self.path("leases");
        let own = format!(
            "port=0\ninterface={BRIDGE}\nbind-interfaces\nuser=root\nno-ping\nlog-dhcp\n\
             dhcp-range=10.77.0.10,10.77.0.99,255.255.255.0\ndhcp-authoritative\n\
             dhcp-leasefile={}\npid-file=\n",
            leases.display()
        );
        fs::write(&file, own + snippet).unwrap();
        let program = ["dnsmasq", "--no-daemon", "-C", file.to_str().unwrap()];
        let mut dhcp = self.namespace.start("dnsmasq", &program);
        dhcp.expect("DHCP, IP range");
        self.dhcp = Some(dhcp);
    }

    /// Our server, which may have been here before.
    pub(crate) fn start_server(&mut self, options: &[&str]) {
        self.server = None;
        let data = self.path("data");
        let boot = format!("0.0.0.0:{PORT}");
        let program = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--boot-listen", &boot];
        let data = ["--data-dir", data.to_str().unwrap()];
        let program = [&program[..], &data, options].concat();
        let mut server = self.namespace.start_as_user("bootwright", &program);
        server.expect("Boot listener:");
        self.server = Some(server);
    }

    pub(crate) fn dhcp(&mut self) -> &mut Process {
        self.dhcp.as_mut().expect("a DHCP server was started")
    }

    pub(crate) fn server(&mut self) -> &mut Process {
        self.server.as_mut().expect("a server was started")
    }

    /// A file or folder of this network.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Where the machines of a network reach our server.
pub(crate) fn reached() -> Reached {
    Reached { address: ADDRESS.parse::<Ipv4Addr>().unwrap(), boot_port: PORT }
}
