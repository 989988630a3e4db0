//! Reads the fields of one TOML table, naming what is unknown, missing or of another kind.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    nearest::hint,
    report::{Placed, Report, quoted},
};

/// A table of the text, such as one `[[users]]`.
pub(super) struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    /// The table in words: `a user`.
    what: &'static str,
    /// Where it begins; 0 for the whole text.
    pub(super) line: u32,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// Takes a table whose only keys may be `known`.
    pub(super) fn new(
        report: &mut Report,
        table: &'a DeTable<'i>,
        line: u32,
        what: &'static str,
        known: &[&'static str],
    ) -> Self {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let near = hint(name, known.iter().copied());
                let message = if near.is_empty() {
                    format!("{what} has no key {}; the keys are {}", quoted(name), known.join(", "))
                } else {
                    format!("{what} has no key {}{near}", quoted(name))
                };
                report.add(report.line(&key.span()), message);
            }
        }
        Self { table, what, line }
    }

    /// The value of `key`, unless the parser put it there in place of what it could not read:
    /// such a value has no length in the text.
    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.table.get(key).filter(|value| !value.span().is_empty())
    }

    /// Whether the key is there, of whatever kind.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The line of the value of `key`; that of the table where it is absent.
    pub(super) fn line_of(&self, report: &Report, key: &str) -> u32 {
        self.get(key).map_or(self.line, |value| report.line(&value.span()))
    }

    /// Says that `key` is missing, unless it is there.
    pub(super) fn require(&self, report: &mut Report, key: &str, example: &str) {
        if !self.has(key) {
            let message = format!("{} needs \"{key}\"; write {example}", self.what);
            report.add_absence(self.line, message);
        }
    }

    /// A text.
    pub(super) fn text(&self, report: &mut Report, key: &str) -> Option<Placed<String>> {
        self.get(key).and_then(|value| text(report, key, value))
    }

    /// A text that must be there.
    pub(super) fn required(
        &self,
        report: &mut Report,
        key: &str,
        example: &str,
    ) -> Option<Placed<String>> {
        self.require(report, key, example);
        self.text(report, key)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, report: &mut Report, key: &str) -> Option<Placed<u64>> {
        let value = self.get(key)?;
        let line = report.line(&value.span());
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
        match number {
            Some(value) => Some(Placed { value, line }),
            None => {
                let message = format!("\"{key}\" must be a whole number without quotes");
                report.add(line, message);
                None
            }
        }
    }

    /// A list of texts; empty where the key is absent.
    pub(super) fn texts(&self, report: &mut Report, key: &str) -> Vec<Placed<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let message = format!(
                "\"{key}\" must be a list of texts such as [\"one\", \"two\"], not {}",
                kind(value.get_ref())
            );
            report.add(report.line(&value.span()), message);
            return Vec::new();
        };
        list.iter().filter_map(|item| text(report, key, item)).collect()
    }

    /// The tables of an array of tables; empty where the key is absent.
    pub(super) fn tables(&self, report: &mut Report, key: &str) -> Vec<Placed<&'a DeTable<'i>>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let items = value.get_ref().as_array();
        if items.is_none() {
            let message = format!(
                "\"{key}\" must be a list of tables, each begun by [[{key}]], not {}",
                kind(value.get_ref())
            );
            report.add(report.line(&value.span()), message);
        }
        let mut tables = Vec::new();
        for item in items.into_iter().flat_map(|items| items.iter()) {
            let line = report.line(&item.span());
            match item.get_ref().as_table() {
                Some(table) => tables.push(Placed { value: table, line }),
                None => report.add(
                    line,
                    format!(
                        "each of \"{key}\" must be a table, begun by [[{key}]], not {}",
                        kind(item.get_ref())
                    ),
                ),
            }
        }
        tables
    }

    /// A table of its own.
    pub(super) fn table(&self, report: &mut Report, key: &str) -> Option<Placed<&'a DeTable<'i>>> {
        let value = self.get(key)?;
        let line = report.line(&value.span());
        let table = value.get_ref().as_table();
        if table.is_none() {
            let message = format!(
                "\"{key}\" must be a table, begun by [{key}], not {}",
                kind(value.get_ref())
            );
            report.add(line, message);
        }
        Some(Placed { value: table?, line })
    }
}

fn text(report: &mut Report, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
    if value.span().is_empty() {
        return None;
    }
    let line = report.line(&value.span());
    match value.get_ref().as_str() {
        Some(text) => Some(Placed { value: text.to_owned(), line }),
        None => {
            let message = format!("\"{key}\" takes text in quotes, not {}", kind(value.get_ref()));
            report.add(line, message);
            None
        }
    }
}

const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
