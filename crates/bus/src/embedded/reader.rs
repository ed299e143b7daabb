//! Reading: what is read was committed, and whole; a reader never holds the writer up.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::catalog::Partition;
use super::file::{offset_of, open_reader, row_id, sql_error};
use super::segment::{StoredSegment, take_headers};
use crate::{BusError, ErrorKind, Record};

/// Read-only connections, opened when needed and kept.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// Records of one partition, and where to read on.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) records: Vec<Record>,
    /// The next offset to ask for.
    pub(super) next: u64,
    /// Bytes of keys and values.
    pub(super) bytes: usize,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `read` on a connection of its own. Blocking.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = read(&connection)?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        Ok(result)
    }

    /// Reads records with offsets in `range`: at least one segment, then until `max_bytes`. When nothing is left in the
    /// range, `next` is its end.
    pub(super) fn read(
        &self,
        partition: &Partition,
        range: Range<u64>,
        max_bytes: usize,
    ) -> Result<Chunk, BusError> {
        self.with(|connection| self.read_chunk(connection, partition, &range, max_bytes))
    }

    /// Reads the whole of `range` as it stands now, chunk by chunk, until `take` answers false. One snapshot of the file
    /// serves all chunks, so that a key that moves meanwhile is not missed.
    pub(super) fn replay(
        &self,
        partition: &Partition,
        mut range: Range<u64>,
        chunk_bytes: usize,
        mut take: impl FnMut(Chunk) -> bool,
    ) -> Result<(), BusError> {
        let sql = |error: rusqlite::Error| sql_error(read_action(partition), &error);
        self.with(|connection| {
            connection.execute_batch("BEGIN").map_err(sql)?;
            while range.start < range.end {
                let chunk = self.read_chunk(connection, partition, &range, chunk_bytes)?;
                range.start = chunk.next;
                if !take(chunk) {
                    break;
                }
            }
            connection.execute_batch("COMMIT").map_err(sql)
        })
    }

    fn read_chunk(
        &self,
        connection: &Connection,
        partition: &Partition,
        range: &Range<u64>,
        max_bytes: usize,
    ) -> Result<Chunk, BusError> {
        let mut chunk = Chunk {
            records: Vec::new(),
            next: range.start,
            bytes: 0,
        };
        let read = if partition.compacted {
            read_latest
        } else {
            read_segments
        };
        match read(connection, partition, range, max_bytes, &mut chunk) {
            Ok(true) => Ok(chunk),
            Ok(false) => Err(BusError::new(
                ErrorKind::Fatal,
                read_action(partition),
                format!(
                    "{} is damaged at offset {}: restore a copy or move it away",
                    self.path.display(),
                    chunk.next
                ),
            )),
            Err(error) => Err(sql_error(read_action(partition), &error)),
        }
    }

    /// The first offset appended at `since` or later.
    pub(super) fn offset_at(
        &self,
        partition: &Partition,
        since: Timestamp,
    ) -> Result<u64, BusError> {
        if partition.compacted {
            return Ok(0);
        }
        let end = partition.end();
        let found = self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM segments WHERE id BETWEEN ?1 AND ?2 AND appended_us >= ?3 ORDER BY id LIMIT 1",
                )
                .and_then(|mut statement| {
                    statement
                        .query_row(
                            [row_id(partition.id, 0), row_id(partition.id, u64::MAX), since.as_microsecond()],
                            |row| row.get::<_, i64>(0),
                        )
                        .optional()
                })
                .map_err(|error| sql_error("look for an instant in the embedded bus", &error))
        })?;
        Ok(found.map_or(end, offset_of))
    }
}

fn read_action(partition: &Partition) -> String {
    format!(
        "read {}/{} of the embedded bus",
        partition.at.topic, partition.at.partition
    )
}

/// False when the bytes are damaged.
fn read_segments(
    connection: &Connection,
    partition: &Partition,
    range: &Range<u64>,
    max_bytes: usize,
    chunk: &mut Chunk,
) -> rusqlite::Result<bool> {
    // The segment that holds the first offset may begin before it.
    let first: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM segments WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            [row_id(partition.id, 0), row_id(partition.id, range.start)],
            |row| row.get(0),
        )
        .optional()?;
    let mut statement = connection.prepare_cached(
        "SELECT id, records, appended_us, codec, checksum, data FROM segments WHERE id >= ?1 AND id < ?2 ORDER BY id",
    )?;
    let from = first.unwrap_or_else(|| row_id(partition.id, range.start));
    let mut rows = statement.query([from, row_id(partition.id, range.end)])?;
    while let Some(row) = rows.next()? {
        let stored = StoredSegment {
            base: offset_of(row.get(0)?),
            count: row.get::<_, i64>(1)?.cast_unsigned(),
            appended_at: Timestamp::from_microsecond(row.get(2)?).unwrap_or(Timestamp::UNIX_EPOCH),
            codec: row.get(3)?,
            checksum: row.get(4)?,
            data: row.get(5)?,
        };
        let end = stored.base + stored.count;
        if end <= range.start {
            continue;
        }
        let Some(records) = stored.decode(&partition.at) else {
            return Ok(false);
        };
        for record in records {
            if range.contains(&record.offset) {
                chunk.bytes += record.key.len() + record.value.as_ref().map_or(0, Bytes::len);
                chunk.records.push(record);
            }
        }
        chunk.next = end.min(range.end);
        if chunk.bytes >= max_bytes {
            return Ok(true);
        }
    }
    chunk.next = range.end.max(chunk.next);
    Ok(true)
}

/// False when the bytes are damaged.
fn read_latest(
    connection: &Connection,
    partition: &Partition,
    range: &Range<u64>,
    max_bytes: usize,
    chunk: &mut Chunk,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT id, appended_us, key, value, headers FROM latest WHERE id >= ?1 AND id < ?2 ORDER BY id",
    )?;
    let mut rows = statement.query(params![
        row_id(partition.id, range.start),
        row_id(partition.id, range.end)
    ])?;
    while let Some(row) = rows.next()? {
        let offset = offset_of(row.get(0)?);
        let key: Vec<u8> = row.get(2)?;
        let value: Option<Vec<u8>> = row.get(3)?;
        let mut headers = Bytes::from(row.get::<_, Vec<u8>>(4)?);
        let Some(headers) = take_headers(&mut headers) else {
            return Ok(false);
        };
        chunk.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        chunk.records.push(Record {
            at: partition.at.clone(),
            offset,
            appended_at: Timestamp::from_microsecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH),
            key: Bytes::from(key),
            value: value.map(Bytes::from),
            headers,
        });
        chunk.next = offset + 1;
        if chunk.bytes >= max_bytes {
            return Ok(true);
        }
    }
    chunk.next = range.end.max(chunk.next);
    Ok(true)
}
