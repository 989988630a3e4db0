//! Opening the store, reading from it, and the one way to change it.

use std::{
    ops::{Deref, DerefMut},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Executor as _, Row as _, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
    pool::PoolConnection,
};

use crate::StoreError;

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres");

/// How often a transaction that lost a race for the database is begun again.
const ATTEMPTS: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// The database of an installation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    readers: AnyPool,
    /// SQLite has one writer at a time: waiting for it here is fair, in the database it is not.
    writers: AnyPool,
}

/// A connection to read rows from.
#[derive(Debug)]
pub struct Rows {
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    Pooled(PoolConnection<Any>),
    Transaction(Transaction<'static, Any>),
}

/// A writing transaction. It reads like [`Rows`]; what it changes is there for others after
/// [`WriteTx::commit`] and not at all without.
#[derive(Debug)]
pub struct WriteTx {
    rows: Rows,
}

impl Store {
    /// The URL of the SQLite file of a data folder.
    #[must_use]
    pub fn sqlite_url(data_dir: &Path) -> String {
        let path = data_dir.join("bootwright.db");
        let path = std::path::absolute(&path).unwrap_or(path);
        let mut url = String::from("sqlite://");
        for byte in path.as_os_str().as_bytes() {
            // The driver takes the path out of the URL again: `?`, `#`, `%` and blanks must survive.
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    url.push(char::from(*byte));
                }
                other => url.push_str(&format!("%{other:02X}")),
            }
        }
        url.push_str("?mode=rwc");
        url
    }

    /// Opens the database at `url`: `sqlite://…` or `postgres://…`.
    ///
    /// # Errors
    /// Where it cannot be reached, or is no database that we can use.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") {
            Engine::Sqlite
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Engine::Postgres
        } else {
            return Err(StoreError::Unusable(
                "the database URL must start with sqlite: or postgres:".to_owned(),
            ));
        };
        let options =
            AnyConnectOptions::from_str(url).map_err(StoreError::database("reading its URL"))?;
        let pool = |connections| {
            let options = options.clone();
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(Duration::from_secs(30))
                // A file does not go away between two statements, and to ask takes as long as to read.
                .test_before_acquire(engine != Engine::Sqlite)
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        if engine == Engine::Sqlite {
                            connection.execute(PRAGMAS).await?;
                        }
                        Ok(())
                    })
                })
                .connect_lazy_with(options)
        };
        let writers = pool(if engine == Engine::Sqlite { 1 } else { 8 });
        // The writer first: it makes the file and sets its journal mode.
        writers.acquire().await.map_err(StoreError::database("opening it"))?;
        let store = Self { engine, readers: pool(8), writers };
        match engine {
            Engine::Sqlite => store.keep_private().await?,
            Engine::Postgres => store.check_text().await?,
        }
        Ok(store)
    }

    /// The file holds hashes of passwords and of session ids: nobody else on this host reads it.
    async fn keep_private(&self) -> Result<(), StoreError> {
        let row = sqlx::query("select file from pragma_database_list where name = 'main'")
            .fetch_one(&self.writers)
            .await
            .map_err(StoreError::database("asking for its file"))?;
        let file: String =
            row.try_get("file").map_err(StoreError::database("asking for its file"))?;
        if file.is_empty() {
            return Ok(()); // In memory.
        }
        for suffix in ["", "-wal", "-shm"] {
            let path = PathBuf::from(format!("{file}{suffix}"));
            let Ok(known) = std::fs::metadata(&path) else { continue };
            if known.permissions().mode() & 0o077 == 0 {
                continue;
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(
                |error| {
                    StoreError::Unusable(format!(
                        "{} can be read by others on this host, and that cannot be changed \
                         ({error}): give it to the user that runs Bootwright, with mode 0600",
                        path.display()
                    ))
                },
            )?;
        }
        Ok(())
    }

    /// Our order of text is that of bytes on both engines, and all text is UTF-8: a PostgreSQL
    /// database made otherwise would sort names and walk pages differently.
    async fn check_text(&self) -> Result<(), StoreError> {
        // Asked by what it does: which provider of collations a database uses differs by version.
        let row = sqlx::query(
            "select case when 'B' < 'a' and 'a-c' < 'ab' then 'bytes' else 'language' end as ordered,
                    current_setting('server_encoding') as encoding,
                    current_database()::text as name",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(StoreError::database("asking how it keeps text"))?;
        let column = |name| row.try_get::<String, _>(name);
        let failed = StoreError::database("asking how it keeps text");
        let (ordered, encoding, name) =
            match (column("ordered"), column("encoding"), column("name")) {
                (Ok(ordered), Ok(encoding), Ok(name)) => (ordered, encoding, name),
                (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                    return Err(failed(error));
                }
            };
        if ordered == "bytes" && encoding == "UTF8" {
            return Ok(());
        }
        Err(StoreError::Unusable(format!(
            "the PostgreSQL database {name} orders text by {ordered} and encodes it as {encoding}, \
             and the order of bytes in UTF8 is needed: make it anew by create database {name} \
             encoding 'UTF8' locale 'C' template template0"
        )))
    }

    /// Brings the database to this program's form; does nothing where it has it. Two processes may
    /// do so at once.
    ///
    /// # Errors
    /// Where a migration fails, or the database is newer than this program.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let failed = |error| match error {
            sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Unusable(format!(
                "the store was changed by a newer Bootwright (migration {version}): use that one"
            )),
            other => StoreError::Migration(other),
        };
        match self.engine {
            Engine::Sqlite => {
                // The migrator has no lock of its own on SQLite: a transaction around all of it is
                // one, and leaves everything as it was where a migration fails.
                let mut tx = self.begin().await?;
                SQLITE.run(tx.connection()).await.map_err(failed)?;
                tx.insert_first_environments().await?;
                tx.commit().await
            }
            Engine::Postgres => {
                let mut connection =
                    self.writers.acquire().await.map_err(StoreError::database("opening it"))?;
                POSTGRES.run(&mut *connection).await.map_err(failed)?;
                drop(connection);
                let mut tx = self.begin().await?;
                tx.insert_first_environments().await?;
                tx.commit().await
            }
        }
    }

    /// A connection to read from.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn read(&self) -> Result<Rows, StoreError> {
        let connection =
            self.readers.acquire().await.map_err(StoreError::database("opening it to read"))?;
        Ok(Rows { connection: Connection::Pooled(connection) })
    }

    /// Begins a writing transaction: every change goes through here.
    ///
    /// # Errors
    /// Where the database does not answer, or stayed busy.
    pub async fn begin(&self) -> Result<WriteTx, StoreError> {
        // A transaction that is deferred and reads first fails under load when it then writes.
        let statement = match self.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin isolation level repeatable read",
        };
        let mut attempt = 1;
        loop {
            match self.begin_once(statement).await {
                Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    /// From here on the writer is alone, on SQLite by `begin immediate`, on PostgreSQL by the lock
    /// of the head: so a race for the database is lost here, before anything was read, or not at
    /// all, and only the beginning needs to be tried again.
    ///
    /// PostgreSQL's own `serializable` would promise nothing more to writers that run one after
    /// another, and takes promises back: it counts a writer as running for a moment after its lock
    /// is gone, and then cancels the next ones as they commit (seen: 1 in some thousands). A
    /// repeatable read, whose snapshot is taken once the lock is held, sees every commit before.
    async fn begin_once(&self, statement: &'static str) -> Result<WriteTx, StoreError> {
        let transaction = self
            .writers
            .begin_with(statement)
            .await
            .map_err(StoreError::database("beginning a transaction"))?;
        let mut tx = WriteTx { rows: Rows { connection: Connection::Transaction(transaction) } };
        if self.engine == Engine::Postgres {
            tx.lock_head().await?;
        }
        Ok(tx)
    }

    /// Ends all connections; what was committed is on the disk.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// Durable at every commit, readers beside the writer, references checked. The file is mapped into memory (1 GiB
/// of it at the most), since a connection's own cache is empty again after each commit of another.
const PRAGMAS: &str = "pragma busy_timeout = 30000; pragma journal_mode = wal; \
    pragma synchronous = full; pragma foreign_keys = on; pragma mmap_size = 1073741824;";

impl Rows {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        match &mut self.connection {
            Connection::Pooled(connection) => connection,
            Connection::Transaction(transaction) => transaction,
        }
    }

    /// Asks the database for nothing, to see whether it answers.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn ping(&mut self) -> Result<(), StoreError> {
        self.connection().ping().await.map_err(StoreError::database("asking whether it answers"))
    }
}

impl WriteTx {
    /// Makes everything that was changed last.
    ///
    /// # Errors
    /// Where the database refuses; then nothing was changed.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.rows.connection {
            Connection::Transaction(transaction) => {
                transaction.commit().await.map_err(StoreError::database("committing"))
            }
            Connection::Pooled(_) => Ok(()),
        }
    }
}

impl Deref for WriteTx {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.rows
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;
