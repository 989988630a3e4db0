//! Copies what stands in a button's `data-copy`.

use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};

use super::dom;

/// Listens for the whole page, so that what comes later needs no listener of its own.
pub(super) fn start() {
    let listener = window_event_listener(ev::click, |event| {
        let Some(button) = dom::at(&event, "button[data-copy]") else { return };
        let text = button.get_attribute("data-copy").unwrap_or_default();
        let said = if put_on_clipboard(&text) { "copied" } else { "not copied" };
        button.set_text_content(Some(said));
    });
    on_cleanup(move || listener.remove());
}

/// On plain HTTP browsers give the clipboard to localhost only; elsewhere the older way through a
/// selection works.
fn put_on_clipboard(text: &str) -> bool {
    let clipboard = get(&window().navigator(), "clipboard").filter(|it| !it.is_undefined());
    match clipboard {
        Some(clipboard) => call(&clipboard, "writeText", Some(text)).is_some(),
        None => copy_by_selection(text).unwrap_or(false),
    }
}

fn copy_by_selection(text: &str) -> Option<bool> {
    let document = document();
    let body = document.body()?;
    let area = document.create_element("textarea").ok()?;
    area.set_text_content(Some(text));
    area.set_class_name("hidden");
    body.append_child(&area).ok()?;
    call(&area, "select", None)?;
    let copied = call(&document, "execCommand", Some("copy"))?;
    body.remove_child(&area).ok()?;
    Some(copied.is_truthy())
}

fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    js_sys::Reflect::get(object, &name.into()).ok()
}

fn call(object: &JsValue, name: &str, argument: Option<&str>) -> Option<JsValue> {
    let function = get(object, name)?.dyn_into::<js_sys::Function>().ok()?;
    match argument {
        Some(argument) => function.call1(object, &argument.into()).ok(),
        None => function.call0(object).ok(),
    }
}
