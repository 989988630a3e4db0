//! Executing a deployment, and rolling back: whatever moves an environment's pointer.

use domain::{
    actor::Actor,
    deployment::{Deployment, DeploymentState},
    ids::DeploymentId,
    policy::{self, Permit, RollingBack},
    release::{Release, Stage},
};
use store::WriteTx;

use super::case::{name_taken_by, present_role, standing};
use crate::{
    Services, audit::Change, environments::no_environment, error::ServiceError,
    releases::no_release,
};

impl Services {
    /// Executes a deployment: the pointer moves, and where the environment demands something a
    /// candidate gets its released name, in one transaction. Machines boot the new release from the
    /// moment this returns; boots in flight finish on the old one.
    ///
    /// # Errors
    /// Where the rules do not let the actor, or what was approved has changed.
    pub async fn deploy(&self, actor: &Actor, id: &DeploymentId) -> Result<(), ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let (mut tx, case) = self.take_up(actor, id).await?;
        let role = case.present_role(&by, role)?;
        let permit = policy::deploy_gate(&case.deploying(&by, role), &mut tx)?;
        self.execute(permit, actor, &case.deployment, &case.release).await?;
        self.commit(tx, &format!("environment/{}", case.environment.name)).await?;
        self.refresh_catalogue().await
    }

    /// Puts an environment back on a release that it has served before.
    ///
    /// # Errors
    /// Where the rules do not let the actor, or no reason is given.
    pub async fn roll_back(
        &self,
        actor: &Actor,
        environment: &str,
        release: &str,
        reason: &str,
    ) -> Result<Deployment, ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let reason = policy::require_reason(reason)?;
        let mut tx = self.begin().await?;
        let environment =
            tx.environment(environment).await?.ok_or_else(|| no_environment(environment))?;
        let release = tx.release_by_name(release).await?.ok_or_else(|| no_release(release))?;
        let facts = RollingBack {
            role: present_role(&tx.people().await?, &by, role)?,
            environment: &environment.name,
            policy: &environment.policy,
            release: &release.id,
            stage: release.stage,
            served_before: tx.has_served(&environment.name, &release.id).await?,
            serves: environment.release.as_ref() == Some(&release.id),
        };
        let mut permit = policy::roll_back_gate(&facts, &mut tx)?;
        let standing =
            standing(permit.transaction(), &release, (&environment.policy, &by), self.now())
                .await?;
        let deployment =
            self.new_deployment(actor, by, &environment, &release, &standing, reason, true);
        permit.transaction().insert_deployment(&deployment).await?;
        self.execute(permit, actor, &deployment, &release).await?;
        self.commit(tx, &format!("environment/{}", environment.name)).await?;
        self.refresh_catalogue().await?;
        Ok(deployment)
    }

    async fn execute(
        &self,
        mut permit: Permit<'_, WriteTx>,
        actor: &Actor,
        deployment: &Deployment,
        release: &Release,
    ) -> Result<(), ServiceError> {
        let environment = permit.environment().to_owned();
        let tx = permit.transaction();
        let environment = tx.environment(&environment).await?;
        let names = environment.as_ref().is_some_and(|it| it.policy.names_releases());
        if names && release.stage == Stage::Candidate {
            // A policy may have become stricter since an environment served this candidate.
            if let Some(by) = name_taken_by(tx, release).await? {
                return Err(policy::Refusal::NameTaken { by }.into());
            }
            tx.name_released(&release.id, self.now()).await?;
            self.freeze_notes(tx, actor, release).await?;
        }
        let before = environment.and_then(|it| it.release);
        tx.set_deployed_from(&deployment.id, before.as_ref()).await?;
        let ended = Some((self.now(), actor.name(), "deployed"));
        tx.set_deployment_state(&deployment.id, deployment.state, DeploymentState::Deployed, ended)
            .await?;
        self.record(tx, actor, Change::Deployed { deployment }).await?;
        Ok(WriteTx::move_pointer(permit, self.now()).await?)
    }
}
