//! The Test Anything Protocol, versions 12 to 14, and the kernel's KTAP.
//!
//! Points that hold other points are no cases of their own: what counts are the innermost ones. A point
//! that failed while all within it passed is one, since it says something that they do not. Points
//! within others stand before the one that names them, so they wait aside until it comes.
//!
//! The format is loose: whatever else programs and kernels print between is kept for excerpts.

mod diagnostics;
mod grammar;
mod levels;

use std::io::BufRead;

use domain::run::{
    Outcome,
    reported::{ReportedCase, ResultFormat},
};

pub(super) use self::grammar::is_tap;
use self::{
    diagnostics::Block,
    grammar::{Depth, Line, Point, Text, parse},
    levels::{Level, Levels},
};
use super::{
    Problem, ResultFileError,
    aside::Aside,
    input::{Counted, read_line},
    intake::{self, Intake},
    problem::CutShort,
    text::{TITLE, Tail, one_line},
};

/// The most bytes of a line that are kept.
const LINE: usize = 64 * 1024;
/// Reads a file.
pub(super) fn read(input: impl BufRead, intake: &mut Intake<'_>) -> Result<(), ResultFileError> {
    let mut input = Counted::new(input);
    let mut reading = Reading::new(intake);
    let (mut bytes, mut replaced) = (Vec::new(), false);
    loop {
        input.next_piece();
        let line = input.line();
        match read_line(&mut input, &mut bytes, LINE) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(input.failure(error)),
        }
        let text = String::from_utf8_lossy(&bytes);
        if !replaced && matches!(text, std::borrow::Cow::Owned(_)) {
            replaced = true;
            reading.intake.remark(format!("Line {line} is not UTF-8: what is not was replaced."));
        }
        reading.line(&text, line)?;
    }
    reading.end(input.line())
}

struct Reading<'a, 'b> {
    intake: &'a mut Intake<'b>,
    levels: Levels,
    waiting: Aside<(Option<usize>, ReportedCase)>,
    /// The case to which diagnostics may still come, and its group.
    last: Option<(Option<usize>, ReportedCase)>,
    block: Option<Block>,
    /// What was printed since the last point.
    log: Tail,
    /// The kernel's runners print diagnostics before the point, others behind it.
    log_comes_first: bool,
    bailed_out: Option<String>,
    /// Whether any line was of the protocol.
    begun: bool,
}

impl<'a, 'b> Reading<'a, 'b> {
    fn new(intake: &'a mut Intake<'b>) -> Self {
        Self {
            intake,
            levels: Levels::default(),
            waiting: Aside::default(),
            last: None,
            block: None,
            log: Tail::default(),
            log_comes_first: false,
            bailed_out: None,
            begun: false,
        }
    }

    fn line(&mut self, raw: &str, number: u64) -> Result<(), ResultFileError> {
        if let Some(block) = &mut self.block {
            if block.takes(raw) {
                return Ok(());
            }
            self.end_block();
        }
        let hashes = self.levels.innermost().map_or(0, |depth| depth.hashes);
        let Text { depth, line } = parse(raw, hashes);
        match line {
            Line::Version { kernel } => {
                self.log_comes_first |= kernel || depth.hashes > 0;
                self.settle()?;
                self.level(depth, number)?;
            }
            Line::Plan(count) => {
                self.log_comes_first |= depth.hashes > 0;
                self.settle()?;
                self.level(depth, number)?.plan = Some(count);
            }
            Line::Point(point) => self.point(depth, point, number)?,
            Line::BailOut(why) => {
                self.begun = true;
                self.bailed_out.get_or_insert(why);
            }
            Line::Subtest(name) => {
                // KUnit announces among the points themselves, others before them.
                self.log_comes_first |= self.levels.innermost().is_some_and(|open| depth > open);
                self.levels.announce(depth, one_line(name, TITLE));
            }
            Line::BlockBegins if self.last.is_some() => self.block = Some(Block::new(raw)),
            Line::Comment(text) => {
                // The runner of the kernel's selftests announces so.
                self.log_comes_first |= text.starts_with("selftests: ");
                self.log.line(text);
            }
            Line::BlockBegins | Line::Other => self.log.line(raw.trim_end()),
        }
        Ok(())
    }

    /// The level at this depth.
    fn level(&mut self, depth: Depth, line: u64) -> Result<&mut Level, ResultFileError> {
        self.begun = true;
        self.levels.at(depth, line, self.intake)
    }

