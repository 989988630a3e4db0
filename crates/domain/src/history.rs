//! The history of results: cases as rows, releases or runs as columns. What is shown of it stands in the
//! address of the page, so that a colleague who gets it sees the same.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    assessment::MadeAssessment,
    ids::RunId,
    job::from_word,
    run::{Outcome, reported::Totals},
    subject::{JudgedSubject, Subject},
    time::Timestamp,
};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// The longest text of a filter, in characters.
const LONGEST: usize = 200;

/// What the columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Columns {
    /// Releases: each cell counts all machines and boot entries.
    #[default]
    Releases,
    /// Runs: each cell is one result.
    Runs,
}

impl Columns {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Releases, Self::Runs];
    /// How many columns there are where nobody says otherwise, and at the most.
    pub const USUAL: u32 = 20;
    /// The most columns.
    pub const MOST: u32 = 50;

    /// The word used in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Releases => "releases",
            Self::Runs => "runs",
        }
    }
}

/// A day in UTC, as addresses write it: `2026-11-27`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day of that text; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Date::parse(text, DAY).ok().map(Self)
    }

    /// The day as addresses write it.
    #[must_use]
    pub fn text(self) -> String {
        self.0.format(DAY).unwrap_or_default()
    }

    /// When it begins.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        Timestamp::from_seconds(self.0.midnight().assume_utc().unix_timestamp())
    }

    /// When it is over: the last microsecond of it.
    #[must_use]
    pub fn ends(self) -> Timestamp {
        Timestamp(self.begins().0 + 86_400_000_000 - 1)
    }
}

/// What is shown of the history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HistoryQuery {
    /// What the columns are.
    pub by: Columns,
    /// Only cases of this suite.
    pub suite: Option<String>,
    /// Only results on this machine.
    pub machine: Option<String>,
    /// Only results under this kernel.
    pub kernel: Option<String>,
    /// Only cases with this tag.
    pub tag: Option<String>,
    /// Only cases whose id or title holds this.
    pub search: Option<String>,
    /// Only cases that ended so somewhere in the columns.
    pub outcome: Option<Outcome>,
    /// Only cases that passed in one column and failed in another.
    pub only_changes: bool,
    /// No columns before this day.
    pub from: Option<Day>,
    /// No columns after this day.
    pub to: Option<Day>,
    /// How many columns at the most.
    pub columns: u32,
    /// How many rows at the most.
    pub rows: u32,
    /// Only cases after this one, by id.
    pub after: Option<String>,
}

/// A part of an address cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct InvalidQuery {
    /// The part.
    pub field: &'static str,
    /// What is wrong with it, and what it may be.
    pub message: String,
}

impl HistoryQuery {
    /// How many rows there are where nobody says otherwise.
    pub const USUAL_ROWS: u32 = 100;
    /// The most rows.
    pub const MOST_ROWS: u32 = 500;

    /// What the parts of an address ask for; `get` gives the text of a part, empty where it is absent.
    ///
    /// # Errors
    /// [`InvalidQuery`] with the part that cannot be read.
    pub fn of(get: impl Fn(&'static str) -> String) -> Result<Self, InvalidQuery> {
        let invalid = |field, message: String| InvalidQuery { field, message };
        let text = |field: &'static str| {
            let text = get(field);
            match text.trim() {
                "" => Ok(None),
                long if long.chars().count() > LONGEST => {
                    Err(invalid(field, format!("give {LONGEST} characters at the most")))
                }
                some => Ok(Some(some.to_owned())),
            }
        };
        let day = |field: &'static str| match text(field)? {
            None => Ok(None),
            Some(it) => match Day::parse(&it) {
                Some(day) => Ok(Some(day)),
                None => Err(invalid(field, format!("\"{it}\" is no day: write it as 2026-11-27"))),
            },
        };
        let number = |field: &'static str, usual: u32, most: u32| match text(field)? {
            None => Ok(usual),
            Some(it) => match it.parse() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(invalid(field, format!("give a number from 1 to {most}"))),
            },
        };
        let by = match text("by")? {
            None => Columns::default(),
            Some(it) => from_word(&Columns::ALL, Columns::word, "columns of a history", &it)
                .map_err(|error| invalid("by", error.to_string()))?,
        };
        let outcome = match text("outcome")? {
            None => None,
            Some(it) => Some(it.parse().map_err(|error| invalid("outcome", format!("{error}")))?),
        };
        Ok(Self {
            by,
            suite: text("suite")?,
            machine: text("machine")?,
            kernel: text("kernel")?,
            tag: text("tag")?,
            search: text("id")?,
            outcome,
            only_changes: text("changes")?.is_some(),
            from: day("from")?,
            to: day("to")?,
            columns: number("columns", Columns::USUAL, Columns::MOST)?,
            rows: number("rows", Self::USUAL_ROWS, Self::MOST_ROWS)?,
            after: text("after")?,
        })
    }

    /// The parts of an address that ask for this, without those that are as usual.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let usual = |number: u32, usual: u32| (number != usual).then(|| number.to_string());
        let parts = [
            ("by", (self.by != Columns::default()).then(|| self.by.word().to_owned())),
            ("suite", self.suite.clone()),
            ("machine", self.machine.clone()),
            ("kernel", self.kernel.clone()),
            ("tag", self.tag.clone()),
            ("id", self.search.clone()),
            ("outcome", self.outcome.map(|it| it.word().to_owned())),
            ("changes", self.only_changes.then(|| "1".to_owned())),
            ("from", self.from.map(Day::text)),
            ("to", self.to.map(Day::text)),
            ("columns", usual(self.columns, Columns::USUAL)),
            ("rows", usual(self.rows, Self::USUAL_ROWS)),
            ("after", self.after.clone()),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Column {
    /// What was judged.
    Release(JudgedSubject),
    /// One run.
    Run {
        /// Which run.
        id: RunId,
        /// What it is about, as pages call it; empty while nobody has said.
        about: String,
        /// Name of the suite.
        suite: String,
        /// Name of the machine.
        machine: String,
        /// Label of the boot entry; empty where nobody said.
        entry: String,
        /// When it began.
        started_at: Timestamp,
    },
}

/// A case with a cell for each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The case's id.
    pub case: String,
    /// How its newest run describes it.
    pub title: String,
    /// What each column says of it; `None` where it says nothing.
    pub cells: Vec<Option<Totals>>,
}

