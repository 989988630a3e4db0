//! A test case of JUnit XML: what decides, what was tried before, what it printed.

use std::borrow::Cow;

use domain::{
    run::{
        Outcome,
        reported::{EarlierAttempt, Measurement, ReportedCase},
    },
    time::Timestamp,
};

use crate::results::{
    ResultFileError,
    intake::{self, PARTS},
    numbers::{seconds, timestamp},
    text::{Head, MESSAGE, TITLE, Tail, one_line},
    xml::Tag,
};

/// A case that is open.
pub(super) struct Case {
    name: String,
    class: String,
    not_run: bool,
    started_at: Option<Timestamp>,
    duration_us: Option<i64>,
    verdicts: Vec<Verdict>,
    output: Tail,
    measurements: Vec<Measurement>,
}

/// When an attempt was made that a verdict is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The first of those that are told.
    Main,
    /// After it, with no better end.
    Again,
    /// Before one that passed.
    Before,
}

/// Something that did not pass.
pub(super) struct Verdict {
    attempt: Attempt,
    outcome: Outcome,
    message: String,
    body: Head,
    duration_us: Option<i64>,
}

impl Verdict {
    /// Of an element in a case; `None` where it is no verdict.
    pub(super) fn of(tag: &Tag<'_>, name: &str) -> Result<Option<Self>, ResultFileError> {
        let (attempt, outcome) = match name {
            "failure" => (Attempt::Main, Outcome::Failed),
            "error" => (Attempt::Main, Outcome::Errored),
            "skipped" => (Attempt::Main, Outcome::Skipped),
            "rerunFailure" => (Attempt::Again, Outcome::Failed),
            "rerunError" => (Attempt::Again, Outcome::Errored),
            "flakyFailure" => (Attempt::Before, Outcome::Failed),
            "flakyError" => (Attempt::Before, Outcome::Errored),
            _ => return Ok(None),
        };
        let mut message = Head::default();
        if tag.attribute("type")?.as_deref() == Some("pytest.xfail") {
            message.push("expected to fail: ");
        }
        message.push(&tag.attribute("message")?.unwrap_or_default());
        Ok(Some(Self {
            attempt,
            outcome,
            message: message.finish(),
            body: Head::default(),
            duration_us: tag.attribute("time")?.and_then(|text| seconds(&text)),
        }))
    }

    /// The message; where the runner gives none, or Go's bare `Failed` or `Skipped`, what stands below it.
    /// Of a panic in Rust the message is the place alone, and the words are on the next line below.
    fn words(&self) -> Cow<'_, str> {
        let message = self.message.trim();
        if matches!(message, "" | "Failed" | "Skipped") && !self.body.is_blank() {
            return Cow::Borrowed(self.body.as_str());
        }
        let below = self.body.as_str().strip_prefix(message).and_then(|it| it.strip_prefix(":\n"));
        match below.and_then(|below| below.lines().next()) {
            Some(line) if message.contains(" panicked at ") => {
                Cow::Owned(format!("{message}:\n{line}"))
            }
            _ => Cow::Borrowed(message),
        }
    }

    fn earlier(&self, duration_us: Option<i64>) -> EarlierAttempt {
        EarlierAttempt { outcome: self.outcome, duration_us, message: self.words().into_owned() }
    }
}

impl Case {
    /// As its attributes tell of it.
    pub(super) fn of(tag: &Tag<'_>) -> Result<Self, ResultFileError> {
        let text = |name| Ok::<_, ResultFileError>(tag.attribute(name)?.unwrap_or_default());
        Ok(Self {
            name: one_line(&text("name")?, TITLE),
            class: one_line(&text("classname")?, TITLE),
            not_run: text("status")? == "notrun",
            started_at: timestamp(&text("timestamp")?),
            duration_us: seconds(&text("time")?),
            verdicts: Vec::new(),
            output: Tail::default(),
            measurements: Vec::new(),
        })
    }

    /// An element in it is a verdict.
    pub(super) fn add(&mut self, verdict: Verdict) {
        // What is too much takes the place of the last, so that the last is the last.
        self.verdicts.truncate(PARTS - 1);
        self.verdicts.push(verdict);
    }

    /// A part of the text of the last verdict.
    pub(super) fn verdict_text(&mut self, text: &str) {
        // What only indents the elements within is no part of it.
        let verdict = self.verdicts.last_mut();
        if let Some(verdict) = verdict.filter(|it| !(it.body.is_blank() && text.trim().is_empty()))
        {
            verdict.body.push(text);
        }
    }

    /// A part of what it printed.
    pub(super) fn output(&mut self, text: &str) {
        self.output.push(text);
    }

    /// It measured something.
    pub(super) fn measure(&mut self, name: &str, value: f64, unit: &str) {
        if self.measurements.len() < PARTS {
            let (name, unit) = (one_line(name, TITLE), unit.to_owned());
            self.measurements.push(Measurement { name, value, unit });
        }
    }

    /// The case as a whole, within suites of these names.
    pub(super) fn reported(self, suites: Vec<String>) -> ReportedCase {
        let of = |attempt| self.verdicts.iter().filter(move |it| it.attempt == attempt);
        // A failure says more than an error of the same attempt, and both more than a skip.
        let rank = |verdict: &&Verdict| match verdict.outcome {
            Outcome::Failed => 0,
            Outcome::Errored => 1,
            _ => 2,
        };
        let main = of(Attempt::Main).min_by_key(rank);
        let decides = of(Attempt::Again).next_back().or(main);
        let mut earlier: Vec<_> =
            of(Attempt::Before).map(|verdict| verdict.earlier(verdict.duration_us)).collect();
        let mut duration_us = self.duration_us;
        if let Some(last) = of(Attempt::Again).next_back() {
            // The time of the case is the time of its first attempt.
            earlier.extend(main.map(|main| main.earlier(duration_us)));
            let again = of(Attempt::Again).count().saturating_sub(1);
            earlier.extend(of(Attempt::Again).take(again).map(|it| it.earlier(it.duration_us)));
            duration_us = last.duration_us;
        }
        let outcome = match decides {
            Some(verdict) => verdict.outcome,
            None if self.not_run => Outcome::NotRun,
            None => Outcome::Passed,
        };
        let message = decides.map(Verdict::words).unwrap_or_default().into_owned();
        let excerpt = match decides {
            Some(verdict) if outcome != Outcome::Skipped => {
                let body = verdict.body.as_str();
                excerpt(if body == message { "" } else { body }, self.output)
            }
            _ => String::new(),
        };
        let around = if self.class.is_empty() { suites.last() } else { Some(&self.class) };
        let id = match around {
            Some(around) => format!("{around}::{}", self.name),
            None => self.name.clone(),
        };
        ReportedCase {
            suites,
            started_at: self.started_at,
            duration_us,
            message,
            excerpt,
            measurements: self.measurements,
            earlier,
            ..intake::case(id, self.name, outcome)
        }
    }
}

/// The traceback, and the end of what was printed.
fn excerpt(body: &str, output: Tail) -> String {
    let mut text = Head::default();
    text.push(body[..body.floor_char_boundary(MESSAGE / 2)].trim_end());
    let output = output.finish(MESSAGE - 128 - text.as_str().len());
    if !text.is_blank() && !output.is_empty() {
        text.push("\n\n");
    }
    text.push(&output);
    text.finish()
}
