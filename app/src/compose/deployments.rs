//! Deployments: the inbox, and the page of one.

use domain::{
    deployment::{Deployment, Verdict},
    digest::Digest,
    environment::Policy,
    ids::DeploymentId,
    release::Release,
};

use super::{Asked, confirmed, releases};
use crate::{
    api::{
        approvals::{ApprovalsPage, InboxRow},
        deployments::{DeploymentChoices, DeploymentPage},
        releases::PlanEvidence,
    },
    error::AppError,
    routes::href,
};

/// How many deployments that have ended the inbox shows.
const ENDED: usize = 20;

pub(crate) async fn inbox(asked: &Asked) -> Result<ApprovalsPage, AppError> {
    let Asked { services, actor } = asked;
    let mut ended = Vec::new();
    for environment in services.environments(actor).await.map_err(|it| asked.refuse(it))? {
        let history =
            services.history(actor, &environment.name).await.map_err(|it| asked.refuse(it))?;
        ended.extend(history.into_iter().filter(|it| !it.state.open()));
    }
    ended.sort_by_key(|it| std::cmp::Reverse(it.ended_at));
    ended.truncate(ENDED);
    Ok(ApprovalsPage { open: open(asked).await?, ended })
}

/// What waits for somebody.
pub(crate) async fn open(asked: &Asked) -> Result<Vec<InboxRow>, AppError> {
    let found =
        asked.services.open_deployments(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    let mut rows = Vec::with_capacity(found.len());
    for deployment in found {
        rows.push(row(asked, deployment).await?);
    }
    Ok(rows)
}

async fn row(asked: &Asked, deployment: Deployment) -> Result<InboxRow, AppError> {
    let details = asked
        .services
        .deployment_details(&asked.actor, &deployment.id)
        .await
        .map_err(|it| asked.refuse(it))?;
    let change = releases::change(asked, &details.release).await?;
    Ok(InboxRow {
        health: releases::health(asked, &details.release).await?,
        summary: change.map_or_else(String::new, |it| it.change.summary()),
        counted: details.counted,
        demanded: details.environment.policy.approvals,
        approve: details.choices.approve,
        deploy: details.choices.deploy,
        deployment,
    })
}

/// What an environment demands of a release, as it stands now.
async fn demanded(
    asked: &Asked,
    release: &Release,
    policy: &Policy,
) -> Result<Vec<PlanEvidence>, AppError> {
    let evidence = asked.services.demanded_evidence(&asked.actor, release, policy).await;
    releases::with_digests(asked, evidence.map_err(|it| asked.refuse(it))?)
}

pub(crate) async fn page(asked: &Asked, id: &DeploymentId) -> Result<DeploymentPage, AppError> {
    let details =
        asked.services.deployment_details(&asked.actor, id).await.map_err(|it| asked.refuse(it))?;
    let services::deployments::DeploymentChoices { approve, refuse, withdraw, deploy } =
        details.choices;
    let evidence_changes = asked
        .services
        .evidence_changes(
            &asked.actor,
            &details.deployment,
            &details.release,
            &details.environment.policy,
        )
        .await
        .map_err(|it| asked.refuse(it))?;
    Ok(DeploymentPage {
        evidence_changes,
        changes: releases::change(asked, &details.release).await?,
        evidence: demanded(asked, &details.release, &details.environment.policy).await?,
        release: releases::row(asked, details.release).await?,
        deployment: details.deployment,
        environment: details.environment,
        evidence_digest: details.evidence,
        counted: details.counted,
        choices: DeploymentChoices { approve, refuse, withdraw, deploy },
    })
}

pub(crate) async fn request(
    asked: &Asked,
    environment: &str,
    version: &str,
    reason: &str,
) -> Result<(), AppError> {
    let deployment = asked
        .services
        .request_deployment(&asked.actor, environment, version, reason)
        .await
        .map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::deployment(&deployment.id));
    Ok(())
}

pub(crate) async fn judge(
    asked: &Asked,
    id: &DeploymentId,
    verdict: Verdict,
    evidence: Digest,
    comment: &str,
) -> Result<(), AppError> {
    asked
        .services
        .judge_deployment(&asked.actor, id, verdict, Some(evidence), comment)
        .await
        .map_err(|it| asked.refuse(it))
}

pub(crate) async fn withdraw(asked: &Asked, id: &DeploymentId) -> Result<(), AppError> {
    asked.services.withdraw_deployment(&asked.actor, id).await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn execute(
    asked: &Asked,
    id: &DeploymentId,
    confirm: &str,
) -> Result<(), AppError> {
    let deployment =
        asked.services.deployment(&asked.actor, id).await.map_err(|it| asked.refuse(it))?;
    confirmed(confirm, &deployment.release_name)?;
    asked.services.deploy(&asked.actor, id).await.map_err(|it| asked.refuse(it))
}
