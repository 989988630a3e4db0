//! Environments, and the deployments that move their pointers.

use domain::{
    deployment::{Approval, Deployment, DeploymentState, Verdict},
    digest::Digest,
    environment::{DEVELOPMENT, PRODUCTION, Policy},
    ids::{DeploymentId, ReleaseId},
    person::{Person, Role},
    policy::{RollingBack, roll_back_gate},
    release::{Release, Stage},
};
use store::{StoreError, WriteTx};

use crate::{on_both_engines, world::World};

on_both_engines! {
    environments_exist_from_the_start
    policies_change_and_stay_changed
    the_pointer_moves_by_a_permit
    a_request_is_kept_with_what_was_said
    a_person_says_one_thing
    states_change_from_where_they_are
    deployments_are_found_by_environment_release_and_openness
    what_was_served_is_remembered
}

async fn request(world: &World, by: &Person, release: &Release, environment: &str) -> Deployment {
    let new = Deployment {
        id: DeploymentId(world.id()),
        environment: environment.to_owned(),
        release: release.id.clone(),
        release_name: release.name(),
        from_release: None,
        from_name: None,
        rollback: false,
        state: DeploymentState::Requested,
        reason: "because".to_owned(),
        requester: by.id.clone(),
        requester_name: by.name.clone(),
        requested_at: world.now(),
        manifest: release.manifest.unwrap(),
        evidence: Digest::of("evidence"),
        approvals: Vec::new(),
        ended_at: None,
        ended_by: None,
        outcome: None,
    };
    let mut tx = world.begin().await;
    tx.insert_deployment(&new).await.unwrap();
    tx.commit().await.unwrap();
    new
}

fn approval(world: &World, by: &Person, of: &Deployment, verdict: Verdict) -> Approval {
    Approval {
        approver: by.id.clone(),
        approver_name: by.name.clone(),
        verdict,
        comment: "seen".to_owned(),
        at: world.now(),
        manifest: of.manifest,
        evidence: of.evidence,
    }
}

async fn move_pointer(
    world: &World,
    tx: &mut WriteTx,
    environment: &str,
    release: &ReleaseId,
) -> Result<(), StoreError> {
    let policy = Policy::open();
    let facts = RollingBack {
        role: Role::Approver,
        environment,
        policy: &policy,
        release,
        stage: Stage::Released,
        served_before: true,
        serves: false,
    };
    WriteTx::move_pointer(roll_back_gate(&facts, tx).unwrap(), world.now()).await
}

async fn environments_exist_from_the_start(world: World) {
    let mut rows = world.store.read().await.unwrap();
    let environments = rows.environments().await.unwrap();
    let names: Vec<&str> = environments.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, [PRODUCTION, DEVELOPMENT]);
    assert_eq!(environments[0].policy, Policy::production());
    assert_eq!(environments[1].policy, Policy::open());
    assert_eq!((environments[0].release.as_ref(), environments[0].since), (None, None));
    assert_eq!(rows.environment("elsewhere").await.unwrap(), None);
}

async fn policies_change_and_stay_changed(world: World) {
    let strict = Policy { approvals: 2, ..Policy::production() };
    let mut tx = world.begin().await;
    tx.set_policy(PRODUCTION, &strict).await.unwrap();
    let nowhere = tx.set_policy("elsewhere", &strict).await;
    assert!(matches!(nowhere, Err(StoreError::Changed("environment"))), "{nowhere:?}");
    tx.commit().await.unwrap();
    // The next start makes what is missing, and leaves what is there.
    world.store.migrate().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.environment(PRODUCTION).await.unwrap().unwrap().policy, strict);
}

async fn the_pointer_moves_by_a_permit(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let mut tx = world.begin().await;
    move_pointer(&world, &mut tx, PRODUCTION, &release.id).await.unwrap();
    let environment = tx.environment(PRODUCTION).await.unwrap().unwrap();
    assert_eq!(environment.release.as_ref(), Some(&release.id));
    assert_eq!(environment.release_name.as_deref(), Some("v1.0.0-rc.1"));
    assert!(environment.since.is_some());
    tx.name_released(&release.id, world.now()).await.unwrap();
    let environment = tx.environment(PRODUCTION).await.unwrap().unwrap();
    assert_eq!(environment.release_name.as_deref(), Some("v1.0.0"));
    let listed = tx.environments().await.unwrap();
    assert_eq!(listed[0], environment);
    let nowhere = move_pointer(&world, &mut tx, "elsewhere", &release.id).await;
    assert!(matches!(nowhere, Err(StoreError::Changed("environment"))), "{nowhere:?}");
}

