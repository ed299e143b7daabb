//! A store that cannot be opened says why and what the operator can do.

use jiff::Timestamp;
use sqlx::Executor as _;
use wensheng_store::{Store, StoreConfig, StoreErrorKind, WriteBatch};

use crate::fixture::postgres_url;
use crate::samples::{minute, progress};

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    std::fs::write(&path, "这不是数据库".repeat(1_000)).unwrap();
    let error = Store::open(&StoreConfig::default(), directory.path())
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    assert!(!error.retriable());
    assert!(error.to_string().contains("store.db"), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig::default();
    Store::open(&config, directory.path())
        .await
        .unwrap()
        .close()
        .await;
    let path = directory.path().join("store.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Past the header, so that it still looks like a database.
    bytes[100..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&config, directory.path()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&StoreConfig::default(), &file)
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
    assert!(error.to_string().contains("data_dir"), "{error}");
    // A directory stands where the file should be.
    std::fs::create_dir(directory.path().join("store.db")).unwrap();
    let error = Store::open(&StoreConfig::default(), directory.path())
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        lock_wait_ms: 20,
        ..StoreConfig::default()
    };
    let store = Store::open(&config, directory.path()).await.unwrap();
    let url = format!("sqlite:{}", directory.path().join("store.db").display());
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let mut holder = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    holder.execute("DELETE FROM feedback").await.unwrap();
    let batch = WriteBatch {
        progress: vec![progress(wensheng_schemas::Topic::Alerts, 1)],
        ..WriteBatch::default()
    };
    let error = store
        .writer("test")
        .apply(&batch, minute(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.retriable());
    // Screens read on meanwhile.
    assert_eq!(store.feedback_count().await.unwrap(), 0);
    holder.rollback().await.unwrap();
    store.writer("test").apply(&batch, minute(0)).await.unwrap();
    other.close().await;
    store.close().await;
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig::default();
    Store::open(&config, directory.path())
        .await
        .unwrap()
        .close()
        .await;
    let url = format!("sqlite:{}", directory.path().join("store.db").display());
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    other
        .execute(
            "INSERT INTO schema_version (version, name, applied_at_ms) VALUES (99, 'future', 0)",
        )
        .await
        .unwrap();
    other.close().await;
    let error = Store::open(&config, directory.path()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Version, "{error}");
    assert!(error.to_string().contains("99"), "{error}");
}

#[tokio::test]
async fn older_tables_are_copied_before_they_change() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite:{}?mode=rwc",
        directory.path().join("store.db").display()
    );
    let old = sqlx::SqlitePool::connect(&url).await.unwrap();
    for script in [
        include_str!("../../migrations/sqlite/0001_tables.sql"),
        "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL);
         INSERT INTO schema_version VALUES (1, 'tables', 0);
         INSERT INTO progress VALUES ('test', 'voc.alerts.v1', 0, 42);",
    ] {
        sqlx::raw_sql(script).execute(&old).await.unwrap();
    }
    old.close().await;
    let store = Store::open(&StoreConfig::default(), directory.path())
        .await
        .unwrap();
    assert_eq!(
        store.writer("test").progress().await.unwrap(),
        [progress(wensheng_schemas::Topic::Alerts, 42)],
        "what was there stays"
    );
    store.close().await;
    let copy = format!(
        "sqlite:{}",
        directory.path().join("store.db.before-v2").display()
    );
    let copy = sqlx::SqlitePool::connect(&copy).await.unwrap();
    let version: i64 = sqlx::query_scalar("SELECT MAX(version) FROM schema_version")
        .fetch_one(&copy)
        .await
        .unwrap();
    assert_eq!(version, 1, "the copy is of the version before");
    copy.close().await;
}

#[tokio::test]
async fn opening_twice_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig::default();
    for _ in 0..2 {
        let store = Store::open(&config, directory.path()).await.unwrap();
        store.ping().await.unwrap();
        store.close().await;
    }
    let others: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains("before"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_worth_waiting_for_and_the_password_is_not_told() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = StoreConfig::at(format!(
        "postgres://wensheng:s3cret@127.0.0.1:{port}/wensheng"
    ));
    let error = Store::open(&config, std::path::Path::new(""))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.retriable());
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused() {
    for url in [
        "mysql://root@localhost/x",
        "store.db",
        "sqlite:",
        "sqlite::memory:",
    ] {
        let error = Store::open(&StoreConfig::at(url), std::path::Path::new(""))
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Settings, "{url}: {error}");
        assert!(error.to_string().contains("postgres:"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_settings() {
    let Some(url) = postgres_url() else {
        return;
    };
    let Some((before, after)) = url.split_once('@') else {
        println!("skipped: WENSHENG_POSTGRES names no user");
        return;
    };
    let user = before
        .rsplit("//")
        .next()
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    let wrong = format!(
        "postgres://{user}:not-the-password-{}@{after}",
        Timestamp::now().as_second()
    );
    let error = Store::open(&StoreConfig::at(wrong), std::path::Path::new(""))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Settings, "{error}");
    assert!(!error.to_string().contains("not-the-password"), "{error}");
    let server = after.split('/').next().unwrap();
    let missing = format!("{before}@{server}/no_such_database");
    let error = Store::open(&StoreConfig::at(missing), std::path::Path::new(""))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Settings, "{error}");
    assert!(error.to_string().contains("create the database"), "{error}");
}
