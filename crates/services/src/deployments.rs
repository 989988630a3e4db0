//! Deployments: asking, judging, executing, rolling back.
//!
//! Whatever moves an environment's pointer reads everything that decides it (manifest, evidence,
//! policy, approvals, present roles) inside the one transaction that moves it, so a change that
//! races with it either is seen or waits.

use domain::{
    actor::Actor,
    deployment::{Approval, Deployment, DeploymentState, Verdict},
    digest::Digest,
    environment::Environment,
    ids::{DeploymentId, PersonId, ReleaseId},
    person::Role,
    policy::{self, Action, Approving, Deploying, Requesting, RollingBack, Standing},
    release::{Release, Stage},
    version::CandidateVersion,
};
use serde::{Deserialize, Serialize};
use store::{Rows, WriteTx};

use crate::{
    Services,
    audit::Change,
    environments::no_environment,
    error::ServiceError,
    releases::{evidence_of, no_release},
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
        let standing = standing(&mut tx, &release).await?;
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
        let case = Case::read(&mut rows, id).await?;
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
        let (_, role) = Self::person_of(actor)?;
        let mut rows = self.read().await?;
        let environments = rows.environments().await?;
        if release.manifest.is_none() {
            let why = || Err("the release is not complete".to_owned());
            return Ok(environments.into_iter().map(|it| (it, why())).collect());
        }
        let standing = standing(&mut rows, release).await?;
        let open = rows.open_deployments().await?;
        Ok(environments
            .into_iter()
            .map(|environment| {
                let choice = words(policy::may_request_deployment(&requesting(
                    role,
                    &environment,
                    release,
                    &standing,
                    &open,
                )));
                (environment, choice)
            })
            .collect())
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
        let mut tx = self.begin().await?;
        let case = Case::read(&mut tx, id).await?;
        if self.lapse_where_due(&mut tx, actor, &case).await? {
            self.commit(tx, &format!("deployment/{id}")).await?;
            return Err(lapsed());
        }
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
                let counted = Case::read(&mut tx, id).await?;
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

    /// Executes a deployment: the pointer moves, and where the environment demands something a
    /// candidate gets its released name, in one transaction. Machines boot the new release from the moment this returns; boots in flight
    /// finish on the old one.
    ///
    /// # Errors
    /// Where the rules do not let the actor, or what was approved has changed.
    pub async fn deploy(&self, actor: &Actor, id: &DeploymentId) -> Result<(), ServiceError> {
        let (by, role) = Self::person_of(actor)?;
        let mut tx = self.begin().await?;
        let case = Case::read(&mut tx, id).await?;
        if self.lapse_where_due(&mut tx, actor, &case).await? {
            self.commit(tx, &format!("deployment/{id}")).await?;
            return Err(lapsed());
        }
        let marker = tx.marker();
        let permit = policy::deploy_gate(&case.deploying(&by, role), &marker)?;
        self.execute(&mut tx, actor, &case.deployment, &case.release, &permit).await?;
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
        let served_before = tx.has_served(&environment.name, &release.id).await?;
        let marker = tx.marker();
        let permit = policy::roll_back_gate(
            &RollingBack {
                role,
                environment: &environment.name,
                policy: &environment.policy,
                release: &release.id,
                stage: release.stage,
                served_before,
                serves: environment.release.as_ref() == Some(&release.id),
            },
            &marker,
        )?;
        let standing = standing(&mut tx, &release).await?;
        let deployment =
            self.new_deployment(actor, by, &environment, &release, &standing, reason, true);
        tx.insert_deployment(&deployment).await?;
        self.execute(&mut tx, actor, &deployment, &release, &permit).await?;
        self.commit(tx, &format!("environment/{}", environment.name)).await?;
        self.refresh_catalogue().await?;
        Ok(deployment)
    }

    async fn execute(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        deployment: &Deployment,
        release: &Release,
        permit: &policy::Permit<'_>,
    ) -> Result<(), ServiceError> {
        let environment = tx.environment(permit.environment()).await?;
        let names = environment.as_ref().is_some_and(|it| it.policy.names_releases());
        if names && release.stage == Stage::Candidate {
            // A policy may have become stricter since an environment served this candidate.
            if let Some(by) = name_taken_by(tx, release).await? {
                return Err(policy::Refusal::NameTaken { by }.into());
            }
            tx.name_released(&release.id, self.now()).await?;
        }
        let before = environment.and_then(|it| it.release);
        tx.set_deployed_from(&deployment.id, before.as_ref()).await?;
        tx.move_pointer(permit, self.now()).await?;
        let ended = Some((self.now(), actor.name(), "deployed"));
        tx.set_deployment_state(&deployment.id, deployment.state, DeploymentState::Deployed, ended)
            .await?;
        self.record(tx, actor, Change::Deployed { deployment }).await?;
        Ok(())
    }

    /// Ends a request that stands on other bytes or other evidence than there are now.
    async fn lapse_where_due(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        case: &Case,
    ) -> Result<bool, ServiceError> {
        let Case { deployment, standing, .. } = case;
        if !deployment.state.open() {
            return Ok(false);
        }
        let Some(lapse) = policy::lapsed(deployment, &standing.manifest, &standing.evidence) else {
            return Ok(false);
        };
        let why = lapse.to_string();
        let ended = Some((self.now(), actor.name(), why.as_str()));
        tx.set_deployment_state(&deployment.id, deployment.state, DeploymentState::Lapsed, ended)
            .await?;
        self.record(tx, actor, Change::DeploymentLapsed { deployment, why: &why }).await?;
        Ok(true)
    }
}

