//! Writing our own JSON, a case on each line.

use std::io::{self, Write};

use domain::{
    run::reported::{ReportedCase, ReportedRun, Totals},
    time::Timestamp,
};
use serde::Serialize;

use super::SCHEMA;

/// What stands in front of the cases.
#[derive(Serialize)]
struct Front<'a> {
    schema: u64,
    generator: &'a str,
    suite: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    contradictions: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remarks: &'a [String],
}

/// Writes our own JSON as cases come; [`write_json`] is for those who have them all.
pub struct JsonWriter<W> {
    out: W,
    totals: Totals,
}

impl<W: Write> JsonWriter<W> {
    /// Writes what stands in front of the cases. The totals of `run` are not: those of the cases that
    /// come are written.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn begin(mut out: W, run: &ReportedRun) -> io::Result<Self> {
        let front = serde_json::to_string(&Front {
            schema: SCHEMA,
            generator: &run.generator,
            suite: &run.suite,
            started_at: run.started_at,
            ended_at: run.ended_at,
            incomplete: run.incomplete.as_deref(),
            contradictions: &run.contradictions,
            remarks: &run.remarks,
        })?;
        let open = front.strip_suffix('}').unwrap_or(&front);
        write!(out, "{open},\n\"cases\":[")?;
        Ok(Self { out, totals: Totals::default() })
    }

    /// Writes one case, on a line of its own.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn case(&mut self, case: &ReportedCase) -> io::Result<()> {
        self.out.write_all(if self.totals.all() == 0 { b"\n" } else { b",\n" })?;
        self.totals.count(case.outcome);
        serde_json::to_writer(&mut self.out, case)?;
        Ok(())
    }

    /// Writes the totals, and gives back what was written into.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn finish(mut self) -> io::Result<W> {
        write!(self.out, "\n],\n\"totals\":{}}}\n", serde_json::to_string(&self.totals)?)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Writes a run and its cases as our own JSON, case by case.
///
/// # Errors
/// When `out` takes no more.
pub fn write_json<'a>(
    run: &ReportedRun,
    cases: impl IntoIterator<Item = &'a ReportedCase>,
    out: impl Write,
) -> io::Result<()> {
    let mut writer = JsonWriter::begin(out, run)?;
    for case in cases {
        writer.case(case)?;
    }
    writer.finish().map(drop)
}
