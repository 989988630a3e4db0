//! A network of a test's own: a namespace with a bridge, and whatever runs in it.
//!
//! A process holds the namespace and is the first of its processes: when it ends, and it does when the test can
//! type nothing to it any more, the kernel ends all others. So nothing outlives a test that is killed.

use std::process::Command;

use nix::unistd::{getegid, geteuid};

use crate::process::Process;

/// The address of the bridge, where the server and the DHCP server are.
pub(crate) const ADDRESS: &str = "10.77.0.1";
/// The bridge.
pub(crate) const BRIDGE: &str = "br0";

/// Writes which process it is, as the host knows it (`/proc` is the host's), and becomes another program.
const BECOME: &str = r#"read -r pid rest </proc/self/stat; echo "$pid"; exec "$@" 2>&1"#;

/// The namespaces of a network, while it is needed.
pub(crate) struct Namespace {
    /// The first of its processes.
    holder: Process,
}

impl Namespace {
    /// One with a bridge and nothing on it. An ordinary user is root in there, and low ports are not root's.
    pub(crate) fn new() -> Self {
        let mut holder = Command::new("unshare");
        holder
            .args(if is_root() { &[][..] } else { &["--user", "--map-root-user"] })
            .args(["--net", "--pid", "--fork", "sh", "-c", BECOME, "sh", "cat"]);
        let namespace = Self { holder: Process::start("the namespace", holder) };
        namespace.does(&format!(
            "ip link set lo up
             ip link add {BRIDGE} type bridge
             ip addr add {ADDRESS}/24 dev {BRIDGE}
             ip link set {BRIDGE} up
             echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start"
        ));
        namespace
    }

    /// Connects a machine to the bridge.
    pub(crate) fn add_tap(&self, name: &str) {
        self.does(&format!(
            "ip tuntap add dev {name} mode tap
             ip link set {name} master {BRIDGE} up"
        ));
    }

    /// Starts a program in here, as root of the namespace.
    pub(crate) fn start(&self, name: &'static str, program: &[&str]) -> Process {
        let mut command = self.enter();
        command.args(["sh", "-c", BECOME, "sh"]).args(program);
        Process::start(name, command)
    }

    /// As [`Namespace::start`], as a user that is not root: root's own becomes one by itself.
    pub(crate) fn start_as_user(&self, name: &'static str, program: &[&str]) -> Process {
        if is_root() {
            return self.start(name, program);
        }
        let (user, group) = (geteuid().to_string(), getegid().to_string());
        let own = ["unshare", "--user", "--map-user", &user, "--map-group", &group];
        self.start(name, &[&own[..], program].concat())
    }

    /// What a program says in here that succeeds.
    pub(crate) fn output(&self, program: &[&str], environment: &[(&str, &str)]) -> String {
        let mut command = self.enter();
        command.args(program).envs(environment.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.pid(), "--net", "--pid"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command
    }

    fn does(&self, script: &str) {
        let done = self.enter().args(["sh", "-euc", script]).output().unwrap();
        assert!(
            done.status.success(),
            "no bridge with taps can be had, and machines boot from one here: {done:?}"
        );
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.holder.end();
    }
}

fn is_root() -> bool {
    geteuid().is_root()
}
