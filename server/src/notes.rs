//! Saving release notes: the form is answered with its page again where they cannot be saved, so
//! that nothing that was typed is lost, with or without script.

use app::{api::releases::NotesDraft, error::AppError, routes::href};
use axum::{
    Extension, Form,
    extract::{FromRequest as _, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::actor::Actor;
use serde::Deserialize;
use services::ServiceError;

use crate::{
    dashboard::AppState,
    recipes::{malformed, page_of},
    refusal,
};

/// The form.
#[derive(Deserialize)]
struct Notes {
    base: u32,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    known_issues: String,
}

/// `POST /releases/{version}/notes`
pub(crate) async fn save(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(version): Path<String>,
    request: Request,
) -> Response {
    let page = page_of(&request);
    let form = match Form::<Notes>::from_request(request, &()).await {
        Ok(Form(form)) => form,
        Err(rejection) => return malformed(&rejection),
    };
    let Notes { base, notes, known_issues } = form;
    let saved = state.services.save_notes(&actor, &version, base, &notes, &known_issues).await;
    let (status, error) = match saved {
        Ok(_) => {
            return Redirect::to(&href::release_tab(&version, "notes")).into_response();
        }
        Err(ServiceError::Invalid { field, message }) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            AppError::Invalid { field: field.to_owned(), message },
        ),
        Err(ServiceError::Conflict(message)) => {
            (StatusCode::CONFLICT, AppError::Conflict { message })
        }
        Err(error) => return refusal::of_service(&error),
    };
    state.page_with(status, NotesDraft { notes, known_issues, error }, page).await
}
