//! People: who may sign in, and as what.

use domain::person::{Person, Role};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// `/people`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeoplePage {
    /// By name.
    pub people: Vec<PersonRow>,
    /// A one-time link that was given right before; shown once.
    pub link: Option<PasswordLink>,
}

/// A person with what may be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PersonRow {
    /// The person.
    pub person: Person,
    /// Whether the person's role may be lowered.
    pub lower: Choice,
    /// Whether the person may be disabled.
    pub disable: Choice,
}

/// A one-time link with which a person sets a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLink {
    /// Whose password.
    pub name: String,
    /// What stands behind `/password/` in the link.
    pub token: String,
}

/// Everybody.
pub(crate) async fn load_people() -> Result<PeoplePage, AppError> {
    crate::compose::people::list(&super::asked()?).await
}

/// Adds a person; the page then shows the link with which that person sets a password.
#[server(prefix = "/api/ui")]
pub async fn add_person(#[server(default)] name: String, role: Role) -> Result<(), AppError> {
    crate::compose::people::add(&super::asked()?, &name, role).await
}

/// Gives a person another role; that person's sessions end.
#[server(prefix = "/api/ui")]
pub async fn change_role(name: String, role: Role) -> Result<(), AppError> {
    crate::compose::people::change_role(&super::asked()?, &name, role).await
}

/// Lets a person sign in no more, or again.
#[server(prefix = "/api/ui")]
pub async fn set_disabled(name: String, disabled: bool) -> Result<(), AppError> {
    crate::compose::people::set_disabled(&super::asked()?, &name, disabled).await
}

/// Gives a new one-time link for a person's password; the page then shows it.
#[server(prefix = "/api/ui")]
pub async fn give_password_link(name: String) -> Result<(), AppError> {
    crate::compose::people::password_link(&super::asked()?, &name).await
}
