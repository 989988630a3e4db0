//! What a team publishes of its releases, besides pages: the report as Markdown.

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use domain::{actor::Actor, subject::SubjectKey};
use serde::Deserialize;
use services::Services;

use crate::{api::reports::MARKDOWN, refusal};

/// What a report is measured against.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    baseline: Option<String>,
}

/// `GET /releases/{version}/report.md`: the report of a release, to be posted.
pub(crate) async fn markdown(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(version): Path<String>,
    Query(asked): Query<Measured>,
) -> Response {
    let baseline = asked.baseline.as_deref().filter(|it| !it.is_empty()).map(SubjectKey::from);
    let key = SubjectKey::from(version.as_str());
    match services.release_report(&actor, &key, baseline.as_ref()).await {
        Ok(report) => ([(header::CONTENT_TYPE, MARKDOWN)], report.markdown()).into_response(),
        Err(error) => refusal::of_service(&error),
    }
}
