//! Robot Framework's results, as XML of versions 3 to 7 and as JSON: the rules that both share.
//!
//! A suite whose teardown fails takes all its cases along, those of inner suites too; Robot itself
//! applies this rule to what it reads (`robot` writes each case before the teardown ran, `rebot` after
//! the rule). So cases wait aside until the file has ended. The names of suites wait as well: the
//! JSON writes them behind the cases.

mod json;
mod merged;
mod steps;
mod xml;

pub(super) use json::read as read_json;
pub(super) use xml::read as read_xml;

use domain::{
    run::{
        Outcome,
        reported::{ReportedCase, Totals},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    Problem, ResultFileError,
    aside::Aside,
    intake::{self, Intake, SUITES_DEEP},
    problem::CutShort,
    text::{Excerpt, TITLE, html_to_text, one_line},
};

/// The most suites of a file: their names are held.
const SUITES: usize = 20_000;
/// The most bytes of the reason of a teardown: it is held, and goes to every case of the suite.
const REASON: usize = 2048;

/// A file of Robot's while it is read.
#[derive(Default)]
struct RobotFile {
    generator: String,
    suites: Vec<Suite>,
    /// The suites that have begun and not ended, by number.
    open: Vec<usize>,
    cases: Aside<(usize, Case)>,
    /// What the file counts itself.
    stated: Option<Stated>,
}

#[derive(Default)]
struct Suite {
    parent: Option<usize>,
    name: String,
    started_at: Option<Timestamp>,
    duration_us: Option<i64>,
    /// Why its teardown did not pass.
    teardown: Option<Teardown>,
}

/// A suite's teardown that did not pass.
struct Teardown {
    skipped: bool,
    message: String,
}

/// The total of `<statistics>`.
#[derive(Default)]
struct Stated {
    pass: Option<u64>,
    fail: Option<u64>,
    skip: Option<u64>,
}

/// A test or a task as the file tells of it.
#[derive(Default, Serialize, Deserialize)]
struct Case {
    name: String,
    tags: Vec<String>,
    status: String,
    started_at: Option<Timestamp>,
    duration_us: Option<i64>,
    message: String,
    #[serde(skip)]
    log: Excerpt,
    excerpt: String,
}

impl RobotFile {
    fn begin_suite(&mut self, line: u64) -> Result<(), ResultFileError> {
        if self.suites.len() == SUITES {
            return Err(Problem::TooManySuites(SUITES).at(line));
        }
        if self.open.len() == SUITES_DEEP {
            return Err(Problem::TooDeep(SUITES_DEEP).at(line));
        }
        let parent = self.open.last().copied();
        self.open.push(self.suites.len());
        self.suites.push(Suite { parent, ..Suite::default() });
        Ok(())
    }

    /// The teardown of the innermost suite did not pass.
    fn teardown(&mut self, status: &str, why: &str) {
        if let Some(suite) = self.suite() {
            let message = why[..why.floor_char_boundary(REASON)].to_owned();
            suite.teardown = Some(Teardown { skipped: status == "SKIP", message });
        }
    }

    /// The innermost suite that is open.
    fn suite(&mut self) -> Option<&mut Suite> {
        self.suites.get_mut(*self.open.last()?)
    }

    fn end_suite(&mut self) {
        self.open.pop();
    }

    fn case(&mut self, mut case: Case) -> Result<(), ResultFileError> {
        let log = std::mem::take(&mut case.log);
        if !matches!(outcome(&case.status), Outcome::Passed) {
            case.excerpt = log.finish();
        }
        self.cases.push(&(self.open.last().copied().unwrap_or(0), case))
    }

    /// Hands all over.
    fn finish(
        mut self,
        cut: Option<CutShort>,
        intake: &mut Intake<'_>,
    ) -> Result<(), ResultFileError> {
        let before = intake.totals();
        let (mut first, mut last) = (None::<Timestamp>, None::<Timestamp>);
        for item in self.cases.take()? {
            let (suite, case) = item?;
            if let Some(begin) = case.started_at {
                let end = Timestamp(begin.0.saturating_add(case.duration_us.unwrap_or(0)));
                first = Some(first.map_or(begin, |first| first.min(begin)));
                last = Some(last.map_or(end, |last| last.max(end)));
            }
            intake.case(self.reported(suite, case))?;
        }
        if let Some(stated) = &self.stated {
            compare(stated, before, intake);
        }
        let run = intake.run();
        if let Some(root) = self.suites.first() {
            run.suite.clone_from(&root.name);
            run.started_at = root.started_at.or(first);
            let end = root.started_at.zip(root.duration_us);
            run.ended_at = end.map(|(at, took)| Timestamp(at.0.saturating_add(took))).or(last);
        }
        run.generator = self.generator;
        run.incomplete = cut.map(CutShort::sentence);
        Ok(())
    }

    fn reported(&self, suite: usize, raw: Case) -> ReportedCase {
        let around = self.around(suite);
        let suites: Vec<_> = around.iter().rev().map(|suite| suite.name.clone()).collect();
        let attempts = merged::attempts(&raw.message);
        let mut outcome = outcome(&raw.status);
        let mut message = attempts.message;
        // What rebot wrote has been through the rule already.
        if self.generator.to_ascii_lowercase().starts_with("robot") {
            for teardown in around.iter().filter_map(|suite| suite.teardown.as_ref()) {
                apply(teardown, &mut outcome, &mut message);
            }
        }
        let (id, title) = match raw.name.split_once(char::is_whitespace) {
            Some((word, rest)) if looks_like_id(word) => (word.to_owned(), rest.to_owned()),
            None if looks_like_id(&raw.name) => (raw.name.clone(), raw.name),
            _ => {
                let mut id = suites.join(".");
                if !id.is_empty() {
                    id.push('.');
                }
                (id + &raw.name, raw.name)
            }
        };
        ReportedCase {
            suites,
            tags: raw.tags,
            started_at: raw.started_at,
            duration_us: raw.duration_us,
            message,
            excerpt: raw.excerpt,
            earlier: attempts.earlier,
            ..intake::case(id, title, outcome)
        }
    }

    /// A suite and those around it, from the innermost out.
    fn around(&self, suite: usize) -> Vec<&Suite> {
        let mut around = Vec::new();
        let mut next = self.suites.get(suite);
        while let Some(suite) = next {
            around.push(suite);
            next = suite.parent.and_then(|parent| self.suites.get(parent));
        }
        around
    }
}

/// Robot's own words and rule for a case whose suite could not be left.
fn apply(teardown: &Teardown, outcome: &mut Outcome, message: &mut String) {
    let Teardown { skipped, message: why } = teardown;
    if *skipped {
        *outcome = Outcome::Skipped;
        *message = if message.is_empty() {
            format!("Skipped in parent suite teardown:\n{why}")
        } else {
            format!("Skipped in parent suite teardown:\n{why}\n\nEarlier message:\n{message}")
        };
        return;
    }
    if *outcome != Outcome::Skipped {
        *outcome = Outcome::Failed;
    }
    *message = if message.is_empty() {
        format!("Parent suite teardown failed:\n{why}")
    } else {
        format!("{message}\n\nAlso parent suite teardown failed:\n{why}")
    };
}

/// What the file counts beside what its cases are; before version 4 nothing was skipped.
fn compare(stated: &Stated, before: Totals, intake: &mut Intake<'_>) {
    let found = intake.totals();
    let of = "The file";
    intake.compare(of, "passed", stated.pass, found.passed - before.passed);
    intake.compare(of, "failed", stated.fail, found.failing() - before.failing());
    let skipped = found.skipped + found.not_run - before.skipped - before.not_run;
    intake.compare(of, "skipped", stated.skip, skipped);
}

/// How a case ended by Robot's word; what is not known could not tell.
fn outcome(status: &str) -> Outcome {
    match status {
        "PASS" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "SKIP" => Outcome::Skipped,
        "NOT RUN" | "NOT_RUN" => Outcome::NotRun,
        _ => Outcome::Errored,
    }
}

/// Whether a word is a test's id as labs number them: `XEN1.2`, `PXE001.001`.
pub(super) fn looks_like_id(word: &str) -> bool {
    let letters = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let numbers = word[letters..].split_once('.');
    letters >= 2 && numbers.is_some_and(|(whole, part)| digits(whole) && digits(part))
}

/// A message of a status or a log: Robot marks those that are HTML.
fn plain(message: &str) -> String {
    match message.strip_prefix("*HTML*") {
        Some(html) => html_to_text(html.trim_start()),
        None => message.to_owned(),
    }
}

/// A message of a log, for the excerpt: the time of day, the level, the text.
fn log_line(time: &str, level: &str, text: &str, log: &mut Excerpt) {
    let clock = time.split(['T', ' ']).nth(1).unwrap_or_default();
    let line = format!("{clock} {level} {text}");
    log.line(line.trim_start(), matches!(level, "FAIL" | "ERROR"));
}

/// The name of a suite, a case or a tag: bounded where it is held.
fn name(text: &str) -> String {
    one_line(text, TITLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_capitals_and_two_numbers() {
        for id in ["XEN1.2", "DEB1.1", "PXE001.001", "FB1.3"] {
            assert!(looks_like_id(id), "{id}");
        }
        for word in ["Xen1.2", "V1.2", "XEN1", "XEN1.2a", "XEN.2", "1.2", "", "ÜXEN1.2", "XEN1.2.3"]
        {
            assert!(!looks_like_id(word), "{word}");
        }
    }
}
