//! Tables are those of this version, or nothing is touched: each step is one transaction, taken once, in order.

use crate::database::Database;
use crate::{StoreError, StoreErrorKind};

/// One step from a version of the tables to the next.
struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// All steps; the version of the tables is the number of steps taken. A step that was released is never changed.
const STEPS: &[Step] = &[
    Step {
        name: "tables",
        sqlite: include_str!("../migrations/sqlite/0001_tables.sql"),
        postgres: include_str!("../migrations/postgres/0001_tables.sql"),
    },
    Step {
        name: "views",
        sqlite: include_str!("../migrations/sqlite/0002_views.sql"),
        postgres: include_str!("../migrations/postgres/0002_views.sql"),
    },
    Step {
        name: "withdrawn feedback",
        sqlite: include_str!("../migrations/sqlite/0003_withdrawn.sql"),
        postgres: include_str!("../migrations/postgres/0003_withdrawn.sql"),
    },
    Step {
        name: "timeline",
        sqlite: include_str!("../migrations/sqlite/0004_timeline.sql"),
        postgres: include_str!("../migrations/postgres/0004_timeline.sql"),
    },
];

/// Serialises processes that start together on PostgreSQL: an arbitrary number that is the store's own.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7126538204118273)";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)";

/// Brings the tables up to this version.
pub(crate) async fn run(database: &Database) -> Result<(), StoreError> {
    let action = "bring the tables of the store up to this version";
    let found = version(database, action).await?;
    let target = STEPS.len() as i64;
    if found > target {
        return Err(StoreError::new(
            StoreErrorKind::Version,
            "open the store",
            format!(
                "its tables are of version {found}, this program knows {target}; start the newer program that wrote them"
            ),
        ));
    }
    if found == target {
        return Ok(());
    }
    if found > 0 {
        back_up(database, found).await?;
    }
    let mut transaction = database.begin(action).await?;
    if transaction.is_postgres() {
        transaction.execute_script(action, LOCK).await?;
    }
    transaction.execute_script(action, CREATE).await?;
    // Another process may have been faster.
    let rows = transaction
        .fetch(
            action,
            "SELECT MAX(version) FROM schema_version",
            Vec::new(),
        )
        .await?;
    let done = match rows.first() {
        Some(row) => row.maybe_int(0)?.unwrap_or(0),
        None => 0,
    };
    for (number, step) in (1_i64..)
        .zip(STEPS)
        .skip(usize::try_from(done).unwrap_or(0))
    {
        let action = format!("take step {number} ({}) of the store's tables", step.name);
        let script = if transaction.is_postgres() {
            step.postgres
        } else {
            step.sqlite
        };
        transaction.execute_script(&action, script).await?;
        transaction
            .execute(
                &action,
                "INSERT INTO schema_version (version, name, applied_at_ms) VALUES ($1, $2, $3)",
                vec![
                    number.into(),
                    step.name.into(),
                    jiff::Timestamp::now().as_millisecond().into(),
                ],
            )
            .await?;
    }
    transaction.commit(action).await?;
    tracing::info!(from = found, to = target, "store tables are up to date");
    Ok(())
}

/// The version of the tables; 0 for an empty database.
async fn version(database: &Database, action: &str) -> Result<i64, StoreError> {
    let exists = match database {
        Database::Sqlite { .. } => {
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
        }
        Database::Postgres(_) => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'"
        }
    };
    if database.fetch_int(action, exists, Vec::new()).await? == 0 {
        return Ok(0);
    }
    database
        .fetch_int(
            action,
            "SELECT MAX(version) FROM schema_version",
            Vec::new(),
        )
        .await
}

/// Copies the file of a SQLite store beside it. PostgreSQL takes each step whole or not at all, and has its own backups.
async fn back_up(database: &Database, version: i64) -> Result<(), StoreError> {
    let Database::Sqlite { writer, .. } = database else {
        return Ok(());
    };
    let path = writer.connect_options().get_filename().to_owned();
    let mut copy = path.clone().into_os_string();
    copy.push(format!(".before-v{}", version + 1));
    let action = format!("copy the store {} before its tables change", path.display());
    let failed = |error: &dyn std::fmt::Display| {
        StoreError::new(
            StoreErrorKind::Unwritable,
            &action,
            format!("{error}; free some space, or check the rights of the directory"),
        )
    };
    match std::fs::remove_file(&copy) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    let target = copy
        .to_str()
        .ok_or_else(|| failed(&"the path is not UTF-8"))?;
    sqlx::query("VACUUM INTO $1")
        .bind(target)
        .execute(writer)
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(copy = target, "store copied before its tables change");
    Ok(())
}
