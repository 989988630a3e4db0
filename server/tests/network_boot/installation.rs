//! An installation with one release, which production serves: made once, copied for each network.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_bootwright");
/// Build steps and downloads, shared with the other tests that build.
const CACHE: &str = "/var/cache/bootwright-test/cache";

/// What stands in the menu below the entry that every installation begins with.
const NFS_ENTRIES: &str = r#"
[[menu.entries]]
label = "nfs"
text = "Debian over NFS"
kernel = "vmlinuz-6.1.y"
root = "nfs"
arguments = "console=ttyS0,115200"

[[menu.entries]]
label = "nfs-own"
text = "Debian with a root of its own"
kernel = "vmlinuz-6.1.y"
root = "nfs"
nfs = "rw"
arguments = "console=ttyS0,115200"
"#;

/// Runs a program until nobody can type to it any more: a test that is killed ends it as well.
const HELD: &str = r#""$@" </dev/null & exec >&-; read -r line; kill $!; wait"#;

/// A data folder whose production serves a release.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    /// By which its administrator asks.
    pub(crate) token: String,
}

impl Installation {
    /// Builds the release of the recipe that every installation begins with, with more entries.
    pub(crate) fn build() -> Self {
        let folder = open_folder();
        let server = Building::start(&folder.path().join("data"));
        let recipe = folder.path().join("recipe.toml");
        fs::write(&recipe, domain::recipe::starter().to_owned() + NFS_ENTRIES).unwrap();
        let recipe = recipe.to_str().unwrap();
        server.does(&["recipe", "import", recipe, "--name", "netboot", "--message", "boot it"]);
        let said = server.does(&["release", "build", "netboot", "--wait"]);
        let release = said.lines().last().unwrap();
        // What is tried here is the way to machines, so production takes what was built.
        server.does(&["environment", "policy", "production", "--approvals", "0", "--plans", ""]);
        let request = ["deployment", "request", "production", release, "--reason", "to boot it"];
        let request = server.does(&request);
        server.does(&["deployment", "deploy", &request]);
        let token = server.token.clone();
        drop(server);
        Self { folder, token }
    }

    /// A copy of the data folder, for a server of its own.
    pub(crate) fn copy(&self) -> tempfile::TempDir {
        let copy = open_folder();
        let from = self.folder.path().join("data");
        let mut command = Command::new("cp");
        command.args(["-a", "--reflink=auto"]).arg(from).arg(copy.path());
        assert!(command.status().unwrap().success());
        copy
    }
}

/// A folder that the server's user can reach.
fn open_folder() -> tempfile::TempDir {
    let mode = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("bootwright-boot-").permissions(mode).tempdir().unwrap()
}

/// The server that builds, outside of every namespace: it needs the mirror.
struct Building {
    child: Child,
    url: String,
    token: String,
}

impl Building {
    fn start(data: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", HELD, "sh", PROGRAM, "serve", "--cache-dir", CACHE])
            .args(["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0"])
            .args(["--nfs-listen", "off", "--data-dir"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let first = BufReader::new(child.stdout.as_mut().unwrap()).lines().next();
        let first = first.expect("the server tells where it listens").unwrap();
        let url = first.strip_prefix("Dashboard:").unwrap().trim().to_owned();
        let administrator = ["create-user", "ada", "--role", "administrator", "--password-stdin"];
        admin(data, &administrator);
        let token = admin(data, &["create-token", "ada"]).lines().last().unwrap().to_owned();
        Self { child, url, token }
    }

    /// What a command says that does what it is asked.
    fn does(&self, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .env("BOOTWRIGHT_SERVER", &self.url)
            .env("BOOTWRIGHT_TOKEN", &self.token)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

fn admin(data: &Path, arguments: &[&str]) -> String {
    let mut child = Command::new(PROGRAM)
        .arg("admin")
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // One that reads no password may have ended already.
    let _ = child.stdin.take().unwrap().write_all(b"correct horse battery\n");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Drop for Building {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
