//! What a file of results says: cases one after another, and what the file claims of them as a whole.
//!
//! Every importer (`lab::results`) gives this, whatever the format; the same shape is what our own
//! JSON holds. A file of 100 MB is read case by case, so nothing here holds a whole file.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CaseResult, Outcome};
use crate::{
    job::{UnknownWord, from_word},
    time::Timestamp,
};

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ResultFormat {
    /// Robot Framework's `output.xml`, of versions 3 to 7.
    RobotXml,
    /// Robot Framework's `output.json`, since version 7.2.
    RobotJson,
    /// JUnit XML in the dialects of pytest, Maven, Go and nextest.
    Junit,
    /// The Test Anything Protocol, versions 13 and 14, and the kernel's KTAP.
    Tap,
    /// A table: `Test name,Test ID,Result,Comments` and what is like it.
    Csv,
    /// Our own JSON (`docs/results.md`).
    Json,
}

impl ResultFormat {
    /// All formats.
    pub const ALL: [Self; 6] =
        [Self::RobotXml, Self::RobotJson, Self::Junit, Self::Tap, Self::Csv, Self::Json];

    /// The word used in addresses, rows and options.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RobotXml => "robot-xml",
            Self::RobotJson => "robot-json",
            Self::Junit => "junit",
            Self::Tap => "tap",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RobotXml => "Robot Framework XML",
            Self::RobotJson => "Robot Framework JSON",
            Self::Junit => "JUnit XML",
            Self::Tap => "TAP or KTAP",
            Self::Csv => "CSV",
            Self::Json => "Bootwright JSON",
        }
    }
}

impl std::str::FromStr for ResultFormat {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "a format of results", text)
    }
}

impl fmt::Display for ResultFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something that a case measured: a boot took 12.4 s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// What was measured, such as `boot time`.
    pub name: String,
    /// How much; always finite.
    pub value: f64,
    /// In what, such as `s` or `MB/s`; empty for a bare number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// An attempt at a case before the one that decides: runners try again what failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EarlierAttempt {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<i64>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// One case of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedCase {
    /// What the case is known by in all runs: the runner's own id (`XEN1.2`), else its name with the
    /// suites around it. Unique within a file.
    pub id: String,
    /// What the case checks, in one line.
    pub title: String,
    /// The suites around it, from the outermost in; empty where the file has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
    /// Words that runners group cases by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How long it took, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<i64>,
    /// What was seen, as the runner words it; of several lines where it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The log around its first error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// What it measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
    /// The attempts before this one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierAttempt>,
}

impl From<CaseResult> for ReportedCase {
    fn from(result: CaseResult) -> Self {
        Self {
            id: result.case,
            title: result.title,
            suites: Vec::new(),
            tags: Vec::new(),
            outcome: result.outcome,
            started_at: None,
            duration_us: result.duration_us,
            message: result.message,
            excerpt: String::new(),
            measurements: Vec::new(),
            earlier: Vec::new(),
        }
    }
}

impl From<ReportedCase> for CaseResult {
    fn from(case: ReportedCase) -> Self {
        Self {
            case: case.id,
            title: case.title,
            outcome: case.outcome,
            duration_us: case.duration_us,
            message: case.message,
        }
    }
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Totals {
    /// Cases that passed.
    pub passed: u64,
    /// Cases that failed.
    pub failed: u64,
    /// Cases that could not tell.
    pub errored: u64,
    /// Cases that do not apply.
    pub skipped: u64,
    /// Cases that were not reached.
    pub not_run: u64,
}

impl Totals {
    /// Counts one more.
    pub const fn count(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Errored => &mut self.errored,
            Outcome::Skipped => &mut self.skipped,
            Outcome::NotRun => &mut self.not_run,
        };
        *counter = counter.saturating_add(1);
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            errored: self.errored.saturating_add(other.errored),
            skipped: self.skipped.saturating_add(other.skipped),
            not_run: self.not_run.saturating_add(other.not_run),
        }
    }

    /// Those that failed or could not tell.
    #[must_use]
    pub const fn failing(&self) -> u64 {
        self.failed.saturating_add(self.errored)
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.passed
            .saturating_add(self.failing())
            .saturating_add(self.skipped)
            .saturating_add(self.not_run)
    }

    /// How one count differs from that of a baseline, with its sign: `+5`, `-5`, `±0`.
    #[must_use]
    pub fn signed(here: u64, base: u64) -> String {
        match here.cmp(&base) {
            std::cmp::Ordering::Greater => format!("+{}", here - base),
            std::cmp::Ordering::Less => format!("-{}", base - here),
            std::cmp::Ordering::Equal => "±0".to_owned(),
        }
    }

    /// Passed of those that gave an answer, in hundredths of a percent, rounded half up: 9815 is
    /// 98.15 %. `None` where none gave one.
    #[must_use]
    pub fn pass_rate(&self) -> Option<u32> {
        let answered = self.passed.saturating_add(self.failing());
        let hundredths = (u128::from(self.passed) * 20_000 + u128::from(answered))
            .checked_div(u128::from(answered) * 2)?;
        u32::try_from(hundredths).ok()
    }
}

/// Hundredths of a percent for people: `98.15 %`.
#[must_use]
pub fn percent(hundredths: u32) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// What a file says beside its cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRun {
    /// The format that was recognised or asked for.
    pub format: ResultFormat,
    /// The program that wrote it, as it names itself; empty where it does not.
    pub generator: String,
    /// The name of the outermost suite; empty where the file has none.
    pub suite: String,
    /// When it began, where the file says so.
    pub started_at: Option<Timestamp>,
    /// When it ended, where the file says so.
    pub ended_at: Option<Timestamp>,
    /// The cases that were read, counted.
    pub totals: Totals,
    /// Where the file's own totals say something else: a sentence for each.
    pub contradictions: Vec<String>,
    /// Why the file is not whole, in one sentence: what was whole of it has been read.
    pub incomplete: Option<String>,
    /// What else should be known about reading it, a sentence each: an id that came twice.
    pub remarks: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_those_that_answered_and_rounded_half_up() {
        let mut totals = Totals { passed: 690, failed: 13, ..Totals::default() };
        assert_eq!(totals.pass_rate(), Some(9815));
        totals.count(Outcome::Skipped);
        assert_eq!(totals.pass_rate(), Some(9815), "what does not apply counts on neither side");
        assert_eq!(totals.all(), 704);
        assert_eq!(Totals::default().pass_rate(), None);
        let signs = [(695, 690), (8, 13), (4, 4)].map(|(here, base)| Totals::signed(here, base));
        assert_eq!(signs, ["+5", "-5", "±0"]);
        let thirds = Totals { passed: 2, failed: 1, ..Totals::default() };
        assert_eq!(thirds.pass_rate(), Some(6667));
        assert_eq!([10_000, 6667, 5].map(percent), ["100.00 %", "66.67 %", "0.05 %"]);
    }

    #[test]
    fn formats_have_a_word_each() {
        for format in ResultFormat::ALL {
            assert_eq!(format.word().parse(), Ok(format));
        }
    }
}
