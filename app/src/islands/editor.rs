//! Numbers the editor's lines as they are typed, and keeps the field as high as its text.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use super::dom;

/// Listens where there is an editor.
pub(super) fn start() {
    let listener = window_event_listener(ev::input, |event| {
        let Some(area) = dom::at(event.unchecked_ref(), ".paper textarea") else { return };
        if let Ok(area) = area.dyn_into::<HtmlTextAreaElement>() {
            renumber(&area);
        }
    });
    on_cleanup(move || listener.remove());
}

/// Numbers the lines beside `area` anew.
pub(super) fn renumber(area: &HtmlTextAreaElement) {
    let Some(numbers) = area.previous_element_sibling() else { return };
    let lines = u32::try_from(area.value().split('\n').count()).unwrap_or(u32::MAX);
    let present = numbers.child_element_count();
    for line in present + 1..=lines {
        if let Ok(item) = document().create_element("li") {
            item.set_id(&format!("line-{line}"));
            item.set_text_content(Some(&line.to_string()));
            // A list that is in the page takes items.
            let _ = numbers.append_child(&item);
        }
    }
    for _ in lines..present {
        if let Some(last) = numbers.last_element_child() {
            last.remove();
        }
    }
    area.set_rows(lines.max(12));
}
