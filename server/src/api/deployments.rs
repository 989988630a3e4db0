//! Deployments: asking for one, looking at what decides about it, executing it.

use axum::{Json, extract::State};
use domain::{
    deployment::{self, DeploymentState},
    digest::Digest,
    ids::DeploymentId,
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    deployments::{DeploymentChoices, DeploymentFilter},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    approvals::Approval,
    exchange::{Body, Caller, Created, Listed, Path, Query, slice, time},
    problem::Answer,
};

/// A request that an environment serve a release, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// Which deployment.
    pub id: String,
    /// Name of the environment.
    pub environment: String,
    /// Name of the release.
    pub release: String,
    /// What the environment served before.
    pub from: Option<String>,
    /// Whether it goes back to what the environment has served before.
    pub rollback: bool,
    /// How it stands.
    pub state: DeploymentState,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked.
    pub requester: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// SHA-256 of the manifest when it was asked for.
    pub digest: Digest,
    /// The evidence digest when it was asked for.
    pub evidence: Digest,
    /// Who said what.
    pub approvals: Vec<Approval>,
    /// When it was executed, refused, withdrawn, lapsed or failed.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Who executed or ended it.
    pub ended_by: Option<String>,
    /// Why it ended so.
    pub outcome: Option<String>,
}

impl Deployment {
    /// A deployment as the API shows it.
    pub fn of(it: deployment::Deployment) -> Self {
        let approvals = it.approvals.into_iter().map(|said| Approval::of(&it.id, said)).collect();
        Self {
            id: it.id.to_string(),
            environment: it.environment,
            release: it.release_name,
            from: it.from_name,
            rollback: it.rollback,
            state: it.state,
            reason: it.reason,
            requester: it.requester_name,
            requested_at: time(it.requested_at),
            digest: it.manifest,
            evidence: it.evidence,
            approvals,
            ended_at: it.ended_at.map(time),
            ended_by: it.ended_by,
            outcome: it.outcome,
        }
    }
}

/// A deployment with what decides about it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentDetails {
    /// The deployment.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// How many approvals the environment demands.
    pub demanded: u32,
    /// How many approvals count now.
    pub counted: u32,
    /// The evidence digest as it is now: what an approval names.
    pub evidence_now: Digest,
    /// What you may do with it now.
    pub choices: Choices,
}

/// What whoever asks may do with a deployment now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choices {
    /// Approve it.
    pub approve: Choice,
    /// Refuse it.
    pub refuse: Choice,
    /// Take it back.
    pub withdraw: Choice,
    /// Execute it.
    pub deploy: Choice,
}

/// Whether something may be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// Whether it may.
    pub allowed: bool,
    /// Why not, and what to do.
    pub reason: Option<String>,
}

impl From<Result<(), String>> for Choice {
    fn from(choice: Result<(), String>) -> Self {
        Self { allowed: choice.is_ok(), reason: choice.err() }
    }
}

impl From<DeploymentChoices> for Choices {
    fn from(it: DeploymentChoices) -> Self {
        Self {
            approve: it.approve.into(),
            refuse: it.refuse.into(),
            withdraw: it.withdraw.into(),
            deploy: it.deploy.into(),
        }
    }
}

/// A request that an environment serve a release.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// Name of the environment.
    pub environment: String,
    /// Name of the release.
    pub release: String,
    /// 3 to 2000 characters; it stands in the audit log.
    pub reason: String,
}

/// Which deployments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeployments {
    /// Only those that stand so.
    state: Option<DeploymentState>,
    /// Only those of the environment of this name.
    environment: Option<String>,
    /// Only those of the release of this name.
    release: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists deployments, the newest request first.
#[utoipa::path(get, path = "/deployments", tag = "deployments", params(ListDeployments), responses((status = 200, body = Listed<Deployment>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListDeployments>,
) -> Answer<Json<Listed<Deployment>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let release = match query.release {
        Some(name) => Some(services.release(&actor, &name).await?.id),
        None => None,
    };
    let ListDeployments { state, environment, .. } = query;
    let filter = DeploymentFilter { state, environment, release };
    Ok(Listed::of(services.deployments_page(&actor, &filter, &slice).await?, Deployment::of))
}

/// Asks that an environment serve a release.
#[utoipa::path(post, path = "/deployments", tag = "deployments", request_body = NewDeployment, responses((status = 201, body = Deployment)))]
pub async fn request(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewDeployment>,
) -> Answer<Created<Json<Deployment>>> {
    let NewDeployment { environment, release, reason } = new;
    let asked = services.request_deployment(&actor, &environment, &release, &reason).await?;
    Ok(Created(format!("/deployments/{}", asked.id), Json(Deployment::of(asked))))
}

/// Shows a deployment with what decides about it, and what you may do with it now.
#[utoipa::path(get, path = "/deployments/{id}", tag = "deployments", params(("id" = String, Path, description = "Id of the deployment")), responses((status = 200, body = DeploymentDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<DeploymentId>,
) -> Answer<Json<DeploymentDetails>> {
    let it = services.deployment_details(&actor, &id).await?;
    Ok(Json(DeploymentDetails {
        deployment: Deployment::of(it.deployment),
        demanded: it.environment.policy.approvals,
        counted: it.counted,
        evidence_now: it.evidence,
        choices: it.choices.into(),
    }))
}

/// Takes a request back.
#[utoipa::path(post, path = "/deployments/{id}/withdraw", tag = "deployments", params(("id" = String, Path, description = "Id of the deployment")), responses((status = 200, body = Deployment)))]
pub async fn withdraw(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<DeploymentId>,
) -> Answer<Json<Deployment>> {
    services.withdraw_deployment(&actor, &id).await?;
    Ok(Json(Deployment::of(services.deployment(&actor, &id).await?)))
}

/// Executes a request that has its approvals: machines boot the release from then on.
#[utoipa::path(post, path = "/deployments/{id}/deploy", tag = "deployments", params(("id" = String, Path, description = "Id of the deployment")), responses((status = 200, body = Deployment)))]
pub async fn deploy(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<DeploymentId>,
) -> Answer<Json<Deployment>> {
    services.deploy(&actor, &id).await?;
    Ok(Json(Deployment::of(services.deployment(&actor, &id).await?)))
}
