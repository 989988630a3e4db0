//! Our own JSON (`docs/results.md`): everything that a run holds, so that what is written by one
//! Bootwright and read by another is the same.
//!
//! It is read and written case by case. `schema` comes first, so that a later version is refused
//! before anything of it was taken.

use std::{
    cell::RefCell,
    fmt,
    io::{self, BufRead, Write},
};

use domain::{
    run::reported::{ReportedCase, ReportedRun, ResultFormat, Totals},
    time::Timestamp,
};
use serde::{
    Deserialize as _, Deserializer, Serialize,
    de::{DeserializeSeed, Error as _, MapAccess, Visitor},
};

use super::{
    Problem, ResultFileError,
    intake::Intake,
    json::{Each, Guard, Waiting},
    text::one_line,
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
        let intake = &mut *self.0.borrow_mut().intake;
        match key {
            "generator" => intake.run().generator = map.next_value()?,
            "suite" => intake.run().suite = map.next_value()?,
            "started_at" => intake.run().started_at = map.next_value::<Option<Timestamp>>()?,
            "ended_at" => intake.run().ended_at = map.next_value::<Option<Timestamp>>()?,
            "incomplete" => {
                let sentence = map.next_value::<Option<String>>()?;
                intake.run().incomplete = sentence.map(|sentence| one_line(&sentence, 1000));
            }
            "remarks" => {
                for sentence in map.next_value::<Vec<String>>()? {
                    intake.remark(one_line(&sentence, 1000));
                }
            }
            "contradictions" => {
                for sentence in map.next_value::<Vec<String>>()? {
                    intake.contradiction(one_line(&sentence, 1000));
                }
            }
            other => return Err(A::Error::unknown_field(other, FIELDS)),
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
