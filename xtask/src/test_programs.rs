//! Runs what `cargo test` runs, two programs at a time where that runs one: most of them wait for a guest
//! or a server of their own, and keep less than one core busy.
//!
//! What a program prints goes to `<target>/test-output/`, and to the terminal where it fails. The longest
//! of the last time begin first, so that none is left to run alone in the end.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::{
    compile,
    fault::{Fault, at},
};

/// Programs that run before all others and beside none: a test of theirs types into a guest, whose
/// serial port drops what a busy machine does not take in time.
const ALONE: [&str; 1] = ["server dashboard"];

/// A program of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    /// Its package and its target.
    name: String,
    executable: PathBuf,
    /// Where its package is: tests find their files from there.
    folder: PathBuf,
}

/// How a program ended.
struct Ended {
    name: String,
    seconds: f64,
    status: Result<ExitStatus, io::Error>,
}

/// Compiles and runs all tests, `beside` programs at a time, then those of the documentation.
pub(crate) fn run(target: &Path, beside: usize) -> Result<(), Fault> {
    let mut programs = compiled()?;
    let output = target.join("test-output");
    fs::create_dir_all(&output).map_err(at(&output))?;
    let record = target.join("test-seconds.json");
    let took = fs::read(&record).ok().and_then(|it| serde_json::from_slice(&it).ok());
    let mut took: BTreeMap<String, f64> = took.unwrap_or_default();
    // What has never run comes first: it may be long.
    let last = |it: &Program| took.get(&it.name).copied().unwrap_or(f64::INFINITY);
    programs.sort_by(|a, b| last(b).total_cmp(&last(a)).then_with(|| a.name.cmp(&b.name)));
    let (alone, others) = programs.into_iter().partition(|it| ALONE.contains(&it.name.as_str()));
    let mut ended = in_turns(alone, 1, &output);
    ended.extend(in_turns(others, beside, &output));
    took.extend(ended.iter().map(|it| (it.name.clone(), it.seconds)));
    let text = serde_json::to_vec_pretty(&took).unwrap_or_default();
    fs::write(&record, text).map_err(at(&record))?;
    let good = |it: &Ended| it.status.as_ref().is_ok_and(ExitStatus::success);
    let failed: Vec<String> = ended.into_iter().filter(|it| !good(it)).map(|it| it.name).collect();
    if !failed.is_empty() {
        return Err(Fault::Tests(failed));
    }
    compile::run(Command::new("cargo").args(["test", "--workspace", "--doc", "--quiet"]))
}

/// Lets cargo compile all programs of tests and tell where they are.
fn compiled() -> Result<Vec<Program>, Fault> {
    let start = |error| Fault::Start { program: "cargo".to_owned(), error };
    let mut cargo = Command::new("cargo")
        .args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let mut programs = Vec::new();
    if let Some(told) = cargo.stdout.take() {
        for line in BufReader::new(told).lines() {
            programs.extend(program(&line.map_err(start)?));
        }
    }
    match cargo.wait().map_err(start)? {
        status if status.success() => Ok(programs),
        status => Err(Fault::Program { program: "cargo test --no-run".to_owned(), status }),
    }
}

/// The program that one of cargo's messages is about; the form stands in the Cargo Book, "External tools".
fn program(message: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_test = message["profile"]["test"].as_bool()?;
    let executable = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_path_buf();
    let package = folder.file_name()?.to_str()?;
    let (target, kind) = (message["target"]["name"].as_str()?, &message["target"]["kind"][0]);
    let name = match kind.as_str()? {
        "test" => format!("{package} {target}"),
        kind => format!("{package} {kind}"),
    };
    is_test.then_some(Program { name, executable, folder })
}

/// Runs each of the programs, so many at a time.
fn in_turns(programs: Vec<Program>, beside: usize, output: &Path) -> Vec<Ended> {
    let waiting = Mutex::new(VecDeque::from(programs));
    let ended = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    thread::scope(|scope| {
        for _ in 0..beside {
            scope.spawn(|| {
                while let Some(program) = next() {
                    let path = output.join(format!("{}.txt", program.name.replace(' ', "-")));
                    let began = Instant::now();
                    let status = execute(&program, &path);
                    let seconds = began.elapsed().as_secs_f64();
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    // Under the lock: what two programs printed is not mixed.
                    tell(&program.name, seconds, &status, &path);
                    ended.push(Ended { name: program.name, seconds, status });
                }
            });
        }
    });
    ended.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn execute(program: &Program, output: &Path) -> io::Result<ExitStatus> {
    let printed = fs::File::create(output)?;
    Command::new(&program.executable)
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed)
        .status()
}

fn tell(name: &str, seconds: f64, status: &io::Result<ExitStatus>, output: &Path) {
    let printed = String::from_utf8_lossy(&fs::read(output).unwrap_or_default()).into_owned();
    match status {
        Ok(status) if status.success() => {
            let summary = printed.lines().rev().find_map(|it| it.strip_prefix("test result: ok. "));
            let summary = summary.and_then(|it| it.split(';').next()).unwrap_or_default();
            println!("{seconds:>7.1} s  {name}: {summary}");
        }
        Ok(status) => println!("{printed}{seconds:>7.1} s  {name}: {status}"),
        Err(error) => println!("{seconds:>7.1} s  {name}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_a_program_of_tests_is_told_from_others() {
        let message = |kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/work/server/Cargo.toml",
                    "target":{{"kind":["{kind}"],"name":"crash"}},"profile":{{"test":{test}}},
                    "executable":"/target/debug/deps/crash-1"}}"#
            )
        };
        let found = program(&message("test", true)).unwrap();
        assert_eq!(found.name, "server crash");
        assert_eq!(found.folder, Path::new("/work/server"));
        assert_eq!(program(&message("lib", true)).unwrap().name, "server lib");
        assert_eq!(program(&message("bin", false)), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("warning: words"), None);
    }

    #[test]
    fn every_program_runs_and_a_failure_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str, executable: &str| Program {
            name: name.to_owned(),
            executable: PathBuf::from(executable),
            folder: folder.path().to_path_buf(),
        };
        let programs = vec![
            program("good", "/bin/true"),
            program("bad", "/bin/false"),
            program("none", "/nowhere"),
        ];
        let mut ended = in_turns(programs, 2, folder.path());
        ended.sort_by(|a, b| a.name.cmp(&b.name));
        let good: Vec<_> = ended
            .iter()
            .map(|it| (it.name.as_str(), it.status.as_ref().ok().map(ExitStatus::success)))
            .collect();
        assert_eq!(good, [("bad", Some(false)), ("good", Some(true)), ("none", None)]);
    }
}
