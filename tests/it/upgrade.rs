//! An installation of an earlier version goes on where it was: its files are copied, the log tells where, and then they are
//! those of this version.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::site::Site;

/// Pieces that wait on the bus of the fixture.
const ON_THE_BUS: i64 = 3;

async fn open(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .connect()
        .await
        .expect("open the file")
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let mut file = open(path).await;
    let number = sqlx::query_scalar(sql).fetch_one(&mut file).await;
    file.close().await.expect("close the file");
    number.expect("a number")
}

/// The files as the first version left them.
async fn earlier_files(data_dir: &Path) {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let mut bus = open(&data_dir.join("bus.db")).await;
    sqlx::raw_sql(include_str!("fixtures/bus-layout-1.sql"))
        .execute(&mut bus)
        .await
        .expect("the bus of the first layout");
    // What is older than topics keep would be deleted some day.
    sqlx::query("UPDATE segments SET appended_us = $1")
        .bind(Timestamp::now().as_microsecond())
        .execute(&mut bus)
        .await
        .expect("records of today");
    bus.close().await.expect("close the file");
    let mut store = open(&data_dir.join("store.db")).await;
    for script in [
        include_str!("../../crates/store/migrations/sqlite/0001_tables.sql"),
        "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL);
         INSERT INTO schema_version VALUES (1, 'tables', 0);
         INSERT INTO dead_letters VALUES ('kept', 'enrich', 'o', 'r', 0, '{}');",
    ] {
        sqlx::raw_sql(script)
            .execute(&mut store)
            .await
            .expect("the store of the first version");
    }
    store.close().await.expect("close the file");
}

#[tokio::test]
async fn files_of_the_first_version_are_copied_and_read_on() {
    let mut site = Site::new();
    site.configure(json!({ "topics": { "partitions": 2 } }));
    let data_dir = site.data_dir();
    earlier_files(&data_dir).await;
    let roles = ["--until-idle", "--roles", "enrich,aggregate,publish"];
    let ended = site.up(&roles).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let copies = ["bus.db.before-v2", "store.db.before-v2"].map(|name| data_dir.join(name));
    for copy in &copies {
        let told = copy.display().to_string();
        assert!(ended.stderr.contains(&told), "{told} in {}", ended.stderr);
    }
    let [bus, store] = copies;
    assert_eq!(
        number(&bus, "SELECT user_version FROM pragma_user_version").await,
        1
    );
    assert_eq!(
        number(&bus, "SELECT SUM(records) FROM segments").await,
        ON_THE_BUS
    );
    assert_eq!(
        number(&store, "SELECT MAX(version) FROM schema_version").await,
        1
    );
    let store = data_dir.join("store.db");
    assert_eq!(
        number(&store, "SELECT COUNT(*) FROM feedback").await,
        ON_THE_BUS
    );
    assert_eq!(number(&store, "SELECT COUNT(*) FROM dead_letters").await, 1);

    // Nothing changes any more, so nothing is copied.
    for copy in ["bus.db.before-v2", "store.db.before-v2"] {
        std::fs::remove_file(data_dir.join(copy)).expect("remove the copy");
    }
    let ended = site.up(&roles).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("before-v"), "{}", ended.stderr);
    assert_eq!(
        number(&store, "SELECT COUNT(*) FROM feedback").await,
        ON_THE_BUS
    );
}
