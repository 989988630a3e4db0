//! People: who may sign in, and as what.

use domain::{person::Role, policy};

use super::{Asked, releases::choice, shown_once::ShownOnce};
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
const LINK: ShownOnce = ShownOnce { cookie: "given-link", page: "/people" };

/// Lets the page that comes next show a link, once. Names and tokens need no encoding.
fn show_link(name: &str, token: &str) {
    LINK.give(&format!("{name}:{token}"));
}

/// The link that was given right before this page.
fn take_link() -> Option<PasswordLink> {
    let value = LINK.take()?;
    let (name, token) = value.split_once(':')?;
    Some(PasswordLink { name: name.to_owned(), token: token.to_owned() })
}
