//! A file is of the layout that this build knows, or nothing in it is touched: a file that changes is copied first, and
//! changes whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::file::sql_error;
use crate::{BusError, ErrorKind};

/// `wsbs` in ASCII: tells this file from other SQLite files.
const APPLICATION_ID: i64 = 0x7773_6273;

/// The version of the program, told to whoever meets a file that is newer than their own.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// All steps from an empty file to the layout that this build reads and writes; a file's layout (`user_version`) is the
/// number of steps taken. A step that was released is never changed.
const STEPS: &[&str] = &[LOG, HISTORY];

/// `partitions.next_offset` is what acknowledges offsets; `start_offset` is where retention has come to.
const LOG: &str = "
CREATE TABLE topics (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    retention_ms INTEGER            -- NULL: compacted
);
CREATE TABLE partitions (
    id           INTEGER PRIMARY KEY,
    topic        INTEGER NOT NULL REFERENCES topics (id),
    number       INTEGER NOT NULL,
    start_offset INTEGER NOT NULL DEFAULT 0,
    next_offset  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
);
CREATE TABLE segments (
    id          INTEGER PRIMARY KEY, -- partition << 40 | first offset
    records     INTEGER NOT NULL,
    appended_us INTEGER NOT NULL,
    codec       INTEGER NOT NULL,
    checksum    INTEGER NOT NULL,
    data        BLOB NOT NULL
);
CREATE TABLE latest (
    id          INTEGER PRIMARY KEY, -- partition << 40 | offset
    partition   INTEGER NOT NULL,
    appended_us INTEGER NOT NULL,
    key         BLOB NOT NULL,
    value       BLOB,                -- NULL: tombstone
    headers     BLOB NOT NULL
);
CREATE UNIQUE INDEX latest_by_key ON latest (partition, key);
CREATE TABLE progress (
    group_name  TEXT NOT NULL,
    partition   INTEGER NOT NULL REFERENCES partitions (id),
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, partition)
) WITHOUT ROWID;
";

/// Which program brought the file to which layout: an older one that is given the file can say which to start.
const HISTORY: &str = "
CREATE TABLE layouts (
    layout     INTEGER PRIMARY KEY,
    program    TEXT NOT NULL,
    applied_us INTEGER NOT NULL
);
";

/// The layout of a file that has tables already. Only reads: the file may not be ours.
pub(super) fn identify(connection: &Connection, action: &str) -> Result<usize, BusError> {
    let number = |pragma: &str| -> Result<i64, BusError> {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .map_err(|error| sql_error(action, &error))
    };
    let fatal = |reason: String| BusError::new(ErrorKind::Fatal, action, reason);
    if number("application_id")? != APPLICATION_ID {
        return Err(fatal(
            "it is an SQLite file, but not a bus: give the bus its own file".to_owned(),
        ));
    }
    let layout = usize::try_from(number("user_version")?).unwrap_or(0);
    let known = STEPS.len();
    if layout > known {
        let writer = written_by(connection, layout)
            .map_or_else(String::new, |program| format!(" ({program})"));
        return Err(fatal(format!(
            "it was written by a newer version{writer}: its layout is {layout}, this build ({PROGRAM}) knows {known}; start that \
             version, or put back the copy that it made before it changed the file"
        )));
    }
    Ok(layout)
}

/// The version of the program that brought the file to `layout`, as far as the file tells.
fn written_by(connection: &Connection, layout: usize) -> Option<String> {
    connection
        .query_row(
            "SELECT program FROM layouts WHERE layout = ?1",
            [layout.cast_signed()],
            |row| row.get(0),
        )
        .optional()
        .ok()
        .flatten()
}

/// Brings the file at `path` from layout `found` (0: it is empty) to the one of this build. A file that has records is
/// copied to `<path>.before-v<found + 1>` first.
pub(super) fn bring_up(
    connection: &mut Connection,
    path: &Path,
    found: usize,
) -> Result<(), BusError> {
    take(connection, path, found, STEPS)
}

fn take(
    connection: &mut Connection,
    path: &Path,
    found: usize,
    steps: &[&str],
) -> Result<(), BusError> {
    let layout = steps.len();
    if found >= layout {
        return Ok(());
    }
    if found > 0 {
        let copy = back_up(connection, path, found)?;
        tracing::info!(
            path = %path.display(), copy = %copy.display(), from = found, to = layout,
            "bus file copied before its layout changes"
        );
    }
    let path = path.display();
    let action = if found == 0 {
        format!("make the tables of the embedded bus {path}")
    } else {
        format!("bring the embedded bus {path} from layout {found} to {layout}")
    };
    change(connection, found, steps).map_err(|error| sql_error(action.as_str(), &error))?;
    if found > 0 {
        tracing::info!(%path, from = found, to = layout, "bus file is of this version's layout");
    }
    Ok(())
}

