//! Our own JSON: what is written reads back as it was.

use domain::run::reported::{ReportedRun, ResultFormat};
use lab::results::write_json;

use crate::reading::{Read, fixtures, read, read_fixture, refusal};

fn written(file: &Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_json(&file.run, &file.cases, &mut bytes).unwrap();
    bytes
}

#[test]
fn every_file_of_a_real_runner_comes_back_as_it_was() {
    for name in fixtures() {
        let first = read_fixture(&name);
        let second = read(&written(&first)).unwrap();
        assert_eq!(second.cases, first.cases, "{name}");
        let run = ReportedRun { format: ResultFormat::Json, ..first.run.clone() };
        assert_eq!(second.run, run, "{name}");
        assert_eq!(written(&second), written(&first), "{name}");
    }
}

/// The example of the documentation.
fn example() -> String {
    let text = include_str!("../../../../docs/results.md");
    let from = text.split_once("```json\n").unwrap().1;
    from.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let file = read(example().as_bytes()).unwrap();
    assert_eq!(file.run.totals.all(), 2);
    assert_eq!(file.run.contradictions, [""; 0]);
    assert_eq!(file.cases[0].measurements[0].value, 12.4);
    assert_eq!(file.cases[1].earlier.len(), 1);
}

#[test]
fn measurements_come_back_to_the_last_bit() {
    let mut file = read(example().as_bytes()).unwrap();
    for value in [0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, -1e300, 123_456_789.123_456_79] {
        file.cases[0].measurements[0].value = value;
        let back = read(&written(&file)).unwrap().cases[0].measurements[0].value;
        assert_eq!(back.to_bits(), value.to_bits());
    }
}

#[test]
fn totals_that_its_cases_do_not_bear_out_are_said() {
    let wrong = example().replace("\"passed\": 1", "\"passed\": 690");
    let expected = ["The file counts 690 passed, and 1 are there."];
    assert_eq!(read(wrong.as_bytes()).unwrap().run.contradictions, expected);
}

#[test]
fn what_cannot_be_understood_is_told_by_its_line() {
    let later = refusal(b"{\n\"schema\": 2,\n\"cases\": []}");
    assert_eq!(later, "line 2: schema 2 is not known: this program reads schema 1");
    let unknown = refusal(
        b"{\"schema\":1,\"cases\":[\n{\"id\":\"a\",\"title\":\"a\",\"outcome\":\"maybe\"}]}",
    );
    assert!(
        unknown.starts_with(
            "line 2: the JSON is broken: unknown variant `maybe`, expected one of `passed`"
        ),
        "{unknown}"
    );
    let typo = refusal(b"{\"schema\":1,\n\"case\":[]}");
    assert!(typo.starts_with("line 2: the JSON is broken: unknown field `case`"), "{typo}");
    let behind = refusal(b"{\"cases\":[],\"schema\":1}");
    assert_eq!(behind, "line 1: the JSON is broken: \"schema\" has to come first");
}
