//! `output.xml`: which element means what depends on the one around it.

use std::io::BufRead;

use domain::{run::reported::ResultFormat, time::Timestamp};

use super::{Case, REASON, RobotFile, Stated, log_line, name};
use crate::results::{
    Problem, ResultFileError,
    intake::{Intake, PARTS},
    numbers::{seconds, timestamp},
    text::{Head, html_to_text},
    xml::{Piece, Tag, XmlFile},
};

/// What an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Robot,
    Suite,
    SuiteTeardown,
    TeardownStatus,
    SuiteStatus,
    Test,
    Tags,
    Tag,
    TestStatus,
    /// A keyword or anything else that holds messages.
    Step,
    Message,
    Statistics,
    Total,
    Stat,
    Other,
}

/// Reads a file.
pub(in crate::results) fn read(
    input: impl BufRead,
    intake: &mut Intake<'_>,
) -> Result<(), ResultFileError> {
    let mut file = XmlFile::new(input);
    let mut reading = Reading::default();
    loop {
        let line = file.line();
        match file.next()? {
            Piece::Open(tag) => reading.open(&tag, line)?,
            Piece::Text(text) => reading.text.push(&text),
            Piece::Close => reading.close()?,
            Piece::End(_) if !reading.begun => {
                let found = "there is no element in it".to_owned();
                return Err(Problem::NotThisFormat { format: ResultFormat::RobotXml, found }.at(1));
            }
            Piece::End(cut) => return reading.file.finish(cut, intake),
        }
    }
}

#[derive(Default)]
struct Reading {
    file: RobotFile,
    begun: bool,
    stack: Vec<Kind>,
    case: Option<Case>,
    /// The text of the innermost element, as far as it came.
    text: Head,
    /// Attributes of the element whose text is being read.
    message: Message,
    status: Status,
    stat: Stated,
}

/// The attributes of a `<msg>`.
#[derive(Default)]
struct Message {
    time: String,
    level: String,
    html: bool,
}

/// The attributes of a `<status>`.
#[derive(Default)]
struct Status {
    word: String,
    started_at: Option<Timestamp>,
    duration_us: Option<i64>,
}

impl Reading {
    fn open(&mut self, tag: &Tag<'_>, line: u64) -> Result<(), ResultFileError> {
        let kind = self.kind(tag, line)?;
        self.stack.push(kind);
        match kind {
            Kind::Robot => {
                self.begun = true;
                self.file.generator = tag.attribute("generator")?.unwrap_or_default();
            }
            Kind::Suite => {
                self.file.begin_suite(line)?;
                let name = name(&tag.attribute("name")?.unwrap_or_default());
                if let Some(suite) = self.file.suite() {
                    suite.name = name;
                }
            }
            Kind::Test => {
                let name = name(&tag.attribute("name")?.unwrap_or_default());
                self.case = Some(Case { name, ..Case::default() });
            }
            Kind::Message => {
                self.message = Message {
                    time: either(tag, "time", "timestamp")?.unwrap_or_default(),
                    level: tag.attribute("level")?.unwrap_or_default(),
                    html: tag.attribute("html")?.is_some_and(|it| it == "true" || it == "yes"),
                };
            }
            Kind::TestStatus | Kind::SuiteStatus | Kind::TeardownStatus => {
                self.status = status(tag)?;
            }
            Kind::Stat => {
                let number = |name| {
                    Ok::<_, ResultFileError>(tag.attribute(name)?.and_then(|it| it.parse().ok()))
                };
                self.stat =
                    Stated { pass: number("pass")?, fail: number("fail")?, skip: number("skip")? };
            }
            _ => {}
        }
        self.text = Head::default();
        Ok(())
    }

