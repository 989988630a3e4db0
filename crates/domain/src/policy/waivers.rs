//! Waivers, and results from elsewhere: who may let a gate take what no runner has seen pass.

use super::{Action, FailureTie, Refusal};
use crate::{
    assessment::Assessment,
    deployment::Deployment,
    environment::Environment,
    ids::{PersonId, ReleaseId},
    person::Role,
    run::Run,
    subject::Subject,
};

/// The facts of waiving a failure.
#[derive(Debug, Clone, Copy)]
pub struct Waiving<'a> {
    /// Who would answer for it.
    pub by: &'a PersonId,
    /// That person's name.
    pub name: &'a str,
    /// That person's present role.
    pub role: Role,
    /// The run that has the failure; `None` where no run has ended.
    pub run: Option<&'a Run>,
    /// Name of the person who asked for the validation that the run belongs to.
    pub validated_by: Option<&'a str>,
    /// The release that it is about.
    pub release: Option<&'a ReleaseId>,
    /// Requests that wait for somebody.
    pub open: &'a [Deployment],
    /// All environments: a waiver holds in each of them.
    pub environments: &'a [Environment],
}

/// Waiving a failure, which needs a reason besides ([`super::require_reason`]) and an end
/// ([`crate::assessment::waiver_end`]).
///
/// A waiver is carried over to other releases and holds wherever they are deployed. So people may waive
/// failures of their own requests only where every environment that demands something lets them approve
/// these (`docs/decisions/0024-a-failure-is-assessed-once.md`).
///
/// # Errors
/// Why not.
pub fn may_waive(facts: &Waiving<'_>) -> Result<(), Refusal> {
    Action::Waive.allowed(facts.role)?;
    if own_requests_allowed(facts.environments) {
        return Ok(());
    }
    match tie(facts) {
        Some(tie) => Err(Refusal::OwnFailure { tie }),
        None => Ok(()),
    }
}

/// Whether every environment that demands something lets people approve their own requests.
fn own_requests_allowed(environments: &[Environment]) -> bool {
    let mut strict = environments.iter().filter(|it| it.policy.names_releases()).peekable();
    strict.peek().is_some() && strict.all(|it| it.policy.self_approval)
}

/// Letting results that came in from elsewhere decide at a gate: an approver who did not bring them in.
///
/// # Errors
/// Why not.
pub fn may_count_results(
    (name, role): (&str, Role),
    run: &Run,
    environments: &[Environment],
) -> Result<(), Refusal> {
    Action::CountResults.allowed(role)?;
    if let Some(plan) = &run.plan {
        return Err(Refusal::Counted { plan: plan.clone() });
    }
    if run.ended_at.is_none() || !matches!(run.subject, Some(Subject::Release { .. })) {
        return Err(Refusal::NothingToCount);
    }
    if run.recorded_by == name && !own_requests_allowed(environments) {
        return Err(Refusal::OwnResults);
    }
    Ok(())
}

fn tie(facts: &Waiving<'_>) -> Option<FailureTie> {
    if facts.validated_by == Some(facts.name) {
        return Some(FailureTie::Validation);
    }
    if facts.run.is_some_and(|run| run.recorded_by == facts.name) {
        return Some(FailureTie::Results);
    }
    let own = |it: &&Deployment| it.requester == *facts.by && Some(&it.release) == facts.release;
    let asked = facts.open.iter().find(own)?;
    Some(FailureTie::Deployment { environment: asked.environment.clone() })
}

/// Taking a waiver back, whoever gave it: that makes a gate stricter only.
///
/// # Errors
/// Why not.
pub fn may_withdraw_waiver(role: Role, assessment: Option<&Assessment>) -> Result<(), Refusal> {
    Action::Waive.allowed(role)?;
    match assessment.and_then(|it| it.waiver.as_ref()) {
        Some(_) => Ok(()),
        None => Err(Refusal::NoWaiver),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assessment::Waiver,
        environment::{DEVELOPMENT, PRODUCTION, Policy},
        time::Timestamp,
    };

    fn environment(name: &str, policy: Policy) -> Environment {
        Environment {
            name: name.to_owned(),
            release: None,
            release_name: None,
            since: None,
            policy,
        }
    }

    /// Who asked for the validation, and what an approver called anna gets then.
    fn waive(validated_by: &str, environments: &[Environment]) -> Result<(), Refusal> {
        may_waive(&Waiving {
            by: &"a".into(),
            name: "anna",
            role: Role::Approver,
            run: None,
            validated_by: Some(validated_by),
            release: None,
            open: &[],
            environments,
        })
    }

    #[test]
    fn nobody_waives_a_failure_of_their_own_validation_unless_all_environments_allow() {
        let open = || environment(DEVELOPMENT, Policy::open());
        let strict = |self_approval| {
            environment(PRODUCTION, Policy { self_approval, ..Policy::production() })
        };
        let own = Err(Refusal::OwnFailure { tie: FailureTie::Validation });
        assert_eq!(waive("dora", &[open(), strict(false)]), Ok(()));
        assert_eq!(waive("anna", &[open(), strict(false)]), own);
        assert_eq!(waive("anna", &[open(), strict(true)]), Ok(()));
        assert_eq!(waive("anna", &[strict(true), strict(false)]), own);
        assert_eq!(waive("anna", &[open()]), own);
    }

    #[test]
    fn a_waiver_can_be_taken_back_where_there_is_one() {
        let waiver = Waiver {
            reason: "known".to_owned(),
            person: "a".into(),
            by: "anna".to_owned(),
            at: Timestamp(0),
            until: Timestamp(1),
        };
        let waived = Assessment { waiver: Some(waiver), ..Assessment::default() };
        assert_eq!(may_withdraw_waiver(Role::Approver, Some(&waived)), Ok(()));
        let none = Some(&Assessment::default());
        assert_eq!(may_withdraw_waiver(Role::Approver, none), Err(Refusal::NoWaiver));
        assert!(matches!(
            may_withdraw_waiver(Role::Developer, Some(&waived)),
            Err(Refusal::Role { .. })
        ));
    }
}
