//! Machines as a table: comma-separated values (RFC 4180) with a header.
//!
//! Columns go by the names in the header, in any order. A column that is not there leaves what a known
//! machine has as it is. At most one of the columns `environment`, `release` and `variant` is filled.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{BootTarget, Machine, MachineDraft};

/// The most machines of a table.
pub const MOST_ROWS: usize = 200_000;

/// The columns, in the order in which they are written.
const COLUMNS: [&str; 11] = [
    "name",
    "macs",
    "uuid",
    "serial",
    "architecture",
    "labels",
    "location",
    "note",
    "environment",
    "release",
    "variant",
];
/// The columns that say what a machine boots.
const TARGETS: [&str; 3] = ["environment", "release", "variant"];

/// A line that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("line {line}: {message}")]
pub struct RowFault {
    /// Which line, from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub message: String,
}

/// A line of a table: only what it says; the rest is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRow {
    /// Which line, from 1.
    pub line: u64,
    /// Name of the machine.
    pub name: String,
    /// What it boots; `Some(None)` where the columns are there and empty.
    pub target: Option<Option<BootTarget>>,
    /// The columns that the table has, with what stands there.
    said: Vec<(&'static str, String)>,
}

impl MachineRow {
    /// What the line makes of a machine that is now as `draft` says.
    #[must_use]
    pub fn over(&self, draft: MachineDraft) -> MachineDraft {
        let mut draft = draft;
        draft.name.clone_from(&self.name);
        for (column, value) in &self.said {
            let field = match *column {
                "macs" => &mut draft.macs,
                "uuid" => &mut draft.uuid,
                "serial" => &mut draft.serial,
                "architecture" => &mut draft.architecture,
                "labels" => &mut draft.labels,
                "location" => &mut draft.location,
                "note" => &mut draft.note,
                _ => continue,
            };
            field.clone_from(value);
        }
        draft
    }
}

/// Reads a table.
///
/// # Errors
/// Every fault, with its line. What the cells of a machine say is checked by [`MachineDraft::check`].
pub fn read_table(text: &str) -> Result<Vec<MachineRow>, Vec<RowFault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(vec![RowFault { line: 1, message: error.to_string() }]),
    };
    let columns = columns(&headers)?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let read = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            RowFault { line, message: fault_of_csv(&error) }
        });
        match read.and_then(|record| row(&columns, &record)) {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
        if rows.len() > MOST_ROWS {
            let message = format!("a table has {MOST_ROWS} machines at the most");
            return Err(vec![RowFault { line: 1, message }]);
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

fn columns(headers: &csv::StringRecord) -> Result<Vec<&'static str>, Vec<RowFault>> {
    let fault = |message| RowFault { line: 1, message };
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    for header in headers {
        match COLUMNS.into_iter().find(|it| *it == header.to_ascii_lowercase()) {
            Some(column) if columns.contains(&column) => {
                faults.push(fault(format!("the column {column} stands there twice")));
            }
            Some(column) => columns.push(column),
            None => {
                let header: String = header.chars().take(40).collect();
                faults.push(fault(format!(
                    "there is no column \"{header}\"; the columns are {}",
                    COLUMNS.join(", ")
                )));
            }
        }
    }
    if !columns.contains(&"name") {
        faults
            .push(fault("the column name is missing; the first line names the columns".to_owned()));
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

fn row(columns: &[&'static str], record: &csv::StringRecord) -> Result<MachineRow, RowFault> {
    let line = record.position().map_or(0, csv::Position::line);
    let fault = |message| RowFault { line, message };
    let cells = || columns.iter().copied().zip(record);
    let name = cells().find(|(column, _)| *column == "name").map_or("", |(_, cell)| cell);
    let mut target = columns.iter().any(|it| TARGETS.contains(it)).then_some(None);
    for (column, cell) in cells().filter(|(it, cell)| TARGETS.contains(it) && !cell.is_empty()) {
        if matches!(target, Some(Some(_))) {
            let message = "a machine boots one thing: fill one of environment, release and variant";
            return Err(fault(message.to_owned()));
        }
        let named = BootTarget::new(column, cell).map_err(|error| fault(error.to_string()))?;
        target = Some(Some(named));
    }
    let said = cells().map(|(column, cell)| (column, cell.to_owned()));
    Ok(MachineRow { line, name: name.to_owned(), target, said: said.collect() })
}

fn fault_of_csv(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("there are {len} cells, and the first line names {expected_len} columns")
        }
        _ => "this is no line of comma-separated values in UTF-8".to_owned(),
    }
}

/// Machines as [`read_table`] reads them; accepted and pending ones alike.
#[must_use]
pub fn write_table<'a>(machines: impl IntoIterator<Item = &'a Machine>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Nothing fails that writes to memory, with as many cells in each line.
    let _ = writer.write_record(COLUMNS);
    for machine in machines {
        let draft = MachineDraft::of(&machine.name, &machine.profile);
        let boots = |kind: &str| {
            machine.target.as_ref().filter(|it| it.kind() == kind).map_or("", BootTarget::name)
        };
        let [environment, release, variant] = TARGETS.map(boots);
        let _ = writer.write_record([
            draft.name.as_str(),
            &draft.macs,
            &draft.uuid,
            &draft.serial,
            &draft.architecture,
            &draft.labels,
            &draft.location,
            &draft.note,
            environment,
            release,
            variant,
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
