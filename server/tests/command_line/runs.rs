//! Results by command and by curl: brought in, attached, recorded, compared, looked back at.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use super::{Person, Server, documented, text};

/// A file that a real runner left.
fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results").join(name);
    path.to_str().unwrap().to_owned()
}

/// Writes a file into a folder; gives its path.
fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A table of one board.
fn table(rows: &[(&str, &str)]) -> String {
    let row = |(id, result): &(&str, &str)| format!("checks {id},{id},{result},seen\n");
    format!("Test name,Test ID,Result,Comments\n{}", rows.iter().map(row).collect::<String>())
}

/// The columns of the line that tells what became of a file: run, `new`, subject, cases, file.
fn columns(line: &str) -> [&str; 5] {
    line.split('\t').collect::<Vec<_>>().try_into().unwrap()
}

/// Brings a table of one board in; gives the run.
fn brought(person: &Person, folder: &Path, release: &str, rows: &[(&str, &str)]) -> String {
    let file = written(folder, &format!("{}.csv", release.replace('/', "-")), &table(rows));
    let said = person.does(&["run", "import", &file, "--release", release, "--machine", "board-1"]);
    columns(said.lines().next().unwrap())[0].to_owned()
}

#[test]
fn files_of_every_format_are_brought_in_and_come_back_as_they_were() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let folder = server.folder.path();
    let files = [
        fixture("robot-7.5/output.xml"),
        fixture("robot-7.5/output.json"),
        fixture("pytest-9.2.0/junit.xml"),
        fixture("test-more-1.302190/boot.tap"),
        written(folder, "table.csv", &table(&[("XEN1.1", "PASS"), ("XEN1.2", "FAIL")])),
    ];
    let import: Vec<&str> =
        ["run", "import"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let import = [&import[..], &["--release", "recorded/v1.0.0", "--machine", "board-1"]].concat();
    let said = ann.does(&import);
    let lines: Vec<_> = said.lines().filter(|line| !line.starts_with('#')).map(columns).collect();
    assert_eq!(lines.iter().map(|it| it[4]).collect::<Vec<_>>(), files);
    assert!(lines.iter().all(|it| it[1..3] == ["new", "recorded/v1.0.0"]), "{said}");
    assert_eq!(lines[4][3], "1 passed, 1 failed, 50.00 %");
    let shown = ann.json(&["run", "show", lines[0][0]]);
    assert_eq!(
        (&shown["about"], &shown["machine"]),
        (&"recorded/v1.0.0".into(), &"board-1".into())
    );
    assert_eq!(shown["suite"], "Boot");

    // The same files once more are the same runs.
    let again = ann.does(&import);
    assert_eq!(again, said.replace("\tnew\t", "\tknown\t"));

    for [run, ..] in lines {
        let first = folder.join("first.json").to_str().unwrap().to_owned();
        ann.does(&["run", "export", run, "--output", &first]);
        let copy = ann.json(&["run", "import", &first, "--release", "recorded/copy"]);
        let copy = copy[0]["run"]["id"].as_str().unwrap().to_owned();
        assert_ne!(copy, run);
        let second = ann.does(&["run", "export", &copy, "--format", "json"]);
        assert_eq!(second, fs::read_to_string(&first).unwrap().trim_end());
    }
    let [run, ..] = columns(said.lines().last().unwrap());
    let as_table = ann.does(&["run", "export", run, "--format", "csv"]);
    assert!(as_table.contains("\nchecks XEN1.2,XEN1.2,FAIL,seen"), "{as_table}");

    // It may be kept for ever, and no more.
    assert_eq!(ann.does(&["run", "important", run]), format!("{run} is important"));
    assert_eq!(ann.json(&["run", "important", run])["important_by"], "ann");
    assert_eq!(
        ann.does(&["run", "important", run, "--off"]),
        format!("{run} is important no more")
    );
    assert!(ann.fails(4, &["run", "important", "absent"]).contains("absent"));
    let vera = server.person("vera", "viewer");
    assert!(vera.fails(3, &["run", "important", run]).contains("viewer"));
}

