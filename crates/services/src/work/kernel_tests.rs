//! What the worker writes down of a kernel while it is made, and when it is complete.

use std::time::Duration;

use domain::{
    actor::Who,
    digest::Digest,
    guest::GuestLimits,
    kernel::{
        ConfigBase, Configuration, Definition, Flavor, Kernel, KernelFile, KernelFileRole, Source,
    },
    page::Slice,
    person::Role,
};

use super::*;
use crate::{
    ServicesOptions,
    jobs::{JobFilter, Waits},
    work::{KERNELS, WORKER},
};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

async fn open(folder: &std::path::Path) -> (Services, Actor) {
    let services = Services::open(ServicesOptions {
        data_dir: folder.to_path_buf(),
        database_url: None,
        cache_dir: None,
        mirror: Some("http://127.0.0.1:9/debian".to_owned()),
        boot_limit: Duration::from_secs(600),
        guests: GuestLimits::default(),
        boot_address: std::net::SocketAddr::from(([127, 0, 0, 1], 9)),
        program: folder.join("relay"),
        source_root: None,
        suites_python: None,
        source_networks: Vec::new(),
        kernel_jobs: None,
    })
    .await
    .unwrap();
    let by = Actor::command_line();
    let password = "correct horse".to_owned();
    let added = services.add_person_with_password(&by, "ann", Role::Developer, password).await;
    let added = added.unwrap();
    let who = Who::Person { id: added.id, name: added.name, role: added.role };
    (services, Actor { who, ..Actor::anonymous() })
}

fn of_tag(tag: &str, commit: Option<&str>) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::Git {
            url: "/srv/git/linux.git".to_owned(),
            reference: tag.to_owned(),
            commit: commit.map(ToOwned::to_owned),
            key: None,
        },
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: Vec::new(),
        }),
        patches: Vec::new(),
        debug: false,
    }
}

fn found(commit: &str) -> SourceRecord {
    SourceRecord {
        origin: "linux.git at v6.1".to_owned(),
        sha256: Digest::of("tree"),
        commit: Some(commit.to_owned()),
        patches: Vec::new(),
    }
}

/// Lets the worker's observer hear what `tell` says, on a thread as the builder does.
async fn observed(
    services: &Services,
    claimed: &ClaimedJob,
    tell: impl FnOnce(&Recorder) + Send + 'static,
) {
    let row = build_of(&mut services.read().await.unwrap(), claimed).await.unwrap();
    let transcript = Transcript::begin(services, claimed, Arc::default()).await.unwrap();
    let observer = Recorder { transcript, kernel: row.kernel, build: row.build };
    on_a_thread("kernel", observer, tell).await.unwrap();
}

