//! Variants: made, changed, built, listed by how they stand, removed.

use domain::{
    digest::Digest,
    environment::{DEVELOPMENT, PRODUCTION},
    ids::{JobId, VariantId},
    job::{JobKind, JobState, Step, StepState},
    page::Slice,
    person::Role,
    release::Release,
    slot::Slot,
    time::Timestamp,
    variant::{Definition, Packages, Variant, VariantLock, VariantState},
};
use store::{
    StoreError,
    jobs::{JobFilter, NewJob},
    variants::{NewVariantBuild, VariantFilter},
};

use crate::{
    on_both_engines,
    world::{World, manifest},
};

on_both_engines! {
    a_variant_is_made_changed_and_removed
    a_build_of_a_variant_is_completed_and_gives_its_files_up
    variants_are_listed_by_how_they_stand
    what_a_build_takes_is_told_by_those_that_made_a_layer
    a_slot_is_filled_by_one_variant_until_it_is_emptied_or_the_variant_goes
}

fn definition(package: &str) -> Definition {
    let packages = Packages { add: vec![package.to_owned()], ..Packages::default() };
    Definition { base: "v1.0.0".to_owned(), packages, ..Definition::default() }
}

pub(crate) async fn variant(world: &World, name: &str, expires_at: Timestamp) -> Variant {
    let at = world.now();
    let variant = Variant {
        id: VariantId(world.id()),
        name: name.to_owned(),
        description: format!("Tries {name}_%"),
        owner: "ada".to_owned(),
        revision: 1,
        definition: definition("htop"),
        created_at: at,
        changed_at: at,
        expires_at,
    };
    let ada = world.person(&format!("ada-{}", variant.id), Role::Developer).await;
    let mut tx = world.begin().await;
    tx.insert_variant(&variant, &ada.id).await.unwrap();
    tx.commit().await.unwrap();
    variant
}

