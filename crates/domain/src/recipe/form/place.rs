//! Changes the keys of one table, which stands in lines of its own or in braces.

use toml_edit::{InlineTable, Item, Key, Table, Value};

use super::{Field, Group, Row, list, list::Listed, pair::pair, quote, read, splice::Splices};

/// A table of the text.
#[derive(Clone, Copy)]
pub(super) enum Place<'d> {
    /// A key per line, below a header, with a common beginning, or at the top.
    Lines(&'d Table),
    /// All keys in braces.
    Braces(&'d InlineTable),
}

impl<'d> Place<'d> {
    /// The table that an item is; `None` where it is none that can take keys.
    pub(super) fn of(item: &'d Item) -> Option<Self> {
        match item {
            // One that exists only because something below it has a header.
            Item::Table(table) if table.is_implicit() && !table.is_dotted() => None,
            Item::Table(table) => Some(Self::Lines(table)),
            Item::Value(Value::InlineTable(table)) => Some(Self::Braces(table)),
            _ => None,
        }
    }

    fn get(self, key: &str) -> Option<(&'d Key, &'d Item)> {
        match self {
            Self::Lines(table) => table.get_key_value(key),
            Self::Braces(table) => table.get_key_value(key),
        }
    }

    /// Each key that has a value, with where both stand.
    fn values(self) -> Vec<Placed> {
        let spans = |(key, item): (&Key, &Item)| {
            let (name, value) = (key.span()?, item.as_value()?.span()?);
            Some(Placed { start: name.start, end: value.end })
        };
        let keys: Vec<&str> = match self {
            Self::Lines(table) => table.iter().map(|(key, _)| key).collect(),
            Self::Braces(table) => table.iter().map(|(key, _)| key).collect(),
        };
        keys.into_iter().filter_map(|key| spans(self.get(key)?)).collect()
    }

    /// Changes what differs between two rows.
    pub(super) fn change(self, splices: &mut Splices<'_>, group: Group, old: &Row, new: &Row) {
        let mut missing = Vec::new();
        for ((field, old), (_, new)) in old.fields(group).zip(new.fields(group)) {
            if old == new {
                continue;
            }
            match self.get(field.key) {
                Some((key, item)) => self.change_value(splices, field, key, item, new),
                None if is_written(field, new) => missing.push((field, assignment(field, new))),
                None => {}
            }
        }
        match self {
            Self::Lines(table) => add_lines(splices, table, self, group, &missing),
            Self::Braces(table) => add_in_braces(splices, table, self, &missing),
        }
    }

    fn change_value(
        self,
        splices: &mut Splices<'_>,
        field: &Field,
        key: &Key,
        item: &Item,
        new: &str,
    ) {
        let (Some(value), Some(name)) = (item.as_value(), key.span()) else { return };
        let Some(span) = value.span() else { return };
        let kind = field.kind;
        // A list of lines is emptied and stays; one of words is as good as none then, and some of
        // them may not be empty.
        let keeps_list = kind == super::Kind::Lines || !new.is_empty();
        match value.as_array().filter(|_| kind.is_list() && keeps_list) {
            Some(list) => {
                let (shown, old): (Vec<usize>, Vec<String>) =
                    read::items(kind, list).into_iter().unzip();
                let new = kind.items(new);
                let steps = pair(&old, &new, String::as_str);
                Listed { list, shown }.change(
                    splices,
                    &steps,
                    |index| quote::text(&new[index]),
                    |splices, value, was, is| {
                        if let Some(span) = value.span().filter(|_| old[was] != new[is]) {
                            splices.replace(span, quote::text(&new[is]));
                        }
                    },
                );
            }
            None if is_written(field, new) => {
                let former = splices.at(span.clone());
                splices.replace(span, quote::value(kind, new, Some(former)));
            }
            None => self.remove(splices, &Placed { start: name.start, end: span.end }),
        }
    }

    fn remove(self, splices: &mut Splices<'_>, placed: &Placed) {
        if matches!(self, Self::Lines(_)) {
            splices.remove(splices.line_start(placed.start)..splices.line_end(placed.end));
            return;
        }
        let comma = list::comma_after(splices, placed.end);
        let before = self.values().into_iter().map(|it| it.end).filter(|end| *end <= placed.start);
        match (comma, before.max()) {
            (Some(comma), _) => {
                let after = splices.at(comma + 1..splices.text().len());
                let spaces = after.len() - after.trim_start_matches(' ').len();
                splices.remove(placed.start..comma + 1 + spaces);
            }
            (None, Some(before)) => splices.remove(before..placed.end),
            (None, None) => splices.remove(placed.start..placed.end),
        }
    }
}

/// Where a key with its value stands.
struct Placed {
    start: usize,
    end: usize,
}

/// Whether a field that holds `value` stands in the text.
fn is_written(field: &Field, value: &str) -> bool {
    field.needed || !field.kind.says_nothing(value)
}

fn assignment(field: &Field, value: &str) -> String {
    format!("{} = {}", field.key, quote::value(field.kind, value, None))
}

/// The keys of a new table.
pub(super) fn assignments(group: Group, row: &Row) -> Vec<String> {
    let written = row.fields(group).filter(|(field, value)| is_written(field, value));
    written.map(|(field, value)| assignment(field, value)).collect()
}

/// Each key goes below the nearest one that comes before it in the order of fields, else below the
/// last.
fn add_lines(
    splices: &mut Splices<'_>,
    table: &Table,
    place: Place<'_>,
    group: Group,
    missing: &[(&Field, String)],
) {
    let values = place.values();
    for (field, assignment) in missing {
        let before = group.fields().iter().take_while(|known| known.key != field.key);
        let above = before
            .filter_map(|known| {
                let (key, item) = place.get(known.key)?;
                Some(Placed { start: key.span()?.start, end: item.as_value()?.span()?.end })
            })
            .last();
        let above = above.as_ref().or_else(|| values.iter().max_by_key(|it| it.end));
        let (at, indent) = match (above, table.span()) {
            (Some(above), _) => {
                // Spaces, and the common beginning of keys such as `menu.default`.
                let indent = splices.at(splices.line_start(above.start)..above.start);
                (splices.line_end(above.end), indent)
            }
            (None, Some(header)) if header.end > 0 => (splices.line_end(header.end), ""),
            (None, _) => (if splices.text().starts_with('\u{feff}') { 3 } else { 0 }, ""),
        };
        splices.insert_lines(at, &format!("{indent}{assignment}\n"));
    }
}

fn add_in_braces(
    splices: &mut Splices<'_>,
    table: &InlineTable,
    place: Place<'_>,
    missing: &[(&Field, String)],
) {
    let added: Vec<&str> = missing.iter().map(|(_, assignment)| assignment.as_str()).collect();
    let Some(braces) = table.span().filter(|_| !added.is_empty()) else { return };
    match place.values().iter().map(|it| it.end).max() {
        Some(last) => splices.insert(last, format!(", {}", added.join(", "))),
        None => splices.insert(braces.start + 1, format!(" {} ", added.join(", "))),
    }
}
