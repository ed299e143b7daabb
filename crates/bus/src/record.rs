//! What travels on the bus: opaque bytes with a key, headers and a position.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it was read.
    pub at: TopicPartition,
    /// Its offset in that partition.
    pub offset: u64,
    /// The instant it was appended (UTC).
    pub appended_at: Timestamp,
    /// The key; empty when the writer gave none.
    pub key: Bytes,
    /// The value; `None` is a tombstone of a compacted topic.
    pub value: Option<Bytes>,
    /// Headers in the order written.
    pub headers: Vec<(String, Bytes)>,
}

impl Record {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_ref())
    }
}

/// A record to append.
#[derive(Debug, Clone)]
pub struct OutRecord {
    /// The topic it goes to.
    pub topic: Arc<str>,
    /// The key: the unit of order, and of compaction.
    pub key: Bytes,
    /// What decides the partition, where that is not the key (an alert is keyed by its id, partitioned by its brand).
    pub partition_key: Option<Bytes>,
    /// The value; `None` deletes the key from a compacted topic.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Vec<(String, Bytes)>,
}

impl OutRecord {
    /// The partition among `partitions` that this record belongs to.
    pub fn partition(&self, partitions: u32) -> u32 {
        partition_for(
            self.partition_key.as_deref().unwrap_or(&self.key),
            partitions,
        )
    }
}

/// The partition of a key: Kafka's default partitioner (murmur2, seed `0x9747b28c`, positive, modulo), so that other
/// producers with default settings agree. Source: `org.apache.kafka.common.utils.Utils#murmur2`.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h: u32 = 0x9747_b28c ^ (data.len() as u32);
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// For each partition, the offset of the next record to read: what a commit stores.
pub type Progress = BTreeMap<TopicPartition, u64>;

/// Records read together, in order within each partition.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The records.
    pub records: Vec<Record>,
}

impl Batch {
    /// The progress that committing the whole batch makes: one past the last record of each partition.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::new();
        for record in &self.records {
            progress.insert(record.at.clone(), record.offset + 1);
        }
        progress
    }
}

/// How a topic forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than this are deleted.
    Delete(Duration),
    /// The latest record of each key stays for ever.
    Compact,
}

/// A topic as the project needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Its number of partitions. Co-partitioned topics must agree.
    pub partitions: u32,
    /// How it forgets.
    pub cleanup: Cleanup,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors from `org.apache.kafka.common.utils.UtilsTest#testMurmur2`.
    #[test]
    fn murmur2_agrees_with_kafka() {
        for (text, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
}
