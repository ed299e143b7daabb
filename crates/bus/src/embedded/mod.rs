//! The embedded engine: a log in one SQLite file, for one process. What was acknowledged survives `kill -9` and power
//! loss; what was not left no trace.
//!
//! - [`writer`]: one thread writes; all waiting requests share one transaction and one wait for the disk.
//! - [`reader`]: read-only connections; readers are woken by commits, they do not poll.
//! - [`segment`]: topics kept by time are rows of many records each; `latest` rows hold compacted topics.
//! - [`layout`]: a file of an earlier version is copied and brought up; one of a newer version is refused.
//! - [`membership`]: sessions of one group share its partitions, each owned by one at a time.

mod catalog;
mod encode;
mod file;
mod layout;
mod membership;
mod reader;
mod retention;
mod rewrite;
mod segment;
mod session;
mod writer;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use self::catalog::Catalog;
use self::encode::encode;
use self::membership::Groups;
use self::reader::{Chunk, Readers};
use self::session::EmbeddedSession;
use self::writer::{Append, Request, Writer};
use crate::{
    Bus, BusError, ErrorKind, OutRecord, PartitionLag, Publisher, Record, Rewritten, Session,
    SessionSpec, TopicPartition, TopicProblem, TopicSpec,
};

/// Outputs of more bytes than this are encoded on a thread for blocking work: some milliseconds of compression are too
/// long for a thread that serves others.
const ENCODE_ELSEWHERE_BYTES: usize = 256 << 10;

/// Bytes of records that a replay reads at once.
const REPLAY_CHUNK_BYTES: usize = 1 << 20;

/// Settings of the embedded engine.
#[derive(Deserialize, Serialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedConfig {
    /// The file. Default: `bus.db` in the data folder.
    pub path: Option<PathBuf>,
    /// Seconds between two passes that delete what topics no longer keep. Default: 60.
    pub retention_every_seconds: u64,
    /// Mebibytes that the write-ahead log gathers before they move into the file. More makes appending steadier and
    /// the log file larger. Default: 64.
    pub checkpoint_mebibytes: u32,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            path: None,
            retention_every_seconds: 60,
            checkpoint_mebibytes: 64,
        }
    }
}

impl EmbeddedConfig {
    /// What is wrong with the settings: the path of each key under `bus`, and why.
    pub fn problems(&self) -> Vec<(String, String)> {
        let zero = |name: &str| (format!("embedded.{name}"), "must be 1 or more".to_owned());
        let mut problems = Vec::new();
        if self.retention_every_seconds == 0 {
            problems.push(zero("retention_every_seconds"));
        }
        if self.checkpoint_mebibytes == 0 {
            problems.push(zero("checkpoint_mebibytes"));
        }
        problems
    }
}

/// What sessions, publishers and the bus share.
struct Shared {
    catalog: Arc<Catalog>,
    readers: Readers,
    requests: Sender<Request>,
    groups: Mutex<Groups>,
    commits: watch::Receiver<u64>,
    members: watch::Sender<u64>,
}

impl Shared {
    /// Looks at or changes the groups; members are woken.
    fn with_groups<T>(&self, change: impl FnOnce(&mut Groups) -> T) -> T {
        let (result, changed) = {
            let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            let before = groups.version();
            let result = change(&mut groups);
            (result, groups.version() != before)
        };
        if changed {
            self.members.send_modify(|changes| *changes += 1);
        }
        result
    }

    /// Hands the writer a request.
    fn send(&self, request: Request) -> Result<(), BusError> {
        self.requests.send(request).map_err(|_| closed())
    }

    /// Asks the writer and waits for its answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, BusError>>) -> Request,
    ) -> Result<T, BusError> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply))?;
        answer.await.map_err(|_| closed())?
    }

    async fn append(
        self: &Arc<Self>,
        fence: Option<(String, u64)>,
        progress: Option<(String, Vec<(i64, u64)>)>,
        outputs: Vec<OutRecord>,
    ) -> Result<(), BusError> {
        let bytes: usize = outputs
            .iter()
            .map(|record| record.value.as_ref().map_or(0, bytes::Bytes::len))
            .sum();
        let (rows, bytes) = if bytes < ENCODE_ELSEWHERE_BYTES {
            encode(&self.catalog, &outputs)?
        } else {
            let shared = self.clone();
            tokio::task::spawn_blocking(move || encode(&shared.catalog, &outputs))
                .await
                .map_err(|error| BusError::new(ErrorKind::Unavailable, "encode records", error))??
        };
        self.ask(|reply| {
            Request::Append(
                Append {
                    fence,
                    progress,
                    rows,
                    bytes,
                },
                reply,
            )
        })
        .await
    }
}

