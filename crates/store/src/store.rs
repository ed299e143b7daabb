//! A store that opens is ready: its file or server answers, and its tables are those of this version.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::config::Location;
use crate::database::Database;
use crate::{StoreConfig, StoreError, StoreErrorKind, migrate};

/// How long a caller waits for a connection: shorter than what an HTTP client endures and a shutdown allows, longer than
/// any queue for a healthy database.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The query store. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) database: Database,
}

impl Store {
    /// Opens the store that `config` names, creates its tables or brings them up to this version. The file of a SQLite
    /// store is copied to `<file>.before-v<version>` before existing tables are changed.
    ///
    /// # Errors
    /// Retriable while the server cannot be reached or another process holds the file; else the operator must act.
    pub async fn open(config: &StoreConfig, data_dir: &Path) -> Result<Self, StoreError> {
        let database = match config.location(data_dir)? {
            Location::Sqlite(path) => open_sqlite(&path, config).await?,
            Location::Postgres(url) => open_postgres(&url, config.connections).await?,
        };
        let store = Self { database };
        if let Err(error) = migrate::run(&store.database).await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .fetch_int(
                "ask the store for an answer",
                "SELECT CAST(1 AS BIGINT)",
                Vec::new(),
            )
            .await
            .map(|_| ())
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// WAL, so that screens read while a batch is written. `synchronous = NORMAL`: after a power loss the last transactions
/// may be missing, but they are missing whole, rows and progress alike, and are read again from the bus, which is the
/// durable side (`FULL` there). `FULL` here would pay a second flush per batch for nothing.
async fn open_sqlite(path: &Path, config: &StoreConfig) -> Result<Database, StoreError> {
    let action = format!("open the store {}", path.display());
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| {
            StoreError::new(
                StoreErrorKind::Unwritable,
                &action,
                format!(
                    "cannot create the directory {}: {error}; create it, or correct `data_dir` or `store.url`",
                    parent.display()
                ),
            )
        })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_millis(config.lock_wait_ms))
        // 64 MiB of pages: the inner pages of all indexes of some ten million rows.
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY")
        // 16 MiB of log between checkpoints: a page that several batches touch is written to the file once.
        .pragma("wal_autocheckpoint", "4096")
        .disable_statement_logging();
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(|error| StoreError::of(&action, &error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(config.connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Database::Sqlite { writer, readers })
}

async fn open_postgres(url: &str, connections: u32) -> Result<Database, StoreError> {
    // The address itself is not told: it holds a password.
    let options: PgConnectOptions = url
        .parse()
        .map_err(|error| StoreError::of("read `store.url`", &error))?;
    let action = format!(
        "open the store {} on {}:{}",
        options.get_database().unwrap_or(options.get_username()),
        options.get_host(),
        options.get_port()
    );
    let options = options
        .application_name("wensheng")
        .disable_statement_logging();
    // Asked once by itself: the pool would try again and again, and then say no more than that time ran out.
    let first = options
        .connect()
        .await
        .map_err(|error| StoreError::of(&action, &error))?;
    first
        .close()
        .await
        .map_err(|error| StoreError::of(&action, &error))?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options);
    Ok(Database::Postgres(pool))
}
