//! `output.json`, since version 7.2. Robot writes the name of a suite behind its cases, and the status
//! of a case behind its log.

use std::{cell::RefCell, fmt, io::BufRead};

use domain::run::reported::ResultFormat;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use super::{
    Case, RobotFile, Stated, name,
    steps::{StepSeed, TagsSeed},
};
use crate::results::{
    Problem, ResultFileError,
    intake::Intake,
    json::{Each, Guard, Waiting},
    numbers::{microseconds, timestamp},
    text::{Excerpt, block},
};

/// What is filled in while the parser walks through the file.
#[derive(Default)]
pub(super) struct Reading {
    file: RobotFile,
    waiting: Waiting,
    /// The log of the case that is being read.
    pub(super) log: Excerpt,
}

/// Reads a file.
pub(in crate::results) fn read(
    input: impl BufRead,
    intake: &mut Intake<'_>,
) -> Result<(), ResultFileError> {
    let reading = RefCell::new(Reading::default());
    // Each value for itself: a suite is as large as the file.
    let mut parser = serde_json::Deserializer::from_reader(Guard::new(input, usize::MAX));
    let end = FileSeed(&reading).deserialize(&mut parser).and_then(|()| parser.end());
    let Reading { file, waiting, .. } = reading.into_inner();
    let cut = waiting.judge(end)?;
    if file.suites.is_empty() {
        let found = "there is no suite in it".to_owned();
        return Err(Problem::NotThisFormat { format: ResultFormat::RobotJson, found }.at(1));
    }
    file.finish(cut, intake)
}

#[derive(Clone, Copy)]
struct FileSeed<'a>(&'a RefCell<Reading>);

/// Of the statistics only the total counts.
#[derive(Deserialize)]
struct Statistics {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    pass: Option<u64>,
    fail: Option<u64>,
    skip: Option<u64>,
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Robot Framework's output")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "generator" => {
                    let generator = map.next_value::<Option<String>>()?.unwrap_or_default();
                    self.0.borrow_mut().file.generator = generator;
                }
                "suite" => map.next_value_seed(SuiteSeed(self.0))?,
                "statistics" => {
                    let Total { pass, fail, skip } = map.next_value::<Statistics>()?.total;
                    self.0.borrow_mut().file.stated = Some(Stated { pass, fail, skip });
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct SuiteSeed<'a>(&'a RefCell<Reading>);

impl<'de> Visitor<'de> for SuiteSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a suite")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        {
            let Reading { file, waiting, .. } = &mut *self.0.borrow_mut();
            // The line is known when the parser has stopped.
            file.begin_suite(0).map_err(|error| waiting.stop(error))?;
        }
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "suites" => map.next_value_seed(Each(self))?,
                "tests" => map.next_value_seed(Each(TestSeed(self.0)))?,
                "name" => {
                    let text = map.next_value::<Option<String>>()?.unwrap_or_default();
                    self.in_suite(|suite| suite.name = name(&text));
                }
                "teardown" => {
                    let step = map.next_value_seed(StepSeed::outermost(self.0))?;
                    if matches!(&*step.status, "FAIL" | "SKIP") {
                        self.0.borrow_mut().file.teardown(&step.status, &step.message);
                    }
                }
                "start_time" => {
                    let text = map.next_value::<Option<String>>()?;
                    let time = text.and_then(|text| timestamp(&text));
                    self.in_suite(|suite| suite.started_at = time);
                }
                "elapsed_time" => {
                    let elapsed = map.next_value::<Option<f64>>()?.and_then(microseconds);
                    self.in_suite(|suite| suite.duration_us = elapsed);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.borrow_mut().file.end_suite();
        Ok(())
    }
}

impl SuiteSeed<'_> {
    fn in_suite(self, change: impl FnOnce(&mut super::Suite)) {
        if let Some(suite) = self.0.borrow_mut().file.suite() {
            change(suite);
        }
    }
}

#[derive(Clone, Copy)]
struct TestSeed<'a>(&'a RefCell<Reading>);

impl<'de> Visitor<'de> for TestSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a test")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.borrow_mut().log = Excerpt::default();
        let mut case = Case::default();
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "name" => case.name = name(&map.next_value::<String>()?),
                "tags" => case.tags = map.next_value_seed(TagsSeed)?,
                "status" => case.status = name(&map.next_value::<String>()?),
                "message" => {
                    case.message = block(&map.next_value::<Option<String>>()?.unwrap_or_default());
                }
                "start_time" => {
                    let text = map.next_value::<Option<String>>()?;
                    case.started_at = text.and_then(|text| timestamp(&text));
                }
                "elapsed_time" => {
                    case.duration_us = map.next_value::<Option<f64>>()?.and_then(microseconds);
                }
                "setup" | "teardown" => drop(map.next_value_seed(StepSeed::outermost(self.0))?),
                "body" => map.next_value_seed(Each(StepSeed::outermost(self.0)))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Reading { file, waiting, log } = &mut *self.0.borrow_mut();
        case.log = std::mem::take(log);
        file.case(case).map_err(|error| waiting.stop(error))
    }
}

/// Objects that are taken field by field.
macro_rules! object_seed {
    ($($seed:ident),*) => {$(
        impl<'de> DeserializeSeed<'de> for $seed<'_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_map(self)
            }
        }
    )*};
}
object_seed!(FileSeed, SuiteSeed, TestSeed);
