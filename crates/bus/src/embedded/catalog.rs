//! The topics in memory: what is here has been committed to the file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::Connection;

use crate::{BusError, Cleanup, ErrorKind, TopicPartition};

/// One partition. Only the writer moves its end.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) id: i64,
    pub(super) at: TopicPartition,
    pub(super) compacted: bool,
    end: AtomicU64,
}

impl Partition {
    /// The next offset that will be written; everything before it is durable.
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }
}

/// One topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) cleanup: Cleanup,
    pub(super) partitions: Vec<Arc<Partition>>,
}

impl Topic {
    /// How many partitions it has.
    pub(super) fn count(&self) -> u32 {
        self.partitions.len() as u32
    }
}

/// All topics by name.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
}

impl Catalog {
    /// The topic of that name.
    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        self.find(name).ok_or_else(|| {
            BusError::new(
                ErrorKind::Fatal,
                format!("use topic {name}"),
                "it does not exist on the embedded bus: create the topics first",
            )
        })
    }

    /// The topic of that name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The partition.
    pub(super) fn partition(&self, at: &TopicPartition) -> Result<Arc<Partition>, BusError> {
        let topic = self.topic(&at.topic)?;
        topic
            .partitions
            .get(at.partition as usize)
            .cloned()
            .ok_or_else(|| {
                BusError::new(
                    ErrorKind::Fatal,
                    format!("use partition {} of {}", at.partition, at.topic),
                    format!(
                        "it has {} partitions: co-partitioned topics must have the same number",
                        topic.count()
                    ),
                )
            })
    }

    /// Every partition of every topic.
    pub(super) fn all(&self) -> Vec<(Cleanup, Vec<Arc<Partition>>)> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics
            .values()
            .map(|topic| (topic.cleanup.clone(), topic.partitions.clone()))
            .collect()
    }

    /// Reads from the file the topics that are not in memory yet.
    pub(super) fn load(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(
            "SELECT t.name, t.retention_ms, p.id, p.number, p.next_offset
             FROM topics t JOIN partitions p ON p.topic = t.id ORDER BY t.name, p.number",
        )?;
        let mut rows = statement.query([])?;
        let mut found: BTreeMap<Arc<str>, Topic> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let name: Arc<str> = row.get::<_, String>(0)?.into();
            let retention: Option<i64> = row.get(1)?;
            let cleanup = retention.map_or(Cleanup::Compact, |millis| {
                Cleanup::Delete(Duration::from_millis(millis.cast_unsigned()))
            });
            let partition = Partition {
                id: row.get(2)?,
                at: TopicPartition::new(name.clone(), row.get(3)?),
                compacted: cleanup == Cleanup::Compact,
                end: AtomicU64::new(row.get::<_, i64>(4)?.cast_unsigned()),
            };
            let topic = found.entry(name).or_insert_with(|| Topic {
                cleanup,
                partitions: Vec::new(),
            });
            topic.partitions.push(Arc::new(partition));
        }
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        for (name, topic) in found {
            topics.entry(name).or_insert_with(|| Arc::new(topic));
        }
        Ok(())
    }
}
