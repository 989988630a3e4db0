//! What a server function's form is answered when it did not do what was asked.
//!
//! A form that somebody filled in goes back to its page with the reason in the address
//! (`?__path=…&__err=…`, written by leptos), so that the page shows it at the form, without script
//! too. The address carries a seal of this process beside it: without one, anybody could make a
//! link that lets our page say something. Whatever no form of ours sends is refused with a page, or
//! for programs with the error as JSON, and never counts as a fault of ours.

use app::error::AppError;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt as _, Limited};
use leptos::server_fn::{codec::JsonEncoding, error::FromServerFnError};
use sha2::Sha256;

use crate::refusal;

/// The header by which leptos marks an answer as an error.
const FAILED: &str = "serverfnerror";
/// The longest error that is looked into, in bytes.
const ERROR_LIMIT: usize = 64 * 1024;
/// The parameters of an address that carry an error.
const PARAMETERS: [&str; 3] = ["__path", "__err", "__seal"];

/// Seals errors in addresses; the key lives as long as the process.
#[derive(Clone)]
pub struct Seal([u8; 32]);

impl Seal {
    /// A seal with a key of its own.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// The code for the error in an address; `None` where it carries none.
    fn code(&self, uri: &Uri) -> Option<Hmac<Sha256>> {
        let parameters = errors_of(uri.query()?);
        if parameters.is_empty() {
            return None;
        }
        // A key of any length is taken.
        let mut code = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).ok()?;
        code.update(uri.path().as_bytes());
        for (name, value) in parameters.iter().filter(|(name, _)| *name != "__seal") {
            code.update(format!("&{name}={value}").as_bytes());
        }
        Some(code)
    }

    fn sealed(&self, location: &str) -> Option<String> {
        let uri: Uri = location.parse().ok()?;
        let code = hex::encode(self.code(&uri)?.finalize().into_bytes());
        let query = uri.query().unwrap_or_default();
        Some(format!("{}?{query}&__seal={code}", uri.path()))
    }

    /// Whether an address carries an error that this process did not put there.
    fn is_forged(&self, uri: &Uri) -> bool {
        let Some(code) = self.code(uri) else { return false };
        let errors = errors_of(uri.query().unwrap_or_default());
        let given = errors.iter().find(|(name, _)| *name == "__seal");
        let given = given.and_then(|(_, seal)| hex::decode(seal).ok()).unwrap_or_default();
        code.verify_slice(&given).is_err()
    }
}

fn errors_of(query: &str) -> Vec<(&str, &str)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| PARAMETERS.contains(name))
        .collect()
}

/// The address without what it says about an error.
fn bare(uri: &Uri) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !PARAMETERS.contains(&pair.split('=').next().unwrap_or_default()))
        .filter(|pair| !pair.is_empty())
        .collect();
    if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    }
}

/// See the module.
pub async fn answer(State(seal): State<Seal>, request: Request, next: Next) -> Response {
    if seal.is_forged(request.uri()) {
        return Redirect::to(&bare(request.uri())).into_response();
    }
    let by_a_browser = refusal::wants_html(request.headers());
    let response = next.run(request).await;
    if !response.headers().contains_key(FAILED) {
        return response;
    }
    let location = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
    let sealed = location.and_then(|location| seal.sealed(location));
    // What a use case refuses has set the status; a redirection or a fault is leptos's own.
    let refused =
        response.status().is_client_error() || response.status() == StatusCode::SERVICE_UNAVAILABLE;
    match sealed {
        Some(location) if by_a_browser && refused => Redirect::to(&location).into_response(),
        _ => worded(response, by_a_browser).await,
    }
}

/// The error with its own status: leptos answers everything with 500, malformed forms too.
async fn worded(response: Response, by_a_browser: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = Limited::new(body, ERROR_LIMIT).collect().await else {
        return refusal::page(StatusCode::INTERNAL_SERVER_ERROR, "This failed on our side.");
    };
    let bytes = body.to_bytes();
    let error = AppError::de(bytes.clone());
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if by_a_browser {
        return refusal::page(status, &error.to_string());
    }
    parts.status = status;
    parts.headers.remove(header::LOCATION);
    let json =
        HeaderValue::from_static(<JsonEncoding as leptos::server_fn::ContentType>::CONTENT_TYPE);
    parts.headers.insert(header::CONTENT_TYPE, json);
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_this_process_are_shown() {
        let seal = Seal([7; 32]);
        let location = "http://a:3000/people?x=1&__path=%2Fapi%2Fui%2Fadd&__err=abc";
        let sealed = seal.sealed(location).unwrap();
        assert!(sealed.starts_with("/people?x=1&__path="), "{sealed}");
        assert!(!seal.is_forged(&sealed.parse().unwrap()));
        let forged = [
            sealed.replace("abc", "abd"),
            sealed.replace("/people", "/audit"),
            "/people?__err=abc&__path=x".to_owned(),
            "/people?__err=abc&__path=x&__seal=zz".to_owned(),
        ];
        for address in forged {
            assert!(seal.is_forged(&address.parse().unwrap()), "{address}");
        }
        assert!(Seal([8; 32]).is_forged(&sealed.parse().unwrap()));
        assert!(!seal.is_forged(&"/people?x=1".parse().unwrap()));
        assert_eq!(bare(&sealed.parse().unwrap()), "/people?x=1");
    }
}
