//! Tokens: what programs send to act for a person.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    actor::Who,
    ids::TokenId,
    page::{Cursor, Page},
    person::Role,
    token::{self, Scope},
};
use serde::{Deserialize, Serialize};
use services::{
    ServiceError, Services,
    tokens::{MadeToken, NewToken},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Body, Caller, Created, Listed, Path, Query, slice, time},
    keyed::Kept,
    problem::Answer,
};

/// A token; its secret is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Which token.
    pub id: String,
    /// Name of the person for whom it acts.
    pub person: String,
    /// What its person calls it.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// From when on it is refused.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    /// Since when it is refused because somebody took it back.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

impl Token {
    fn of(it: token::Token) -> Self {
        Self {
            id: it.id.to_string(),
            person: it.person_name,
            name: it.name,
            role: it.role,
            scope: it.scope,
            created_at: time(it.created_at),
            expires_at: time(it.expires_at),
            last_used_at: it.last_used_at.map(time),
            revoked_at: it.revoked_at.map(time),
        }
    }
}

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenWithSecret {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What to send; shown once, `null` where this answer was given before.
    pub secret: Option<String>,
}

/// Who asks, as the API sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Oneself {
    /// Id of the token.
    pub token: String,
    /// Name of the person for whom it acts.
    pub person: String,
    /// What it may do now: the lesser of its own role and the person's; `null` for a token of
    /// results.
    pub role: Option<Role>,
    /// What it is good for.
    pub scope: Scope,
}

/// A token to make.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedToken {
    /// What to call it: 1 to 60 characters.
    pub name: String,
    /// The most that it may do; your own role where absent.
    pub role: Option<Role>,
    /// What it is good for; everything that the role allows where absent.
    #[serde(default = "all")]
    pub scope: Scope,
    /// How many days it lives: 1 to 366, 90 where absent; never longer than the token that asks.
    #[serde(default = "quarter")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub days: u32,
}

const fn all() -> Scope {
    Scope::All
}

const fn quarter() -> u32 {
    90
}

/// Which tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTokens {
    /// Everybody's; for whoever manages people.
    #[serde(default)]
    all: bool,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists your tokens, newest first; those that expired or were revoked too.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(ListTokens), responses((status = 200, body = Listed<Token>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListTokens>,
) -> Answer<Json<Listed<Token>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let below = slice.below();
    let all = services.tokens(&actor, query.all).await?;
    let rest = all.into_iter().filter(|it| (it.created_at.0, it.id.as_str()) < below).collect();
    let page = Page::of(rest, &slice, |it: &token::Token| Cursor {
        number: it.created_at.0,
        name: it.id.to_string(),
    });
    Ok(Listed::of(page, Token::of))
}

/// Makes a token that acts for you; its secret is shown once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = WantedToken, responses((status = 201, body = TokenWithSecret)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<WantedToken>,
) -> Answer<Response> {
    let WantedToken { name, role, scope, days } = new;
    let MadeToken { token, secret } =
        services.create_token(&actor, NewToken { name, role, scope, days }).await?;
    let address = format!("/tokens/{}", token.id);
    let token = Token::of(token);
    let kept = TokenWithSecret { token: token.clone(), secret: None };
    let kept = serde_json::to_string(&kept).map_err(ServiceError::internal)?;
    let made = TokenWithSecret { token, secret: Some(secret) };
    let mut response = Created(address, Json(made)).into_response();
    response.extensions_mut().insert(Kept(kept));
    Ok(response)
}

/// Says who you are by the token that you send, and what it may do now.
#[utoipa::path(get, path = "/tokens/current", tag = "tokens", responses((status = 200, body = Oneself)))]
pub async fn current(Caller(actor): Caller) -> Answer<Json<Oneself>> {
    let (role, scope) = match actor.who.clone() {
        Who::Reporter { plan, machine, .. } => (None, Scope::Results { plan, machine }),
        Who::Person { role, .. } => (Some(role), Scope::All),
        Who::Anonymous | Who::Runner | Who::CommandLine => (None, Scope::All),
    };
    let token = actor.token.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(Json(Oneself { token, person: actor.name().to_owned(), role, scope }))
}

/// Shows a token.
#[utoipa::path(get, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "Id of the token")), responses((status = 200, body = Token)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<TokenId>,
) -> Answer<Json<Token>> {
    Ok(Json(Token::of(services.token(&actor, &id).await?)))
}

/// Revokes a token: it is refused from now on.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "Id of the token")), responses((status = 204)))]
pub async fn revoke(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<TokenId>,
) -> Answer<StatusCode> {
    services.revoke_token(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
