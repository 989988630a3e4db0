//! The dashboard: pages, their parts, and the server functions they ask.
//!
//! It is compiled twice: with `ssr` into the server, which renders every page whole, and with
//! `hydrate` into the browser's bundle, which takes the rendered page over. Every page reads and
//! every form works without script; script adds what is live.
//!
//! [`routes`] has the whole URL space, `pages` one file per noun, `api` what a page asks of the
//! server, `ui` the parts that pages are made of, `style/` at the root of the project their looks.
#![recursion_limit = "256"]

pub mod api;
#[cfg(feature = "ssr")]
mod compose;
pub mod error;
mod live;
pub mod pages;
pub mod routes;
#[cfg(feature = "ssr")]
mod shell;
pub mod ui;
pub mod viewer;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{components::Router, hooks::use_location};

#[cfg(feature = "ssr")]
pub use shell::{AssetNames, shell};

/// Everything inside `<body>`.
#[component]
#[must_use]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let looking = viewer::provide();
    live::provide(looking.viewer.is_some());
    ui::time::provide_clock();
    provide_context(ui::page::Arrived(RwSignal::new(false)));
    view! {
        <Router>
            <Arrivals/>
            <ui::nav::Frame looking/>
        </Router>
    }
}

/// Tells headings when the browser went to another page, and tests when it took the first one over.
#[component]
fn Arrivals() -> impl IntoView {
    let arrived = use_context::<ui::page::Arrived>();
    let path = use_location().pathname;
    Effect::new(move |former: Option<String>| {
        let path = path.get();
        match former {
            None => {
                if let Some(body) = document().body() {
                    // An attribute of a valid name is never refused.
                    let _ = body.set_attribute("data-hydrated", "");
                }
            }
            Some(former) => {
                if let Some(ui::page::Arrived(arrived)) = arrived {
                    arrived.set(former != path);
                }
            }
        }
        path
    });
}
