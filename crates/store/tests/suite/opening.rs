//! Opening a store, and refusing what cannot be used.

use sqlx::Executor as _;
use store::{Store, StoreError};
use tempfile::TempDir;

use crate::{
    on_both_engines,
    world::{Home, World, mode},
};

on_both_engines! {
    migrating_twice_changes_nothing
    a_store_that_is_newer_than_the_program_is_refused
    two_processes_migrate_at_once
    text_keeps_the_order_of_bytes
    databases_that_keep_text_otherwise_are_refused
}

async fn migrating_twice_changes_nothing(world: World) {
    world.record("a", "b").await;
    world.store.migrate().await.unwrap();
    let again = Store::open(&world.url).await.unwrap();
    again.migrate().await.unwrap();
    let mut rows = again.read().await.unwrap();
    assert_eq!(rows.sequence().await.unwrap(), 1);
    assert_eq!(rows.environments().await.unwrap().len(), 2);
}

async fn a_store_that_is_newer_than_the_program_is_refused(world: World) {
    world
        .intrude()
        .await
        .execute("update _sqlx_migrations set version = 9999 where version = 1")
        .await
        .unwrap();
    let error = world.store.migrate().await.unwrap_err();
    assert!(error.to_string().contains("newer Bootwright (migration 9999)"), "{error}");
}

async fn two_processes_migrate_at_once(world: World) {
    let url = match &world.home {
        Home::Sqlite(folder) => {
            let fresh = folder.path().join("fresh");
            std::fs::create_dir(&fresh).unwrap();
            Store::sqlite_url(&fresh)
        }
        Home::Postgres(cluster) => {
            world
                .intrude()
                .await
                .execute("create database fresh template template0")
                .await
                .unwrap();
            cluster.url("fresh")
        }
    };
    let (one, other) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    first.unwrap();
    second.unwrap();
    assert_eq!(one.read().await.unwrap().environments().await.unwrap().len(), 2);
}

async fn text_keeps_the_order_of_bytes(world: World) {
    for name in ["b", "B", "a-c", "ab"] {
        let (author, revision) = (world.id(), name);
        let person = world.person(&author, domain::person::Role::Viewer).await;
        let first = world.revision(&domain::ids::RecipeId(world.id()), 1, &person);
        let mut tx = world.begin().await;
        tx.insert_recipe(revision, &first, &person.id).await.unwrap();
        tx.commit().await.unwrap();
    }
    let recipes = world.store.read().await.unwrap().recipes().await.unwrap();
    let names: Vec<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    assert_eq!(names, ["B", "a-c", "ab", "b"]);
}

async fn databases_that_keep_text_otherwise_are_refused(world: World) {
    let Home::Postgres(cluster) = &world.home else {
        // SQLite's own order is that of bytes; what it cannot be is another kind of URL.
        let error = Store::open("mysql://localhost/x").await.unwrap_err();
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
        return;
    };
    let mut connection = world.intrude().await;
    for (name, how) in [
        ("by_language", "locale 'C' locale_provider icu icu_locale 'en' encoding 'UTF8'"),
        ("without_encoding", "locale 'C' encoding 'SQL_ASCII'"),
    ] {
        let statement = format!("create database {name} template template0 {how}");
        connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
        let error = Store::open(&cluster.url(name)).await.unwrap_err();
        let advice =
            format!("create database {name} encoding 'UTF8' locale 'C' template template0");
        assert!(error.to_string().contains(&advice), "{error}");
    }
}

#[tokio::test]
async fn a_data_folder_may_have_any_name_and_its_file_is_private() {
    let above = TempDir::with_prefix("bw-store-").unwrap();
    let folder = above.path().join("a b%41#c?d&é'\"");
    std::fs::create_dir(&folder).unwrap();
    let store = Store::open(&Store::sqlite_url(&folder)).await.unwrap();
    store.migrate().await.unwrap();
    let (file, log) = (folder.join("bootwright.db"), folder.join("bootwright.db-wal"));
    assert_eq!((mode(&file), mode(&log)), (0o600, 0o600));

    let loosened = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&file, loosened).unwrap();
    Store::open(&Store::sqlite_url(&folder)).await.unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_said() {
    let folder = TempDir::with_prefix("bw-store-").unwrap();
    let url = Store::sqlite_url(&folder.path().join("missing"));
    let error = Store::open(&url).await.unwrap_err();
    assert_eq!(error.to_string(), "the database failed while opening it");
}
