//! Saving what a variant changes as the next revision of a recipe: the form is answered with its page
//! again where it cannot be saved, with the change as it is by then and what was typed.

use app::{api::variants::RecipeChangeDraft, error::AppError, routes::href};
use axum::{
    Extension, Form,
    extract::{FromRequest as _, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{actor::Actor, digest::Digest, recipe::Problem};
use serde::Deserialize;
use services::{ServiceError, recipes::Saved};

use crate::{
    dashboard::AppState,
    kernels::told,
    recipes::{malformed, page_of},
    refusal,
};

/// The form.
#[derive(Deserialize)]
struct Sent {
    /// The change that was looked at.
    seen: Digest,
    #[serde(default)]
    message: String,
}

/// `POST /variants/{name}/recipe-change`
pub(crate) async fn save(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let page = page_of(&request);
    let Sent { seen, message } = match Form::<Sent>::from_request(request, &()).await {
        Ok(Form(sent)) => sent,
        Err(rejection) => return malformed(&rejection),
    };
    let (status, error) =
        match state.services.save_recipe_change(&actor, &name, seen, &message).await {
            Ok((proposal, Saved::Revision(_))) => {
                return Redirect::to(&href::recipe(&proposal.recipe)).into_response();
            }
            Ok((_, Saved::Problems(problems))) => {
                (StatusCode::UNPROCESSABLE_ENTITY, faulty(&problems))
            }
            Err(ServiceError::Invalid { field, message }) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                AppError::Invalid { field: field.to_owned(), message },
            ),
            Err(error) => match told(&error) {
                Some(told) => told,
                None => return refusal::of_service(&error),
            },
        };
    state.page_with(status, RecipeChangeDraft { message, error }, page).await
}

/// A recipe that would have faults with the change in it.
fn faulty(problems: &[Problem]) -> AppError {
    let faults: Vec<String> =
        problems.iter().map(|it| format!("line {}: {}", it.line, it.message)).collect();
    let message = format!("the recipe would have faults, in {}", faults.join("; "));
    AppError::Invalid { field: "recipe".to_owned(), message }
}
