//! Job logs: numbered lines, each with its time and the step that wrote it.
//!
//! On disk a line is `<microseconds>\t<step>\t<text>\n`. A line's number, from 1, is its place in
//! the file; readers resume after a number and so see every line once.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts from 1 within the job.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The step that wrote it.
    pub step: String,
    /// The text, with its ANSI colour sequences.
    pub text: String,
}

impl LogLine {
    /// The line as it stands in the file, without its number; control characters other than tab
    /// and escape become `U+FFFD`, so that a line stays one line.
    #[must_use]
    pub fn to_record(at: Timestamp, step: &str, text: &str) -> String {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() && c != '\t' && c != '\u{1b}' { '\u{fffd}' } else { c })
            .collect();
        format!("{}\t{step}\t{clean}\n", at.0)
    }

    /// Reads a line of the file; `None` where it is not whole.
    #[must_use]
    pub fn from_record(number: u64, record: &str) -> Option<Self> {
        let mut parts = record.splitn(3, '\t');
        let at = Timestamp(parts.next()?.parse().ok()?);
        let step = parts.next()?.to_owned();
        let text = parts.next()?.to_owned();
        Some(Self { number, at, step, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_stay_one_line() {
        let record = LogLine::to_record(Timestamp(5), "pack", "a\tb\u{1b}[31mc\r\nd");
        assert_eq!(record.matches('\n').count(), 1);
        let line = LogLine::from_record(7, record.trim_end_matches('\n')).unwrap();
        assert_eq!((line.number, line.at, line.step.as_str()), (7, Timestamp(5), "pack"));
        assert_eq!(line.text, "a\tb\u{1b}[31mc\u{fffd}\u{fffd}d");
        assert_eq!(LogLine::from_record(1, "12\tpa"), None);
    }
}
