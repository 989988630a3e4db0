use proptest::prelude::*;

use super::*;
use crate::{
    actor::Who,
    deployment::{Approval, Deployment, DeploymentState, Verdict},
    digest::Digest,
    environment::{DEVELOPMENT, PRODUCTION, Policy},
    guest::{GuestLimits, GuestState},
    ids::PersonId,
    person::Person,
    release::Health,
    time::Timestamp,
};

fn digest(text: &str) -> Digest {
    Digest::of(text)
}

fn id(name: &str) -> PersonId {
    PersonId::from(name)
}

fn person(name: &str, role: Role, disabled: bool) -> Person {
    Person {
        id: id(name),
        name: name.to_owned(),
        role,
        created_at: Timestamp(0),
        disabled_at: disabled.then_some(Timestamp(1)),
    }
}

fn standing() -> Standing {
    Standing {
        stage: Stage::Candidate,
        manifest: digest("manifest"),
        evidence: digest("evidence"),
        plans: vec![("smoke".to_owned(), Health::Passing)],
        own_waivers: Vec::new(),
        name_taken_by: None,
    }
}

fn said(approver: &str, verdict: Verdict) -> Approval {
    Approval {
        approver: id(approver),
        approver_name: approver.to_owned(),
        verdict,
        comment: "fine".to_owned(),
        at: Timestamp(2),
        manifest: digest("manifest"),
        evidence: digest("evidence"),
    }
}

/// A request for production by "dora", with what was said.
fn request(approvals: Vec<Approval>) -> Deployment {
    Deployment {
        id: "d".into(),
        environment: PRODUCTION.to_owned(),
        release: "r".into(),
        release_name: "v1.0.0-rc.1".to_owned(),
        from_release: None,
        from_name: None,
        rollback: false,
        state: DeploymentState::Requested,
        reason: "a new kernel".to_owned(),
        requester: id("dora"),
        requester_name: "dora".to_owned(),
        requested_at: Timestamp(1),
        manifest: digest("manifest"),
        evidence: digest("evidence"),
        approvals,
        ended_at: None,
        ended_by: None,
        outcome: None,
    }
}

fn everybody() -> Vec<Person> {
    vec![
        person("vera", Role::Viewer, false),
        person("dora", Role::Approver, false),
        person("anna", Role::Approver, false),
        person("adam", Role::Administrator, false),
    ]
}

/// What the person of that name and role gets when approving.
fn approve(by: &str, role: Role, deployment: &Deployment, policy: &Policy) -> Result<(), Refusal> {
    may_approve(&Approving {
        by: &id(by),
        role,
        deployment,
        policy,
        standing: &standing(),
        people: 4,
    })
}

fn deploy(by: &str, role: Role, deployment: &Deployment, people: &[Person]) -> Result<(), Refusal> {
    let policy = Policy::production();
    let standing = standing();
    may_deploy(&Deploying {
        by: &id(by),
        role,
        deployment,
        policy: &policy,
        standing: &standing,
        people,
    })
}

#[test]
fn each_role_may_what_the_table_says() {
    use Action::*;
    let table: [(&[Action], [bool; 4]); 4] = [
        (&[Read, ChangeOwnPassword, ManageOwnTokens], [true, true, true, true]),
        (
            &[
                EditRecipe,
                Build,
                EditKernel,
                BuildKernel,
                DeleteKernel,
                EditVariant,
                BuildVariant,
                FillSlot,
                Upload,
                Import,
                CancelJob,
                EditPlan,
                Validate,
                RecordResults,
                KeepRun,
                AssessFailure,
                StartGuest,
                UseGuest,
                EditMachine,
                AssignMachine,
                LockMachine,
                WithdrawRelease,
                EditNotes,
                PinRelease,
                CollectGarbage,
                RequestDeployment,
                WithdrawRequest,
                Deploy,
                RollBack,
            ],
            [false, true, true, true],
        ),
        (&[Approve, Refuse, CountResults, Waive, ChangeMachineRules], [false, false, true, true]),
        (
            &[ManagePeople, ChangePolicy, ChangeRoomRules, ChangeUnregistered],
            [false, false, false, true],
        ),
    ];
    let rows: usize = table.iter().map(|(actions, _)| actions.len()).sum();
    assert_eq!(rows, Action::ALL.len());
    for (actions, expected) in table {
        for action in actions {
            for (role, expected) in Role::ALL.into_iter().zip(expected) {
                assert_eq!(action.allowed(role).is_ok(), expected, "{action:?} by {role}");
            }
        }
    }
    assert!(Action::ALL.is_sorted_by_key(|action| action.least_role()));
}

