//! The dashboard: pages, their parts, and what they ask of the server.
//!
//! Pages are rendered by the server, whole: every page reads and every form works without script.
//! With the feature `ssr` this crate is that; with `hydrate` it is what the browser gets besides,
//! the [`islands`] that make pages live, and nothing else.
//!
//! `routes` has the whole URL space, `pages` one file per noun, `api` what a page asks of the
//! server, `ui` the parts that pages are made of, `style/` at the root of the project their looks.
#![recursion_limit = "256"]

pub mod islands;
pub mod relative;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
mod compose;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod ui;
#[cfg(feature = "ssr")]
pub mod viewer;

#[cfg(feature = "ssr")]
pub use shell::{App, AssetNames, shell};

/// Readies the browser for the islands, which the page then starts one by one.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
