//! Changes lists of tables, and finds the place of a table that the text does not have yet.

use toml_edit::{ArrayOfTables, Item, Table, Value};

use super::{
    Group, RecipeForm, Row,
    list::Listed,
    pair::{Step, pair},
    place::{Place, assignments},
    read,
    splice::Splices,
};

/// Changes a group that is a list.
pub(super) fn change_list(
    splices: &mut Splices<'_>,
    root: &Table,
    group: Group,
    (old, new): (&RecipeForm, &RecipeForm),
) {
    let (old, new) = (old.rows(group), new.rows(group));
    if old == new {
        return;
    }
    let steps = pair(old, new, Row::title);
    match read::item(root, group.path()) {
        None => add_tables(splices, section_end(splices, root, group), group, new),
        Some(Item::ArrayOfTables(tables)) => {
            change_tables(splices, tables, group, &steps, (old, new));
        }
        Some(Item::Value(Value::Array(list))) => {
            let shown = read::tables(root, group).into_iter().map(|(index, _)| index).collect();
            Listed { list, shown }.change(
                splices,
                &steps,
                |index| format!("{{ {} }}", assignments(group, &new[index]).join(", ")),
                |splices, value, was, is| {
                    if let Some(table) = value.as_inline_table() {
                        Place::Braces(table).change(splices, group, &old[was], &new[is]);
                    }
                },
            );
        }
        // Of another shape: what cannot be changed here is told by whoever compares the result.
        Some(_) => {}
    }
}

/// Changes a group that is one table.
pub(super) fn change_table(
    splices: &mut Splices<'_>,
    root: &Table,
    group: Group,
    (old, new): (&RecipeForm, &RecipeForm),
) {
    let (Some(old), Some(new)) = (old.rows(group).first(), new.rows(group).first()) else { return };
    if old == new {
        return;
    }
    let item = read::item(root, group.path());
    if group.path().is_empty() {
        Place::Lines(root).change(splices, group, old, new);
    } else if let Some(place) = item.and_then(Place::of) {
        place.change(splices, group, old, new);
    } else if item.is_none_or(Item::is_table) {
        let block = block(group, new);
        insert_block(splices, section_end(splices, root, group), &block);
    }
}

fn change_tables(
    splices: &mut Splices<'_>,
    tables: &ArrayOfTables,
    group: Group,
    steps: &[Step],
    (old, new): (&[Row], &[Row]),
) {
    let mut above: Option<&Table> = None;
    let mut added: Vec<Row> = Vec::new();
    let place = |splices: &Splices<'_>, above: Option<&Table>| match above {
        Some(table) => end_with_comments(splices, whole_end(table)),
        // Below the comment on the first one, which mostly speaks of all.
        None => {
            let first = tables.iter().next().and_then(Table::span);
            first.map_or(0, |header| splices.line_start(header.start))
        }
    };
    for step in steps {
        match *step {
            Step::New(index) => added.push(new[index].clone()),
            Step::Gone(index) => {
                if let Some(table) = tables.get(index) {
                    remove_table(splices, table, index == 0);
                }
            }
            Step::Both(was, is) => {
                add_tables(splices, place(splices, above), group, &added);
                added.clear();
                above = tables.get(was);
                if let Some(table) = above {
                    Place::Lines(table).change(splices, group, &old[was], &new[is]);
                }
            }
        }
    }
    add_tables(splices, place(splices, above), group, &added);
}

/// Removes the lines of a table. The comment right above goes with it, but for the first table of a
/// list, whose comment mostly speaks of all.
fn remove_table(splices: &mut Splices<'_>, table: &Table, first: bool) {
    let Some(header) = table.span() else { return };
    let mut start = splices.line_start(header.start);
    while !first && splices.line_before(start).is_some_and(|line| line.starts_with('#')) {
        start = splices.line_start(start - 1);
    }
    let mut end = splices.line_end(whole_end(table));
    let blank_before = splices.line_before(start).is_none_or(str::is_empty);
    match splices.line(end) {
        Some("") if blank_before => end = splices.line_end(end),
        None if blank_before => start = start.saturating_sub(1),
        _ => {}
    }
    splices.remove(start..end);
}

fn add_tables(splices: &mut Splices<'_>, at: usize, group: Group, rows: &[Row]) {
    let blocks: Vec<String> = rows.iter().map(|row| block(group, row)).collect();
    if !blocks.is_empty() {
        insert_block(splices, at, &blocks.join("\n"));
    }
}

/// A new table as lines.
fn block(group: Group, row: &Row) -> String {
    let path = group.path().join(".");
    let header = if group.is_list() { format!("[[{path}]]") } else { format!("[{path}]") };
    let lines = [header].into_iter().chain(assignments(group, row));
    lines.map(|line| line + "\n").collect()
}

/// Inserts lines at the beginning of a line, with a blank one on either side.
fn insert_block(splices: &mut Splices<'_>, at: usize, block: &str) {
    let before = if splices.line_before(at).is_none_or(str::is_empty) { "" } else { "\n" };
    let after = if splices.line(at).is_none_or(str::is_empty) { "" } else { "\n" };
    splices.insert_lines(at, &format!("{before}{block}{after}"));
}

/// Where a group that the text does not have yet belongs: below the nearest one that it has of
/// those that come before.
fn section_end(splices: &Splices<'_>, root: &Table, group: Group) -> usize {
    let before = Group::ALL.into_iter().filter(|known| *known < group).rev();
    let mut ends = before.filter_map(|known| match read::item(root, known.path()) {
        Some(Item::ArrayOfTables(tables)) => tables.iter().last().map(whole_end),
        Some(Item::Table(table)) if !table.is_implicit() => Some(own_end(table)),
        _ if known == Group::System => Some(own_end(root)),
        _ => None,
    });
    let end = ends.next().filter(|end| *end > 0);
    end.map_or(splices.text().len(), |end| end_with_comments(splices, end))
}

/// Where the keys of a table itself end.
fn own_end(table: &Table) -> usize {
    let header = table.span().map_or(0, |header| header.end);
    let values = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => value.span().map(|span| span.end),
        Item::Table(table) if table.is_dotted() => Some(own_end(table)),
        _ => None,
    });
    values.fold(header, usize::max)
}

/// Where a table ends with all that is below it.
fn whole_end(table: &Table) -> usize {
    let below = table.iter().map(|(_, item)| match item {
        Item::Table(table) => whole_end(table),
        Item::ArrayOfTables(tables) => tables.iter().map(whole_end).max().unwrap_or(0),
        Item::Value(_) | Item::None => 0,
    });
    below.fold(own_end(table), usize::max)
}

/// The line after `end`, past comments that stand right below it, unless they stand right above
/// something else.
fn end_with_comments(splices: &Splices<'_>, end: usize) -> usize {
    let line_end = splices.line_end(end);
    let mut at = line_end;
    while splices.line(at).is_some_and(|line| line.starts_with('#')) {
        at = splices.line_end(at);
    }
    if splices.line(at).is_none_or(str::is_empty) { at } else { line_end }
}
