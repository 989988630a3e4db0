//! Files that nobody should make, and files that end anywhere.

use std::{
    io::{self, BufReader, Read},
    ops::ControlFlow,
};

use domain::time::Timestamp;
use lab::results::{ReadOptions, ResultFileError, read_results};

use crate::reading::{fixture, fixtures, read, read_fixture, refusal};

#[test]
fn entities_of_a_files_own_are_refused() {
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE robot [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>\n<robot>&b;</robot>";
    let expected =
        "line 2: a document type (DTD) stands here, and such files are refused: leave it out";
    assert_eq!(refusal(bomb.as_bytes()), expected);
    // Too far behind for the format to be recognised: the reader refuses it as well.
    let late = format!(
        "<?xml version=\"1.0\"?>\n<testsuite>\n{}<!DOCTYPE x><a/></testsuite>",
        " ".repeat(100_000)
    );
    assert!(refusal(late.as_bytes()).starts_with("line 3: a document type"));
    let unknown = refusal(
        b"<testsuite>\n<testcase name=\"a\"><failure>&nbsp;</failure></testcase></testsuite>",
    );
    assert_eq!(unknown, "line 2: the entity &nbsp; is not known");
}

#[test]
fn other_encodings_and_packings_are_named() {
    let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<testsuite name=\"caf\xe9\"/>";
    let expected = "line 1: the file is in ISO-8859-1, and only UTF-8 is read: convert it, for example with iconv";
    assert_eq!(refusal(latin), expected);
    let utf16: Vec<u8> = "\u{feff}<robot/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refusal(&utf16).starts_with("line 1: the file is in UTF-16"));
    assert!(refusal(b"\x1f\x8b\x08\0").starts_with("line 1: this is a gzip archive"));
    assert!(refusal(b"PK\x03\x04").starts_with("line 1: this is a ZIP archive or a spreadsheet"));
    assert_eq!(refusal(b""), "line 1: the file is empty");
    assert_eq!(refusal(b" \n\n"), "line 1: the file is empty");
    let not = refusal(b"<testsuite>\n<testcase name=\"\xe9\"/>\n</testsuite>");
    assert_eq!(not, "line 2: this is not UTF-8: save or convert the file as UTF-8");
}

#[test]
fn levels_without_end_are_refused() {
    let suites = format!("<robot>{}", "<suite>".repeat(100_000));
    assert!(refusal(suites.as_bytes()).ends_with("more than 24 levels stand within each other"));
    let steps = format!("<robot><suite><test>{}", "<kw>".repeat(100_000));
    assert!(refusal(steps.as_bytes()).ends_with("more than 512 levels stand within each other"));
    let suites = "<testsuite>".repeat(100_000);
    assert!(refusal(suites.as_bytes()).ends_with("more than 24 levels stand within each other"));
    let json = format!("{{\"rpa\":false,\"suite\":{}", "{\"suites\":[".repeat(100_000));
    assert!(refusal(json.as_bytes()).ends_with("more than 24 levels stand within each other"));
    let json = format!("{{\"rpa\":false,\"x\":{}", "[".repeat(100_000));
    assert!(refusal(json.as_bytes()).ends_with("more than 512 levels stand within each other"));
    let tap: String = (0..100).map(|level| format!("{}1..1\n", " ".repeat(level))).collect();
    assert!(refusal(tap.as_bytes()).ends_with("more than 24 levels stand within each other"));
}

#[test]
fn keywords_deeper_than_the_parser_goes_are_passed_over() {
    let body = "{\"body\":[".repeat(150);
    let end = "]}".repeat(150);
    let outer = "{\"name\":\"O\",\"suites\":[".repeat(23);
    let (outer_end, suites) = ("]}".repeat(23), "O.".repeat(23));
    let json = format!(
        "{{\"generator\":\"Robot 7.5\",\"rpa\":false,\"suite\":{outer}{{\"name\":\"S\",\"tests\":[{{\"name\":\"t\",\"status\":\"PASS\",\"body\":[{body}{end}]}}]}}{outer_end}}}"
    );
    let ids: Vec<_> =
        read(json.as_bytes()).unwrap().cases.into_iter().map(|case| case.id).collect();
    assert_eq!(ids, [format!("{suites}S.t")]);
}

/// A gigabyte of one piece, again and again.
struct Endless {
    piece: &'static [u8],
    at: usize,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left);
        for byte in &mut buffer[..most] {
            *byte = self.piece[self.at];
            self.at = (self.at + 1) % self.piece.len();
        }
        self.left -= most;
        Ok(most)
    }
}

