//! Every importer over bytes that nobody wrote and over files of real runners with bytes changed. A
//! minute in all at the most; `make fuzz` looks for longer (`BOLERO_RANDOM_TEST_TIME_MS`).

use std::{collections::HashSet, ops::ControlFlow, sync::OnceLock};

use domain::run::reported::{ResultFormat, Totals};
use lab::results::{ReadOptions, read_results};

use crate::reading::{fixture, fixtures, read_as};

/// What must hold for any bytes: an answer, each id once, totals that are those of the cases.
fn assert_sound(bytes: &[u8], format: Option<ResultFormat>) {
    let options = ReadOptions { format, column: None };
    let (mut ids, mut totals) = (HashSet::new(), Totals::default());
    let end = read_results(bytes, &options, &mut |case| {
        assert!(case.id.chars().count() <= 500 && !case.id.contains(['\n', '\0']));
        assert!(case.message.len() <= 16 * 1024 && case.excerpt.len() <= 16 * 1024);
        assert!(ids.insert(case.id.clone()), "{:?} came twice", case.id);
        totals.count(case.outcome);
        ControlFlow::Continue(())
    });
    if let Ok(run) = end {
        assert_eq!(run.totals, totals);
    }
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
            let read = read_as(&bytes, &ReadOptions::default()).unwrap();
            let (mut json, mut csv) = (Vec::new(), Vec::new());
            lab::results::write_json(&read.run, &read.cases, &mut json).unwrap();
            lab::results::write_csv(&read.cases, &mut csv).unwrap();
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

#[test]
fn bytes_of_no_format() {
    fuzz_bytes(None);
}

/// For each format: bytes, and files that are changed.
macro_rules! fuzz {
    ($($name:ident: $format:ident),* $(,)?) => {$(
        mod $name {
            use domain::run::reported::ResultFormat;

            #[test]
            fn bytes() {
                super::fuzz_bytes(Some(ResultFormat::$format));
            }

            #[test]
            fn files() {
                super::fuzz_files(ResultFormat::$format);
            }
        }
    )*};
}
fuzz!(robot_xml: RobotXml, robot_json: RobotJson, junit: Junit, tap: Tap, csv: Csv, json: Json);
