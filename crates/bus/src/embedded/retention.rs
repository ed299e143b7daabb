//! Forgetting: a record goes when it is older than its topic keeps and every group that reads the topic has passed it.
//! A group that has stopped for good cannot fill the disk: at twice the topic's retention a record goes anyway, and
//! the log says so. Of a compacted topic only tombstones go, a day after every group has passed them.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::catalog::{Catalog, Partition};
use super::file::{offset_of, row_id};
use crate::Cleanup;

/// How long a tombstone stays for readers that restore from the topic: Kafka's default `delete.retention.ms`.
const TOMBSTONES_STAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Pages given back to the file system in one pass (64 MiB): appends wait meanwhile.
const PAGES_PER_PASS: u32 = 4096;

/// One pass over all partitions, each in its own transaction. Returns how many rows went.
pub(super) fn run(
    connection: &mut Connection,
    catalog: &Catalog,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    for (cleanup, partitions) in catalog.all() {
        for partition in partitions {
            deleted += match cleanup {
                Cleanup::Delete(retention) => delete_old(connection, &partition, retention, now)?,
                Cleanup::Compact => delete_tombstones(connection, &partition, now)?,
            };
        }
    }
    if deleted > 0 {
        connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_PER_PASS})"))?;
    }
    Ok(deleted)
}

fn micros_before(now: Timestamp, age: Duration) -> i64 {
    now.saturating_sub(age)
        .unwrap_or(Timestamp::MIN)
        .as_microsecond()
}

/// The offset that every group with progress on the partition has passed.
fn passed_by_all(connection: &Connection, partition: i64) -> rusqlite::Result<u64> {
    let lowest: Option<i64> = connection
        .prepare_cached("SELECT min(next_offset) FROM progress WHERE partition = ?1")?
        .query_row([partition], |row| row.get(0))?;
    Ok(lowest.map_or(u64::MAX, i64::cast_unsigned))
}

fn delete_old(
    connection: &mut Connection,
    partition: &Partition,
    retention: Duration,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let passed = passed_by_all(connection, partition.id)?;
    let old = micros_before(now, retention);
    let very_old = micros_before(now, retention.saturating_mul(2));
    let mut new_start = None;
    {
        let mut statement = connection.prepare_cached(
            "SELECT id, records, appended_us FROM segments WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
        )?;
        let mut rows =
            statement.query([row_id(partition.id, 0), row_id(partition.id, u64::MAX)])?;
        while let Some(row) = rows.next()? {
            let (id, records, appended): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let end = offset_of(id) + records.cast_unsigned();
            let is_read = end <= passed;
            if !(appended < old && is_read || appended < very_old) {
                break;
            }
            if !is_read {
                tracing::warn!(
                    topic = %partition.at.topic, partition = partition.at.partition, end,
                    "records that a group has not read are deleted at twice their retention"
                );
            }
            new_start = Some(end);
        }
    }
    let Some(start) = new_start else { return Ok(0) };
    let transaction = connection.transaction()?;
    let deleted = transaction.execute(
        "DELETE FROM segments WHERE id >= ?1 AND id < ?2",
        [row_id(partition.id, 0), row_id(partition.id, start)],
    )?;
    transaction.execute(
        "UPDATE partitions SET start_offset = ?2 WHERE id = ?1",
        params![partition.id, start.cast_signed()],
    )?;
    transaction.commit()?;
    Ok(deleted)
}

fn delete_tombstones(
    connection: &Connection,
    partition: &Partition,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let passed = passed_by_all(connection, partition.id)?;
    connection.execute(
        "DELETE FROM latest WHERE id BETWEEN ?1 AND ?2 AND value IS NULL AND appended_us < ?3",
        params![
            row_id(partition.id, 0),
            row_id(partition.id, passed.saturating_sub(1)),
            micros_before(now, TOMBSTONES_STAY)
        ],
    )
}

/// The first offset that the partition still holds.
pub(super) fn start_offset(connection: &Connection, partition: i64) -> rusqlite::Result<u64> {
    let start: Option<i64> = connection
        .prepare_cached("SELECT start_offset FROM partitions WHERE id = ?1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    Ok(start.unwrap_or(0).cast_unsigned())
}
