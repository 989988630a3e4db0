//! What every page has: its title, its heading, and data that has to be loaded first.

use std::{future::Future, pin::Pin};

use domain::page::Cursor;
use leptos::prelude::*;
use leptos_meta::Title;

use super::error::error_page;
use crate::{api::Around, error::AppError, pages::query, routes::href::encode};

/// A way back: what it is called and where it is.
pub type Crumb = (&'static str, String);

/// The heading of a page, with ways back above it and badges or buttons beside it.
#[must_use]
pub fn heading(title: String, crumbs: Vec<Crumb>, beside: AnyView) -> AnyView {
    let crumbs: Vec<_> =
        crumbs.into_iter().map(|(name, href)| view! { <li><a href=href>{name}</a></li> }).collect();
    let crumbs = (!crumbs.is_empty())
        .then(|| view! { <nav class="crumbs" aria-label="Where you are"><ol>{crumbs}</ol></nav> });
    view! {
        <Title text=format!("{title} · Bootwright")/>
        <header class="page-head">
            {crumbs}
            <div class="page-title">
                <h1>{title}</h1>
                <div class="beside">{beside}</div>
            </div>
        </header>
    }
    .into_any()
}

/// A tab: its name, its address, and whether it is shown now.
pub type Tab = (&'static str, String, bool);

/// Tabs, each an address of its own.
#[must_use]
pub fn tabs(label: &'static str, tabs: Vec<Tab>) -> AnyView {
    let items: Vec<_> = tabs
        .into_iter()
        .map(|(name, href, current)| {
            view! { <li><a href=href aria-current=current.then_some("page")>{name}</a></li> }
        })
        .collect();
    view! { <nav class="tabs" aria-label=label><ul>{items}</ul></nav> }.into_any()
}

/// After which item the page of a long list begins: `?after=`; what is no cursor is as none.
#[must_use]
pub fn after() -> Option<Cursor> {
    query("after").parse().ok()
}

/// Ways to the other pages of a long list at `path`; nothing where there is one page.
#[must_use]
pub fn around(path: &str, around: &Around) -> AnyView {
    turning(path, around, "Newest", "Older")
}

/// As [`around`], with the words for the way to the first page and for the way on. `path` may carry
/// a query, which stays.
#[must_use]
pub fn turning(path: &str, around: &Around, first: &'static str, on: &'static str) -> AnyView {
    let back =
        (!around.newest).then(|| view! { <a class="button" href=path.to_owned()>{first}</a> });
    let further = around.older.as_ref().map(|after| {
        let sign = if path.contains('?') { '&' } else { '?' };
        let href = format!("{path}{sign}after={}", encode(&after.to_string()));
        view! { <a class="button" href=href rel="next">{on}</a> }
    });
    if back.is_none() && further.is_none() {
        return ().into_any();
    }
    view! { <nav class="pager" aria-label="More of the list">{back}{further}</nav> }.into_any()
}

/// A part of a page under a heading of its own.
#[must_use]
pub fn section(title: &'static str, content: AnyView) -> AnyView {
    view! { <section><h2>{title}</h2>{content}</section> }.into_any()
}

/// Shows what a page loads, or why it is not there. The part is renewed when something under one of
/// `topics` changes (beginnings such as `job/`).
#[must_use]
pub fn loaded<T>(
    topics: &'static [&'static str],
    data: impl Future<Output = Result<T, AppError>> + Send + 'static,
    show: fn(T) -> AnyView,
) -> AnyView
where
    T: Send + 'static,
{
    let live = (!topics.is_empty()).then(|| topics.join(" "));
    let services = use_context::<services::Services>();
    let content = later(Box::pin(async move {
        let content = match data.await {
            Ok(data) => show(data),
            Err(error) => error_page(&error),
        };
        view! { {demonstration(services).await}{content} }.into_any()
    }));
    view! { <div data-live=live>{content}</div> }.into_any()
}

/// What stands above every page while its data are those of a demonstration.
async fn demonstration(services: Option<services::Services>) -> Option<AnyView> {
    // A page that shows what it was asked for must not fail by what stands above it.
    let held = services?.is_demonstration().await.unwrap_or(false);
    held.then(|| {
        view! {
            <p class="demonstration" role="note">
                <strong>"Demonstration data. "</strong>
                "What stands here was recorded elsewhere in 2018; nothing of it can be booted."
            </p>
        }
        .into_any()
    })
}

/// Shows what a future gives.
#[must_use]
pub fn later(content: Pin<Box<dyn Future<Output = AnyView> + Send>>) -> AnyView {
    view! { <Suspense>{Suspend::new(content)}</Suspense> }.into_any()
}
