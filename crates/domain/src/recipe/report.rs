//! Collects problems and knows the line of each place in the text.

use std::{collections::BTreeSet, ops::Range};

use super::Problem;

/// More than a person reads, few enough for a page.
const MOST_PROBLEMS: usize = 200;

/// A value and the line on which it stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) line: u32,
}

/// Where the lines of a text begin.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let after_newline =
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self { starts: std::iter::once(0).chain(after_newline).collect() }
    }

    /// The line, from 1, of the byte at `offset`.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// The problems found so far.
pub(super) struct Report {
    lines: Lines,
    problems: Vec<Problem>,
    /// Lines that could not be read at all: what is said about their values would mislead.
    broken: BTreeSet<u32>,
}

impl Report {
    pub(super) fn new(text: &str) -> Self {
        Self { lines: Lines::of(text), problems: Vec::new(), broken: BTreeSet::new() }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        self.lines.line(span.start)
    }

    /// A problem of the value on `line`.
    pub(super) fn add(&mut self, line: u32, message: impl Into<String>) {
        if !self.broken.contains(&line) {
            self.problems.push(Problem { line, message: message.into() });
        }
    }

    /// A problem that exists only because something is absent; not said of a text that could be
    /// read in part only, since it may stand in the other part.
    pub(super) fn add_absence(&mut self, line: u32, message: impl Into<String>) {
        if self.broken.is_empty() {
            self.add(line, message);
        }
    }

    /// A place that is no TOML.
    pub(super) fn add_broken(&mut self, line: u32, message: String) {
        if self.broken.insert(line) {
            self.problems.push(Problem { line, message });
        }
    }

    /// A line that could not be read because of a slip above it, which has been added.
    pub(super) fn add_unreadable(&mut self, line: u32) {
        self.broken.insert(line);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems in the order of their lines, those of the whole text first.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems.dedup();
        if self.problems.len() > MOST_PROBLEMS {
            let more = self.problems.len() - MOST_PROBLEMS;
            self.problems.truncate(MOST_PROBLEMS);
            let message = format!("and {more} more problems; mend those above first");
            self.problems.push(Problem { line: 0, message });
        }
        self.problems
    }
}

/// `text` in quotes for a message: one line, of a bearable length.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    let shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("\"{shown}{dots}\"")
}