#[test]
fn who_is_no_person_does_next_to_nothing() {
    for action in Action::ALL {
        assert_eq!(action.allowed_to(&Who::Anonymous), Err(Refusal::SignIn));
        assert_eq!(action.allowed_to(&Who::Runner).is_ok(), action == Action::Read);
        let (plan, machine) = ("smoke".to_owned(), "qemu".to_owned());
        let reporter = Who::Reporter { id: id("x"), name: "x".to_owned(), plan, machine };
        assert!(matches!(action.allowed_to(&reporter), Err(Refusal::Scope { .. })));
        let by_command = matches!(action, Action::Read | Action::ManagePeople);
        assert_eq!(action.allowed_to(&Who::CommandLine).is_ok(), by_command, "{action:?}");
        for role in Role::ALL {
            let who = Who::Person { id: id("x"), name: "x".to_owned(), role };
            assert_eq!(action.allowed_to(&who), action.allowed(role));
        }
    }
}

#[test]
fn the_plain_checks_ask_for_their_action() {
    let limits = GuestLimits::default();
    for role in Role::ALL {
        for (answer, action) in [
            (may_read(role), Action::Read),
            (may_edit_recipe(role), Action::EditRecipe),
            (may_build(role), Action::Build),
            (may_cancel_job(role, JobState::Running), Action::CancelJob),
            (may_validate(role, Stage::Candidate), Action::Validate),
            (may_start_guest(role, GuestCounts::default(), &limits), Action::StartGuest),
            (may_use_guest(role, GuestState::Running), Action::UseGuest),
            (may_edit_notes(role, Stage::Candidate), Action::EditNotes),
            (may_pin(role, Stage::Candidate), Action::PinRelease),
            (may_change_policy(role), Action::ChangePolicy),
            (may_manage_people(role), Action::ManagePeople),
            (may_withdraw_release(role, Stage::Candidate, &[], None), Action::WithdrawRelease),
            (may_refuse(role, &id("anna"), &request(vec![])), Action::Refuse),
            (may_withdraw(role, &id("dora"), &request(vec![])), Action::WithdrawRequest),
            (approve("anna", role, &request(vec![]), &Policy::production()), Action::Approve),
        ] {
            assert_eq!(answer, action.allowed(role), "{action:?} by {role}");
        }
    }
}

#[test]
fn what_has_ended_or_is_served_is_left_alone() {
    for state in JobState::ALL {
        assert_eq!(may_cancel_job(Role::Developer, state).is_err(), state.ended(), "{state}");
    }
    for stage in Stage::ALL {
        let dev = Role::Developer;
        assert_eq!(may_validate(dev, stage).is_ok(), stage.bootable(), "{stage}");
        let withdraws = may_withdraw_release(dev, stage, &[], None).is_ok();
        assert_eq!(withdraws, stage == Stage::Candidate, "{stage}");
        assert_eq!(may_pin(dev, stage).is_ok(), stage == Stage::Candidate, "{stage}");
        let notes = may_edit_notes(dev, stage).is_ok();
        assert_eq!(notes, matches!(stage, Stage::Building | Stage::Candidate), "{stage}");
    }
    let serving = [DEVELOPMENT.to_owned()];
    let refusal =
        may_withdraw_release(Role::Administrator, Stage::Candidate, &serving, None).unwrap_err();
    assert!(refusal.to_string().starts_with("development serves this release"), "{refusal}");
    let refusal =
        may_withdraw_release(Role::Administrator, Stage::Candidate, &[], Some("ada")).unwrap_err();
    assert!(refusal.to_string().starts_with("ada pinned this release"), "{refusal}");
}

