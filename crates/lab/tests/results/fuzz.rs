//! Every importer over bytes that nobody wrote and over files of real runners with bytes changed. A
//! minute in all at the most; `make fuzz` looks for longer (`BOLERO_RANDOM_TEST_TIME_MS`).

use std::{collections::HashSet, sync::OnceLock};

use domain::run::reported::{ReportedRun, ResultFormat, Totals};
use lab::results::{ReadOptions, write_csv, write_json};

use crate::reading::{fixture, fixtures, read, read_as};

/// What must hold for any bytes: an answer, each id once, totals that are those of the cases, and all
/// comes back from our own JSON as it was.
fn assert_sound(bytes: &[u8], format: Option<ResultFormat>) {
    let options = ReadOptions { format, column: None };
    let Ok(file) = read_as(bytes, &options) else { return };
    let (mut ids, mut totals) = (HashSet::new(), Totals::default());
    for case in &file.cases {
        assert!(case.id.chars().count() <= 500 && !case.id.contains(['\n', '\0']));
        assert!(case.message.len() <= 16 * 1024 && case.excerpt.len() <= 16 * 1024);
        assert!(ids.insert(&case.id), "{:?} came twice", case.id);
        totals.count(case.outcome);
    }
    assert_eq!(file.run.totals, totals);
    let mut json = Vec::new();
    write_json(&file.run, &file.cases, &mut json).unwrap();
    let back = read(&json).unwrap();
    assert_eq!(back.cases, file.cases);
    assert_eq!(back.run, ReportedRun { format: ResultFormat::Json, ..file.run });
}

/// A file of a real runner, changed: at each place a byte is put, cut out, or a part is doubled.
type Changes = (u8, Vec<(u16, u8, u8)>);

fn changed(files: &[Vec<u8>], (which, changes): &Changes) -> Vec<u8> {
    let mut bytes = files[usize::from(*which) % files.len()].clone();
    for &(at, how, byte) in changes.iter().take(16) {
        let at = usize::from(at) % bytes.len().max(1);
        match how % 4 {
            0 if !bytes.is_empty() => bytes[at] = byte,
            1 if !bytes.is_empty() => {
                bytes.drain(at..(at + usize::from(byte)).min(bytes.len()));
            }
            2 => bytes.insert(at, byte),
            _ => {
                let end = (at + usize::from(byte)).min(bytes.len());
                let part = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

/// The files of real runners that are of this format, and what they are in our own formats.
fn files_of(format: ResultFormat) -> Vec<Vec<u8>> {
    static ALL: OnceLock<Vec<(ResultFormat, Vec<u8>)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut all = Vec::new();
        for name in fixtures() {
            let bytes = fixture(&name);
            let read = read(&bytes).unwrap();
            let (mut json, mut csv) = (Vec::new(), Vec::new());
            write_json(&read.run, &read.cases, &mut json).unwrap();
            write_csv(&read.cases, &mut csv).unwrap();
            all.extend([
                (read.run.format, bytes),
                (ResultFormat::Json, json),
                (ResultFormat::Csv, csv),
            ]);
        }
        all
    });
    let files: Vec<_> = all.iter().filter(|it| it.0 == format).map(|it| it.1.clone()).collect();
    assert!(!files.is_empty(), "{format}");
    files
}

fn fuzz_bytes(format: Option<ResultFormat>) {
    bolero::check!().for_each(|bytes: &[u8]| assert_sound(bytes, format));
}

fn fuzz_files(format: ResultFormat) {
    let files = files_of(format);
    bolero::check!().with_type::<Changes>().for_each(|changes| {
        assert_sound(&changed(&files, changes), Some(format));
    });
}

/// What files of this format are made of, in any order.
fn pieces_of(format: ResultFormat) -> &'static [&'static str] {
    match format {
        ResultFormat::RobotXml => &[
            "<robot generator='Robot 7'>",
            "</robot>",
            "<suite name='s'>",
            "</suite>",
            "<test name='AB1.1 t'>",
            "<test name='t'>",
            "</test>",
            "<kw type='TEARDOWN'>",
            "<kw>",
            "</kw>",
            "<tags>",
            "</tags>",
            "<tag>a</tag>",
            "<msg level='FAIL' html='true' time='2026-01-01T00:00:00'>",
            "</msg>",
            "<status status='PASS' elapsed='1'/>",
            "<status status='FAIL' starttime='20260101 00:00:00' endtime='20260101 00:00:01'>",
            "</status>",
            "text",
            "&lt;",
            "*HTML* &lt;span class=\"merge\"&gt;&lt;hr&gt;&lt;span class=\"old-status\"&gt;",
            "<![CDATA[",
            "]]>",
            "<statistics><total><stat pass='1' fail='x'>All Tests</stat></total></statistics>",
            "\n",
        ],
        ResultFormat::RobotJson => &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"suite\":{",
            "\"suites\":[{",
            "\"tests\":[{",
            "\"body\":[{",
            "}]",
            "},",
            "\"name\":\"s\",",
            "\"status\":\"FAIL\",",
            "\"type\":\"MESSAGE\",",
            "\"message\":\"m\",",
            "\"level\":\"FAIL\",",
            "\"teardown\":{",
            "\"elapsed_time\":1e9,",
            "\"tags\":[\"a\"],",
            "null",
            "\"rpa\":false,",
            "\"x\":0",
            "\n",
        ],
        ResultFormat::Junit => &[
            "<testsuites tests='1'>",
            "</testsuites>",
            "<testsuite name='s' tests='2' time='1,234.5'>",
            "</testsuite>",
            "<testcase name='t' classname='c' time='1'>",
            "<testcase/>",
            "</testcase>",
            "<failure message='m'>",
            "</failure>",
            "<error>",
            "</error>",
            "<skipped/>",
            "<rerunFailure>",
            "</rerunFailure>",
            "<flakyError time='1'>",
            "</flakyError>",
            "<stackTrace>",
            "</stackTrace>",
            "<system-out>",
            "</system-out>",
            "<properties>",
            "</properties>",
            "<property name='p' value='1 s'/>",
            "text",
            "&#10;",
            "<!-- -->",
            "\n",
        ],
        ResultFormat::Tap => &[
            "ok 1 - a\n",
            "not ok 2 b # TODO c\n",
            "ok # SKIP\n",
            "1..2\n",
            "    ",
            "\t",
            "# ",
            "#",
            "TAP version 13\n",
            "KTAP version 1\n",
            "# Subtest: s\n",
            "  ---\n",
            "  ...\n",
            "  message: |\n",
            "   x\n",
            "[ 1.5] ",
            "<6>",
            "Bail out! w\n",
            "\\#",
            "text\n",
            "\r\n",
            "ok",
            "not ",
            "# selftests: a: b\n",
            "# time=1ms\n",
        ],
        ResultFormat::Csv => &[
            "Test name",
            "Test ID",
            "Result",
            "Comments",
            "Board",
            ",",
            ";",
            "\t",
            "\n",
            "\r\n",
            "\"",
            "PASS",
            "FAIL",
            "not-run",
            "XEN1.2",
            "a",
            "'=",
            "=1",
            " ",
            "\u{feff}",
        ],
        ResultFormat::Json => &[
            "{",
            "}",
            "[",
            "]",
            ",",
            "\n",
            "\"schema\":1,",
            "\"cases\":[",
            "{\"id\":\"a\",\"title\":\"t\",\"outcome\":\"passed\"",
            "\"tags\":[\"a\"]",
            "\"measurements\":[{\"name\":\"n\",\"value\":-0.0}]",
            "\"duration_us\":-1",
            "\"earlier\":[{\"outcome\":\"not-run\"}]",
            "\"message\":\"\\u0000\\r\\n\"",
            "\"totals\":{\"passed\":1}",
            "\"remarks\":[\"r\",\"r\"]",
            "\"incomplete\":\"i\"",
            "\"suite\":\"s\"",
            "\"started_at\":1",
        ],
    }
}

