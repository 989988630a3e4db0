//! What decides about a release: for each plan, the demanded cases with the newest runs that answer
//! for them.

use std::collections::{BTreeSet, HashMap};

use domain::{
    actor::Actor,
    deployment::Deployment,
    environment::{PRODUCTION, Policy},
    evidence::{DecidingCase, Evidence, EvidenceChange, changes, digest_of, health_of},
    ids::RunId,
    plan::{Plan, SMOKE, WHOLE_RUN},
    policy::Action,
    release::{Health, Release},
    run::Outcome,
    time::Timestamp,
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
        let (mut rows, now) = (self.read().await?, self.now());
        let mut names: BTreeSet<String> =
            rows.environments().await?.into_iter().flat_map(|it| it.policy.plans).collect();
        names.extend(rows.validations_of(&release.id).await?.into_iter().map(|it| it.plan));
        names.insert(SMOKE.name.to_owned());
        let mut evidence = Vec::with_capacity(names.len());
        for name in names {
            // What was removed since decides nothing any more.
            if let Some(plan) = plan_called(&mut rows, &name).await? {
                evidence.push(evidence_of(&mut rows, release, &plan, When::Now(now)).await?);
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
        demanded_evidence(&mut self.read().await?, release, policy, self.now()).await
    }

    /// What changed of the evidence since a deployment was asked for, until it ended or now; `None` where
    /// it cannot be told, since the environment demands other plans by now.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn evidence_changes(
        &self,
        actor: &Actor,
        deployment: &Deployment,
        release: &Release,
        policy: &Policy,
    ) -> Result<Option<Vec<EvidenceChange>>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let asked = deployment.requested_at;
        let before = evidence_then(&mut rows, release, policy, asked).await?;
        // Rows tell what was known then only where they lead to the same digest.
        if digest_of(&before)? != deployment.evidence {
            return Ok(None);
        }
        let after = match deployment.ended_at {
            Some(ended) => evidence_then(&mut rows, release, policy, ended).await?,
            None => demanded_evidence(&mut rows, release, policy, self.now()).await?,
        };
        Ok(Some(changes(&before, &after)))
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
        Ok(health_of(&demanded_evidence(&mut rows, release, &policy, self.now()).await?))
    }
}

/// The evidence that a policy demands at `now`, for a complete release; where it demands no plan, that of
/// plan "smoke", so that requests still name what was known.
pub(crate) async fn demanded_evidence(
    rows: &mut Rows,
    release: &Release,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Evidence>, ServiceError> {
    let mut evidence = Vec::new();
    for name in demanded_plans(policy) {
        // A plan that is not there is one that has not passed: the gate says so.
        if let Some(plan) = plan_called(rows, &name).await? {
            evidence.push(evidence_of(rows, release, &plan, When::Now(now)).await?);
        }
    }
    Ok(evidence)
}

/// The evidence of the plan of that name for a complete release.
pub(crate) async fn evidence_by(
    rows: &mut Rows,
    release: &Release,
    plan: &str,
    now: Timestamp,
) -> Result<Evidence, ServiceError> {
    let found = plan_called(rows, plan).await?;
    let found = found.ok_or_else(|| ServiceError::NotFound(format!("plan called {plan}")))?;
    evidence_of(rows, release, &found, When::Now(now)).await
}

/// The plan of that name, built in or made by people.
pub(crate) async fn plan_called(rows: &mut Rows, name: &str) -> Result<Option<Plan>, ServiceError> {
    if name == SMOKE.name {
        return Ok(Some(Plan::smoke()));
    }
    Ok(rows.plan(name, None).await?)
}

/// At which time evidence is looked at.
#[derive(Debug, Clone, Copy)]
enum When {
    /// As the rows stand, with the waivers that hold at this time.
    Now(Timestamp),
    /// As the rows stood then.
    Then(Timestamp),
}

impl When {
    const fn at(self) -> Timestamp {
        match self {
            Self::Now(at) | Self::Then(at) => at,
        }
    }

    const fn as_of(self) -> Option<Timestamp> {
        match self {
            Self::Now(_) => None,
            Self::Then(at) => Some(at),
        }
    }
}

/// The evidence that a policy demanded at that time, where it demanded the same plans then.
async fn evidence_then(
    rows: &mut Rows,
    release: &Release,
    policy: &Policy,
    at: Timestamp,
) -> Result<Vec<Evidence>, ServiceError> {
    let mut evidence = Vec::new();
    for name in demanded_plans(policy) {
        let plan = if name == SMOKE.name {
            Some(Plan::smoke())
        } else {
            let revisions = rows.plan_revisions(&name).await?.into_iter();
            let mut known = revisions.filter(|it| it.saved_at.is_none_or(|saved| saved <= at));
            // The newest comes first.
            known.next()
        };
        if let Some(plan) = plan {
            evidence.push(evidence_of(rows, release, &plan, When::Then(at)).await?);
        }
    }
    Ok(evidence)
}

/// Names of the plans that a policy demands; where it demands none, that of plan "smoke", so that
/// requests still name what was known.
fn demanded_plans(policy: &Policy) -> Vec<String> {
    match policy.plans.as_slice() {
        [] => vec![SMOKE.name.to_owned()],
        names => names.to_vec(),
    }
}

/// The evidence of one plan for a complete release.
async fn evidence_of(
    rows: &mut Rows,
    release: &Release,
    plan: &Plan,
    when: When,
) -> Result<Evidence, ServiceError> {
    let manifest = rows.manifest_of(&release.id).await?.ok_or_else(|| {
        ServiceError::NotFound(format!(
            "evidence for {}: its build is not complete",
            release.name()
        ))
    })?;
    let digest = manifest.digest()?;
    let place = (plan.name.as_str(), plan.revision);
    let demanded = plan.demanded(&manifest);
    let runs = rows.deciding_runs(&digest, place, &demanded, when.as_of()).await?;
    let mut cases = plan.decide(&manifest, &runs);
    assess(rows, &mut cases, when).await?;
    Ok(Evidence { manifest: digest, plan: plan.name.clone(), plan_revision: plan.revision, cases })
}

/// Adds what people say of those cases that did not pass.
async fn assess(
    rows: &mut Rows,
    cases: &mut [DecidingCase],
    when: When,
) -> Result<(), ServiceError> {
    let failing = |it: &&DecidingCase| it.case != WHOLE_RUN && it.ended().fails();
    let runs: BTreeSet<RunId> =
        cases.iter().filter(failing).filter_map(|it| it.run.clone()).collect();
    let mut of_runs = HashMap::new();
    for run in runs {
        for (case, made) in rows.assessments_of_run(&run, when.as_of()).await? {
            of_runs.insert((run.clone(), case), made);
        }
    }
    let silent = |it: &DecidingCase| !failing(&it) && it.ended() != Outcome::Passed;
    let of_places: HashMap<_, _> = match cases.iter().any(silent) {
        true => rows.assessments_of_places(when.as_of()).await?.into_iter().collect(),
        false => HashMap::new(),
    };
    for case in cases {
        let made = if failing(&&*case) {
            case.run.as_ref().and_then(|run| of_runs.get(&(run.clone(), case.case.clone())))
        } else {
            case.mark(None).and_then(|mark| of_places.get(&(case.case.clone(), mark)))
        };
        if let Some(made) = made {
            case.assess(&made.said, when.at());
        }
    }
    Ok(())
}
