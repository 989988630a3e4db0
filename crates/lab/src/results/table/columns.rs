//! Which column of a table holds what.

use crate::results::{Problem, text::one_line};

const NAMES: &[&str] = &["test name", "test case", "test", "name", "title"];
const IDS: &[&str] = &["test id", "id", "test case id", "case id"];
const RESULTS: &[&str] = &["result", "results", "status", "outcome", "test result"];
const COMMENTS: &[&str] = &["comments", "comment", "notes", "note", "remarks", "message"];

/// The columns of a table, by number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) name: Option<usize>,
    pub(super) id: Option<usize>,
    pub(super) result: usize,
    pub(super) comments: Option<usize>,
    /// The headers of those that are not read.
    pub(super) left_out: Vec<String>,
}

impl Columns {
    /// Finds them by their headers. Where `chosen` is given, that column holds the results.
    pub(super) fn find(headers: &[&str], chosen: Option<&str>) -> Result<Self, Problem> {
        let plain: Vec<_> = headers.iter().map(|header| plain(header)).collect();
        let find =
            |names: &[&str]| names.iter().find_map(|name| plain.iter().position(|it| it == name));
        let (name, id, comments) = (find(NAMES), find(IDS), find(COMMENTS));
        let missing = |wanted: &str| {
            let found =
                headers.iter().map(|header| one_line(header, 80)).collect::<Vec<_>>().join(", ");
            Problem::NoColumn { wanted: wanted.to_owned(), found: one_line(&found, 500) }
        };
        if name.is_none() && id.is_none() {
            return Err(missing("\"Test name\" or \"Test ID\""));
        }
        let others: Vec<usize> = (0..headers.len())
            .filter(|it| ![name, id, comments].contains(&Some(*it)) && !plain[*it].is_empty())
            .collect();
        let named: Vec<usize> =
            others.iter().copied().filter(|it| RESULTS.contains(&plain[*it].as_str())).collect();
        let result = match (chosen, named.as_slice(), others.as_slice()) {
            (Some(chosen), ..) => {
                let column = others.iter().copied().find(|it| plain[*it] == self::plain(chosen));
                column.ok_or_else(|| missing(&format!("{chosen:?}")))?
            }
            (None, [only], _) | (None, [], [only]) => *only,
            (None, [], []) => return Err(missing("\"Result\"")),
            (None, [], several) | (None, several, _) => {
                let names = several.iter().take(50).map(|it| one_line(headers[*it], 80));
                return Err(Problem::ManyColumns(names.collect()));
            }
        };
        let left_out = others.iter().filter(|it| **it != result).take(50);
        let left_out = left_out.map(|it| one_line(headers[*it], 80)).collect();
        Ok(Self { name, id, result, comments, left_out })
    }
}

/// A header without case, with spaces for `-` and `_`.
fn plain(header: &str) -> String {
    let words = header.to_lowercase().replace(['-', '_'], " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a first line is that of a table of results.
pub(in crate::results) fn is_header(line: &str) -> bool {
    let cells: Vec<_> = line
        .split(char::from(delimiter(line.as_bytes())))
        .map(|cell| plain(cell.trim().trim_matches('"')))
        .collect();
    let has = |names: &[&str]| cells.iter().any(|cell| names.contains(&cell.as_str()));
    cells.len() > 1 && (has(NAMES) || has(IDS))
}

/// What parts the cells of the first line: whichever is there most often.
pub(super) fn delimiter(head: &[u8]) -> u8 {
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    let count = |delimiter: u8| {
        let mut quoted = false;
        let outside = head[..end].iter().filter(|byte| {
            quoted ^= **byte == b'"';
            !quoted && **byte == delimiter
        });
        outside.count()
    };
    // The first of equals counts, and `max_by_key` takes the last.
    [b'\t', b';', b','].into_iter().max_by_key(|it| count(*it)).unwrap_or(b',')
}
