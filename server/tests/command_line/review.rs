//! Failures are reviewed by command: assessed several at once, waived by another person, listed.

use std::{fs, process::Command};

use serde_json::Value;

use super::{Person, Server};

/// Brings a table of one board in whose case A1.1 and A1.2 failed; gives the run.
fn failed(server: &Server, person: &Person, release: &str, seconds: u32) -> String {
    let path = server.folder.path().join(format!("{}.csv", release.replace('/', "-")));
    let rows = format!(
        "Test name,Test ID,Result,Comments\nusb,A1.1,FAIL,no device after {seconds} s\n\
         disk,A1.2,FAIL,no disk after {seconds} s\n"
    );
    fs::write(&path, rows).unwrap();
    let path = path.to_str().unwrap();
    let said = person.does(&["run", "import", path, "--release", release, "--machine", "apu2"]);
    said.split('\t').next().unwrap().to_owned()
}

/// The day after today.
fn tomorrow() -> String {
    let day = Command::new("date").args(["-u", "-d", "+1 day", "+%F"]).output().unwrap();
    String::from_utf8(day.stdout).unwrap().trim().to_owned()
}

#[test]
fn failures_are_assessed_waived_and_listed() {
    let server = Server::start();
    let (ann, bob) = (server.person("ann", "developer"), server.person("bob", "approver"));
    let run = failed(&server, &ann, "recorded/v1", 30);
    let open = ann.fails(7, &["release", "failures", "recorded/v1"]);
    assert!(open.contains("0 of 2 failures of recorded/v1 are reviewed"), "{open}");

    let both = ["run", "assess", &run, "A1.1", "A1.2", "--blame", "lab", "--issue", "ABC-1"];
    assert_eq!(ann.does(&both), "A1.1: lab; ABC-1\nA1.2: lab; ABC-1");
    let wrong = ann.fails(5, &["run", "assess", &run, "A1.1", "--issue", "see below"]);
    assert!(wrong.contains("ABC-12"), "{wrong}");

    let mut waive = vec!["run", "waive", &run, "A1.1", "--reason", "known", "--until"];
    let past = [&waive[..], &["2026-01-01"]].concat();
    let refused = ann.fails(3, &past);
    assert!(refused.contains("role approver"), "{refused}");
    let late = bob.fails(3, &past);
    assert!(late.contains("until when the waiver holds"), "{late}");
    let tomorrow = tomorrow();
    waive.push(&tomorrow);
    let said = bob.does(&waive);
    assert!(
        said.starts_with("A1.1: waived by bob until ") && said.ends_with(": known; lab; ABC-1")
    );

    // The next release fails in the same way.
    let next = failed(&server, &ann, "recorded/v2", 31);
    let listed = ann.json(&["release", "failures", "recorded/v2"]);
    assert_eq!((&listed["failures"], &listed["reviewed"]), (&Value::from(2), &Value::from(2)));
    assert_eq!(listed["items"][0]["assessment"]["about"], "v1");
    let history = ann.json(&["run", "review", &next, "A1.1"]);
    assert_eq!(history["history"].as_array().unwrap().len(), 2);

    // Nobody waives what they brought in themselves.
    let own = failed(&server, &bob, "recorded/v3", 32);
    let own = ["run", "waive", &own, "A1.2", "--reason", "known", "--until", &tomorrow];
    let own = bob.fails(3, &own);
    assert!(own.contains("brought these results in"), "{own}");

    let back = bob.does(&["run", "withdraw-waiver", &next, "A1.1"]);
    assert_eq!(back, "A1.1: lab; ABC-1");
    ann.does(&["run", "assess", &next, "A1.1"]);
    let open = ann.fails(7, &["release", "failures", "recorded/v2", "--unreviewed"]);
    assert!(open.contains("1 of 2 failures"), "{open}");
}