#[test]
fn asking_takes_evidence_and_no_twin() {
    let policy = Policy::production();
    let good = standing();
    let ask = |standing: &Standing, policy: &Policy, serves, requested| {
        may_request_deployment(&Requesting {
            role: Role::Developer,
            environment: PRODUCTION,
            policy,
            standing,
            serves,
            requested,
        })
    };
    assert_eq!(ask(&good, &policy, false, false), Ok(()));
    assert!(matches!(ask(&good, &policy, true, false), Err(Refusal::ServedAlready { .. })));
    assert!(matches!(ask(&good, &policy, false, true), Err(Refusal::RequestedAlready { .. })));
    for health in [Some(Health::Failing), Some(Health::Unknown), None] {
        let plans = health.map(|health| ("smoke".to_owned(), health)).into_iter().collect();
        let poor = Standing { plans, ..good.clone() };
        let refusal = ask(&poor, &policy, false, false).unwrap_err();
        match health {
            Some(Health::Failing) => assert!(matches!(refusal, Refusal::PlanFailing { .. })),
            _ => assert!(matches!(refusal, Refusal::PlanUnknown { .. })),
        }
        assert_eq!(ask(&poor, &Policy::open(), false, false), Ok(()));
    }
    for stage in Stage::ALL {
        let standing = Standing { stage, ..good.clone() };
        assert_eq!(ask(&standing, &policy, false, false).is_ok(), stage.bootable(), "{stage}");
    }
    // The name that a deployment would give is another candidate's already.
    let by = "v1.0.0-rc.1".parse().ok();
    let second = Standing { name_taken_by: by, ..good };
    let refusal = ask(&second, &policy, false, false).unwrap_err();
    assert!(refusal.to_string().starts_with("v1.0.0 was released already, from v1.0.0-rc.1"));
    assert_eq!(ask(&second, &Policy::open(), false, false), Ok(()));
}

#[test]
fn nobody_approves_their_own_request_and_one_person_learns_why() {
    let policy = Policy::production();
    let deployment = request(vec![]);
    let refusal = approve("dora", Role::Administrator, &deployment, &policy).unwrap_err();
    assert!(matches!(refusal, Refusal::OwnRequest { .. }), "{refusal}");
    let alone = may_approve(&Approving {
        by: &id("dora"),
        role: Role::Administrator,
        deployment: &deployment,
        policy: &policy,
        standing: &standing(),
        people: 1,
    })
    .unwrap_err();
    assert!(alone.to_string().contains("has one person"), "{alone}");
    assert!(alone.to_string().contains("people may approve their own requests"), "{alone}");
    let open = Policy { self_approval: true, ..policy };
    assert_eq!(approve("dora", Role::Administrator, &deployment, &open), Ok(()));
}

#[test]
fn an_approver_speaks_once_and_only_on_open_requests() {
    let policy = Policy::production();
    let spoken = request(vec![said("anna", Verdict::Approved)]);
    assert_eq!(approve("anna", Role::Approver, &spoken, &policy), Err(Refusal::ApprovedAlready));
    assert_eq!(approve("adam", Role::Approver, &spoken, &policy), Ok(()));
    for state in DeploymentState::ALL {
        let deployment = Deployment { state, ..request(vec![]) };
        assert_eq!(approve("anna", Role::Approver, &deployment, &policy).is_ok(), state.open());
        assert_eq!(may_refuse(Role::Approver, &id("anna"), &deployment).is_ok(), state.open());
        assert_eq!(may_withdraw(Role::Developer, &id("dora"), &deployment).is_ok(), state.open());
    }
    let open = request(vec![]);
    assert_eq!(may_refuse(Role::Approver, &id("dora"), &open), Err(Refusal::WithdrawInstead));
    let refusal = may_withdraw(Role::Approver, &id("anna"), &open).unwrap_err();
    assert!(refusal.to_string().starts_with("dora asked for this"), "{refusal}");
    assert_eq!(may_withdraw(Role::Administrator, &id("adam"), &open), Ok(()));
}

