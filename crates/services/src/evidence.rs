//! What decides about a release: for each plan, the demanded cases with the newest runs that answer
//! for them.

use std::collections::BTreeSet;

use domain::{
    actor::Actor,
    environment::{PRODUCTION, Policy},
    evidence::{Evidence, health_of},
    plan::{Plan, SMOKE},
    policy::Action,
    release::{Health, Release},
};
use store::Rows;

use crate::{Services, error::ServiceError};

impl Services {
    /// What decides about a complete release, plan by plan: of every plan that an environment demands
    /// or by which it was validated.
    ///
    /// # Errors
    /// Where the release is not complete, or the actor may not read.
    pub async fn evidence(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<Evidence>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let mut names: BTreeSet<String> =
            rows.environments().await?.into_iter().flat_map(|it| it.policy.plans).collect();
        names.extend(rows.validations_of(&release.id).await?.into_iter().map(|it| it.plan));
        names.insert(SMOKE.name.to_owned());
        let mut evidence = Vec::with_capacity(names.len());
        for name in names {
            // What was removed since decides nothing any more.
            if let Some(plan) = plan_called(&mut rows, &name).await? {
                evidence.push(evidence_of(&mut rows, release, &plan).await?);
            }
        }
        Ok(evidence)
    }

    /// The evidence that an environment's policy demands, for a complete release.
    ///
    /// # Errors
    /// Where the release is not complete, or the actor may not read.
    pub async fn demanded_evidence(
        &self,
        actor: &Actor,
        release: &Release,
        policy: &Policy,
    ) -> Result<Vec<Evidence>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        demanded_evidence(&mut self.read().await?, release, policy).await
    }

    /// What the evidence that production demands says of a release, for lists.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn health(&self, actor: &Actor, release: &Release) -> Result<Health, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        if release.manifest.is_none() {
            return Ok(Health::Unknown);
        }
        let mut rows = self.read().await?;
        let policy = rows.environment(PRODUCTION).await?.map_or_else(Policy::open, |it| it.policy);
        Ok(health_of(&demanded_evidence(&mut rows, release, &policy).await?))
    }
}

/// The evidence that a policy demands, for a complete release; where it demands no plan, that of plan
/// "smoke", so that requests still name what was known.
pub(crate) async fn demanded_evidence(
    rows: &mut Rows,
    release: &Release,
    policy: &Policy,
) -> Result<Vec<Evidence>, ServiceError> {
    let smoke = [SMOKE.name.to_owned()];
    let names = if policy.plans.is_empty() { &smoke[..] } else { &policy.plans };
    let mut evidence = Vec::with_capacity(names.len());
    for name in names {
        // A plan that is not there is one that has not passed: the gate says so.
        if let Some(plan) = plan_called(rows, name).await? {
            evidence.push(evidence_of(rows, release, &plan).await?);
        }
    }
    Ok(evidence)
}

/// The plan of that name, built in or made by people.
pub(crate) async fn plan_called(rows: &mut Rows, name: &str) -> Result<Option<Plan>, ServiceError> {
    if name == SMOKE.name {
        return Ok(Some(Plan::smoke()));
    }
    Ok(rows.plan(name, None).await?)
}

/// The evidence of one plan for a complete release, as the rows stand.
async fn evidence_of(
    rows: &mut Rows,
    release: &Release,
    plan: &Plan,
) -> Result<Evidence, ServiceError> {
    let manifest = rows.manifest_of(&release.id).await?.ok_or_else(|| {
        ServiceError::NotFound(format!(
            "evidence for {}: its build is not complete",
            release.name()
        ))
    })?;
    let digest = manifest.digest()?;
    let place = (plan.name.as_str(), plan.revision);
    let runs = rows.deciding_runs(&digest, place, &plan.demanded(&manifest)).await?;
    Ok(Evidence {
        manifest: digest,
        plan: plan.name.clone(),
        plan_revision: plan.revision,
        cases: plan.decide(&manifest, &runs),
    })
}