async fn a_request_is_kept_with_what_was_said(world: World) {
    let (ada, bob) =
        (world.person("ada", Role::Developer).await, world.person("bob", Role::Approver).await);
    let eve = world.person("eve", Role::Approver).await;
    let before = world.candidate("v1.0.0-rc.1", "a").await;
    let release = world.candidate("v1.1.0-rc.1", "b").await;
    let asked = request(&world, &ada, &release, PRODUCTION).await;
    let first = approval(&world, &bob, &asked, Verdict::Approved);
    let second = approval(&world, &eve, &asked, Verdict::Refused);
    let mut tx = world.begin().await;
    tx.insert_approval(&asked.id, &first).await.unwrap();
    tx.insert_approval(&asked.id, &second).await.unwrap();
    tx.set_deployed_from(&asked.id, Some(&before.id)).await.unwrap();
    let nothing = tx.set_deployed_from(&DeploymentId::from("none"), None).await;
    assert!(matches!(nothing, Err(StoreError::Changed("deployment"))), "{nothing:?}");
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    let kept = Deployment {
        from_release: Some(before.id),
        from_name: Some("v1.0.0-rc.1".to_owned()),
        approvals: vec![first, second],
        ..asked.clone()
    };
    assert_eq!(rows.deployment(&asked.id).await.unwrap(), Some(kept));
    assert_eq!(rows.deployment(&DeploymentId::from("none")).await.unwrap(), None);
}

async fn a_person_says_one_thing(world: World) {
    let (ada, bob) =
        (world.person("ada", Role::Developer).await, world.person("bob", Role::Approver).await);
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let asked = request(&world, &ada, &release, PRODUCTION).await;
    let mut tx = world.begin().await;
    let yes = approval(&world, &bob, &asked, Verdict::Approved);
    tx.insert_approval(&asked.id, &yes).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    let no = approval(&world, &bob, &asked, Verdict::Refused);
    assert!(tx.insert_approval(&asked.id, &no).await.unwrap_err().is_conflict());
}

async fn states_change_from_where_they_are(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let asked = request(&world, &ada, &release, PRODUCTION).await;
    let ended = world.now();
    let mut tx = world.begin().await;
    let (requested, approved) = (DeploymentState::Requested, DeploymentState::Approved);
    tx.set_deployment_state(&asked.id, requested, approved, None).await.unwrap();
    let late = tx.set_deployment_state(&asked.id, requested, approved, None).await;
    assert!(matches!(late, Err(StoreError::Changed("deployment"))), "{late:?}");
    let end = Some((ended, "ada", "taken back"));
    tx.set_deployment_state(&asked.id, approved, DeploymentState::Withdrawn, end).await.unwrap();
    let withdrawn = tx.deployment(&asked.id).await.unwrap().unwrap();
    assert_eq!(withdrawn.state, DeploymentState::Withdrawn);
    assert_eq!(withdrawn.ended_at, Some(ended));
    assert_eq!(withdrawn.ended_by.as_deref(), Some("ada"));
    assert_eq!(withdrawn.outcome.as_deref(), Some("taken back"));
}

async fn deployments_are_found_by_environment_release_and_openness(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let one = world.candidate("v1.0.0-rc.1", "a").await;
    let two = world.candidate("v1.1.0-rc.1", "b").await;
    let first = request(&world, &ada, &one, PRODUCTION).await;
    let second = request(&world, &ada, &two, PRODUCTION).await;
    let third = request(&world, &ada, &two, DEVELOPMENT).await;
    let mut tx = world.begin().await;
    let end = Some((world.now(), "ada", "taken back"));
    let (requested, withdrawn) = (DeploymentState::Requested, DeploymentState::Withdrawn);
    tx.set_deployment_state(&first.id, requested, withdrawn, end).await.unwrap();
    tx.commit().await.unwrap();

    let ids = |deployments: Vec<Deployment>| -> Vec<DeploymentId> {
        deployments.into_iter().map(|it| it.id).collect()
    };
    let mut rows = world.store.read().await.unwrap();
    let open = [second.id.clone(), third.id.clone()];
    assert_eq!(ids(rows.open_deployments().await.unwrap()), open);
    // By what happened to them last: the one that ended, then the one that was asked for later.
    let of_production = rows.deployments_of_environment(PRODUCTION, 50).await.unwrap();
    assert_eq!(ids(of_production), [first.id, second.id.clone()]);
    let of_release = rows.deployments_of_release(&two.id).await.unwrap();
    assert_eq!(ids(of_release), [third.id, second.id]);
}

async fn what_was_served_is_remembered(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let asked = request(&world, &ada, &release, PRODUCTION).await;
    let mut tx = world.begin().await;
    assert!(!tx.has_served(PRODUCTION, &release.id).await.unwrap());
    let end = Some((world.now(), "ada", "deployed"));
    let (requested, deployed) = (DeploymentState::Requested, DeploymentState::Deployed);
    tx.set_deployment_state(&asked.id, requested, deployed, end).await.unwrap();
    assert!(tx.has_served(PRODUCTION, &release.id).await.unwrap());
    assert!(!tx.has_served(DEVELOPMENT, &release.id).await.unwrap());
}
