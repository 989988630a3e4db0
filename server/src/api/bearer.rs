//! Who asks: the person for whom a bearer token acts (RFC 6750).
//!
//! The API takes no cookie, so no page of another origin can make a browser ask in somebody's name.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::actor::Actor;
use services::Services;

use super::problem::Problem;
use crate::{auth::request_id, origin::Reached};

/// Finds out who asks, from the token and the present row of its person, for this very request.
pub(super) async fn identify(
    State(services): State<Services>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(secret) = secret_of(&request) else { return missing().into_response() };
    let (who, token) = match services.present_token(secret).await {
        Ok(presented) => presented,
        Err(error) => return Problem::from(error).into_response(),
    };
    let address = request.extensions().get::<Reached>().and_then(|reached| reached.address);
    let actor = Actor { who, address, request: request_id(&request), token: Some(token) };
    request.extensions_mut().insert(actor);
    next.run(request).await
}

fn secret_of(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// No token came along.
pub(super) fn missing() -> Problem {
    let words = "Send a token: make one on the page Account and send it as \
                 \"Authorization: Bearer bw_…\"";
    Problem::new(StatusCode::UNAUTHORIZED, words)
}
