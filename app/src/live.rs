//! Live data: one stream of changes for all pages of a tab, and a job's log line by line.
//!
//! Both are server-sent events. The browser connects again by itself and says what it has
//! (`Last-Event-ID`); a hidden tab gives its connection back and asks for the rest when it is seen
//! again. Nothing is fetched on a timer.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod source;
#[cfg(feature = "hydrate")]
pub(crate) use source::{connect, follow};

/// Whether the stream of changes is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) lost: RwSignal<bool>,
}

/// A page that wants to look again when something under `topics` changes.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser listens"))]
struct Listener {
    topics: &'static [&'static str],
    version: RwSignal<u64>,
}

/// All pages that listen.
#[derive(Debug, Clone, Copy)]
struct Listeners(StoredValue<Vec<Listener>>);

/// Makes live data known to everything below; connects where somebody has signed in.
pub(crate) fn provide(signed_in: bool) {
    let connection = Connection { lost: RwSignal::new(false) };
    let listeners = Listeners(StoredValue::new(Vec::new()));
    provide_context(connection);
    provide_context(listeners);
    #[cfg(feature = "hydrate")]
    if signed_in {
        Effect::new(move |_| connect(connection, move |topic| tell(listeners, topic)));
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = signed_in;
}

/// Counts the changes under `topics` (beginnings such as `job/`): a source for what a page loads.
#[must_use]
pub(crate) fn changes(topics: &'static [&'static str]) -> RwSignal<u64> {
    let version = RwSignal::new(0);
    if let Some(Listeners(listeners)) = use_context() {
        listeners.update_value(|all| all.push(Listener { topics, version }));
        on_cleanup(move || {
            listeners.try_update_value(|all| all.retain(|one| one.version != version));
        });
    }
    version
}

/// Passes a change on to those it concerns.
#[cfg(feature = "hydrate")]
fn tell(Listeners(listeners): Listeners, topic: &str) {
    let concerns = |listener: &&Listener| {
        matches!(topic, "connected" | "everything")
            || listener.topics.iter().any(|known| topic.starts_with(known))
    };
    let concerned: Vec<_> = listeners
        .with_value(|all| all.iter().filter(concerns).map(|listener| listener.version).collect());
    for version in concerned {
        version.try_update(|count| *count += 1);
    }
}
