//! Tokens: those of whoever looks, and making and revoking them.

use domain::{
    ids::TokenId,
    person::Role,
    token::{Scope, Token},
};
use services::tokens::NewToken;

use super::{Asked, invalid, shown_once::ShownOnce};
use crate::{api::tokens::AccountPage, error::AppError};

/// The cookie that carries a secret from the request that made it to the page that shows it.
const SECRET: ShownOnce = ShownOnce { cookie: "given-token", page: "/account" };

pub(crate) async fn account(asked: &Asked) -> Result<AccountPage, AppError> {
    let now = asked.services.now();
    let own = asked.services.tokens(&asked.actor, false).await.map_err(|it| asked.refuse(it))?;
    let gone = |token: &Token| token.alive(now, false).is_err();
    let (dead, tokens) = own.into_iter().partition(gone);
    Ok(AccountPage {
        tokens,
        dead,
        plans: super::plans::names(asked).await?,
        secret: SECRET.take(),
    })
}

pub(crate) async fn create(
    asked: &Asked,
    name: String,
    role: Role,
    days: &str,
    plan: String,
    machine: &str,
) -> Result<(), AppError> {
    let days = days.trim().parse().map_err(|_| invalid("days", "give a number of days"))?;
    let machine = machine.trim().to_owned();
    let scope = match (plan.is_empty(), machine.is_empty()) {
        (true, true) => Scope::All,
        (false, false) => Scope::Results { plan, machine },
        _ => return Err(invalid("machine", "for results choose a plan and name the machine")),
    };
    let new = NewToken { name, role: Some(role), scope, days };
    let made =
        asked.services.create_token(&asked.actor, new).await.map_err(|it| asked.refuse(it))?;
    SECRET.give(&made.secret);
    Ok(())
}

pub(crate) async fn revoke(asked: &Asked, id: &TokenId) -> Result<(), AppError> {
    asked.services.revoke_token(&asked.actor, id).await.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect("/account");
    Ok(())
}