/// A build whose job waits.
async fn build(world: &World, variant: &Variant, base: &Release, number: u32) -> JobId {
    let job = JobId(world.id());
    let mut tx = world.begin().await;
    tx.insert_job(&NewJob {
        id: job.clone(),
        kind: JobKind::Variant,
        release: None,
        kernel: None,
        variant: Some(variant.id.clone()),
        created_at: world.now(),
        created_by: "ada".to_owned(),
        parameters: serde_json::json!({}),
        steps: vec!["pack".to_owned()],
    })
    .await
    .unwrap();
    tx.insert_variant_build(&NewVariantBuild {
        variant: variant.id.clone(),
        number,
        job: job.clone(),
        revision: variant.revision,
        definition: variant.definition.clone(),
        base: base.id.clone(),
        base_name: "v1.0.0".to_owned(),
        base_manifest: Digest::of("base"),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    job
}

async fn a_variant_is_made_changed_and_removed(world: World) {
    let later = Timestamp(world.now().0 + 1_000_000);
    let first = variant(&world, "probe", later).await;
    let mut tx = world.begin().await;
    let row = tx.variant("probe").await.unwrap().unwrap();
    assert_eq!((&row.variant, row.newest, row.newest_state), (&first, 0, None));
    let changed = Variant {
        revision: 2,
        definition: definition("tmux"),
        changed_at: world.now(),
        ..first.clone()
    };
    tx.change_variant(&changed).await.unwrap();
    assert!(matches!(tx.change_variant(&changed).await, Err(StoreError::Changed(_))));
    assert_eq!(tx.variant_definitions().await.unwrap(), [definition("tmux")]);
    let end = Timestamp(later.0 + 5);
    tx.extend_variant(&first.id, end).await.unwrap();
    assert_eq!(tx.variant("probe").await.unwrap().unwrap().variant.expires_at, end);
    tx.delete_variant(&first.id, world.now()).await.unwrap();
    assert!(matches!(tx.delete_variant(&first.id, end).await, Err(StoreError::Changed(_))));
    assert_eq!(tx.variant("probe").await.unwrap(), None);
    tx.commit().await.unwrap();
    // Its name is free.
    variant(&world, "probe", later).await;
    let ada = world.person("ada", Role::Developer).await;
    let mut tx = world.begin().await;
    let twin = Variant { id: VariantId(world.id()), ..changed };
    assert!(tx.insert_variant(&twin, &ada.id).await.unwrap_err().is_conflict());
}

async fn a_build_of_a_variant_is_completed_and_gives_its_files_up(world: World) {
    let it = variant(&world, "probe", Timestamp(world.now().0 + 1_000_000)).await;
    let base = world.candidate("v1.0.0-rc.1", "base").await;
    let job = build(&world, &it, &base, 1).await;
    let mut tx = world.begin().await;
    assert_eq!(
        tx.bases_of_open_variants().await.unwrap(),
        [(base.id.clone(), job.clone())],
        "what it is built on must stay"
    );
    let lock = VariantLock {
        schema: 1,
        base: Digest::of("base"),
        epoch: 7,
        install: Vec::new(),
        changes: Vec::new(),
        kernels: Vec::new(),
        busybox: None,
    };
    tx.set_variant_lock(&job, &lock).await.unwrap();
    assert!(tx.built_variant(&it.id).await.unwrap().is_none());
    let manifest = manifest(&base.version.target, "variant");
    tx.complete_variant_build(&job, &manifest).await.unwrap();
    tx.end_job(&job, JobState::Succeeded, "built", None, world.now()).await.unwrap();
    let row = tx.variant_build_of_job(&job).await.unwrap().unwrap();
    assert_eq!((row.variant.as_str(), row.base), ("probe", base.id.clone()));
    assert_eq!((&row.build.lock, &row.build.manifest), (&Some(lock), &Some(manifest)));
    assert_eq!(row.build.base, "v1.0.0");
    tx.commit().await.unwrap();

    let second = build(&world, &it, &base, 2).await;
    let mut tx = world.begin().await;
    let built = tx.built_variant(&it.id).await.unwrap().unwrap();
    assert_eq!(built.build.number, 1, "the newest that is complete");
    let page = tx.variant_builds_page(&it.id, &Slice::first()).await.unwrap();
    let numbers: Vec<u32> = page.items.iter().map(|it| it.build.number).collect();
    assert_eq!(numbers, [2, 1]);
    let filter = JobFilter { variant: Some(it.id.clone()), ..JobFilter::default() };
    let jobs = tx.jobs_page(&filter, &Slice::first()).await.unwrap().items;
    assert_eq!(jobs.iter().map(|it| &it.id).collect::<Vec<_>>(), [&second, &job]);
    assert_eq!(jobs[0].variant.as_ref().map(|it| it.name.as_str()), Some("probe"));
    assert_eq!(tx.kept_variant_builds().await.unwrap().len(), 1);
    tx.delete_variant(&it.id, world.now()).await.unwrap();
    let kept = tx.kept_variant_builds().await.unwrap();
    assert!(kept[0].deleted_at.is_some(), "its files are there all the same");
    tx.set_variant_files_removed(&it.id, 1, world.now()).await.unwrap();
    assert!(tx.kept_variant_builds().await.unwrap().is_empty());
    let again = tx.set_variant_files_removed(&it.id, 1, world.now()).await;
    assert!(matches!(again, Err(StoreError::Changed(_))));
}

async fn variants_are_listed_by_how_they_stand(world: World) {
    let base = world.candidate("v1.0.0-rc.1", "base").await;
    let long = Timestamp(world.now().0 + 1_000_000_000);
    let over = world.now();
    for name in ["building", "failed", "new", "ready"] {
        let it = variant(&world, name, long).await;
        if name == "new" {
            continue;
        }
        let job = build(&world, &it, &base, 1).await;
        let mut tx = world.begin().await;
        match name {
            "ready" => tx.end_job(&job, JobState::Succeeded, "", None, world.now()).await.unwrap(),
            "failed" => tx.end_job(&job, JobState::Failed, "", None, world.now()).await.unwrap(),
            _ => {}
        }
        tx.commit().await.unwrap();
    }
    variant(&world, "expired", over).await;
    let now = world.now();
    let mut tx = world.begin().await;
    for state in VariantState::ALL {
        let filter = VariantFilter { state: Some(state), ..VariantFilter::default() };
        let page = tx.variants_page(&filter, now, &Slice::first()).await.unwrap();
        let names: Vec<&str> = page.items.iter().map(|it| it.variant.name.as_str()).collect();
        assert_eq!(names, [state.word()]);
        let row = &page.items[0];
        assert_eq!(VariantState::of(row.newest_state, row.variant.expires_at, now), state);
    }
    let words = |words: &str| VariantFilter {
        words: Some(words.to_owned()),
        owner: Some("ada".to_owned()),
        ..VariantFilter::default()
    };
    for (text, found) in [("tries new_%", 1), ("%", 5), ("new_%x", 0), ("e", 5)] {
        let page = tx.variants_page(&words(text), now, &Slice::first()).await.unwrap();
        assert_eq!(page.items.len(), found, "{text}");
    }
    let two = Slice { limit: 2, ..Slice::first() };
    let page = tx.variants_page(&VariantFilter::default(), now, &two).await.unwrap();
    let rest = Slice { after: page.next, ..Slice::first() };
    let rest = tx.variants_page(&VariantFilter::default(), now, &rest).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 3, None));
    let ending = tx.variants_ending(now).await.unwrap();
    assert_eq!(ending.len(), 1);
    assert_eq!(ending[0].variant.name, "expired");
}