#[test]
fn what_cannot_be_brought_in_is_told_of_and_the_others_go_on() {
    let server = Server::start();
    let (ann, vera) = (server.person("ann", "developer"), server.person("vera", "viewer"));
    let folder = server.folder.path();
    let wrong = written(folder, "wrong.csv", &table(&[("XEN1.1", "PASS"), ("XEN1.2", "PERHAPS")]));
    let right = written(folder, "right.csv", &table(&[("XEN1.1", "PASS")]));
    let cut = written(folder, "cut.tap", "1..3\nok 1 - menu\nnot ok 2 - login\n");

    let (status, said, errors) = ann.ask(&["run", "import", &wrong, "absent.xml", &cut, &right]);
    assert_eq!(status, 1, "{said}{errors}");
    let [first, second, last] = errors.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(first.contains("wrong.csv: ") && first.contains("line 3") && first.contains("PERHAPS"));
    assert!(second.contains("absent.xml"), "{second}");
    assert_eq!(last, "bootwright: 2 of 4 files could not be brought in");
    let [cut_line, why, right_line] = said.lines().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(columns(cut_line)[1..4], ["new", "inbox", "1 passed, 1 failed, 50.00 %"]);
    assert_eq!(why, "# incomplete: Of 3 points that were planned, 2 are there.");
    assert_eq!(columns(right_line)[1..4], ["new", "inbox", "1 passed, 100.00 %"]);

    let alone = ann.fails(1, &["run", "import", &wrong]);
    assert!(alone.contains("wrong.csv") && alone.contains("line 3"), "{alone}");
    let refused = vera.fails(3, &["run", "import", &right, &cut]);
    assert!(refused.contains("role developer"), "{refused}");
    ann.fails(2, &["run", "import", &right, &cut, "--name", "both.csv"]);
    let (status, said, _) = ann.ask(&["run", "import", &wrong, &right, "--json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &told[1]["new"]), (1, &Value::Bool(false)), "{said}");
    assert!(told[0]["error"].as_str().unwrap().contains("line 3"), "{said}");
}

#[test]
fn a_run_of_the_inbox_counts_once_somebody_said_what_it_is_about() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let mut import = ann
        .command(&["run", "import", "-", "--name", "night.csv", "--suite", "night"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = table(&[("XEN1.1", "PASS"), ("XEN1.2", "FAIL"), ("XEN1.3", "N/A")]);
    import.stdin.take().unwrap().write_all(bytes.as_bytes()).unwrap();
    let said = text(&import.wait_with_output().unwrap());
    let [run, new, about, cases, file] = columns(said.trim_end());
    assert_eq!([new, about, file], ["new", "inbox", "-"]);
    assert_eq!(cases, "1 passed, 1 failed, 1 skipped, 50.00 %");

    let inbox = ann.does(&["run", "list", "--unattached", "--suite", "night"]);
    assert!(inbox.starts_with(&format!("{run}\tinbox\tnight\tunknown\t-\tfailed\t")), "{inbox}");
    let compared = ["run", "compare", "recorded/v1.0.0", "recorded/v1.0.0"];
    ann.fails(4, &compared);
    let said = ann.does(&["run", "attach", run, "recorded/v1.0.0"]);
    assert_eq!(said, format!("{run} is about recorded/v1.0.0"));
    assert_eq!(ann.does(&["run", "list", "--unattached"]), "");
    assert!(ann.does(&compared).ends_with("2 unchanged"));
    let twice = ann.fails(5, &["run", "attach", run, "recorded/v2.0.0"]);
    assert!(twice.contains("about v1.0.0 already"), "{twice}");

    let shown = ann.does(&["run", "show", run]);
    assert!(shown.contains("About:\trecorded/v1.0.0\n") && shown.contains("\nXEN1.1\tpassed\t"));
    let failing = ann.json(&["run", "show", run, "--failing"]);
    let failing = failing["results"].as_array().unwrap();
    assert_eq!(failing.iter().map(|it| &it["case"]).collect::<Vec<_>>(), ["XEN1.2"]);
    ann.fails(4, &["run", "show", "nothing"]);

    let record = ["run", "record", "--release", "recorded/v1.0.0", "--machine", "board-2"];
    let what = ["--case", "XEN1.2", "--outcome", "failed"];
    let silent = ann.fails(5, &[&record[..], &what].concat());
    assert!(silent.contains("what was seen"), "{silent}");
    let manual = ann.does(&[&record[..], &what, &["--comment", "no light"]].concat());
    let listed = ann.json(&["run", "list", "--machine", "board-2", "--outcome", "failed"]);
    assert_eq!(listed[0]["id"], manual);
    assert_eq!(ann.does(&["run", "list", "--limit", "1"]).lines().count(), 1);
}

#[test]
fn what_got_worse_is_told_by_the_exit_status_and_seen_in_the_past() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let folder = server.folder.path();
    let old = [("a", "PASS"), ("b", "FAIL"), ("c", "PASS"), ("d", "SKIP")];
    let new = [("a", "FAIL"), ("b", "PASS"), ("c", "PASS"), ("d", "NOT RUN"), ("e", "FAIL")];
    let first = brought(&ann, folder, "recorded/v1", &old);
    let second = brought(&ann, folder, "recorded/v2", &new);

    let compare = ["run", "compare", "recorded/v2", "recorded/v1"];
    let (status, said, errors) = ann.ask(&[&compare[..], &["--wait"]].concat());
    assert_eq!(status, 9, "{said}{errors}");
    let words = "recorded/v2 got worse against recorded/v1: 1 regression, 1 new failure";
    assert_eq!(errors.trim_end(), format!("bootwright: {words}"));
    let [head, regression, fixed] = said.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(
        head.ends_with("1 fixed, 0 new pass, 0 appeared, 0 disappeared, 2 unchanged"),
        "{head}"
    );
    assert_eq!(regression, "regression\ta\tboard-1\t-\tpassed\tfailed\tseen");
    assert_eq!(fixed, "fixed\tb\tboard-1\t-\tfailed\tpassed\tseen");
    let (status, said, _) = ann.ask(&[&compare[..], &["--change", "all", "--json"]].concat());
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, found["cases"][0]["change"].as_str()), (9, Some("regression")));
    let fixed = [&compare[..], &["--change", "fixed", "--markdown"]].concat();
    let (status, said, _) = ann.ask(&fixed);
    assert_eq!(status, 9, "what is not shown counts as well");
    assert!(
        said.contains("\n| b checks b | board-1 |  | fixed | passed | failed: seen |\n"),
        "{said}"
    );
    assert!(!said.contains("| a checks a |"), "{said}");
    let (status, said, _) = ann.ask(&["run", "compare", "a", "b", "--change", "worse"]);
    assert!(status == 2 && said.is_empty(), "{said}");
    let better = ann.does(&["run", "compare", "recorded/v1", "recorded/v1"]);
    assert!(better.contains(": 0 regression, 0 new failure, 1 still failing, "), "{better}");
    let runs = [&first, &second].map(|id| format!("run/{id}"));
    assert_eq!(ann.ask(&["run", "compare", &runs[1], &runs[0], "--wait"]).0, 9);
    assert_eq!(ann.ask(&["run", "compare", "recorded/v9", "recorded/v1", "--wait"]).0, 4);

    let grid = ann.does(&["run", "history", "--machine", "board-1"]);
    let lines: Vec<&str> = grid.lines().collect();
    assert!(lines[0].starts_with("# 1: recorded/v2, "), "{grid}");
    assert!(lines[0].ends_with("2 passed, 2 failed, 1 not run, 50.00 %"), "{grid}");
    assert!(lines[1].starts_with("# 2: recorded/v1, "), "{grid}");
    assert_eq!(lines[2], "case\t1\t2");
    assert_eq!(lines[3..], ["a\t✗\t✓", "b\t✓\t✗", "c\t✓\t✓", "d\t?\t–", "e\t✗"]);
    let changed = ann.does(&["run", "history", "--changes", "--rows", "1"]);
    assert!(changed.ends_with("\na\t✗\t✓\n# more: --after 'a'"), "{changed}");

    let case = ann.does(&["run", "case", "a", "--machine", "board-1", "--window", "5"]);
    assert!(case.contains("Flaky:\t0 of 2, 0.0 % (0.0 % to "), "{case}");
    assert!(case.contains("First bad:\trecorded/v2\nLast good:\trecorded/v1\n"), "{case}");
    let results: Vec<&str> = case.lines().filter(|line| line.contains("\tboard-1\t")).collect();
    assert!(results.len() == 2 && results[0].contains("\trecorded/v2\t"), "{case}");
    assert_eq!(ann.json(&["run", "case", "a"])["flakiness"]["executions"], 2);
    ann.fails(4, &["run", "case", "nowhere"]);
}