/// Everything that decides about a deployment, as the rows stand in one transaction.
struct Case {
    deployment: Deployment,
    environment: Environment,
    release: Release,
    standing: Standing,
    people: Vec<domain::person::Person>,
}

impl Case {
    async fn read(rows: &mut Rows, id: &DeploymentId) -> Result<Self, ServiceError> {
        let deployment = rows.deployment(id).await?.ok_or_else(|| no_deployment(id))?;
        let environment = rows
            .environment(&deployment.environment)
            .await?
            .ok_or_else(|| no_environment(&deployment.environment))?;
        let release = rows
            .release(&deployment.release)
            .await?
            .ok_or_else(|| no_release(&deployment.release_name))?;
        let standing = standing(rows, &release).await?;
        let people = rows.people().await?;
        Ok(Self { deployment, environment, release, standing, people })
    }

    fn approving<'a>(&'a self, by: &'a PersonId, role: Role) -> Approving<'a> {
        Approving {
            by,
            role,
            deployment: &self.deployment,
            policy: &self.environment.policy,
            standing: &self.standing,
            people: self.people.iter().filter(|person| person.disabled_at.is_none()).count(),
        }
    }

    fn deploying<'a>(&'a self, by: &'a PersonId, role: Role) -> Deploying<'a> {
        Deploying {
            by,
            role,
            deployment: &self.deployment,
            policy: &self.environment.policy,
            standing: &self.standing,
            people: &self.people,
        }
    }
}

/// How a release stands before any policy now.
async fn standing(rows: &mut Rows, release: &Release) -> Result<Standing, ServiceError> {
    let evidence = evidence_of(rows, release).await?;
    Ok(Standing {
        stage: release.stage,
        manifest: evidence.manifest,
        plans: vec![(evidence.plan.clone(), evidence.health())],
        evidence: domain::evidence::digest_of(&[evidence])?,
        name_taken_by: name_taken_by(rows, release).await?,
    })
}

/// The other candidate that carries the released name which a candidate would get.
async fn name_taken_by(
    rows: &mut Rows,
    release: &Release,
) -> Result<Option<CandidateVersion>, ServiceError> {
    let other = rows.release_by_name(&release.version.target.to_string()).await?;
    Ok(other.filter(|other| other.id != release.id).map(|other| other.version))
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

fn lapsed() -> ServiceError {
    ServiceError::Conflict(
        "the evidence or the release has changed since this was asked for, so the request has \
         lapsed; look at the new evidence and ask anew"
            .to_owned(),
    )
}
