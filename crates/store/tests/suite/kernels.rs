//! Kernels and their builds.

use domain::{
    blob::BlobRef,
    digest::Digest,
    ids::KernelId,
    job::{JobKind, JobState},
    kernel::{
        BuildMode, ConfigBase, ConfigReport, Configuration, Definition, Flavor, Kernel, KernelState,
    },
    page::Slice,
};
use store::{
    StoreError,
    kernels::{KernelFilter, KernelRow},
};

use crate::{
    on_both_engines,
    world::{World, binary, record},
};

on_both_engines! {
    a_kernel_is_kept_changed_and_removed
    a_name_is_taken_while_its_kernel_is_there
    a_pinned_source_is_no_change
    kernels_are_listed_by_name_flavor_and_state
    the_state_of_the_list_is_that_of_the_domain
    a_build_is_known_piece_by_piece
    a_complete_build_stays_as_it_is
    the_newest_builds_come_with_one_query
    a_job_names_its_kernel
    files_of_builds_are_named_until_they_are_given_up
    thousands_of_builds_are_listed_at_once
}

async fn a_kernel_is_kept_changed_and_removed(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let mut tx = world.begin().await;
    let found = tx.kernel("lab").await.unwrap().unwrap();
    assert_eq!(found, KernelRow { kernel: kernel.clone(), state: KernelState::New, newest: 0 });
    let changed = Kernel {
        revision: 2,
        definition: Definition { flavor: Flavor::Xen, ..binary("xen-hypervisor-4.17-amd64") },
        changed_at: world.now(),
        changed_by: "bob".to_owned(),
        ..kernel.clone()
    };
    tx.change_kernel(&changed).await.unwrap();
    assert_eq!(tx.kernel("lab").await.unwrap().unwrap().kernel, changed);
    let late = tx.change_kernel(&changed).await;
    assert!(matches!(late, Err(StoreError::Changed(_))), "on top of a former revision");
    tx.delete_kernel(&kernel.id, world.now()).await.unwrap();
    assert_eq!(tx.kernel("lab").await.unwrap(), None);
    assert!(tx.delete_kernel(&kernel.id, world.now()).await.is_err(), "once");
    let next = Kernel { revision: 3, ..changed };
    assert!(tx.change_kernel(&next).await.is_err(), "it is gone");
}

async fn a_name_is_taken_while_its_kernel_is_there(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let again = Kernel { id: KernelId(world.id()), ..kernel.clone() };
    let mut tx = world.begin().await;
    let error = tx.insert_kernel(&again).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    drop(tx);
    let mut tx = world.begin().await;
    tx.delete_kernel(&kernel.id, world.now()).await.unwrap();
    tx.insert_kernel(&again).await.unwrap();
    assert_eq!(tx.kernel("lab").await.unwrap().unwrap().kernel, again);
}

async fn a_pinned_source_is_no_change(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let job = world.kernel_build(&kernel, 1, BuildMode::Release).await;
    let mut tx = world.begin().await;
    let pinned = binary("linux-image-cloud-amd64");
    assert!(tx.pin_kernel(&kernel.id, 1, &pinned).await.unwrap());
    let found = tx.kernel("lab").await.unwrap().unwrap().kernel;
    assert_eq!((found.revision, found.changed_at), (1, kernel.changed_at));
    assert_eq!(found.definition, pinned);
    assert!(!tx.pin_kernel(&kernel.id, 2, &kernel.definition).await.unwrap());
    tx.pin_kernel_build(&job, &pinned).await.unwrap();
    let build = tx.kernel_build("lab", 1).await.unwrap().unwrap().build;
    assert_eq!(build.definition, pinned);
}

