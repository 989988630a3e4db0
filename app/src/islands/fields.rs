//! Takes over a form that the server rendered anew, without moving the cursor of who types.

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DomParser, Element, HtmlElement, SupportedType};

use super::dom;

const PARTS: &str = "[data-part], [name=seen]";
const CONTROLS: &str = "input, textarea, select";
const SHOWN: &str = "[data-shown]";
/// A part that is drawn anew as a whole.
const WHOLE: &str = "data-whole";
/// A part of which the answer knows nothing newer.
const KEPT: &str = "data-kept";

/// Takes over the form that stands in `html`.
pub(super) fn take_over(editor: &Element, html: &str) {
    let newer = DomParser::new()
        .and_then(|parser| parser.parse_from_string(html, SupportedType::TextHtml))
        .ok()
        .and_then(|page| page.document_element());
    let Some(newer) = newer else { return };
    let active = document().active_element();
    for (former, newer) in dom::all(editor, PARTS).iter().zip(dom::all(&newer, PARTS)) {
        if former.get_attribute("name").is_some() {
            set_value(former, &value(&newer));
            continue;
        }
        if newer.has_attribute(KEPT) {
            continue;
        }
        let (controls, newer_controls) = (dom::all(former, CONTROLS), dom::all(&newer, CONTROLS));
        if !former.has_attribute(WHOLE) && names(&controls) == names(&newer_controls) {
            for (control, newer) in controls.iter().zip(&newer_controls) {
                take_value(control, newer, active.as_ref() == Some(control));
            }
            for (shown, newer) in dom::all(former, SHOWN).iter().zip(dom::all(&newer, SHOWN)) {
                renew(shown, &newer);
            }
        } else {
            let focused = active.as_ref().filter(|active| former.contains(Some(active)));
            let focused = focused.map(web_sys::Element::id).filter(|id| !id.is_empty());
            former.set_inner_html(&newer.inner_html());
            if newer.has_attribute("open") {
                // Rows that came from the other side are seen. A valid name is never refused.
                let _ = former.set_attribute("open", "");
            }
            if let Some(control) = focused.and_then(|id| document().get_element_by_id(&id)) {
                focus(&control);
            }
        }
    }
}

/// Says why form and text are not in step.
pub(super) fn say(editor: &Element, message: &str) {
    let Ok(Some(place)) = editor.query_selector("[data-part=state] [data-shown]") else { return };
    let Ok(alert) = document().create_element("div") else { return };
    alert.set_class_name("alert");
    alert.set_text_content(Some(message));
    place.set_inner_html("");
    // A place that is in the page takes an element.
    let _ = place.append_child(&alert);
}

/// Goes on where somebody added a row, or to the button that adds one where they took one out; after
/// something that was found, to where they search for more.
pub(super) fn focus_after(editor: &Element, task: &str) {
    if task.starts_with("package.") {
        let search = editor.query_selector("[data-task=search] input").ok().flatten();
        return search.iter().for_each(focus);
    }
    let group = task.split('.').nth(1).unwrap_or_default();
    let found = if task.starts_with("add.") {
        let names = format!("[name^='form.{group}.'], [name^='{group}.']");
        let rows = dom::all(editor, &names);
        // The first control of the last row.
        let row = rows.last().and_then(|control| control.closest("fieldset").ok().flatten());
        row.and_then(|row| row.query_selector(CONTROLS).ok().flatten())
    } else {
        editor.query_selector(&format!("button[value='add.{group}']")).ok().flatten()
    };
    if let Some(element) = found {
        focus(&element);
    }
}

/// The value of a control; what is typed at this moment is newer than any answer.
fn take_value(control: &Element, newer: &Element, typed_into: bool) {
    match control.get_attribute("type").as_deref() {
        // What was chosen was sent, and stands beside it as uploaded.
        Some("file") => return set_value(control, ""),
        Some("checkbox" | "radio") => {
            // A box of the page can be ticked.
            let _ =
                Reflect::set(control, &"checked".into(), &newer.has_attribute("checked").into());
            return;
        }
        _ => {}
    }
    if control.tag_name() == "SELECT" {
        renew(control, newer);
    }
    if !typed_into && value(control) != value(newer) {
        set_value(control, &value(newer));
    }
    if let Some(rows) = newer.get_attribute("rows") {
        // A valid name is never refused.
        let _ = control.set_attribute("rows", &rows);
    }
}

fn renew(element: &Element, newer: &Element) {
    let html = newer.inner_html();
    if element.inner_html() != html {
        element.set_inner_html(&html);
    }
}

/// What controls are called; of boxes also what each stands for, such as an upload.
fn names(controls: &[Element]) -> Vec<(Option<String>, Option<String>)> {
    let of = |control: &Element| {
        let is_box = control.get_attribute("type").as_deref() == Some("checkbox");
        let stands_for = control.get_attribute("value").filter(|_| is_box);
        (control.get_attribute("name"), stands_for)
    };
    controls.iter().map(of).collect()
}

/// Inputs, text fields and choices all call it so.
fn value(control: &Element) -> String {
    Reflect::get(control, &"value".into()).ok().and_then(|it| it.as_string()).unwrap_or_default()
}

fn set_value(control: &Element, value: &str) {
    // A control of the page takes a text.
    let _ = Reflect::set(control, &"value".into(), &JsValue::from_str(value));
}

fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // What is in the page takes the focus.
        let _ = element.focus();
    }
}