/// A part of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Newest first.
    pub columns: Vec<Column>,
    /// By id.
    pub rows: Vec<HistoryRow>,
    /// The id after which the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// What a cell says, in one outcome: the worst that needs somebody.
#[must_use]
pub const fn worst(totals: &Totals) -> Outcome {
    if totals.failed > 0 {
        Outcome::Failed
    } else if totals.errored > 0 {
        Outcome::Errored
    } else if totals.passed > 0 {
        Outcome::Passed
    } else if totals.skipped > 0 {
        Outcome::Skipped
    } else {
        Outcome::NotRun
    }
}

/// What a title says beyond the id of its case, with which Robot's names begin; empty where that is all.
#[must_use]
pub fn beyond_id<'a>(title: &'a str, case: &str) -> &'a str {
    match title.strip_prefix(case) {
        Some(rest) if !rest.starts_with(char::is_alphanumeric) => {
            rest.trim_start_matches([' ', ':', '-', '\u{2013}'])
        }
        _ => title,
    }
}

/// One result of a case, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastResult {
    /// The run.
    pub run: RunId,
    /// Which of the run's results, from 0.
    pub position: u64,
    /// What it is about; `None` while nobody has said.
    pub subject: Option<Subject>,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// When its run began.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// What was seen.
    pub message: String,
    /// Attempts before it, and how many of these failed.
    pub retries: (u64, u64),
}

/// How a case stood in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stood {
    /// The release.
    pub subject: Subject,
    /// Where it stands in the history.
    pub at: Timestamp,
    /// The machines and boot entries, counted.
    pub totals: Totals,
}

/// Where a case that fails now began to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedBad {
    /// The first release in which it failed and has not passed since.
    pub first_bad: Subject,
    /// The newest release before in which it passed everywhere; `None` where none did.
    pub last_good: Option<Subject>,
}

/// Where a case began to fail that fails in the newest release that says something of it; `stood` is
/// newest first.
#[must_use]
pub fn turned_bad(stood: &[Stood]) -> Option<TurnedBad> {
    let mut first_bad = None;
    for it in stood {
        if it.totals.failing() > 0 {
            first_bad = Some(&it.subject);
        } else if it.totals.passed > 0 {
            let first_bad = first_bad?.clone();
            return Some(TurnedBad { first_bad, last_good: Some(it.subject.clone()) });
        }
    }
    Some(TurnedBad { first_bad: first_bad?.clone(), last_good: None })
}

/// What counts of a part of a subject, by suite or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Name of the suite or the machine.
    pub name: String,
    /// What counts of it, counted.
    pub totals: Totals,
}

/// How a case stood in a release, for a strip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What pages call the release.
    pub about: String,
    /// The machines and boot entries, counted.
    pub totals: Totals,
}

