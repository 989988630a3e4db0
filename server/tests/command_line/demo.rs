//! `bootwright demo`: an empty installation is filled once, and no other at all.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::json;

use super::{PROGRAM, Server, text};

fn demo(data_dir: &Path) -> Output {
    Command::new(PROGRAM).args(["demo", "--data-dir"]).arg(data_dir).output().unwrap()
}

#[test]
fn an_empty_installation_is_filled_once() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let filled = demo(&server.data_dir());
    assert!(filled.status.success(), "{filled:?}");
    assert!(text(&filled).contains("2 runs"), "{filled:?}");
    let report = ann.json(&["release", "report", "v1.0.0", "--format", "json"]);
    assert_eq!(report["baseline"], "v1.0.0-pre");
    assert_eq!(report["figures"]["totals"]["passed"], 8);
    assert_eq!(report["figures"]["failed_change"], "-6");
    let posted = ann.does(&["release", "report", "v1.0.0", "--baseline", "v1.0.0-pre"]);
    assert!(posted.contains("* PASSED: 8 (+5)\n* FAILED: 0 (-6)\n"), "{posted}");
    assert!(posted.contains("* PASSED \\[%\\]: 100.00 (+66.67%)\n"), "{posted}");
    let runs = ann.json(&["run", "list"]);
    let made: Vec<_> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|it| [&it["machine"], &it["recorded_by"], &it["generator"]])
        .collect();
    let expected = [&json!("apu2"), &json!("demonstration"), &json!("bootwright demo")];
    assert_eq!(made, [expected, expected]);

    let again = demo(&server.data_dir());
    assert!(!again.status.success());
    let why = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(why.contains("holds the data of the demonstration already"), "{why}");
    assert_eq!(ann.json(&["run", "list"]), runs, "nothing was added");
}

#[test]
fn an_installation_with_results_of_its_own_is_left_alone() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let file = server.folder.path().join("own.csv");
    std::fs::write(&file, "Test name,Result\nboot,PASS\n").unwrap();
    ann.does(&["run", "import", file.to_str().unwrap(), "--release", "recorded/v1.0.0"]);
    let refused = demo(&server.data_dir());
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("releases or results of its own"), "{why}");
    assert_eq!(ann.json(&["run", "list"]).as_array().unwrap().len(), 1);
}
