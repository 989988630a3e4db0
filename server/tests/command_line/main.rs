//! The whole way by command line alone and by curl alone, exactly as the docs write it: a real
//! server, a real build, a real boot.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod demo;
mod kernels;
mod machines;
mod review;
mod runs;
mod variants;

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bootwright");
/// Build steps and downloads, shared with the other tests that build.
const CACHE: &str = "/var/cache/bootwright-test/cache";

/// A server on a data folder of its own, with a token of each person.
struct Server {
    child: Child,
    /// Kept open: the server ends where nobody can hear it.
    _output: Lines<BufReader<ChildStdout>>,
    folder: tempfile::TempDir,
    url: String,
    boot: String,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0"])
            .args(["--nfs-listen", "127.0.0.1:0"])
            // A mirror of the lab may have an address of its own network.
            .args(["--source-network", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10"])
            .args(["--cache-dir", CACHE, "--boot-limit", "900", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = lines.next().expect("the server tells where it listens").unwrap();
            line.strip_prefix(name).unwrap().trim().to_owned()
        };
        let (url, boot) = (next("Dashboard:"), next("Boot listener:"));
        Self { child, _output: lines, folder, url, boot }
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Adds a person; gives a token, which is the last line of the command's output.
    fn token_of(&self, name: &str, role: &str) -> String {
        let mut create = Command::new(PROGRAM)
            .args(["admin", "create-user", name, "--role", role, "--password-stdin", "--data-dir"])
            .arg(self.data_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        create.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
        assert!(create.wait().unwrap().success());
        let made = Command::new(PROGRAM)
            .args(["admin", "create-token", name, "--data-dir"])
            .arg(self.data_dir())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let token = text(&made).lines().last().unwrap().to_owned();
        assert!(token.starts_with("bw_"), "{token}");
        token
    }

    /// Somebody with a configuration folder of their own, who has logged in.
    fn person(&self, name: &str, role: &str) -> Person {
        let token = self.token_of(name, role);
        let home = self.folder.path().join(name);
        fs::create_dir(&home).unwrap();
        let person = Person { home, token };
        let mut login =
            person.command(&["login", &self.url]).stdin(Stdio::piped()).spawn().unwrap();
        login.stdin.take().unwrap().write_all(format!("{}\n", person.token).as_bytes()).unwrap();
        let said = login.wait_with_output().unwrap();
        assert!(said.status.success() && text(&said).contains(&format!("as {name} ({role})")));
        assert!(!text(&said).contains(&person.token));
        let kept = fs::metadata(person.home.join("bootwright/login.toml")).unwrap();
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
        person
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

struct Person {
    home: PathBuf,
    token: String,
}

impl Person {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env("XDG_CONFIG_HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn ask(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), text(&output), errors)
    }

    /// What a command prints that does what it is asked.
    fn does(&self, arguments: &[&str]) -> String {
        let (status, said, errors) = self.ask(arguments);
        assert_eq!(status, 0, "{arguments:?}: {said}{errors}");
        said.trim_end().to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.does(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What a command says that is refused with that exit status: one line.
    fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let (found, said, errors) = self.ask(arguments);
        assert_eq!(found, status, "{arguments:?}: {said}{errors}");
        assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
        errors
    }

    /// Runs a block of the docs in a folder of its own.
    fn runs(&self, block: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
        let tools = Path::new(PROGRAM).parent().unwrap().display();
        let done = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &format!("PATH={tools}:$PATH\n{block}")])
            .current_dir(folder)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}{errors}", text(&done));
        text(&done)
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The block of the docs that a comment marks for the test of that name.
fn documented(name: &str) -> String {
    let docs =
        concat!(include_str!("../../../docs/api.md"), include_str!("../../../docs/results.md"));
    let (_, rest) = docs.split_once(&format!("<!-- test: {name} -->\n```sh\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn recipe(menu_text: &str) -> String {
    domain::recipe::starter().replace("Debian stable netboot 6.1.y", menu_text)
}

#[test]
fn the_whole_way_goes_by_command_line_and_by_curl_as_the_docs_write_it() {
    let server = Server::start();
    let (ann, bob) = (server.person("ann", "developer"), server.person("bob", "approver"));
    let folder = server.folder.path().join("work");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("recipe.toml");
    fs::write(&file, recipe("Debian stable by CI")).unwrap();
    let file = file.to_str().unwrap();

    // What is wrong is said before anything is built.
    let faulty = folder.join("faulty.toml");
    fs::write(&faulty, "schema = 1\nsuit = \"bookworm\"\n").unwrap();
    let (status, _, errors) =
        ann.ask(&["recipe", "import", faulty.to_str().unwrap(), "--message", "why"]);
    assert!(status == 5 && errors.contains("line 2: "), "{status} {errors}");

    // The CI snippet: import, build, validate, wait, gate.
    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*ann.token)];
    let said = ann.runs(&documented("ci"), &folder, &variables);
    assert!(said.contains("by-ci r1 is saved"), "{said}");
    let passed: Vec<&str> = said.lines().filter(|line| line.starts_with("smoke\t")).collect();
    assert!(passed.len() > 5 && passed.iter().all(|line| line.ends_with("\tpassed")), "{said}");
    let first = "v1.0.0-rc.1";
    assert_eq!(ann.json(&["release", "show", first])["health"], "passing");
    let again = ann.does(&["recipe", "import", file, "--name", "by-ci", "--message", "again"]);
    assert!(again.contains("by-ci r1 is unchanged"), "{again}");

    // Tried in a VM, and nobody's guest stays behind.
    let variables = [&variables[..], &[("release", first)]].concat();
    let said = ann.runs(&documented("guest"), &folder, &variables);
    assert!(said.contains("=42=") && said.contains(" has ended"), "{said}");
    let guests = ann.json(&["guest", "list"]);
    let outcome = &guests[0]["outcome"];
    assert_eq!((&guests[0]["state"], outcome), (&"ended".into(), &"ann stopped it".into()));
    bob.fails(3, &["guest", "send", guests[0]["id"].as_str().unwrap(), "hello"]);

    // Request, approve, deploy.
    let request = ["deployment", "request", "production", first, "--reason", "the first one"];
    let asked = ann.does(&request);
    let own = ann.fails(3, &["deployment", "approve", &asked]);
    assert!(own.contains("role approver"), "{own}");
    let early = ann.fails(3, &["deployment", "deploy", &asked]);
    assert!(early.contains("demands 1 approval(s)"), "{early}");
    let said = bob.does(&["deployment", "approve", &asked, "--comment", "seen"]);
    assert!(said.contains("the request is approved"), "{said}");
    assert_eq!(ann.does(&["deployment", "deploy", &asked]), "production serves v1.0.0");
    let menu = ureq::get(&server.boot).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(menu.contains("Debian stable by CI"), "{menu}");

    // The same by curl, exactly as the docs write it, with another recipe.
    let by_curl = documented("functions") + &documented("curl");
    fs::write(folder.join("recipe.toml"), recipe("Debian stable by curl")).unwrap();
    let variables = [("BASE", &*server.url), ("TOKEN", &*ann.token), ("APPROVER", &*bob.token)];
    let said = ann.runs(&by_curl, &folder, &variables);
    assert!(said.contains("\"state\": \"deployed\""), "{said}");
    let menu = ureq::get(&server.boot).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(menu.contains("Debian stable by curl"), "{menu}");

    // Looking around, and going back.
    let list = ann.does(&["release", "list", "--stage", "released"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.lines().all(|line| line.split('\t').count() == 7), "{list}");
    let diff = ann.does(&["release", "diff", "v1.0.0"]);
    assert!(diff.contains("entry\tchanged"), "{diff}");
    let exported = folder.join("manifest.json");
    let target = exported.to_str().unwrap();
    ann.does(&["release", "export", "v1.0.0", "manifest.json", "--output", target]);
    let digest = domain::digest::Digest::of(fs::read(&exported).unwrap()).to_string();
    assert_eq!(ann.json(&["release", "show", "v1.0.0"])["digest"], digest);
    let back =
        ["environment", "rollback", "production", "v1.0.0", "--reason", "the new one breaks"];
    let refused = ann.fails(3, &back);
    assert!(refused.contains("role approver"), "{refused}");
    assert_eq!(bob.does(&back), "production serves v1.0.0");
    variants::go_the_whole_way(&server, &ann, &bob, &folder);
    let jobs = ann.json(&["job", "list", "--kind", "build", "--state", "succeeded"]);
    assert_eq!(jobs.as_array().unwrap().len(), 2);
    let log = ann.does(&["job", "log", jobs[0]["id"].as_str().unwrap()]);
    assert!(log.lines().count() > 5 && log.contains(" manifest "), "{log}");
}

#[test]
fn exit_statuses_tell_scripts_what_happened() {
    let server = Server::start();
    let vera = server.person("vera", "viewer");
    assert!(vera.fails(4, &["release", "show", "v9.9.9"]).contains("no release called v9.9.9"));
    assert!(vera.fails(4, &["release", "build", "x"]).contains("no recipe called x"));
    let (status, ..) = vera.ask(&["release", "frobnicate"]);
    assert_eq!(status, 2);
    let asked = vera.command(&["release", "list"]).env("BOOTWRIGHT_TOKEN", "bw_dead").output();
    let asked = asked.unwrap();
    assert_eq!(asked.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("none of ours"));
    assert!(!String::from_utf8_lossy(&asked.stderr).contains("bw_dead"));
    let closed = ["release", "list", "--server", "http://127.0.0.1:9"];
    let asked = vera.command(&closed).env("BOOTWRIGHT_TOKEN", "bw_x").output().unwrap();
    assert_eq!(asked.status.code(), Some(8));
    // A token that was kept is sent to no other server.
    vera.fails(3, &closed);
    let id = vera.json(&["token", "show"])["token"].as_str().unwrap().to_owned();
    assert_eq!(vera.json(&["token", "list"])[0]["id"], id.as_str());
    vera.does(&["token", "revoke", &id]);
    assert!(vera.fails(3, &["release", "list"]).contains("was revoked"));
    assert!(vera.does(&["logout"]).starts_with("Forgotten: "));
    assert!(vera.fails(3, &["release", "list"]).contains("bootwright login"));
}

#[test]
fn room_on_the_disk_is_looked_after_by_command() {
    let server = Server::start();
    let (dave, ada) = (server.person("dave", "developer"), server.person("ada", "administrator"));
    let room = dave.json(&["room", "show"]);
    assert!(room["disks"][0]["free"].as_u64() < room["disks"][0]["total"].as_u64(), "{room}");
    let kinds = room["kinds"].as_array().unwrap();
    let bytes = |kind: &str| kinds.iter().find(|it| it["kind"] == kind).unwrap()["bytes"].as_u64();
    assert!(bytes("database") > Some(0), "{room}");
    assert_eq!(dave.does(&["room", "releases"]), "");

    let said = dave.fails(3, &["room", "rules", "--logs", "forever"]);
    assert!(said.contains("you need the role administrator"), "{said}");
    let rules = ada.json(&["room", "rules", "--logs", "forever", "--candidates", "5"]);
    assert_eq!((&rules["logs"], &rules["candidates"]), (&Value::Null, &Value::from(5)));
    assert_eq!(dave.json(&["room", "rules"]), rules, "what is not named stays");
    assert_eq!(ada.ask(&["room", "rules", "--logs", "7d"]).0, 2);
    ada.fails(5, &["room", "rules", "--cache", "99999"]);

    let would = dave.does(&["room", "collect", "--dry-run", "--wait"]);
    assert!(would.starts_with("would free ") && would.contains("nothing was removed"), "{would}");
    let log = dave.does(&["room", "collect", "--dry-run", "--follow"]);
    assert!(log.contains("that nothing needs"), "{log}");
    let jobs = dave.does(&["job", "list", "--kind", "collection", "--state", "succeeded"]);
    assert_eq!(jobs.lines().count(), 2, "{jobs}");
    dave.fails(4, &["release", "pin", "v9.0.0", "--reason", "the demo next week"]);
}

#[test]
fn shells_and_man_get_what_they_need() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Command::new(PROGRAM).args(["completions", shell]).output().unwrap();
        assert!(script.status.success() && text(&script).contains("rollback"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(PROGRAM).arg("man").arg(folder.path()).status().unwrap();
    assert!(made.success());
    let page = fs::read_to_string(folder.path().join("bootwright-release-build.1")).unwrap();
    assert!(page.contains("follow") && page.contains(".TH"), "{page}");
}
