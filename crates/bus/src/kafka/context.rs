//! What librdkafka calls: log lines go to tracing, and a rebalance is only noted down. It takes effect once the session
//! has heard of it, so that a batch in hand is committed before its partitions move on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::reach::Reach;
use crate::TopicPartition;

fn log(level: Level, facility: &str, message: &str) {
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error | Level::Warning => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        Level::Notice | Level::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        Level::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

fn error(reach: &Reach, error: &KafkaError, reason: &str) {
    // The end of a partition that is read to its end comes this way, too.
    if *error != KafkaError::Global(RDKafkaErrorCode::PartitionEOF) {
        tracing::warn!(target: "librdkafka", %error, "{reason}");
        reach.told(error, reason);
    }
}

/// The context of clients that belong to no group.
#[derive(Debug, Clone)]
pub(super) struct Quiet {
    reach: Arc<Reach>,
}

impl Quiet {
    pub(super) fn new(reach: &Arc<Reach>) -> Self {
        Self {
            reach: reach.clone(),
        }
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: Level, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        error(&self.reach, &cause, reason);
    }
}

impl ConsumerContext for Quiet {}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();

    /// A record that could not be delivered fails its whole transaction, which is where it is told.
    fn delivery(&self, _result: &DeliveryResult<'_>, (): ()) {}
}

/// A rebalance that librdkafka has told and waits on.
pub(super) enum Rebalance {
    Assigned(Vec<TopicPartition>, Option<ConsumerGroupMetadata>),
    /// Always all of them: the range assignor is an eager one.
    Revoked,
    Failed(String),
}

/// The context of a session's consumer.
pub(super) struct Member {
    reach: Arc<Reach>,
    rebalances: Mutex<Vec<Rebalance>>,
    /// Set when the session ends: from then on, partitions are let go at once.
    closing: AtomicBool,
}

impl Member {
    pub(super) fn new(reach: &Arc<Reach>) -> Self {
        Self {
            reach: reach.clone(),
            rebalances: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    pub(super) fn take(&self) -> Vec<Rebalance> {
        std::mem::take(
            &mut *self
                .rebalances
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn note(&self, rebalance: Rebalance) {
        self.rebalances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rebalance);
    }
}

impl ClientContext for Member {
    fn log(&self, level: Level, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        error(&self.reach, &cause, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        told: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Acquire) {
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "partitions of a closing session were not let go");
            }
            return;
        }
        match told {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                // Of this generation: a commit with it is refused once the group has gone on without us.
                let metadata = consumer.group_metadata();
                self.note(Rebalance::Assigned(named(partitions), metadata));
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.note(Rebalance::Revoked),
            other => self.note(Rebalance::Failed(format!("{other:?}"))),
        }
    }
}

fn named(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements()
        .iter()
        .map(|element| TopicPartition::new(element.topic(), element.partition().cast_unsigned()))
        .collect()
}
