//! Files of results, as the runners of other teams and our own write them: read case by case, whatever
//! their size, into the one shape of `domain::run::reported`.
//!
//! [`read_results`] recognises the format, hands each case to a sink as it comes, and says at the end
//! what the file tells of itself: its own totals where its cases contradict them, where it ends in the
//! middle, what else should be known. No file can make it panic, recurse without end or hold as much
//! memory as it is long: texts are bounded while they are read, and only hashes of ids are kept. What
//! has to wait for the end of the file (Robot's rule on teardowns) waits in a temporary file.
//!
//! Blocking code: call it from a thread that may wait. `docs/results.md` tells users of the formats.

mod aside;
mod input;
mod intake;
mod json;
mod junit;
mod numbers;
mod own;
mod problem;
mod recognise;
mod robot;
mod table;
mod tap;
mod text;
mod xml;

pub use own::{JsonWriter, write_json};
pub use problem::{Problem, ResultFileError};
pub use table::{CsvWriter, write_csv};

use std::{io::BufRead, ops::ControlFlow};

use domain::run::reported::{ReportedCase, ReportedRun, ResultFormat};

use self::intake::Intake;

/// What is known of a file before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Its format; recognised by its first bytes where none is given.
    pub format: Option<ResultFormat>,
    /// Of a table with a column of results for each board, the header of the one to take.
    pub column: Option<String>,
}

/// Reads a file of results. Cases go to `sink` as they come, in the order of the file; it ends the
/// reading by [`ControlFlow::Break`].
///
/// A file that ends in the middle is no error: its whole cases are given, and
/// [`ReportedRun::incomplete`] says where it ends.
///
/// # Errors
/// When the file cannot be understood, with the line and the reason; when it cannot be read; and
/// [`ResultFileError::Stopped`] when `sink` wanted no more. Cases may have been given before.
pub fn read_results(
    input: impl BufRead,
    options: &ReadOptions,
    sink: &mut dyn FnMut(ReportedCase) -> ControlFlow<()>,
) -> Result<ReportedRun, ResultFileError> {
    let (head, input) = input::peek(input)?;
    let format = match options.format {
        Some(format) => recognise::refuse_others(&head).map(|()| format)?,
        None => recognise::recognise(&head)?,
    };
    let mut intake = Intake::new(format, sink);
    match format {
        ResultFormat::RobotXml => robot::read_xml(input, &mut intake)?,
        ResultFormat::RobotJson => robot::read_json(input, &mut intake)?,
        ResultFormat::Junit => junit::read(input, &mut intake)?,
        ResultFormat::Tap => tap::read(input, &mut intake)?,
        ResultFormat::Csv => table::read(input, &head, options.column.as_deref(), &mut intake)?,
        ResultFormat::Json => own::read(input, &mut intake)?,
    }
    Ok(intake.finish())
}
