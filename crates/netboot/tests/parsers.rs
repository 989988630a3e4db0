//! Whatever a machine sends beside calls of NFS: it is read or refused with a reason, and nothing panics.

use domain::{
    boot::report::{LONGEST_REPORT, parse},
    machine::{Labels, parse_rules, read_table, write_rules},
};
use netboot::{Base, Part, range};

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn fuzz_reports() {
    bolero::check!().for_each(|bytes: &[u8]| match parse(bytes) {
        Ok((token, report)) => {
            assert!(bytes.len() <= LONGEST_REPORT && !token.is_empty());
            assert!(report.ago_us >= 0 && !report.note.chars().any(char::is_control));
        }
        Err(error) => assert!(error.to_string().len() < 200),
    });
}

#[test]
fn fuzz_reports_of_lines() {
    let keys = ["token", "entry", "manifest", "stage", "since", "now", "class", "note"];
    bolero::check!().with_type::<Vec<(u8, Vec<u8>)>>().for_each(|lines| {
        let line = |(key, value): &(u8, Vec<u8>)| {
            format!("{}: {}\n", keys[usize::from(*key) % keys.len()], text(value))
        };
        let report: String = lines.iter().map(line).collect();
        let known = format!("token: a\nstage: init\n{report}");
        for it in [&report, &known] {
            if let Ok((_, report)) = parse(it.as_bytes()) {
                assert!(!report.entry.contains(char::is_whitespace));
            }
        }
    });
}

#[test]
fn fuzz_ranges() {
    bolero::check!().with_type::<(Vec<u8>, u64)>().for_each(|(bytes, size)| {
        for header in [text(bytes).into_owned(), format!("bytes={}", text(bytes))] {
            if let Part::Some { first, length } = range(Some(&header), *size) {
                assert!(length > 0 && first.checked_add(length).is_some_and(|end| end <= *size));
            }
        }
    });
}

#[test]
fn fuzz_hosts() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let host = text(bytes);
        if Base::from_host(&host).is_some() {
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
            assert!(host.chars().all(plain), "{host:?} would be in a script");
        }
    });
}

#[test]
fn fuzz_labels_rules_and_tables() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let text = text(bytes);
        if let Ok(labels) = text.parse::<Labels>() {
            assert_eq!(labels.to_string().parse::<Labels>().unwrap(), labels);
        }
        if let Ok(rules) = parse_rules(&text) {
            assert_eq!(parse_rules(&write_rules(&rules)).unwrap(), rules);
        }
        if let Err(faults) = read_table(&text) {
            assert!(faults.iter().all(|it| it.line >= 1 && !it.message.is_empty()));
        }
    });
}
