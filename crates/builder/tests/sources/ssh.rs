//! Repositories by `ssh`, from a server of the test's own.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::unistd::{Uid, User};

use crate::{
    bench::{Bench, SSH},
    repository::{Repository, source},
};

/// Ends with whoever holds its standard input, and takes its folder along: a test that became another
/// user may not signal it, and what is static is never dropped.
const GUARDED: &str = r#""$@" & server=$!; cat >/dev/null; kill "$server"; wait; rm -r "$0""#;

/// `sshd` on a loopback port, which lets the user who started it in with the keys that the tests
/// write, and runs what a test names instead of what is asked for.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    user: String,
    _guard: Child,
}

impl Server {
    /// Starts it as the user who runs the tests.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bootwright-sshd-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap()
            .keep();
        let root = Uid::effective().is_root();
        if root {
            // Where sshd shuts in the part of it that talks to strangers.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let at = |name: &str| folder.join(name).display().to_string();
        key(&folder.join("host"));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let configuration = format!(
            "ListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\n\
             UsePAM {}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nDisableForwarding yes\nPermitTTY no\n\
             ForceCommand git -c 'safe.directory=*' shell -c \"$SSH_ORIGINAL_COMMAND\"\n",
            at("host"),
            at("authorized_keys"),
            // Without it a root who has no password is not let in, by any key.
            if root { "yes" } else { "no" },
        );
        fs::write(folder.join("sshd_config"), configuration).unwrap();
        let guard = Command::new("sh")
            .args(["-c", GUARDED])
            .arg(&folder)
            .args(["/usr/sbin/sshd", "-D", "-E", &at("log")])
            .args(["-f", &at("sshd_config")])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until_it_listens(address, &folder);
        let user = User::from_uid(Uid::effective()).unwrap().unwrap().name;
        Self { port: address.port(), user, _guard: guard, folder }
    }

    /// Its folder: the tests write keys there that may sign in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, path.display())
    }

    /// Lets a key in.
    fn let_in(&self, key: &Path) {
        let public = fs::read(key.with_extension("pub")).unwrap();
        let path = self.folder.join("authorized_keys");
        fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .write_all(&public)
            .unwrap();
    }

    /// The line of `known_hosts` with its host key.
    fn known_host(&self) -> String {
        let public = fs::read_to_string(self.folder.join("host.pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }
}

fn wait_until_it_listens(address: SocketAddr, folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "sshd does not listen: {}", log());
        thread::sleep(Duration::from_millis(20));
    }
}

fn key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_repository_comes_by_ssh_with_a_key_and_a_pinned_host() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let by_folder = bench.fetch(&source(repository.url(), "v1", None, None)).unwrap();
    let keys = bench.folder().join("keys/ssh");
    let url = SSH.url(&repository.path);
    let at = |reference: &str| source(&url, reference, None, Some("lab"));

    let text = bench.refusal(&at("v1"));
    assert!(text.contains("no key lab") && text.contains(keys.to_str().unwrap()), "{text}");
    key(&keys.join("lab"));
    let text = bench.refusal(&at("v1"));
    assert!(text.contains("ssh-keyscan") && text.contains("known_hosts"), "{text}");
    // The key of another server at that address.
    key(&keys.join("other"));
    let other = fs::read_to_string(keys.join("other.pub")).unwrap();
    fs::write(keys.join("known_hosts"), format!("[127.0.0.1]:{} {other}", SSH.port)).unwrap();
    let text = bench.refusal(&at("v1"));
    assert!(text.contains("or is another"), "{text}");
    fs::write(keys.join("known_hosts"), SSH.known_host()).unwrap();
    let text = bench.refusal(&at("v1"));
    assert!(text.contains("does not take the key lab"), "{text}");

    SSH.let_in(&keys.join("lab"));
    let fetched = bench.fetch(&at("v1")).unwrap();
    assert_eq!((fetched.sha256, &fetched.commit), (by_folder.sha256, &by_folder.commit));

    fs::write(repository.path.join("Makefile"), "VERSION = 2\n").unwrap();
    let inner = repository.commit("second");
    fs::write(repository.path.join("Makefile"), "VERSION = 3\n").unwrap();
    repository.commit("third");
    // No branch or tag stands at it, and this server does not speak the protocol that asks for any.
    assert_eq!(bench.fetch(&at(&inner)).unwrap().commit.as_deref(), Some(inner.as_str()));
    assert!(bench.said("fetching its branches and tags"));

    fs::set_permissions(keys.join("lab"), fs::Permissions::from_mode(0o644)).unwrap();
    let text = bench.refusal(&at("v2"));
    assert!(text.contains("chmod 0600"), "{text}");
}

#[test]
fn ssh_connects_to_judged_addresses_only() {
    let bench = Bench::new(&[]);
    let keys = bench.folder().join("keys/ssh");
    key(&keys.join("lab"));
    fs::write(keys.join("known_hosts"), SSH.known_host()).unwrap();
    let at = |url: &str| source(url, "v1", None, Some("lab"));
    let text = bench.refusal(&at(&SSH.url(Path::new("/srv/linux"))));
    assert!(text.contains("loopback"), "{text}");
    assert!(bench.refusal(&at("ssh://git@169.254.1.1/x")).contains("link-local"));
    assert!(bench.refusal(&at("ssh://-oProxyCommand=touch/x")).contains("names no host"));
    let elsewhere = source("ssh://git@git.example/x", "v1", None, Some("../signing"));
    assert!(bench.refusal(&elsewhere).contains("name of a key"));
}