/// Pieces of a format in any order, behind what lets the rest be looked at.
fn fuzz_pieces(format: ResultFormat) {
    let pieces = pieces_of(format);
    bolero::check!().with_type::<(bool, Vec<u8>)>().for_each(|(with_front, numbers)| {
        let front = match format {
            ResultFormat::RobotXml => "<robot generator='Robot 7'><suite name='s'>",
            ResultFormat::RobotJson => {
                "{\"generator\":\"Robot 7\",\"suite\":{\"tests\":[{\"name\":\"t\""
            }
            ResultFormat::Junit => "<testsuites><testsuite name='s'>",
            ResultFormat::Tap => "",
            ResultFormat::Csv => "Test name,Test ID,Result,Comments\n",
            ResultFormat::Json => {
                "{\"schema\":1,\"cases\":[{\"id\":\"a\",\"title\":\"t\",\"outcome\":\"passed\""
            }
        };
        let text: String = with_front
            .then_some(front)
            .into_iter()
            .chain(numbers.iter().map(|it| pieces[usize::from(*it) % pieces.len()]))
            .collect();
        assert_sound(text.as_bytes(), Some(format));
    });
}

#[test]
fn bytes_of_no_format() {
    fuzz_bytes(None);
}

/// For each format: bytes, its pieces in any order, and files that are changed.
macro_rules! fuzz {
    ($($name:ident: $format:ident),* $(,)?) => {$(
        mod $name {
            use domain::run::reported::ResultFormat;

            #[test]
            fn bytes() {
                super::fuzz_bytes(Some(ResultFormat::$format));
            }

            #[test]
            fn pieces() {
                super::fuzz_pieces(ResultFormat::$format);
            }

            #[test]
            fn files() {
                super::fuzz_files(ResultFormat::$format);
            }
        }
    )*};
}
fuzz!(robot_xml: RobotXml, robot_json: RobotJson, junit: Junit, tap: Tap, csv: Csv, json: Json);
