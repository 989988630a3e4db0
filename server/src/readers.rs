//! Who reads what programs fetch beside pages: badges and the feed.
//!
//! A person's browser brings its session. A feed reader or a build server brings a token, as a bearer
//! (RFC 6750) or, since many know nothing else, as the password of HTTP Basic (RFC 7617). Only these
//! addresses take Basic, and they change nothing: a browser that has learnt the password gives no other
//! page a way to act.

use axum::{
    Extension,
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    actor::{Actor, Who},
    digest::Digest,
};
use services::Services;

use crate::refusal;

/// Who reads.
pub(crate) struct Reader(pub(crate) Actor);

impl<S> FromRequestParts<S> for Reader
where
    S: Send + Sync,
    Services: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let found = Extension::<Actor>::from_request_parts(parts, state).await;
        let session = found.map_or_else(|_| Actor::anonymous(), |Extension(actor)| actor);
        if session.who != Who::Anonymous {
            return Ok(Self(session));
        }
        let Some(secret) = secret_of(&parts.headers) else {
            return Err(challenge("Sign in, or send a token as the password."));
        };
        let services = Services::from_ref(state);
        match services.present_token(&secret).await {
            Ok((who, token)) => Ok(Self(Actor { who, token: Some(token), ..session })),
            Err(services::ServiceError::Token(dead)) => {
                Err(challenge(&app::error::sentence(&dead.to_string())))
            }
            Err(error) => Err(refusal::of_service(&error)),
        }
    }
}

/// Tells a program that it has to say who it is, and how.
fn challenge(words: &str) -> Response {
    let mut response = refusal::page(StatusCode::UNAUTHORIZED, words);
    let basic = HeaderValue::from_static("Basic realm=\"Bootwright\", charset=\"UTF-8\"");
    response.headers_mut().append(header::WWW_AUTHENTICATE, basic);
    let bearer = HeaderValue::from_static("Bearer realm=\"Bootwright\"");
    response.headers_mut().append(header::WWW_AUTHENTICATE, bearer);
    response
}

/// The token of a request: the bearer, or the password of Basic whatever its user is called.
fn secret_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// A document that is asked for again and again: with a digest of its content, so that whoever has it
/// is told so in no bytes (RFC 9110 §13).
pub(crate) fn kept(
    status: StatusCode,
    media_type: &'static str,
    text: String,
    asked: &HeaderMap,
) -> Response {
    let tag = format!("\"{}\"", Digest::of(&text));
    let known =
        asked.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok()).is_some_and(|it| {
            it.split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|it| it == "*" || it == tag)
        });
    let mut response = if known && status.is_success() {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, [(header::CONTENT_TYPE, media_type)], text).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(authorization: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        secret_of(&headers)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_password() {
        let secret = Some("bw_x:y".to_owned());
        assert_eq!(with("Bearer bw_x:y"), secret);
        assert_eq!(with(&format!("basic {}", BASE64_STANDARD.encode("ada:bw_x:y"))), secret);
        for other in ["Digest x", "Basic !!", "Basic", "Bearer"] {
            assert_eq!(with(other), None, "{other}");
        }
    }

    #[test]
    fn who_has_a_document_is_told_so() {
        let kept_by = |tag: Option<&str>| {
            let mut asked = HeaderMap::new();
            asked.extend(tag.map(|it| (header::IF_NONE_MATCH, HeaderValue::from_str(it).unwrap())));
            kept(StatusCode::OK, "text/plain", "x".to_owned(), &asked)
        };
        let first = kept_by(None);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for (asked, status) in [
            (tag.clone(), 304),
            (format!("\"other\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
        ] {
            assert_eq!(kept_by(Some(&asked)).status(), status, "{asked}");
        }
    }
}