async fn kernel(services: &Services, ann: &Actor) -> Kernel {
    services.kernel(ann, "lab").await.unwrap().kernel
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_build_finds_is_written_at_once_and_outlives_an_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let (services, ann) = open(folder.path()).await;
    services.create_kernel(&ann, "lab", of_tag("v6.1", None)).await.unwrap();
    services.start_kernel_build(&ann, "lab", BuildMode::Release).await.unwrap();
    let claimed = services.claim(&KERNELS).await.unwrap().unwrap();
    let config = services.blobs().put(&b"CONFIG_A=y\n"[..]).unwrap();
    let report = ConfigReport { release: "6.1.0".to_owned(), ..ConfigReport::default() };
    let (told, known) = (report.clone(), config);
    observed(&services, &claimed, move |observer| {
        observer.source_found(&found(COMMIT));
        observer.configured(&told, &known);
    })
    .await;
    let build = services.kernel_build(&ann, "lab", 1).await.unwrap();
    assert_eq!((build.state, build.report.as_ref()), (JobState::Running, Some(&report)));
    assert_eq!((&build.definition, &build.record), (&of_tag("v6.1", Some(COMMIT)), &None));
    let pinned = kernel(&services, &ann).await;
    assert_eq!((pinned.revision, pinned.definition), (1, of_tag("v6.1", Some(COMMIT))));

    // The server is killed: the next one takes the job again, with the same commit.
    let mut tx = services.begin().await.unwrap();
    tx.expire_leases_of(WORKER).await.unwrap();
    tx.commit().await.unwrap();
    let again = services.claim(&KERNELS).await.unwrap().unwrap();
    assert_eq!((&again.job.id, again.job.attempts), (&claimed.job.id, 2));
    let row = build_of(&mut services.read().await.unwrap(), &again).await.unwrap();
    assert_eq!(row.build.definition, of_tag("v6.1", Some(COMMIT)));

    // It is complete with all that came out, or not at all.
    let image = services.blobs().put(&b"MZ"[..]).unwrap();
    let record = Record {
        schema: 1,
        flavor: Flavor::Linux,
        release: "6.1.0".to_owned(),
        mode: BuildMode::Release,
        source: found(COMMIT),
        epoch: 1,
        toolchain: Vec::new(),
        files: vec![KernelFile {
            role: KernelFileRole::Image,
            name: "vmlinuz-6.1.0".to_owned(),
            size: image.size,
            sha256: image.sha256,
        }],
        packages: Vec::new(),
        commands: "make".to_owned(),
    };
    let output = KernelOutput {
        source: found(COMMIT),
        config: Some(config),
        report: Some(report),
        record: Some(record.clone()),
    };
    complete(&services, "lab", &row.build, &output).await.unwrap();
    let build = services.kernel_build(&ann, "lab", 1).await.unwrap();
    assert_eq!(build.record.as_ref(), Some(&record));

    // Killed between that and the job's own end, the build is not made again.
    let ended = run(&services, &again, Arc::default()).await.unwrap();
    assert_eq!(
        (ended.state, ended.outcome.as_str()),
        (JobState::Succeeded, "6.1.0 is built: 1 file, 2 B")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_was_changed_meanwhile_is_not_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let (services, ann) = open(folder.path()).await;
    services.create_kernel(&ann, "lab", of_tag("v6.1", None)).await.unwrap();
    services.start_kernel_build(&ann, "lab", BuildMode::Configure).await.unwrap();
    let claimed = services.claim(&KERNELS).await.unwrap().unwrap();
    services.change_kernel(&ann, "lab", 1, of_tag("v6.2", None)).await.unwrap();
    observed(&services, &claimed, |observer| observer.source_found(&found(COMMIT))).await;
    assert_eq!(kernel(&services, &ann).await.definition, of_tag("v6.2", None));
    let build = services.kernel_build(&ann, "lab", 1).await.unwrap();
    assert_eq!((build.revision, build.definition), (1, of_tag("v6.1", Some(COMMIT))));

    // Its configuration alone is complete without a record.
    let row = build_of(&mut services.read().await.unwrap(), &claimed).await.unwrap();
    let config = services.blobs().put(&b"CONFIG_A=y\n"[..]).unwrap();
    let report = ConfigReport { release: "6.1.0".to_owned(), ..ConfigReport::default() };
    let output = KernelOutput {
        source: found(COMMIT),
        config: Some(config),
        report: Some(report),
        record: None,
    };
    let ended = complete(&services, "lab", &row.build, &output).await.unwrap();
    assert_eq!(
        ended.outcome,
        "6.1.0 is configured: the tree changed no option, and every requested option stuck"
    );
    let compiled = KernelBuild { mode: BuildMode::Release, ..row.build };
    let error = complete(&services, "lab", &compiled, &output).await;
    assert!(error.is_err(), "what is compiled has a record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_says_which_other_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let (services, ann) = open(folder.path()).await;
    for name in ["lab", "other"] {
        services.create_kernel(&ann, name, of_tag("v6.1", None)).await.unwrap();
        services.start_kernel_build(&ann, name, BuildMode::Release).await.unwrap();
    }
    let claimed = services.claim(&KERNELS).await.unwrap().unwrap();
    let all = services.jobs_page(&ann, &JobFilter::default(), &Slice::first()).await.unwrap();
    for job in all.items {
        let waits = services.waits_for(&ann, &job).await.unwrap();
        let turn = Some(Waits::Turn { kernel: "lab".to_owned() });
        assert_eq!(waits, turn.filter(|_| job.id != claimed.job.id), "{job:?}");
    }
}
