//! One transaction: records and progress, both or neither. A step that the brokers did not answer can be tried again
//! from where it stopped; anything else that goes wrong aborts the whole.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::context::Quiet;
use super::errors::kafka_error;
use crate::{BusError, ErrorKind, OutRecord};

/// How long one step may wait before the caller hears that the brokers do not answer.
const STEP: Duration = Duration::from_secs(10);

/// How long an abort may take; after that the brokers abort by themselves when the transaction times out.
const ABORT: Duration = Duration::from_secs(5);

/// The progress of a group, and proof of belonging to it.
pub(super) struct Offsets {
    pub(super) list: TopicPartitionList,
    pub(super) metadata: Arc<ConsumerGroupMetadata>,
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Produce,
    SendOffsets,
    Commit,
}

/// A transaction under way.
pub(super) struct Transaction {
    step: Step,
    action: String,
    /// Each with its partition.
    records: Vec<(OutRecord, i32)>,
    produced: usize,
    offsets: Option<Offsets>,
}

impl Transaction {
    pub(super) fn new(
        action: String,
        records: Vec<(OutRecord, i32)>,
        offsets: Option<Offsets>,
    ) -> Self {
        Self {
            step: Step::Begin,
            action,
            records,
            produced: 0,
            offsets,
        }
    }

    /// Goes on from the step reached. Blocking. After an error of kind Unavailable it may be called again; after any
    /// other the transaction is aborted and the producer is to be dropped.
    pub(super) fn run(&mut self, producer: &BaseProducer<Quiet>) -> Result<(), BusError> {
        loop {
            let next = match self.step {
                Step::Begin => producer.begin_transaction().map(|()| Some(Step::Produce)),
                Step::Produce => self.produce(producer).map(|()| Some(Step::SendOffsets)),
                Step::SendOffsets => match &self.offsets {
                    None => Ok(Some(Step::Commit)),
                    Some(offsets) => producer
                        .send_offsets_to_transaction(&offsets.list, &offsets.metadata, STEP)
                        .map(|()| Some(Step::Commit)),
                },
                Step::Commit => producer.commit_transaction(STEP).map(|()| None),
            };
            match next {
                Ok(Some(next)) => self.step = next,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.failed(producer, &error)),
            }
        }
    }

    fn produce(&mut self, producer: &BaseProducer<Quiet>) -> Result<(), KafkaError> {
        while let Some((record, partition)) = self.records.get(self.produced) {
            match producer.send(message(record, *partition)) {
                Ok(()) => self.produced += 1,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    // librdkafka's own back-pressure: let it send.
                    producer.poll(Duration::from_millis(50));
                }
                Err((error, _)) => return Err(error),
            }
        }
        Ok(())
    }

    fn failed(&self, producer: &BaseProducer<Quiet>, error: &KafkaError) -> BusError {
        let wrapped = kafka_error(self.action.as_str(), error);
        let may_repeat = match error {
            KafkaError::Transaction(error) => error.is_retriable() && !error.txn_requires_abort(),
            KafkaError::Flush(code) => *code == RDKafkaErrorCode::OperationTimedOut,
            _ => false,
        };
        if may_repeat {
            return BusError {
                kind: ErrorKind::Unavailable,
                ..wrapped
            };
        }
        if self.step != Step::Begin {
            abort(producer);
        }
        // Nothing of it was committed, and this producer may be beyond mending.
        let kind = if wrapped.kind == ErrorKind::Fatal {
            ErrorKind::Fatal
        } else {
            ErrorKind::Lost
        };
        BusError { kind, ..wrapped }
    }
}

fn message(record: &OutRecord, partition: i32) -> BaseRecord<'_, [u8], [u8]> {
    let mut message = BaseRecord::to(&record.topic)
        .partition(partition)
        .key(record.key.as_ref());
    message.payload = record.value.as_deref();
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (name, value) in &record.headers {
            headers = headers.insert(Header {
                key: name,
                value: Some(value.as_ref()),
            });
        }
        message = message.headers(headers);
    }
    message
}

/// Best effort: spares readers the wait until the transaction times out.
fn abort(producer: &BaseProducer<Quiet>) {
    producer.purge(PurgeConfig::default().queue().inflight());
    if let Err(error) = producer
        .flush(ABORT)
        .and_then(|()| producer.abort_transaction(ABORT))
    {
        tracing::debug!(%error, "the transaction was not aborted: the brokers will do so when it times out");
    }
}
