//! The report of a release: computed figures for programs, or Markdown to be posted.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use domain::{run::report::Report, subject::SubjectKey};
use serde::Deserialize;
use services::Services;
use utoipa::IntoParams;

use super::{
    exchange::{Caller, Path, Query},
    problem::Answer,
};

/// What Markdown is sent as (RFC 7763).
pub(crate) const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// What a report is measured against.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowReport {
    /// The name of a release, or `recorded/…`; what stands before it where absent.
    baseline: Option<String>,
}

/// Shows the report of a release as teams post it, or of one that was made elsewhere (`recorded/…`).
#[utoipa::path(get, path = "/releases/{version}/report", tag = "releases", params(("version" = String, Path, description = "Name of the release, or `recorded/…`"), ShowReport, ("Accept" = Option<String>, Header, description = "`text/markdown` for the text to post")), responses((status = 200, content((Report = "application/json"), (String = "text/markdown; charset=utf-8")))))]
pub async fn report(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
    Query(query): Query<ShowReport>,
    headers: HeaderMap,
) -> Answer<Response> {
    let baseline = query.baseline.as_deref().map(SubjectKey::from);
    let key = SubjectKey::from(version.as_str());
    let report = services.release_report(&actor, &key, baseline.as_ref()).await?;
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let wanted = accept.split(',').any(|it| it.trim().starts_with("text/markdown"));
    Ok(if wanted {
        ([(header::CONTENT_TYPE, MARKDOWN)], report.markdown()).into_response()
    } else {
        Json(report).into_response()
    })
}
