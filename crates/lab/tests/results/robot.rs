//! Robot Framework of five versions, as XML and as JSON.

use domain::run::{
    Outcome::{self, Failed, Passed, Skipped},
    reported::ResultFormat,
};

use crate::reading::{Read, fixture, read, read_fixture, refusal};

const VERSIONS: [&str; 5] = ["3.2.2", "4.1.3", "5.0.1", "6.1.1", "7.5"];

/// How the cases of `sources/robot/boot` end.
const BOOT: [(&str, Outcome); 8] = [
    ("XEN1.2", Passed),
    ("DEB1.1", Failed),
    ("DEB1.5", Failed),
    ("Boot.Rootfs.A test without an id", Passed),
    ("Boot.Rootfs.Not for this board", Skipped),
    // The teardown of their suite fails.
    ("PXE001.001", Failed),
    ("PXE002.001", Failed),
    ("NBT001.001", Failed),
];

fn assert_boot(read: &Read, version: &str) {
    // Version 3 cannot skip.
    let expected: Vec<_> =
        BOOT.into_iter().filter(|it| version != "3.2.2" || it.1 != Skipped).collect();
    assert_eq!(read.outcomes(), expected, "{version}");
    assert_eq!(read.run.suite, "Boot");
    assert!(read.run.generator.contains(version), "{}", read.run.generator);
    assert_eq!((read.run.totals.passed, read.run.totals.failed), (2, 5));
    assert_eq!(read.run.contradictions, [""; 0]);
    assert_eq!(read.run.incomplete, None);
    assert!(read.run.started_at.unwrap() < read.run.ended_at.unwrap());

    let passed = read.case("XEN1.2");
    assert_eq!(passed.title, "Verify if IOMMU is enabled");
    assert_eq!(passed.suites, ["Boot", "Rootfs"]);
    assert!(passed.tags.contains(&"iommu".to_owned()) && passed.excerpt.is_empty());
    assert!(passed.started_at >= read.run.started_at);
    assert!(passed.duration_us.unwrap() < 10_000_000);

    let failed = read.case("DEB1.1");
    assert_eq!(failed.message, "No match found for 'login:' in 5 minutes");
    let log: Vec<_> = failed.excerpt.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    let expected = [
        "INFO waiting for <login:> & \"password\"",
        "INFO read until login, try 0",
        "INFO read until login, try 1",
        "INFO the console was silent for 300 s",
        "FAIL No match found for 'login:' in 5 minutes",
    ];
    assert_eq!(log, expected, "{version}");

    assert!(read.case("DEB1.5").message.contains("2) dmesg has 3 errors"));
    let whole_suite = "Parent suite teardown failed:\nthe relay did not answer";
    assert_eq!(read.case("PXE001.001").message, whole_suite, "{version}");
    let both = "expected login: & a prompt\n\nAlso parent suite teardown failed:\nthe relay did not answer";
    assert_eq!(read.case("PXE002.001").message, both, "{version}");
    assert_eq!(read.case("NBT001.001").message, "Parent suite setup failed:\nno machine answers");
}

#[test]
fn each_version_tells_the_same() {
    for version in VERSIONS {
        let read = read_fixture(&format!("robot-{version}/output.xml"));
        assert_eq!(read.run.format, ResultFormat::RobotXml);
        assert_boot(&read, version);
    }
}

#[test]
fn what_rebot_wrote_has_been_through_the_rule_on_teardowns() {
    for version in VERSIONS {
        assert_boot(&read_fixture(&format!("robot-{version}/rebot.xml")), version);
    }
}

#[test]
fn json_tells_what_xml_tells() {
    let json = read_fixture("robot-7.5/output.json");
    assert_eq!(json.run.format, ResultFormat::RobotJson);
    assert_boot(&json, "7.5");
    let (json, xml) = (read_fixture("robot-7.5/merged.json"), read_fixture("robot-7.5/merged.xml"));
    assert_eq!(json.cases, xml.cases);
}

