//! Tables as their owners' tools read them. A cell that a spreadsheet would take for a formula gets a
//! `'` in front, which our reader takes off again.

use std::io::{self, Write};

use domain::run::{Outcome, reported::ReportedCase};

/// Writes a table as cases come; [`write_csv`] is for those who have them all.
pub struct CsvWriter<W: Write> {
    table: csv::Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the headers.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn begin(out: W) -> io::Result<Self> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(["Test name", "Test ID", "Result", "Comments"])?;
        Ok(Self { table })
    }

    /// Writes one case as a row.
    ///
    /// # Errors
    /// When the table takes no more.
    pub fn case(&mut self, case: &ReportedCase) -> io::Result<()> {
        let word = match case.outcome {
            Outcome::Passed => "PASS",
            Outcome::Failed => "FAIL",
            Outcome::Errored => "ERROR",
            Outcome::Skipped => "SKIP",
            Outcome::NotRun => "NOT TESTED",
        };
        let [title, id, message] = [&case.title, &case.id, &case.message].map(|it| neutral(it));
        self.table.write_record([&*title, &*id, word, &*message])?;
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the table takes no more.
    pub fn finish(mut self) -> io::Result<()> {
        self.table.flush()
    }
}

/// Writes cases as a table, row by row.
///
/// # Errors
/// When `out` takes no more.
pub fn write_csv<'a>(
    cases: impl IntoIterator<Item = &'a ReportedCase>,
    out: impl Write,
) -> io::Result<()> {
    let mut writer = CsvWriter::begin(out)?;
    for case in cases {
        writer.case(case)?;
    }
    writer.finish()
}

/// Whether a spreadsheet would calculate this; marks in front do not matter.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn neutral(cell: &str) -> std::borrow::Cow<'_, str> {
    if is_formula(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// A cell without the mark that [`neutral`] put in front.
pub(super) fn restored(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|inner| is_formula(inner)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutral_and_come_back() {
        for cell in ["=1+1", "+48", "-", "@sum", "\tx", "'=1", "''=1"] {
            assert!(neutral(cell).starts_with('\''));
            assert_eq!(restored(&neutral(cell)), cell);
        }
        for cell in ["plain", "'quoted'", "", "1-2"] {
            assert_eq!(neutral(cell), cell);
            assert_eq!(restored(cell), cell);
        }
    }
}
