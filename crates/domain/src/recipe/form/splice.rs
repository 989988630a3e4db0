//! A text and the changes to be made to it, each at its place in the text as it was.

use std::ops::Range;

/// Changes to a text. What no change names stays as it is, byte for byte.
pub(super) struct Splices<'t> {
    text: &'t str,
    changes: Vec<(Range<usize>, String)>,
}

impl<'t> Splices<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, changes: Vec::new() }
    }

    pub(super) const fn text(&self) -> &'t str {
        self.text
    }

    /// The text of a range; nothing where it has none.
    pub(super) fn at(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.changes.push((range, with.into()));
    }

    /// What is inserted twice at one place stands in the order of these calls.
    pub(super) fn insert(&mut self, at: usize, what: impl Into<String>) {
        self.replace(at..at, what);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Inserts whole lines at the beginning of a line, which the end of the text need not be.
    pub(super) fn insert_lines(&mut self, at: usize, lines: &str) {
        let unended = at > 0 && !self.at(0..at).ends_with('\n');
        self.insert(at, if unended { format!("\n{lines}") } else { lines.to_owned() });
    }

    /// Where the line of `at` begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.at(0..at).rfind('\n').map_or(0, |end| end + 1)
    }

    /// Where the line after that of `at` begins.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.at(at..self.text.len()).find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    /// The line that begins at `at`, without the spaces around it; `None` at the end of the text.
    pub(super) fn line(&self, at: usize) -> Option<&'t str> {
        (at < self.text.len()).then(|| self.at(at..self.line_end(at)).trim())
    }

    /// The line before the one that begins at `at`.
    pub(super) fn line_before(&self, at: usize) -> Option<&'t str> {
        let end = at.checked_sub(1)?;
        self.line(self.line_start(end)).or(Some(""))
    }

    /// The changed text; `None` where two changes contradict each other.
    pub(super) fn finish(mut self) -> Option<String> {
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut changed = String::with_capacity(self.text.len());
        let (mut done, mut removed) = (0, false);
        for (range, with) in self.changes {
            let removes = with.is_empty();
            if range.start < done && !(removed && removes) {
                return None;
            }
            changed.push_str(self.text.get(done..range.start.max(done))?);
            changed.push_str(&with);
            done = done.max(range.end);
            removed = removes;
        }
        changed.push_str(self.text.get(done..)?);
        Some(changed)
    }
}
