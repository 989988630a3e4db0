//! Tables of results as people keep them: `Test name,Test ID,Result,Comments`, and what is like it.
//!
//! Lines may end in CR LF, a byte order mark may stand in front, cells may be parted by commas,
//! semicolons or tabs, columns come in any order, and there may be a column of results for each board:
//! then the reader is told which to take.

mod columns;
mod write;

use std::io::BufRead;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use domain::run::{Outcome, reported::ReportedCase};

pub(super) use self::columns::is_header;
use self::columns::{Columns, delimiter};
pub use self::write::{CsvWriter, write_csv};
use super::{
    Problem, ResultFileError,
    input::Counted,
    intake::{self, Intake},
    robot::looks_like_id,
};

/// The words for outcomes, without case, with spaces for `-` and `_`.
const OUTCOMES: [(&[&str], Outcome); 5] = [
    (&["pass", "passed", "ok", "success"], Outcome::Passed),
    (&["fail", "failed", "failure", "not ok"], Outcome::Failed),
    (&["error", "errored", "broken"], Outcome::Errored),
    (
        &["skip", "skipped", "not supported", "unsupported", "not applicable", "n/a", "na"],
        Outcome::Skipped,
    ),
    (&["not tested", "not run", "untested", "blocked", "pending"], Outcome::NotRun),
];
const KNOWN: &str = "known are PASS, FAIL, ERROR, SKIP, NOT SUPPORTED, N/A, NOT TESTED, NOT RUN, BLOCKED and words like them";

/// Reads a table that begins with these bytes; of several columns of results, the one with this header.
pub(super) fn read(
    input: impl BufRead,
    head: &[u8],
    column: Option<&str>,
    intake: &mut Intake<'_>,
) -> Result<(), ResultFileError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(head))
        .has_headers(false)
        .flexible(true)
        .from_reader(Counted::new(input));
    let mut record = ByteRecord::new();
    let mut columns = None;
    loop {
        reader.get_mut().next_piece();
        let read = reader.read_byte_record(&mut record);
        let line = record.position().map_or(1, csv::Position::line);
        if !read.map_err(|error| failure(error, reader.get_ref(), line))? {
            break;
        }
        let cells = cells(&record, line)?;
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        match &columns {
            None => {
                let found = Columns::find(&cells, column).map_err(|problem| problem.at(line))?;
                if !found.left_out.is_empty() {
                    let names = found.left_out.join(", ");
                    intake.remark(format!("These columns were not read: {names}."));
                }
                columns = Some(found);
            }
            Some(columns) => {
                if let Some(case) = case(columns, &cells, line, intake)? {
                    intake.case(case)?;
                }
            }
        }
    }
    if columns.is_none() { Err(Problem::Empty.at(1)) } else { Ok(()) }
}

fn failure<R>(error: csv::Error, input: &Counted<R>, line: u64) -> ResultFileError {
    match error.into_kind() {
        ErrorKind::Io(error) => input.failure(error),
        other => Problem::Table(format!("{other:?}")).at(line),
    }
}

/// The cells of a row, without space around them and without the mark that spreadsheets are kept off by.
fn cells(record: &ByteRecord, line: u64) -> Result<Vec<&str>, ResultFileError> {
    let cell = |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::NotUtf8.at(line))?;
        Ok(write::restored(text.trim_matches([' ', '\n', '\r'])))
    };
    record.iter().map(cell).collect()
}

/// The case of a row; `None` where the row names none.
fn case(
    columns: &Columns,
    cells: &[&str],
    line: u64,
    intake: &mut Intake<'_>,
) -> Result<Option<ReportedCase>, ResultFileError> {
    let cell = |column: Option<usize>| column.and_then(|it| cells.get(it)).copied().unwrap_or("");
    let (name, id, word) = (cell(columns.name), cell(columns.id), cell(Some(columns.result)));
    if name.is_empty() && id.is_empty() {
        if word.is_empty() {
            return Ok(None);
        }
        intake.remark(format!("Line {line} has a result and no test: it was left out."));
        return Ok(None);
    }
    let outcome = if word.is_empty() {
        intake.remark(format!("Line {line} has no result: it counts as not run."));
        Outcome::NotRun
    } else {
        outcome(word).map_err(|problem| problem.at(line))?
    };
    let (id, title) = match name.split_once(char::is_whitespace) {
        _ if !id.is_empty() => (id, if name.is_empty() { id } else { name }),
        Some((word, rest)) if looks_like_id(word) => (word, rest),
        _ => (name, name),
    };
    let message = cell(columns.comments).to_owned();
    Ok(Some(ReportedCase { message, ..intake::case(id.to_owned(), title.to_owned(), outcome) }))
}

fn outcome(word: &str) -> Result<Outcome, Problem> {
    let plain = word.to_lowercase().replace(['-', '_'], " ");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = OUTCOMES.iter().find(|(words, _)| words.contains(&plain.as_str()));
    known
        .map(|(_, outcome)| *outcome)
        .ok_or_else(|| Problem::Outcome { word: super::text::one_line(word, 80), known: KNOWN })
}
