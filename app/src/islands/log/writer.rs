//! The markup of a log's lines.

use std::fmt::Write as _;

use domain::{ansi, log::LogLine};

/// How many lines stand in a block.
pub const BLOCK: u64 = 200;

/// Makes the markup of lines, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// The step of the line before.
    pub step: String,
    /// All steps so far.
    pub steps: Vec<String>,
    /// Number of the last line.
    pub last: u64,
    /// Number of the first line that reports an error.
    pub first_error: Option<u64>,
}

impl Writer {
    /// Appends a line of a job's log; a line of another step than the one before has that step's
    /// name above it.
    pub fn line(&mut self, line: &LogLine, html: &mut String) {
        if line.step != self.step {
            self.step.clone_from(&line.step);
            let name = escape(&line.step);
            // A step that began again after an interruption stands here twice; the first is linked.
            if self.steps.contains(&line.step) {
                let _ = write!(html, "<h3>{name}</h3>");
            } else {
                self.steps.push(line.step.clone());
                let _ = write!(html, "<h3 id=\"step-{name}\">{name}</h3>");
            }
        }
        self.text(line.number, &line.text, html);
    }

    /// Appends line `number` of a log that knows no steps.
    pub fn text(&mut self, number: u64, text: &str, html: &mut String) {
        self.last = number;
        let error = ansi::is_error_line(text);
        if error && self.first_error.is_none() {
            self.first_error = Some(number);
        }
        let class = if error { " class=\"error\"" } else { "" };
        let _ = write!(html, "<p id=\"L{number}\"{class}><a href=\"#L{number}\">{number}</a>");
        for span in ansi::spans(text) {
            let classes = span.style.classes();
            let text = escape(&span.text);
            let _ = if classes.is_empty() {
                write!(html, "<span>{text}</span>")
            } else {
                write!(html, "<span class=\"{classes}\">{text}</span>")
            };
        }
        html.push_str("</p>");
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
