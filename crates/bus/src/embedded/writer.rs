//! The one thread that writes: every request is durable, whole, before it is answered, or it left no trace.
//!
//! Whatever requests wait are written in one SQL transaction and answered together (group commit): one wait for the
//! disk serves them all. Requests are served in order, so that whoever asks for a group's progress sees every commit
//! that was sent before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{oneshot, watch};

use super::catalog::{Catalog, Partition};
use super::file::{Lock, row_id, sql_error};
use super::retention;
use super::rewrite;
use super::segment::Segment;
use crate::{BusError, Cleanup, ErrorKind, TopicSpec};

/// One SQL transaction takes requests up to this many bytes of stored data: enough that the wait for the disk is small
/// beside the writing, little enough that the first request in it does not wait long for its answer.
const GROUP_BYTES: usize = 16 << 20;

/// What a request appends to one partition.
#[derive(Debug)]
pub(super) enum Rows {
    Segments(Vec<Segment>),
    Latest(Vec<LatestRow>),
}

/// A partition and what is appended to it.
pub(super) type PartitionRows = (Arc<Partition>, Rows);

/// A record of a compacted topic.
#[derive(Debug)]
pub(super) struct LatestRow {
    pub(super) key: Bytes,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<u8>,
}

/// What is written together or not at all.
#[derive(Debug, Default)]
pub(super) struct Append {
    /// The publisher and its epoch; refused when a newer one has opened.
    pub(super) fence: Option<(String, u64)>,
    /// The group, and for each partition the next offset to read.
    pub(super) progress: Option<(String, Vec<(i64, u64)>)>,
    pub(super) rows: Vec<PartitionRows>,
    /// About how many bytes are stored.
    pub(super) bytes: usize,
}

type Reply<T> = oneshot::Sender<Result<T, BusError>>;

/// What the writer is asked to do.
pub(super) enum Request {
    Append(Append, Reply<()>),
    /// Where a group is to read on, by partition id.
    Positions {
        group: String,
        partitions: Vec<i64>,
        reply: Reply<Vec<u64>>,
    },
    /// Opens a publisher, fencing off older ones; answers with its epoch.
    OpenPublisher {
        id: String,
        reply: Reply<u64>,
    },
    CreateTopics {
        topics: Vec<TopicSpec>,
        reply: Reply<()>,
    },
    /// Deletes what retention no longer holds, as of the instant given.
    Retain {
        now: Timestamp,
        reply: Reply<()>,
    },
    /// Gives records of these partitions other values where they lie, by offset.
    Rewrite {
        partitions: Vec<(Arc<Partition>, BTreeMap<u64, Bytes>)>,
        reply: Reply<()>,
    },
    Close,
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) catalog: Arc<Catalog>,
    pub(super) requests: Receiver<Request>,
    /// Counts commits; readers wait on it.
    pub(super) commits: watch::Sender<u64>,
    pub(super) retention_every: Duration,
    pub(super) epochs: HashMap<String, u64>,
    /// Released when the writer is done, after the file is closed (fields drop in order).
    pub(super) lock: Lock,
}

