//! The editor of recipes: its form is answered with the editor again where the text has faults or
//! form and text are to be brought in step, so that nothing that was typed is lost, with or without
//! script.
//!
//! Saving saves the text, with what was changed in the form beside it since both were last in step:
//! whoever fills in the form and presses "Save" without script has said what the recipe should be.
//! What was changed in both, differently, is saved only after somebody has chosen.

mod sent;

use app::{
    api::{
        Choice,
        recipes::{EditorForm, RecipeDraft},
    },
    error::AppError,
    pages::recipes::form_markup,
    routes::href,
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{FromRequest, Path, Request, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    actor::Actor,
    recipe::{
        form::{Fault, Latest, read},
        normalised,
    },
};
use serde::Serialize;
use services::{ServiceError, Services, recipes::Saved};

use self::sent::{Filled, Sent, Task};
use crate::{dashboard::AppState, refusal};

/// `POST /recipes/new`
pub async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    edit(state, actor, None, request).await
}

/// `POST /recipes/{name}`
pub async fn revise(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    edit(state, actor, Some(name), request).await
}

/// What a page with script is told.
#[derive(Serialize)]
struct InStep {
    /// The text, where it changed.
    text: Option<String>,
    /// The markup of the form.
    form: String,
}

/// `POST /recipe-form`: brings form and text in step for a page with script, as people type. It
/// takes what the editor's form sends, and saves nothing.
pub async fn in_step(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    let sent = match received(request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let Sent { task, text, filled, .. } = sent;
    let Some(filled) = filled.filter(|_| task != Task::Save) else {
        return refusal::page(StatusCode::UNPROCESSABLE_ENTITY, NOT_WHOLE);
    };
    let Outcome { text: stepped, form, .. } =
        match stepped(&state.services, &actor, task, &text, filled) {
            Ok(outcome) => outcome,
            Err(error) => return refusal::of_service(&error),
        };
    // Only who may edit comes as far as this.
    let may: Choice = Ok(());
    let text = Some(stepped).filter(|stepped| *stepped != text);
    Json(InStep { text, form: form_markup(&form, &may) }).into_response()
}

const NOT_WHOLE: &str =
    "The form was not sent whole, so nothing was saved. Load its page again and fill it in anew.";

async fn received(request: Request) -> Result<Sent, Response> {
    match axum::Form::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(axum::Form(fields)) => Sent::of(&fields)
            .map_err(|_| refusal::page(StatusCode::UNPROCESSABLE_ENTITY, NOT_WHOLE)),
        Err(rejection) => Err(malformed(&rejection)),
    }
}

