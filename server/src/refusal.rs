//! Plain pages for what is refused before any page of the app runs: no script, no style, a
//! sentence that says what happened and what to do.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::error_chain::chain;
use services::ServiceError;

/// A page of `status` that says `message`.
#[must_use]
pub fn page(status: StatusCode, message: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · Bootwright</title>\
         </head><body><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">Overview</a></p></main></body></html>\n",
        escape(message)
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

/// The page for what a use case refused; a fault of ours is logged.
#[must_use]
pub fn of_service(error: &ServiceError) -> Response {
    page(status_of(error), &app::error::sentence(&error.to_string()))
}

/// The status of what a use case refused, for people and for programs; a fault of ours is logged.
#[must_use]
pub fn status_of(error: &ServiceError) -> StatusCode {
    match error {
        ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
        ServiceError::Unauthenticated | ServiceError::Token(_) => StatusCode::UNAUTHORIZED,
        ServiceError::Refused(_) => StatusCode::FORBIDDEN,
        ServiceError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        ServiceError::Conflict(_) => StatusCode::CONFLICT,
        ServiceError::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        ServiceError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        ServiceError::Internal(cause) => {
            tracing::error!(error = chain(&**cause), "a request failed");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// Gives browsers a page where the layers below refuse in bare text: a form that is too large, a
/// method that a path does not know, a form that is none.
pub async fn worded(request: Request, next: Next) -> Response {
    let asks_for_html = wants_html(request.headers());
    let response = next.run(request).await;
    if !asks_for_html || !is_bare_text(&response) {
        return response;
    }
    let status = response.status();
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "What was sent is larger than 1 MiB, so it was not read. Send less."
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address does not take that. Open the page and use its forms."
        }
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        status if status.is_client_error() => {
            "The form was not sent whole, so nothing was done. Load its page again and fill it in anew."
        }
        _ => "This failed on our side. Go back and try again; the log of the server says why.",
    };
    page(status, message)
}

/// Whether this is a refusal of the layers below, in bare text.
pub(crate) fn is_bare_text(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Whether a browser asks, by its address bar or a form.
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
