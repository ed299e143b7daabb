//! Erasure: records get other values where they lie, and what they were is nowhere in the file any more, nor in its
//! write-ahead log. Offsets, keys, headers and times stay, so that no reader notices but by what it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::catalog::Partition;
use super::file::{offset_of, row_id};
use super::segment::{SegmentBuilder, StoredSegment};
use crate::OutRecord;

/// One transaction for all values; then the file is written anew without the pages that held what is gone, among them those
/// of records that were superseded or forgotten before. Takes as long as copying the file, and as much room.
pub(super) fn run(
    connection: &mut Connection,
    partitions: &[(Arc<Partition>, BTreeMap<u64, Bytes>)],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (partition, values) in partitions {
        if partition.compacted {
            rewrite_latest(&transaction, partition, values)?;
        } else {
            rewrite_segments(&transaction, partition, values)?;
        }
    }
    transaction.commit()?;
    connection.execute_batch("VACUUM")?;
    // Answers with a row: whether readers kept it from being done.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn rewrite_latest(
    transaction: &Transaction<'_>,
    partition: &Partition,
    values: &BTreeMap<u64, Bytes>,
) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE latest SET value = ?2 WHERE id = ?1 AND value IS NOT NULL")?;
    for (offset, value) in values {
        update.execute(params![row_id(partition.id, *offset), value.as_ref()])?;
    }
    Ok(())
}

fn rewrite_segments(
    transaction: &Transaction<'_>,
    partition: &Partition,
    values: &BTreeMap<u64, Bytes>,
) -> rusqlite::Result<()> {
    let mut next = 0;
    while let Some((offset, _)) = values.range(next..).next() {
        let Some((id, appended_us, stored)) = segment_of(transaction, partition, *offset)? else {
            next = offset + 1;
            continue;
        };
        let base = stored.base;
        next = (base + stored.count).max(offset + 1);
        let records = stored.decode(&partition.at).ok_or_else(|| {
            rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(format!("a segment of {} is damaged", partition.at.topic)),
            )
        })?;
        let mut builder = SegmentBuilder::default();
        for record in records {
            let value = values.get(&record.offset).cloned().or(record.value);
            builder.push(&OutRecord {
                topic: record.at.topic,
                key: record.key,
                partition_key: None,
                value,
                headers: record.headers,
            });
        }
        transaction.execute("DELETE FROM segments WHERE id = ?1", [id])?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO segments (id, records, appended_us, codec, checksum, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut at = base;
        for segment in builder.finish() {
            insert.execute(params![
                row_id(partition.id, at),
                segment.count.cast_signed(),
                appended_us,
                segment.codec as i64,
                segment.checksum,
                segment.data,
            ])?;
            at += segment.count;
        }
    }
    Ok(())
}

/// The segment that holds an offset: its row, the instant it was appended as it is stored, and its records.
fn segment_of(
    transaction: &Transaction<'_>,
    partition: &Partition,
    offset: u64,
) -> rusqlite::Result<Option<(i64, i64, StoredSegment)>> {
    let found = transaction
        .prepare_cached(
            "SELECT id, records, appended_us, codec, checksum, data FROM segments
             WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            [row_id(partition.id, 0), row_id(partition.id, offset)],
            |row| {
                let id: i64 = row.get(0)?;
                let stored = StoredSegment {
                    base: offset_of(id),
                    count: row.get::<_, i64>(1)?.cast_unsigned(),
                    appended_at: Timestamp::UNIX_EPOCH,
                    codec: row.get(3)?,
                    checksum: row.get(4)?,
                    data: row.get(5)?,
                };
                Ok((id, row.get(2)?, stored))
            },
        )
        .optional()?;
    Ok(found.filter(|(_, _, stored)| offset < stored.base + stored.count))
}