async fn edit(
    state: AppState,
    actor: Actor,
    existing: Option<String>,
    request: Request,
) -> Response {
    // The page that is rendered where the text has faults is that of the same address.
    let page = page_of(&request);
    let sent = match received(request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let Sent { task, name, base, text, message, filled } = sent;
    let name = existing.clone().unwrap_or_else(|| name.trim().to_owned());
    let services = &state.services;
    let outcome = match filled {
        Some(filled) => match stepped(services, &actor, task, &text, filled) {
            Ok(outcome) => outcome,
            Err(error) => return refusal::of_service(&error),
        },
        None if task == Task::Save => Outcome::of_text(normalised(&text)),
        None => return refusal::page(StatusCode::UNPROCESSABLE_ENTITY, NOT_WHOLE),
    };
    let mut draft = RecipeDraft {
        name,
        base,
        text: outcome.text,
        form: outcome.form,
        message,
        problems: Vec::new(),
        error: outcome.error,
    };
    let mut status = outcome.status;
    if task == Task::Save && draft.error.is_none() {
        match save(services, &actor, existing.is_some(), &draft).await {
            Ok(Saved::Revision(_)) => {
                return Redirect::to(&href::recipe(&draft.name)).into_response();
            }
            Ok(Saved::Problems(problems)) => {
                status = StatusCode::UNPROCESSABLE_ENTITY;
                draft.problems = problems;
            }
            Err(ServiceError::Invalid { field, message }) => {
                status = StatusCode::UNPROCESSABLE_ENTITY;
                draft.error = Some(AppError::Invalid { field: field.to_owned(), message });
            }
            Err(ServiceError::Conflict(message)) => {
                status = StatusCode::CONFLICT;
                draft.error = Some(AppError::Conflict { message });
            }
            Err(error) => return refusal::of_service(&error),
        }
    }
    state.page_with(status, draft, page).await
}

async fn save(
    services: &Services,
    actor: &Actor,
    exists: bool,
    draft: &RecipeDraft,
) -> Result<Saved, ServiceError> {
    let RecipeDraft { name, base, text, message, .. } = draft;
    match (exists, base) {
        (false, _) => services.create_recipe(actor, name, text, message).await,
        (true, Some(base)) => services.save_revision(actor, name, *base, text, message).await,
        (true, None) => Err(ServiceError::invalid(
            "base",
            "the form does not say which revision its text was made from; open the recipe again",
        )),
    }
}

/// Text and form after a task.
struct Outcome {
    text: String,
    form: EditorForm,
    status: StatusCode,
    /// Why nothing may be saved.
    error: Option<AppError>,
}

impl Outcome {
    fn of_text(text: String) -> Self {
        Self { form: EditorForm::of(&text, None), text, status: StatusCode::OK, error: None }
    }
}

/// Does what a button of the form asks, or what has to be done before a save.
fn stepped(
    services: &Services,
    actor: &Actor,
    task: Task,
    text: &str,
    filled: Filled,
) -> Result<Outcome, ServiceError> {
    let text = normalised(text);
    let Filled { mut values, seen } = filled;
    let mut row = Ok(());
    let (latest, notice) = match task {
        Task::Save => (Latest::Unknown, None),
        Task::Text => (Latest::Text, None),
        Task::Form => (Latest::Form, None),
        Task::Apply => {
            (Latest::Form, Some("The text has the values of the form. Nothing is saved yet."))
        }
        Task::Read => {
            // What the form holds is given up, as asked; it has nothing to take from what is no TOML.
            values = read(&text).unwrap_or(values);
            (Latest::Text, Some("The form has the values of the text. Nothing is saved yet."))
        }
        Task::Add(group) => {
            row = values.add_row(group);
            (Latest::Form, None)
        }
        Task::Remove(group, index) => {
            row = values.remove_row(group, index);
            (Latest::Form, None)
        }
    };
    let open = task.group();
    let outcome = match services.step_recipe(actor, &seen, &values, &text, latest)? {
        Ok(text) => {
            let mut outcome = Outcome::of_text(text);
            outcome.form.notice = notice;
            outcome
        }
        Err(fault) => {
            let (status, error) = match (task, &fault) {
                // The save tells all faults of the text.
                (Task::Save, Fault::Unreadable(_)) => (StatusCode::OK, None),
                (Task::Save, Fault::Conflict(_)) => {
                    (StatusCode::CONFLICT, Some(AppError::Conflict { message: fault.to_string() }))
                }
                (Task::Save, Fault::Unfit(_) | Fault::TooLong(_)) => {
                    let (field, message) = ("form".to_owned(), fault.to_string());
                    (StatusCode::UNPROCESSABLE_ENTITY, Some(AppError::Invalid { field, message }))
                }
                _ => (StatusCode::UNPROCESSABLE_ENTITY, None),
            };
            Outcome { form: EditorForm::apart((values, seen), &fault), text, status, error }
        }
    };
    Ok(match row {
        Ok(()) => Outcome { form: EditorForm { open, ..outcome.form }, ..outcome },
        Err(none) => Outcome {
            status: StatusCode::CONFLICT,
            error: Some(AppError::Conflict { message: none.to_string() }),
            ..outcome
        },
    })
}

pub(crate) fn malformed(rejection: &FormRejection) -> Response {
    let status = rejection.status();
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "What was sent is larger than 1 MiB, so it was not read. Make it shorter."
        }
        _ => NOT_WHOLE,
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