/// What to say once the writer has gone.
fn closed() -> BusError {
    BusError::new(
        ErrorKind::Fatal,
        "use the embedded bus",
        "it has been closed",
    )
}

/// The embedded engine. Dropping it closes the file; sessions and publishers that are still around then fail.
pub struct EmbeddedBus {
    shared: Arc<Shared>,
    path: PathBuf,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedBus {
    /// Opens the file at `path`, which is created when missing, and locks it for this process. A file of an earlier layout
    /// is copied to `<path>.before-v<layout>` and brought to the one of this version.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] when another process uses it, it is not a bus, damaged, of a newer version, or not writable.
    pub fn open(path: impl AsRef<Path>, config: EmbeddedConfig) -> Result<Arc<Self>, BusError> {
        let path = path.as_ref().to_path_buf();
        let lock = file::lock(&path)?;
        let connection =
            file::open_writer(&path, i64::from(config.checkpoint_mebibytes.max(1)) << 20)?;
        let catalog = Arc::new(Catalog::default());
        catalog.load(&connection).map_err(|error| {
            file::sql_error(format!("open the embedded bus {}", path.display()), &error)
        })?;
        let (requests, receiver) = channel();
        let (commits, commits_seen) = watch::channel(0);
        let (members, _) = watch::channel(0);
        let writer = Writer {
            path: path.clone(),
            connection,
            catalog: catalog.clone(),
            requests: receiver,
            commits,
            retention_every: Duration::from_secs(config.retention_every_seconds.max(1)),
            epochs: HashMap::new(),
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("bus-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| {
                BusError::new(
                    ErrorKind::Fatal,
                    "start the writer of the embedded bus",
                    error,
                )
            })?;
        let shared = Shared {
            catalog,
            readers: Readers::new(path.clone()),
            requests,
            groups: Mutex::default(),
            commits: commits_seen,
            members,
        };
        Ok(Arc::new(Self {
            shared: Arc::new(shared),
            path,
            writer: Mutex::new(Some(thread)),
        }))
    }

    /// Finishes what was asked before, closes the file and releases its lock. Blocks for the last write to the disk.
    pub fn close(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writer) = writer else { return };
        // An error means that the thread has ended, which is what we want.
        drop(self.shared.requests.send(Request::Close));
        if writer.join().is_err() {
            tracing::error!(path = %self.path.display(), "the writer of the embedded bus panicked");
        }
    }

    /// Bytes on disk, the write-ahead log included.
    pub fn size_on_disk(&self) -> u64 {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        [self.path.clone(), PathBuf::from(log)]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Deletes at once what topics no longer keep, as of `now`; otherwise done in the background.
    pub async fn retain(&self, now: Timestamp) -> Result<(), BusError> {
        self.shared
            .ask(|reply| Request::Retain { now, reply })
            .await
    }
}

impl Drop for EmbeddedBus {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let topics = topics.to_vec();
        self.shared
            .ask(|reply| Request::CreateTopics { topics, reply })
            .await
    }

    async fn check_topics(&self, topics: &[TopicSpec]) -> Result<Vec<TopicProblem>, BusError> {
        let mut problems = Vec::new();
        for wanted in topics {
            let problem = match self.shared.catalog.find(&wanted.name) {
                None => "it does not exist: create the topics".to_owned(),
                Some(topic) if topic.count() != wanted.partitions => format!(
                    "it has {} partitions, the settings say {}: set them to {}, or start with a new file",
                    topic.count(),
                    wanted.partitions,
                    topic.count()
                ),
                Some(topic) if topic.cleanup != wanted.cleanup => format!(
                    "it is kept as {:?}, the settings say {:?}: set them back, or start with a new file",
                    topic.cleanup, wanted.cleanup
                ),
                Some(_) => continue,
            };
            problems.push(TopicProblem {
                topic: wanted.name.clone(),
                problem,
            });
        }
        Ok(problems)
    }

