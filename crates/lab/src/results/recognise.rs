//! Which format a file has, by its first bytes.

use domain::run::reported::ResultFormat;

use super::{Problem, ResultFileError, table, tap};

/// The format of a file that begins with these bytes.
pub(super) fn recognise(head: &[u8]) -> Result<ResultFormat, ResultFileError> {
    refuse_others(head)?;
    // The last character may be cut in the middle.
    let text = String::from_utf8_lossy(head);
    let found = match text.trim_start().chars().next() {
        None => return Err(Problem::Empty.at(1)),
        Some('<') => xml(&text)?,
        Some('{') => json(&text),
        Some(_) if table::is_header(text.trim_start().lines().next().unwrap_or_default()) => {
            Some(ResultFormat::Csv)
        }
        Some(_) => text.lines().any(tap::is_tap).then_some(ResultFormat::Tap),
    };
    found.ok_or_else(|| Problem::Unrecognised.at(1))
}

/// Encodings and packings that are told by their first bytes.
pub(super) fn refuse_others(head: &[u8]) -> Result<(), ResultFileError> {
    if head.is_empty() {
        return Err(Problem::Empty.at(1));
    }
    let utf16 = || Problem::Encoding("UTF-16".to_owned());
    let refused = match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..] => Some(utf16()),
        [0x1f, 0x8b, ..] => Some(Problem::SomethingElse("a gzip archive: unpack it first")),
        [b'P', b'K', 3, 4, ..] => Some(Problem::SomethingElse(
            "a ZIP archive or a spreadsheet: unpack it, or save the sheet as CSV",
        )),
        _ => None,
    };
    refused.map_or(Ok(()), |problem| Err(problem.at(1)))
}

/// By the outermost element.
fn xml(text: &str) -> Result<Option<ResultFormat>, ResultFileError> {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with("!--") {
            rest = rest.split_once("-->").map_or("", |(_, rest)| rest);
        } else if rest.starts_with('?') {
            rest = rest.split_once("?>").map_or("", |(_, rest)| rest);
        } else if rest.starts_with('!') {
            let is_page =
                rest.get(1..).is_some_and(|it| it.to_ascii_lowercase().starts_with("doctype html"));
            let page = Problem::SomethingElse(
                "an HTML page: of Robot Framework give output.xml, not log.html or report.html",
            );
            let before = &text[..text.len() - rest.len()];
            let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count() as u64;
            return Err(if is_page { page } else { Problem::DocumentType }.at(line));
        } else {
            let end = rest.find(|it: char| it.is_whitespace() || it == '>' || it == '/');
            return Ok(match &rest[..end.unwrap_or(rest.len())] {
                "robot" => Some(ResultFormat::RobotXml),
                "testsuites" | "testsuite" => Some(ResultFormat::Junit),
                _ => None,
            });
        }
    }
    Ok(None)
}

/// By the names that stand in the outermost object: ours has a version, Robot's says whether it is RPA.
fn json(text: &str) -> Option<ResultFormat> {
    let (mut depth, mut names) = (0_usize, text.char_indices());
    while let Some((at, character)) = names.next() {
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            '"' => {
                let mut escaped = false;
                let end = names.find(|(_, it)| {
                    let ends = *it == '"' && !escaped;
                    escaped = *it == '\\' && !escaped;
                    ends
                })?;
                let name = &text[at + 1..end.0];
                if depth == 1 && text[end.0 + 1..].trim_start().starts_with(':') {
                    match name {
                        "schema" | "cases" => return Some(ResultFormat::Json),
                        "rpa" | "statistics" | "generated" => return Some(ResultFormat::RobotJson),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    None
}
