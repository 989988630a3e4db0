//! Approvals: what approvers said about requests.

use axum::{Json, extract::State};
use domain::{
    deployment::{self, Verdict},
    digest::Digest,
    ids::DeploymentId,
};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::{IntoParams, ToSchema};

use super::{
    deployments::Deployment,
    exchange::{Body, Caller, Created, Listed, Query, slice, time},
    problem::Answer,
};

/// What an approver said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Id of the deployment that it is about.
    pub deployment: String,
    /// Who said it.
    pub approver: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why; a refusal has a reason always.
    pub comment: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// SHA-256 of the manifest that it was said about.
    pub digest: Digest,
    /// The evidence digest that it was said on.
    pub evidence: Digest,
}

impl Approval {
    /// An approval as the API shows it.
    pub fn of(deployment: &DeploymentId, it: deployment::Approval) -> Self {
        Self {
            deployment: deployment.to_string(),
            approver: it.approver_name,
            verdict: it.verdict,
            comment: it.comment,
            at: time(it.at),
            digest: it.manifest,
            evidence: it.evidence,
        }
    }
}

/// A verdict about a request.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// Id of the deployment.
    pub deployment: DeploymentId,
    /// Yes or no.
    pub verdict: Verdict,
    /// The evidence digest that you looked at: where there is newer evidence, nothing is said.
    pub evidence: Option<Digest>,
    /// Why; a refusal needs a reason of 3 to 2000 characters.
    #[serde(default)]
    pub comment: String,
}

/// Which approvals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApprovals {
    /// Only those about the deployment of this id.
    deployment: Option<DeploymentId>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists what approvers said, newest first. What waits for one is `GET /deployments?state=requested`.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(ListApprovals), responses((status = 200, body = Listed<Approval>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListApprovals>,
) -> Answer<Json<Listed<Approval>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let page = services.approvals_page(&actor, query.deployment.as_ref(), &slice).await?;
    Ok(Listed::of(page, |(deployment, it)| Approval::of(&deployment, it)))
}

/// Approves or refuses a request. Approving deploys nothing.
#[utoipa::path(post, path = "/approvals", tag = "approvals", request_body = NewApproval, responses((status = 201, body = Deployment)))]
pub async fn judge(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewApproval>,
) -> Answer<Created<Json<Deployment>>> {
    let NewApproval { deployment, verdict, evidence, comment } = new;
    services.judge_deployment(&actor, &deployment, verdict, evidence, &comment).await?;
    let shown = services.deployment(&actor, &deployment).await?;
    Ok(Created(format!("/deployments/{deployment}"), Json(Deployment::of(shown))))
}
