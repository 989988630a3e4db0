//! The form that makes and changes variants: it carries files, and every button but those that save is
//! answered with the form again and with what it would do, so that nothing that was typed or uploaded
//! is lost, with or without script.

pub(crate) mod recipe_change;
mod sent;
mod text;

use app::{
    api::variants::{FieldFault, Look, Seen, VariantForm, look, stepped},
    pages::variants::form_markup,
    routes::href,
};
use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{actor::Actor, policy::Action, variant::check_name};
use serde::Serialize;
use services::{ServiceError, Services, variants::VariantDraft};

use self::sent::{Sent, Task};
use crate::{dashboard::AppState, kernels::told, recipes::page_of, refusal};

/// `POST /variants/new`
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    edit(state, actor, None, request).await
}

/// `POST /variants/{name}/edit`
pub(crate) async fn change(
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

/// `POST /variant-form`: says what a form would do to a page with script, as people type, and brings
/// form and text in step. It takes what the form sends, and saves nothing but uploads.
pub(crate) async fn in_step(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    let Sent { task, mut form, text } = match received(&state.services, &actor, request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let former = text.as_ref().map(|(text, _)| text.clone());
    text::step(&mut form, &task, text);
    // Whoever searches waits for no simulation.
    let searches = task == Task::Search;
    form.look = !searches;
    done(&mut form, &task);
    let (look, bases) = match stepped(&state.services, &actor, &mut form).await {
        Ok(found) => found,
        Err(error) => return refusal::page(StatusCode::FORBIDDEN, &error.to_string()),
    };
    // What is typed at this moment keeps its form.
    let text = (task != Task::Text).then(|| form.text()).filter(|it| former.as_ref() != Some(it));
    let markup = form_markup(&form, &look, form.revision.is_none(), &bases, searches);
    Json(InStep { text, form: markup }).into_response()
}

async fn received(services: &Services, actor: &Actor, request: Request) -> Result<Sent, Response> {
    // Before anything is read: what is uploaded may be long.
    if let Err(refused) = Action::EditVariant.allowed_to(&actor.who) {
        return Err(refusal::of_service(&refused.into()));
    }
    let sent = sent::read(services, actor, request).await;
    sent.map_err(|unread| unread.answer(sent::LIMITS, "nothing was saved"))
}

async fn edit(
    state: AppState,
    actor: Actor,
    existing: Option<String>,
    request: Request,
) -> Response {
    let page = page_of(&request);
    let services = &state.services;
    let Sent { task, mut form, text } = match received(services, &actor, request).await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    if let Some(name) = &existing {
        form.single.set("name", name);
    }
    text::step(&mut form, &task, text);
    form.look = true;
    let failed = form.error.is_some() || !form.faults.is_empty() || !form.problems.is_empty();
    let status = match task {
        _ if failed => StatusCode::UNPROCESSABLE_ENTITY,
        Task::Save | Task::Build => {
            let builds = task == Task::Build;
            match save(services, &actor, existing.as_deref(), &mut form, builds).await {
                Ok(target) => return Redirect::to(&target).into_response(),
                Err(NotSaved::Faults(faults)) => {
                    form.faults = faults;
                    StatusCode::UNPROCESSABLE_ENTITY
                }
                Err(NotSaved::Refused(error)) => match told(&error) {
                    Some((status, error)) => {
                        form.error = Some(error);
                        status
                    }
                    None => return refusal::of_service(&error),
                },
            }
        }
        task => {
            done(&mut form, &task);
            StatusCode::OK
        }
    };
    state.page_with(status, form, page).await
}

/// Does what a button that saves nothing asks.
fn done(form: &mut VariantForm, task: &Task) {
    match task {
        Task::Add(group) => {
            form.rows.entry(*group).or_default().push(group.empty_row());
            form.open = Some(*group);
        }
        Task::Remove(group, at) => {
            let rows = form.rows.entry(*group).or_default();
            // One that is gone already is gone.
            if *at < rows.len() {
                rows.remove(*at);
            }
            form.open = Some(*group);
        }
        Task::Package(name) => form.add_package(name),
        Task::Save
        | Task::Build
        | Task::Look
        | Task::Search
        | Task::Take
        | Task::Form
        | Task::Text => {}
    }
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

/// Saves the form, and gives where to go on.
async fn save(
    services: &Services,
    actor: &Actor,
    existing: Option<&str>,
    form: &mut VariantForm,
    builds: bool,
) -> Result<String, NotSaved> {
    let definition = form.definition();
    let mut faults = Vec::new();
    let name = form.single.text("name").to_owned();
    if existing.is_none()
        && let Err(message) = check_name(&name)
    {
        faults.push(("name".to_owned(), message));
    }
    let days = form.single.text("days").parse().unwrap_or(0);
    for fault in services.variant_faults(actor, &definition).await? {
        faults.push((form.place(&fault.place), fault.message));
    }
    if !faults.is_empty() {
        return Err(NotSaved::Faults(faults));
    }
    if builds {
        ready(&look(services, actor, form).await, form)?;
    }
    let description = form.single.text("description").to_owned();
    let draft = VariantDraft { description, days, definition };
    match existing {
        None => services.create_variant(actor, &name, draft).await?,
        Some(name) => {
            let base = form.revision.ok_or_else(|| {
                ServiceError::invalid(
                    "revision",
                    "the form does not say which revision it was filled from; open the variant again",
                )
            })?;
            services.change_variant(actor, name, base, draft).await?
        }
    };
    if builds {
        // What keeps it from being built stands on its page, beside the button.
        if let Ok(job) = services.start_variant_build(actor, &name).await {
            return Ok(href::job(&job.id));
        }
    }
    Ok(href::variant(&name))
}

/// Whether a build would go through, as far as apt can say. Where apt cannot be asked the build will
/// say so itself.
fn ready(look: &Look, form: &VariantForm) -> Result<(), NotSaved> {
    match &look.seen {
        Seen::Faulty => Err(NotSaved::Faults(form.faults.clone())),
        Seen::NotAsked | Seen::Unavailable(_) => Ok(()),
        Seen::Would(preview) => {
            if preview.refused.is_some() {
                let message = "apt refuses this; the summary says why. Nothing was saved";
                return Err(NotSaved::Faults(vec![(
                    "packages.add".to_owned(),
                    message.to_owned(),
                )]));
            }
            if preview.unconfirmed.is_empty() {
                return Ok(());
            }
            let message = format!(
                "say whether {} may go along; nothing was saved",
                preview.unconfirmed.join(", ")
            );
            Err(NotSaved::Faults(vec![("packages.accept_removal".to_owned(), message)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use app::api::variants::Group;

    use super::*;

    #[test]
    fn rows_come_and_go() {
        let mut form = VariantForm::starter();
        done(&mut form, &Task::Add(Group::Files));
        done(&mut form, &Task::Add(Group::Files));
        assert_eq!(form.rows(Group::Files).len(), 2);
        done(&mut form, &Task::Remove(Group::Files, 7));
        done(&mut form, &Task::Remove(Group::Files, 0));
        assert_eq!(form.rows(Group::Files).len(), 1);
        done(&mut form, &Task::Package("htop".to_owned()));
        assert_eq!(form.definition().packages.add, ["htop"]);
    }
}
