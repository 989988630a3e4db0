//! Guests that go wrong, for real: each run ends within its time and names whose problem it is.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use domain::{
    job::JobState,
    recipe,
    release::Health,
    run::{FailureClass, Outcome, Run},
};
use services::releases::Packages;

/// How long a guest may take to its login prompt. A hang takes all of it; a panic and a damaged
/// image must end before.
const LIMIT: Duration = Duration::from_secs(150);

/// The starter's entry with other arguments, under a label of its own.
fn entry(label: &str, arguments: &str) -> String {
    format!(
        "\n[[menu.entries]]\nlabel = \"{label}\"\ntext = \"A guest: {label}\"\n\
         kernel = \"vmlinuz-6.1.y\"\narguments = \"console=ttyS0,115200 {arguments}\"\n"
    )
}

fn took(run: &Run) -> Duration {
    run.ended_at.unwrap().since(run.started_at)
}

#[test]
fn a_guest_that_goes_wrong_ends_in_its_class() {
    support::run(LIMIT, |world| async move {
        let text = format!(
            "{}{}{}",
            recipe::starter(),
            // The kernel panics when its first process ends.
            entry("ends", "init=/bin/false"),
            // It waits for a line that nobody types.
            entry("hangs", "init=/bin/cat"),
        );
        world.save(None, &text).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);

        let (job, runs) = world.validate(&version).await;
        assert_eq!(job.state, JobState::Failed, "{:?}", job.outcome);
        let [passed, ended, hung] = &runs[..] else { panic!("{runs:?}") };
        assert_eq!(passed.outcome, Some(Outcome::Passed), "{}", passed.message);
        for run in [ended, hung] {
            assert_eq!(run.outcome, Some(Outcome::Failed));
            assert_eq!(run.failure, Some(FailureClass::Product), "{}", run.message);
        }
        assert!(ended.message.contains("panicked"), "{}", ended.message);
        assert!(took(ended) < LIMIT && took(hung) >= LIMIT);
        let release = world.services.release(&world.developer, &version).await.unwrap();
        let health = world.services.health(&world.developer, &release).await.unwrap();
        assert_eq!(health, Health::Failing);

        // The listener has read the image through; what is damaged after that the guest finds.
        let contents = world.services.contents(&world.developer, &release).await.unwrap();
        world.damage(&contents.manifest.component("rootfs.squashfs").unwrap().sha256);
        let (_, runs) = world.validate(&version).await;
        for run in &runs {
            assert_eq!(run.failure, Some(FailureClass::Configuration), "{}", run.message);
            assert!(took(run) < LIMIT, "{}: {:?}", run.entry, took(run));
        }
        world
    });
}