impl Writer {
    /// Serves requests until asked to close, or until nobody is left to ask.
    pub(super) fn run(mut self) {
        let mut retained = Instant::now();
        loop {
            let wait = self.retention_every.saturating_sub(retained.elapsed());
            let closing = match self.requests.recv_timeout(wait) {
                Ok(request) => self.serve(request),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if closing {
                break;
            }
            if retained.elapsed() >= self.retention_every {
                if let Err(error) = self.retain(Timestamp::now()) {
                    tracing::warn!(%error, "retention failed, will be tried again");
                }
                retained = Instant::now();
            }
        }
        // Everything acknowledged is durable already; this only leaves one tidy file.
        if let Err(error) = self
            .connection
            .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        {
            tracing::warn!(%error, path = %self.path.display(), "last checkpoint of the embedded bus failed");
        }
        drop(self.connection);
        drop(self.lock);
    }

    /// Serves a request and all appends that wait behind it; true when it is time to close.
    fn serve(&mut self, request: Request) -> bool {
        let mut next = Some(request);
        let mut group: Vec<(Append, Reply<()>)> = Vec::new();
        let mut bytes = 0;
        loop {
            let request = match next.take().or_else(|| self.requests.try_recv().ok()) {
                Some(Request::Append(append, reply)) => {
                    bytes += append.bytes;
                    group.push((append, reply));
                    if bytes < GROUP_BYTES {
                        continue;
                    }
                    None
                }
                other => other,
            };
            self.append_group(std::mem::take(&mut group));
            return match request {
                Some(request) => self.serve_other(request),
                None => false,
            };
        }
    }

    fn serve_other(&mut self, request: Request) -> bool {
        match request {
            Request::Append(append, reply) => self.append_group(vec![(append, reply)]),
            Request::Positions {
                group,
                partitions,
                reply,
            } => {
                let positions = self.positions(&group, &partitions);
                answer(
                    reply,
                    positions
                        .map_err(|error| self.error("read the progress of a group from", &error)),
                );
            }
            Request::OpenPublisher { id, reply } => {
                let epoch = self.epochs.entry(id).or_default();
                *epoch += 1;
                answer(reply, Ok(*epoch));
            }
            Request::CreateTopics { topics, reply } => {
                let created = self.create_topics(&topics);
                answer(
                    reply,
                    created.map_err(|error| self.error("create topics on", &error)),
                );
            }
            Request::Retain { now, reply } => {
                let retained = self.retain(now);
                answer(
                    reply,
                    retained.map_err(|error| self.error("delete old records from", &error)),
                );
            }
            Request::Rewrite { partitions, reply } => {
                let rewritten = rewrite::run(&mut self.connection, &partitions);
                answer(
                    reply,
                    rewritten.map_err(|error| self.error("rewrite records of", &error)),
                );
            }
            Request::Close => return true,
        }
        false
    }

    fn error(&self, action: &str, error: &rusqlite::Error) -> BusError {
        sql_error(
            format!("{action} the embedded bus {}", self.path.display()),
            error,
        )
    }

    /// Writes a group of appends in one transaction, then answers them all.
    fn append_group(&mut self, group: Vec<(Append, Reply<()>)>) {
        let mut accepted = Vec::with_capacity(group.len());
        for (append, reply) in group {
            match &append.fence {
                Some((id, epoch)) if self.epochs.get(id) != Some(epoch) => {
                    let reason = "a newer publisher with the same id has taken over";
                    answer(
                        reply,
                        Err(BusError::new(
                            ErrorKind::Lost,
                            format!("publish as {id}"),
                            reason,
                        )),
                    );
                }
                _ => accepted.push((append, reply)),
            }
        }
        if accepted.is_empty() {
            return;
        }
        match self.write(accepted.iter().map(|(append, _)| append)) {
            Ok(ends) => {
                for (partition, end) in ends.into_values() {
                    partition.set_end(end);
                }
                self.commits.send_modify(|commits| *commits += 1);
                for (_, reply) in accepted {
                    answer(reply, Ok(()));
                }
            }
            Err(error) => {
                let error = self.error("append to", &error);
                for (_, reply) in accepted {
                    answer(
                        reply,
                        Err(BusError::new(
                            error.kind,
                            error.action.clone(),
                            &error.reason,
                        )),
                    );
                }
            }
        }
    }

    fn write<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a Append>,
    ) -> rusqlite::Result<BTreeMap<i64, (Arc<Partition>, u64)>> {
        let now = Timestamp::now().as_microsecond();
        // An error or an early return drops the transaction, which rolls it back.
        let transaction = self.connection.transaction()?;
        let mut ends: BTreeMap<i64, (Arc<Partition>, u64)> = BTreeMap::new();
        {
            let mut insert_segment = transaction.prepare_cached(
                "INSERT INTO segments (id, records, appended_us, codec, checksum, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut delete_latest = transaction
                .prepare_cached("DELETE FROM latest WHERE partition = ?1 AND key = ?2")?;
            let mut insert_latest = transaction.prepare_cached(
                "INSERT INTO latest (id, partition, appended_us, key, value, headers) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut put_progress = transaction.prepare_cached(
                "INSERT INTO progress (group_name, partition, next_offset) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_name, partition) DO UPDATE SET next_offset = excluded.next_offset",
            )?;
            for append in appends {
                for (partition, rows) in &append.rows {
                    let (_, end) = ends
                        .entry(partition.id)
                        .or_insert_with(|| (partition.clone(), partition.end()));
                    match rows {
                        Rows::Segments(segments) => {
                            for segment in segments {
                                insert_segment.execute(params![
                                    row_id(partition.id, *end),
                                    segment.count.cast_signed(),
                                    now,
                                    segment.codec as i64,
                                    segment.checksum,
                                    segment.data,
                                ])?;
                                *end += segment.count;
                            }
                        }
                        Rows::Latest(rows) => {
                            for row in rows {
                                delete_latest.execute(params![partition.id, row.key.as_ref()])?;
                                insert_latest.execute(params![
                                    row_id(partition.id, *end),
                                    partition.id,
                                    now,
                                    row.key.as_ref(),
                                    row.value.as_deref(),
                                    row.headers,
                                ])?;
                                *end += 1;
                            }
                        }
                    }
                }
                if let Some((group, progress)) = &append.progress {
                    for (partition, next) in progress {
                        put_progress.execute(params![group, partition, next.cast_signed()])?;
                    }
                }
            }
            let mut put_end = transaction
                .prepare_cached("UPDATE partitions SET next_offset = ?2 WHERE id = ?1")?;
            for (id, (_, end)) in &ends {
                put_end.execute(params![id, end.cast_signed()])?;
            }
        }
        transaction.commit()?;
        Ok(ends)
    }

    fn positions(&self, group: &str, partitions: &[i64]) -> rusqlite::Result<Vec<u64>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT next_offset FROM progress WHERE group_name = ?1 AND partition = ?2",
        )?;
        partitions
            .iter()
            .map(|partition| {
                let next: Option<i64> = statement
                    .query_row(params![group, partition], |row| row.get(0))
                    .optional()?;
                Ok(next.unwrap_or(0).cast_unsigned())
            })
            .collect()
    }

    fn create_topics(&mut self, topics: &[TopicSpec]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut seen = BTreeSet::new();
        for topic in topics {
            if self.catalog.find(&topic.name).is_some() || !seen.insert(&topic.name) {
                continue;
            }
            let retention = match topic.cleanup {
                Cleanup::Compact => None,
                Cleanup::Delete(retention) => {
                    Some(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX))
                }
            };
            transaction.execute(
                "INSERT INTO topics (name, retention_ms) VALUES (?1, ?2)",
                params![&*topic.name, retention],
            )?;
            let id = transaction.last_insert_rowid();
            for number in 0..topic.partitions.max(1) {
                transaction.execute(
                    "INSERT INTO partitions (topic, number) VALUES (?1, ?2)",
                    params![id, number],
                )?;
            }
        }
        transaction.commit()?;
        self.catalog.load(&self.connection)
    }

    fn retain(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let deleted = retention::run(&mut self.connection, &self.catalog, now)?;
        if deleted > 0 {
            tracing::debug!(rows = deleted, "old records deleted");
        }
        Ok(())
    }
}

/// Answers; whoever asked may have gone.
fn answer<T>(reply: Reply<T>, result: Result<T, BusError>) {
    drop(reply.send(result));
}
