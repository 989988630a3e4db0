//! What kernels and uploads take of the disk, and what a collection removes of it.

use domain::{
    digest::Digest,
    ids::{JobId, RecipeId, ReleaseId},
    job::JobState,
    kernel::{BuildMode, KernelFileRole, Record},
    lock::{Lock, LockedPackage, Part},
    recipe::Revision,
    release::{Release, Stage},
    room::{Kind, RoomRules},
    time::human_size,
};

use crate::world::{World, compiled, of_kernel, tiny};

/// Everything goes that nothing needs.
const AT_ONCE: RoomRules =
    RoomRules { candidates: None, withdrawn: Some(0), logs: None, cache: Some(0), floor: 0 };

async fn collect(world: &World, dry_run: bool) -> String {
    let job = world.services.start_collection(&world.developer, dry_run).await.unwrap();
    let _working = world.working();
    let job = world.ended(&job.id).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    job.outcome.unwrap()
}

/// What a file takes of the disk, in bytes.
fn room(world: &World, digest: &Digest) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    world.blobs.path(digest).metadata().unwrap().blocks() * 512
}

fn there(world: &World, record: &Record) -> usize {
    record.files.iter().filter(|file| world.blobs.contains(&file.sha256)).count()
}

/// A candidate whose lock has the package of a record.
async fn candidate_with(world: &World, record: &Record) -> ReleaseId {
    let author = world.developer.person().unwrap();
    let package = record.file(KernelFileRole::Package).unwrap();
    let lock = Lock {
        schema: 1,
        suite: "bookworm".to_owned(),
        architecture: "amd64".to_owned(),
        epoch: 1,
        packages: vec![LockedPackage {
            part: Part::Kernel,
            name: "linux-image-6.1.170".to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            size: package.size,
            sha256: package.sha256,
            origin: "kernel/lab".to_owned(),
            path: String::new(),
        }],
        kernels: Vec::new(),
    };
    let revision = Revision {
        recipe: RecipeId::from("recipe"),
        number: 1,
        digest: Digest::of("text"),
        text: "text".to_owned(),
        message: "why".to_owned(),
        author: "ann".to_owned(),
        saved_at: World::now(),
    };
    let release = Release {
        id: ReleaseId::from("release"),
        version: "v1.0.0-rc.1".parse().unwrap(),
        stage: Stage::Building,
        recipe: revision.recipe.clone(),
        recipe_name: "starter".to_owned(),
        revision: 1,
        job: JobId::from("job"),
        manifest: None,
        lock: None,
        identical_to: None,
        created_at: World::now(),
        created_by: "ann".to_owned(),
        built_at: None,
        released_at: None,
        imported_at: None,
    };
    let mut tx = world.store.begin().await.unwrap();
    tx.insert_recipe("starter", &revision, author).await.unwrap();
    tx.insert_release(&release).await.unwrap();
    let lock = tx.insert_lock(&lock, World::now()).await.unwrap();
    tx.set_lock(&release.id, &lock).await.unwrap();
    tx.set_stage(&release.id, Stage::Building, Stage::Candidate).await.unwrap();
    tx.commit().await.unwrap();
    release.id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_builds_and_those_of_releases_keep_their_files() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("lab", compiled(tiny())).await;
    let mut records = Vec::new();
    for number in 1..=5 {
        let config = format!("CONFIG_N=\"{number}\"\n");
        records.push(world.built("lab", &number.to_string(), &config).await);
    }
    let release = candidate_with(&world, &records[0]).await;
    services.change_room_rules(&world.administrator, AT_ONCE, None).await.unwrap();
    let counted = services.room(ann).await.unwrap().counted;
    let of = |kind| counted.kinds.iter().find(|(it, _)| *it == kind).unwrap().1;
    // The package is one of the release's, as far as the kinds go.
    let package = records[0].files[1].sha256;
    assert_eq!(of(Kind::Packages), room(&world, &package));
    let every = records.iter().flat_map(|it| &it.files);
    let all: u64 = every.map(|file| room(&world, &file.sha256)).sum();
    assert_eq!(of(Kind::Kernels), all - room(&world, &package));

    // The first is held, three are the newest: the second goes.
    let goes: u64 = records[1].files.iter().map(|file| room(&world, &file.sha256)).sum();
    assert_eq!(counted.would_free, goes);
    let size = human_size(goes);
    let would = collect(&world, true).await;
    assert!(would.starts_with(&format!("would free {size} in 3 files")), "{would}");
    assert_eq!(there(&world, &records[1]), 3);
    let freed = collect(&world, false).await;
    assert!(freed.starts_with(&format!("{size} freed: 3 files")), "{freed}");
    let left: Vec<usize> = records.iter().map(|it| there(&world, it)).collect();
    assert_eq!(left, [3, 0, 3, 3, 3]);
    let build = services.kernel_build(ann, "lab", 2).await.unwrap();
    assert_eq!(build.record.as_ref(), Some(&records[1]), "what was recorded stays");
    assert!(build.files_removed_at.is_some());
    let said = services.kernel_file(ann, "lab", 2, "vmlinuz-6.1.170").await.unwrap_err();
    assert!(said.to_string().contains("removed as the rules of the room say"), "{said}");
    services.kernel_file(ann, "lab", 2, "record.json").await.unwrap();
    assert!(world.audited().await.contains(&"kernel.files-removed".to_owned()));

    // Once nothing holds it, the first goes too; its package with it.
    let mut tx = world.store.begin().await.unwrap();
    tx.withdraw_release(&release, World::now()).await.unwrap();
    tx.commit().await.unwrap();
    let would = collect(&world, true).await;
    let freed = collect(&world, false).await;
    let words = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    assert_eq!(words(&freed), words(would.trim_start_matches("would free ")), "{would} / {freed}");
    assert_eq!(there(&world, &records[0]), 0);
    assert!(collect(&world, false).await.starts_with("0 B freed: 0 files"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_removed_kernel_go_and_what_builds_start_from_stays() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("lab", compiled(tiny())).await;
    let record = world.built("lab", "a", "CONFIG_A=y\n").await;
    world.create("dev", compiled(of_kernel("lab"))).await;
    services.start_kernel_build(ann, "dev", BuildMode::Release).await.unwrap();
    // The build goes on from the configuration that it was asked for with.
    services.change_kernel(ann, "dev", 1, compiled(tiny())).await.unwrap();
    services.delete_kernel(ann, "lab").await.unwrap();
    services.change_room_rules(&world.administrator, AT_ONCE, None).await.unwrap();
    for file in &record.files {
        world.age(&file.sha256);
    }
    collect(&world, false).await;
    let config = record.file(KernelFileRole::Config).unwrap();
    assert!(world.blobs.contains(&config.sha256), "an open job's definition names it");
    assert_eq!(there(&world, &record), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_a_week_after_it_was_named_last() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let named = world.upload("fix.patch", b"--- a\n+++ b\n").await;
    let frozen = world.upload("old.patch", b"--- c\n+++ d\n").await;
    let left = world.upload("left.patch", &[7; 50_000]).await;
    let mut definition = compiled(tiny());
    definition.patches = vec![frozen.clone()];
    world.create("lab", definition.clone()).await;
    services.start_kernel_build(ann, "lab", BuildMode::Release).await.unwrap();
    definition.patches = vec![named.clone()];
    services.change_kernel(ann, "lab", 1, definition).await.unwrap();
    services.change_room_rules(&world.administrator, AT_ONCE, None).await.unwrap();
    let there = || {
        for file in [&named, &frozen, &left] {
            if world.blobs.contains(&file.sha256) {
                world.age(&file.sha256);
            }
        }
        [&named, &frozen, &left].map(|it| world.blobs.contains(&it.sha256))
    };
    world.age_uploads(6).await;
    assert_eq!(there(), [true; 3]);
    collect(&world, false).await;
    assert_eq!(there(), [true; 3], "it is not a week");
    let counted = services.room(ann).await.unwrap().counted;
    let of_uploads = counted.kinds.iter().find(|(kind, _)| *kind == Kind::Uploads).unwrap().1;
    let all: u64 = [&named, &frozen, &left].iter().map(|it| room(&world, &it.sha256)).sum();
    assert_eq!(of_uploads, all);

    world.age_uploads(2).await;
    let size = human_size(room(&world, &left.sha256));
    let would = collect(&world, true).await;
    assert!(would.starts_with(&format!("would free {size} in 1 file")), "{would}");
    let freed = collect(&world, false).await;
    assert!(freed.starts_with(&format!("{size} freed: 1 file")), "{freed}");
    assert_eq!(there(), [true, true, false]);
    assert!(world.audited().await.contains(&"upload.forget".to_owned()));
}
