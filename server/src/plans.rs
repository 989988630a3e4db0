//! The forms of plans and suites: a suite's may carry a file, and where one has faults the answer is the
//! form again with what was typed, with or without script.

use app::{
    api::plans::{PlanDraft, SuiteDraft},
    error::AppError,
    routes::href,
};
use axum::{
    Extension,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{actor::Actor, policy::Action};
use services::{ServiceError, Services};

use crate::{
    dashboard::AppState,
    multipart::{Limits, Parts, Unread, uploaded},
    recipes::page_of,
    refusal,
};

const LIMITS: Limits = Limits { texts_mib: 1, parts: 1_000 };
const NOTHING: &str = "nothing was saved";

/// `POST /plans/new`
pub(crate) async fn create_plan(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    save_plan(&state, &actor, None, request).await
}

/// `POST /plans/{name}`
pub(crate) async fn change_plan(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    save_plan(&state, &actor, Some(name), request).await
}

/// `POST /suites/new`
pub(crate) async fn create_suite(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    save_suite(&state, &actor, None, request).await
}

/// `POST /suites/{name}`
pub(crate) async fn change_suite(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    save_suite(&state, &actor, Some(name), request).await
}

async fn save_plan(
    state: &AppState,
    actor: &Actor,
    name: Option<String>,
    request: Request,
) -> Response {
    if let Err(refused) = Action::EditPlan.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let mut draft = match read_plan(name, request).await {
        Ok(draft) => draft,
        Err(unread) => return unread.answer(LIMITS, NOTHING),
    };
    let definition = draft.definition();
    let saved = state.services.save_plan(actor, &draft.name, draft.revision, definition).await;
    match saved.map_err(told) {
        Ok(plan) => Redirect::to(&href::plan(&plan.name)).into_response(),
        Err(Ok(error)) => {
            draft.error = Some(error);
            state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await
        }
        Err(Err(unread)) => unread.answer(LIMITS, NOTHING),
    }
}

async fn read_plan(name: Option<String>, request: Request) -> Result<PlanDraft, Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let mut draft = PlanDraft { name: name.unwrap_or_default(), ..PlanDraft::default() };
    let mut approved = Vec::new();
    while let Some(part) = parts.next().await? {
        let field = part.name.clone();
        let value = parts.text(part).await?.trim().replace("\r\n", "\n");
        match field.as_str() {
            "name" => draft.name = value,
            "base" => draft.revision = Some(value.parse().map_err(|_| Unread::NotWhole)?),
            "description" => draft.description = value,
            "machines" => draft.machines = value,
            "entries" => draft.entries = value,
            "retries" => draft.retries = value.parse().unwrap_or(u32::MAX),
            "suite" => draft.suites.push((value, String::new())),
            field => approved
                .extend(field.strip_prefix("approved.").map(|suite| (suite.to_owned(), value))),
        }
    }
    for (suite, cases) in &mut draft.suites {
        let found = approved.iter().find(|(name, _)| name == suite);
        *cases = found.map(|(_, cases)| cases.clone()).unwrap_or_default();
    }
    Ok(draft)
}

async fn save_suite(
    state: &AppState,
    actor: &Actor,
    name: Option<String>,
    request: Request,
) -> Response {
    // Before anything is read: what is sent may be long.
    if let Err(refused) = Action::EditPlan.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let (mut draft, fault) = match read_suite(&state.services, actor, name, request).await {
        Ok(read) => read,
        Err(unread) => return unread.answer(LIMITS, NOTHING),
    };
    let error = match fault.map_or_else(|| draft.definition(), Err) {
        Err(error) => error,
        Ok(definition) => {
            let services = &state.services;
            let saved = services.save_suite(actor, &draft.name, draft.revision, definition).await;
            match saved.map_err(told) {
                Ok(suite) => return Redirect::to(&href::suite(&suite.name)).into_response(),
                Err(Ok(error)) => error,
                Err(Err(unread)) => return unread.answer(LIMITS, NOTHING),
            }
        }
    };
    draft.error = Some(error);
    state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await
}

/// The draft, and what was wrong with the file that came along.
async fn read_suite(
    services: &Services,
    actor: &Actor,
    name: Option<String>,
    request: Request,
) -> Result<(SuiteDraft, Option<AppError>), Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let mut draft = SuiteDraft { name: name.unwrap_or_default(), ..SuiteDraft::default() };
    let (mut fault, mut pinned) = (None, None);
    while let Some(part) = parts.next().await? {
        match part.file.clone() {
            Some(file) if !file.is_empty() => match part.keep(services, actor, &file).await {
                Ok(kept) => draft.upload = Some(kept),
                Err(ServiceError::Invalid { message, .. }) => {
                    fault = Some(AppError::Invalid { field: "archive".to_owned(), message });
                }
                Err(other) => return Err(Unread::Refused(other)),
            },
            Some(_) => {}
            None => {
                let field = part.name.clone();
                let value = parts.text(part).await?.trim().replace("\r\n", "\n");
                match field.as_str() {
                    "name" => draft.name = value,
                    "base" => draft.revision = Some(value.parse().map_err(|_| Unread::NotWhole)?),
                    "description" => draft.description = value,
                    "source" => draft.from_git = value == "git",
                    // One that was chosen now comes later.
                    "kept" => draft.upload = Some(uploaded(&value)?),
                    "url" => draft.url = value,
                    "reference" => draft.reference = value,
                    "commit" => pinned = Some(value),
                    "key" => draft.key = value,
                    "folder" => draft.folder = value,
                    "command" => draft.is_program = value == "program",
                    "robot" => draft.robot = value,
                    "options" => draft.options = value,
                    "words" => draft.words = value,
                    "each_entry" => draft.each_entry = value == "true",
                    "minutes" => draft.minutes = value.parse().unwrap_or(0),
                    "results" => draft.results = value,
                    _ => {}
                }
            }
        }
    }
    // The commit belongs to the tag of that repository, and to no other.
    let of_these = format!(" {} {}", draft.reference, draft.url);
    draft.commit = pinned.and_then(|it| it.strip_suffix(&of_these).map(str::to_owned));
    Ok((draft, fault))
}

/// What a form can say itself; for anything else there is a page.
fn told(error: ServiceError) -> Result<AppError, Unread> {
    match error {
        ServiceError::Invalid { field, message } => {
            let field = if field == "files" { "archive".to_owned() } else { field.to_string() };
            Ok(AppError::Invalid { field, message })
        }
        ServiceError::Conflict(message) => Ok(AppError::Conflict { message }),
        other => Err(Unread::Refused(other)),
    }
}
