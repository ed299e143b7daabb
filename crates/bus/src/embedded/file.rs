//! The file: opened by one process at a time, of a known version, and whole, or not opened at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::layout;
use super::segment::checksum;
use crate::{BusError, ErrorKind};

/// Offsets take the low 40 bits of a row's id, the partition the bits above: one tree holds each partition's segments
/// side by side, in order, without a second index. Room for 10¹² records in each of 8 million partitions.
const OFFSET_BITS: u32 = 40;

/// The row id of an offset.
pub(super) fn row_id(partition: i64, offset: u64) -> i64 {
    let offset = i64::try_from(offset)
        .unwrap_or(i64::MAX)
        .min((1 << OFFSET_BITS) - 1);
    partition << OFFSET_BITS | offset
}

/// The offset in a row id.
pub(super) fn offset_of(row_id: i64) -> u64 {
    (row_id & ((1 << OFFSET_BITS) - 1)).cast_unsigned()
}

/// Holds the file for this process as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Said aloud, not left to closing: a child process that is just being started holds copies of our files for a moment.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock of the embedded bus goes when its file closes");
        }
    }
}

/// What to say about an SQLite error, and what the caller may do.
pub(super) fn sql_error(action: impl Into<String>, error: &rusqlite::Error) -> BusError {
    let (kind, advice) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Fatal,
            "the file is not a bus, or its head is damaged: restore a copy or move it away",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Fatal,
            "the file is damaged: restore a copy or move it away",
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::Unavailable,
            "the disk is full: free some space, work goes on then",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            ErrorKind::Fatal,
            "this process must be able to write the file and its folder",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another process has the file open: close it",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Unavailable,
            "the disk reports errors: see the system's log",
        ),
        _ => (ErrorKind::Fatal, "not expected: please report it"),
    };
    BusError::new(kind, action, format!("{error}; {advice}"))
}

fn open_action(path: &Path) -> String {
    format!("open the embedded bus {}", path.display())
}

/// Takes the lock beside the file.
pub(super) fn lock(path: &Path) -> Result<Lock, BusError> {
    let fatal = |reason: String| BusError::new(ErrorKind::Fatal, open_action(path), reason);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            fatal(format!(
                "cannot create the folder {}: {error}",
                folder.display()
            ))
        })?;
    }
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| fatal(format!("cannot write {}: {error}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { file }),
        Err(TryLockError::WouldBlock) => Err(fatal(
            "another process uses it: stop that one, or give this one its own data folder"
                .to_owned(),
        )),
        Err(TryLockError::Error(error)) => Err(fatal(format!(
            "cannot lock {}: {error}",
            lock_path.display()
        ))),
    }
}

/// Opens the connection that writes; creates the tables, or brings them to this version's layout.
pub(super) fn open_writer(path: &Path, checkpoint_bytes: i64) -> Result<Connection, BusError> {
    let action = open_action(path);
    let mut connection =
        Connection::open(path).map_err(|error| sql_error(action.as_str(), &error))?;
    let layout = prepare(&connection, &action, checkpoint_bytes)?;
    layout::bring_up(&mut connection, path, layout)?;
    check(&connection, &action)?;
    Ok(connection)
}

/// Sets how the file is written; gives its layout, 0 where it is empty.
fn prepare(
    connection: &Connection,
    action: &str,
    checkpoint_bytes: i64,
) -> Result<usize, BusError> {
    const PAGE_BYTES: i64 = 16384;
    let sql = |error: rusqlite::Error| sql_error(action, &error);
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(sql)?;
    let is_new: bool = connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .map_err(sql)?;
    // Before anything is written: it may not be ours.
    let layout = if is_new {
        0
    } else {
        layout::identify(connection, action)?
    };
    if is_new {
        // Both only take effect before the first table.
        connection
            .pragma_update(None, "page_size", PAGE_BYTES)
            .map_err(sql)?;
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(sql)?;
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(sql)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(sql)?;
    connection
        .pragma_update(
            None,
            "wal_autocheckpoint",
            (checkpoint_bytes / PAGE_BYTES).max(1),
        )
        .map_err(sql)?;
    connection
        .pragma_update(None, "journal_size_limit", checkpoint_bytes)
        .map_err(sql)?;
    connection
        .pragma_update(None, "cache_size", -32_768)
        .map_err(sql)?;
    Ok(layout)
}

/// Cheap at any size: a few rows per partition. Each blob's checksum is looked at again whenever it is read.
fn check(connection: &Connection, action: &str) -> Result<(), BusError> {
    let sql = |error: rusqlite::Error| sql_error(action, &error);
    let fatal = |reason: String| BusError::new(ErrorKind::Fatal, action, reason);
    let mut partitions = connection
        .prepare(
            "SELECT p.id, p.next_offset, t.retention_ms IS NULL, t.name, p.number
             FROM partitions p JOIN topics t ON t.id = p.topic",
        )
        .map_err(sql)?;
    let mut rows = partitions.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        let (id, next, compacted): (i64, i64, bool) = (
            row.get(0).map_err(sql)?,
            row.get(1).map_err(sql)?,
            row.get(2).map_err(sql)?,
        );
        let (topic, number): (String, u32) = (row.get(3).map_err(sql)?, row.get(4).map_err(sql)?);
        let end = if compacted {
            last_latest(connection, id)
        } else {
            last_segment(connection, id)
        }
        .map_err(sql)?;
        let whole = match end {
            Tail::Empty => true,
            Tail::Damaged => false,
            Tail::End(end) if compacted => end <= next.cast_unsigned(),
            Tail::End(end) => end == next.cast_unsigned(),
        };
        if !whole {
            return Err(fatal(format!(
                "partition {number} of {topic} is damaged at its end: restore a copy or move the file away"
            )));
        }
    }
    Ok(())
}

enum Tail {
    Empty,
    Damaged,
    End(u64),
}

fn last_segment(connection: &Connection, partition: i64) -> rusqlite::Result<Tail> {
    let last = connection
        .prepare_cached(
            "SELECT id, records, checksum, data FROM segments WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([row_id(partition, 0), row_id(partition, u64::MAX)], |row| {
            let (id, records, sum): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let data: Vec<u8> = row.get(3)?;
            let end = offset_of(id) + records.cast_unsigned();
            Ok(if checksum(&data) == sum { Tail::End(end) } else { Tail::Damaged })
        })
        .optional()?;
    Ok(last.unwrap_or(Tail::Empty))
}

fn last_latest(connection: &Connection, partition: i64) -> rusqlite::Result<Tail> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM latest WHERE id BETWEEN ?1 AND ?2")?
        .query_row([row_id(partition, 0), row_id(partition, u64::MAX)], |row| {
            row.get(0)
        })?;
    Ok(last.map_or(Tail::Empty, |id| Tail::End(offset_of(id) + 1)))
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, BusError> {
    let action = format!("read the embedded bus {}", path.display());
    let sql = |error: rusqlite::Error| sql_error(action.as_str(), &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(sql)?;
    connection
        .pragma_update(None, "cache_size", -4_096)
        .map_err(sql)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_keep_partition_and_offset_apart() {
        for (partition, offset) in [(1, 0), (1, 5), (7, (1 << 40) - 1), (8_000_000, 123)] {
            let id = row_id(partition, offset);
            assert_eq!((id >> OFFSET_BITS, offset_of(id)), (partition, offset));
        }
        assert!(row_id(1, u64::MAX) < row_id(2, 0));
    }
}
