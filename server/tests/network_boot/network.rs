//! A network as a site has one: a DHCP server, our server, and machines that are switched on.

use std::{
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    time::{Duration, Instant},
};

use netboot::Reached;

use crate::{
    installation::{Installation, PROGRAM},
    namespace::{ADDRESS, BRIDGE, Namespace},
    process::Process,
};

/// The port of the boot listener.
const PORT: u16 = 8000;

/// How long after its login prompt a machine may take until it has said that it is up.
const UP: Duration = Duration::from_secs(120);
/// The dashboard, in a namespace of its own.
const DASHBOARD: &str = "127.0.0.1:3000";

/// A network; all of it ends with this value, processes first.
pub(crate) struct Network {
    pub(crate) dhcp: Option<Process>,
    pub(crate) server: Option<Process>,
    pub(crate) namespace: Namespace,
    folder: tempfile::TempDir,
    token: String,
}

impl Network {
    /// One whose server serves what `installation` has, once it is started.
    pub(crate) fn new(installation: &Installation) -> Self {
        let (namespace, folder) = (Namespace::new(), installation.copy());
        let token = installation.token.clone();
        Self { dhcp: None, server: None, namespace, folder, token }
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
        let program = [PROGRAM, "serve", "--listen", DASHBOARD, "--boot-listen", &boot];
        let data = ["--data-dir", data.to_str().unwrap()];
        let program = [&program[..], &data, options].concat();
        let mut server = self.namespace.start_as_user("bootwright", &program);
        server.expect("Boot listener:");
        self.server = Some(server);
    }

    /// What our command line says that asks the server.
    pub(crate) fn asks(&self, arguments: &[&str]) -> String {
        let server = format!("http://{DASHBOARD}");
        let of = [("BOOTWRIGHT_SERVER", server.as_str()), ("BOOTWRIGHT_TOKEN", &self.token)];
        self.namespace.output(&[&[PROGRAM], arguments].concat(), &of)
    }

    /// Waits until the newest boot of a machine is up, and says all that is known of it.
    pub(crate) fn is_up(&self, machine: &str) -> serde_json::Value {
        let deadline = Instant::now() + UP;
        loop {
            let list = self.asks(&["boot", "list", "--machine", machine, "--limit", "1", "--json"]);
            let list: serde_json::Value = serde_json::from_str(&list).unwrap();
            let newest = &list[0];
            if newest["state"] == "up" {
                let show = self.asks(&["boot", "show", &newest["number"].to_string(), "--json"]);
                return serde_json::from_str(&show).unwrap();
            }
            assert!(Instant::now() < deadline, "it did not come up: {list:#}");
        }
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
