//! The whole way on real input: a recipe text becomes a release by a real build, boots through a
//! real iPXE in QEMU, is validated, approved, deployed and rolled back, and machines are served it.
//!
//! Build steps and downloads come from `/var/cache/bootwright-test` where their inputs are known;
//! the log says of each step whether it ran.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use domain::{
    deployment::Verdict,
    environment::PRODUCTION,
    job::JobState,
    recipe,
    release::{Health, Stage},
    run::Outcome,
};
use services::{ServiceError, releases::Packages};
use support::World;

/// The starter with another text, as revision 2; its machine gets a root of its own over NFS.
fn second_revision() -> String {
    recipe::starter().replace(
        "text = \"Debian stable netboot 6.1.y\"",
        "text = \"Debian stable netboot 6.1.y again\"\nroot = \"nfs\"\nnfs = \"rw\"",
    )
}

async fn validate(world: &World, version: &str, image_over_http: bool) {
    let ann = &world.developer;
    let (job, runs) = world.validate(version).await;
    let release = world.services.release(ann, version).await.unwrap();
    let run = &runs[0];
    if job.state != JobState::Succeeded {
        world.print_console(&run.id).await;
    }
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
    assert_eq!(run.outcome, Some(Outcome::Passed));
    for stage in &run.stages {
        println!("stage {}: {:?} bytes", stage.stage.word(), stage.bytes);
        assert!(stage.started_at.is_some() && stage.ended_at.is_some(), "{stage:?}");
    }
    // What the listener counted is what the manifest names.
    let contents = world.services.contents(ann, &release).await.unwrap();
    let image = contents.manifest.component("rootfs.squashfs").unwrap();
    assert_eq!(run.stages[3].bytes, image_over_http.then_some(image.size));
}

async fn deploy(world: &World, version: &str) {
    let World { services, developer: ann, approver: bob, .. } = world;
    let request =
        services.request_deployment(ann, PRODUCTION, version, "the monthly one").await.unwrap();
    let own = services.judge_deployment(ann, &request.id, Verdict::Approved, None, "").await;
    assert!(matches!(own, Err(ServiceError::Refused(_))), "{own:?}");
    let early = services.deploy(ann, &request.id).await;
    assert!(matches!(early, Err(ServiceError::Refused(_))), "{early:?}");
    services.judge_deployment(bob, &request.id, Verdict::Approved, None, "seen").await.unwrap();
    services.deploy(ann, &request.id).await.unwrap();
}

#[test]
fn a_recipe_becomes_production_and_goes_back() {
    support::run(Duration::from_secs(600), |world| async move {
        let services = &world.services;
        let ann = &world.developer;

        world.save(None, recipe::starter()).await;
        let (job, first) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        assert_eq!(first, "v1.0.0-rc.1");
        let release = services.release(ann, &first).await.unwrap();
        assert_eq!(release.stage, Stage::Candidate);

        // The signature verifies by the stock program.
        world.verify_signature(&first).await;

        // The same recipe and packages again: no step runs, and nothing new comes of it.
        let (job, second) = world.build(1, Packages::Newer).await;
        assert_eq!(job.outcome.as_deref(), Some("identical to v1.0.0-rc.1"));
        let ran = services.steps(ann, &job.id).await.unwrap();
        let keyed = ran.iter().filter(|step| step.key.is_some());
        assert!(
            keyed.clone().count() == 6 && keyed.clone().all(|step| step.state.word() == "reused")
        );
        assert_eq!(services.release(ann, &second).await.unwrap().stage, Stage::Withdrawn);

        // Not validated: nobody may ask for production.
        let early = services.request_deployment(ann, PRODUCTION, &first, "now please").await;
        assert!(matches!(early, Err(ServiceError::Refused(_))), "{early:?}");
        assert!(world.get("/menu.ipxe").await.contains("serves no release yet"));

        validate(&world, &first, true).await;
        assert_eq!(services.health(ann, &release).await.unwrap(), Health::Passing);
        deploy(&world, &first).await;
        let live = services.release(ann, "v1.0.0").await.unwrap();
        assert_eq!((live.stage, live.manifest), (Stage::Released, release.manifest));
        let menu = world.get("/menu.ipxe").await;
        assert!(menu.contains(&format!("/artifacts/{}/", live.manifest.unwrap())), "{menu}");
        let menu_of_first = menu;

        // Another revision, the same packages: only its menu differs, and so does the version inside.
        world.save(Some(1), &second_revision()).await;
        let (job, next) = world.build(2, Packages::Keep).await;
        assert_eq!(
            (job.state, next.as_str()),
            (JobState::Succeeded, "v1.1.0-rc.1"),
            "{:?}",
            job.outcome
        );
        let candidate = services.release(ann, &next).await.unwrap();
        let change = services.change_against_production(ann, &candidate).await.unwrap();
        assert_eq!(change.base.as_deref(), Some("v1.0.0"));
        assert!(!change.change.is_empty() && !change.recipe.is_empty());

        // Development asks for nothing.
        let World { administrator: eve, .. } = &world;
        let request =
            services.request_deployment(ann, "development", &next, "try it").await.unwrap();
        services.deploy(ann, &request.id).await.unwrap();
        let menu = world.get("/env/development/menu.ipxe").await;
        assert!(menu.contains("6.1.y again"), "{menu}");
        let back = services.roll_back(eve, PRODUCTION, &next, "never served there").await;
        assert!(matches!(back, Err(ServiceError::Refused(_))), "{back:?}");

        // Production moves on, and goes back to the very same bytes.
        validate(&world, &next, false).await;
        deploy(&world, &next).await;
        assert!(world.get("/menu.ipxe").await.contains("6.1.y again"));
        let alone = services.roll_back(ann, PRODUCTION, "v1.0.0", "it breaks the lab").await;
        assert!(matches!(alone, Err(ServiceError::Refused(_))), "{alone:?}");
        services.roll_back(eve, PRODUCTION, "v1.0.0", "it breaks the lab").await.unwrap();
        assert_eq!(world.get("/menu.ipxe").await, menu_of_first);

        let verified = services.verify_audit().await.unwrap();
        assert!(verified.rows > 10);
        println!("audit: {} rows", verified.rows);
        world
    });
}
