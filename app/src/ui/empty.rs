//! What stands where there is nothing yet: what it is, and what to do next.

use leptos::prelude::*;

/// Nothing here yet.
#[must_use]
pub fn empty(
    title: &'static str,
    text: &'static str,
    next: Option<(String, &'static str)>,
) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {next.map(|(href, label)| view! { <p><a class="button" href=href>{label}</a></p> })}
        </div>
    }
    .into_any()
}

/// Nothing here, in one quiet line.
#[must_use]
pub fn nothing(text: &'static str) -> AnyView {
    view! { <p class="nothing">{text}</p> }.into_any()
}
