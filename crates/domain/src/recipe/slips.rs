//! Words for what is no TOML, and which slips only follow from the one before.

use toml::de::Error;

use super::report::Report;

/// A slip this close below one of the same kind comes from it: the rest of a list whose `[` is
/// missing, say.
const NEAR: u32 = 2;

/// Adds the slips that a person has to mend.
pub(super) fn add(report: &mut Report, errors: &[Error]) {
    let mut last: Option<(&str, u32)> = None;
    for error in errors {
        let line = error.span().map_or(0, |span| report.line(&span));
        let follows = last.is_some_and(|(message, above)| follows(error, line, message, above));
        last = Some((error.message(), line));
        if follows {
            report.add_unreadable(line);
        } else {
            report.add_broken(line, message(error.message()));
        }
    }
}

/// Whether the slip on `line` follows from the one `above` it.
fn follows(error: &Error, line: u32, message: &str, above: u32) -> bool {
    let same = error.message() == message && line > above && line <= above.saturating_add(NEAR);
    // A list without its end takes all that comes after it for elements.
    same || (error.message().contains("array elements") && message.contains("array"))
}

/// What is wrong and what to do.
fn message(message: &str) -> String {
    let (what, _) = message.split_once(", expected").unwrap_or((message, ""));
    let plain = match what {
        "duplicate key" => return "this key or table stands twice; keep one of them".to_owned(),
        "string values must be quoted" => "a text needs quotes: \"…\"",
        "key with no value" | "missing value for key" | "missing value" => {
            "a key needs \"=\" and a value after it"
        }
        "invalid key-value pair" | "unexpected key or value" | "unexpected content" => {
            "a line is key = value, or [table], or starts with \"#\""
        }
        "missing comma between array elements" => {
            "a comma is missing between two elements of a list, or the \"]\" at its end"
        }
        "unexpected `=` in array" | "unclosed array" => "a list above has no \"]\" at its end",
        "invalid basic string" | "invalid literal string" | "invalid multi-line basic string" => {
            "this text has no quotes at its end, or a control character in it"
        }
        "missing escaped value" => {
            "\"\\\" begins an escape such as \"\\n\" here; write \"\\\\\" for the character itself"
        }
        "unclosed table" | "unclosed array table" => {
            "the name of this table has no \"]\" at its end"
        }
        "missing table open" => "this \"]\" has no \"[\" before it",
        "unexpected leading zero" => {
            "a number does not begin with 0; a file mode is text, such as \"0644\""
        }
        "extra `=`" => "there is an \"=\" too many",
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            "lists and tables lie too deep in each other"
        }
        _ => return format!("this is not TOML: {}", message.replace('`', "\"")),
    };
    format!("this is not TOML: {plain}")
}
