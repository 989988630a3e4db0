//! What a deployment stands on may change while somebody executes it: either the deployment comes
//! first, or it sees the change. The audit log's one sequence tells which came first.

use domain::{
    actor::Actor,
    audit::AuditRow,
    deployment::{Deployment, DeploymentState, Verdict},
    environment::{PRODUCTION, Policy},
    ids::RunId,
    page::Slice,
    person::Role,
};
use services::{ServiceError, audit::AuditFilter};

use crate::world::{World, name};

/// How often each change races with a deployment.
const ROUNDS: usize = 8;

/// A request for production that has its approval.
async fn approved(world: &World) -> Deployment {
    let asked = world.requested_for(PRODUCTION, Role::Developer).await;
    let anna = world.actor(Role::Approver).await;
    let judged = world.services.judge_deployment(&anna, &asked.id, Verdict::Approved, None, "");
    judged.await.unwrap();
    asked
}

async fn state(world: &World, of: &Deployment) -> DeploymentState {
    let dave = world.actor(Role::Developer).await;
    world.services.deployment(&dave, &of.id).await.unwrap().state
}

/// The newest row about that.
async fn row(world: &World, action: &str, subject: &str) -> Option<AuditRow> {
    let name = |text: &str| Some(text.to_owned());
    let filter =
        AuditFilter { action: name(action), subject: name(subject), ..AuditFilter::default() };
    let by = Actor::command_line();
    world.services.audit_page(&by, &filter, &Slice::first()).await.unwrap().items.into_iter().next()
}

#[tokio::test]
async fn a_request_lapses_with_its_evidence_and_is_asked_anew() {
    let world = World::furnished().await;
    let dave = world.actor(Role::Developer).await;
    let asked = approved(&world).await;
    world.end_run(&world.run_of(&asked.release_name).await).await;
    let refused = world.services.deploy(&dave, &asked.id).await.unwrap_err();
    assert!(refused.to_string().contains("has lapsed"), "{refused}");
    assert_eq!(state(&world, &asked).await, DeploymentState::Lapsed);
    assert!(row(&world, "deployment.lapse", asked.id.as_str()).await.is_some());
    let served = world.services.environment(&dave, PRODUCTION).await.unwrap().release;
    assert_eq!(served, None);

    let ask = || world.services.request_deployment(&dave, PRODUCTION, &asked.release_name, "anew");
    let second = ask().await.unwrap();
    world.services.withdraw_deployment(&dave, &second.id).await.unwrap();
    assert_eq!(state(&world, &second).await, DeploymentState::Withdrawn);
    let third = ask().await.unwrap();
    let anna = world.actor(Role::Approver).await;
    let judged = world.services.judge_deployment(
        &anna,
        &third.id,
        Verdict::Approved,
        Some(third.evidence),
        "",
    );
    judged.await.unwrap();
    world.services.deploy(&dave, &third.id).await.unwrap();
    assert_eq!(state(&world, &third).await, DeploymentState::Deployed);
}

#[tokio::test]
async fn what_a_person_may_no_longer_do_is_refused_within_the_request() {
    let world = World::furnished().await;
    let before = world.served_before(PRODUCTION).await;
    let asked = world.requested_for(PRODUCTION, Role::Developer).await;
    // As the request that has just been let in knows her.
    let anna = world.actor(Role::Approver).await;
    let adam = world.actor(Role::Administrator).await;
    let services = &world.services;
    services.change_role(&adam, name(Role::Approver), Role::Viewer).await.unwrap();
    let judged = services.judge_deployment(&anna, &asked.id, Verdict::Approved, None, "").await;
    assert!(matches!(judged, Err(ServiceError::Refused(_))), "{judged:?}");
    let back = services.roll_back(&anna, PRODUCTION, &before.release_name, "why not").await;
    assert!(matches!(back, Err(ServiceError::Refused(_))), "{back:?}");
    services.set_disabled(&adam, name(Role::Developer), true).await.unwrap();
    let dave = world.actor(Role::Developer).await;
    let deployed = services.deploy(&dave, &asked.id).await;
    assert!(matches!(deployed, Err(ServiceError::Unauthenticated)), "{deployed:?}");
}

/// What races with a deployment.
#[derive(Debug, Clone, Copy)]
enum Racer {
    /// The approver becomes a viewer.
    RoleLowered,
    /// The approver is disabled.
    Disabled,
    /// A newer run decides.
    Evidence,
    /// The environment demands another approval.
    Policy,
    /// The candidate is taken back.
    ReleaseWithdrawn,
    /// The request is taken back.
    RequestWithdrawn,
}

