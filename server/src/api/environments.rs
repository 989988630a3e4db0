//! Environments: what machines boot from, what each demands, and going back.

use axum::{Json, extract::State};
use domain::{
    digest::Digest,
    environment::{self, Policy},
    page::Page,
};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{
    deployments::Deployment,
    exchange::{Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, time},
    problem::{Answer, Problem},
};

/// Something that machines boot from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// Unique name.
    pub name: String,
    /// Name of the release that it serves.
    pub release: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// What it demands before it serves another.
    pub policy: Policy,
}

impl Environment {
    fn of(it: environment::Environment) -> Self {
        Self {
            name: it.name,
            release: it.release_name,
            since: it.since.map(time),
            policy: it.policy,
        }
    }

    fn tagged(self) -> Answer<Tagged<Self>> {
        let version = self.policy.version().map_err(services::ServiceError::from)?;
        Ok(Tagged(version.to_string(), self))
    }
}

/// Going back to what an environment has served before.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRollback {
    /// Name of the release.
    pub release: String,
    /// 3 to 2000 characters; it stands in the audit log.
    pub reason: String,
}

/// Lists environments by name.
#[utoipa::path(get, path = "/environments", tag = "environments", params(Paging), responses((status = 200, body = Listed<Environment>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<Environment>>> {
    let slice = paging.slice()?;
    let all = services.environments(&actor).await?;
    Ok(Listed::of(Page::of_names(all, &slice, |it| &it.name), Environment::of))
}

/// Shows an environment; its `ETag` is the version of its policy.
#[utoipa::path(get, path = "/environments/{name}", tag = "environments", params(("name" = String, Path, description = "Name of the environment")), responses((status = 200, body = Environment)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<Environment>> {
    let environment = services.environment(&actor, &name).await?;
    Environment::of(environment).tagged()
}

/// Changes what an environment demands; `If-Match` names the policy that the change was made from.
#[utoipa::path(put, path = "/environments/{name}/policy", tag = "environments", params(("name" = String, Path, description = "Name of the environment"), ("If-Match" = String, Header, description = "ETag of the environment that was looked at")), request_body = Policy, responses((status = 200, body = Environment)))]
pub async fn change_policy(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(policy): Body<Policy>,
) -> Answer<Tagged<Environment>> {
    let base: Digest = base.version()?;
    let changed = services.change_policy(&actor, &name, policy, Some(&base)).await;
    changed.map_err(Problem::of_condition)?;
    let environment = services.environment(&actor, &name).await?;
    Environment::of(environment).tagged()
}

/// Puts an environment back on a release that it has served before, at once.
#[utoipa::path(post, path = "/environments/{name}/rollback", tag = "environments", params(("name" = String, Path, description = "Name of the environment")), request_body = NewRollback, responses((status = 201, body = Deployment)))]
pub async fn roll_back(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Body(new): Body<NewRollback>,
) -> Answer<Created<Json<Deployment>>> {
    let done = services.roll_back(&actor, &name, &new.release, &new.reason).await?;
    let shown = services.deployment(&actor, &done.id).await?;
    Ok(Created(format!("/deployments/{}", done.id), Json(Deployment::of(shown))))
}
