//! What requests carry and what answers look like, the same in every operation.

use std::fmt::Display;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{
    actor::Actor,
    page::{Page, Slice},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Answer, Problem};

/// A page of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// The items, in the collection's order.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; `null` on the last.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// The page, each item as the API shows it.
    pub fn of<U>(page: Page<U>, item: impl FnMut(U) -> T) -> Json<Self> {
        let next = page.next.as_ref().map(ToString::to_string);
        Json(Self { items: page.items.into_iter().map(item).collect(), next })
    }

    /// A collection that always fits on a page.
    pub fn whole(items: Vec<T>) -> Json<Self> {
        Json(Self { items, next: None })
    }
}

/// Which part of a collection is asked for.
pub fn slice(cursor: Option<&str>, limit: Option<u32>) -> Answer<Slice> {
    let after =
        cursor.map(str::parse).transpose().map_err(|error: domain::page::InvalidCursor| {
            Problem::of_field("cursor", &error.to_string())
        })?;
    let limit = limit.unwrap_or(Slice::USUAL);
    if !(1..=Slice::MOST).contains(&limit) {
        let words = format!("A page has 1 to {} items", Slice::MOST);
        return Err(Problem::of_field("limit", &words));
    }
    Ok(Slice { after, limit })
}

/// Which part of a collection that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl Paging {
    /// Where it begins and how long it is.
    pub fn slice(&self) -> Answer<Slice> {
        slice(self.cursor.as_deref(), self.limit)
    }
}

/// A point in time as the API writes it: RFC 3339 in UTC.
pub fn time(at: Timestamp) -> String {
    at.rfc3339()
}

/// Who asks.
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let known = parts.extensions.get::<Actor>().cloned();
        known.map(Self).ok_or_else(super::bearer::missing)
    }
}

/// The parameters behind the `?`. One that the operation does not know is an error: a filter that
/// is spelled wrong must not show everything.
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| {
                let words = format!("The query cannot be read: {}", cause(&error));
                Problem::new(StatusCode::BAD_REQUEST, &words)
            })
    }
}

/// A part of the path.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(path)| Self(path)).map_err(|error| {
            let words = format!("The address cannot be read: {}", cause(&error));
            Problem::new(StatusCode::BAD_REQUEST, &words)
        })
    }
}

/// The JSON of the request's body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let kind = kind.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("Application/json") {
            let words = "Send JSON, with the header Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { cut_off() }
        })?;
        read(&bytes).map(Self)
    }
}

/// The value of a JSON text that holds nothing else; where it holds something else, the field.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut text)
        .map_err(|error| (error.path().to_string(), error.into_inner()));
    let whole = value.and_then(|value| match text.end() {
        Ok(()) => Ok(value),
        Err(error) => Err((String::new(), error)),
    });
    whole.map_err(|(field, error)| {
        // Of the wrong form is not JSON; of the wrong content is JSON of something else.
        let status = match error.classify() {
            serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        let problem = Problem::new(status, &format!("The body cannot be read: {error}"));
        // Of a body that is no object at all, no field is to blame.
        let known = status == StatusCode::UNPROCESSABLE_ENTITY && !matches!(&*field, "" | ".");
        Problem { field: known.then_some(field), ..problem }
    })
}

/// A body that is longer than any that the API takes.
pub fn too_large() -> Problem {
    let words = "The body is larger than 1 MiB, so it was not read: send less";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, words)
}

/// A body that ended early.
pub fn cut_off() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "The body was not sent whole, so nothing was done")
}

/// The innermost cause: axum's own words add nothing.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The version that a change was made from: the `ETag` of what was looked at.
pub struct IfMatch(Option<String>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        Ok(Self(if_match(&parts.headers)))
    }
}

fn if_match(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::IF_MATCH)?.to_str().ok()?;
    Some(text.trim().trim_matches('"').to_owned())
}

impl IfMatch {
    /// The version.
    ///
    /// # Errors
    /// 428 where the request names none, 412 where it is no version of ours.
    pub fn version<T: std::str::FromStr>(self) -> Answer<T> {
        let tag = self.0.ok_or_else(|| {
            let words = "Two people may change this: send the ETag of what you looked at as If-Match, \
                         so that neither undoes the other's change unseen";
            Problem::new(StatusCode::PRECONDITION_REQUIRED, words)
        })?;
        tag.parse().map_err(|_| {
            let words = "This If-Match is no ETag of this address: look at it again";
            Problem::new(StatusCode::PRECONDITION_FAILED, words)
        })
    }
}

/// Something with its version.
pub struct Tagged<T>(pub String, pub T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        with_header(Json(self.1).into_response(), header::ETAG, &format!("\"{}\"", self.0))
    }
}

/// Something that was made: 201 with its address.
pub struct Created<T>(pub String, pub T);

impl<T: IntoResponse> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        *response.status_mut() = StatusCode::CREATED;
        with_header(response, header::LOCATION, &format!("{}{}", super::PREFIX, self.0))
    }
}

/// Long work that was begun: 202 with the address of what shows how it goes.
pub struct Accepted<T>(pub String, pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.1).into_response();
        *response.status_mut() = StatusCode::ACCEPTED;
        with_header(response, header::LOCATION, &format!("{}{}", super::PREFIX, self.0))
    }
}

fn with_header(mut response: Response, name: header::HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A digest as text, where there is one.
pub fn text<T: Display>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}
