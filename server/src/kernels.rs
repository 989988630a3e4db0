//! The form that adds and changes kernels: it carries files, and is answered with the form again
//! where it has faults, so that nothing that was typed or uploaded is lost, with or without script.

mod sent;

use app::{
    api::kernels::{FieldFault, KernelDraft},
    error::AppError,
    routes::href,
};
use axum::{
    Extension,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    actor::Actor,
    kernel::{Fragment, check_name},
    policy::Action,
};
use services::{ServiceError, Services};

use self::sent::{Sent, Task};
use crate::{dashboard::AppState, recipes::page_of, refusal};

/// The most fragments that a kernel has; the form offers no more.
const FRAGMENTS: usize = 64;

/// `POST /kernels/new`
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    edit(state, actor, None, request).await
}

/// `POST /kernels/{name}/edit`
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    edit(state, actor, Some(name), request).await
}

async fn edit(
    state: AppState,
    actor: Actor,
    existing: Option<String>,
    request: Request,
) -> Response {
    // Before anything is read: what is uploaded may be long.
    if let Err(refused) = Action::EditKernel.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let services = &state.services;
    let Sent { task, mut draft } = match sent::read(services, &actor, request).await {
        Ok(sent) => sent,
        Err(unread) => return unread.answer(sent::LIMITS, "nothing was saved"),
    };
    if let Some(name) = &existing {
        draft.name.clone_from(name);
    }
    let failed = draft.error.is_some() || !draft.faults.is_empty();
    let status = match task {
        _ if failed => StatusCode::UNPROCESSABLE_ENTITY,
        Task::Add => {
            add_fragment(&mut draft.fragments);
            StatusCode::OK
        }
        Task::Remove(at) => {
            // One that is gone already is gone.
            if at < draft.fragments.len() {
                draft.fragments.remove(at);
            }
            StatusCode::OK
        }
        Task::Save => match save(services, &actor, existing.is_some(), &draft).await {
            Ok(()) => return Redirect::to(&href::kernel(&draft.name)).into_response(),
            Err(NotSaved::Faults(faults)) => {
                draft.faults = faults;
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Err(NotSaved::Refused(error)) => match told(&error) {
                Some((status, error)) => {
                    draft.error = Some(error);
                    status
                }
                None => return refusal::of_service(&error),
            },
        },
    };
    state.page_with(status, draft, page).await
}

/// Why nothing was saved.
enum NotSaved {
    Faults(Vec<FieldFault>),
    Refused(ServiceError),
}

impl From<ServiceError> for NotSaved {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { field, message } => {
                Self::Faults(vec![(field.to_owned(), message)])
            }
            other => Self::Refused(other),
        }
    }
}

async fn save(
    services: &Services,
    actor: &Actor,
    exists: bool,
    draft: &KernelDraft,
) -> Result<(), NotSaved> {
    let name = draft.name.trim();
    if exists {
        let former = services.kernel(actor, name).await?.kernel;
        let definition = draft.definition(Some(&former.definition)).map_err(NotSaved::Faults)?;
        let base = draft.revision.ok_or_else(|| {
            ServiceError::invalid(
                "revision",
                "the form does not say which revision it was filled from; open the kernel again",
            )
        })?;
        services.change_kernel(actor, name, base, definition).await?;
        return Ok(());
    }
    let wrong = check_name(name).err().map(|it| (it.field.to_owned(), it.message));
    match (draft.definition(None), wrong) {
        (Ok(definition), None) => services.create_kernel(actor, name, definition).await?,
        (definition, wrong) => {
            let faults = definition.err().unwrap_or_default();
            return Err(NotSaved::Faults(wrong.into_iter().chain(faults).collect()));
        }
    };
    Ok(())
}

/// What the form can say itself, with its status; for anything else there is a page.
pub(crate) fn told(error: &ServiceError) -> Option<(StatusCode, AppError)> {
    let message = error.to_string();
    let told = match error {
        ServiceError::Conflict(_) => AppError::Conflict { message },
        ServiceError::Throttled(_) | ServiceError::Unavailable(_) => {
            AppError::Unavailable { message }
        }
        _ => return None,
    };
    Some((refusal::status_of(error), told))
}

/// Adds an empty fragment with a name that no other has.
fn add_fragment(fragments: &mut Vec<Fragment>) {
    if fragments.len() >= FRAGMENTS {
        return;
    }
    let free = |name: &String| fragments.iter().all(|it| it.name != *name);
    let names = (fragments.len() + 1..).map(|number| format!("fragment-{number}"));
    if let Some(name) = names.into_iter().find(free) {
        fragments.push(Fragment { name, content: String::new() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_fragment_has_a_name_of_its_own_and_there_is_an_end() {
        let named = |name: &str| Fragment { name: name.to_owned(), content: String::new() };
        let mut fragments = vec![named("fragment-2")];
        for _ in 0..100 {
            add_fragment(&mut fragments);
        }
        let names: std::collections::BTreeSet<&str> =
            fragments.iter().map(|it| it.name.as_str()).collect();
        assert_eq!((names.len(), fragments.len()), (FRAGMENTS, FRAGMENTS));
    }
}
