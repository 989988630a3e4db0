//! Printing: a table on a terminal, plain lines with tabs in a pipe, JSON where it was asked for.

use std::io::{self, IsTerminal as _, Read, Write as _};

use serde::Serialize;

use super::error::CliError;

/// How answers are printed.
pub(super) struct Output {
    json: bool,
    terminal: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, terminal: io::stdout().is_terminal() }
    }

    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person looks on.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal && !self.json
    }

    /// A list: under headings on a terminal, its bare lines in a pipe.
    pub(super) fn list<T: Serialize>(
        &self,
        items: &[T],
        headings: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), CliError> {
        if self.json {
            return self.json(items);
        }
        let mut rows: Vec<Vec<String>> = items.iter().map(row).collect();
        if self.terminal {
            rows.insert(0, headings.iter().map(|it| it.to_uppercase()).collect());
        }
        self.rows(&rows)
    }

    /// Rows whose first one tells what the columns are, in a pipe as well.
    pub(super) fn rows(&self, rows: &[Vec<String>]) -> Result<(), CliError> {
        let tabs = |row: &Vec<String>| row.iter().map(|it| one_line(it)).collect::<Vec<_>>();
        let lines = if self.terminal {
            aligned(rows)
        } else {
            rows.iter().map(|row| tabs(row).join("\t")).collect()
        };
        self.lines(&lines)
    }

    /// One thing: its properties, each on a line of its own.
    pub(super) fn thing<T: Serialize>(
        &self,
        thing: &T,
        properties: &[(&str, String)],
    ) -> Result<(), CliError> {
        if self.json {
            return self.json(thing);
        }
        let rows: Vec<Vec<String>> = properties
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| vec![format!("{name}:"), value.clone()])
            .collect();
        let lines = if self.terminal {
            aligned(&rows)
        } else {
            rows.iter().map(|row| row.join("\t")).collect()
        };
        self.lines(&lines)
    }

    /// A sentence for people; the thing itself where JSON was asked for.
    pub(super) fn said<T: Serialize>(&self, thing: &T, sentence: &str) -> Result<(), CliError> {
        if self.json { self.json(thing) } else { self.lines(&[one_line(sentence)]) }
    }

    pub(super) fn json<T: Serialize + ?Sized>(&self, thing: &T) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(thing)
            .map_err(|error| CliError::Output(io::Error::other(error)))?;
        self.lines(&[text])
    }

    pub(super) fn lines(&self, lines: &[String]) -> Result<(), CliError> {
        written(|output| lines.iter().try_for_each(|line| writeln!(output, "{line}")))
    }

    /// The bytes of a file, as they come.
    pub(super) fn bytes(&self, mut file: impl Read) -> Result<(), CliError> {
        written(|output| io::copy(&mut file, output).map(drop))
    }
}

fn written(write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) -> Result<(), CliError> {
    let mut output = io::stdout().lock();
    match write(&mut output).and_then(|()| output.flush()) {
        // Whoever reads has seen enough: `bootwright job list | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CliError::Output),
    }
}

/// Rows as lines, their columns under each other.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|it| one_line(it).chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells =
                row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", one_line(cell)));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

/// What a line can hold: whatever came from others must not steer the terminal.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Several lines as a terminal can show them: as [`one_line`], with their ends.
pub(super) fn visible(text: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(domain::ansi::plain).collect();
    let last = lines.pop().unwrap_or_default();
    lines.iter().map(|line| format!("{line}\n")).collect::<String>() + &last
}

/// A text or a dash.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// The first line of a text; a dash where it is empty.
pub(super) fn first_line(text: &str) -> String {
    or_dash(text.lines().next().filter(|line| !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_and_nothing_steers_the_terminal() {
        let rows = [
            vec!["A".to_owned(), "B".to_owned()],
            vec!["long".to_owned(), "\u{1b}[2Jx".to_owned()],
        ];
        assert_eq!(aligned(&rows), ["A     B", "long   [2Jx"]);
        assert_eq!(["two\nlines", "", "\nlate"].map(first_line), ["two", "-", "-"]);
        assert_eq!(visible("\u{1b}[31ma\r\n\u{7}b"), "a\nb");
    }
}
