//! Deployments: asking, approving, deploying, rolling back, and the proof that the store demands.

use std::collections::BTreeSet;

use super::{Action, Lapse, Refusal, bootable};
use crate::{
    deployment::{Approval, Deployment, Verdict},
    digest::Digest,
    environment::Policy,
    ids::{PersonId, ReleaseId},
    person::{Person, Role},
    release::{Health, Stage},
    version::CandidateVersion,
};

/// How a release stands before an environment's policy now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Stage of the release.
    pub stage: Stage,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Digest of the evidence of all plans of the policy ([`crate::evidence::digest_of`]).
    pub evidence: Digest,
    /// Each plan that has evidence, with what it says, waivers included that count here.
    pub plans: Vec<(String, Health)>,
    /// Plans that would pass if waivers counted by whoever asks for the deployment.
    pub own_waivers: Vec<String>,
    /// The other candidate that carries the released name which this one would get.
    pub name_taken_by: Option<CandidateVersion>,
}

/// The facts of asking for a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Requesting<'a> {
    /// The present role of whoever asks.
    pub role: Role,
    /// The environment.
    pub environment: &'a str,
    /// What it demands.
    pub policy: &'a Policy,
    /// The release that is to be deployed.
    pub standing: &'a Standing,
    /// Whether the environment points at that release.
    pub serves: bool,
    /// Whether another request for that release there is open.
    pub requested: bool,
}

/// Asking for a deployment. Evidence comes first, since newer evidence would let the request lapse.
///
/// # Errors
/// Why not.
pub fn may_request_deployment(facts: &Requesting<'_>) -> Result<(), Refusal> {
    Action::RequestDeployment.allowed(facts.role)?;
    let environment = facts.environment.to_owned();
    bootable(facts.standing.stage)?;
    if facts.serves {
        return Err(Refusal::ServedAlready { environment });
    }
    if facts.requested {
        return Err(Refusal::RequestedAlready { environment });
    }
    name_is_free(facts.policy, facts.standing)?;
    plans_pass(facts.environment, facts.policy, facts.standing)
}

/// A candidate can get its released name, where the environment would give it one.
///
/// # Errors
/// Where another candidate of the same version has it.
fn name_is_free(policy: &Policy, standing: &Standing) -> Result<(), Refusal> {
    match &standing.name_taken_by {
        Some(by) if policy.names_releases() => Err(Refusal::NameTaken { by: by.clone() }),
        _ => Ok(()),
    }
}

/// The facts of judging a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Approving<'a> {
    /// Who judges.
    pub by: &'a PersonId,
    /// That person's present role.
    pub role: Role,
    /// The request with what was said about it.
    pub deployment: &'a Deployment,
    /// What the environment demands now.
    pub policy: &'a Policy,
    /// How the release stands now.
    pub standing: &'a Standing,
    /// How many people may sign in now.
    pub people: usize,
}

/// Approving a deployment.
///
/// # Errors
/// Why not.
pub fn may_approve(facts: &Approving<'_>) -> Result<(), Refusal> {
    Action::Approve.allowed(facts.role)?;
    let Approving { by, deployment, policy, standing, .. } = *facts;
    open(deployment)?;
    if deployment.requester == *by && !policy.self_approval {
        let environment = deployment.environment.clone();
        return Err(if facts.people == 1 {
            Refusal::OwnRequestAlone { environment }
        } else {
            Refusal::OwnRequest { environment }
        });
    }
    current(deployment, standing)?;
    bootable(standing.stage)?;
    name_is_free(policy, standing)?;
    plans_pass(&deployment.environment, policy, standing)?;
    if deployment.approvals.iter().any(|approval| approval.approver == *by) {
        return Err(Refusal::ApprovedAlready);
    }
    Ok(())
}

/// Refusing a deployment, which needs a reason besides ([`super::require_reason`]).
///
/// # Errors
/// Why not.
pub fn may_refuse(role: Role, by: &PersonId, deployment: &Deployment) -> Result<(), Refusal> {
    Action::Refuse.allowed(role)?;
    open(deployment)?;
    if deployment.requester == *by { Err(Refusal::WithdrawInstead) } else { Ok(()) }
}

/// Taking a request back: whoever asked, or an administrator.
///
/// # Errors
/// Why not.
pub fn may_withdraw(role: Role, by: &PersonId, deployment: &Deployment) -> Result<(), Refusal> {
    Action::WithdrawRequest.allowed(role)?;
    if deployment.requester != *by && role < Role::Administrator {
        return Err(Refusal::NotRequester { requester: deployment.requester_name.clone() });
    }
    open(deployment)
}

