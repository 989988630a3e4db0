//! Two sets of migrations, one schema.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::{cluster::Cluster, world::World};

/// Every answer as one line of words.
async fn lines(world: &World, statement: &str) -> Vec<String> {
    let mut lines: Vec<String> = world
        .intrude()
        .await
        .fetch_all(AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<String, _>("line"))
        .collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_schema() {
    let sqlite = World::sqlite().await;
    let cluster = Cluster::start();
    let postgres = World::postgres(&cluster, "parity").await;

    // Tables and views: column, type, whether it may be null.
    let of_sqlite = lines(
        &sqlite,
        "select m.type || ' ' || m.name || '.' || c.name || ' '
                || replace(lower(c.type), 'integer', 'bigint')
                || case when m.type = 'table' and (c.\"notnull\" = 1 or c.pk > 0)
                        then ' not null' else '' end as line
         from sqlite_master m join pragma_table_info(m.name) c
         where m.type in ('table', 'view') and m.name not like 'sqlite!_%' escape '!'
           and m.name <> '_sqlx_migrations'",
    )
    .await;
    let of_postgres = lines(
        &postgres,
        "select case t.table_type when 'VIEW' then 'view' else 'table' end || ' '
                || c.table_name || '.' || c.column_name || ' ' || c.data_type
                || case c.is_nullable when 'NO' then ' not null' else '' end as line
         from information_schema.columns c
         join information_schema.tables t
           on t.table_schema = c.table_schema and t.table_name = c.table_name
         where c.table_schema = 'public' and c.table_name <> '_sqlx_migrations'",
    )
    .await;
    assert_eq!(of_sqlite, of_postgres);
    assert!(of_sqlite.iter().any(|line| line == "table audit.hash text not null"));

    // Indexes that were made by name.
    let of_sqlite = lines(
        &sqlite,
        "select m.tbl_name || ' ' || m.name || ' ' || i.name
                || case when m.sql like 'create unique%' then ' unique' else '' end as line
         from sqlite_master m join pragma_index_info(m.name) i
         where m.type = 'index' and m.sql is not null",
    )
    .await;
    let of_postgres = lines(
        &postgres,
        "select t.relname || ' ' || i.relname || ' ' || a.attname
                || case when x.indisunique then ' unique' else '' end as line
         from pg_index x
         join pg_class i on i.oid = x.indexrelid
         join pg_class t on t.oid = x.indrelid
         join pg_namespace n on n.oid = t.relnamespace
         join pg_attribute a on a.attrelid = i.oid
         where n.nspname = 'public'
           and not exists (select 1 from pg_constraint k where k.conindid = i.oid)",
    )
    .await;
    assert_eq!(of_sqlite, of_postgres);
    assert!(of_sqlite.iter().any(|line| line.contains("release_identity")));

    // Uniqueness that was declared with a table.
    let of_sqlite = lines(
        &sqlite,
        "select m.name || ' (' || group_concat(c.name, ', ') || ')' as line
         from sqlite_master m join pragma_index_list(m.name) i join pragma_index_info(i.name) c
         where m.type = 'table' and i.origin = 'u' group by m.name, i.name",
    )
    .await;
    let of_postgres = lines(
        &postgres,
        "select t.relname || ' (' || (
                    select string_agg(a.attname, ', ' order by k.place)
                    from unnest(c.conkey) with ordinality as k (number, place)
                    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
                ) || ')' as line
         from pg_constraint c join pg_class t on t.oid = c.conrelid
         join pg_namespace n on n.oid = t.relnamespace
         where n.nspname = 'public' and c.contype = 'u'",
    )
    .await;
    assert_eq!(of_sqlite, of_postgres);

    // References.
    let of_sqlite = lines(
        &sqlite,
        "select m.name || '.' || f.\"from\" || ' -> ' || f.\"table\" || '.' || f.\"to\" as line
         from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table'",
    )
    .await;
    let of_postgres = lines(
        &postgres,
        "select t.relname || '.' || a.attname || ' -> ' || o.relname || '.' || b.attname as line
         from pg_constraint c
         join pg_class t on t.oid = c.conrelid
         join pg_class o on o.oid = c.confrelid
         join pg_attribute a on a.attrelid = t.oid and a.attnum = c.conkey[1]
         join pg_attribute b on b.attrelid = o.oid and b.attnum = c.confkey[1]
         where c.contype = 'f'",
    )
    .await;
    assert_eq!(of_sqlite, of_postgres);
    assert!(of_sqlite.len() > 10);
}
