//! Machines by command, on an installation where nothing is served yet.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use super::{Person, Server, documented, text};

#[test]
fn machines_are_looked_after_by_command_as_the_docs_write_it() {
    let server = Server::start();
    let (ann, bob) = (server.person("ann", "developer"), server.person("bob", "approver"));
    let ada = server.person("ada", "administrator");
    let folder = server.folder.path().join("machines");
    fs::create_dir(&folder).unwrap();

    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*bob.token)];
    let said = bob.runs(&documented("machine-commands"), &folder, &variables);
    for words in [
        "nuc-7 is registered\nnuc-7 is yours until ",
        "\nnuc-7 boots environment development next\nnuc-7 boots environment production\n",
        "\nLabels:\track=3 role=build\n",
        "\nBoots:\tenvironment production (its own)\nBoots once:\tenvironment development, ordered by bob ",
        "\nLocked by:\tbob until ",
        "\nnuc-7 is locked by nobody\nrules r1 are saved: 1\n",
        "\n0 new, 0 changed, 1 as they were: nothing was done yet\n",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        ann.does(&["machine", "once", "nuc-7", "--take-back"]),
        "nuc-7 boots environment production"
    );
    let refused = ann.fails(3, &["machine", "assign", "nuc-7", "--rules"]);
    assert!(refused.contains("lock the machine first"), "{refused}");
    bob.does(&["machine", "assign", "nuc-7", "--rules"]);
    let listed = ann.does(&["machine", "list", "--label", "rack=3"]);
    assert_eq!(listed, "nuc-7\taccepted\tenvironment production\trule 1\t-\tnothing-to-boot\t-\t-");
    assert_eq!(ann.json(&["machine", "list", "--state", "pending"]), serde_json::json!([]));
    assert_eq!(ann.does(&["machine", "drift"]), "");

    // A change is of the machine as it is now; what is wrong is said here or there.
    let change = ["machine", "change", "nuc-7", "--location", "lab 3", "--labels", ""];
    assert_eq!(ann.does(&change), "nuc-7 r2 is saved");
    let found = ann.json(&["machine", "show", "nuc-7"]);
    assert_eq!((&found["location"], &found["labels"]), (&"lab 3".into(), &serde_json::json!({})));
    for wrong in [
        &["machine", "add", "x", "--mac", "52:54"][..],
        &["machine", "assign", "nuc-7"],
        &["machine", "assign", "nuc-7", "release", "v1.0.0", "--rules"],
        &["machine", "once", "nuc-7", "image", "v1.0.0"],
        &["machine", "unregistered", "set"],
    ] {
        assert_eq!(ann.ask(wrong).0, 2, "{wrong:?}");
    }
    ann.fails(4, &["machine", "show", "nuc-8"]);
    bob.fails(4, &["machine", "assign", "nuc-7", "release", "v9.0.0"]);
    ann.fails(5, &["machine", "add", "nuc-7", "--mac", "52:54:00:12:34:57"]);

    // What another person has locked is that person's, and an administrator's who says why.
    ann.does(&["machine", "lock", "nuc-7", "--purpose", "bisect"]);
    let refused = bob.fails(3, &["machine", "assign", "nuc-7", "environment", "production"]);
    assert!(refused.contains("ann"), "{refused}");
    ada.fails(3, &["machine", "unlock", "nuc-7"]);
    ada.does(&["machine", "unlock", "nuc-7", "--reason", "ann is on holiday"]);

    the_rules_are_of_a_revision(&ann, &bob, &folder);
    a_table_is_taken_whole(&ann, &folder);
    a_stranger_is_accepted(&server, &ann, &ada);
    assert_eq!(bob.does(&["machine", "remove", "nuc-7"]), "nuc-7 is removed");
}