async fn kernels_are_listed_by_name_flavor_and_state(world: World) {
    let xen = Definition { flavor: Flavor::Xen, ..binary("xen-hypervisor-4.17-amd64") };
    for name in ["c", "a", "b"] {
        world.kernel(name, binary("linux-image-amd64")).await;
    }
    let d = world.kernel("d", xen).await;
    world.kernel_build(&d, 1, BuildMode::Release).await;
    let gone = world.kernel("gone", binary("linux-image-amd64")).await;
    let mut tx = world.begin().await;
    tx.delete_kernel(&gone.id, world.now()).await.unwrap();
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    let all = KernelFilter::default();
    let mut slice = Slice { after: None, limit: 3 };
    let page = rows.kernels_page(&all, &slice).await.unwrap();
    assert_eq!(names(&page.items), ["a", "b", "c"]);
    slice.after = page.next;
    assert_eq!(names(&rows.kernels_page(&all, &slice).await.unwrap().items), ["d"]);
    let filter = KernelFilter { flavor: Some(Flavor::Xen), state: None };
    let found = rows.kernels_page(&filter, &Slice::first()).await.unwrap().items;
    assert_eq!(names(&found), ["d"]);
    let filter = KernelFilter { flavor: Some(Flavor::Linux), state: Some(KernelState::Building) };
    assert!(rows.kernels_page(&filter, &Slice::first()).await.unwrap().items.is_empty());
}

fn names(rows: &[KernelRow]) -> Vec<&str> {
    rows.iter().map(|it| it.kernel.name.as_str()).collect()
}

async fn the_state_of_the_list_is_that_of_the_domain(world: World) {
    world.kernel("never", binary("linux-image-amd64")).await;
    for mode in BuildMode::ALL {
        for state in JobState::ALL {
            let name = format!("{mode}-{state}");
            let kernel = world.kernel(&name, binary("linux-image-amd64")).await;
            // An older build says nothing.
            world.built(&kernel, 1, &record(&name)).await;
            let job = world.kernel_build(&kernel, 2, mode).await;
            let mut tx = world.begin().await;
            if state.ended() {
                tx.end_job(&job, state, "ended", None, world.now()).await.unwrap();
            } else if state == JobState::Running {
                let now = world.now();
                let kinds = [JobKind::Kernel];
                let until = now.plus(std::time::Duration::from_secs(60));
                // Those of the modes before still wait: all are taken.
                while tx.claim_job("w", now, until, &kinds).await.unwrap().is_some() {}
            }
            tx.commit().await.unwrap();
        }
    }
    let mut rows = world.store.read().await.unwrap();
    let every = Slice { after: None, limit: Slice::MOST };
    let all = rows.kernels_page(&KernelFilter::default(), &every).await.unwrap().items;
    assert_eq!(all.len(), 16);
    for state in KernelState::ALL {
        let filter = KernelFilter { flavor: None, state: Some(state) };
        let listed = rows.kernels_page(&filter, &every).await.unwrap().items;
        let expected: Vec<_> = all.iter().filter(|it| it.state == state).cloned().collect();
        assert!(!expected.is_empty(), "{state}");
        assert_eq!(listed, expected, "{state}");
    }
}

async fn a_build_is_known_piece_by_piece(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let job = world.kernel_build(&kernel, 1, BuildMode::Release).await;
    let mut tx = world.begin().await;
    let row = tx.kernel_build_of_job(&job).await.unwrap().unwrap();
    assert_eq!((row.build.number, row.build.state), (1, JobState::Queued));
    assert_eq!((&row.build.report, &row.build.record, row.config), (&None, &None, None));
    assert_eq!(row.build.definition, kernel.definition);
    assert_eq!(tx.newest_configured("lab", false).await.unwrap(), None);

    let report = ConfigReport { release: "6.1.170".to_owned(), ..ConfigReport::default() };
    let config = BlobRef { sha256: Digest::of("config"), size: 6 };
    tx.set_configured(&job, Some(&report), &config).await.unwrap();
    let row = tx.newest_configured("lab", false).await.unwrap().unwrap();
    assert_eq!((row.build.report.as_ref(), row.config), (Some(&report), Some(config.sha256)));
    assert_eq!(tx.newest_configured("lab", true).await.unwrap(), None, "it is not complete");
    assert_eq!(row.build.record, None);

    let (record, now) = (record("a"), world.now());
    let digest = tx.complete_kernel_build(&job, &record).await.unwrap();
    assert_eq!(digest, domain::canonical::digest(&record).unwrap());
    tx.end_job(&job, JobState::Succeeded, "built", None, now).await.unwrap();
    let row = tx.newest_configured("lab", true).await.unwrap().unwrap();
    assert_eq!(row.build.record, Some(record));
    assert_eq!((row.build.state, row.build.ended_at), (JobState::Succeeded, Some(now)));
    assert_eq!(tx.kernel_build("lab", 2).await.unwrap(), None);
    assert_eq!(tx.kernel_build("other", 1).await.unwrap(), None);
}