/// A result that counts and speaks against its subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// The run.
    pub run: RunId,
    /// Name of the suite.
    pub suite: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen.
    pub message: String,
    /// The log around the first error.
    pub excerpt: String,
    /// How the case stood in the newest releases, newest first.
    pub strip: Vec<Mark>,
    /// What people say of it.
    pub assessment: Option<MadeAssessment>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(parts: &[(&'static str, &str)]) -> Result<HistoryQuery, InvalidQuery> {
        let parts: HashMap<_, _> = parts.iter().copied().collect();
        HistoryQuery::of(|name| parts.get(name).copied().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_title_does_not_say_the_id_again() {
        for (title, beyond) in [
            ("A1.1 works", "works"),
            ("A1.1: works", "works"),
            ("A1.1", ""),
            ("A1.10 works", "A1.10 works"),
            ("works", "works"),
        ] {
            assert_eq!(beyond_id(title, "A1.1"), beyond, "{title}");
        }
    }

    #[test]
    fn addresses_hold_all_that_is_asked_for() {
        let usual = read(&[]).unwrap();
        assert_eq!(usual.parts(), []);
        assert_eq!((usual.columns, usual.rows, usual.by), (20, 100, Columns::Releases));
        let parts = [
            ("by", "runs"),
            ("suite", "boot & more"),
            ("machine", "apu2"),
            ("kernel", "6.1.172"),
            ("tag", "semiauto"),
            ("id", "XEN1"),
            ("outcome", "failed"),
            ("changes", "1"),
            ("from", "2026-01-31"),
            ("to", "2026-11-27"),
            ("columns", "50"),
            ("rows", "500"),
            ("after", "XEN1.2"),
        ];
        let asked = read(&parts).unwrap();
        let written: Vec<_> = asked.parts();
        assert_eq!(
            written.iter().map(|(name, it)| (*name, it.as_str())).collect::<Vec<_>>(),
            parts
        );
        assert_eq!(asked.from.unwrap().begins(), Timestamp::from_seconds(1_769_817_600));
        assert_eq!(asked.from.unwrap().ends().0 + 1, Timestamp::from_seconds(1_769_904_000).0);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (field, value) in [
            ("by", "moons"),
            ("outcome", "green"),
            ("from", "yesterday"),
            ("to", "2026-02-30"),
            ("columns", "0"),
            ("columns", "51"),
            ("rows", "501"),
            ("rows", "many"),
            ("id", &"x".repeat(201)),
        ] {
            assert_eq!(read(&[(field, value)]).unwrap_err().field, field, "{value}");
        }
    }

    #[test]
    fn a_case_turned_bad_where_it_failed_first_since_it_passed() {
        let stood = |names: &[(&str, u64, u64)]| -> Vec<Stood> {
            let one = |(name, passed, failed): &(&str, u64, u64)| Stood {
                subject: Subject::Recorded { name: (*name).to_owned() },
                at: Timestamp(0),
                totals: Totals { passed: *passed, failed: *failed, ..Totals::default() },
            };
            names.iter().map(one).collect()
        };
        let turned = |names: &[(&str, u64, u64)]| {
            turned_bad(&stood(names)).map(|it| {
                let name = |it: &Subject| it.name().to_owned();
                (name(&it.first_bad), it.last_good.as_ref().map(name))
            })
        };
        let bad =
            |first: &str, good: Option<&str>| Some((first.to_owned(), good.map(str::to_owned)));
        assert_eq!(turned(&[("v3", 1, 1), ("v2", 0, 2), ("v1", 2, 0)]), bad("v2", Some("v1")));
        // One that says nothing neither breaks nor mends.
        assert_eq!(
            turned(&[("v4", 0, 0), ("v3", 0, 1), ("v2", 0, 0), ("v1", 1, 0)]),
            bad("v3", Some("v1"))
        );
        assert_eq!(turned(&[("v2", 0, 1), ("v1", 0, 1)]), bad("v1", None));
        assert_eq!(turned(&[("v2", 1, 0), ("v1", 0, 1)]), None);
        assert_eq!(turned(&[]), None);
    }

    #[test]
    fn the_worst_that_needs_somebody_stands_for_a_cell() {
        let totals = |passed, failed, errored, skipped| Totals {
            passed,
            failed,
            errored,
            skipped,
            not_run: 1,
        };
        assert_eq!(worst(&totals(9, 1, 1, 1)), Outcome::Failed);
        assert_eq!(worst(&totals(9, 0, 1, 1)), Outcome::Errored);
        assert_eq!(worst(&totals(1, 0, 0, 9)), Outcome::Passed);
        assert_eq!(worst(&totals(0, 0, 0, 9)), Outcome::Skipped);
        assert_eq!(worst(&totals(0, 0, 0, 0)), Outcome::NotRun);
    }
}
