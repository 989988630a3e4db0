//! Logs: written by the server as far as they have come, followed by the browser from there on.
//!
//! A log may have 50,000 lines, so they are no components: [`Writer`] makes the markup of a line,
//! on the server for the first rendering and in the browser for what follows, and the browser
//! appends it. Lines stand in blocks of 200 whose drawing the browser puts off
//! (`content-visibility`), which keeps searching, links and printing as they are.

#[cfg(feature = "hydrate")]
mod follow;

use std::fmt::Write as _;

use domain::{ansi, log::LogLine};
use leptos::{html, prelude::*};

/// How many lines stand in a block.
const BLOCK: u64 = 200;

/// How near to its end a log counts as read to the end, in pixels.
const NEAR: i32 = 48;

/// Makes the markup of lines, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    step: String,
    steps: Vec<String>,
    last: u64,
    first_error: Option<u64>,
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

/// What the first rendering knows of a log; nothing in the browser, which has the markup already.
#[derive(Debug, Clone, Default)]
pub struct Written {
    html: String,
    writer: Writer,
}

impl Written {
    /// A job's log.
    #[must_use]
    pub fn log(lines: &[LogLine]) -> Self {
        Self::blocks(lines.iter(), Writer::line)
    }

    /// A console's lines, numbered from 1.
    #[must_use]
    pub fn console(lines: &[String]) -> Self {
        Self::blocks((1..).zip(lines), |writer, (number, text), html| {
            writer.text(number, text, html);
        })
    }

    fn blocks<T>(
        lines: impl Iterator<Item = T>,
        write: impl Fn(&mut Writer, T, &mut String),
    ) -> Self {
        let mut written = Self::default();
        for (count, line) in (0_u64..).zip(lines) {
            if count.is_multiple_of(BLOCK) {
                written.html.push_str(if count == 0 { "<div>" } else { "</div><div>" });
            }
            write(&mut written.writer, line, &mut written.html);
        }
        if !written.html.is_empty() {
            written.html.push_str("</div>");
        }
        written
    }
}

/// A log on a page.
#[derive(Debug, Clone)]
pub struct Log {
    /// What assistive technology calls it.
    pub label: &'static str,
    /// What is written already.
    pub written: Written,
    /// Where the browser gets what follows; `None` where nothing does.
    pub stream: Option<String>,
    /// Where the whole is to be had as text.
    pub download: String,
}

/// Shows a log.
#[must_use]
pub fn log(log: Log) -> AnyView {
    let Log { label, written: Written { html, writer }, stream, download } = log;
    let lines = NodeRef::<html::Div>::new();
    let following = RwSignal::new(false);
    let first_error = RwSignal::new(writer.first_error);
    let ended = RwSignal::new(stream.is_none());
    #[cfg(feature = "hydrate")]
    follow::start(follow::Parts { lines, following, first_error, ended, stream });
    let error_link = move || first_error.get().map_or_else(String::new, |line| format!("#L{line}"));
    let error_text = move || {
        first_error.get().map_or_else(String::new, |line| format!("First error: line {line}"))
    };
    let before = StoredValue::new(0);
    let scrolled = move |event| {
        let element: web_sys::HtmlElement = event_target(&event);
        let top = element.scroll_top();
        let at_end = top + element.client_height() >= element.scroll_height() - NEAR;
        // Scrolling up lets go; that the log grew below is no scrolling.
        if top < before.get_value() && !at_end {
            following.set(false);
        }
        before.set_value(top);
    };
    view! {
        <div class="log-tools">
            <a class="first-error" href=error_link hidden=move || first_error.get().is_none()>{error_text}</a>
            <label class="js" hidden=move || ended.get()>
                <input type="checkbox" prop:checked=following on:change=move |event| following.set(event_target_checked(&event))/>
                "Follow"
            </label>
            <a href=download rel="external" download="">"Download"</a>
        </div>
        <div class="log" node_ref=lines on:scroll=scrolled role="region" aria-label=label tabindex="0"
            data-last=writer.last.to_string()
            data-steps=writer.steps.join("\n")
            data-first-error=writer.first_error.map(|line| line.to_string())
            inner_html=html
        ></div>
    }
    .into_any()
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

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    fn line(number: u64, step: &str, text: &str) -> LogLine {
        LogLine { number, at: Timestamp(0), step: step.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn nothing_in_a_log_acts() {
        let text = "<script>alert(1)</script>\u{1b}[31m\" onclick='x' &amp;";
        let written = Written::log(&[line(1, "a\"><b>", text)]);
        assert_eq!(
            written.html,
            "<div><h3 id=\"step-a&quot;&gt;&lt;b&gt;\">a&quot;&gt;&lt;b&gt;</h3>\
             <p id=\"L1\"><a href=\"#L1\">1</a><span>&lt;script&gt;alert(1)&lt;/script&gt;</span>\
             <span class=\"fg1\">&quot; onclick=&#39;x&#39; &amp;amp;</span></p></div>"
        );
    }

    #[test]
    fn lines_stand_in_blocks_and_steps_are_linked_once() {
        let lines: Vec<_> = (1..=401)
            .map(|number| line(number, if number % 300 == 0 { "b" } else { "a" }, "error: x"))
            .collect();
        let written = Written::log(&lines);
        assert_eq!(written.html.matches("<div>").count(), 3);
        assert_eq!(written.html.matches("</div>").count(), 3);
        assert_eq!(written.html.matches("id=\"step-a\"").count(), 1);
        assert_eq!(written.html.matches("<h3").count(), 3);
        assert_eq!((written.writer.last, written.writer.first_error), (401, Some(1)));
    }
}
