//! What the API answers when it did not do what was asked: problem details (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::recipe;
use serde::{Deserialize, Serialize};
use services::ServiceError;
use utoipa::ToSchema;

use crate::refusal;

/// Media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why the API did not do what was asked: problem details of RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Kind of problem: an address on the page that describes the API.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "/api#conflict")]
    pub kind: Box<str>,
    /// The kind in a few words.
    #[schema(value_type = String)]
    pub title: Box<str>,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, to what, and what to do.
    pub detail: String,
    /// The field of the request that cannot be taken, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Every fault of a recipe's text with its line, where a text is to blame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<recipe::Problem>,
}

/// What the API gives, or why not.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of that status; `detail` becomes a sentence.
    #[must_use]
    pub fn new(status: StatusCode, detail: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Self {
            kind: format!("/api#{}", title.to_ascii_lowercase().replace(' ', "-")).into(),
            title: title.into(),
            status: status.as_u16(),
            detail: app::error::sentence(detail),
            field: None,
            problems: Vec::new(),
        }
    }

    /// A field of the request that cannot be taken.
    #[must_use]
    pub fn of_field(field: &str, detail: &str) -> Self {
        let field = Some(field.to_owned());
        Self { field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// A text with faults; nothing was saved.
    #[must_use]
    pub fn of_text(problems: Vec<recipe::Problem>) -> Self {
        let first = problems
            .first()
            .map_or_else(String::new, |first| format!(": line {}: {}", first.line, first.message));
        let count = problems.len();
        let words = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
        let detail = format!("The text has {words}, so nothing was saved{first}");
        Self { problems, ..Self::of_field("text", &detail) }
    }

    /// What is wrong with the definition that a request sends beside other fields.
    #[must_use]
    pub fn of_definition(error: ServiceError) -> Self {
        let problem = Self::from(error);
        let field = problem.field.map(|field| match &*field {
            "name" | "definition" => field,
            // Uploads are named all over a definition.
            "files" => "definition".to_owned(),
            of_definition => format!("definition.{of_definition}"),
        });
        Self { field, ..problem }
    }

    /// The same for a change of a definition that names its version in `If-Match`.
    #[must_use]
    pub fn of_change(error: ServiceError) -> Self {
        match error {
            ServiceError::Conflict(_) => Self::of_condition(error),
            other => Self::of_definition(other),
        }
    }

    /// The same problem for whoever said which version the change was made from (`If-Match`): that
    /// it is another by now is a failed condition.
    #[must_use]
    pub fn of_condition(error: ServiceError) -> Self {
        match error {
            ServiceError::Conflict(message) => Self::new(StatusCode::PRECONDITION_FAILED, &message),
            other => other.into(),
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let problem = Self::new(refusal::status_of(&error), &error.to_string());
        match error {
            ServiceError::Invalid { field, .. } => {
                Self { field: Some(field.to_owned()), ..problem }
            }
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3.
            let challenge = HeaderValue::from_static("Bearer realm=\"bootwright\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
