//! Server-sent events in the browser.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent, VisibilityState};

use super::Connection;

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

fn handler(mut handle: impl FnMut(String) + 'static) -> Handler {
    Closure::new(move |event: MessageEvent| {
        handle(event.data().as_string().unwrap_or_default());
    })
}

/// Opens `source` now and whenever the tab is seen again, closes it while the tab is hidden, and
/// for good when the page goes. `url` says where, and `None` once there is nothing more to come.
fn while_seen(source: Source, url: impl Fn() -> Option<String> + 'static) {
    let source = Rc::new(RefCell::new(source));
    let follow = {
        let source = source.clone();
        move || {
            let hidden = document().visibility_state() == VisibilityState::Hidden;
            match url().filter(|_| !hidden) {
                Some(url) => source.borrow_mut().open(&url),
                None => source.borrow_mut().close(),
            }
        }
    };
    follow();
    let listener = window_event_listener_untyped("visibilitychange", move |_| follow());
    let kept = StoredValue::new_local(source);
    on_cleanup(move || {
        listener.remove();
        kept.dispose();
    });
}

/// The stream of changes. Its first event after a connection says "connected": the first of all
/// tells nothing new, since the page was rendered a moment ago.
pub(crate) fn connect(connection: Connection, tell: impl Fn(&str) + 'static) {
    let mut first = true;
    let change = handler(move |topic| {
        connection.lost.set(false);
        if !std::mem::take(&mut first) {
            tell(&topic);
        }
    });
    let error = handler(move |_| connection.lost.set(true));
    let source = Source { open: None, handlers: vec![("change", change), ("error", error)] };
    while_seen(source, || Some("/events".to_owned()));
}

/// A log from the line after `after` on, until it ends. `line` gets each line's JSON once, and
/// gives the number of the last line it has.
pub(crate) fn follow(
    url: String,
    after: u64,
    line: impl Fn(&str) -> Option<u64> + 'static,
    end: impl Fn() + 'static,
) {
    let last = Rc::new(RefCell::new(Some(after)));
    let (seen, ended) = (last.clone(), last.clone());
    let on_line = handler(move |text| {
        if let (Some(number), Some(last)) = (line(&text), seen.borrow_mut().as_mut()) {
            *last = number;
        }
    });
    let on_end: Handler = Closure::new(move |event: MessageEvent| {
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
