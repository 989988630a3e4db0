//! The audit log: one chain, never changed, and every tampering found.

use domain::{
    actor::{Actor, Who},
    audit::{AuditEntry, AuditFault},
    ids::PersonId,
    page::Slice,
    person::Role,
};
use sqlx::{AnyConnection, AssertSqlSafe, Executor as _};
use store::{Rows, StoreError, audit::AuditFilter};

use crate::{on_both_engines, world::World};

on_both_engines! {
    rows_read_back_as_they_were_written
    rows_are_paged_and_found_by_subject_and_actor
    what_has_no_end_is_found_by_its_last_row
    the_database_refuses_to_change_the_log
    an_edited_row_is_found
    a_removed_row_is_found
    an_inserted_row_is_found
    a_log_that_was_cut_short_is_found
    a_log_that_was_made_anew_is_found
}

async fn rows_read_back_as_they_were_written(world: World) {
    let actor = Actor {
        who: Who::Person {
            id: PersonId("p1".to_owned()),
            name: "ada".to_owned(),
            role: Role::Viewer,
        },
        address: Some("2001:db8::1".parse().unwrap()),
        request: "r-1".to_owned(),
        token: Some("t1".into()),
    };
    let details = serde_json::json!({ "b": [1, null, "ü"], "a": { "x": i64::from(i32::MIN) } });
    let entry =
        AuditEntry::new(world.now(), &actor, "recipe.save", "recipe", "web".to_owned(), details);
    let mut tx = world.begin().await;
    assert_eq!(tx.record(&entry).await.unwrap(), 1);
    tx.commit().await.unwrap();
    world.record("other", "x").await;

    let mut rows = world.store.read().await.unwrap();
    let written = rows.audit_rows_after(0, 10).await.unwrap();
    assert_eq!(written[0].entry, entry);
    assert_eq!(written[0].previous_hash, "");
    assert_eq!(written[1].previous_hash, written[0].hash.to_string());
    assert_eq!(rows.verify_audit().await.unwrap(), (2, written[1].hash.to_string()));
}

async fn rows_are_paged_and_found_by_subject_and_actor(world: World) {
    for number in 1..=6 {
        let subject = if number % 2 == 0 { "even" } else { "odd" };
        assert_eq!(world.record("count", subject).await, number);
    }
    let mut rows = world.store.read().await.unwrap();
    let after: Vec<_> = rows.audit_rows_after(4, 10).await.unwrap();
    assert_eq!(after.iter().map(|row| row.sequence).collect::<Vec<_>>(), [5, 6]);
    let everything = AuditFilter::default();
    assert_eq!(pages(&mut rows, &everything).await, [vec![6, 5], vec![4, 3], vec![2, 1]]);
    let name = |text: &str| Some(text.to_owned());
    let about = |subject| AuditFilter { subject: name(subject), ..AuditFilter::default() };
    let even = AuditFilter { subject_kind: name("thing"), ..about("even") };
    assert_eq!(pages(&mut rows, &even).await, [vec![6, 4], vec![2]]);
    let other = AuditFilter { subject_kind: name("other"), ..about("even") };
    assert_eq!(pages(&mut rows, &other).await, [Vec::<i64>::new()]);
    let actor = Actor::command_line().name().to_owned();
    let by = AuditFilter { actor: Some(actor), action: name("count"), ..about("odd") };
    assert_eq!(pages(&mut rows, &by).await, [vec![5, 3], vec![1]]);
    let nobody = AuditFilter { actor: name("nobody"), ..AuditFilter::default() };
    assert_eq!(pages(&mut rows, &nobody).await, [Vec::<i64>::new()]);
}

