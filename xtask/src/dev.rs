//! `cargo xtask dev`: serves, and builds and serves anew whenever a source file changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    Compiler, Profile, SiteOptions, compile,
    fault::{Fault, at},
    site,
};

/// Where sources are.
const FOLDERS: [&str; 6] = ["app", "crates", "frontend", "migrations", "server", "style"];
/// How often they are looked at; there are some hundred, so this costs a millisecond.
const PAUSE: Duration = Duration::from_millis(300);

/// Serves until it is interrupted. A build that fails leaves the server of the former one running.
pub(crate) fn run(target: &Path, server: &[String]) -> Result<(), Fault> {
    let options =
        SiteOptions { profile: Profile::Quick, compiler: Compiler::Auto, wasm_opt: PathBuf::new() };
    let mut running: Option<Child> = None;
    loop {
        let seen = newest();
        let built = site::build(target, &options)
            .and_then(|()| compile::run(Command::new("cargo").args(["build", "-p", "server"])));
        match built {
            Ok(()) => {
                if let Some(former) = running.take() {
                    stop(former)?;
                }
                let program = target.join("debug/bootwright");
                let child = Command::new(&program).args(server).spawn().map_err(at(&program))?;
                running = Some(child);
            }
            Err(fault) => eprintln!("xtask: {fault}; the former build goes on serving"),
        }
        while newest() == seen {
            thread::sleep(PAUSE);
        }
    }
}

/// Asks the server to end, and waits until it has: its sockets must be free for the next.
fn stop(mut child: Child) -> Result<(), Fault> {
    let id = child.id().to_string();
    compile::run(Command::new("kill").args(["-TERM", &id])).ok();
    child.wait().map(drop).map_err(|error| Fault::Start { program: "the server".to_owned(), error })
}

/// The latest change of any source, and how many there are.
fn newest() -> (Option<SystemTime>, usize) {
    let mut found = (None, 0);
    for folder in FOLDERS {
        look(Path::new(folder), &mut found);
    }
    found
}

fn look(folder: &Path, found: &mut (Option<SystemTime>, usize)) {
    // A file may vanish while we look: an editor replaces it. The next round sees the new one.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => look(&entry.path(), found),
            Ok(metadata) => {
                found.0 = found.0.max(metadata.modified().ok());
                found.1 += 1;
            }
            Err(_) => {}
        }
    }
}
