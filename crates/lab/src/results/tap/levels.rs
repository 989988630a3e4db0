//! Points within points: which levels are open, and what the points are called that hold them.

use super::grammar::Depth;
use crate::results::{
    Problem, ResultFileError,
    intake::{Intake, SUITES_DEEP},
};

/// The most points that hold others, between two that are held by none: their names are held.
const GROUPS: usize = 20_000;

/// The levels that are open, from the outermost in.
#[derive(Default)]
pub(super) struct Levels {
    open: Vec<Level>,
    groups: Vec<Group>,
    /// The name that a comment gave to the points that follow.
    announced: Option<String>,
}

/// The points of one level, up to now.
pub(super) struct Level {
    depth: Depth,
    /// The point that holds them; none holds the outermost.
    pub(super) group: Option<usize>,
    /// How many there should be.
    pub(super) plan: Option<u64>,
    pub(super) points: u64,
    pub(super) any_failed: bool,
    /// Whether a number has been out of order already: once is enough to say.
    pub(super) out_of_order: bool,
}

/// A point that holds others, and is mostly named behind them.
struct Group {
    parent: Option<usize>,
    name: String,
}

/// What stood within a point.
#[derive(Default)]
pub(super) struct Within {
    pub(super) any: bool,
    pub(super) any_failed: bool,
}

impl Levels {
    /// How deep the innermost level is.
    pub(super) fn innermost(&self) -> Option<Depth> {
        self.open.last().map(|level| level.depth)
    }

    /// Whether a level is open within the outermost one.
    pub(super) const fn are_nested(&self) -> bool {
        self.open.len() > 1
    }

    /// A comment at this depth says what the points are called that follow. KUnit says it within a level
    /// that it has opened: a kernel that panics leaves no other name behind.
    pub(super) fn announce(&mut self, depth: Depth, name: String) {
        let opened = self.open.last().filter(|level| level.depth == depth && level.points == 0);
        let group = opened.and_then(|level| self.groups.get_mut(level.group?));
        match group.filter(|group| group.name.is_empty()) {
            Some(group) => group.name = name,
            None => self.announced = Some(name),
        }
    }

    /// What was announced is over.
    pub(super) fn announce_none(&mut self) {
        self.announced = None;
    }

    /// The level at this depth. Where it is not open it is opened, and takes the name that was announced;
    /// deeper ones are closed.
    pub(super) fn at(
        &mut self,
        depth: Depth,
        line: u64,
        intake: &mut Intake<'_>,
    ) -> Result<&mut Level, ResultFileError> {
        while self.innermost().is_some_and(|open| open > depth) {
            self.close(intake);
        }
        if self.innermost().is_none_or(|open| open < depth) {
            let outer = self.open.last().map(|outer| outer.group);
            let group = match outer {
                None => None,
                Some(parent) => Some(self.add_group(parent, line)?),
            };
            let level = Level {
                depth,
                group,
                plan: None,
                points: 0,
                any_failed: false,
                out_of_order: false,
            };
            self.open.push(level);
        }
        let last = self.open.len() - 1;
        Ok(&mut self.open[last])
    }

    fn add_group(&mut self, parent: Option<usize>, line: u64) -> Result<usize, ResultFileError> {
        if self.groups.len() == GROUPS {
            return Err(Problem::TooManySuites(GROUPS).at(line));
        }
        if self.open.len() == SUITES_DEEP {
            return Err(Problem::TooDeep(SUITES_DEEP).at(line));
        }
        let name = self.announced.take().unwrap_or_default();
        self.groups.push(Group { parent, name });
        Ok(self.groups.len() - 1)
    }

    /// A point at this depth holds all that are open within: they end, and get its name.
    pub(super) fn close_within(
        &mut self,
        depth: Depth,
        name: &str,
        intake: &mut Intake<'_>,
    ) -> Within {
        let mut within = Within::default();
        while self.are_nested() && self.innermost().is_some_and(|open| open > depth) {
            let holder = self.open.len() - 2;
            let is_direct = holder == 0 || self.open[holder].depth <= depth;
            if let Some(group) =
                self.open[holder + 1].group.filter(|_| is_direct && !name.is_empty())
            {
                name.clone_into(&mut self.groups[group].name);
            }
            if let Some(level) = self.close(intake) {
                within.any |= level.points > 0;
                within.any_failed |= level.any_failed;
            }
        }
        within
    }

    /// Closes the innermost level, and says where it has other points than it planned. Whether the
    /// outermost has fewer says its reader, to whom the file is not whole then.
    pub(super) fn close(&mut self, intake: &mut Intake<'_>) -> Option<Level> {
        let level = self.open.pop()?;
        let of = level.group.map(|group| format!("{:?}", self.groups[group].name));
        let plan = level.plan.filter(|plan| of.is_some() || level.points > *plan);
        intake.compare(of.as_deref().unwrap_or("The file"), "points", plan, level.points);
        Some(level)
    }

    /// The points around those of a group, from the outermost in, as far as they have names.
    pub(super) fn names(&self, group: Option<usize>) -> Vec<String> {
        let mut names = Vec::new();
        let mut next = group;
        while let Some(Group { parent, name }) = next.and_then(|group| self.groups.get(group)) {
            if !name.is_empty() {
                names.push(name.clone());
            }
            next = *parent;
        }
        names.reverse();
        names
    }

    /// No point waits any more for the names of those around it.
    pub(super) fn forget_names(&mut self) {
        self.groups.clear();
    }
}
