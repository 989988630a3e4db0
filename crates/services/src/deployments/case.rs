//! Everything that decides about a deployment, read in one transaction.

use domain::{
    assessment::Waiver,
    deployment::Deployment,
    environment::{Environment, Policy},
    evidence::Evidence,
    ids::{DeploymentId, PersonId},
    person::{Person, Role},
    policy::{Approving, Deploying, Standing},
    release::{Health, Release},
    time::Timestamp,
    version::CandidateVersion,
};
use store::Rows;

use super::no_deployment;
use crate::{
    environments::no_environment, error::ServiceError, evidence::demanded_evidence,
    releases::no_release,
};

/// Everything that decides about a deployment, as the rows stand in one transaction.
pub(super) struct Case {
    pub(super) deployment: Deployment,
    pub(super) environment: Environment,
    pub(super) release: Release,
    pub(super) standing: Standing,
    people: Vec<Person>,
}

impl Case {
    pub(super) async fn read(
        rows: &mut Rows,
        id: &DeploymentId,
        now: Timestamp,
    ) -> Result<Self, ServiceError> {
        let deployment = rows.deployment(id).await?.ok_or_else(|| no_deployment(id))?;
        let environment = rows
            .environment(&deployment.environment)
            .await?
            .ok_or_else(|| no_environment(&deployment.environment))?;
        let release = rows
            .release(&deployment.release)
            .await?
            .ok_or_else(|| no_release(&deployment.release_name))?;
        let asked = (&environment.policy, &deployment.requester);
        let standing = standing(rows, &release, asked, now).await?;
        let people = rows.people().await?;
        Ok(Self { deployment, environment, release, standing, people })
    }

    /// As [`present_role`], of whoever judges or executes this deployment.
    pub(super) fn present_role(&self, by: &PersonId, asked_as: Role) -> Result<Role, ServiceError> {
        present_role(&self.people, by, asked_as)
    }

    pub(super) fn approving<'a>(&'a self, by: &'a PersonId, role: Role) -> Approving<'a> {
        Approving {
            by,
            role,
            deployment: &self.deployment,
            policy: &self.environment.policy,
            standing: &self.standing,
            people: self.people.iter().filter(|person| person.disabled_at.is_none()).count(),
        }
    }

    pub(super) fn deploying<'a>(&'a self, by: &'a PersonId, role: Role) -> Deploying<'a> {
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

/// The role by which a person may act now: that of the rows where it was lowered since the request
/// began.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] where the person may not sign in any more.
pub(crate) fn present_role(
    people: &[Person],
    by: &PersonId,
    asked_as: Role,
) -> Result<Role, ServiceError> {
    people
        .iter()
        .find(|person| person.id == *by && person.disabled_at.is_none())
        .map(|person| person.role.min(asked_as))
        .ok_or(ServiceError::Unauthenticated)
}

/// How a release stands at `now` before an environment's policy, where that person wants it deployed.
pub(super) async fn standing(
    rows: &mut Rows,
    release: &Release,
    (policy, requester): (&Policy, &PersonId),
    now: Timestamp,
) -> Result<Standing, ServiceError> {
    let manifest = release.manifest.ok_or_else(|| no_release(&release.name()))?;
    let evidence = demanded_evidence(rows, release, policy, now).await?;
    let counts = |waiver: &Waiver| policy.self_approval || waiver.person != *requester;
    let health = |it: &Evidence| it.health_where(counts);
    let passes = |health: Health| health == Health::Passing;
    let own = evidence.iter().filter(|it| passes(it.health()) && !passes(health(it)));
    let own_waivers = own.map(|it| it.plan.clone()).collect();
    Ok(Standing {
        stage: release.stage,
        manifest,
        plans: evidence.iter().map(|it| (it.plan.clone(), health(it))).collect(),
        own_waivers,
        evidence: domain::evidence::digest_of(&evidence)?,
        name_taken_by: name_taken_by(rows, release).await?,
    })
}

/// The other candidate that carries the released name which a candidate would get.
pub(super) async fn name_taken_by(
    rows: &mut Rows,
    release: &Release,
) -> Result<Option<CandidateVersion>, ServiceError> {
    let other = rows.release_by_name(&release.version.target.to_string()).await?;
    Ok(other.filter(|other| other.id != release.id).map(|other| other.version))
}
