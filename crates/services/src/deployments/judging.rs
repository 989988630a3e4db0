//! Judging a deployment: approving, refusing, withdrawing, and what lapses by itself.

use domain::{
    actor::Actor,
    deployment::{Approval, DeploymentState, Verdict},
    digest::Digest,
    ids::DeploymentId,
    policy,
};
use store::WriteTx;

use super::{case::Case, no_deployment};
use crate::{Services, audit::Change, error::ServiceError};

impl Services {
    /// Approves or refuses a deployment; `seen` is the digest of the evidence that the actor looked
    /// at.
    ///
    /// # Errors
    /// Where the rules do not let the actor, a refusal gives no reason, or the evidence is not what
    /// the actor looked at any more.
    pub async fn judge_deployment(
        &self,
        actor: &Actor,
        id: &DeploymentId,
        verdict: Verdict,
        seen: Option<Digest>,
        comment: &str,
    ) -> Result<(), ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let (mut tx, case) = self.take_up(actor, id).await?;
        let role = case.present_role(&by, role)?;
        if seen.is_some_and(|seen| seen != case.standing.evidence) {
            return Err(ServiceError::Conflict(
                "there is newer evidence than what you looked at; look at it and judge then"
                    .to_owned(),
            ));
        }
        let comment = match verdict {
            Verdict::Approved => {
                policy::may_approve(&case.approving(&by, role))?;
                comment.trim().chars().take(2000).collect()
            }
            Verdict::Refused => {
                policy::may_refuse(role, &by, &case.deployment)?;
                policy::require_reason(comment)?
            }
        };
        let approval = Approval {
            approver: by.clone(),
            approver_name: actor.name().to_owned(),
            verdict,
            comment,
            at: self.now(),
            manifest: case.standing.manifest,
            evidence: case.standing.evidence,
        };
        tx.insert_approval(id, &approval).await?;
        let state = match verdict {
            Verdict::Refused => Some(DeploymentState::Refused),
            Verdict::Approved => {
                let counted = Case::read(&mut tx, id, self.now()).await?;
                (policy::counted_approvals(&counted.deploying(&by, role))
                    >= counted.environment.policy.approvals)
                    .then_some(DeploymentState::Approved)
            }
        };
        if let Some(state) = state {
            let ended =
                (!state.open()).then(|| (self.now(), actor.name(), approval.comment.as_str()));
            tx.set_deployment_state(id, case.deployment.state, state, ended).await?;
        }
        let change = Change::DeploymentJudged {
            deployment: &case.deployment,
            verdict: verdict.word(),
            comment: &approval.comment,
        };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("deployment/{id}")).await
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// Where the rules do not let the actor.
    pub async fn withdraw_deployment(
        &self,
        actor: &Actor,
        id: &DeploymentId,
    ) -> Result<(), ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let mut tx = self.begin().await?;
        let deployment = tx.deployment(id).await?.ok_or_else(|| no_deployment(id))?;
        policy::may_withdraw(role, &by, &deployment)?;
        let ended = Some((self.now(), actor.name(), "withdrawn"));
        tx.set_deployment_state(id, deployment.state, DeploymentState::Withdrawn, ended).await?;
        self.record(&mut tx, actor, Change::DeploymentWithdrawn { deployment: &deployment })
            .await?;
        self.commit(tx, &format!("deployment/{id}")).await
    }

    /// Begins the transaction in which a deployment is judged or executed. A request that stands on
    /// other bytes or other evidence than there are now ends in it instead.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the request has lapsed.
    pub(super) async fn take_up(
        &self,
        actor: &Actor,
        id: &DeploymentId,
    ) -> Result<(WriteTx, Case), ServiceError> {
        let mut tx = self.begin().await?;
        let case = Case::read(&mut tx, id, self.now()).await?;
        let Case { deployment, standing, .. } = &case;
        let lapse = policy::lapsed(deployment, &standing.manifest, &standing.evidence);
        let Some(lapse) = lapse.filter(|_| deployment.state.open()) else { return Ok((tx, case)) };
        let why = lapse.to_string();
        let ended = Some((self.now(), actor.name(), why.as_str()));
        tx.set_deployment_state(id, deployment.state, DeploymentState::Lapsed, ended).await?;
        self.record(&mut tx, actor, Change::DeploymentLapsed { deployment, why: &why }).await?;
        self.commit(tx, &format!("deployment/{id}")).await?;
        Err(ServiceError::Conflict(
            "the evidence or the release has changed since this was asked for (results, what people \
             say of failures, waivers, plans), so the request has lapsed; look at the new evidence and \
             ask anew"
                .to_owned(),
        ))
    }
}
