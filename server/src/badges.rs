//! Badges as pictures. Whoever may read may have them; anybody where the server was started with
//! `--public-badges`, since a wiki's readers have no account here (`docs/decisions/0025`).

use axum::{
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use domain::{
    actor::Actor,
    badge::{Badge, Tone},
    subject::SubjectKey,
};
use services::{ServiceError, Services};

use crate::{
    dashboard::AppState,
    readers::{Reader, kept},
    refusal,
};

/// Whether anybody may have badges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicBadges(pub(crate) bool);

/// Who looks at a badge: a reader, or the program for anybody.
pub(crate) struct Onlooker(Actor);

impl FromRequestParts<AppState> for Onlooker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        if state.badges.0 {
            return Ok(Self(Actor::runner("badge")));
        }
        Reader::from_request_parts(parts, state).await.map(|Reader(actor)| Self(actor))
    }
}

/// `GET /badges/releases/{name}/tests.svg`: how the tests of a release went.
pub(crate) async fn tests(
    State(services): State<Services>,
    Onlooker(actor): Onlooker,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let badge = services.tests_badge(&actor, &SubjectKey::from(name.as_str())).await;
    picture(badge, &name, &headers)
}

/// `GET /badges/environments/{name}`: what an environment serves; the name ends in `.svg`.
pub(crate) async fn environment(
    State(services): State<Services>,
    Onlooker(actor): Onlooker,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(name) = file.strip_suffix(".svg") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    picture(services.environment_badge(&actor, name).await, name, &headers)
}

/// A badge stands in a page of somebody else, where a page of ours would be a broken picture: so one that
/// is about nothing says so as well, unless somebody came to look at it alone.
fn picture(badge: Result<Badge, ServiceError>, name: &str, asked: &HeaderMap) -> Response {
    let (status, badge) = match badge {
        Ok(badge) => (StatusCode::OK, badge),
        Err(ServiceError::NotFound(_)) if !refusal::wants_html(asked) => {
            let (label, message) = (name.to_owned(), "not known".to_owned());
            (StatusCode::NOT_FOUND, Badge { label, message, tone: Tone::Unknown })
        }
        Err(error) => return refusal::of_service(&error),
    };
    kept(status, "image/svg+xml", badge.svg(), asked)
}
