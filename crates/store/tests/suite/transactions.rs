//! What a writing transaction promises.

use std::time::Duration;

use domain::{digest::Digest, person::Role};
use store::{Store, StoreError};

use crate::{on_both_engines, world::World};

on_both_engines! {
    what_is_not_committed_is_not_there
    a_transaction_reads_what_it_wrote_and_others_do_not
    a_failed_statement_leaves_the_writer_usable
    writers_of_two_processes_lose_nothing
    a_crash_keeps_what_was_committed_and_nothing_else
}

async fn what_is_not_committed_is_not_there(world: World) {
    let mut tx = world.begin().await;
    tx.record(&world.entry("a", "dropped")).await.unwrap();
    drop(tx);

    let cancelled = tokio::time::timeout(Duration::from_millis(50), async {
        let mut tx = world.begin().await;
        tx.record(&world.entry("a", "cancelled")).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert!(cancelled.await.is_err());

    assert_eq!(world.store.read().await.unwrap().sequence().await.unwrap(), 0);
    assert_eq!(world.record("a", "kept").await, 1);
    assert_eq!(world.store.read().await.unwrap().verify_audit().await.unwrap().0, 1);
}

async fn a_transaction_reads_what_it_wrote_and_others_do_not(world: World) {
    let mut tx = world.begin().await;
    tx.record(&world.entry("a", "b")).await.unwrap();
    assert_eq!(tx.sequence().await.unwrap(), 1);
    let mut reader = world.store.read().await.unwrap();
    assert_eq!(reader.sequence().await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(reader.sequence().await.unwrap(), 1);
    reader.ping().await.unwrap();
}

async fn a_failed_statement_leaves_the_writer_usable(world: World) {
    let ada = world.person("ada", Role::Viewer).await;
    let mut tx = world.begin().await;
    let error = tx.insert_person(&ada, None).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    drop(tx);
    world.person("bob", Role::Viewer).await;
    assert_eq!(world.store.read().await.unwrap().count_people().await.unwrap(), 2);
}

async fn writers_of_two_processes_lose_nothing(world: World) {
    const TASKS: u32 = 8;
    const EACH: u32 = 25;
    let (author, first) = world.recipe("web").await;
    // A second store has connections of its own, as a second process would.
    let other = Store::open(&world.url).await.unwrap();
    let world = std::sync::Arc::new(world);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = if task % 2 == 0 { world.store.clone() } else { other.clone() };
            let (world, author, recipe) = (world.clone(), author.clone(), first.recipe.clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    // Reads, then writes what follows from it: a lost update would be a conflict.
                    let mut tx = store.begin().await.unwrap();
                    let newest = tx.revision("web", None).await.unwrap().unwrap().number;
                    let next = world.revision(&recipe, newest + 1, &author);
                    tx.insert_revision(&next, &author.id).await.unwrap();
                    tx.record(&world.entry("recipe.save", &next.number.to_string())).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        })
        .collect();
    let watched = tokio::spawn({
        let store = other.clone();
        async move {
            // The chain is whole at every instant, for whoever looks meanwhile.
            while store.read().await.unwrap().verify_audit().await.unwrap().0
                < i64::from(TASKS * EACH)
            {}
        }
    });
    for task in tasks {
        task.await.unwrap();
    }
    watched.await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.verify_audit().await.unwrap().0, i64::from(TASKS * EACH));
    let numbers: Vec<u32> =
        rows.revisions("web").await.unwrap().iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, (1..=1 + TASKS * EACH).rev().collect::<Vec<_>>());
    // Numbers and revisions were given in one order.
    for row in rows.audit_rows_after(0, 100_000).await.unwrap() {
        assert_eq!(row.entry.subject, (row.sequence + 1).to_string());
    }
    other.close().await;
}

async fn a_crash_keeps_what_was_committed_and_nothing_else(world: World) {
    for number in 0..20 {
        world.record("a", &number.to_string()).await;
    }
    let mut open = world.begin().await;
    open.record(&world.entry("a", "half")).await.unwrap();
    open.insert_link(
        &Digest::of("token"),
        store::links::LinkPurpose::FirstAdministrator,
        None,
        world.now(),
        world.now(),
    )
    .await
    .unwrap();

    let after = world.after_a_crash().await;
    after.migrate().await.unwrap();
    let (rows, _) = after.read().await.unwrap().verify_audit().await.unwrap();
    assert_eq!(rows, 20);
    let mut tx = after.begin().await.unwrap();
    assert_eq!(tx.record(&world.entry("a", "after")).await.unwrap(), 21);
    tx.commit().await.unwrap();
    if !world.is_sqlite() {
        // Its server is gone: what was not committed cannot be.
        let error = open.commit().await.unwrap_err();
        assert!(matches!(error, StoreError::Database { .. }), "{error:?}");
    }
    after.close().await;
}
