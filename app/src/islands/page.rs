//! The island of every page.

#![expect(missing_docs, reason = "the structs that `island` makes of properties take no docs")]

use leptos::prelude::*;

/// Says what the page has to say about itself, and starts everything that is live on it.
#[island]
pub fn Live(
    /// Whether somebody has signed in; only then there are changes to follow.
    signed_in: bool,
    /// How many changes the server had told when it rendered the page.
    told: u64,
) -> impl IntoView {
    let notice = RwSignal::new(None::<&'static str>);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if signed_in {
            super::changes::follow(notice, told);
        }
        super::clock::start();
        super::copy::start();
        super::editor::start();
        super::grid::start();
        super::step::start();
        if let Some(body) = document().body() {
            // Shows what works with script only, and tells tests. A valid name is never refused.
            let _ = body.set_attribute("data-hydrated", "");
        }
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = (signed_in, told);
    view! { <div class="notice" role="status">{move || notice.get()}</div> }
}
