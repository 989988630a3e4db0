//! JUnit XML, a format without a standard: what pytest, Maven Surefire, Go's gotestsum and nextest write
//! of it. Suites may stand within each other, or a lone `<testsuite>` be all.

mod case;
mod reruns;
mod suite;

use std::io::BufRead;

use domain::run::reported::{ReportedCase, ResultFormat};

use self::{
    case::{Case, Verdict},
    reruns::Reruns,
    suite::Suite,
};
use super::{
    Problem, ResultFileError,
    intake::{Intake, SUITES_DEEP},
    numbers::quantity,
    text::{TITLE, one_line},
    xml::{Piece, Tag, XmlFile},
};

/// What an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `<testsuites>` and `<testsuite>`.
    Suite,
    Case,
    /// A failure, an error, a reason to skip, or an attempt that did not decide.
    Verdict,
    /// What the case printed.
    Output,
    Properties,
    Other,
}

/// Reads a file.
pub(super) fn read(input: impl BufRead, intake: &mut Intake<'_>) -> Result<(), ResultFileError> {
    let mut file = XmlFile::new(input);
    let mut reading =
        Reading { intake, stack: Vec::new(), suites: Vec::new(), case: None, begun: false };
    loop {
        let line = file.line();
        match file.next()? {
            Piece::Open(tag) => reading.open(&tag, line)?,
            Piece::Text(text) => reading.text(&text),
            Piece::Close => reading.close()?,
            Piece::End(_) if !reading.begun => {
                let found = "there is no element in it".to_owned();
                return Err(Problem::NotThisFormat { format: ResultFormat::Junit, found }.at(1));
            }
            Piece::End(cut) => {
                reading.hand_out()?;
                if let Some(cut) = cut {
                    reading.intake.run().incomplete = Some(cut.sentence());
                }
                return Ok(());
            }
        }
    }
}

struct Reading<'a, 'b> {
    intake: &'a mut Intake<'b>,
    stack: Vec<Kind>,
    /// The suites that are open, from the outermost in.
    suites: Vec<Suite>,
    case: Option<Case>,
    begun: bool,
}

impl Reading<'_, '_> {
    fn open(&mut self, tag: &Tag<'_>, line: u64) -> Result<(), ResultFileError> {
        let kind = match (self.stack.last().copied(), tag.name()) {
            (None, "testsuites" | "testsuite") | (Some(Kind::Suite), "testsuite") => Kind::Suite,
            (None, other) => {
                let found = format!("its outermost element is <{}>", one_line(other, 40));
                return Err(Problem::NotThisFormat { format: ResultFormat::Junit, found }.at(line));
            }
            (Some(Kind::Suite), "testcase") => Kind::Case,
            (Some(Kind::Suite | Kind::Case), "properties") => Kind::Properties,
            (Some(Kind::Properties), "property") => {
                self.property(tag)?;
                Kind::Other
            }
            (Some(Kind::Case), "system-out" | "system-err") => Kind::Output,
            (Some(Kind::Case), name) => match (Verdict::of(tag, name)?, &mut self.case) {
                (Some(verdict), Some(case)) => {
                    case.add(verdict);
                    Kind::Verdict
                }
                _ => Kind::Other,
            },
            (Some(Kind::Verdict), "stackTrace") => Kind::Verdict,
            _ => Kind::Other,
        };
        self.stack.push(kind);
        match kind {
            Kind::Suite => self.open_suite(tag, line)?,
            Kind::Case => self.case = Some(Case::of(tag)?),
            _ => {}
        }
        Ok(())
    }

    fn open_suite(&mut self, tag: &Tag<'_>, line: u64) -> Result<(), ResultFileError> {
        self.begun = true;
        if self.suites.len() == SUITES_DEEP {
            return Err(Problem::TooDeep(SUITES_DEEP).at(line));
        }
        let suite = Suite::of(tag)?;
        let run = self.intake.run();
        if let Some(generator) = suite.generator(tag)? {
            generator.clone_into(&mut run.generator);
        }
        // `<testsuites>` has a name in some dialects only.
        if run.suite.is_empty() {
            run.suite.clone_from(&suite.name);
        }
        if let Some(begin) = suite.started_at {
            run.started_at = Some(run.started_at.map_or(begin, |first| first.min(begin)));
        }
        if let Some(end) = suite.ended_at() {
            run.ended_at = Some(run.ended_at.map_or(end, |last| last.max(end)));
        }
        self.suites.push(suite);
        Ok(())
    }

    fn property(&mut self, tag: &Tag<'_>) -> Result<(), ResultFileError> {
        let name = tag.attribute("name")?.unwrap_or_default();
        let value = tag.attribute("value")?.unwrap_or_default();
        match &mut self.case {
            // What a test records with a number is what it measured.
            Some(case) => {
                if let Some((value, unit)) = quantity(&value) {
                    case.measure(&name, value, unit);
                }
            }
            None if name == "go.version" => {
                self.intake.run().generator = one_line(&value, TITLE);
                if let Some(suite) = self.suites.last_mut() {
                    suite.reruns.get_or_insert_default();
                }
            }
            None => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let Some(case) = &mut self.case else { return };
        match self.stack.last() {
            Some(Kind::Verdict) => case.verdict_text(text),
            Some(Kind::Output) => case.output(text),
            _ => {}
        }
    }

    fn close(&mut self) -> Result<(), ResultFileError> {
        match self.stack.pop() {
            Some(Kind::Suite) => {
                self.hand_out()?;
                if let Some(suite) = self.suites.pop() {
                    suite.check(self.intake);
                    if let Some(outer) = self.suites.last_mut() {
                        outer.add_inner(&suite);
                    }
                }
            }
            Some(Kind::Case) => {
                if let Some(case) = self.case.take() {
                    let names = self.suites.iter().map(|suite| suite.name.clone());
                    let names = names.filter(|name| !name.is_empty()).collect();
                    let case = case.reported(names);
                    self.end_case(case)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_case(&mut self, case: ReportedCase) -> Result<(), ResultFileError> {
        let Some(suite) = self.suites.last_mut() else { return self.intake.case(case) };
        let Some(reruns) = &mut suite.reruns else {
            suite.add(&case);
            return self.intake.case(case);
        };
        reruns.hold(case);
        if reruns.is_full() { self.hand_out() } else { Ok(()) }
    }

    /// Hands out what the innermost suite held until its reruns had come.
    fn hand_out(&mut self) -> Result<(), ResultFileError> {
        let Some(suite) = self.suites.last_mut() else { return Ok(()) };
        for case in suite.reruns.as_mut().map(Reruns::take).unwrap_or_default() {
            suite.add(&case);
            self.intake.case(case)?;
        }
        Ok(())
    }
}
