//! Why a file of results cannot be read: words that a person can act on, and the line.

use std::io;

use domain::run::reported::ResultFormat;
use thiserror::Error;

/// Why reading a file of results ended without an answer.
#[derive(Debug, Error)]
pub enum ResultFileError {
    /// The file is at fault.
    #[error("line {line}: {problem}")]
    At {
        /// Where, counted from one.
        line: u64,
        /// What is wrong there.
        problem: Problem,
    },
    /// The bytes could not be read.
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
    /// What has to wait for the end of the file could not be put aside.
    #[error("no space to put cases aside")]
    Aside(#[source] io::Error),
    /// Whoever takes the cases wants no more of them.
    #[error("stopped by the one who takes the cases")]
    Stopped,
}

/// What is wrong with a file of results.
#[derive(Debug, Error)]
pub enum Problem {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Its first bytes are those of no format that is read.
    #[error(
        "the format is not recognised: what is read is Robot Framework's output.xml or output.json, JUnit XML, TAP, a CSV table with a line of headers, or our own JSON"
    )]
    Unrecognised,
    /// It is something well known that holds no results.
    #[error("this is {0}")]
    SomethingElse(&'static str),
    /// The format that was asked for is not what the file holds.
    #[error("this is no {} file: {found}", .format.title())]
    NotThisFormat {
        /// What was asked for.
        format: ResultFormat,
        /// What is there.
        found: String,
    },
    /// Bytes that are no UTF-8.
    #[error("this is not UTF-8: save or convert the file as UTF-8")]
    NotUtf8,
    /// Another encoding, by the file's own words.
    #[error("the file is in {0}, and only UTF-8 is read: convert it, for example with iconv")]
    Encoding(String),
    /// A document type or an entity of its own.
    #[error("a document type (DTD) stands here, and such files are refused: leave it out")]
    DocumentType,
    /// A name that stands for a text that is not there.
    #[error("the entity &{0}; is not known")]
    Entity(String),
    /// Elements or values within each other without end.
    #[error("more than {0} levels stand within each other")]
    TooDeep(usize),
    /// More suites than any team has.
    #[error("there are more than {0} suites")]
    TooManySuites(usize),
    /// One value without end.
    #[error("one piece of the file is longer than {} MiB", .0 / (1024 * 1024))]
    TooLong(u64),
    /// What the XML parser says.
    #[error("the XML is broken: {0}")]
    Xml(String),
    /// What the JSON parser says.
    #[error("the JSON is broken: {0}")]
    Json(String),
    /// Our own JSON in a version that is not known.
    #[error("schema {0} is not known: this program reads schema 1")]
    Schema(u64),
    /// An outcome that is not known.
    #[error("the outcome {word:?} is not known: {known}")]
    Outcome {
        /// As it stands there.
        word: String,
        /// Those that are, in one text.
        known: &'static str,
    },
    /// A table without a column that is needed.
    #[error("there is no column {wanted}; there are {found}")]
    NoColumn {
        /// What was looked for.
        wanted: String,
        /// The headers, joined.
        found: String,
    },
    /// A table with several columns of results.
    #[error("several columns may hold the results: choose one of {}", .0.join(", "))]
    ManyColumns(Vec<String>),
    /// What the reader of tables says.
    #[error("the table is broken: {0}")]
    Table(String),
}

impl Problem {
    /// At a line of the file.
    pub(super) const fn at(self, line: u64) -> ResultFileError {
        ResultFileError::At { line, problem: self }
    }
}

/// Where a file ends that is not whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct CutShort {
    /// The last line that is there.
    pub(super) line: u64,
}

impl CutShort {
    /// What is said of it.
    pub(super) fn sentence(self) -> String {
        format!("The file ends in the middle, at line {}: the cases before are whole.", self.line)
    }
}
