//! Tables are those of this version, or nothing is touched: all steps that are missing are one transaction, each taken once,
//! in order; what has rows is copied first.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::database::Database;
use crate::{StoreError, StoreErrorKind};

/// One step from a version of the tables to the next.
#[derive(Clone, Copy)]
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
        name: "sources",
        sqlite: include_str!("../migrations/sqlite/0004_sources.sql"),
        postgres: include_str!("../migrations/postgres/0004_sources.sql"),
    },
    Step {
        name: "timeline",
        sqlite: include_str!("../migrations/sqlite/0005_timeline.sql"),
        postgres: include_str!("../migrations/postgres/0005_timeline.sql"),
    },
    Step {
        name: "corrections",
        sqlite: include_str!("../migrations/sqlite/0006_corrections.sql"),
        postgres: include_str!("../migrations/postgres/0006_corrections.sql"),
    },
    Step {
        name: "terms and ratings",
        sqlite: include_str!("../migrations/sqlite/0007_names.sql"),
        postgres: include_str!("../migrations/postgres/0007_names.sql"),
    },
    Step {
        name: "rises",
        sqlite: include_str!("../migrations/sqlite/0008_rises.sql"),
        postgres: include_str!("../migrations/postgres/0008_rises.sql"),
    },
];

/// Serialises processes that start together on PostgreSQL: an arbitrary number that is the store's own.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7126538204118273)";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)";

/// Brings the tables up to this version.
pub(crate) async fn run(database: &Database) -> Result<(), StoreError> {
    take(database, STEPS).await
}

async fn take(database: &Database, steps: &[Step]) -> Result<(), StoreError> {
    let action = "bring the tables of the store up to this version";
    let found = version(database, action).await?;
    let target = steps.len() as i64;
    refuse_newer(found, target)?;
    if found == target {
        return Ok(());
    }
    if found > 0 {
        back_up(database, found, target).await?;
    }
    let mut transaction = database.begin(action).await?;
    if transaction.is_postgres() {
        transaction.execute_script(action, LOCK).await?;
    }
    transaction.execute_script(action, CREATE).await?;
    // Another process may have been faster, and may be newer.
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
    refuse_newer(done, target)?;
    for (number, step) in (1_i64..)
        .zip(steps)
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

fn refuse_newer(found: i64, known: i64) -> Result<(), StoreError> {
    if found <= known {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Version,
        "open the store",
        format!(
            "its tables are of version {found}, this program knows {known}; start the newer program that wrote them, or put \
             back the copy that it made before it changed them"
        ),
    ))
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

/// Copies the file of a SQLite store beside it. The copy has its name once it is whole and on the disk: SQLite does not
/// wait for the disk when it copies (<https://www.sqlite.org/lang_vacuum.html>). PostgreSQL takes all steps or none, and
/// has backups of its own.
async fn back_up(database: &Database, found: i64, target: i64) -> Result<(), StoreError> {
    let Database::Sqlite { writer, .. } = database else {
        tracing::info!(
            from = found,
            to = target,
            "store tables change in one transaction; the way back is a backup of the database"
        );
        return Ok(());
    };
    let path = writer.connect_options().get_filename().to_owned();
    let beside = |suffix: String| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    let copy = beside(format!(".before-v{}", found + 1));
    let part = beside(".copying".to_owned());
    let action = format!("copy the store {} before its tables change", path.display());
    // Unavailable, as room is the likely reason, and whoever opens the store then waits for it.
    let failed = |error: std::io::Error| {
        let reason = format!("{error}; free some space, or check the rights of the directory");
        StoreError::new(StoreErrorKind::Unavailable, &action, reason)
    };
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let text = part.to_str().ok_or_else(|| {
        let reason = "its path is not UTF-8: move it to one that is";
        StoreError::new(StoreErrorKind::Settings, &action, reason)
    })?;
    sqlx::query("VACUUM INTO $1")
        .bind(text)
        .execute(writer)
        .await
        .map_err(|error| StoreError::of(&action, &error))?;
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(&part)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&part, &copy))
        .and_then(|()| File::open(directory.unwrap_or(Path::new(".")))?.sync_all())
        .map_err(failed)?;
    tracing::info!(
        path = %path.display(), copy = %copy.display(), from = found, to = target,
        "store copied before its tables change"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Store, StoreConfig};

    const BROKEN: Step = Step {
        name: "broken",
        sqlite: "DELETE FROM progress; INSERT INTO no_such_table VALUES (1)",
        postgres: "DELETE FROM progress; INSERT INTO no_such_table VALUES (1)",
    };

    async fn figures(database: &Database) -> (i64, i64) {
        let rows = database
            .fetch_int("test", "SELECT COUNT(*) FROM progress", Vec::new())
            .await
            .unwrap();
        (version(database, "test").await.unwrap(), rows)
    }

    async fn a_step_that_fails_loses_nothing(store: &Store) {
        let database = &store.database;
        let sql = "INSERT INTO progress VALUES ('test', 'voc.alerts.v1', 0, 42)";
        database.execute("test", sql, Vec::new()).await.unwrap();
        let before = figures(database).await;
        let mut steps = STEPS.to_vec();
        steps.push(BROKEN);
        let error = take(database, &steps).await.unwrap_err();
        assert!(error.to_string().contains("(broken)"), "{error}");
        assert_eq!(figures(database).await, before);
        // The program of before goes on with it.
        run(database).await.unwrap();
    }

    #[tokio::test]
    async fn a_step_that_fails_loses_nothing_on_sqlite() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::default(), directory.path())
            .await
            .unwrap();
        // What a copy that was cut off left.
        std::fs::write(directory.path().join("store.db.copying"), "half").unwrap();
        a_step_that_fails_loses_nothing(&store).await;
        store.close().await;
        let copy = directory
            .path()
            .join(format!("store.db.before-v{}", STEPS.len() + 1));
        let config = StoreConfig::at(format!("sqlite:{}", copy.display()));
        let copy = Store::open(&config, Path::new("")).await.unwrap();
        assert_eq!(figures(&copy.database).await, (STEPS.len() as i64, 1));
        copy.close().await;
    }

    #[tokio::test]
    async fn a_step_that_fails_loses_nothing_on_postgresql() {
        let Ok(url) = std::env::var("WENSHENG_POSTGRES") else {
            println!("skipped: WENSHENG_POSTGRES is not set; see tests/postgres.sh");
            return;
        };
        let schema = format!("migrate_{}", std::process::id());
        let admin = sqlx::PgPool::connect(&url).await.unwrap();
        let run = async |sql: String| {
            let sql = sqlx::AssertSqlSafe(sql);
            sqlx::query(sql).execute(&admin).await.unwrap();
        };
        run(format!("CREATE SCHEMA {schema}")).await;
        let join = if url.contains('?') { '&' } else { '?' };
        let config = StoreConfig::at(format!("{url}{join}options=-csearch_path%3D{schema}"));
        // Several that start together take each step once.
        let stores = futures::future::join_all(
            (0..4).map(async |_| Store::open(&config, Path::new("")).await.unwrap()),
        )
        .await;
        a_step_that_fails_loses_nothing(&stores[0]).await;
        for store in &stores {
            store.close().await;
        }
        run(format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}