/// The facts of executing a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Deploying<'a> {
    /// Who executes it.
    pub by: &'a PersonId,
    /// That person's present role.
    pub role: Role,
    /// The request with what was said about it.
    pub deployment: &'a Deployment,
    /// What the environment demands now.
    pub policy: &'a Policy,
    /// How the release stands now.
    pub standing: &'a Standing,
    /// Everybody, with present roles and whether they are disabled.
    pub people: &'a [Person],
}

/// Executing a deployment: whoever asked for it, or an approver, once everything is there.
///
/// # Errors
/// Why not.
pub fn may_deploy(facts: &Deploying<'_>) -> Result<(), Refusal> {
    Action::Deploy.allowed(facts.role)?;
    let Deploying { by, role, deployment, policy, standing, .. } = *facts;
    open(deployment)?;
    if deployment.requester != *by && role < Role::Approver {
        return Err(Refusal::NotDeployer { requester: deployment.requester_name.clone() });
    }
    current(deployment, standing)?;
    bootable(standing.stage)?;
    name_is_free(policy, standing)?;
    plans_pass(&deployment.environment, policy, standing)?;
    let counted = counted_approvals(facts);
    if counted < policy.approvals {
        return Err(Refusal::Approvals {
            environment: deployment.environment.clone(),
            demanded: policy.approvals,
            counted,
        });
    }
    Ok(())
}

/// How many approvals count now: of distinct people who may still sign in and still are approvers,
/// given on the present manifest and evidence, and not by the requester unless the policy allows.
#[must_use]
pub fn counted_approvals(facts: &Deploying<'_>) -> u32 {
    let Deploying { deployment, policy, standing, people, .. } = *facts;
    let still_approver = |id: &PersonId| {
        people.iter().any(|person| {
            person.id == *id && person.disabled_at.is_none() && person.role >= Role::Approver
        })
    };
    let counts = |approval: &&Approval| {
        approval.verdict == Verdict::Approved
            && approval.manifest == standing.manifest
            && approval.evidence == standing.evidence
            && (policy.self_approval || approval.approver != deployment.requester)
            && still_approver(&approval.approver)
    };
    let approvers: BTreeSet<&PersonId> =
        deployment.approvals.iter().filter(counts).map(|approval| &approval.approver).collect();
    u32::try_from(approvers.len()).unwrap_or(u32::MAX)
}

/// Why a deployment's request and its approvals hold no more: it was asked for on other bytes or
/// other evidence than there are now.
#[must_use]
pub fn lapsed(deployment: &Deployment, manifest: &Digest, evidence: &Digest) -> Option<Lapse> {
    if deployment.manifest != *manifest {
        Some(Lapse::Manifest)
    } else if deployment.evidence != *evidence {
        Some(Lapse::Evidence)
    } else {
        None
    }
}

/// The facts of rolling back.
#[derive(Debug, Clone, Copy)]
pub struct RollingBack<'a> {
    /// The present role of whoever asks.
    pub role: Role,
    /// The environment.
    pub environment: &'a str,
    /// What it demands.
    pub policy: &'a Policy,
    /// The release to go back to.
    pub release: &'a ReleaseId,
    /// That release's stage.
    pub stage: Stage,
    /// Whether the environment has served that release before.
    pub served_before: bool,
    /// Whether the environment points at it now.
    pub serves: bool,
}

/// Going back to what the environment has served before; it needs a reason besides
/// ([`super::require_reason`]).
///
/// No second person is asked: what is gone back to was approved when it was deployed, and a
/// roll-back must not wait for anybody's lunch. Where deployments need approvals, an approver or
/// administrator must do it (`docs/decisions/0003-rollback-needs-no-second-approval.md`).
///
/// # Errors
/// Why not.
pub fn may_roll_back(facts: &RollingBack<'_>) -> Result<(), Refusal> {
    let least =
        if facts.policy.approvals > 0 { Role::Approver } else { Action::RollBack.least_role() };
    Action::RollBack.needs(least, facts.role)?;
    let environment = facts.environment.to_owned();
    if facts.serves {
        return Err(Refusal::ServedAlready { environment });
    }
    if !facts.served_before {
        return Err(Refusal::NeverServed { environment });
    }
    bootable(facts.stage)
}

