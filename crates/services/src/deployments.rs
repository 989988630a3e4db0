//! Deployments: asking for one, looking at them, judging, executing, rolling back.
//!
//! Whatever moves an environment's pointer reads everything that decides it (manifest, evidence,
//! policy, approvals, present roles) inside the one transaction that moves it, so a change that
//! races with it either is seen or waits.

mod case;
mod executing;
mod judging;

use domain::{
    actor::Actor,
    deployment::{Approval, Deployment, DeploymentState},
    digest::Digest,
    environment::Environment,
    ids::{DeploymentId, PersonId, ReleaseId},
    page::{Page, Slice},
    person::Role,
    policy::{self, Action, Requesting, RollingBack, Standing},
    release::Release,
};
use serde::{Deserialize, Serialize};
pub use store::deployments::DeploymentFilter;

pub(crate) use self::case::present_role;
use self::case::{Case, standing};
use crate::{
    Services, audit::Change, environments::no_environment, error::ServiceError,
    releases::no_release,
};

/// A deployment with what decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentDetails {
    /// The request with what was said about it.
    pub deployment: Deployment,
    /// Whose pointer.
    pub environment: Environment,
    /// What the pointer is to become.
    pub release: Release,
    /// Digest of the evidence as it stands now.
    pub evidence: Digest,
    /// How many approvals count now.
    pub counted: u32,
    /// What the actor may do now.
    pub choices: DeploymentChoices,
}

/// What a person may do with a deployment now; each with the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentChoices {
    /// Approve it.
    pub approve: Result<(), String>,
    /// Refuse it.
    pub refuse: Result<(), String>,
    /// Take it back.
    pub withdraw: Result<(), String>,
    /// Execute it.
    pub deploy: Result<(), String>,
}

impl Services {
    /// Asks that an environment serve a release.
    ///
    /// # Errors
    /// Where the rules refuse it; the reason says what to do first.
    pub async fn request_deployment(
        &self,
        actor: &Actor,
        environment: &str,
        release: &str,
        reason: &str,
    ) -> Result<Deployment, ServiceError> {
        let (requester, role) = Self::person_of(actor)?;
        let reason = policy::require_reason(reason)?;
        let mut tx = self.begin().await?;
        let environment =
            tx.environment(environment).await?.ok_or_else(|| no_environment(environment))?;
        let release = tx.release_by_name(release).await?.ok_or_else(|| no_release(release))?;
        let asked = (&environment.policy, &requester);
        let standing = standing(&mut tx, &release, asked, self.now()).await?;
        let open = tx.open_deployments().await?;
        policy::may_request_deployment(&requesting(
            role,
            &environment,
            &release,
            &standing,
            &open,
        ))?;
        let deployment =
            self.new_deployment(actor, requester, &environment, &release, &standing, reason, false);
        tx.insert_deployment(&deployment).await?;
        self.record(&mut tx, actor, Change::DeploymentRequested { deployment: &deployment })
            .await?;
        self.commit(tx, &format!("deployment/{}", deployment.id)).await?;
        Ok(deployment)
    }

    #[expect(clippy::too_many_arguments, reason = "a row has that many columns")]
    fn new_deployment(
        &self,
        actor: &Actor,
        requester: PersonId,
        environment: &Environment,
        release: &Release,
        standing: &Standing,
        reason: String,
        rollback: bool,
    ) -> Deployment {
        Deployment {
            id: DeploymentId::generate(self.ids()),
            environment: environment.name.clone(),
            release: release.id.clone(),
            release_name: release.name(),
            from_release: environment.release.clone(),
            from_name: environment.release_name.clone(),
            rollback,
            state: DeploymentState::Requested,
            reason,
            requester,
            requester_name: actor.name().to_owned(),
            requested_at: self.now(),
            manifest: standing.manifest,
            evidence: standing.evidence,
            approvals: Vec::new(),
            ended_at: None,
            ended_by: None,
            outcome: None,
        }
    }