async fn what_has_no_end_is_found_by_its_last_row(world: World) {
    for (action, subject) in [
        ("start", "over"),
        ("start", "runs"),
        ("start", "begun"),
        ("extend", "runs"),
        ("end", "over"),
        // Written by whoever came too late.
        ("extend", "over"),
    ] {
        world.record(action, subject).await;
    }
    let mut rows = world.store.read().await.unwrap();
    let open = rows.audit_rows_without_end("thing", "end").await.unwrap();
    assert_eq!(open.iter().map(|row| row.sequence).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(open[1].entry.subject, "runs");
    assert_eq!(rows.audit_rows_without_end("other", "end").await.unwrap(), []);
}

/// The numbers of the rows of all pages of two.
async fn pages(rows: &mut Rows, filter: &AuditFilter) -> Vec<Vec<i64>> {
    let mut slice = Slice { after: None, limit: 2 };
    let mut pages = Vec::new();
    loop {
        let page = rows.audit_page(filter, &slice).await.unwrap();
        pages.push(page.items.iter().map(|row| row.sequence).collect());
        match page.next {
            Some(next) => slice.after = Some(next),
            None => return pages,
        }
    }
}

async fn the_database_refuses_to_change_the_log(world: World) {
    world.record("a", "b").await;
    let mut connection = world.intrude().await;
    let mut refused = vec!["update audit set actor = 'mallory'", "delete from audit"];
    if !world.is_sqlite() {
        refused.push("truncate audit");
    }
    for statement in refused {
        let error = connection.execute(statement).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(world.store.read().await.unwrap().verify_audit().await.unwrap().0, 1);
}

/// Five rows, and an intruder who has put the triggers out of the way.
async fn broken_into(world: &World) -> AnyConnection {
    for number in 1..=5 {
        world.record("a", &number.to_string()).await;
    }
    let mut connection = world.intrude().await;
    let statements: &[&str] = if world.is_sqlite() {
        &["drop trigger audit_no_update", "drop trigger audit_no_delete"]
    } else {
        &["alter table audit disable trigger user"]
    };
    for statement in statements {
        connection.execute(AssertSqlSafe(*statement)).await.unwrap();
    }
    connection
}

async fn fault(world: &World) -> AuditFault {
    match world.store.read().await.unwrap().verify_audit().await.unwrap_err() {
        StoreError::Audit(fault) => fault,
        other => panic!("{other:?}"),
    }
}

async fn an_edited_row_is_found(world: World) {
    let mut connection = broken_into(&world).await;
    connection.execute("update audit set subject = 'x' where sequence = 3").await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Edited(3));

    // Whoever hashes the row anew is found at the next, or, at the last row, by the head.
    for (row, found) in [(3, 4), (5, 5)] {
        let mut rows = world.store.read().await.unwrap();
        let mut edited = rows.audit_rows_after(row - 1, 1).await.unwrap().remove(0);
        edited.entry.subject = "x".to_owned();
        let hash = edited.entry.hash(row, &edited.previous_hash).unwrap();
        let original = edited.hash;
        let set = |subject: &str, hash: &domain::digest::Digest| {
            AssertSqlSafe(format!(
                "update audit set subject = '{subject}', hash = '{hash}' where sequence = {row}"
            ))
        };
        connection.execute(set("x", &hash)).await.unwrap();
        assert_eq!(fault(&world).await, AuditFault::Unchained(found));
        connection.execute(set(&row.to_string(), &original)).await.unwrap();
    }
    world.store.read().await.unwrap().verify_audit().await.unwrap();
}

async fn a_removed_row_is_found(world: World) {
    let mut connection = broken_into(&world).await;
    connection.execute("delete from audit where sequence = 3").await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Missing { expected: 3, found: 4 });
    // Closing the gap by new numbers does not help.
    connection.execute("update audit set sequence = 3 where sequence = 4").await.unwrap();
    connection.execute("update audit set sequence = 4 where sequence = 5").await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Unchained(3));
}

async fn an_inserted_row_is_found(world: World) {
    let mut connection = broken_into(&world).await;
    connection
        .execute(
            "insert into audit (sequence, at, actor, request, action, subject_kind, subject,
                                details, previous_hash, hash)
             select 6, at, actor, request, action, subject_kind, subject, details, hash, hash
             from audit where sequence = 5",
        )
        .await
        .unwrap();
    assert_eq!(fault(&world).await, AuditFault::Edited(6));

    // One that is hashed well follows from the last row, but the counter knows of five.
    let mut rows = world.store.read().await.unwrap();
    let last = rows.audit_rows_after(4, 1).await.unwrap().remove(0);
    let hash = last.entry.hash(6, &last.hash.to_string()).unwrap();
    let statement = format!("update audit set hash = '{hash}' where sequence = 6");
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Truncated { expected: 5, found: 6 });
}

async fn a_log_that_was_cut_short_is_found(world: World) {
    let mut connection = broken_into(&world).await;
    connection.execute("delete from audit where sequence > 3").await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Truncated { expected: 5, found: 3 });
    connection.execute("delete from audit").await.unwrap();
    assert_eq!(fault(&world).await, AuditFault::Truncated { expected: 5, found: 0 });
}

/// Against the owner of the database only a copy of the head elsewhere helps: the chain is whole,
/// but its head is another.
async fn a_log_that_was_made_anew_is_found(world: World) {
    let mut connection = broken_into(&world).await;
    let kept = world.store.read().await.unwrap().verify_audit().await.unwrap();
    connection.execute("delete from audit").await.unwrap();
    connection.execute("update head set sequence = 0, hash = ''").await.unwrap();
    for number in 1..=5 {
        world.record("forged", &number.to_string()).await;
    }
    let forged = world.store.read().await.unwrap().verify_audit().await.unwrap();
    assert_eq!(forged.0, kept.0);
    assert_ne!(forged.1, kept.1);
}
