//! Who else has the bytes of kernels.

use std::time::Duration;

use domain::{
    digest::Digest,
    ids::{JobId, RunId, ValidationId},
    kernel::Flavor,
    lock::{LockedPackage, Part},
    manifest::{BootEntry, BoundKernel, Component, ComponentRole, Manifest},
    recipe::RootMethod,
    release::Stage,
    run::{Outcome, Run},
    time::Timestamp,
};
use sqlx::Executor as _;
use store::{jobs::NewJob, runs::RunPlace, validations::NewValidation};

use crate::{
    kernels::based_on,
    on_both_engines,
    world::{World, binary, lock, manifest, package, record},
};

on_both_engines! {
    releases_hold_what_their_locks_have
    other_kernels_start_from_it
    the_newest_run_of_each_machine_is_of_the_entry_that_boots_it
    manifests_from_before_are_known_too
    newest_texts_are_those_of_the_newest_revisions
}

/// The package of a record, as a lock has it.
fn deb(content: &str) -> LockedPackage {
    let sha256 = record(content).files[1].sha256;
    LockedPackage { sha256, ..package(Part::Kernel, "linux-image-6.1.170", "1") }
}

async fn releases_hold_what_their_locks_have(world: World) {
    let lab = world.kernel("lab", binary("linux-image-amd64")).await;
    world.built(&lab, 1, &record("old")).await;
    world.built(&lab, 2, &record("new")).await;
    let other = world.kernel("other", binary("linux-image-amd64")).await;
    world.built(&other, 1, &record("other")).await;
    for (version, content) in [
        ("v1.0.0-rc.1", "old"),
        ("v1.0.0-rc.2", "new"),
        ("v1.0.0-rc.3", "other"),
        ("v1.0.0-rc.4", "new"),
        ("v1.0.0-rc.5", "none of them"),
    ] {
        let release = world.release(version).await;
        let mut tx = world.begin().await;
        let digest = tx.insert_lock(&lock(vec![deb(content)]), world.now()).await.unwrap();
        tx.set_lock(&release.id, &digest).await.unwrap();
        if version != "v1.0.0-rc.4" {
            tx.set_stage(&release.id, Stage::Building, Stage::Candidate).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut rows = world.store.read().await.unwrap();
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    let found = rows.releases_with_kernels("lab", "other", false).await.unwrap();
    let expected = [("lab", "v1.0.0-rc.2"), ("lab", "v1.0.0-rc.1"), ("other", "v1.0.0-rc.3")];
    assert_eq!(found, pairs(&expected));
    let found = rows.releases_with_kernels("lab", "lab", true).await.unwrap();
    assert_eq!(found, pairs(&[("lab", "v1.0.0-rc.4")]));
    drop(rows);
    let mut tx = world.begin().await;
    tx.delete_kernel(&lab.id, world.now()).await.unwrap();
    assert!(tx.releases_with_kernels("lab", "lab", false).await.unwrap().is_empty());
}

async fn other_kernels_start_from_it(world: World) {
    world.kernel("lab", binary("linux-image-amd64")).await;
    world.kernel("dev-2", based_on("lab")).await;
    world.kernel("dev-1", based_on("lab")).await;
    let gone = world.kernel("dev-3", based_on("lab")).await;
    let mut tx = world.begin().await;
    tx.delete_kernel(&gone.id, world.now()).await.unwrap();
    let found = tx.kernels_based_on("lab", "lab").await.unwrap();
    let named = |name: &str| ("lab".to_owned(), name.to_owned());
    assert_eq!(found, [named("dev-1"), named("dev-2")]);
    let changed = domain::kernel::Kernel {
        revision: 2,
        definition: binary("linux-image-amd64"),
        ..tx.kernel("dev-1").await.unwrap().unwrap().kernel
    };
    tx.change_kernel(&changed).await.unwrap();
    assert_eq!(tx.kernels_based_on("a", "z").await.unwrap(), [named("dev-2")]);
}

/// A manifest with two kernels and a hypervisor; `content` says which build the first one is of.
fn of_kernels(world_version: &str, content: &str) -> Manifest {
    let image =
        |role, name: &str, sha256| Component { role, name: name.to_owned(), size: 1, sha256 };
    let bound = |alias: &str, flavor, image: &str| BoundKernel {
        alias: alias.to_owned(),
        flavor,
        release: alias.to_owned(),
        image: image.to_owned(),
        initrd: None,
        config: Some("config".to_owned()),
    };
    let linux = |label: &str, kernel: &str| BootEntry::Linux {
        label: label.to_owned(),
        text: label.to_owned(),
        kernel: kernel.to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    };
    let own = record(content).files[2].sha256;
    Manifest {
        components: vec![
            image(ComponentRole::Kernel, "vmlinuz-lab", own),
            image(ComponentRole::Kernel, "vmlinuz-debian", Digest::of("debian")),
            image(ComponentRole::Hypervisor, "xen", Digest::of("xen")),
        ],
        kernels: vec![
            bound("lab", Flavor::Linux, "vmlinuz-lab"),
            bound("debian", Flavor::Linux, "vmlinuz-debian"),
            bound("xen", Flavor::Xen, "xen"),
        ],
        entries: vec![
            linux("own", "lab"),
            linux("debian", "debian"),
            BootEntry::Xen {
                label: "dom0".to_owned(),
                text: "dom0".to_owned(),
                hypervisor: "xen".to_owned(),
                hypervisor_arguments: String::new(),
                kernel: "lab".to_owned(),
                root: RootMethod::Http,
                arguments: String::new(),
            },
        ],
        ..manifest(&world_version.parse().unwrap(), content)
    }
}

/// A candidate of that manifest, and a run of each entry on a machine, in this order.
async fn runs(world: &World, version: &str, manifest: &Manifest, machine: &str) -> Vec<RunId> {
    let release = world.release(version).await;
    let mut tx = world.begin().await;
    tx.complete_release(&release.id, manifest, &Digest::of("s"), world.now()).await.unwrap();
    let job = JobId(world.id());
    tx.insert_job(&NewJob {
        id: job.clone(),
        kind: domain::job::JobKind::Validation,
        release: Some(release.id.clone()),
        kernel: None,
        variant: None,
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters: serde_json::json!({}),
        steps: Vec::new(),
    })
    .await
    .unwrap();
    tx.insert_validation(&NewValidation {
        id: ValidationId(world.id()),
        job: job.clone(),
        release: release.id,
        variant: None,
        manifest: manifest.digest().unwrap(),
        plan: "smoke".to_owned(),
        plan_revision: 1,
        created_at: world.now(),
        created_by: "ada".to_owned(),
    })
    .await
    .unwrap();
    let validation = tx.validation_of_job(&job).await.unwrap().unwrap();
    let mut runs = Vec::new();
    for entry in ["own", "debian", "dom0"] {
        let id = RunId(world.id());
        tx.begin_run(
            &validation,
            &id,
            &RunPlace { machine, entry, suite: "smoke", kernel: "" },
            world.now(),
        )
        .await
        .unwrap();
        runs.push(id);
    }
    tx.commit().await.unwrap();
    runs
}

async fn end(world: &World, id: &RunId, outcome: Outcome) -> Timestamp {
    let mut tx = world.begin().await;
    let run = tx.run(id).await.unwrap().unwrap();
    let at = world.now().plus(Duration::from_secs(1));
    tx.end_run(&Run { ended_at: Some(at), outcome: Some(outcome), ..run }).await.unwrap();
    tx.commit().await.unwrap();
    at
}

async fn the_newest_run_of_each_machine_is_of_the_entry_that_boots_it(world: World) {
    let lab = world.kernel("lab", binary("linux-image-amd64")).await;
    world.built(&lab, 1, &record("old")).await;
    world.built(&lab, 2, &record("new")).await;
    let old = runs(&world, "v1.0.0-rc.1", &of_kernels("v1.0.0", "old"), "qemu").await;
    let new = runs(&world, "v1.1.0-rc.1", &of_kernels("v1.1.0", "new"), "qemu").await;
    let board = runs(&world, "v1.2.0-rc.1", &of_kernels("v1.2.0", "old"), "board").await;
    end(&world, &old[0], Outcome::Passed).await;
    let mut rows = world.store.read().await.unwrap();
    let found = rows.runs_with_kernels("lab", "lab").await.unwrap();
    assert_eq!(found.len(), 1, "the others have not ended");
    assert_eq!((&found[0].run, found[0].outcome), (&old[0], Outcome::Passed));
    drop(rows);

    let ended = end(&world, &new[2], Outcome::Failed).await;
    end(&world, &new[1], Outcome::Passed).await;
    end(&world, &board[0], Outcome::Passed).await;
    let mut rows = world.store.read().await.unwrap();
    let found = rows.runs_with_kernels("a", "z").await.unwrap();
    let seen: Vec<_> = found.iter().map(|it| (it.machine.as_str(), &it.run, it.outcome)).collect();
    // The run of Debian's kernel is newer, and says nothing of this one.
    let expected = [("board", &board[0], Outcome::Passed), ("qemu", &new[2], Outcome::Failed)];
    assert_eq!(seen, expected);
    assert_eq!((found[1].ended_at, found[1].kernel.as_str()), (ended, "lab"));
    assert!(rows.runs_with_kernels("m", "z").await.unwrap().is_empty());
}

async fn manifests_from_before_are_known_too(world: World) {
    let lab = world.kernel("lab", binary("linux-image-amd64")).await;
    world.built(&lab, 1, &record("a")).await;
    let all = runs(&world, "v1.0.0-rc.1", &of_kernels("v1.0.0", "a"), "qemu").await;
    end(&world, &all[2], Outcome::Passed).await;
    // As a store was whose program knew nothing of kernels, and is migrated.
    world.intrude().await.execute("delete from entry_kernel").await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert!(rows.runs_with_kernels("lab", "lab").await.unwrap().is_empty());
    let engine = if world.is_sqlite() { "sqlite" } else { "postgres" };
    let path = format!("{}/../../migrations/{engine}/0005_kernels.sql", env!("CARGO_MANIFEST_DIR"));
    let migration = std::fs::read_to_string(path).unwrap();
    let filling = migration.split(';').find(|it| it.contains("insert into entry_kernel")).unwrap();
    let filling = sqlx::AssertSqlSafe(filling.to_owned());
    let done = world.intrude().await.execute(filling).await.unwrap();
    assert_eq!(done.rows_affected(), 4, "two of the entry with a hypervisor");
    let found = rows.runs_with_kernels("lab", "lab").await.unwrap();
    assert_eq!(found.iter().map(|it| &it.run).collect::<Vec<_>>(), [&all[2]]);
}

async fn newest_texts_are_those_of_the_newest_revisions(world: World) {
    let (author, first) = world.recipe("web").await;
    let second = world.revision(&first.recipe, 2, &author);
    let release = world.building(&first, "web", "v1.0.0-rc.1");
    let mut tx = world.begin().await;
    tx.insert_revision(&second, &author.id).await.unwrap();
    tx.insert_release(&release).await.unwrap();
    let texts = tx.newest_texts().await.unwrap();
    assert_eq!(texts, [("web".to_owned(), second.text)]);
    let building = tx.texts_being_built().await.unwrap();
    assert_eq!(building, [("v1.0.0-rc.1".to_owned(), first.text)], "that of the build");
    tx.set_stage(&release.id, Stage::Building, Stage::Failed).await.unwrap();
    assert!(tx.texts_being_built().await.unwrap().is_empty());
}