#[test]
fn deploying_takes_the_requester_or_an_approver_and_living_approvals() {
    let people = everybody();
    let approved = request(vec![said("anna", Verdict::Approved)]);
    assert_eq!(deploy("dora", Role::Developer, &approved, &people), Ok(()));
    assert_eq!(deploy("anna", Role::Approver, &approved, &people), Ok(()));
    assert_eq!(deploy("adam", Role::Administrator, &approved, &people), Ok(()));
    assert!(matches!(deploy("dora", Role::Viewer, &approved, &people), Err(Refusal::Role { .. })));
    assert!(matches!(
        deploy("eve", Role::Developer, &approved, &people),
        Err(Refusal::NotDeployer { .. })
    ));
    let counted = |deployment: &Deployment, people: &[Person]| match deploy(
        "dora",
        Role::Developer,
        deployment,
        people,
    ) {
        Ok(()) => 1,
        Err(Refusal::Approvals { counted, demanded: 1, .. }) => counted,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(counted(&request(vec![]), &people), 0);
    assert_eq!(counted(&request(vec![said("dora", Verdict::Approved)]), &people), 0, "her own");
    assert_eq!(counted(&request(vec![said("gone", Verdict::Approved)]), &people), 0, "unknown");
    for (role, disabled, counts) in [
        (Role::Approver, false, 1),
        (Role::Administrator, false, 1),
        (Role::Approver, true, 0),
        (Role::Developer, false, 0),
    ] {
        assert_eq!(counted(&approved, &[person("anna", role, disabled)]), counts, "{role}");
    }
    let refused = request(vec![said("anna", Verdict::Approved), said("adam", Verdict::Refused)]);
    assert!(matches!(
        deploy("dora", Role::Developer, &refused, &people),
        Err(Refusal::Closed { .. })
    ));
}

#[test]
fn two_approvals_are_those_of_two_people() {
    let policy = Policy { approvals: 2, ..Policy::production() };
    let (people, standing) = (everybody(), standing());
    let deploy = |approvals| {
        let deployment = request(approvals);
        may_deploy(&Deploying {
            by: &id("dora"),
            role: Role::Developer,
            deployment: &deployment,
            policy: &policy,
            standing: &standing,
            people: &people,
        })
    };
    let yes = |name| said(name, Verdict::Approved);
    assert!(matches!(
        deploy(vec![yes("anna"), yes("anna")]),
        Err(Refusal::Approvals { counted: 1, .. })
    ));
    assert_eq!(deploy(vec![yes("anna"), yes("adam")]), Ok(()));
}

#[test]
fn rolling_back_leads_only_to_what_was_served() {
    let release = "r".into();
    let back = |role, policy: &Policy, stage, served_before, serves| {
        let facts = RollingBack {
            role,
            environment: PRODUCTION,
            policy,
            release: &release,
            stage,
            served_before,
            serves,
        };
        roll_back_gate(&facts, &mut ()).map(|permit| permit.release().clone())
    };
    let (strict, open) = (Policy::production(), Policy::open());
    for role in Role::ALL {
        let released = Stage::Released;
        assert_eq!(back(role, &strict, released, true, false).is_ok(), role >= Role::Approver);
        assert_eq!(back(role, &open, released, true, false).is_ok(), role >= Role::Developer);
        assert!(back(role, &open, released, false, false).is_err());
        assert!(back(role, &open, released, true, true).is_err());
        assert!(back(role, &open, Stage::Withdrawn, true, false).is_err());
    }
}

#[test]
fn a_permit_names_what_was_judged() {
    let deployment = request(vec![said("anna", Verdict::Approved)]);
    let facts = Deploying {
        by: &id("dora"),
        role: Role::Developer,
        deployment: &deployment,
        policy: &Policy::production(),
        standing: &standing(),
        people: &everybody(),
    };
    let mut transaction = vec!["read"];
    let mut permit = deploy_gate(&facts, &mut transaction).unwrap();
    assert_eq!((permit.environment(), permit.release().as_str()), (PRODUCTION, "r"));
    permit.transaction().push("moved");
    assert_eq!(transaction, ["read", "moved"]);
}

#[test]
fn the_last_administrator_stays() {
    let alone =
        [person("adam", Role::Administrator, false), person("old", Role::Administrator, true)];
    let refusal = may_disable(Role::Administrator, &alone[0], &alone).unwrap_err();
    assert!(refusal.to_string().starts_with("adam is the last administrator"), "{refusal}");
    for role in Role::ALL {
        let demoted = may_change_role(Role::Administrator, &alone[0], role, &alone);
        assert_eq!(demoted.is_ok(), role == Role::Administrator, "{role}");
        assert!(
            may_disable(role, &person("x", Role::Viewer, false), &alone).is_ok()
                == (role == Role::Administrator)
        );
    }
    let two =
        [person("adam", Role::Administrator, false), person("eve", Role::Administrator, false)];
    assert_eq!(may_disable(Role::Administrator, &two[0], &two), Ok(()));
    assert_eq!(may_disable(Role::Administrator, &alone[1], &alone), Ok(()));
}

#[test]
fn reasons_are_trimmed_and_bounded() {
    assert_eq!(require_reason("  a new kernel\n"), Ok("a new kernel".to_owned()));
    for text in ["", "  ", "ab", " ab ", &"x".repeat(2001)] {
        assert_eq!(require_reason(text), Err(Refusal::Reason));
    }
    assert!(require_reason(&"ü".repeat(2000)).is_ok());
}

#[test]
fn refusals_travel_to_pages() {
    let refusal = Action::Approve.allowed(Role::Viewer).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "to approve a deployment you need the role approver, and yours is viewer; ask an administrator for it"
    );
    let lapse = Refusal::Lapsed { lapse: Lapse::Manifest };
    for refusal in [refusal, lapse, Refusal::SignIn] {
        let sent = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&sent).unwrap(), refusal);
    }
}

