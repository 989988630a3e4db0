//! Saving a recipe: the editor's form is answered with the editor again where the text has faults,
//! so that nothing that was typed is lost, with or without script.

use app::{api::recipes::RecipeDraft, error::AppError, routes::href};
use axum::{
    Extension,
    body::Body,
    extract::{FromRequest, Path, Request, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::actor::Actor;
use serde::Deserialize;
use services::{ServiceError, Services, recipes::Saved};

use crate::{dashboard::AppState, refusal};

/// The editor's form.
#[derive(Deserialize)]
struct Editor {
    #[serde(default)]
    name: String,
    base: Option<String>,
    text: String,
    message: String,
}

/// `POST /recipes/new`
pub async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    save(state, actor, None, request).await
}

/// `POST /recipes/{name}`
pub async fn revise(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    save(state, actor, Some(name), request).await
}

async fn save(
    state: AppState,
    actor: Actor,
    existing: Option<String>,
    request: Request,
) -> Response {
    // The page that is rendered where the text has faults is that of the same address.
    let page = page_of(&request);
    let editor = match axum::Form::<Editor>::from_request(request, &()).await {
        Ok(axum::Form(editor)) => editor,
        Err(rejection) => return malformed(&rejection),
    };
    let services: &Services = &state.services;
    let Editor { name, base, text, message } = editor;
    let base = base.and_then(|base| base.parse().ok());
    let (name, saved) = match existing {
        None => {
            let name = name.trim().to_owned();
            let saved = services.create_recipe(&actor, &name, &text, &message).await;
            (name, saved)
        }
        Some(existing) => {
            let Some(base) = base else {
                return refusal::page(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "The form does not say which revision its text was made from. Open the recipe again.",
                );
            };
            let saved = services.save_revision(&actor, &existing, base, &text, &message).await;
            (existing, saved)
        }
    };
    let (status, problems, error) = match saved {
        Ok(Saved::Revision(_)) => return Redirect::to(&href::recipe(&name)).into_response(),
        Ok(Saved::Problems(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems, None),
        Err(ServiceError::Invalid { field, message }) => {
            let error = AppError::Invalid { field: field.to_owned(), message };
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), Some(error))
        }
        Err(ServiceError::Conflict(message)) => {
            (StatusCode::CONFLICT, Vec::new(), Some(AppError::Conflict { message }))
        }
        Err(error) => return refusal::of_service(&error),
    };
    let draft = RecipeDraft { name, base, text, message, problems, error };
    state.page_with(status, draft, page).await
}

pub(crate) fn malformed(rejection: &FormRejection) -> Response {
    let status = rejection.status();
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "What was sent is larger than 1 MiB, so it was not read. Make it shorter."
        }
        _ => {
            "The form was not sent whole, so nothing was saved. Load its page again and fill it in anew."
        }
    };
    refusal::page(status, message)
}

/// The request for the page at the address to which a form was sent.
pub(crate) fn page_of(form: &Request) -> Request {
    let mut page = Request::new(Body::empty());
    *page.uri_mut() = form.uri().clone();
    *page.headers_mut() = form.headers().clone();
    *page.extensions_mut() = form.extensions().clone();
    page
}
