//! What stands where a page cannot be shown: what happened, what to do, and ways on.

use leptos::prelude::*;

use super::page;
use crate::error::AppError;

/// A page that can only say why it is none. Sets the status of the response.
#[must_use]
pub fn error_page(error: &AppError) -> AnyView {
    set_status(error.status());
    let request = match error {
        AppError::Internal { request } if !request.is_empty() => Some(request.clone()),
        _ => None,
    };
    let sign_in = *error == AppError::Unauthenticated;
    view! {
        {page::heading(error.title().to_owned(), Vec::new(), ().into_any())}
        <div class="fault">
            <p>{error.to_string()}</p>
            {request.map(|id| view! { <p>"Request "<code>{id}</code></p> })}
            <ul class="ways">
                {sign_in.then(|| view! { <li><a href="/login" rel="external">"Sign in"</a></li> })}
                <li><a href="/">"Overview"</a></li>
                <li><a href="/releases">"All releases"</a></li>
                <li><a href="/recipes">"All recipes"</a></li>
                <li><a href="/jobs">"All jobs"</a></li>
            </ul>
        </div>
    }
    .into_any()
}

/// The router knows no page of this address.
pub(crate) fn unknown_address() -> AnyView {
    error_page(&AppError::NotFound { what: "page of this address".to_owned() })
}

fn set_status(status: u16) {
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
}