fn the_rules_are_of_a_revision(ann: &Person, bob: &Person, folder: &Path) {
    // The file of the docs is of r0, and r1 is there by now.
    let file = folder.join("rules.txt");
    let file = file.to_str().unwrap();
    bob.fails(5, &["machine", "rules", "set", file]);
    ann.fails(3, &["machine", "rules", "set", file, "--revision", "1"]);
    let rules = bob.does(&["machine", "rules", "show"]);
    assert!(rules.starts_with("# r1 of ") && rules.ends_with("\nrack=3 => environment production"));
    let more = format!("{rules}\nrole=build => environment development\n");
    let set = given(bob, &["machine", "rules", "set", "-"], &more);
    assert_eq!(set, (0, "rules r2 are saved: 2\n".to_owned(), String::new()));
    let faulty = "# r2\nrack=3 -> environment production\nrack => variant probe\n";
    let (status, _, said) = given(bob, &["machine", "rules", "set", "-"], faulty);
    assert!(status == 2 && said.contains("line 2: ") && said.contains("line 3: "), "{said}");
    let (status, _, said) = given(bob, &["machine", "rules", "set", "-"], "");
    assert!(status == 2 && said.contains("--revision"), "{said}");
}

fn a_table_is_taken_whole(ann: &Person, folder: &Path) {
    let file = folder.join("more.csv");
    let table = file.to_str().unwrap();
    fs::write(&file, "name,macs\nnuc-8,52:54:00:12:34:58\nnuc-9,52:54\n,52:54:00:12:34:59\n")
        .unwrap();
    let (status, said, errors) = ann.ask(&["machine", "import", table]);
    assert!(status == 5 && said.is_empty(), "{status} {said}");
    assert!(errors.starts_with("line 3: ") && errors.contains("\nline 4: "), "{errors}");
    let good = "name,macs\nnuc-8,52:54:00:12:34:58\nnuc-7,52:54:00:12:34:56 52:54:00:12:34:5a\n";
    let (_, would, _) = given(ann, &["machine", "import", "--dry-run", "-"], good);
    assert_eq!(would, "+ nuc-8\n~ nuc-7\n1 new, 1 changed, 0 as they were: nothing was done yet\n");
    ann.fails(4, &["machine", "show", "nuc-8"]);
    let (_, done, _) = given(ann, &["machine", "import", "-"], good);
    assert!(done.ends_with("\n1 new, 1 changed, 0 as they were\n"), "{done}");
    let exported = ann.does(&["machine", "export"]);
    assert!(exported.contains("\nnuc-7,52:54:00:12:34:56 52:54:00:12:34:5a,"), "{exported}");
}

fn a_stranger_is_accepted(server: &Server, ann: &Person, ada: &Person) {
    let boots = |mac: &str| {
        let address = server.boot.replace("/menu.ipxe", &format!("/ipxe?mac={mac}"));
        let nothing = ureq::get(address).call();
        assert!(matches!(nothing, Err(ureq::Error::StatusCode(404))), "{nothing:?}");
    };
    boots("52:54:00:12:34:60");
    boots("52:54:00:12:34:61");
    let deadline = Instant::now() + Duration::from_secs(60);
    let pending = loop {
        let found = ann.json(&["machine", "list", "--state", "pending"]);
        let names: Vec<String> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        if names.len() == 2 {
            break names;
        }
        assert!(Instant::now() < deadline, "{found}");
    };
    let accepted =
        ann.does(&["machine", "accept", &pending[0], "--name", "nuc-10", "--labels", "rack=4"]);
    assert_eq!(accepted, "nuc-10 is accepted: it boots environment production");
    let merged = ann.does(&["machine", "merge", &pending[1], "nuc-10"]);
    assert_eq!(merged, format!("nuc-10 is what was discovered as {}", pending[1]));
    let macs = &ann.json(&["machine", "show", "nuc-10"])["macs"];
    assert_eq!(macs.as_array().unwrap().len(), 2, "{macs}");

    ann.fails(3, &["machine", "unregistered", "set", "--unknown", "refuse"]);
    let set = ada.does(&["machine", "unregistered", "set", "--unknown", "refuse"]);
    assert_eq!(set, "Unknown:\trefuse\nPending:\tmenu");
    assert_eq!(ann.does(&["machine", "unregistered", "show"]), set);
}

/// What a command makes of what it reads.
fn given(person: &Person, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = person.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), text(&output), errors)
}