/// All steps that are missing, in one transaction: a crash at any point leaves the file as it was.
fn change(connection: &mut Connection, found: usize, steps: &[&str]) -> rusqlite::Result<()> {
    let layout = steps.len().cast_signed();
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for step in steps.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.execute(
        "INSERT INTO layouts (layout, program, applied_us) VALUES (?1, ?2, ?3)",
        params![layout, PROGRAM, Timestamp::now().as_microsecond()],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", layout)?;
    transaction.commit()
}

/// Copies the file beside itself. The copy has its name once it is whole and on the disk: SQLite does not wait for the
/// disk when it copies (<https://www.sqlite.org/lang_vacuum.html>).
fn back_up(connection: &Connection, path: &Path, found: usize) -> Result<PathBuf, BusError> {
    let action = format!(
        "copy the embedded bus {} before its layout changes",
        path.display()
    );
    let beside = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let copy = beside(format!(".before-v{}", found + 1));
    let part = beside(".copying".to_owned());
    // Unavailable, as room is the likely reason, and whoever opens the file then waits for it.
    let failed = |error: std::io::Error| {
        let reason = format!("{error}; free some space, or check the rights of the folder");
        BusError::new(ErrorKind::Unavailable, action.as_str(), reason)
    };
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let target = part.to_str().ok_or_else(|| {
        let reason = "its path is not UTF-8: move it to one that is";
        BusError::new(ErrorKind::Fatal, action.as_str(), reason)
    })?;
    connection
        .execute("VACUUM INTO ?1", [target])
        .map_err(|error| sql_error(action.as_str(), &error))?;
    File::open(&part)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&part, &copy))
        .map_err(failed)?;
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the first layout with one topic.
    fn first(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .execute_batch(&format!(
                "{LOG} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; INSERT INTO topics VALUES (1, 'log', 5);"
            ))
            .unwrap();
        connection
    }

    fn topics(path: &Path) -> i64 {
        let connection = Connection::open(path).unwrap();
        connection
            .query_row("SELECT count(*) FROM topics", [], |row| row.get(0))
            .unwrap()
    }

    fn layout(path: &Path) -> usize {
        identify(&Connection::open(path).unwrap(), "test").unwrap()
    }

    #[test]
    fn a_file_that_changes_is_copied_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus.db");
        let copy = folder.path().join("bus.db.before-v2");
        // What a copy that was cut off left.
        std::fs::write(folder.path().join("bus.db.copying"), "half").unwrap();
        let mut connection = first(&path);
        bring_up(&mut connection, &path, 1).unwrap();
        assert_eq!((layout(&path), topics(&path)), (STEPS.len(), 1));
        assert_eq!((layout(&copy), topics(&copy)), (1, 1));
        assert_eq!(
            written_by(&connection, STEPS.len()).as_deref(),
            Some(PROGRAM)
        );
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
            .collect();
        left.sort();
        assert_eq!(left, ["bus.db", "bus.db.before-v2"]);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus.db");
        let mut connection = first(&path);
        let steps = [
            LOG,
            HISTORY,
            "DELETE FROM topics; INSERT INTO no_such_table VALUES (1)",
        ];
        let error = take(&mut connection, &path, 1, &steps).unwrap_err();
        assert!(error.to_string().contains("from layout 1 to 3"), "{error}");
        drop(connection);
        assert_eq!((layout(&path), topics(&path)), (1, 1));
        // With the step mended, all goes on.
        let mut connection = Connection::open(&path).unwrap();
        bring_up(&mut connection, &path, 1).unwrap();
        assert_eq!((layout(&path), topics(&path)), (STEPS.len(), 1));
    }

    /// The files as they are while a transaction is under way are what a crash leaves.
    #[test]
    fn a_crash_in_the_middle_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus.db");
        let connection = first(&path);
        // So that the changes reach the log before they are committed.
        connection.pragma_update(None, "cache_size", 1).unwrap();
        connection
            .execute_batch(&format!(
                "BEGIN; {HISTORY} DELETE FROM topics; PRAGMA user_version = 2;
                 CREATE TABLE filler (x); INSERT INTO filler WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                 SELECT zeroblob(4096) FROM n;"
            ))
            .unwrap();
        let crashed = folder.path().join("crashed.db");
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", path.display());
            assert!(std::fs::metadata(&from).unwrap().len() > 0, "{from}");
            std::fs::copy(from, format!("{}{suffix}", crashed.display())).unwrap();
        }
        assert_eq!((layout(&crashed), topics(&crashed)), (1, 1));
        let mut after = Connection::open(&crashed).unwrap();
        bring_up(&mut after, &crashed, 1).unwrap();
        assert_eq!((layout(&crashed), topics(&crashed)), (STEPS.len(), 1));
    }

    #[test]
    fn a_file_that_is_up_to_date_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus.db");
        let mut connection = Connection::open(&path).unwrap();
        bring_up(&mut connection, &path, 0).unwrap();
        bring_up(&mut connection, &path, STEPS.len()).unwrap();
        drop(connection);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