async fn what_a_build_takes_is_told_by_those_that_made_a_layer(world: World) {
    let it = variant(&world, "probe", Timestamp(world.now().0 + 1_000_000)).await;
    let base = world.candidate("v1.0.0-rc.1", "base").await;
    let keyed = Some(Digest::of("key"));
    // Each takes a second more than the one before.
    for (number, end, steps) in [
        (1, JobState::Succeeded, vec![("packages", StepState::Succeeded, keyed)]),
        (2, JobState::Succeeded, vec![("packages", StepState::Reused, keyed)]),
        (3, JobState::Failed, vec![("packages", StepState::Succeeded, keyed)]),
        (
            4,
            JobState::Succeeded,
            vec![
                ("lab: compile", StepState::Succeeded, keyed),
                ("packages", StepState::Succeeded, keyed),
            ],
        ),
        // What has no key runs in each.
        (5, JobState::Succeeded, vec![("resolve", StepState::Succeeded, None)]),
        (
            6,
            JobState::Succeeded,
            vec![
                ("lab: compile", StepState::Reused, keyed),
                ("packages", StepState::Succeeded, keyed),
            ],
        ),
    ] {
        let job = build(&world, &it, &base, number).await;
        let mut tx = world.begin().await;
        let (worker, now) = ("worker", world.now());
        let claimed = tx.claim_job(worker, now, now, &[JobKind::Variant]).await.unwrap().unwrap();
        assert_eq!(claimed.job.id, job);
        let started = tx.job(&job).await.unwrap().unwrap().started_at.unwrap();
        for (position, (name, state, key)) in (1..).zip(steps) {
            let step = Step {
                position,
                name: name.to_owned(),
                state,
                key,
                started_at: Some(started),
                ended_at: Some(started),
                progress: None,
                message: None,
            };
            tx.set_step(&job, &step).await.unwrap();
        }
        let ended = Timestamp(started.0 + i64::from(number) * 1_000_000);
        tx.end_job(&job, end, "", None, ended).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut rows = world.store.read().await.unwrap();
    let took = rows.variant_build_times(10).await.unwrap();
    assert_eq!(took, [(6_000_000, definition("htop")), (1_000_000, definition("htop"))]);
    assert_eq!(rows.variant_build_times(1).await.unwrap().len(), 1);
}

async fn a_slot_is_filled_by_one_variant_until_it_is_emptied_or_the_variant_goes(world: World) {
    let later = Timestamp(world.now().0 + 1_000_000);
    let (one, other) = (variant(&world, "one", later).await, variant(&world, "other", later).await);
    let slots = async || -> Vec<(Slot, String)> {
        let filled = world.store.read().await.unwrap().slots(DEVELOPMENT).await.unwrap();
        filled.into_iter().map(|it| (it.slot, it.variant)).collect()
    };
    let fill = async |slot, variant: &Variant| {
        let mut tx = world.begin().await;
        tx.fill_slot(DEVELOPMENT, slot, &variant.id, world.now(), "ada").await.unwrap();
        tx.commit().await.unwrap();
    };
    assert_eq!(slots().await, []);
    fill(Slot::XenDev, &one).await;
    fill(Slot::VmlinuzDev, &one).await;
    fill(Slot::XenDev, &other).await;
    let (name, others) = ("one".to_owned(), "other".to_owned());
    assert_eq!(slots().await, [(Slot::VmlinuzDev, name), (Slot::XenDev, others.clone())]);

    let mut tx = world.begin().await;
    tx.delete_variant(&one.id, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(slots().await, [(Slot::XenDev, others)]);
    let mut tx = world.begin().await;
    assert!(tx.empty_slot(DEVELOPMENT, Slot::XenDev).await.unwrap());
    assert!(!tx.empty_slot(DEVELOPMENT, Slot::XenDev).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(slots().await, []);

    // The database itself keeps production from it.
    let mut tx = world.begin().await;
    let refused = tx.fill_slot(PRODUCTION, Slot::VmlinuzDev, &other.id, world.now(), "ada").await;
    assert!(refused.is_err());
}