#[test]
fn pieces_without_end_are_refused() {
    let cases = [
        ("<testsuite>\n<testcase name=\"a\"><system-out>", "1"),
        ("<robot>\n<suite name=\"", "1"),
        ("{\"schema\":1,\n\"cases\":[{\"id\":\"", "1"),
        ("{\"schema\":1,\n\"cases\":[{\"tags\":[\"\"", ",\"a\""),
        ("{\"rpa\":false,\n\"suite\":{\"name\":\"", "1"),
        ("Test ID,Result\n\"", "1"),
        ("Test ID,Result\na", ","),
    ];
    for (front, piece) in cases {
        let rest = Endless { piece: piece.as_bytes(), at: 0, left: 1 << 30 };
        let input = BufReader::with_capacity(64 * 1024, front.as_bytes().chain(rest));
        let end = read_results(input, &ReadOptions::default(), &mut |_| ControlFlow::Continue(()));
        let expected = "line 2: one piece of the file is longer than 16 MiB";
        assert_eq!(end.unwrap_err().to_string(), expected, "{front}");
    }
}

#[test]
fn names_are_text_whatever_they_hold() {
    let name = "a\\nb\\u0000<script>alert(1)</script>\\u202eRTL";
    let json = format!(
        "{{\"schema\":1,\"cases\":[{{\"id\":\"{name}\",\"title\":\"{name}\",\"outcome\":\"passed\",\"message\":\"{name}\",\"started_at\":99999999999999999}}]}}"
    );
    let case = &read(json.as_bytes()).unwrap().cases[0];
    let expected = "a b\u{fffd}<script>alert(1)</script>\u{202e}RTL";
    assert_eq!((&*case.id, &*case.title), (expected, expected));
    assert_eq!(case.message, "a\nb\u{fffd}<script>alert(1)</script>\u{202e}RTL");
    assert_eq!(case.started_at, Some(Timestamp(99_999_999_999_999_999)), "the future is kept");
    let xml =
        "<testsuite><testcase name=\"a&#10;b&#0;&#xD800;\" classname=\"&lt;x&gt;\"/></testsuite>";
    let id = read(xml.as_bytes()).map(|file| file.cases[0].id.clone());
    assert!(id.is_err() || id.as_deref().is_ok_and(|id| id.starts_with("<x>::a b")));
}

#[test]
fn ids_are_bounded_and_each_is_there_once() {
    let long = "x".repeat(2000);
    let rows = format!(
        "Test ID,Result\na,PASS\na (2),PASS\na,PASS\na,PASS\n{long},PASS\n{long}y,PASS\n,\n"
    );
    let file = read(rows.as_bytes()).unwrap();
    let ids: Vec<_> = file.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(&ids[..4], ["a", "a (2)", "a (3)", "a (4)"]);
    assert_eq!(ids[4].len(), 500);
    assert_eq!(ids[5].len(), 500);
    assert!(ids[5].ends_with("x (2)"));
    assert_eq!(file.cases[4].title.len(), 1000);
}

#[test]
fn remarks_are_as_many_as_are_read() {
    let rows = format!("Test ID,Result\n{}", "a,PASS\n".repeat(1000));
    let remarks = read(rows.as_bytes()).unwrap().run.remarks;
    assert_eq!(remarks.len(), 21);
    assert_eq!(remarks[20], "979 more of this kind are left out.");
}

#[test]
fn a_file_that_ends_anywhere_gives_no_more_than_the_whole() {
    for name in fixtures() {
        let bytes = fixture(&name);
        let whole = read_fixture(&name).cases.len();
        // Each byte of the small files, and many places of the others.
        let step = 1 + bytes.len() / 3000;
        for end in (0..bytes.len()).step_by(step) {
            let mut cases = 0;
            let end_of_it = read_results(&bytes[..end], &ReadOptions::default(), &mut |_| {
                cases += 1;
                ControlFlow::Continue(())
            });
            assert!(cases <= whole, "{name} up to {end}: {cases} of {whole}, {end_of_it:?}");
            if let Ok(run) = end_of_it {
                assert_eq!(run.totals.all(), cases as u64, "{name} up to {end}");
                assert!(
                    run.incomplete.is_some() || cases == whole,
                    "{name} up to {end} is whole with {cases} of {whole}"
                );
            }
        }
    }
}

#[test]
fn whoever_takes_the_cases_can_end_the_reading() {
    for name in fixtures() {
        let mut cases = 0;
        let end = read_results(fixture(&name).as_slice(), &ReadOptions::default(), &mut |_| {
            cases += 1;
            ControlFlow::Break(())
        });
        assert!(matches!(end, Err(ResultFileError::Stopped)), "{name}: {end:?}");
        assert_eq!(cases, 1, "{name}");
    }
}
