//! A suite of JUnit XML, and what it counts of itself.

use domain::{
    run::reported::{ReportedCase, Totals},
    time::Timestamp,
};

use super::reruns::Reruns;
use crate::results::{
    ResultFileError,
    intake::Intake,
    numbers::{seconds, timestamp},
    text::{TITLE, one_line},
    xml::Tag,
};

/// A suite that is open.
#[derive(Default)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) started_at: Option<Timestamp>,
    duration_us: Option<i64>,
    /// Its cases so far, where its runner writes every attempt as a case.
    pub(super) reruns: Option<Reruns>,
    stated: Stated,
    /// The cases that stand right in it, and with those of inner suites.
    own: Counts,
    all: Counts,
}

/// What the attributes say.
#[derive(Default)]
struct Stated {
    tests: Option<u64>,
    failures: Option<u64>,
    errors: Option<u64>,
    skipped: Option<u64>,
}

/// Cases counted once, and each attempt of theirs: Surefire counts these.
#[derive(Default, Clone, Copy)]
struct Counts {
    cases: Totals,
    attempts: Totals,
}

impl Suite {
    /// As its attributes tell of it.
    pub(super) fn of(tag: &Tag<'_>) -> Result<Self, ResultFileError> {
        let number = |name| {
            let value = tag.attribute(name)?;
            Ok::<_, ResultFileError>(value.and_then(|value| value.trim().parse::<u64>().ok()))
        };
        Ok(Self {
            name: one_line(&tag.attribute("name")?.unwrap_or_default(), TITLE),
            started_at: tag.attribute("timestamp")?.and_then(|text| timestamp(&text)),
            duration_us: tag.attribute("time")?.and_then(|text| seconds(&text)),
            stated: Stated {
                tests: number("tests")?,
                failures: number("failures")?,
                errors: number("errors")?,
                skipped: number("skipped")?,
            },
            ..Self::default()
        })
    }

    /// The program that wrote the file, where this suite tells.
    pub(super) fn generator(&self, tag: &Tag<'_>) -> Result<Option<&'static str>, ResultFileError> {
        let schema = tag.attribute("xsi:noNamespaceSchemaLocation")?.unwrap_or_default();
        Ok(match &*self.name {
            "pytest tests" | "pytest" => Some("pytest"),
            "nextest-run" => Some("nextest"),
            _ if schema.contains("surefire") => Some("Maven Surefire"),
            _ => None,
        })
    }

    /// When it ended.
    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        let (begin, took) = self.started_at.zip(self.duration_us)?;
        Some(Timestamp(begin.0.saturating_add(took)))
    }

    /// A case stands right in it.
    pub(super) fn add(&mut self, case: &ReportedCase) {
        for counts in [&mut self.own, &mut self.all] {
            counts.cases.count(case.outcome);
            counts.attempts.count(case.outcome);
            for attempt in &case.earlier {
                counts.attempts.count(attempt.outcome);
            }
        }
    }

    /// A suite within it has ended.
    pub(super) fn add_inner(&mut self, inner: &Self) {
        sum(&mut self.all.cases, &inner.all.cases);
        sum(&mut self.all.attempts, &inner.all.attempts);
    }

    /// Says where the attributes are borne out neither by its own cases, nor by all in it, nor by the
    /// attempts of either.
    pub(super) fn check(&self, intake: &mut Intake<'_>) {
        let ways = [self.all.cases, self.own.cases, self.all.attempts, self.own.attempts];
        if ways.iter().any(|found| self.stated.agrees(found)) {
            return;
        }
        let of = format!("The suite {:?}", self.name);
        for (what, stated, found) in self.stated.beside(&self.all.cases) {
            intake.compare(&of, what, stated, found);
        }
    }
}

impl Stated {
    fn beside(&self, found: &Totals) -> [(&'static str, Option<u64>, u64); 4] {
        [
            ("tests", self.tests, found.all()),
            ("failures", self.failures, found.failed),
            ("errors", self.errors, found.errored),
            ("skipped", self.skipped, found.skipped + found.not_run),
        ]
    }

    fn agrees(&self, found: &Totals) -> bool {
        self.beside(found).iter().all(|(_, stated, found)| stated.is_none_or(|it| it == *found))
    }
}

fn sum(into: &mut Totals, other: &Totals) {
    into.passed += other.passed;
    into.failed += other.failed;
    into.errored += other.errored;
    into.skipped += other.skipped;
    into.not_run += other.not_run;
}