/// The proof that an environment's pointer may move to a release in this very transaction.
///
/// Only the gates make one, it can be neither copied nor stored, and it holds the transaction whose
/// rows the gate judged: until it is gone, nothing but the permit reaches that transaction. The
/// store's function that moves the pointer takes one, and moves the pointer of
/// [`Permit::environment`] to [`Permit::release`] in [`Permit::transaction`], so a way around the
/// gate does not compile:
///
/// ```compile_fail
/// let permit = domain::policy::Permit { environment: "production", ..todo!() };
/// ```
///
/// This does:
///
/// ```
/// # use domain::policy::{Permit, Refusal, RollingBack, roll_back_gate};
/// # struct Transaction { moves: usize }
/// fn move_pointer(mut permit: Permit<'_, Transaction>) { permit.transaction().moves += 1; }
///
/// fn roll_back(facts: &RollingBack<'_>, mut tx: Transaction) -> Result<usize, Refusal> {
///     move_pointer(roll_back_gate(facts, &mut tx)?);
///     Ok(tx.moves)
/// }
/// ```
///
/// A permit of a transaction that has ended, or that something else goes on with, does not:
///
/// ```compile_fail,E0505
/// # use domain::policy::{Permit, Refusal, RollingBack, roll_back_gate};
/// # struct Transaction { moves: usize }
/// # fn move_pointer(mut permit: Permit<'_, Transaction>) { permit.transaction().moves += 1; }
/// fn roll_back(facts: &RollingBack<'_>, mut tx: Transaction) -> Result<(), Refusal> {
///     let permit = roll_back_gate(facts, &mut tx)?;
///     drop(tx);
///     move_pointer(permit);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit does nothing until the store's pointer move takes it"]
pub struct Permit<'tx, T: ?Sized> {
    environment: String,
    release: ReleaseId,
    transaction: &'tx mut T,
}

impl<T: ?Sized> Permit<'_, T> {
    /// Whose pointer may move.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The release that it may move to.
    #[must_use]
    pub const fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// The transaction in which it may move.
    #[must_use]
    pub const fn transaction(&mut self) -> &mut T {
        self.transaction
    }
}

/// Judges a deployment inside `transaction`, from facts that were read in it.
///
/// # Errors
/// As [`may_deploy`].
pub fn deploy_gate<'tx, T: ?Sized>(
    facts: &Deploying<'_>,
    transaction: &'tx mut T,
) -> Result<Permit<'tx, T>, Refusal> {
    may_deploy(facts)?;
    Ok(Permit {
        environment: facts.deployment.environment.clone(),
        release: facts.deployment.release.clone(),
        transaction,
    })
}

/// Judges a roll-back inside `transaction`, from facts that were read in it.
///
/// # Errors
/// As [`may_roll_back`].
pub fn roll_back_gate<'tx, T: ?Sized>(
    facts: &RollingBack<'_>,
    transaction: &'tx mut T,
) -> Result<Permit<'tx, T>, Refusal> {
    may_roll_back(facts)?;
    Ok(Permit {
        environment: facts.environment.to_owned(),
        release: facts.release.clone(),
        transaction,
    })
}

fn open(deployment: &Deployment) -> Result<(), Refusal> {
    let refused = deployment.approvals.iter().any(|said| said.verdict == Verdict::Refused);
    if deployment.state.open() && !refused {
        Ok(())
    } else {
        Err(Refusal::Closed { state: deployment.state })
    }
}

fn current(deployment: &Deployment, standing: &Standing) -> Result<(), Refusal> {
    lapsed(deployment, &standing.manifest, &standing.evidence)
        .map_or(Ok(()), |lapse| Err(Refusal::Lapsed { lapse }))
}

/// Every plan that the policy names must pass; one without evidence has not.
fn plans_pass(environment: &str, policy: &Policy, standing: &Standing) -> Result<(), Refusal> {
    for plan in &policy.plans {
        let health = |(name, health): &(String, Health)| (name == plan).then_some(*health);
        let said: Vec<Health> = standing.plans.iter().filter_map(health).collect();
        let (environment, plan) = (environment.to_owned(), plan.clone());
        let passes = !said.is_empty() && said.iter().all(|it| *it == Health::Passing);
        if !passes && standing.own_waivers.contains(&plan) {
            return Err(Refusal::OwnWaiver { environment, plan });
        }
        if said.contains(&Health::Failing) {
            return Err(Refusal::PlanFailing { environment, plan });
        }
        if said.is_empty() || said.contains(&Health::Unknown) {
            return Err(Refusal::PlanUnknown { environment, plan });
        }
    }
    Ok(())
}
