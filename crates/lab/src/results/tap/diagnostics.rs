//! The block of YAML behind a point, as far as runners agree on it: the message and the time taken.

use domain::run::reported::ReportedCase;

use crate::results::{
    numbers::microseconds,
    text::{Head, MESSAGE},
};

/// A block that is being read.
pub(super) struct Block {
    indent: usize,
    lines: Head,
    ended: bool,
}

impl Block {
    /// Begun by this line.
    pub(super) fn new(first: &str) -> Self {
        Self { indent: indent(first), lines: Head::default(), ended: false }
    }

    /// Whether the line is one of the block; where it is not, the block has ended.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        // A runner that was stopped leaves a block without its end.
        if self.ended || (indent(line) < self.indent && !line.trim().is_empty()) {
            return false;
        }
        if line.trim() == "..." {
            self.ended = true;
        } else {
            self.lines.push(line.get(self.indent..).unwrap_or_default());
            self.lines.push("\n");
        }
        true
    }

    /// What the block says, put into the case.
    pub(super) fn finish(self, case: &mut ReportedCase) {
        let text = self.lines.finish();
        let mut lines = text.lines().peekable();
        let (mut message, mut rest) = (String::new(), String::new());
        while let Some(line) = lines.next() {
            let value = |key: &str| {
                line.strip_prefix(key).and_then(|it| it.strip_prefix(':')).map(str::trim)
            };
            if let Some(value) = value("message") {
                message = if matches!(value, "|" | "|-" | "|+" | ">" | ">-" | ">+") {
                    let mut text = String::new();
                    while let Some(line) = lines.next_if(|it| it.starts_with(' ') || it.is_empty())
                    {
                        text.push_str(line.trim());
                        text.push('\n');
                    }
                    text.trim_end().to_owned()
                } else {
                    unquoted(value).to_owned()
                };
            } else if let Some(value) =
                value("duration_ms").and_then(|it| unquoted(it).parse::<f64>().ok())
            {
                case.duration_us = microseconds(value / 1000.0);
            } else {
                rest.push_str(line);
                rest.push('\n');
            }
        }
        let front = std::mem::take(&mut case.message);
        let parts = [front.as_str(), message.as_str(), rest.trim_end()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        case.message = parts.join("\n");
        case.message.truncate(case.message.floor_char_boundary(MESSAGE));
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}
