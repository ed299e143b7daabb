//! A stage is pure: no clock and no network; `now` is an argument.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::{OutRecord, Progress, Record, TopicPartition};

/// What became of a record. Its offset moves in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken in; what follows from it is in the outputs.
    Emit,
    /// It is left out on purpose; counted under this reason (a short, stable name such as `duplicate`).
    Drop(&'static str),
    /// It cannot be processed: it goes to dead-letters with its origin and this reason.
    Reject(String),
}

/// Records that a stage wants appended with the batch.
#[derive(Debug, Default)]
pub struct Outputs {
    records: Vec<OutRecord>,
}

impl Outputs {
    /// Appends a record when the batch commits.
    pub fn emit(&mut self, record: OutRecord) {
        self.records.push(record);
    }

    /// Whether anything is to be appended.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, in the order emitted.
    pub fn into_records(self) -> Vec<OutRecord> {
        self.records
    }

    /// The records, in the order emitted.
    pub fn records(&self) -> &[OutRecord] {
        &self.records
    }
}

/// What is replayed into a stage for each partition assigned to it, before that partition's first record.
#[derive(Debug, Clone)]
pub enum Restore {
    /// Partition *i* of this (compacted) topic, from the start to the end.
    State(Arc<str>),
    /// What the group has already read of this input topic, as far back as the horizon.
    Read(Arc<str>, Duration),
}

/// Why a stage with a foot outside the bus (publish) cannot settle a batch.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct StageError {
    /// True: wait and settle the same batch again. False: the process stops, the operator must act.
    pub retriable: bool,
    /// What was tried, on what, why it failed and what the operator can do.
    pub message: String,
}

/// What a stage is doing, for health and readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageState {
    /// Opening its session or restoring its state.
    Starting,
    /// Processing or waiting for records.
    Running,
    /// Held up by something outside; says by what.
    Waiting(String),
    /// Drained and closed.
    Stopped,
    /// Gave up; says why.
    Failed(String),
}

/// The logic between two topics. One task owns it; after any loss of the session, all its partitions are revoked and
/// restored anew, so that its state never runs ahead of the log.
#[async_trait]
pub trait Stage: Send {
    /// What to replay for each partition that is assigned.
    fn restores(&self) -> Vec<Restore> {
        Vec::new()
    }

    /// Takes back one record of its own state.
    fn restore(&mut self, _record: &Record) {}

    /// Processes one record. Must never panic on any bytes.
    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome;

    /// Called at least every tick interval, also when there are no records; what it emits is committed by itself.
    fn tick(&mut self, _now: Timestamp, _out: &mut Outputs) {}

    /// Forgets the state of these partitions (of every topic with that partition number).
    fn revoke(&mut self, _partitions: &[u32]) {}

    /// Where to read on, for a stage that keeps its progress with its rows; partitions left out follow the group's commit.
    async fn positions(&mut self, _assigned: &[TopicPartition]) -> Result<Progress, StageError> {
        Ok(Progress::new())
    }

    /// Called once all records of a batch are processed and before the bus commits: the one place where a stage may
    /// await. Only `publish` needs it, to write its rows and `progress` in one database transaction.
    async fn settle(&mut self, _progress: &Progress, _out: &mut Outputs) -> Result<(), StageError> {
        Ok(())
    }

    /// Called when a batch or tick has been committed; effects decided in it may now begin.
    fn committed(&mut self) {}

    /// Resolves when something outside has finished and `tick` should run at once. Must be safe to cancel.
    async fn woken(&mut self) {
        std::future::pending().await
    }
}
