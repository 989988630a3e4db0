//! Changes the elements of a list in brackets. An element that stands alone on its line comes and
//! goes as a line; a comment on a line of its own always stays.

use std::{collections::BTreeSet, ops::Range};

use toml_edit::{Array, Value};

use super::{pair::Step, splice::Splices};

/// A list of the text, and which of its elements the form shows.
pub(super) struct Listed<'d> {
    pub(super) list: &'d Array,
    /// The place in the list of each element that the form shows.
    pub(super) shown: Vec<usize>,
}

impl Listed<'_> {
    fn span(&self, index: usize) -> Option<Range<usize>> {
        self.list.get(index).and_then(Value::span)
    }

    /// Makes the steps: `written` gives a new element as TOML, `change` changes one that stays.
    pub(super) fn change(
        &self,
        splices: &mut Splices<'_>,
        steps: &[Step],
        written: impl Fn(usize) -> String,
        mut change: impl FnMut(&mut Splices<'_>, &Value, usize, usize),
    ) {
        let place = |shown: usize| self.shown.get(shown).copied();
        let mut gone = BTreeSet::new();
        let mut added: Vec<String> = Vec::new();
        let mut last: Option<usize> = None;
        for step in steps {
            match *step {
                Step::New(new) => added.push(written(new)),
                Step::Gone(old) => gone.extend(place(old)),
                Step::Both(old, new) => {
                    let Some(index) = place(old) else { continue };
                    match last {
                        Some(last) => self.add_after(splices, last, &added),
                        None => self.add_before(splices, index, &added),
                    }
                    added.clear();
                    last = Some(index);
                    if let Some(value) = self.list.get(index) {
                        change(splices, value, old, new);
                    }
                }
            }
        }
        // What the form does not show stays; with nothing else left it is what comes before.
        let kept = || (0..self.list.len()).rev().find(|index| !gone.contains(index));
        match last.or_else(kept) {
            Some(last) => self.add_after(splices, last, &added),
            None => self.fill(splices, &added),
        }
        self.remove(splices, &gone);
    }

    fn add_after(&self, splices: &mut Splices<'_>, index: usize, added: &[String]) {
        let Some(span) = self.span(index).filter(|_| !added.is_empty()) else { return };
        let comma = comma_after(splices, span.end);
        let on_its_line = comma.is_none_or(|comma| comma < splices.line_end(span.end));
        if !alone(splices, &span) || !on_its_line {
            splices.insert(span.end, format!(", {}", added.join(", ")));
            return;
        }
        if comma.is_none() {
            splices.insert(span.end, ",");
        }
        let indent = splices.at(splices.line_start(span.start)..span.start);
        splices.insert_lines(splices.line_end(span.end), &lines(indent, added));
    }

    fn add_before(&self, splices: &mut Splices<'_>, index: usize, added: &[String]) {
        let Some(span) = self.span(index).filter(|_| !added.is_empty()) else { return };
        if alone(splices, &span) {
            let start = splices.line_start(span.start);
            splices.insert(start, lines(splices.at(start..span.start), added));
        } else {
            splices.insert(span.start, format!("{}, ", added.join(", ")));
        }
    }

    /// Into a list without an element.
    fn fill(&self, splices: &mut Splices<'_>, added: &[String]) {
        let Some(span) = self.list.span().filter(|_| !added.is_empty()) else { return };
        let (start, end) = (span.start + 1, span.end.saturating_sub(1));
        let line = splices.line_start(end);
        if !splices.at(start..end).contains('\n') {
            splices.replace(start..end, added.join(", "));
        } else if splices.at(line..end).trim().is_empty() {
            splices.insert(line, lines("  ", added));
        } else {
            splices.insert(end, added.join(", "));
        }
    }

    fn remove(&self, splices: &mut Splices<'_>, gone: &BTreeSet<usize>) {
        let mut upto = self.list.len();
        // At the end of a line the comma goes that stands before.
        if let Some(kept) = (0..self.list.len()).rev().find(|index| !gone.contains(index))
            && let (Some(kept_span), Some(last)) =
                (self.span(kept), self.span(self.list.len().saturating_sub(1)))
            && kept + 1 < self.list.len()
            && !splices.at(kept_span.end..last.end).contains('\n')
        {
            splices.remove(kept_span.end..last.end);
            upto = kept;
        }
        for span in gone.range(..upto).filter_map(|index| self.span(*index)) {
            if alone(splices, &span) {
                splices.remove(splices.line_start(span.start)..splices.line_end(span.end));
                continue;
            }
            let comma = comma_after(splices, span.end);
            match comma.filter(|comma| splices.at(span.end..*comma).trim().is_empty()) {
                Some(comma) => {
                    let after = splices.at(comma + 1..splices.text().len());
                    let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
                    splices.remove(span.start..comma + 1 + spaces);
                }
                None => {
                    splices.remove(span);
                    if let Some(comma) = comma {
                        splices.remove(comma..comma + 1);
                    }
                }
            }
        }
    }
}

fn lines(indent: &str, added: &[String]) -> String {
    added.iter().map(|value| format!("{indent}{value},\n")).collect()
}

/// Whether nothing but a comma and a comment shares the lines of an element.
fn alone(splices: &Splices<'_>, span: &Range<usize>) -> bool {
    let before = splices.at(splices.line_start(span.start)..span.start);
    let end = splices.line_end(span.end);
    let after = splices.at(span.end..end).trim_start();
    let after = after.strip_prefix(',').unwrap_or(after).trim();
    let ended = splices.at(0..end).ends_with('\n');
    ended && before.trim().is_empty() && (after.is_empty() || after.starts_with('#'))
}

/// Where the comma after an element stands, past spaces and comments; `None` after the last one.
pub(super) fn comma_after(splices: &Splices<'_>, mut at: usize) -> Option<usize> {
    loop {
        let rest = splices.at(at..splices.text().len());
        let skipped = rest.trim_start();
        at += rest.len() - skipped.len();
        match skipped.chars().next()? {
            ',' => return Some(at),
            '#' => at = splices.line_end(at),
            _ => return None,
        }
    }
}