#[test]
fn a_token_of_one_plan_and_one_machine_brings_results_of_a_manifest_alone() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let file = written(server.folder.path(), "a.csv", &table(&[("XEN1.1", "PASS")]));
    let made = ["token", "create", "lab", "--plan", "smoke", "--machine", "board-1", "--days", "1"];
    let secret = ann.does(&made).lines().last().unwrap().to_owned();
    let asked = |arguments: &[&str]| {
        let mut command = ann.command(&[&["run", "import", &file], arguments].concat());
        let done = command
            .env("BOOTWRIGHT_SERVER", &server.url)
            .env("BOOTWRIGHT_TOKEN", &secret)
            .output()
            .unwrap();
        (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (status, said) = asked(&[]);
    assert!(status == 1 && said.contains("name the manifest"), "{status} {said}");
    let (status, said) = asked(&["--machine", "board-2"]);
    assert!(status == 3 && said.contains("of another machine or plan"), "{status} {said}");
    let manifest = domain::digest::Digest::of("no manifest of ours").to_string();
    let (status, said) = asked(&["--manifest", &manifest, "--plan", "smoke"]);
    assert!(
        status == 1 && said.contains("candidate or release has this manifest"),
        "{status} {said}"
    );
}

#[test]
fn results_come_in_and_are_compared_as_the_docs_write_it() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let folder = server.folder.path().join("work");
    fs::create_dir(&folder).unwrap();
    for (name, file) in [
        ("output.xml", "robot-7.5/output.xml"),
        ("output.json", "robot-7.5/output.json"),
        ("boot.tap", "test-more-1.302190/boot.tap"),
        ("junit.xml", "pytest-9.2.0/junit.xml"),
    ] {
        fs::copy(fixture(file), folder.join(name)).unwrap();
    }
    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*ann.token)];
    let said = ann.runs(&documented("results-commands"), &folder, &variables);
    assert!(said.contains("\tnew\trecorded/v1.1.0\t") && said.contains("\tnew\tinbox\t"), "{said}");
    let variables = [("BASE", &*server.url), ("TOKEN", &*ann.token)];
    let block = documented("functions") + &documented("results-curl");
    let said = ann.runs(&block, &folder, &variables);
    assert!(said.contains("\"about\": \"recorded/v1.0.0\""), "{said}");

    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*ann.token)];
    let block = documented("results-compared") + "test \"$worse\" = 9\n";
    let said = ann.runs(&block, &folder, &variables);
    assert!(said.contains("Case:\tXEN1.2\n"), "{said}");
    let posted = fs::read_to_string(folder.join("change.md")).unwrap();
    assert!(posted.starts_with("## recorded/v1.1.0 compared with recorded/v1.0.0\n"), "{posted}");
    let failed = "| kernel is 4.9.y # of the release | board-1 |  | new failure | failed: ";
    assert!(posted.contains(failed), "{posted}");
}
