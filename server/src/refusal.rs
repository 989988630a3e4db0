//! Plain pages for what is refused before any page of the app runs: no script, no style, a
//! sentence that says what happened and what to do.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// A page of `status` that says `message`.
#[must_use]
pub fn refusal_page(status: StatusCode, message: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} – Bootwright</title>\
         </head><body><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">Overview</a></p></main></body></html>\n",
        escape(message)
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
