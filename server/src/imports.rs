//! The form that imports a release: it carries files, and is answered with the form again where it
//! has faults, so that nothing that was typed or uploaded is lost, with or without script.

mod sent;

use app::{
    api::imports::{ImportDraft, KernelDraft},
    error::AppError,
    routes::href,
};
use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    actor::Actor,
    import::{ConsoleLogin, ImportedKernel},
    policy::Action,
    version::{CandidateVersion, InvalidVersion},
};
use services::{ServiceError, imports::ImportOrder};

use crate::{dashboard::AppState, recipes::page_of, refusal};

/// `POST /releases/import`
pub(crate) async fn import(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    // Before anything is read: what is uploaded may be long.
    if let Err(refused) = Action::Import.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let services = &state.services;
    let mut draft = match sent::read(services, &actor, request).await {
        Ok(draft) => draft,
        Err(unread) => return unread.answer(sent::LIMITS, "nothing was imported"),
    };
    let error = match &draft.error {
        Some(error) => error.clone(),
        None => match order(&draft) {
            Err(error) => error,
            Ok(order) => match services.start_import(&actor, order).await {
                Ok(job) => return Redirect::to(&href::job(&job.id)).into_response(),
                Err(error) => match told(error) {
                    Ok(error) => error,
                    Err(error) => return refusal::of_service(&error),
                },
            },
        },
    };
    draft.error = Some(error);
    state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await
}

/// What the form can say itself; for anything else there is a page.
fn told(error: ServiceError) -> Result<AppError, ServiceError> {
    match error {
        ServiceError::Invalid { field, message } => Ok(invalid(field, &message)),
        ServiceError::Conflict(message) => Ok(AppError::Conflict { message }),
        ServiceError::Throttled(message) | ServiceError::Unavailable(message) => {
            Ok(AppError::Unavailable { message })
        }
        other => Err(other),
    }
}

fn invalid(field: &str, message: &str) -> AppError {
    AppError::Invalid { field: field.to_owned(), message: message.to_owned() }
}

/// What the filled-in form asks for.
fn order(draft: &ImportDraft) -> Result<ImportOrder, AppError> {
    let version: CandidateVersion = draft
        .version
        .parse()
        .map_err(|error: InvalidVersion| invalid("version", &error.to_string()))?;
    let rootfs = draft.rootfs.clone().ok_or_else(|| invalid("rootfs", "choose its archive"))?;
    let kernel = |draft: &KernelDraft| ImportedKernel {
        alias: draft.alias.clone(),
        flavor: draft.flavor,
        image: draft.image.clone(),
        packages: draft.packages.clone(),
    };
    Ok(ImportOrder {
        version,
        rootfs,
        kernels: draft.kernels.iter().filter(|it| !it.is_empty()).map(kernel).collect(),
        menu: draft.menu.clone(),
        login: ConsoleLogin { user: draft.user.clone(), password: draft.password.clone() },
    })
}
