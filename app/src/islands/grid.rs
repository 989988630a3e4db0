//! Arrow keys in the grid of results: from a cell's link to that of the cell beside, above or below it.
//! Without script the same cells are reached by Tab.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::dom;

/// Listens for the whole page, so that a grid that comes later needs no listener of its own.
pub(super) fn start() {
    let listening = window_event_listener(ev::keydown, |event| {
        let Some(cell) = dom::at(&event, "[data-grid] td, [data-grid] tbody th") else { return };
        let (rows, columns) = match event.key().as_str() {
            "ArrowUp" => (-1, 0),
            "ArrowDown" => (1, 0),
            "ArrowLeft" => (0, -1),
            "ArrowRight" => (0, 1),
            _ => return,
        };
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() {
            return;
        }
        if let Some(link) = beside(&cell, rows, columns) {
            event.prevent_default();
            let _ = link.focus();
        }
    });
    on_cleanup(move || listening.remove());
}

/// The link of the nearest cell in that direction that has one.
fn beside(cell: &Element, rows: i32, columns: i32) -> Option<HtmlElement> {
    let mut at = cell.clone();
    loop {
        at = match (rows, columns) {
            (0, 1) => at.next_element_sibling()?,
            (0, _) => at.previous_element_sibling()?,
            _ => {
                let row = at.parent_element()?;
                let row = if rows > 0 {
                    row.next_element_sibling()?
                } else {
                    row.previous_element_sibling()?
                };
                let place = place_of(&at);
                dom::all(&row, "th, td").into_iter().nth(place)?
            }
        };
        if let Ok(Some(link)) = at.query_selector("a") {
            return link.dyn_into().ok();
        }
    }
}

/// Which cell of its row it is, from 0.
fn place_of(cell: &Element) -> usize {
    let mut place = 0;
    let mut at = cell.previous_element_sibling();
    while let Some(before) = at {
        place += 1;
        at = before.previous_element_sibling();
    }
    place
}
