//! Small things that the document is asked for.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// All elements below `root` that `selector` names.
pub(super) fn all(root: &impl AsRef<Element>, selector: &str) -> Vec<Element> {
    let Ok(found) = root.as_ref().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

/// The element at which an event happened, or the nearest around it that `selector` names.
pub(super) fn at(event: &Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

/// A number that the server wrote into an attribute.
pub(super) fn number(element: &Element, name: &str) -> Option<i64> {
    element.get_attribute(name)?.parse().ok()
}

/// The whole page.
pub(super) fn root() -> Option<Element> {
    document().document_element()
}
