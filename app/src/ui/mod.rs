//! The parts that pages are made of: plain functions from data to markup, on native elements.
//!
//! They are functions and not components where nothing reacts: less code in the browser, and a
//! page reads as what it shows. Class names are those of `style/`.

pub mod assessment;
pub mod badge;
pub mod change;
pub mod config;
pub mod copy;
pub mod diff;
pub mod empty;
pub mod error;
pub mod escape;
pub mod form;
pub mod icon;
pub mod log;
pub mod nav;
pub mod page;
pub mod release;
pub mod sizes;
pub mod steps;
pub mod table;
pub mod time;
pub mod waterfall;

/// A text as the source of a text field, which leptos writes as it is: whoever saves a recipe must
/// not write markup into the page of whoever opens it. Browsers drop the first line end.
#[must_use]
pub fn raw(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;"))
}