#[test]
fn merged_outputs_tell_of_earlier_attempts() {
    for version in VERSIONS {
        let read = read_fixture(&format!("robot-{version}/merged.xml"));
        assert_eq!(read.outcomes(), [("XEN1.4", Failed), ("XEN1.5", Passed), ("TCL1.1", Passed)]);
        let earlier = |id: &str| {
            let earlier = &read.case(id).earlier;
            earlier.iter().map(|it| (it.outcome, it.message.clone())).collect::<Vec<_>>()
        };
        let twice = vec![(Failed, "Xen did not boot".to_owned()); 2];
        assert_eq!(earlier("XEN1.4"), twice, "{version}");
        let first = (Failed, "The first boot <never> succeeds".to_owned());
        assert_eq!(earlier("XEN1.5"), [first, (Passed, String::new())], "{version}");
        assert_eq!(earlier("TCL1.1"), [], "{version}");
        assert_eq!(read.case("XEN1.4").message, "Xen did not boot");
        assert_eq!(read.case("XEN1.5").message, "");
    }
}

#[test]
fn of_a_killed_run_the_whole_cases_are_kept() {
    for version in VERSIONS {
        let bytes = fixture(&format!("robot-{version}/killed.xml"));
        let read = read(&bytes).unwrap();
        assert_eq!(read.outcomes(), [("VOY1.1", Passed), ("PFS1.1", Failed)], "{version}");
        let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
        let expected =
            format!("The file ends in the middle, at line {lines}: the cases before are whole.");
        assert_eq!(read.run.incomplete, Some(expected), "{version}");
        assert!(read.run.started_at.is_some());
    }
}

#[test]
fn totals_that_its_cases_do_not_bear_out_are_said() {
    for name in ["robot-7.5/output.xml", "robot-7.5/output.json"] {
        let text = String::from_utf8(fixture(name)).unwrap();
        let text = text.replace("pass=\"2\" fail=\"5\"", "pass=\"3\" fail=\"4\"");
        let wrong = text.replacen("\"pass\":2,\n\"fail\":5", "\"pass\":3,\n\"fail\":4", 1);
        let expected = [
            "The file counts 3 passed, and 2 are there.",
            "The file counts 4 failed, and 5 are there.",
        ];
        assert_eq!(read(wrong.as_bytes()).unwrap().run.contradictions, expected, "{name}");
    }
}

#[test]
fn an_inner_teardown_that_skips_and_an_outer_one_that_fails() {
    let text = r#"<robot generator="Robot 7.0 (Python 3.11 on linux)"><suite name="Outer"><suite name="Inner">
<test name="AB1.1 first"><status status="PASS" start="2026-01-01T00:00:00" elapsed="1.5"/></test>
<kw type="TEARDOWN"><status status="SKIP">not on this board</status></kw><status status="SKIP"/></suite>
<test name="AB1.2 second"><status status="NOT RUN"/></test>
<kw type="TEARDOWN"><status status="FAIL"/></kw>
<status status="FAIL">Suite teardown failed:
told here</status></suite></robot>"#;
    let read = read(text.as_bytes()).unwrap();
    assert_eq!(read.outcomes(), [("AB1.1", Skipped), ("AB1.2", Failed)]);
    let first = read.case("AB1.1");
    assert!(first.message.starts_with("Skipped in parent suite teardown:\nnot on this board"));
    assert_eq!(first.duration_us, Some(1_500_000));
    assert_eq!(read.case("AB1.2").message, "Parent suite teardown failed:\ntold here");
}

#[test]
fn what_is_not_robots_is_told_by_its_line() {
    assert_eq!(
        refusal(b"\n<!DOCTYPE html>\n<html>"),
        "line 2: this is an HTML page: of Robot Framework give output.xml, not log.html or report.html"
    );
    let broken = b"<robot>\n<suite name=\"a\">\n</robot>\n";
    assert!(refusal(broken).starts_with("line 3: the XML is broken:"), "{}", refusal(broken));
    let json = b"{\"generator\":\"Robot\",\n\"rpa\":false,\n\"suite\":[]}";
    assert!(
        refusal(json).starts_with("line 3: the JSON is broken: invalid type"),
        "{}",
        refusal(json)
    );
}
