//! The rows of a batch and its progress are one database transaction, so that nothing is counted twice or left out.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use metrics::{counter, histogram};
use wensheng_bus::{Bus, ErrorKind, Outcome, Outputs, Progress, Record, Stage, StageError, TopicPartition};
use wensheng_runtime::{DecodeError, decode, encode};
use wensheng_schemas::{Contract, Topic};
use wensheng_store::{Applied, Entry, PartitionProgress, RowCounts, StoreError, WriteBatch, Writer};

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
        Self { bus, writer, group: group.into(), batch: WriteBatch::default(), now: Timestamp::UNIX_EPOCH }
    }

    fn buffer(&mut self, record: &Record) -> Result<Outcome, DecodeError> {
        match record.at.topic.as_ref() {
            name if name == Topic::Enriched.name() => self.batch.enriched.push(entry(record)?),
            name if name == Topic::Aggregates.name() => self.batch.deltas.push(entry(record)?),
            // A tombstone deletes from the log what is resolved and old; the store keeps its history.
            name if name == Topic::Alerts.name() && record.value.is_none() => return Ok(Outcome::Drop("tombstone")),
            name if name == Topic::Alerts.name() => self.batch.alerts.push(entry(record)?),
            name if name == Topic::Deliveries.name() => self.batch.deliveries.push(entry(record)?),
            name if name == Topic::DeadLetters.name() => match entry(record) {
                Ok(letter) => self.batch.dead_letters.push(letter),
                // The dead letter of a dead letter would be one, too: it would never end.
                Err(_) => return Ok(Outcome::Drop(names::UNREADABLE_DEAD_LETTER)),
            },
            _ => return Ok(Outcome::Drop("other_topic")),
        }
        Ok(Outcome::Emit)
    }

    /// A store whose progress lies beyond the end of the log was written from another log: reading on there would
    /// leave out all that comes until the ends meet.
    async fn check_ends(&self, stored: &Progress) -> Result<(), StageError> {
        let topics: Vec<Arc<str>> = crate::INPUTS.iter().map(|topic| topic.shared_name()).collect();
        let lags = self.bus.lag(&self.group, &topics).await.map_err(|error| StageError {
            retriable: error.kind == ErrorKind::Unavailable,
            message: error.to_string(),
        })?;
        for lag in lags {
            match stored.get(&lag.at) {
                Some(next) if *next > lag.end => {
                    return Err(StageError {
                        retriable: false,
                        message: format!(
                            "the store has read {next} records of {} partition {}, and the bus holds {}: the store was \
                             written from another bus; give this bus a store of its own (`store.url`), or delete the \
                             store to have it rebuilt from this bus",
                            lag.at.topic, lag.at.partition, lag.end
                        ),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn entry<T: Contract>(record: &Record) -> Result<Entry<T>, DecodeError> {
    Ok(Entry { partition: record.at.partition, offset: record.offset, value: decode(record)? })
}

#[async_trait]
impl Stage for PublishStage {
    fn process(&mut self, record: &Record, now: Timestamp, _out: &mut Outputs) -> Outcome {
        self.now = now;
        self.buffer(record).unwrap_or_else(|error| Outcome::Reject(error.to_string()))
    }

    fn revoke(&mut self, partitions: &[u32]) {
        let stays = |partition: u32| !partitions.contains(&partition);
        self.batch.enriched.retain(|entry| stays(entry.partition));
        self.batch.deltas.retain(|entry| stays(entry.partition));
        self.batch.alerts.retain(|entry| stays(entry.partition));
        self.batch.deliveries.retain(|entry| stays(entry.partition));
        self.batch.dead_letters.retain(|entry| stays(entry.partition));
    }

    async fn positions(&mut self, assigned: &[TopicPartition]) -> Result<Progress, StageError> {
        let stored = self.writer.progress().await.map_err(stage_error)?;
        let mut progress: Progress = assigned.iter().map(|at| (at.clone(), 0)).collect();
        for PartitionProgress { topic, partition, next_offset } in stored {
            if let Some(next) = progress.get_mut(&TopicPartition::new(topic, partition)) {
                *next = next_offset;
            }
        }
        self.check_ends(&progress).await?;
        Ok(progress)
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
        let applied = self.writer.apply(&self.batch, self.now).await.map_err(stage_error)?;
        histogram!(names::TRANSACTION).record(began.elapsed().as_secs_f64());
        count(&applied);
        for total in &applied.windows {
            out.emit(encode(total, None));
        }
        self.batch = WriteBatch::default();
        Ok(())
    }
}

fn stage_error(error: StoreError) -> StageError {
    StageError { retriable: error.is_retriable(), message: error.to_string() }
}

fn count(applied: &Applied) {
    let by_table = |name: &'static str, rows: &RowCounts| {
        for (table, rows) in [
            ("feedback", rows.feedback),
            ("windows", rows.windows),
            ("alerts", rows.alerts),
            ("deliveries", rows.deliveries),
            ("dead_letters", rows.dead_letters),
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
