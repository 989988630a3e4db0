//! Writes values as TOML, the way a person would, or did.

use super::kind::Kind;

/// The longest list that stands in one line.
const LONGEST_LINE: usize = 72;

/// The value of a control as TOML; a text keeps the quotes of the `former` one where they can hold
/// it.
pub(super) fn value(kind: Kind, value: &str, former: Option<&str>) -> String {
    match kind {
        Kind::Words | Kind::Lines => list(&kind.items(value)),
        Kind::Number if value.parse::<i64>().is_ok() => value.to_owned(),
        Kind::Line | Kind::Number | Kind::Block | Kind::Choice(_) => {
            literal(value, former.unwrap_or_default()).unwrap_or_else(|| text(value))
        }
    }
}

/// A list: in one line where it is short.
fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| text(item)).collect();
    let line = format!("[{}]", items.join(", "));
    if line.len() <= LONGEST_LINE {
        return line;
    }
    let lines: String = items.iter().map(|item| format!("  {item},\n")).collect();
    format!("[\n{lines}]")
}

/// A text in single quotes, which know no escapes, where the former value had them.
fn literal(value: &str, former: &str) -> Option<String> {
    let plain = |c: char| !c.is_control() || c == '\t';
    if former.starts_with("'''") {
        let fits = value.chars().all(|c| plain(c) || c == '\n')
            && !value.contains("'''")
            && !value.ends_with('\'');
        return fits.then(|| format!("'''\n{value}'''"));
    }
    let fits = former.starts_with('\'') && value.chars().all(plain) && !value.contains('\'');
    fits.then(|| format!("'{value}'"))
}

/// A text in double quotes, over several lines where it has several.
pub(super) fn text(value: &str) -> String {
    if value.contains('\n') {
        format!("\"\"\"\n{}\"\"\"", escaped(value, true))
    } else {
        format!("\"{}\"", escaped(value, false))
    }
}

fn escaped(value: &str, several_lines: bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            // Within three quotes a single one stands for itself, unless more follow.
            '"' if !several_lines || matches!(rest.peek(), None | Some('"')) => {
                escaped.push_str("\\\"");
            }
            '\n' if several_lines => escaped.push('\n'),
            '\t' if several_lines => escaped.push('\t'),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
