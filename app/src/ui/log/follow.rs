//! Follows a log in the browser: appends what comes, once per frame.

use std::{cell::RefCell, rc::Rc};

use domain::log::LogLine;
use leptos::{html, prelude::*};
use web_sys::HtmlDivElement;

use super::{BLOCK, Writer};
use crate::live;

/// What a log on a page consists of.
pub(super) struct Parts {
    pub(super) lines: NodeRef<html::Div>,
    pub(super) following: RwSignal<bool>,
    pub(super) first_error: RwSignal<Option<u64>>,
    pub(super) ended: RwSignal<bool>,
    pub(super) stream: Option<String>,
}

/// Takes over what the server wrote and goes on from there.
pub(super) fn start(parts: Parts) {
    let Parts { lines, following, first_error, ended, stream } = parts;
    Effect::new(move |_| {
        let Some(element) = lines.get() else { return };
        let writer = taken_over(&element);
        first_error.set(writer.first_error);
        show_target(&element);
        let Some(url) = stream.clone() else { return };
        following.set(true);
        let last = writer.last;
        let tail =
            Rc::new(RefCell::new(Tail { element: element.clone(), writer, waiting: Vec::new() }));
        let append = {
            let tail = tail.clone();
            move || {
                let mut tail = tail.borrow_mut();
                tail.append();
                first_error.set(tail.writer.first_error);
                if following.get_untracked() {
                    tail.element.set_scroll_top(tail.element.scroll_height());
                }
            }
        };
        let line = move |text: &str| {
            let line: LogLine = serde_json::from_str(text).ok()?;
            let number = line.number;
            let first = {
                let mut tail = tail.borrow_mut();
                tail.waiting.push(line);
                tail.waiting.len() == 1
            };
            if first {
                request_animation_frame(append.clone());
            }
            Some(number)
        };
        live::follow(url, last, line, move || ended.set(true));
    });
}

/// What the server wrote, from the marks that it left.
fn taken_over(element: &HtmlDivElement) -> Writer {
    let read = |name: &str| element.get_attribute(name).filter(|text| !text.is_empty());
    let steps: Vec<String> = read("data-steps")
        .map(|steps| steps.lines().map(ToOwned::to_owned).collect())
        .unwrap_or_default();
    Writer {
        step: steps.last().cloned().unwrap_or_default(),
        steps,
        last: read("data-last").and_then(|text| text.parse().ok()).unwrap_or(0),
        first_error: read("data-first-error").and_then(|text| text.parse().ok()),
    }
}

/// A line that the address names is shown: the browser did so before the log had its place.
fn show_target(element: &HtmlDivElement) {
    let hash = window().location().hash().unwrap_or_default();
    if hash.len() > 1
        && let Some(line) = document().get_element_by_id(&hash[1..])
        && element.contains(Some(&line))
    {
        line.scroll_into_view();
    }
}

/// The end of a log.
struct Tail {
    element: HtmlDivElement,
    writer: Writer,
    waiting: Vec<LogLine>,
}

impl Tail {
    /// Writes the lines that came since the last frame, block by block.
    fn append(&mut self) {
        let mut html = String::new();
        for line in std::mem::take(&mut self.waiting) {
            if line.number <= self.writer.last {
                continue;
            }
            if line.number % BLOCK == 1 {
                self.write(&html);
                html.clear();
                if let Ok(block) = document().create_element("div") {
                    // The browser refuses to append to what is no node any more: then nobody looks.
                    let _ = self.element.append_child(&block);
                }
            }
            self.writer.line(&line, &mut html);
        }
        self.write(&html);
    }

    fn write(&self, html: &str) {
        if !html.is_empty()
            && let Some(block) = self.element.last_element_child()
        {
            let _ = block.insert_adjacent_html("beforeend", html);
        }
    }
}
