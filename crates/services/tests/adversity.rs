//! What the outside does to a build: no mirror, no such package, people who change their minds. Each
//! ends in words that name the remedy, and leaves a store that goes on.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use domain::{
    job::{JobState, StepState},
    recipe,
    release::Stage,
    variant,
};
use services::{recipes::Saved, releases::Packages, variants::VariantDraft};
use support::World;

const LIMIT: Duration = Duration::from_secs(600);
/// Port 9 of this host: nothing listens there.
const NO_MIRROR: &str = "http://127.0.0.1:9/debian";

#[test]
fn a_mirror_that_does_not_answer_is_named() {
    support::run_with(LIMIT, Some(NO_MIRROR), |world| async move {
        // Whether the archive has the packages cannot be known now; the build looks again.
        world.save(None, recipe::starter()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Failed);
        let outcome = job.outcome.unwrap();
        assert!(outcome.contains(NO_MIRROR) && outcome.contains("--mirror"), "{outcome}");
        let release = world.services.release(&world.developer, &version).await.unwrap();
        assert_eq!(release.stage, Stage::Failed);
        world
    });
}

#[test]
fn a_package_that_is_missing_is_named_at_its_line() {
    support::run_with(LIMIT, None, |world| async move {
        let ann = &world.developer;
        let text = recipe::starter().replace("\"pciutils\"", "\"pciutils-nonesuch\"");
        let saved = world.services.create_recipe(ann, "starter", &text, "first").await;
        let Ok(Saved::Problems(problems)) = saved else { panic!("{saved:?}") };
        let line = text.lines().position(|line| line.contains("nonesuch")).unwrap() + 1;
        let found: Vec<_> = problems.iter().map(|it| (it.line as usize, &it.message)).collect();
        assert!(
            matches!(&found[..], [(at, message)] if *at == line && message.contains("pciutils-nonesuch")),
            "{found:?}"
        );
        world
    });
}

/// A script that says how far it is, and then takes longer than anybody waits.
const ENDLESS: &str = "base = \"v1.0.0-rc.1\"\n[script]\ncontent = \"echo begun; sleep 100000\"\n";

#[test]
fn a_variant_is_cancelled_and_its_base_withdrawn_while_it_is_built() {
    support::run_with(LIMIT, None, |world| async move {
        world.save(None, recipe::starter()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!((job.state, version.as_str()), (JobState::Succeeded, "v1.0.0-rc.1"));
        let World { services, developer: ann, administrator: eve, .. } = &world;
        let definition = variant::parse(ENDLESS).unwrap();
        let draft = VariantDraft { description: String::new(), days: 1, definition };
        services.create_variant(ann, "probe", draft.clone()).await.unwrap();
        let job = services.start_variant_build(ann, "probe").await.unwrap();
        world.wait_for_line(&job.id, "begun").await;

        // What it stands on was fixed when it was asked for.
        services.withdraw_release(eve, &version, "another one is better").await.unwrap();
        services.cancel_job(ann, &job.id).await.unwrap();
        let job = world.wait_for(&job.id, LIMIT).await;
        assert_eq!((job.state, job.outcome.as_deref()), (JobState::Cancelled, Some("cancelled")));
        let steps = services.steps(ann, &job.id).await.unwrap();
        let states: Vec<_> = steps.iter().map(|it| (it.name.as_str(), it.state)).collect();
        let expected = [
            ("resolve", StepState::Succeeded),
            ("fetch", StepState::Succeeded),
            ("base", StepState::Succeeded),
            ("script", StepState::Cancelled),
            ("pack", StepState::Waiting),
            ("manifest", StepState::Waiting),
        ];
        assert_eq!(states, expected);
        assert_eq!(std::fs::read_dir(world.folder().join("work")).unwrap().count(), 0);
        assert!(services.variant(ann, "probe").await.unwrap().built.is_none());

        for again in [
            services.start_variant_build(ann, "probe").await.unwrap_err().to_string(),
            services.create_variant(ann, "other", draft).await.unwrap_err().to_string(),
        ] {
            assert!(again.contains("v1.0.0-rc.1 is withdrawn and cannot be booted"), "{again}");
        }
        services.verify_audit().await.unwrap();
        world
    });
}
