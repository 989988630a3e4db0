//! Renews what has changed: parts of a page that name the topics they show (`data-live`).
//!
//! The page is fetched again as anybody would and its parts are taken over, so nothing is drawn by
//! two programs. What a person is about to type is never drawn over: then the page says that it
//! is old.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, DomParser, Element, Response, SupportedType};

use super::{clock, dom, source};

const PARTS: &str = "[data-live]";
const CUT: &str = "The connection is cut; what you see may be old. Trying again…";
const OLD: &str = "Something here has changed meanwhile. Load the page again to see it; what you typed is not sent yet.";

/// A part of the page with what the server sent for it.
struct Part {
    element: Element,
    sent: String,
}

/// All parts of the page, and whether they are being renewed.
struct Page {
    parts: RefCell<Vec<Part>>,
    busy: Cell<bool>,
    again: Cell<bool>,
    notice: RwSignal<Option<&'static str>>,
    /// How many changes the server had told when the page was rendered; `None` once it is renewed.
    told: Cell<Option<u64>>,
}

/// Follows the changes of what the page shows.
///
/// What changed between the rendering, when the server had told `told` changes, and the first
/// connection is noticed by the number that the connection begins with.
pub(super) fn follow(notice: RwSignal<Option<&'static str>>, told: u64) {
    let Some(root) = dom::root() else { return };
    let parts = dom::all(&root, PARTS)
        .into_iter()
        .map(|element| Part { sent: element.inner_html(), element })
        .collect();
    let page = Rc::new(Page {
        parts: RefCell::new(parts),
        busy: Cell::new(false),
        again: Cell::new(false),
        notice,
        told: Cell::new(Some(told)),
    });
    mark_what_is_typed_into();
    let lost = move |lost: bool| {
        if lost {
            notice.set(Some(CUT));
        } else if notice.get_untracked() == Some(CUT) {
            notice.set(None);
        }
    };
    let tell = move |topic: &str| {
        if page.concerns(topic) {
            page.clone().renew();
        }
    };
    source::changes(tell, lost);
}

/// A part that holds what a person typed carries `data-typed`.
fn mark_what_is_typed_into() {
    let listener = window_event_listener(ev::input, |event| {
        if let Some(part) = dom::at(event.unchecked_ref(), PARTS) {
            // A valid name is never refused.
            let _ = part.set_attribute("data-typed", "");
        }
    });
    on_cleanup(move || listener.remove());
}

impl Page {
    fn concerns(&self, topic: &str) -> bool {
        let shows = |part: &Part| {
            let topics = part.element.get_attribute("data-live").unwrap_or_default();
            topics.split(' ').any(|known| topic.starts_with(known))
        };
        match topic.strip_prefix("connected/") {
            // After a cut the number says nothing: the page may have missed what it counted.
            Some(told) => self.told.take().is_none_or(|known| told.parse() != Ok(known)),
            None => topic == "everything" || self.parts.borrow().iter().any(shows),
        }
    }

    /// Fetches the page once more; a change that comes meanwhile lets it be fetched after that.
    fn renew(self: Rc<Self>) {
        if self.busy.replace(true) {
            self.again.set(true);
            return;
        }
        spawn_local(async move {
            loop {
                self.again.set(false);
                // What cannot be fetched now comes with the next change or connection.
                if let Ok(page) = fetched().await {
                    self.take_over(&page);
                }
                if !self.again.get() {
                    break;
                }
            }
            self.busy.set(false);
        });
    }

    fn take_over(&self, page: &Document) {
        let Some(root) = page.document_element() else { return };
        let newer = dom::all(&root, PARTS);
        let mut parts = self.parts.borrow_mut();
        if newer.len() != parts.len() {
            // Another page came: the session has ended, say.
            self.notice.set(Some(OLD));
            return;
        }
        for (part, newer) in parts.iter_mut().zip(newer) {
            let html = newer.inner_html();
            if html == part.sent {
                continue;
            }
            if part.element.has_attribute("data-typed") {
                self.notice.set(Some(OLD));
                continue;
            }
            keep_open(&part.element, &newer);
            part.element.set_inner_html(&newer.inner_html());
            part.sent = html;
            clock::renew(&part.element);
        }
        document().set_title(&page.title());
    }
}

/// What a person has opened stays open.
fn keep_open(former: &Element, newer: &Element) {
    let (former, newer) = (dom::all(former, "details"), dom::all(newer, "details"));
    for (former, newer) in former.iter().zip(newer) {
        // A valid name is never refused.
        let _ = if former.has_attribute("open") {
            newer.set_attribute("open", "")
        } else {
            newer.remove_attribute("open")
        };
    }
}

async fn fetched() -> Result<Document, JsValue> {
    let address = window().location().href()?;
    let response: Response = JsFuture::from(window().fetch_with_str(&address)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)
}