    fn kind(&self, tag: &Tag<'_>, line: u64) -> Result<Kind, ResultFileError> {
        use Kind as K;
        Ok(match (self.stack.last().copied(), tag.name()) {
            (None, "robot") => K::Robot,
            (None, other) => {
                let found = format!("its outermost element is <{}>", name(other));
                return Err(
                    Problem::NotThisFormat { format: ResultFormat::RobotXml, found }.at(line)
                );
            }
            (Some(K::Robot | K::Suite), "suite") => K::Suite,
            (Some(K::Suite), "test" | "task") => K::Test,
            (Some(K::Suite), "kw") => {
                let role = tag.attribute("type")?.unwrap_or_default();
                if role.eq_ignore_ascii_case("teardown") { K::SuiteTeardown } else { K::Step }
            }
            (Some(K::SuiteTeardown), "status") => K::TeardownStatus,
            (Some(K::Suite), "status") => K::SuiteStatus,
            (Some(K::Test), "status") => K::TestStatus,
            (Some(K::Test), "tags") => K::Tags,
            (Some(K::Test | K::Tags), "tag") => K::Tag,
            (Some(K::Test | K::Step), "msg") if self.case.is_some() => K::Message,
            (Some(K::Test | K::Step | K::SuiteTeardown), _) => K::Step,
            (Some(K::Robot), "statistics") => K::Statistics,
            (Some(K::Statistics), "total") => K::Total,
            (Some(K::Total), "stat") => K::Stat,
            _ => K::Other,
        })
    }

    fn close(&mut self) -> Result<(), ResultFileError> {
        let Some(kind) = self.stack.pop() else { return Ok(()) };
        let text = std::mem::take(&mut self.text);
        match kind {
            Kind::Suite => self.file.end_suite(),
            Kind::Test => {
                if let Some(case) = self.case.take() {
                    self.file.case(case)?;
                }
            }
            Kind::Tag => {
                if let Some(case) = self.case.as_mut().filter(|case| case.tags.len() < PARTS) {
                    case.tags.push(name(text.as_str()));
                }
            }
            Kind::Message => self.end_message(text),
            Kind::TestStatus => {
                if let Some(case) = &mut self.case {
                    case.status = std::mem::take(&mut self.status.word);
                    case.started_at = self.status.started_at;
                    case.duration_us = self.status.duration_us;
                    case.message = text.finish();
                }
            }
            Kind::TeardownStatus if matches!(&*self.status.word, "FAIL" | "SKIP") => {
                self.file.teardown(&self.status.word, text.as_str());
            }
            Kind::SuiteStatus => self.end_suite_status(&text),
            // `All Tests` comes last; version 3 has the critical ones in front.
            Kind::Stat if text.as_str().trim().starts_with("All ") => {
                self.file.stated = Some(std::mem::take(&mut self.stat));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_message(&mut self, text: Head) {
        if let Some(case) = &mut self.case {
            let text = text.finish();
            let text = if self.message.html { html_to_text(&text) } else { text };
            log_line(&self.message.time, &self.message.level, &text, &mut case.log);
        }
    }

    fn end_suite_status(&mut self, text: &Head) {
        let Status { started_at, duration_us, .. } = self.status;
        if let Some(suite) = self.file.suite() {
            suite.started_at = started_at;
            suite.duration_us = duration_us;
            // Some versions tell the reason here and not at the teardown.
            if let Some(teardown) = suite.teardown.as_mut().filter(|it| it.message.is_empty()) {
                let told = text.as_str().split_once("uite teardown failed:\n");
                let why = told.map_or("", |(_, why)| why);
                why[..why.floor_char_boundary(REASON)].clone_into(&mut teardown.message);
            }
        }
    }
}

fn either(tag: &Tag<'_>, new: &str, old: &str) -> Result<Option<String>, ResultFileError> {
    Ok(match tag.attribute(new)? {
        Some(value) => Some(value),
        None => tag.attribute(old)?,
    })
}

/// Versions 7 and later say how long it took, those before when it ended.
fn status(tag: &Tag<'_>) -> Result<Status, ResultFileError> {
    let started_at = either(tag, "start", "starttime")?.and_then(|it| timestamp(&it));
    let ended_at = tag.attribute("endtime")?.and_then(|it| timestamp(&it));
    let elapsed = tag.attribute("elapsed")?.and_then(|it| seconds(&it));
    let between = started_at.zip(ended_at).map(|(begin, end)| end.0.saturating_sub(begin.0));
    Ok(Status {
        word: tag.attribute("status")?.unwrap_or_default(),
        started_at,
        duration_us: elapsed.or(between),
    })
}
