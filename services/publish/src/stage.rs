//! The rows of a batch and its progress are one database transaction, so that nothing is counted twice or left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use metrics::{counter, histogram};
use wensheng_bus::{
    Bus, ErrorKind, Outcome, Outputs, Progress, Record, Stage, StageError, TopicPartition,
};
use wensheng_runtime::{DecodeError, decode, encode};
use wensheng_schemas::{Contract, Signal, Topic};
use wensheng_store::{
    Applied, Entry, PartitionProgress, RowCounts, StoreError, WriteBatch, Writer,
};

use crate::metrics as names;

/// Buffers a batch, and writes it in [`settle`](Stage::settle).
pub struct PublishStage {
    bus: Arc<dyn Bus>,
    writer: Writer,
    group: String,
    batch: WriteBatch,
    now: Timestamp,
}

impl PublishStage {
    /// A stage of `group` that writes with `writer`.
    pub fn new(bus: Arc<dyn Bus>, writer: Writer, group: impl Into<String>) -> Self {
        Self {
            bus,
            writer,
            group: group.into(),
            batch: WriteBatch::default(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn buffer(&mut self, record: &Record) -> Result<Outcome, DecodeError> {
        if *record.at.topic == *Topic::Rhythms.name() {
            let source = String::from_utf8_lossy(&record.key).into_owned();
            let rhythm = match record.value {
                Some(_) => Some(decode(record)?),
                None => None,
            };
            self.batch.sources.push((source, rhythm));
            return Ok(Outcome::Emit);
        }
        // A tombstone deletes from the log what is resolved and old; the store keeps its history.
        if record.value.is_none() {
            return Ok(Outcome::Drop("tombstone"));
        }
        match record.at.topic.as_ref() {
            name if name == Topic::Enriched.name() => self.batch.enriched.push(entry(record)?),
            name if name == Topic::Aggregates.name() => self.batch.deltas.push(entry(record)?),
            name if name == Topic::Alerts.name() => self.batch.alerts.push(entry(record)?),
            name if name == Topic::Timeline.name() => self.batch.timeline.push(entry(record)?),
            name if name == Topic::Corrections.name() => {
                self.batch.corrections.push(entry(record)?)
            }
            name if name == Topic::Deliveries.name() => self.batch.deliveries.push(entry(record)?),
            name if name == Topic::Signals.name() => {
                let signal: Entry<Signal> = entry(record)?;
                // The others are told by the alerts that they raised or joined.
                if !signal.value.kind.informs() {
                    return Ok(Outcome::Drop("in_alert"));
                }
                self.batch.rises.push(signal);
            }
            name if name == Topic::DeadLetters.name() => match entry(record) {
                Ok(letter) => self.batch.dead_letters.push(letter),
                // The dead letter of a dead letter would be one, too: it would never end.
                Err(_) => return Ok(Outcome::Drop(names::UNREADABLE_DEAD_LETTER)),
            },
            _ => return Ok(Outcome::Drop("other_topic")),
        }
        Ok(Outcome::Emit)
    }
}

fn entry<T: Contract>(record: &Record) -> Result<Entry<T>, DecodeError> {
    Ok(Entry {
        partition: record.at.partition,
        offset: record.offset,
        value: decode(record)?,
    })
}

#[async_trait]
impl Stage for PublishStage {
    fn process(&mut self, record: &Record, now: Timestamp, _out: &mut Outputs) -> Outcome {
        self.now = now;
        self.buffer(record)
            .unwrap_or_else(|error| Outcome::Reject(error.to_string()))
    }

    fn revoke(&mut self, partitions: &[u32]) {
        let stays = |partition: u32| !partitions.contains(&partition);
        self.batch.enriched.retain(|entry| stays(entry.partition));
        self.batch.deltas.retain(|entry| stays(entry.partition));
        self.batch.alerts.retain(|entry| stays(entry.partition));
        self.batch.timeline.retain(|entry| stays(entry.partition));
        self.batch
            .corrections
            .retain(|entry| stays(entry.partition));
        self.batch.deliveries.retain(|entry| stays(entry.partition));
        self.batch
            .dead_letters
            .retain(|entry| stays(entry.partition));
        self.batch.rises.retain(|entry| stays(entry.partition));
    }

    /// Where the store and the group agree that all before is done. A store that is behind (deleted, or taken from a
    /// backup) is filled from the log again. A store that is ahead (the process ended between its commit and that of the
    /// bus) is given the same records again: it leaves them out, and the totals of their windows reach the bus after all.
    async fn positions(&mut self, assigned: &[TopicPartition]) -> Result<Progress, StageError> {
        let stored: BTreeMap<(String, u32), u64> = self
            .writer
            .progress()
            .await
            .map_err(stage_error)?
            .into_iter()
            .map(|progress| ((progress.topic, progress.partition), progress.next_offset))
            .collect();
        let assigned: BTreeSet<&TopicPartition> = assigned.iter().collect();
        let topics: BTreeSet<Arc<str>> = assigned.iter().map(|at| at.topic.clone()).collect();
        let topics: Vec<Arc<str>> = topics.into_iter().collect();
        let lags = self
            .bus
            .lag(&self.group, &topics)
            .await
            .map_err(|error| StageError {
                retriable: error.kind != ErrorKind::Fatal,
                message: error.to_string(),
            })?;
        let mut positions = Progress::new();
        for lag in lags.iter().filter(|lag| assigned.contains(&lag.at)) {
            let at = &lag.at;
            let key = (at.topic.to_string(), at.partition);
            let next = stored.get(&key).copied().unwrap_or(0);
            if next > lag.end {
                return Err(other_log(at, next, lag.end));
            }
            if next < lag.committed {
                tracing::info!(
                    topic = %at.topic, partition = at.partition, stored = next, committed = lag.committed,
                    "store is behind, reading again"
                );
            }
            positions.insert(at.clone(), next.min(lag.committed));
        }
        Ok(positions)
    }

    async fn settle(&mut self, progress: &Progress, out: &mut Outputs) -> Result<(), StageError> {
        self.batch.progress = progress
            .iter()
            .map(|(at, next_offset)| PartitionProgress {
                topic: at.topic.to_string(),
                partition: at.partition,
                next_offset: *next_offset,
            })
            .collect();
        let began = Instant::now();
        // After an error the batch stays as it is, and the loop settles it again.
        let applied = self
            .writer
            .apply(&self.batch, self.now)
            .await
            .map_err(stage_error)?;
        histogram!(names::TRANSACTION).record(began.elapsed().as_secs_f64());
        count(&applied);
        for total in &applied.windows {
            out.emit(encode(total, None));
        }
        self.batch = WriteBatch::default();
        Ok(())
    }
}

/// A store whose progress lies beyond the end of the log was written from another log: reading on there would leave out,
/// without a word, all that comes until the ends meet.
fn other_log(at: &TopicPartition, stored: u64, end: u64) -> StageError {
    StageError {
        retriable: false,
        message: format!(
            "the store has read {stored} records of {} partition {}, and the bus holds {end}: the store was written \
             from another bus; give this bus a store of its own (`store.url`), or move the store away to have it \
             rebuilt from this bus",
            at.topic, at.partition
        ),
    }
}

fn stage_error(error: StoreError) -> StageError {
    counter!(names::FAILURES, "kind" => error.kind()).increment(1);
    StageError {
        retriable: error.retriable(),
        message: error.to_string(),
    }
}

fn count(applied: &Applied) {
    let by_table = |name: &'static str, rows: &RowCounts| {
        for (table, rows) in [
            ("feedback", rows.feedback),
            ("windows", rows.windows),
            ("alerts", rows.alerts),
            ("corrections", rows.corrections),
            ("deliveries", rows.deliveries),
            ("dead_letters", rows.dead_letters),
            ("rises", rows.rises),
        ] {
            if rows > 0 {
                counter!(name, "table" => table).increment(rows);
            }
        }
    };
    by_table(names::ROWS, &applied.written);
    by_table(names::STALE, &applied.stale);
    counter!(names::REPEATED).increment(applied.repeated);
}
