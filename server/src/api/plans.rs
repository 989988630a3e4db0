//! Plans: what must be run to judge a release, and which cases of it a gate demands.

use axum::{Json, extract::State, http::StatusCode};
use domain::plan::{self, PlanDefinition};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{
    exchange::{Body, Caller, Created, IfMatch, Listed, Path, Tagged, time},
    problem::{Answer, Problem},
};

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Unique name.
    pub name: String,
    /// Counts from 1 with each change, also of one of its suites; only results of this very revision
    /// decide.
    pub revision: u32,
    /// Whether it is built in, and nobody's to change.
    pub built_in: bool,
    /// What it asks for.
    pub definition: PlanDefinition,
    /// When this revision was saved; absent for the built-in one.
    pub saved_at: Option<String>,
    /// Name of the person who saved it; empty for the built-in one.
    pub saved_by: String,
}

/// A plan with what demands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDetails {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Names of the environments whose policies demand it.
    pub demanded_by: Vec<String>,
}

/// A plan to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// 1 to 60 of a-z, 0-9, '.' and '-'; starts with a letter or digit; neither `new` nor `smoke`.
    #[schema(pattern = "^[a-z0-9][a-z0-9.-]{0,59}$")]
    pub name: String,
    /// What it asks for.
    pub definition: PlanDefinition,
}

/// What a plan asks for from now on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlanDefinition {
    /// All of it: what is left out is not kept.
    pub definition: PlanDefinition,
}

impl Plan {
    fn of(it: plan::Plan) -> Self {
        Self {
            built_in: it.is_built_in(),
            name: it.name,
            revision: it.revision,
            definition: it.definition,
            saved_at: it.saved_at.map(time),
            saved_by: it.saved_by,
        }
    }
}

async fn details(
    services: &Services,
    actor: &domain::actor::Actor,
    name: &str,
) -> Answer<Tagged<PlanDetails>> {
    let plan = Plan::of(services.plan(actor, name, None).await?);
    let demanded_by = services.demanded_by(actor, name).await?;
    Ok(Tagged(plan.revision.to_string(), PlanDetails { plan, demanded_by }))
}

/// Lists plans: the built-in one, then the others by name.
#[utoipa::path(get, path = "/plans", tag = "plans", responses((status = 200, body = Listed<Plan>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Json<Listed<Plan>>> {
    Ok(Listed::whole(services.plans(&actor).await?.into_iter().map(Plan::of).collect()))
}

/// Adds a plan.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = NewPlan, responses((status = 201, body = PlanDetails)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(NewPlan { name, definition }): Body<NewPlan>,
) -> Answer<Created<Tagged<PlanDetails>>> {
    let made = services.save_plan(&actor, &name, None, definition).await;
    made.map_err(Problem::of_definition)?;
    Ok(Created(format!("/plans/{name}"), details(&services, &actor, &name).await?))
}

/// Shows a plan with what demands it; its `ETag` is what a change of it names.
#[utoipa::path(get, path = "/plans/{name}", tag = "plans", params(("name" = String, Path, description = "Name of the plan")), responses((status = 200, body = PlanDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<PlanDetails>> {
    details(&services, &actor, &name).await
}

/// Changes what a plan asks for; `If-Match` names the revision that the change was made from. What was
/// run by former revisions stays and decides nothing any more.
#[utoipa::path(put, path = "/plans/{name}", tag = "plans", params(("name" = String, Path, description = "Name of the plan"), ("If-Match" = String, Header, description = "ETag of the plan that was looked at")), request_body = NewPlanDefinition, responses((status = 200, body = PlanDetails)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(NewPlanDefinition { definition }): Body<NewPlanDefinition>,
) -> Answer<Tagged<PlanDetails>> {
    let saved = services.save_plan(&actor, &name, Some(base.version()?), definition).await;
    saved.map_err(Problem::of_change)?;
    details(&services, &actor, &name).await
}

/// Removes a plan that no environment demands; what was run by it stays.
#[utoipa::path(delete, path = "/plans/{name}", tag = "plans", params(("name" = String, Path, description = "Name of the plan")), responses((status = 204)))]
pub async fn delete(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    services.remove_plan(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the revisions of a plan, newest first.
#[utoipa::path(get, path = "/plans/{name}/revisions", tag = "plans", params(("name" = String, Path, description = "Name of the plan")), responses((status = 200, body = Listed<Plan>)))]
pub async fn revisions(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Json<Listed<Plan>>> {
    let revisions = services.plan_revisions(&actor, &name).await?;
    Ok(Listed::whole(revisions.into_iter().map(Plan::of).collect()))
}