    /// One deployment.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn deployment(
        &self,
        actor: &Actor,
        id: &DeploymentId,
    ) -> Result<Deployment, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.deployment(id).await?.ok_or_else(|| no_deployment(id))
    }

    /// A page of deployments, the newest request first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn deployments_page(
        &self,
        actor: &Actor,
        filter: &DeploymentFilter,
        slice: &Slice,
    ) -> Result<Page<Deployment>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.deployments_page(filter, slice).await?)
    }

    /// A page of what approvers said, newest first; about one deployment where given.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn approvals_page(
        &self,
        actor: &Actor,
        deployment: Option<&DeploymentId>,
        slice: &Slice,
    ) -> Result<Page<(DeploymentId, Approval)>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.approvals_page(deployment, slice).await?)
    }

    /// Deployments that wait for somebody, oldest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn open_deployments(&self, actor: &Actor) -> Result<Vec<Deployment>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.open_deployments().await?)
    }

    /// Deployments of a release, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn deployments_of(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<Deployment>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.deployments_of_release(&release.id).await?)
    }

    /// A deployment with what decides about it, and what the actor may do with it now.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn deployment_details(
        &self,
        actor: &Actor,
        id: &DeploymentId,
    ) -> Result<DeploymentDetails, ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let mut rows = self.read().await?;
        let case = Case::read(&mut rows, id, self.now()).await?;
        let deploying = case.deploying(&by, role);
        let choices = DeploymentChoices {
            approve: words(policy::may_approve(&case.approving(&by, role))),
            refuse: words(policy::may_refuse(role, &by, &case.deployment)),
            withdraw: words(policy::may_withdraw(role, &by, &case.deployment)),
            deploy: words(policy::may_deploy(&deploying)),
        };
        Ok(DeploymentDetails {
            counted: policy::counted_approvals(&deploying),
            evidence: case.standing.evidence,
            choices,
            deployment: case.deployment,
            environment: case.environment,
            release: case.release,
        })
    }

    /// For each environment whether the actor may ask that it serve a complete release.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn request_choices(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<(Environment, Result<(), String>)>, ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let mut rows = self.read().await?;
        let environments = rows.environments().await?;
        if release.manifest.is_none() {
            let why = || Err("the release is not complete".to_owned());
            return Ok(environments.into_iter().map(|it| (it, why())).collect());
        }
        let open = rows.open_deployments().await?;
        let mut choices = Vec::with_capacity(environments.len());
        for environment in environments {
            let asked = (&environment.policy, &by);
            let standing = standing(&mut rows, release, asked, self.now()).await?;
            let asking = requesting(role, &environment, release, &standing, &open);
            let choice = words(policy::may_request_deployment(&asking));
            choices.push((environment, choice));
        }
        Ok(choices)
    }

    /// Whether the actor may put an environment back on a release.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn roll_back_choice(
        &self,
        actor: &Actor,
        environment: &Environment,
        release: &ReleaseId,
    ) -> Result<Result<(), String>, ServiceError> {
        let (_, role) = Self::person_of(actor)?;
        let mut rows = self.read().await?;
        let found = rows.release(release).await?.ok_or_else(|| no_release(release.as_str()))?;
        let served_before = rows.has_served(&environment.name, release).await?;
        Ok(words(policy::may_roll_back(&RollingBack {
            role,
            environment: &environment.name,
            policy: &environment.policy,
            release,
            stage: found.stage,
            served_before,
            serves: environment.release.as_ref() == Some(release),
        })))
    }
}

fn requesting<'a>(
    role: Role,
    environment: &'a Environment,
    release: &Release,
    standing: &'a Standing,
    open: &[Deployment],
) -> Requesting<'a> {
    Requesting {
        role,
        environment: &environment.name,
        policy: &environment.policy,
        standing,
        serves: environment.release.as_ref() == Some(&release.id),
        requested: open
            .iter()
            .any(|it| it.environment == environment.name && it.release == release.id),
    }
}

fn words(verdict: Result<(), policy::Refusal>) -> Result<(), String> {
    verdict.map_err(|refusal| refusal.to_string())
}

fn no_deployment(id: &DeploymentId) -> ServiceError {
    ServiceError::NotFound(format!("deployment {id}"))
}