async fn a_complete_build_stays_as_it_is(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let job = world.built(&kernel, 1, &record("a")).await;
    let config = BlobRef { sha256: Digest::of("another"), size: 7 };
    let mut tx = world.begin().await;
    assert!(tx.complete_kernel_build(&job, &record("b")).await.is_err());
    assert!(tx.set_configured(&job, None, &config).await.is_err());
    assert!(tx.pin_kernel_build(&job, &binary("other")).await.is_err());
    let build = tx.kernel_build("lab", 1).await.unwrap().unwrap();
    assert_eq!((build.build.record, build.config), (Some(record("a")), None));
}

async fn the_newest_builds_come_with_one_query(world: World) {
    let report = ConfigReport { release: "6.1.170".to_owned(), ..ConfigReport::default() };
    let config = BlobRef { sha256: Digest::of("config"), size: 6 };
    for name in ["a", "b", "c"] {
        let kernel = world.kernel(name, binary("linux-image-amd64")).await;
        for number in 1..=2 {
            world.built(&kernel, number, &record(&format!("{name}{number}"))).await;
        }
        for number in 3..=4 {
            let job = world.kernel_build(&kernel, number, BuildMode::Configure).await;
            let mut tx = world.begin().await;
            tx.set_configured(&job, Some(&report), &config).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    world.kernel("b2", binary("linux-image-amd64")).await;
    let mut rows = world.store.read().await.unwrap();
    let found = rows.newest_kernel_builds("b", "c").await.unwrap();
    let seen: Vec<_> = found.iter().map(|it| (it.kernel.as_str(), it.build.number)).collect();
    assert_eq!(seen, [("b", 4), ("b", 2), ("c", 4), ("c", 2)]);
    assert_eq!(found[1].build.record, Some(record("b2")));
    assert_eq!(found[0].build.report, None, "lists leave it out");
    let kernel = rows.kernel("b").await.unwrap().unwrap();
    assert_eq!((kernel.newest, kernel.state), (4, KernelState::Building));
    let mut slice = Slice { after: None, limit: 3 };
    let page = rows.kernel_builds_page(&kernel.kernel.id, &slice).await.unwrap();
    let numbers = |page: &domain::page::Page<store::kernels::builds::KernelBuildRow>| {
        page.items.iter().map(|it| it.build.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&page), [4, 3, 2]);
    slice.after = page.next;
    let rest = rows.kernel_builds_page(&kernel.kernel.id, &slice).await.unwrap();
    assert_eq!((numbers(&rest), rest.next), (vec![1], None));
}

async fn a_job_names_its_kernel(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let id = world.kernel_build(&kernel, 1, BuildMode::Release).await;
    let mut tx = world.begin().await;
    assert_eq!(tx.open_job_of_kernel(&kernel.id).await.unwrap().as_ref(), Some(&id));
    let job = tx.job(&id).await.unwrap().unwrap();
    assert_eq!((job.kind, job.release), (JobKind::Kernel, None));
    let about = job.kernel.unwrap();
    assert_eq!((&about.id, about.name.as_str()), (&kernel.id, "lab"));
    tx.end_job(&id, JobState::Cancelled, "cancelled", None, world.now()).await.unwrap();
    assert_eq!(tx.open_job_of_kernel(&kernel.id).await.unwrap(), None);
    tx.delete_kernel(&kernel.id, world.now()).await.unwrap();
    let job = tx.job(&id).await.unwrap().unwrap();
    assert_eq!(job.kernel.unwrap().name, "lab", "it was about that one");
    assert_eq!(tx.kernel_build_of_job(&id).await.unwrap(), None);
}

async fn files_of_builds_are_named_until_they_are_given_up(world: World) {
    let kernel = world.kernel("lab", binary("linux-image-amd64")).await;
    let other = world.kernel("other", binary("linux-image-amd64")).await;
    world.built(&kernel, 1, &record("a")).await;
    let failed = world.kernel_build(&kernel, 2, BuildMode::Release).await;
    world.kernel_build(&kernel, 3, BuildMode::Release).await;
    world.built(&other, 1, &record("b")).await;
    let mut tx = world.begin().await;
    tx.end_job(&failed, JobState::Failed, "failed", None, world.now()).await.unwrap();
    let kept = tx.kept_kernel_builds().await.unwrap();
    let seen: Vec<_> =
        kept.iter().map(|it| (it.name.as_str(), it.number, it.files.len())).collect();
    // What failed before it was configured has nothing.
    assert_eq!(seen, [("lab", 3, 0), ("lab", 1, 3), ("other", 1, 3)]);
    let digests = |content: &str| -> Vec<Digest> {
        record(content).files.iter().map(|file| file.sha256).collect()
    };
    let of = |at: usize| kept[at].files.iter().map(|(_, digest)| *digest).collect::<Vec<_>>();
    assert_eq!((of(1), of(2)), (digests("a"), digests("b")));
    let now = world.now();
    tx.set_kernel_files_removed(&kernel.id, 1, now).await.unwrap();
    assert!(tx.set_kernel_files_removed(&kernel.id, 1, now).await.is_err(), "once");
    let build = tx.kernel_build("lab", 1).await.unwrap().unwrap().build;
    assert_eq!(build.files_removed_at, Some(now));
    assert!(build.record.is_some(), "what was recorded stays");
    tx.delete_kernel(&other.id, now).await.unwrap();
    let kept = tx.kept_kernel_builds().await.unwrap();
    assert_eq!(kept.iter().map(|it| it.number).collect::<Vec<_>>(), [3]);
}

/// What a definition looks like whose configuration starts from that of another kernel.
pub(crate) fn based_on(base: &str) -> Definition {
    let mut definition = binary("linux-source-6.1");
    definition.configuration = Some(Configuration {
        base: ConfigBase::Kernel { name: base.to_owned(), config: None },
        fragments: Vec::new(),
    });
    definition
}

/// A page of kernels is of a size of its own, however many there are: each query of it reads what
/// stands on the page.
async fn thousands_of_builds_are_listed_at_once(world: World) {
    let kernels: u32 = 200;
    let mut tx = world.begin().await;
    for number in 0..kernels {
        let at = world.now();
        let kernel = Kernel {
            id: KernelId(format!("kernel-{number:04}")),
            name: format!("lab-{number:04}"),
            revision: 1,
            definition: binary("linux-image-amd64"),
            created_at: at,
            created_by: "ada".to_owned(),
            changed_at: at,
            changed_by: "ada".to_owned(),
        };
        tx.insert_kernel(&kernel).await.unwrap();
        for build in 1..=20 {
            let job = domain::ids::JobId(format!("job-{number}-{build}"));
            tx.insert_job(&store::jobs::NewJob {
                id: job.clone(),
                kind: JobKind::Kernel,
                release: None,
                kernel: Some(kernel.id.clone()),
                variant: None,
                created_at: at,
                created_by: "ada".to_owned(),
                parameters: serde_json::json!({}),
                steps: Vec::new(),
            })
            .await
            .unwrap();
            tx.insert_kernel_build(&store::kernels::builds::NewKernelBuild {
                kernel: kernel.id.clone(),
                number: build,
                mode: BuildMode::Release,
                job: job.clone(),
                revision: 1,
                definition: kernel.definition.clone(),
            })
            .await
            .unwrap();
            tx.complete_kernel_build(&job, &record(&format!("{number}-{build}"))).await.unwrap();
            tx.end_job(&job, JobState::Succeeded, "built", None, at).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    let slice = Slice::first();
    let began = std::time::Instant::now();
    let page = rows.kernels_page(&KernelFilter::default(), &slice).await.unwrap().items;
    let (first, last) = (&page[0].kernel.name, &page[page.len() - 1].kernel.name);
    let builds = rows.newest_kernel_builds(first, last).await.unwrap();
    assert_eq!(builds.len(), page.len(), "the newest is the newest complete one");
    assert!(builds.iter().all(|it| it.build.number == 20));
    assert!(rows.releases_with_kernels(first, last, false).await.unwrap().is_empty());
    assert!(rows.runs_with_kernels(first, last).await.unwrap().is_empty());
    assert!(rows.kernels_based_on(first, last).await.unwrap().is_empty());
    println!("a page of {} of {kernels} kernels: {:?}", page.len(), began.elapsed());
}
