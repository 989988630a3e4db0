//! Keeps the form and the text of an editor in step as people type: of a recipe, and of a variant,
//! whose form also says what it would do.
//!
//! What was typed is sent whole after a short rest, one request at a time; the server says what the
//! other side becomes. An answer to something older than what stands there by now is dropped, and
//! what stands there is sent: the latest wins. Where the server does not answer, the buttons that
//! the page has without script come back.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::{ev, leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FormData, HtmlButtonElement, HtmlFormElement, HtmlTextAreaElement, RequestInit, Response,
    SubmitEvent, UrlSearchParams,
};

use super::{dom, editor, fields};

/// How long a person rests between two words.
const REST: Duration = Duration::from_millis(250);
const FORMS: &str = ".recipe-form, .compose, .look";
const CUT: &str = "The server did not take this, so form and text are not in step. Both are kept: use the buttons of the form.";

/// What the server answers.
#[derive(Deserialize)]
struct InStep {
    text: Option<String>,
    form: String,
}

/// The editor of the page.
struct Editor {
    form: HtmlFormElement,
    area: HtmlTextAreaElement,
    url: String,
    /// Counts what was typed and pressed.
    generation: Cell<u32>,
    /// What was typed into last: the side `text` or `form`, or what a part of the form names itself
    /// (`data-task`).
    side: RefCell<String>,
    /// Whether something was typed that was not sent yet.
    waits: Cell<bool>,
    /// A button that was pressed and not answered yet.
    pressed: RefCell<Option<String>>,
    busy: Cell<bool>,
    timer: Cell<Option<TimeoutHandle>>,
}

/// Listens where there is an editor that whoever looks may use.
pub(super) fn start() {
    let Some(editor) = Editor::of_page() else { return };
    let editor = Rc::new(editor);
    editor.in_step(true);
    let typed = editor.clone();
    let input = window_event_listener(ev::input, move |event| {
        let event = event.unchecked_ref();
        let part = dom::at(event, "[data-task]").and_then(|part| part.get_attribute("data-task"));
        let side = if dom::at(event, ".paper").is_some() {
            "text".to_owned()
        } else if let Some(part) = part {
            part
        } else if dom::at(event, FORMS).is_some() {
            "form".to_owned()
        } else {
            return;
        };
        typed.typed(side);
    });
    let submit = window_event_listener(ev::submit, move |event| editor.submitted(&event));
    on_cleanup(move || {
        input.remove();
        submit.remove();
    });
}

impl Editor {
    fn of_page() -> Option<Self> {
        let form = document().query_selector("form[data-step]").ok()??;
        Some(Self {
            url: form.get_attribute("data-step")?,
            area: form.query_selector(".paper textarea").ok()??.dyn_into().ok()?,
            form: form.dyn_into().ok()?,
            generation: Cell::new(0),
            side: RefCell::new("text".to_owned()),
            waits: Cell::new(false),
            pressed: RefCell::new(None),
            busy: Cell::new(false),
            timer: Cell::new(None),
        })
    }

    /// Hides the buttons that people need without this, or shows them.
    fn in_step(&self, whether: bool) {
        // A valid name is never refused.
        let _ = if whether {
            self.form.set_attribute("data-in-step", "")
        } else {
            self.form.remove_attribute("data-in-step")
        };
    }

    fn typed(self: &Rc<Self>, side: String) {
        let is_side = side == "form" || side == "text";
        // A part alone is less than a side: what waits there must not be forgotten for it.
        if is_side || !(self.waits.get() || self.busy.get()) {
            self.side.replace(side);
        }
        self.waits.set(true);
        self.generation.set(self.generation.get().wrapping_add(1));
        if let Some(timer) = self.timer.take() {
            timer.clear();
        }
        let editor = self.clone();
        self.timer.set(set_timeout_with_handle(move || editor.run(), REST).ok());
    }

    /// Buttons that bring the form back are sent from here; the others as without script.
    fn submitted(self: &Rc<Self>, event: &SubmitEvent) {
        let button = event.submitter().and_then(|it| it.dyn_into::<HtmlButtonElement>().ok());
        let Some(button) = button else { return };
        let task = button.value();
        let row = task.starts_with("add.") || task.starts_with("remove.");
        if (row || button.has_attribute("data-in-place")) && self.form.has_attribute("data-in-step")
        {
            event.prevent_default();
            self.generation.set(self.generation.get().wrapping_add(1));
            *self.pressed.borrow_mut() = Some(task);
            self.clone().run();
        }
    }

    /// Sends what stands there until the answer belongs to what stands there.
    fn run(self: Rc<Self>) {
        if self.busy.replace(true) {
            return;
        }
        spawn_local(async move {
            loop {
                let generation = self.generation.get();
                let pressed = self.pressed.take();
                let side = self.side.borrow().clone();
                self.waits.set(false);
                let answer = self.ask(pressed.as_deref().unwrap_or(&side)).await;
                let late = generation != self.generation.get();
                match answer {
                    Ok(_) if late => {
                        let mut next = self.pressed.borrow_mut();
                        if next.is_none() {
                            *next = pressed;
                        }
                    }
                    Ok(answer) => {
                        self.in_step(true);
                        self.take_over(&answer, pressed.as_deref());
                        break;
                    }
                    Err(_) => {
                        self.in_step(false);
                        fields::say(&self.form, CUT);
                        break;
                    }
                }
            }
            self.busy.set(false);
        });
    }

    async fn ask(&self, task: &str) -> Result<InStep, JsValue> {
        let fields = FormData::new_with_form(&self.form)?;
        let request = RequestInit::new();
        request.set_method("POST");
        if self.form.enctype() == "multipart/form-data" {
            // Files that were chosen go along once; the answer has them as kept.
            fields.set_with_str("do", task)?;
            request.set_body(&fields);
        } else {
            let fields = UrlSearchParams::new_with_str_sequence_sequence(&fields)?;
            fields.set("do", task);
            request.set_body(&fields);
        }
        let sent = window().fetch_with_str_and_init(&self.url, &request);
        let response: Response = JsFuture::from(sent).await?.dyn_into()?;
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        serde_json::from_str(&text).map_err(|_| JsValue::NULL)
    }

    fn take_over(&self, answer: &InStep, pressed: Option<&str>) {
        if let Some(text) = &answer.text {
            self.write(text);
        }
        fields::take_over(&self.form, &answer.form);
        if let Some(task) = pressed {
            fields::focus_after(&self.form, task);
        }
    }

    /// Puts a text into the field; the cursor stays before the same words.
    fn write(&self, text: &str) {
        let former: Vec<u16> = self.area.value().encode_utf16().collect();
        let cursor = self.area.selection_start().ok().flatten().unwrap_or(0);
        let newer: Vec<u16> = text.encode_utf16().collect();
        let at = usize::try_from(cursor).unwrap_or_default().min(former.len());
        let cursor = match newer.len().checked_sub(former.len() - at) {
            Some(moved) if newer[moved..] == former[at..] => moved,
            _ => at.min(newer.len()),
        };
        self.area.set_value(text);
        let cursor = u32::try_from(cursor).unwrap_or_default();
        // A text field that is in the page takes a selection.
        let _ = self.area.set_selection_range(cursor, cursor);
        editor::renumber(&self.area);
    }
}
