//! What the outside does to a build: no mirror, no such package. Each ends in an error that names
//! the remedy, and leaves a store that goes on.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use domain::{job::JobState, recipe, release::Stage};
use services::{recipes::Saved, releases::Packages};

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
