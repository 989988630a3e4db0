//! Follows a log in the browser: appends what comes, once per frame.

use std::{cell::RefCell, rc::Rc};

use domain::log::LogLine;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::Element;

use super::{BLOCK, LINES, Writer};
use crate::islands::source;

/// How near to its end a log counts as read to the end, in pixels.
const NEAR: i32 = 48;

/// Takes over what the server wrote and goes on from there.
pub(super) fn start(
    stream: Option<String>,
    first_error: RwSignal<Option<u64>>,
    following: RwSignal<bool>,
    ended: RwSignal<bool>,
) {
    Effect::new(move |_| {
        let Some(element) = document().get_element_by_id(LINES) else { return };
        let Some(url) = stream.clone() else { return };
        release_on_scroll(&element, following);
        let writer = taken_over(&element, first_error.get_untracked());
        let last = writer.last;
        let tail = Rc::new(RefCell::new(Tail { element, writer, waiting: Vec::new() }));
        // A line that the address names is what the reader came for.
        let named = window().location().hash().is_ok_and(|hash| hash.starts_with("#L"));
        following.set(!named);
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
        request_animation_frame(append.clone());
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
        source::lines(url, last, line, move || ended.set(true));
    });
}

/// Scrolling up lets go; that the log grew below is no scrolling.
fn release_on_scroll(element: &Element, following: RwSignal<bool>) {
    let mut before = element.scroll_top();
    let target = element.clone();
    let scrolled = Closure::<dyn FnMut()>::new(move || {
        let top = target.scroll_top();
        let at_end = top + target.client_height() >= target.scroll_height() - NEAR;
        if top < before && !at_end {
            following.set(false);
        }
        before = top;
    });
    // Only an event target that is none could refuse.
    let _ = element.add_event_listener_with_callback("scroll", scrolled.as_ref().unchecked_ref());
    // The log stays as long as the page.
    scrolled.forget();
}

/// What the server wrote, from the marks that it left.
fn taken_over(element: &Element, first_error: Option<u64>) -> Writer {
    let read = |name: &str| element.get_attribute(name).filter(|text| !text.is_empty());
    let steps: Vec<String> = read("data-steps")
        .map(|steps| steps.lines().map(ToOwned::to_owned).collect())
        .unwrap_or_default();
    Writer {
        step: read("data-step").unwrap_or_default(),
        steps,
        last: read("data-last").and_then(|text| text.parse().ok()).unwrap_or(0),
        first_error,
    }
}

/// The end of a log.
struct Tail {
    element: Element,
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
                    // An element of the page takes another.
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
