//! The seam: what both engines promise.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::{Batch, BusError, ErrorKind, OutRecord, Progress, Record, TopicPartition, TopicSpec};

/// What a session reads, and how it batches.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// The consumer group; its sessions share the partitions.
    pub group: String,
    /// The topics read. They must have the same number of partitions: partition *i* of each goes to the same session.
    pub topics: Vec<Arc<str>>,
    /// A batch closes at this many records …
    pub max_records: usize,
    /// … or at this many bytes of keys and values …
    pub max_bytes: usize,
    /// … or this long after its first record.
    pub max_wait: Duration,
}

/// What [`Session::next`] yields.
#[derive(Debug)]
pub enum SessionEvent {
    /// These partitions are now this session's. Their first record comes after this.
    Assigned(Vec<TopicPartition>),
    /// These are no longer. Nothing read from them may be committed any more.
    Revoked(Vec<TopicPartition>),
    /// Records to process; never empty.
    Records(Batch),
}

/// How far a group is behind on one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    /// Which partition.
    pub at: TopicPartition,
    /// The next offset the group will read (0 when it never committed).
    pub committed: u64,
    /// The next offset that will be written.
    pub end: u64,
    /// Records not yet read; 0 when there are none. On Kafka a lag above 0 counts transaction markers as well, so it may
    /// be somewhat too high.
    pub lag: u64,
}

/// A difference between a topic as it is and as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicProblem {
    /// The topic.
    pub topic: Arc<str>,
    /// What is wrong and what to do, in one sentence.
    pub problem: String,
}

/// New values of committed records, by partition and offset.
pub type Rewritten = BTreeMap<TopicPartition, BTreeMap<u64, Bytes>>;

/// One consumer of a group. One task owns it.
#[async_trait]
pub trait Session: Send {
    /// The next batch or change of assignment; waits for one. Safe to cancel: nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<SessionEvent, BusError>;

    /// The atomic step: appends `outputs` and stores `progress`, or neither. After an error of kind
    /// [`Unavailable`](crate::ErrorKind::Unavailable) the same call may be repeated; after
    /// [`Lost`](crate::ErrorKind::Lost) the session is to be dropped.
    async fn commit(
        &mut self,
        progress: &Progress,
        outputs: Vec<OutRecord>,
    ) -> Result<(), BusError>;

    /// Moves the read position of assigned partitions; for stages that keep their progress elsewhere.
    async fn seek(&mut self, positions: &Progress) -> Result<(), BusError>;

    /// Leaves the group at once, so that others need not wait for a time-out.
    async fn close(self: Box<Self>) -> Result<(), BusError>;
}

/// Appends from outside any group (connectors, commands).
#[async_trait]
pub trait Publisher: Send {
    /// Appends all records durably, or none.
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<(), BusError>;
}

/// An engine.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Creates the topics that are missing; never changes one that exists.
    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError>;

    /// Compares the topics with what they should be.
    async fn check_topics(&self, topics: &[TopicSpec]) -> Result<Vec<TopicProblem>, BusError>;

    /// The number of partitions of a topic.
    async fn partitions(&self, topic: &str) -> Result<u32, BusError>;

    /// Joins a group.
    async fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BusError>;

    /// Opens a publisher. Of two publishers with the same `id` the older is fenced off.
    async fn publisher(&self, id: &str) -> Result<Box<dyn Publisher>, BusError>;

    /// Visits the committed records of a partition with offsets in `range`, in order (a compacted topic: at least the
    /// latest of each key), up to the end as it stands at the call. Returns how many.
    async fn replay(
        &self,
        at: &TopicPartition,
        range: Range<u64>,
        visit: &mut (dyn FnMut(Record) + Send),
    ) -> Result<u64, BusError>;

    /// The offset of the first record of a partition that was appended at `since` or later; the partition's end when
    /// there is none. May be earlier than exact, never later.
    async fn offset_at(&self, at: &TopicPartition, since: Timestamp) -> Result<u64, BusError>;

    /// Gives committed records other values where they lie, all of them or none, so that the old ones are nowhere in the
    /// engine's files any more; offsets, keys, headers and times stay. Offsets that hold no record are left out. For
    /// erasure, while nothing else uses the bus; `values` may be empty, then what was superseded before is cleaned out.
    /// `false` where the engine's log cannot be changed: then nothing was done.
    async fn rewrite(&self, values: Rewritten) -> Result<bool, BusError> {
        drop(values);
        Ok(false)
    }

    /// How many sessions of other processes `group` has, as far as the engine knows: one that was killed counts until it is
    /// missed.
    async fn members(&self, group: &str) -> Result<usize, BusError> {
        let _ = group;
        Ok(0)
    }

    /// How far `group` is behind on each partition of `topics`.
    async fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError>;
}

/// Refuses topics of one session whose numbers of partitions differ.
pub(crate) fn check_co_partitioned(
    group: &str,
    topics: &[(Arc<str>, u32)],
) -> Result<(), BusError> {
    let Some((first, partitions)) = topics.first() else {
        return Err(BusError::new(
            ErrorKind::Fatal,
            format!("join group {group}"),
            "no topics to read were given",
        ));
    };
    for (topic, count) in topics {
        if count != partitions {
            let reason = format!(
                "{first} has {partitions} partitions and {topic} has {count}: topics read together need the same number"
            );
            return Err(BusError::new(
                ErrorKind::Fatal,
                format!("join group {group}"),
                reason,
            ));
        }
    }
    Ok(())
}
