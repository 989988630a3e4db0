//! People: who may sign in, and as what.

use domain::{person::Role, policy};

use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::{Asked, releases::choice};
use crate::{
    api::people::{PasswordLink, PeoplePage, PersonRow},
    error::AppError,
    viewer::viewer_of,
};

pub(crate) async fn list(asked: &Asked) -> Result<PeoplePage, AppError> {
    let everybody =
        asked.services.list_people(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    let role = viewer_of(&asked.actor).role;
    let people = everybody
        .iter()
        .map(|person| PersonRow {
            lower: choice(policy::may_change_role(role, person, Role::Viewer, &everybody)),
            disable: choice(policy::may_disable(role, person, &everybody)),
            person: person.clone(),
        })
        .collect();
    Ok(PeoplePage { people, link: take_link() })
}

pub(crate) async fn add(asked: &Asked, name: &str, role: Role) -> Result<(), AppError> {
    let link = asked
        .services
        .add_person(&asked.actor, name.trim(), role)
        .await
        .map_err(|it| asked.refuse(it))?;
    show_link(&link.name, &link.token);
    Ok(())
}

pub(crate) async fn change_role(asked: &Asked, name: &str, role: Role) -> Result<(), AppError> {
    asked.services.change_role(&asked.actor, name, role).await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn set_disabled(
    asked: &Asked,
    name: &str,
    disabled: bool,
) -> Result<(), AppError> {
    asked.services.set_disabled(&asked.actor, name, disabled).await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn password_link(asked: &Asked, name: &str) -> Result<(), AppError> {
    let link =
        asked.services.password_link(&asked.actor, name).await.map_err(|it| asked.refuse(it))?;
    show_link(&link.name, &link.token);
    Ok(())
}

/// The cookie that carries a link from the request that made it to the page that shows it.
const LINK: &str = "given-link";

/// Lets the page that comes next show a link, once. Names and tokens need no encoding.
fn show_link(name: &str, token: &str) {
    set_cookie(&format!(
        "{LINK}={name}:{token}; Path=/people; Max-Age=60; HttpOnly; SameSite=Strict"
    ));
    leptos_axum::redirect("/people");
}

/// The link that was given right before this page.
fn take_link() -> Option<PasswordLink> {
    let parts = use_context::<http::request::Parts>()?;
    let cookies = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
    let value =
        cookies.split(';').find_map(|it| it.trim().strip_prefix(LINK)?.strip_prefix('='))?;
    let (name, token) = value.split_once(':')?;
    set_cookie(&format!("{LINK}=; Path=/people; Max-Age=0; HttpOnly; SameSite=Strict"));
    Some(PasswordLink { name: name.to_owned(), token: token.to_owned() })
}

fn set_cookie(cookie: &str) {
    let value = http::HeaderValue::from_str(cookie);
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), value) {
        response.append_header(http::header::SET_COOKIE, value);
    }
}
