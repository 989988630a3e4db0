//! A log as the server writes it into a page, with its tools above.

use domain::log::LogLine;
use leptos::prelude::*;

use crate::islands::log::{BLOCK, LINES, LogTools, Writer};

/// What is written of a log already.
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

/// Shows what is written without any tools: where something else follows it.
#[must_use]
pub fn written_only(label: &'static str, written: Written) -> AnyView {
    view! {
        <div class="log" role="region" aria-label=label tabindex="0" inner_html=written.html></div>
    }
    .into_any()
}

/// Shows a log: `stream` is where what follows comes from, `download` where the whole is.
#[must_use]
pub fn log(
    label: &'static str,
    written: Written,
    stream: Option<String>,
    download: String,
) -> AnyView {
    let Written { html, writer } = written;
    view! {
        <LogTools stream download first_error=writer.first_error/>
        <div
            class="log"
            id=LINES
            role="region"
            aria-label=label
            tabindex="0"
            data-last=writer.last.to_string()
            data-step=writer.step
            data-steps=writer.steps.join("\n")
            inner_html=html
        ></div>
    }
    .into_any()
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
