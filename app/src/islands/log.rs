//! Logs: written by the server as far as they have come, followed by the browser from there on.
//!
//! A log may have 50,000 lines, so lines are no components: [`Writer`] makes the markup of a line,
//! on the server for the first rendering and in the browser for what follows, and the browser
//! appends it. Lines stand in blocks of 200 whose drawing the browser puts off
//! (`content-visibility`), which keeps searching, links and printing as they are.

#![expect(missing_docs, reason = "the structs that `island` makes of properties take no docs")]

#[cfg(feature = "hydrate")]
mod follow;
mod writer;

use leptos::prelude::*;

pub use writer::{BLOCK, Writer};

/// Id of the element that holds the lines.
pub const LINES: &str = "log";

/// The tools above a log: its first error, following, saving. It works on the lines beside it.
#[island]
pub fn LogTools(
    /// Where what follows comes from; `None` where nothing does.
    #[prop(optional_no_strip)]
    stream: Option<String>,
    /// Where the whole is to be had as text.
    download: String,
    /// The number of the first line that reports an error.
    #[prop(optional_no_strip)]
    first_error: Option<u64>,
) -> impl IntoView {
    let first_error = RwSignal::new(first_error);
    let following = RwSignal::new(stream.is_some());
    let ended = RwSignal::new(stream.is_none());
    #[cfg(feature = "hydrate")]
    follow::start(stream, first_error, following, ended);
    #[cfg(not(feature = "hydrate"))]
    drop(stream);
    let link = move || first_error.get().map(|line| format!("#L{line}")).unwrap_or_default();
    let text = move || {
        first_error.get().map(|line| format!("First error: line {line}")).unwrap_or_default()
    };
    view! {
        <div class="log-tools">
            <a class="first-error" href=link hidden=move || first_error.get().is_none()>{text}</a>
            <label class="js" hidden=move || ended.get()>
                <input
                    type="checkbox"
                    checked
                    prop:checked=following
                    on:change=move |event| following.set(event_target_checked(&event))
                />
                "Follow"
            </label>
            <a href=download download="">"Download"</a>
        </div>
    }
}
