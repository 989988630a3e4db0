//! Our own JSON (`docs/results.md`): everything that a run holds, so that what is written by one
//! Bootwright and read by another is the same.
//!
//! It is read and written case by case. `schema` comes first, so that a later version is refused
//! before anything of it was taken.

mod write;

use std::{cell::RefCell, fmt, io::BufRead};

use domain::{
    run::reported::{ReportedCase, ReportedRun, ResultFormat, Totals},
    time::Timestamp,
};
use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, Visitor},
};

pub use self::write::{JsonWriter, write_json};
use super::{
    Problem, ResultFileError,
    intake::{Intake, SENTENCES},
    json::{Each, Guard, Waiting},
    text::{TITLE, one_line},
};

/// The version of the format that is written, and the only one that is read.
const SCHEMA: u64 = 1;
/// File, list of cases, case: that is a piece.
const CASE_LEVEL: usize = 3;
const FIELDS: &[&str] = &[
    "schema",
    "generator",
    "suite",
    "started_at",
    "ended_at",
    "cases",
    "totals",
    "contradictions",
    "incomplete",
    "remarks",
];

/// Reads a file.
pub(super) fn read(input: impl BufRead, intake: &mut Intake<'_>) -> Result<(), ResultFileError> {
    let reading =
        RefCell::new(Reading { intake, waiting: Waiting::default(), schema: false, totals: None });
    let mut parser = serde_json::Deserializer::from_reader(Guard::new(input, CASE_LEVEL));
    let end = parser.deserialize_map(FileVisitor(&reading)).and_then(|()| parser.end());
    let Reading { intake, waiting, schema, totals } = reading.into_inner();
    let cut = waiting.judge(end)?;
    if !schema {
        let found = "it has no \"schema\": 1".to_owned();
        return Err(Problem::NotThisFormat { format: ResultFormat::Json, found }.at(1));
    }
    if let Some(stated) = totals {
        compare(stated, intake);
    }
    if let Some(cut) = cut {
        intake.run().incomplete = Some(cut.sentence());
    }
    Ok(())
}

fn compare(stated: Totals, intake: &mut Intake<'_>) {
    let found = intake.totals();
    let pairs = [
        ("passed", stated.passed, found.passed),
        ("failed", stated.failed, found.failed),
        ("errored", stated.errored, found.errored),
        ("skipped", stated.skipped, found.skipped),
        ("not run", stated.not_run, found.not_run),
    ];
    for (what, stated, found) in pairs {
        intake.compare("The file", what, Some(stated), found);
    }
}

struct Reading<'a, 'b> {
    intake: &'a mut Intake<'b>,
    waiting: Waiting,
    schema: bool,
    totals: Option<Totals>,
}

struct FileVisitor<'r, 'a, 'b>(&'r RefCell<Reading<'a, 'b>>);

impl<'de> Visitor<'de> for FileVisitor<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file of results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let has_schema = self.0.borrow().schema;
            match &*key {
                "schema" => {
                    let schema = map.next_value()?;
                    if schema != SCHEMA {
                        return Err(self.0.borrow_mut().waiting.problem(Problem::Schema(schema)));
                    }
                    self.0.borrow_mut().schema = true;
                }
                _ if !has_schema => {
                    return Err(A::Error::custom("\"schema\" has to come first"));
                }
                "cases" => map.next_value_seed(Each(CaseSeed(self.0)))?,
                "totals" => self.0.borrow_mut().totals = map.next_value()?,
                _ => self.about_the_run(&key, &mut map)?,
            }
        }
        Ok(())
    }
}

impl FileVisitor<'_, '_, '_> {
    fn about_the_run<'de, A: MapAccess<'de>>(
        &self,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "generator" => {
                let generator = map.next_value()?;
                self.in_run(|run| run.generator = generator);
            }
            "suite" => {
                let suite = map.next_value()?;
                self.in_run(|run| run.suite = suite);
            }
            "started_at" => {
                let time = map.next_value::<Option<Timestamp>>()?;
                self.in_run(|run| run.started_at = time);
            }
            "ended_at" => {
                let time = map.next_value::<Option<Timestamp>>()?;
                self.in_run(|run| run.ended_at = time);
            }
            "incomplete" => {
                let sentence = map.next_value::<Option<String>>()?;
                let sentence = sentence.map(|sentence| one_line(&sentence, TITLE));
                self.in_run(|run| run.incomplete = sentence);
            }
            "remarks" => map.next_value_seed(Each(SentenceSeed(self.0, |run| &mut run.remarks)))?,
            "contradictions" => {
                map.next_value_seed(Each(SentenceSeed(self.0, |run| &mut run.contradictions)))?;
            }
            other => return Err(A::Error::unknown_field(other, FIELDS)),
        }
        Ok(())
    }

    fn in_run(&self, change: impl FnOnce(&mut ReportedRun)) {
        change(self.0.borrow_mut().intake.run());
    }
}

/// A sentence about the run, of which as many are kept as are written.
#[derive(Clone, Copy)]
struct SentenceSeed<'r, 'a, 'b>(
    &'r RefCell<Reading<'a, 'b>>,
    fn(&mut ReportedRun) -> &mut Vec<String>,
);

impl<'de> DeserializeSeed<'de> for SentenceSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let sentence = one_line(&String::deserialize(deserializer)?, TITLE);
        let reading = &mut *self.0.borrow_mut();
        let sentences = (self.1)(reading.intake.run());
        // The last of them says how many were left out.
        if sentences.len() <= SENTENCES {
            sentences.push(sentence);
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct CaseSeed<'r, 'a, 'b>(&'r RefCell<Reading<'a, 'b>>);

impl<'de> DeserializeSeed<'de> for CaseSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let case = ReportedCase::deserialize(deserializer)?;
        let Reading { intake, waiting, .. } = &mut *self.0.borrow_mut();
        intake.case(case).map_err(|error| waiting.stop(error))
    }
}
