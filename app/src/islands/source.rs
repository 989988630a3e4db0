//! Server-sent events. The browser connects again by itself and says what it has
//! (`Last-Event-ID`); a hidden tab gives its connection back and asks for the rest when it is seen
//! again. Nothing is fetched on a timer.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent, VisibilityState};

type Handler = Closure<dyn FnMut(MessageEvent)>;

/// A stream that is open while the tab is seen. Dropping it closes it.
struct Source {
    open: Option<EventSource>,
    /// Keeps what the browser calls alive.
    handlers: Vec<(&'static str, Handler)>,
}

impl Source {
    fn open(&mut self, url: &str) {
        self.close();
        let Ok(source) = EventSource::new(url) else { return };
        for (event, handler) in &self.handlers {
            // Only an event target that is none could refuse.
            let _ =
                source.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
        }
        self.open = Some(source);
    }

    fn close(&mut self) {
        if let Some(source) = self.open.take() {
            source.close();
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.close();
    }
}

fn handler(mut handle: impl FnMut(&MessageEvent) + 'static) -> Handler {
    Closure::new(move |event: MessageEvent| handle(&event))
}

fn data(event: &MessageEvent) -> String {
    event.data().as_string().unwrap_or_default()
}

/// Opens `source` now and whenever the tab is seen again, and closes it while the tab is hidden.
/// `url` says where, and `None` once there is nothing more to come.
fn while_seen(source: Source, url: impl Fn() -> Option<String> + 'static) {
    let source = Rc::new(RefCell::new(source));
    let kept = StoredValue::new_local(source.clone());
    let follow = move || {
        let hidden = document().visibility_state() == VisibilityState::Hidden;
        match url().filter(|_| !hidden) {
            Some(url) => source.borrow_mut().open(&url),
            None => source.borrow_mut().close(),
        }
    };
    follow();
    let listener = window_event_listener_untyped("visibilitychange", move |_| follow());
    on_cleanup(move || {
        listener.remove();
        kept.dispose();
    });
}

/// The stream of changes: `tell` gets each topic, `lost` whether the connection is cut. The first
/// event of a connection is `connected/<number>`.
pub(super) fn changes(tell: impl Fn(&str) + 'static, lost: impl Fn(bool) + Clone + 'static) {
    let cut = lost.clone();
    let change = handler(move |event| {
        lost(false);
        tell(&data(event));
    });
    let error = handler(move |_| cut(true));
    let source = Source { open: None, handlers: vec![("change", change), ("error", error)] };
    while_seen(source, || Some("/events".to_owned()));
}

/// A log from the line after `after` on, until it ends. `line` gets each line's JSON once, and
/// gives the number of the line.
pub(super) fn lines(
    url: String,
    after: u64,
    line: impl Fn(&str) -> Option<u64> + 'static,
    end: impl Fn() + 'static,
) {
    let last = Rc::new(RefCell::new(Some(after)));
    let (seen, ended) = (last.clone(), last.clone());
    let on_line = handler(move |event| {
        if let (Some(number), Some(last)) = (line(&data(event)), seen.borrow_mut().as_mut()) {
            *last = number;
        }
    });
    let on_end = handler(move |event| {
        // Else the browser would take the end for an interruption and connect again.
        if let Some(source) = event.target().and_then(|it| it.dyn_into::<EventSource>().ok()) {
            source.close();
        }
        ended.replace(None);
        end();
    });
    let source = Source { open: None, handlers: vec![("line", on_line), ("end", on_end)] };
    while_seen(source, move || last.borrow().map(|last| format!("{url}?after={last}")));
}
