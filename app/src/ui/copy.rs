//! Things to copy: digests, addresses, commands.

use domain::digest::Digest;
use leptos::prelude::*;

/// A text with a button that copies it. The button appears once the browser took over.
#[must_use]
pub fn copyable(shown: String, whole: String, what: &str) -> AnyView {
    let label = format!("Copy {what}");
    let done = RwSignal::new(false);
    let title = whole.clone();
    let copy = move |_| {
        done.set(put_on_clipboard(&whole));
    };
    view! {
        <span class="chip">
            <code title=title>{shown}</code>
            <button type="button" class="copy js" on:click=copy aria-label=label>
                <span aria-live="polite">{move || if done.get() { "copied" } else { "copy" }}</span>
            </button>
        </span>
    }
    .into_any()
}

/// A digest: twelve characters shown, all copied.
#[must_use]
pub fn digest(digest: &Digest, what: &str) -> AnyView {
    copyable(digest.short(), digest.to_string(), what)
}

/// A line to type or paste elsewhere.
#[must_use]
pub fn command(line: &str, what: &str) -> AnyView {
    view! { <span class="command">{copyable(line.to_owned(), line.to_owned(), what)}</span> }
        .into_any()
}

/// Copies where the browser lets us: on plain HTTP it does so for localhost only, and elsewhere
/// the older way through a selection does.
#[cfg(feature = "hydrate")]
fn put_on_clipboard(text: &str) -> bool {
    use wasm_bindgen::{JsCast, JsValue};
    let get = |object: &JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).ok();
    let clipboard = get(&window().navigator(), "clipboard").filter(|it| !it.is_undefined());
    if let Some(clipboard) = clipboard {
        let write =
            get(&clipboard, "writeText").and_then(|it| it.dyn_into::<js_sys::Function>().ok());
        return write.is_some_and(|write| write.call1(&clipboard, &text.into()).is_ok());
    }
    copy_by_selection(text).unwrap_or(false)
}

#[cfg(feature = "hydrate")]
fn copy_by_selection(text: &str) -> Option<bool> {
    use wasm_bindgen::JsCast;
    let document = document();
    let body = document.body()?;
    let area = document.create_element("textarea").ok()?;
    area.set_text_content(Some(text));
    area.set_class_name("hidden");
    body.append_child(&area).ok()?;
    let call = |object: &wasm_bindgen::JsValue, name: &str, argument: Option<&str>| {
        let function =
            js_sys::Reflect::get(object, &name.into()).ok()?.dyn_into::<js_sys::Function>().ok()?;
        match argument {
            Some(argument) => function.call1(object, &argument.into()).ok(),
            None => function.call0(object).ok(),
        }
    };
    call(&area, "select", None)?;
    let copied = call(&document, "execCommand", Some("copy"))?;
    body.remove_child(&area).ok()?;
    Some(copied.is_truthy())
}

#[cfg(not(feature = "hydrate"))]
fn put_on_clipboard(_: &str) -> bool {
    false
}
