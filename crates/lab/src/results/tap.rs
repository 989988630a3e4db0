//! The Test Anything Protocol, versions 12 to 14, and the kernel's KTAP.
//!
//! Points that hold other points are no cases of their own: what counts are the innermost ones. A point
//! that failed while all within it passed is one, since it says something that they do not. Points
//! within others stand before the one that names them, so they wait aside until it comes.
//!
//! The format is loose: whatever else programs and kernels print between is kept for excerpts.

mod diagnostics;
mod grammar;

use std::io::BufRead;

use domain::run::{
    Outcome,
    reported::{ReportedCase, ResultFormat},
};

pub(super) use self::grammar::is_tap;
use self::{
    diagnostics::Block,
    grammar::{Depth, Line, Point, Text, parse},
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
/// The most points that hold others, between two that are held by none.
const GROUPS: usize = 100_000;
/// The most levels within each other.
const DEEPEST: usize = 64;

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
    /// The levels that are open, from the outermost in.
    levels: Vec<Level>,
    /// The points that hold those which wait.
    groups: Vec<Group>,
    waiting: Aside<(Option<usize>, ReportedCase)>,
    /// The case to which diagnostics may still come, and its group.
    last: Option<(Option<usize>, ReportedCase)>,
    block: Option<Block>,
    /// What was printed since the last point.
    log: Tail,
    /// The kernel's runners print diagnostics before the point, others behind it.
    log_comes_first: bool,
    /// The name that a comment gave to the points that follow.
    announced: Option<String>,
    bailed_out: Option<String>,
    /// Whether any line was of the protocol.
    begun: bool,
}

/// The points of one level, up to now.
struct Level {
    depth: Depth,
    group: Option<usize>,
    plan: Option<u64>,
    points: u64,
    any_failed: bool,
    /// Whether a number has been out of order already: once is enough to say.
    out_of_order: bool,
}

/// A point that holds others.
struct Group {
    parent: Option<usize>,
    name: String,
}

impl<'a, 'b> Reading<'a, 'b> {
    fn new(intake: &'a mut Intake<'b>) -> Self {
        Self {
            intake,
            levels: Vec::new(),
            groups: Vec::new(),
            waiting: Aside::default(),
            last: None,
            block: None,
            log: Tail::default(),
            log_comes_first: false,
            announced: None,
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
        let hashes = self.levels.last().map_or(0, |level| level.depth.hashes);
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
                self.log_comes_first |= self.levels.last().is_some_and(|it| depth > it.depth);
                self.announced = Some(one_line(name, TITLE));
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

    /// The level at this depth, opened where it is not.
    fn level(&mut self, depth: Depth, line: u64) -> Result<&mut Level, ResultFileError> {
        self.begun = true;
        while self.levels.last().is_some_and(|level| level.depth > depth) {
            self.close_level();
        }
        if self.levels.last().is_none_or(|level| level.depth < depth) {
            let group = match self.levels.last() {
                None => None,
                Some(outer) => {
                    let parent = outer.group;
                    if self.groups.len() == GROUPS {
                        return Err(Problem::TooManySuites(GROUPS).at(line));
                    }
                    if self.levels.len() == DEEPEST {
                        return Err(Problem::TooDeep(DEEPEST).at(line));
                    }
                    let name = self.announced.take().unwrap_or_default();
                    self.groups.push(Group { parent, name });
                    Some(self.groups.len() - 1)
                }
            };
            self.levels.push(Level {
                depth,
                group,
                plan: None,
                points: 0,
                any_failed: false,
                out_of_order: false,
            });
        }
        let last = self.levels.len() - 1;
        Ok(&mut self.levels[last])
    }

    /// Closes the innermost level, and says where it has other points than it planned.
    fn close_level(&mut self) -> Option<Level> {
        let level = self.levels.pop()?;
        let inner = level.group.map(|group| format!("Within {:?}", self.groups[group].name));
        if let Some(plan) = level.plan
            && plan != level.points
            && (inner.is_some() || level.points > plan)
        {
            let of = inner.as_deref().unwrap_or("The file");
            self.intake.compare(of, "points", Some(plan), level.points);
        }
        Some(level)
    }

    fn point(&mut self, depth: Depth, point: Point, line: u64) -> Result<(), ResultFileError> {
        self.settle()?;
        // Inner levels end with the point that holds them.
        let name = one_line(&point.description, TITLE);
        let (mut holds_points, mut inner_failed) = (false, false);
        while self.levels.last().is_some_and(|level| level.depth > depth) && self.levels.len() > 1 {
            let is_direct =
                self.levels.len() == 2 || self.levels[self.levels.len() - 2].depth <= depth;
            let group = self.levels[self.levels.len() - 1].group;
            if let Some(group) = group.filter(|_| is_direct && !name.is_empty()) {
                self.groups[group].name.clone_from(&name);
            }
            if let Some(level) = self.close_level() {
                holds_points |= level.points > 0;
                inner_failed |= level.any_failed;
            }
        }
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
        if self.levels.len() == 1 {
            self.flush()?;
        }
        self.announced = None;
        if !holds_points || (failed && !inner_failed) {
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
        if self.waiting.is_empty() {
            self.groups.clear();
            return Ok(());
        }
        for item in self.waiting.take()? {
            let (mut group, mut case) = item?;
            while let Some(Group { parent, name }) = group.and_then(|group| self.groups.get(group))
            {
                if !name.is_empty() {
                    case.suites.insert(0, name.clone());
                }
                group = *parent;
            }
            for suite in case.suites.iter().rev() {
                case.id = format!("{suite}::{}", case.id);
            }
            self.intake.case(case)?;
        }
        self.groups.clear();
        Ok(())
    }

    fn end(mut self, line: u64) -> Result<(), ResultFileError> {
        self.end_block();
        self.settle()?;
        if !self.begun {
            let found = "no line of it is one of the protocol".to_owned();
            return Err(Problem::NotThisFormat { format: ResultFormat::Tap, found }.at(line));
        }
        let inner = self.levels.len() > 1;
        while self.levels.len() > 1 {
            self.close_level();
        }
        self.flush()?;
        let root = self.close_level();
        let (plan, points) = root.map_or((None, 0), |root| (root.plan, root.points));
        self.intake.run().incomplete = match (self.bailed_out, plan) {
            (Some(why), _) if why.is_empty() => Some("The run bailed out.".to_owned()),
            (Some(why), _) => Some(format!("The run bailed out: {}", one_line(&why, TITLE))),
            (None, _) if inner => Some(CutShort { line }.sentence()),
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
    let (outcome, message) = point.outcome();
    ReportedCase { message, ..intake::case(name.clone(), name, outcome) }
}
