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
const LIMIT: Duration = Duration::from_secs(120);

/// The starter, whose entry's kernel panics since its first process ends, with a second entry whose
/// first process waits for a line that nobody types.
fn recipe_of_faults() -> String {
    let arguments = "arguments = \"console=ttyS0,115200";
    let ends = recipe::starter().replace(arguments, &format!("{arguments} init=/bin/false"));
    assert_ne!(ends, recipe::starter());
    let hangs = "label = \"hangs\"\ntext = \"A guest that hangs\"\nkernel = \"vmlinuz-6.1.y\"";
    format!("{ends}\n[[menu.entries]]\n{hangs}\n{arguments} init=/bin/cat\"\n")
}

fn took(run: &Run) -> Duration {
    run.ended_at.unwrap().since(run.started_at)
}

#[test]
fn a_guest_that_goes_wrong_ends_in_its_class() {
    support::run(LIMIT, |world| async move {
        world.save(None, &recipe_of_faults()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);

        let (job, runs) = world.validate(&version).await;
        assert_eq!(job.state, JobState::Failed, "{:?}", job.outcome);
        let [ended, hung] = &runs[..] else { panic!("{runs:?}") };
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
