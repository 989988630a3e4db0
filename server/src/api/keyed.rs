//! `Idempotency-Key`: a create that is sent again within 24 hours is answered as it was the first
//! time and not done again, so that a client may repeat what it saw no answer to.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{actor::Actor, digest::Digest};
use services::{Services, idempotency::KeyedAnswer};

use super::{BODY_LIMIT, exchange, problem::Problem};

/// The header that names the request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest answer that is kept, in bytes; ours are far shorter.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// What is kept of an answer instead of its body: without the secret that is shown once.
#[derive(Clone)]
pub(super) struct Kept(pub(super) String);

/// See the module.
pub(super) async fn once(
    State(services): State<Services>,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = request.headers().get(KEY).cloned() else { return next.run(request).await };
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let Some(actor) = request.extensions().get::<Actor>().cloned() else {
        return super::bearer::missing().into_response();
    };
    let key = match key.to_str() {
        Ok(key) if (1..=200).contains(&key.len()) => key.to_owned(),
        _ => {
            let words = "An Idempotency-Key has 1 to 200 visible characters";
            return Problem::new(StatusCode::BAD_REQUEST, words).into_response();
        }
    };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        return exchange::too_large().into_response();
    };
    let sent = Digest::of([parts.method.as_str(), &parts.uri.to_string(), ""].join(" "));
    let sent = Digest::of([sent.as_bytes(), bytes.as_ref()].concat());
    match services.begin_keyed_request(&actor, &key, &sent).await {
        Ok(None) => {}
        Ok(Some(answer)) => return replayed(answer),
        Err(error) => return Problem::from(error).into_response(),
    }
    // On a task of its own: a client that goes away must not leave the key without an answer.
    let done = tokio::spawn(async move {
        let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
        keep(&services, &actor, &key, response).await
    });
    done.await.unwrap_or_else(|_| {
        let words = "This failed on our side; the log of the server says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
    })
}

async fn keep(services: &Services, actor: &Actor, key: &str, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_else(|_| Bytes::new());
    let header = |name| {
        let value = parts.headers.get(name)?;
        Some(value.to_str().ok()?.to_owned())
    };
    // What was refused changed nothing, and may be asked again under the same key.
    let answer = parts.status.is_success().then(|| KeyedAnswer {
        status: parts.status.as_u16(),
        location: header(header::LOCATION),
        etag: header(header::ETAG),
        body: match parts.extensions.get::<Kept>() {
            Some(Kept(instead)) => instead.clone(),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        },
    });
    if let Err(error) = services.end_keyed_request(actor, key, answer.as_ref()).await {
        tracing::error!(%error, "The answer to a keyed request was not kept");
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn replayed(answer: KeyedAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::new();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [(header::LOCATION, answer.location), (header::ETAG, answer.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    (status, headers, answer.body).into_response()
}