    fn point(&mut self, depth: Depth, point: Point, line: u64) -> Result<(), ResultFileError> {
        self.settle()?;
        let name = one_line(&point.description, TITLE);
        let within = self.levels.close_within(depth, &name, self.intake);
        let level = self.level(depth, line)?;
        level.points += 1;
        let (group, expected) = (level.group, level.points);
        let number = point.number.unwrap_or(expected);
        let is_first_out_of_order = number != expected && !level.out_of_order;
        level.out_of_order |= number != expected;
        let case = case(point, name, number);
        let failed = matches!(case.outcome, Outcome::Failed | Outcome::Errored);
        level.any_failed |= failed;
        if is_first_out_of_order {
            let sentence = format!("Line {line}: point {number} comes where {expected} should.");
            self.intake.remark(sentence);
        }
        if !self.levels.are_nested() {
            self.flush()?;
        }
        self.levels.announce_none();
        if !within.any || (failed && !within.any_failed) {
            self.last = Some((group, case));
            if self.log_comes_first {
                self.take_log();
            }
        } else {
            self.log = Tail::default();
        }
        Ok(())
    }

    /// What was printed belongs to the last case.
    fn take_log(&mut self) {
        let log = std::mem::take(&mut self.log);
        let Some((_, case)) = &mut self.last else { return };
        if matches!(case.outcome, Outcome::Failed | Outcome::Errored) {
            case.excerpt = log.finish(super::text::MESSAGE);
            if case.message.is_empty() {
                let mut lines = case.excerpt.lines().filter(|line| !line.trim().is_empty());
                let line = if self.log_comes_first { lines.next_back() } else { lines.next() };
                case.message = line.unwrap_or_default().trim().to_owned();
            }
        }
    }

    fn end_block(&mut self) {
        if let (Some(block), Some((_, case))) = (self.block.take(), &mut self.last) {
            block.finish(case);
        }
    }

    /// No more diagnostics come to the last case.
    fn settle(&mut self) -> Result<(), ResultFileError> {
        if !self.log_comes_first && self.last.is_some() {
            self.take_log();
        }
        match self.last.take() {
            None => Ok(()),
            // Nothing holds it, and nothing in front of it waits.
            Some((None, case)) if self.waiting.is_empty() => self.intake.case(case),
            Some(last) => self.waiting.push(&last),
        }
    }

    /// Hands over all that wait: the points that hold them have been named.
    fn flush(&mut self) -> Result<(), ResultFileError> {
        if !self.waiting.is_empty() {
            for item in self.waiting.take()? {
                let (group, mut case) = item?;
                case.suites = self.levels.names(group);
                if !case.suites.is_empty() {
                    case.id = format!("{}::{}", case.suites.join("::"), case.id);
                }
                self.intake.case(case)?;
            }
        }
        self.levels.forget_names();
        Ok(())
    }

    fn end(mut self, line: u64) -> Result<(), ResultFileError> {
        self.end_block();
        self.settle()?;
        if !self.begun {
            let found = "no line of it is one of the protocol".to_owned();
            return Err(Problem::NotThisFormat { format: ResultFormat::Tap, found }.at(line));
        }
        let nested = self.levels.are_nested();
        while self.levels.are_nested() {
            self.levels.close(self.intake);
        }
        self.flush()?;
        let root = self.levels.close(self.intake);
        let (plan, points) = root.map_or((None, 0), |root| (root.plan, root.points));
        self.intake.run().incomplete = match (self.bailed_out, plan) {
            (Some(why), _) if why.is_empty() => Some("The run bailed out.".to_owned()),
            (Some(why), _) => Some(format!("The run bailed out: {}", one_line(&why, TITLE))),
            (None, _) if nested => Some(CutShort { line }.sentence()),
            (None, None) => Some("No line says how many points there should be.".to_owned()),
            (None, Some(plan)) if points < plan => {
                Some(format!("Of {plan} points that were planned, {points} are there."))
            }
            (None, Some(_)) => None,
        };
        Ok(())
    }
}

/// The case of a point that holds no others.
fn case(point: Point, name: String, number: u64) -> ReportedCase {
    let name = if name.is_empty() { format!("test {number}") } else { name };
    let duration_us = point.duration_us();
    let (outcome, message) = point.outcome();
    ReportedCase { duration_us, message, ..intake::case(name.clone(), name, outcome) }
}
