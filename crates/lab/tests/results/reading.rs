//! Reading a file in a test.

use std::{ops::ControlFlow, path::PathBuf};

use domain::run::{
    Outcome,
    reported::{ReportedCase, ReportedRun},
};
use lab::results::{ReadOptions, ResultFileError, read_results};

/// A file and its cases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    pub(crate) run: ReportedRun,
    pub(crate) cases: Vec<ReportedCase>,
}

impl Read {
    /// The case of this id.
    pub(crate) fn case(&self, id: &str) -> &ReportedCase {
        self.cases.iter().find(|case| case.id == id).unwrap_or_else(|| {
            panic!("no {id:?} in {:?}", self.cases.iter().map(|case| &case.id).collect::<Vec<_>>())
        })
    }

    /// Each id and how it ended.
    pub(crate) fn outcomes(&self) -> Vec<(&str, Outcome)> {
        self.cases.iter().map(|case| (case.id.as_str(), case.outcome)).collect()
    }
}

/// Reads bytes whose format is to be recognised.
pub(crate) fn read(bytes: &[u8]) -> Result<Read, ResultFileError> {
    read_as(bytes, &ReadOptions::default())
}

/// Reads bytes of which something is known.
pub(crate) fn read_as(bytes: &[u8], options: &ReadOptions) -> Result<Read, ResultFileError> {
    let mut cases = Vec::new();
    let run = read_results(bytes, options, &mut |case| {
        cases.push(case);
        ControlFlow::Continue(())
    })?;
    Ok(Read { run, cases })
}

/// What is wrong with bytes that cannot be read.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("this can be read").to_string()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../server/tests/fixtures/results")
}

/// The bytes of a file of a real runner.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a file of a real runner.
pub(crate) fn read_fixture(name: &str) -> Read {
    read(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all files of real runners.
pub(crate) fn fixtures() -> Vec<String> {
    let mut names = Vec::new();
    for runner in folder().read_dir().unwrap().map(Result::unwrap) {
        let name = runner.file_name().into_string().unwrap();
        if runner.path().is_dir() && name != "sources" {
            let files = runner.path().read_dir().unwrap().map(Result::unwrap);
            names.extend(
                files.map(|it| format!("{name}/{}", it.file_name().into_string().unwrap())),
            );
        }
    }
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    names
}