impl Racer {
    const ALL: [Self; 6] = [
        Self::RoleLowered,
        Self::Disabled,
        Self::Evidence,
        Self::Policy,
        Self::ReleaseWithdrawn,
        Self::RequestWithdrawn,
    ];

    /// Makes the change; `false` where it was refused, since the deployment came first.
    async fn changes(
        self,
        world: &World,
        (adam, dave): (&Actor, &Actor),
        asked: &Deployment,
        run: &RunId,
    ) -> bool {
        let services = &world.services;
        let anna = name(Role::Approver);
        let done = match self {
            Self::RoleLowered => services.change_role(adam, anna, Role::Viewer).await,
            Self::Disabled => services.set_disabled(adam, anna, true).await,
            Self::Evidence => {
                world.end_run(run).await;
                Ok(())
            }
            Self::Policy => services.change_policy(adam, PRODUCTION, demanding(2), None).await,
            Self::ReleaseWithdrawn => {
                services.withdraw_release(dave, &asked.release_name, "it was a mistake").await
            }
            Self::RequestWithdrawn => services.withdraw_deployment(dave, &asked.id).await,
        };
        done.is_ok()
    }

    /// The action and the subject of its audit row.
    fn told(self, asked: &Deployment, run: &RunId) -> (&'static str, String) {
        let anna = name(Role::Approver).to_owned();
        match self {
            Self::RoleLowered => ("person.role", anna),
            Self::Disabled => ("person.disable", anna),
            Self::Evidence => ("validation.end", run.to_string()),
            Self::Policy => ("environment.policy", PRODUCTION.to_owned()),
            Self::ReleaseWithdrawn => ("release.withdraw", asked.release_name.clone()),
            Self::RequestWithdrawn => ("deployment.withdraw", asked.id.to_string()),
        }
    }

    /// Makes everything as it was.
    async fn undo(self, world: &World) {
        let adam = world.actor(Role::Administrator).await;
        let anna = name(Role::Approver);
        let services = &world.services;
        match self {
            Self::RoleLowered => services.change_role(&adam, anna, Role::Approver).await.unwrap(),
            Self::Disabled => services.set_disabled(&adam, anna, false).await.unwrap(),
            Self::Policy => {
                services.change_policy(&adam, PRODUCTION, demanding(1), None).await.unwrap();
            }
            Self::Evidence | Self::ReleaseWithdrawn | Self::RequestWithdrawn => {}
        }
    }
}

fn demanding(approvals: u32) -> Policy {
    Policy { plans: Vec::new(), approvals, self_approval: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_comes_before_a_change_or_sees_it() {
    let world = World::furnished().await;
    let (adam, dave) = (world.actor(Role::Administrator).await, world.actor(Role::Developer).await);
    let mut all_first = 0;
    for racer in Racer::ALL {
        let mut first = 0;
        for round in 0..ROUNDS {
            let asked = approved(&world).await;
            let run = world.run_of(&asked.release_name).await;
            let deploy = world.services.deploy(&dave, &asked.id);
            let change = racer.changes(&world, (&adam, &dave), &asked, &run);
            // Whoever is polled first mostly begins first, so that both orders are seen.
            let (deployed, changed) = if round % 2 == 0 {
                tokio::join!(deploy, change)
            } else {
                let (changed, deployed) = tokio::join!(change, deploy);
                (deployed, changed)
            };
            let executed = row(&world, "deployment.execute", asked.id.as_str()).await;
            assert_eq!(executed.is_some(), deployed.is_ok(), "{racer:?} {deployed:?}");
            if changed {
                let (action, subject) = racer.told(&asked, &run);
                let change = row(&world, action, &subject).await.unwrap();
                let came_first = executed.is_some_and(|it| it.sequence < change.sequence);
                assert_eq!(came_first, deployed.is_ok(), "{racer:?} {change:?}");
            } else {
                assert!(deployed.is_ok(), "{racer:?}: both were refused: {deployed:?}");
            }
            let expected =
                if deployed.is_ok() { Some(&asked.release) } else { asked.from_release.as_ref() };
            let served = world.services.environment(&dave, PRODUCTION).await.unwrap().release;
            assert_eq!(served.as_ref(), expected, "{racer:?}");
            first += usize::from(deployed.is_ok());
            racer.undo(&world).await;
        }
        println!("{racer:?}: the deployment came first in {first} of {ROUNDS} rounds");
        all_first += first;
    }
    let rounds = ROUNDS * Racer::ALL.len();
    assert!((1..rounds).contains(&all_first), "nothing raced: {all_first} of {rounds}");
}