fn any_approval() -> impl Strategy<Value = Approval> {
    let who = prop::sample::select(vec!["vera", "dora", "anna", "adam"]);
    let verdict =
        prop::sample::select(vec![Verdict::Approved, Verdict::Approved, Verdict::Refused]);
    let about = prop::sample::select(vec!["manifest", "other"]);
    let on = prop::sample::select(vec!["evidence", "other"]);
    (who, verdict, about, on).prop_map(|(who, verdict, about, on)| Approval {
        manifest: digest(about),
        evidence: digest(on),
        ..said(who, verdict)
    })
}

fn any_role() -> impl Strategy<Value = Role> {
    prop::sample::select(Role::ALL.to_vec())
}

proptest! {
    #[test]
    fn without_the_switch_nobody_ever_approves_themselves(
        role in any_role(), people in 0..5_usize, state in prop::sample::select(DeploymentState::ALL.to_vec()),
        demanded in 0..3_u32, approvals in prop::collection::vec(any_approval(), 0..5),
    ) {
        let policy = Policy { approvals: demanded, self_approval: false, ..Policy::production() };
        let deployment = Deployment { state, ..request(approvals) };
        let standing = standing();
        let answer = may_approve(&Approving {
            by: &id("dora"), role, deployment: &deployment, policy: &policy,
            standing: &standing, people,
        });
        prop_assert!(answer.is_err());
    }

    #[test]
    fn what_is_deployed_had_enough_other_people(
        role in any_role(), demanded in 0..3_u32, self_approval: bool,
        approvals in prop::collection::vec(any_approval(), 0..6),
        roles in prop::collection::vec((any_role(), any::<bool>()), 4),
    ) {
        let names = ["vera", "dora", "anna", "adam"];
        let people: Vec<Person> =
            names.iter().zip(roles).map(|(name, (role, disabled))| person(name, role, disabled)).collect();
        let policy = Policy { approvals: demanded, self_approval, ..Policy::production() };
        let deployment = request(approvals);
        let standing = standing();
        let facts = Deploying {
            by: &id("dora"), role, deployment: &deployment, policy: &policy,
            standing: &standing, people: &people,
        };
        if may_deploy(&facts).is_ok() {
            let good = names.iter().filter(|name| {
                let able = people.iter().any(|p| p.id == id(name) && p.role >= Role::Approver && p.disabled_at.is_none());
                let spoke = deployment.approvals.iter().any(|said| {
                    said.approver == id(name) && said.verdict == Verdict::Approved
                        && said.manifest == standing.manifest && said.evidence == standing.evidence
                });
                able && spoke && (self_approval || **name != "dora")
            });
            prop_assert!(u32::try_from(good.count()).unwrap() >= demanded);
        }
    }

    #[test]
    fn another_digest_always_lapses(manifest in ".{0,8}", evidence in ".{0,8}") {
        let deployment = request(vec![said("anna", Verdict::Approved)]);
        let now = Standing { manifest: digest(&manifest), evidence: digest(&evidence), ..standing() };
        let same = manifest == "manifest" && evidence == "evidence";
        prop_assert_eq!(lapsed(&deployment, &now.manifest, &now.evidence).is_none(), same);
        let answer = may_deploy(&Deploying {
            by: &id("dora"), role: Role::Developer, deployment: &deployment,
            policy: &Policy::production(), standing: &now, people: &everybody(),
        });
        prop_assert_eq!(answer.is_ok(), same);
    }
}