    async fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        Ok(self.shared.catalog.topic(topic)?.count())
    }

    async fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BusError> {
        let mut topics = Vec::with_capacity(spec.topics.len());
        for topic in &spec.topics {
            topics.push((topic.clone(), self.shared.catalog.topic(topic)?.count()));
        }
        crate::bus::check_co_partitioned(&spec.group, &topics)?;
        Ok(Box::new(EmbeddedSession::join(
            self.shared.clone(),
            spec,
            topics,
        )))
    }

    async fn publisher(&self, id: &str) -> Result<Box<dyn Publisher>, BusError> {
        let id = id.to_owned();
        let asked = id.clone();
        let epoch = self
            .shared
            .ask(|reply| Request::OpenPublisher { id: asked, reply })
            .await?;
        Ok(Box::new(EmbeddedPublisher {
            shared: self.shared.clone(),
            id,
            epoch,
        }))
    }

    async fn replay(
        &self,
        at: &TopicPartition,
        range: Range<u64>,
        visit: &mut (dyn FnMut(Record) + Send),
    ) -> Result<u64, BusError> {
        let partition = self.shared.catalog.partition(at)?;
        let range = range.start..range.end.min(partition.end());
        let shared = self.shared.clone();
        // Two chunks in flight: one being read, one being visited.
        let (sender, mut chunks) = mpsc::channel::<Chunk>(1);
        let reading = tokio::task::spawn_blocking(move || {
            shared
                .readers
                .replay(&partition, range, REPLAY_CHUNK_BYTES, |chunk| {
                    sender.blocking_send(chunk).is_ok()
                })
        });
        let mut visited = 0;
        while let Some(chunk) = chunks.recv().await {
            for record in chunk.records {
                visit(record);
                visited += 1;
            }
        }
        reading.await.map_err(|error| {
            BusError::new(ErrorKind::Unavailable, "replay the embedded bus", error)
        })??;
        Ok(visited)
    }

    async fn offset_at(&self, at: &TopicPartition, since: Timestamp) -> Result<u64, BusError> {
        let partition = self.shared.catalog.partition(at)?;
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || shared.readers.offset_at(&partition, since))
            .await
            .map_err(|error| {
                BusError::new(ErrorKind::Unavailable, "read the embedded bus", error)
            })?
    }

    async fn rewrite(&self, values: Rewritten) -> Result<bool, BusError> {
        let mut partitions = Vec::with_capacity(values.len());
        for (at, values) in values {
            partitions.push((self.shared.catalog.partition(&at)?, values));
        }
        self.shared
            .ask(|reply| Request::Rewrite { partitions, reply })
            .await?;
        Ok(true)
    }

    async fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError> {
        let mut partitions = Vec::new();
        for topic in topics {
            partitions.extend(self.shared.catalog.topic(topic)?.partitions.iter().cloned());
        }
        // From the writer, not the file: what it tells has been published to readers of the other topics as well.
        let ids = partitions.iter().map(|partition| partition.id).collect();
        let group = group.to_owned();
        let positions = self
            .shared
            .ask(|reply| Request::Positions {
                group,
                partitions: ids,
                reply,
            })
            .await?;
        let shared = self.shared.clone();
        let read = move || {
            shared.readers.with(|connection| {
                partitions
                    .iter()
                    .zip(positions)
                    .map(|(partition, committed)| partition_lag(connection, partition, committed))
                    .collect::<rusqlite::Result<Vec<_>>>()
                    .map_err(|error| file::sql_error("read the lag from the embedded bus", &error))
            })
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| {
            BusError::new(
                ErrorKind::Unavailable,
                "read the lag from the embedded bus",
                error,
            )
        })?
    }
}

fn partition_lag(
    connection: &rusqlite::Connection,
    partition: &catalog::Partition,
    committed: u64,
) -> rusqlite::Result<PartitionLag> {
    let end = partition.end();
    let lag = if committed >= end {
        0
    } else if partition.compacted {
        // Offsets whose key has moved on are not read any more.
        let rows: i64 = connection
            .prepare_cached("SELECT count(*) FROM latest WHERE id >= ?1 AND id < ?2")?
            .query_row(
                [
                    file::row_id(partition.id, committed),
                    file::row_id(partition.id, end),
                ],
                |row| row.get(0),
            )?;
        rows.cast_unsigned()
    } else {
        end - committed
            .max(retention::start_offset(connection, partition.id)?)
            .min(end)
    };
    Ok(PartitionLag {
        at: partition.at.clone(),
        committed,
        end,
        lag,
    })
}

/// A publisher of the embedded engine.
struct EmbeddedPublisher {
    shared: Arc<Shared>,
    id: String,
    epoch: u64,
}

#[async_trait]
impl Publisher for EmbeddedPublisher {
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<(), BusError> {
        if records.is_empty() {
            return Ok(());
        }
        self.shared
            .append(Some((self.id.clone(), self.epoch)), None, records)
            .await
    }
}
