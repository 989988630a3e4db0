//! Jobs of kernels: one at a time, on a worker of their own, and what is left when they fail.

use std::time::Duration;

use domain::{
    job::{JobKind, JobState, StepState},
    kernel::{BuildMode, KernelState},
    policy::Refusal,
};
use services::ServiceError;

use crate::world::{World, binary, compiled, tiny};

#[tokio::test(flavor = "multi_thread")]
async fn one_job_of_a_kernel_at_a_time() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("lab", compiled(tiny())).await;
    world.create("debian", binary()).await;
    let start = |name: &'static str, mode| services.start_kernel_build(ann, name, mode);
    let job = start("lab", BuildMode::Configure).await.unwrap();
    assert_eq!((job.kind, job.state), (JobKind::Kernel, JobState::Queued));
    assert_eq!(job.kernel.unwrap().name, "lab");
    let steps = services.steps(ann, &job.id).await.unwrap();
    let names: Vec<_> = steps.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["source", "prepare", "configure"]);
    let again = start("lab", BuildMode::Release).await;
    let Err(ServiceError::Refused(Refusal::KernelAtWork { job: open })) = again else {
        panic!("{again:?}");
    };
    assert_eq!(open, job.id);
    start("debian", BuildMode::Release).await.unwrap();
    let configured = start("debian", BuildMode::Configure).await;
    let nothing = Refusal::NothingToConfigure;
    assert!(matches!(configured, Err(ServiceError::Refused(it)) if it == nothing));
    let refused = services.start_kernel_build(&world.viewer, "lab", BuildMode::Release).await;
    assert!(matches!(refused, Err(ServiceError::Refused(Refusal::Role { .. }))));
    let found = services.kernel(ann, "lab").await.unwrap();
    assert_eq!(found.state, KernelState::Building);
    assert_eq!((found.newest.unwrap().number, found.built), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_says_why_and_leaves_no_half_kernel() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("debian", binary()).await;
    let mut changes = services.changes();
    let job = services.start_kernel_build(ann, "debian", BuildMode::Release).await.unwrap();
    let _working = world.working_on_kernels();
    // No archive answers here, whatever the builder makes of that.
    let job = world.ended(&job.id).await;
    assert_eq!((job.state, job.attempts), (JobState::Failed, 1));
    let outcome = job.outcome.unwrap();
    assert!(outcome.contains("the Debian mirror does not give"), "{outcome}");
    assert!(job.log.is_some());
    let build = services.kernel_build(ann, "debian", 1).await.unwrap();
    assert_eq!((build.state, build.record, build.report), (JobState::Failed, None, None));
    let found = services.kernel(ann, "debian").await.unwrap();
    assert_eq!((found.state, found.built), (KernelState::Failed, None));
    let running = |state| state == StepState::Running;
    assert!(!services.steps(ann, &job.id).await.unwrap().iter().any(|it| running(it.state)));
    let audited = world.audited().await;
    assert_eq!(audited[audited.len() - 3..], ["kernel.add", "kernel.build", "kernel.built"]);
    // Who listens is told twice: it was asked for, and it has ended.
    let told = async {
        for _ in 0..2 {
            while changes.recv().await.unwrap() != "kernel/debian" {}
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
    // It can be tried again.
    let again = services.start_kernel_build(ann, "debian", BuildMode::Release).await.unwrap();
    world.ended(&again.id).await;
    assert_eq!(services.kernel_build(ann, "debian", 2).await.unwrap().state, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_leave_the_other_workers_free() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("debian", binary()).await;
    let kernel = services.start_kernel_build(ann, "debian", BuildMode::Release).await.unwrap();
    let collection = services.start_collection(ann, true).await.unwrap();
    let mut working = world.working();
    let done = world.ended(&collection.id).await;
    assert_eq!(done.state, JobState::Succeeded);
    let waits = services.job(ann, &kernel.id).await.unwrap();
    assert_eq!((waits.state, waits.attempts), (JobState::Queued, 0), "it has its own worker");
    working.ends().await;

    let collection = services.start_collection(ann, true).await.unwrap();
    let _working = world.working_on_kernels();
    assert_eq!(world.ended(&kernel.id).await.state, JobState::Failed);
    let waits = services.job(ann, &collection.id).await.unwrap();
    assert_eq!(waits.attempts, 0, "that worker takes nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_is_cancelled_while_it_waits() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("debian", binary()).await;
    let job = services.start_kernel_build(ann, "debian", BuildMode::Release).await.unwrap();
    services.cancel_job(ann, &job.id).await.unwrap();
    let _working = world.working_on_kernels();
    let job = world.ended(&job.id).await;
    assert_eq!((job.state, job.outcome.as_deref()), (JobState::Cancelled, Some("cancelled")));
    assert_eq!(services.kernel(ann, "debian").await.unwrap().state, KernelState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_wait_for_room_and_say_so() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("debian", binary()).await;
    let job = services.start_kernel_build(ann, "debian", BuildMode::Release).await.unwrap();
    let rules = domain::room::RoomRules { floor: 1 << 50, ..Default::default() };
    services.change_room_rules(&world.administrator, rules, None).await.unwrap();
    let waits = services.waits_for(ann, &job).await.unwrap();
    assert!(waits.unwrap().to_string().starts_with("builds wait for room"));
    let mut changes = services.changes();
    let _kernels = world.working_on_kernels();
    let _others = world.working();
    // Room is made without anybody asking, and the kernel goes on waiting.
    let everything = services::jobs::JobFilter {
        kind: Some(JobKind::Collection),
        state: Some(JobState::Succeeded),
        release: None,
        kernel: None,
        variant: None,
    };
    let slice = domain::page::Slice::first();
    while services.jobs_page(ann, &everything, &slice).await.unwrap().items.is_empty() {
        changes.recv().await.unwrap();
    }
    assert_eq!(services.job(ann, &job.id).await.unwrap().attempts, 0);
    let rules = domain::room::RoomRules { floor: 0, ..rules };
    services.change_room_rules(&world.administrator, rules, None).await.unwrap();
    assert_eq!(world.ended(&job.id).await.state, JobState::Failed);
}
