//! What every page has: its title, its heading, and data that has to be loaded first.

use std::{future::Future, pin::Pin, sync::Arc};

use leptos::{html, prelude::*};
use leptos_meta::Title;

use super::error::error_page;
use crate::error::AppError;

/// A way back: what it is called and where it is.
pub type Crumb = (&'static str, String);

/// Set when the browser went to another page without loading one: the heading takes the focus, so
/// that a screen reader says where one is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived(pub(crate) RwSignal<bool>);

/// The heading of a page, with ways back above it and badges or buttons beside it.
#[must_use]
pub fn heading(title: String, crumbs: Vec<Crumb>, beside: AnyView) -> AnyView {
    let h1 = NodeRef::<html::H1>::new();
    if let Some(Arrived(arrived)) = use_context() {
        Effect::new(move |_| {
            if let Some(h1) = h1.get()
                && arrived.get_untracked()
            {
                arrived.set(false);
                // A heading that went again in the meantime takes no focus, which is no fault.
                let _ = h1.focus();
            }
        });
    }
    let crumbs: Vec<_> =
        crumbs.into_iter().map(|(name, href)| view! { <li><a href=href>{name}</a></li> }).collect();
    let crumbs = (!crumbs.is_empty())
        .then(|| view! { <nav class="crumbs" aria-label="Where you are"><ol>{crumbs}</ol></nav> });
    view! {
        <Title text=format!("{title} · Bootwright")/>
        <header class="page-head">
            {crumbs}
            <div class="page-title">
                <h1 node_ref=h1 tabindex="-1">{title}</h1>
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

/// A part of a page under a heading of its own.
#[must_use]
pub fn section(title: &'static str, content: AnyView) -> AnyView {
    view! { <section><h2>{title}</h2>{content}</section> }.into_any()
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Shows data once it is there, or why it is not. While newer data is on its way the former stays.
#[must_use]
pub fn loaded<T>(data: Resource<Result<T, AppError>>, show: fn(T) -> AnyView) -> AnyView
where
    T: Clone + Send + Sync + 'static,
{
    later(move || {
        Box::pin(async move {
            match data.await {
                Ok(data) => show(data),
                Err(error) => error_page(&error),
            }
        })
    })
}

/// Shows what a future gives; one copy of the machinery for all pages.
fn later(content: impl Fn() -> Boxed<AnyView> + Send + Sync + 'static) -> AnyView {
    let content: Arc<dyn Fn() -> Boxed<AnyView> + Send + Sync> = Arc::new(content);
    view! {
        <Transition fallback=|| view! { <p class="loading">"Loading…"</p> }>
            {
                let content = content.clone();
                move || Suspend::new(content())
            }
        </Transition>
    }
    .into_any()
}

/// Shows what a future gives and never anew: for what follows changes by itself.
#[must_use]
pub(crate) fn whole(content: impl Future<Output = AnyView> + Send + 'static) -> AnyView {
    let content: Boxed<AnyView> = Box::pin(content);
    view! { <Suspense fallback=|| ()>{Suspend::new(content)}</Suspense> }.into_any()
}

/// Whether the browser takes over what the server rendered: then what is in the page is there.
#[must_use]
pub(crate) fn taking_over() -> bool {
    #[cfg(feature = "hydrate")]
    return document().body().is_some_and(|body| !body.has_attribute("data-hydrated"));
    #[cfg(not(feature = "hydrate"))]
    false
}
