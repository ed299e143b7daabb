//! A batch names the position of every record in it, so that the store can tell what it has applied before.

use wensheng_schemas::{
    Alert, Contract, Correction, DeadLetter, Delivery, Enriched, Signal, SourceRhythm,
    TimelineRecord, Topic, WindowDelta, WindowTotal,
};

/// A value with its position in its topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// The partition of the topic of `T`.
    pub partition: u32,
    /// The offset in that partition.
    pub offset: u64,
    /// What was read there.
    pub value: T,
}

impl<T: Contract> Entry<T> {
    /// The topic it was read from.
    pub const fn topic(&self) -> Topic {
        T::TOPIC
    }
}

/// How far one partition was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionProgress {
    /// The topic's name on the bus.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// One past the last offset read.
    pub next_offset: u64,
}

/// What is applied in one transaction. Entries of one partition stand in the order of their offsets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteBatch {
    /// Feedback.
    pub enriched: Vec<Entry<Enriched>>,
    /// What is added to windows.
    pub deltas: Vec<Entry<WindowDelta>>,
    /// Alerts as they stand.
    pub alerts: Vec<Entry<Alert>>,
    /// Lines of alerts' timelines.
    pub timeline: Vec<Entry<TimelineRecord>>,
    /// What people corrected.
    pub corrections: Vec<Entry<Correction>>,
    /// Lines of the delivery ledger.
    pub deliveries: Vec<Entry<Delivery>>,
    /// What could not be processed.
    pub dead_letters: Vec<Entry<DeadLetter>>,
    /// Signals that only inform: rises of brands' volumes.
    pub rises: Vec<Entry<Signal>>,
    /// How sources fare; `None` for one that is configured no longer.
    pub sources: Vec<(String, Option<SourceRhythm>)>,
    /// How far the partitions are read with this batch.
    pub progress: Vec<PartitionProgress>,
}

impl WriteBatch {
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.enriched.len()
            + self.deltas.len()
            + self.alerts.len()
            + self.timeline.len()
            + self.corrections.len()
            + self.deliveries.len()
            + self.dead_letters.len()
            + self.rises.len()
            + self.sources.len()
    }

    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.progress.is_empty()
    }
}

/// How many rows of each table a batch wrote, or left as they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Pieces of feedback.
    pub feedback: u64,
    /// Windows.
    pub windows: u64,
    /// Alerts.
    pub alerts: u64,
    /// Lines of alerts' timelines.
    pub timeline: u64,
    /// Corrections.
    pub corrections: u64,
    /// Pushes.
    pub deliveries: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Rises of brands' volumes.
    pub rises: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// The windows that the batch touches as they now stand, those of repeated deltas as well.
    pub windows: Vec<WindowTotal>,
    /// Rows written.
    pub written: RowCounts,
    /// Rows left as they were, because the store holds a higher revision (of dead letters: the same one already).
    pub stale: RowCounts,
    /// Entries left out because their offset was applied before.
    pub repeated: u64,
}
