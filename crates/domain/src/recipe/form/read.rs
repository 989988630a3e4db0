//! Reads the form's values out of a text, as far as the text has them in a form's shape.

use toml::de::DeTable;
use toml_edit::{Array, Document, Item, Table, TableLike, Value};

use super::{Field, Group, Problem, RecipeForm, Row, kind::Kind};
use crate::recipe::{
    read::too_long,
    report::{Lines, Report},
    slips,
};

/// The form's values in a text. Whatever breaks a rule of recipes is read as it stands; what is not
/// of the shape that a control could hold is left out, and stays in the text.
///
/// # Errors
/// Where the text is no TOML, or too long: the first problem, with its line.
pub fn read(text: &str) -> Result<RecipeForm, Problem> {
    document(text).map(|document| form(document.as_table()))
}

/// The text with the place of each of its parts.
pub(super) fn document(text: &str) -> Result<Document<&str>, Problem> {
    let mut report = Report::new(text);
    if let Some(message) = too_long(text) {
        return Err(Problem { line: 0, message });
    }
    // By the same parser and in the same words as a save would say it.
    let (_, errors) = DeTable::parse_recoverable(text);
    slips::add(&mut report, &errors);
    if let Some(problem) = report.into_problems().into_iter().next() {
        return Err(problem);
    }
    Document::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| Lines::of(text).line(span.start));
        Problem { line, message: format!("this is not TOML: {}", error.message()) }
    })
}

pub(super) fn form(root: &Table) -> RecipeForm {
    let mut form = RecipeForm::default();
    for group in Group::ALL {
        let found: Vec<Row> =
            tables(root, group).into_iter().map(|(_, table)| row(group, table)).collect();
        if group.is_list() || !found.is_empty() {
            *form.rows_mut(group) = found;
        }
    }
    form
}

/// What stands at a path of keys.
pub(super) fn item<'d>(root: &'d Table, path: &[&str]) -> Option<&'d Item> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(root.get(first)?, |item, key| item.as_table_like()?.get(key))
}

/// The tables of a group, each with its place among whatever stands in its list.
pub(super) fn tables(root: &Table, group: Group) -> Vec<(usize, &dyn TableLike)> {
    if group.path().is_empty() {
        return vec![(0, root)];
    }
    match item(root, group.path()) {
        Some(Item::ArrayOfTables(list)) if group.is_list() => {
            list.iter().map(|table| table as &dyn TableLike).enumerate().collect()
        }
        Some(Item::Value(Value::Array(list))) if group.is_list() => {
            let table = |value: &'_ Value| value.as_inline_table().is_some();
            let inline = list.iter().enumerate().filter(|(_, value)| table(value));
            inline
                .filter_map(|(index, value)| {
                    Some((index, value.as_inline_table()? as &dyn TableLike))
                })
                .collect()
        }
        Some(item) if !group.is_list() => {
            item.as_table_like().map(|table| (0, table)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn row(group: Group, table: &dyn TableLike) -> Row {
    Row::new(group, |field| table.get(field.key).map(|item| value(field, item)).unwrap_or_default())
}

fn value(field: &Field, item: &Item) -> String {
    let number = item.as_integer().filter(|_| field.kind == Kind::Number);
    match (number, item.as_array()) {
        (Some(number), _) => number.to_string(),
        (None, Some(list)) if field.kind.is_list() => {
            let items: Vec<String> =
                items(field.kind, list).into_iter().map(|(_, item)| item).collect();
            field.kind.joined(&items)
        }
        _ if field.kind.is_list() => String::new(),
        _ => item.as_str().unwrap_or_default().to_owned(),
    }
}

/// The texts of a list that its control can hold, each with its place in the list.
pub(super) fn items(kind: Kind, list: &Array) -> Vec<(usize, String)> {
    let texts = list.iter().enumerate();
    texts.filter_map(|(index, value)| Some((index, kind.item(value.as_str()?)?))).collect()
}
