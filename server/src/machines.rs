//! The form of what is said of a machine, and that of the rules: where one has faults the answer is its page
//! again with what was typed, with or without script. [`mod@table`] takes and gives tables.

pub(crate) mod table;

use app::{
    api::machines::{MachineForm, rules::RulesDraft},
    error::AppError,
    routes::href,
};
use axum::{
    Extension, Form,
    extract::{FromRequest as _, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    actor::Actor,
    machine::{Fault, MachineDraft, parse_rules},
    policy::Action,
    recipe::normalised,
};
use serde::Deserialize;
use services::ServiceError;

use crate::{
    dashboard::AppState,
    recipes::{malformed, page_of},
    refusal,
};

/// The form of a machine.
#[derive(Deserialize)]
struct Sent {
    #[serde(flatten)]
    draft: MachineDraft,
    base: Option<u32>,
    #[serde(default)]
    reason: String,
    /// `accept` where it is one that was discovered.
    #[serde(default, rename = "do")]
    task: String,
}

/// `POST /machines/new`
pub(crate) async fn register(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    save(&state, &actor, None, request).await
}

/// `POST /machines/{name}`
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    save(&state, &actor, Some(&name), request).await
}

async fn save(state: &AppState, actor: &Actor, name: Option<&str>, request: Request) -> Response {
    if let Err(refused) = Action::EditMachine.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let Sent { draft, base, reason, task } = match Form::<Sent>::from_request(request, &()).await {
        Ok(Form(sent)) => sent,
        Err(rejection) => return malformed(&rejection),
    };
    let mut form = MachineForm { draft, base, reason, ..MachineForm::default() };
    if let Err(faults) = form.draft.check() {
        form.faults = faults;
        return state.page_with(StatusCode::UNPROCESSABLE_ENTITY, form, page).await;
    }
    let services = &state.services;
    let (draft, base) = (&form.draft, base.unwrap_or(0));
    let saved = match name {
        None => services.register_machine(actor, draft).await,
        Some(name) if task == "accept" => services.accept_machine(actor, name, base, draft).await,
        Some(name) => services.change_machine(actor, name, base, draft, Some(&form.reason)).await,
    };
    let status = match saved {
        Ok(machine) => return Redirect::to(&href::machine(&machine.name)).into_response(),
        Err(ServiceError::Invalid { field, message }) => {
            form.faults.push(Fault { field, message });
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(error) => match told(error) {
            Ok((status, error)) => {
                form.error = Some(error);
                status
            }
            Err(error) => return refusal::of_service(&error),
        },
    };
    state.page_with(status, form, page).await
}

/// What a form can say itself besides what is wrong with its fields; for anything else there is a page.
fn told(error: ServiceError) -> Result<(StatusCode, AppError), ServiceError> {
    match error {
        ServiceError::Invalid { field, message } => Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            AppError::Invalid { field: field.to_owned(), message },
        )),
        ServiceError::Conflict(message) => {
            Ok((StatusCode::CONFLICT, AppError::Conflict { message }))
        }
        ServiceError::Refused(refusal) => Ok((StatusCode::FORBIDDEN, refusal.into())),
        other => Err(other),
    }
}

/// The form of the rules.
#[derive(Deserialize)]
struct SentRules {
    base: u32,
    #[serde(default)]
    text: String,
}

/// `POST /machines/rules`
pub(crate) async fn change_rules(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    if let Err(refused) = Action::ChangeMachineRules.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let SentRules { base, text } = match Form::<SentRules>::from_request(request, &()).await {
        Ok(Form(sent)) => sent,
        Err(rejection) => return malformed(&rejection),
    };
    let text = normalised(&text);
    let mut draft = RulesDraft { base, text, faults: Vec::new(), error: None };
    let rules = match parse_rules(&draft.text) {
        Ok(rules) => rules,
        Err(faults) => {
            draft.faults = faults;
            return state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await;
        }
    };
    match state.services.change_machine_rules(&actor, base, &rules).await.map_err(told) {
        Ok(_) => Redirect::to("/machines/rules").into_response(),
        Err(Ok((status, error))) => {
            draft.error = Some(error);
            state.page_with(status, draft, page).await
        }
        Err(Err(error)) => refusal::of_service(&error),
    }
}
