//! People: who may sign in, and as what.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    page::Page,
    person::{self, Role},
};
use serde::{Deserialize, Serialize};
use services::{Services, people::PasswordLink};
use utoipa::ToSchema;

use super::{
    exchange::{Body, Caller, Created, Listed, Paging, Path, Query, time},
    keyed::Kept,
    problem::{Answer, Problem},
};

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// The sign-in name, unique.
    pub name: String,
    /// The present role.
    pub role: Role,
    /// When the account was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Since when the person may not sign in.
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
}

impl Person {
    fn of(it: person::Person) -> Self {
        Self {
            name: it.name,
            role: it.role,
            created_at: time(it.created_at),
            disabled_at: it.disabled_at.map(time),
        }
    }
}

/// A person to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// 1 to 40 letters, digits, '.', '-' and '_'.
    pub name: String,
    /// What the person may do.
    pub role: Role,
}

/// A change of a person; what is absent stays.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    /// Another role.
    pub role: Option<Role>,
    /// Whether the person may sign in no more.
    pub disabled: Option<bool>,
}

/// The way by which a person sets a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneTimeLink {
    /// Whose password.
    pub name: String,
    /// Path of the page, to be opened within 30 minutes; shown once, `null` where this answer was
    /// given before.
    pub path: Option<String>,
}

impl OneTimeLink {
    /// The answer; what is kept of it under an `Idempotency-Key` has no secret.
    fn answer(link: PasswordLink) -> Answer<Response> {
        let kept = Self { name: link.name.clone(), path: None };
        let kept = serde_json::to_string(&kept).map_err(services::ServiceError::internal)?;
        let address = format!("/people/{}", link.name);
        let path = Some(format!("/password/{}", link.token));
        let mut response = Created(address, Json(Self { name: link.name, path })).into_response();
        response.extensions_mut().insert(Kept(kept));
        Ok(response)
    }
}

/// Lists people by name.
#[utoipa::path(get, path = "/people", tag = "people", params(Paging), responses((status = 200, body = Listed<Person>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<Person>>> {
    let slice = paging.slice()?;
    let mut all = services.list_people(&actor).await?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Listed::of(Page::of_names(all, &slice, |it| &it.name), Person::of))
}

/// Adds a person, who sets a password by the link that this gives.
#[utoipa::path(post, path = "/people", tag = "people", request_body = NewPerson, responses((status = 201, body = OneTimeLink)))]
pub async fn add(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewPerson>,
) -> Answer<Response> {
    OneTimeLink::answer(services.add_person(&actor, &new.name, new.role).await?)
}

/// Shows a person.
#[utoipa::path(get, path = "/people/{name}", tag = "people", params(("name" = String, Path, description = "Sign-in name")), responses((status = 200, body = Person)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Json<Person>> {
    let all = services.list_people(&actor).await?;
    let found = all.into_iter().find(|person| person.name == name);
    let missing = || services::ServiceError::NotFound(format!("person called {name}"));
    Ok(Json(Person::of(found.ok_or_else(missing)?)))
}

/// Gives a person another role, or lets the person sign in no more, or again.
#[utoipa::path(patch, path = "/people/{name}", tag = "people", params(("name" = String, Path, description = "Sign-in name")), request_body = PersonChange, responses((status = 200, body = Person)))]
pub async fn change(
    state: State<Services>,
    caller: Caller,
    name: Path<String>,
    Body(change): Body<PersonChange>,
) -> Answer<Json<Person>> {
    match change {
        PersonChange { role: Some(role), disabled: None } => {
            state.change_role(&caller.0, &name.0, role).await?;
        }
        PersonChange { role: None, disabled: Some(disabled) } => {
            state.set_disabled(&caller.0, &name.0, disabled).await?;
        }
        PersonChange { role: None, disabled: None }
        | PersonChange { role: Some(_), disabled: Some(_) } => {
            let words = "Send either a role or disabled, so that each change is one";
            return Err(Problem::of_field("role", words));
        }
    }
    show(state, caller, name).await
}

/// Gives a one-time link with which a person sets a new password.
#[utoipa::path(post, path = "/people/{name}/password-link", tag = "people", params(("name" = String, Path, description = "Sign-in name")), responses((status = 201, body = OneTimeLink)))]
pub async fn password_link(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Response> {
    OneTimeLink::answer(services.password_link(&actor, &name).await?)
}
