use super::*;

/// Nothing outside the store can ask its connections how they are set.
#[tokio::test]
async fn every_sqlite_connection_is_durable_and_checks_references() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Store::sqlite_url(folder.path())).await.unwrap();
    for pool in [&store.writers, &store.readers] {
        let row = sqlx::query(
            "select j.journal_mode as journal, cast(s.synchronous as bigint) as synchronous,
                    cast(f.foreign_keys as bigint) as keys, cast(b.timeout as bigint) as busy
             from pragma_journal_mode j, pragma_synchronous s, pragma_foreign_keys f,
                  pragma_busy_timeout b",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!(row.get::<String, _>("journal"), "wal");
        let numbers = ["synchronous", "keys", "busy"].map(|name| row.get::<i64, _>(name));
        // 2 is FULL: the log reaches the disk at every commit.
        assert_eq!(numbers, [2, 1, 30_000]);
    }
    assert_eq!(store.writers.options().get_max_connections(), 1);
}
