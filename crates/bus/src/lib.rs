//! A step reads a batch, and commits its outputs together with its progress, or neither.
//!
//! This crate moves bytes exactly once and knows nothing of feedback. Two engines stand behind one seam
//! ([`Bus`], [`Session`], [`Publisher`]) and pass one conformance suite: Apache Kafka and an embedded log in one
//! SQLite file. [`run_stage`] is the only consume loop of the project; a [`Stage`] is the logic between two topics.

pub mod bench;
mod bus;
mod config;
mod embedded;
mod error;
mod kafka;
pub mod metrics;
mod options;
mod prefix;
mod record;
mod run;
mod stage;
mod tally;

pub use bus::{
    Bus, PartitionLag, Publisher, Rewritten, Session, SessionEvent, SessionSpec, TopicProblem,
};
pub use config::{BusConfig, Engine, open_bus};
pub use embedded::{EmbeddedBus, EmbeddedConfig};
pub use error::{BusError, ErrorKind};
pub use kafka::{KafkaBus, KafkaConfig};
pub use options::{Backoff, Clock, DeadLetter, StageOptions, dead_letters_in};
pub use record::{
    Batch, Cleanup, OutRecord, Progress, Record, TopicPartition, TopicSpec, partition_for,
};
pub use run::run_stage;
pub use stage::{Outcome, Outputs, Restore, Stage, StageError, StageState};
