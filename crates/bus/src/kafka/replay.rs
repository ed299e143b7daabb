//! Reading partitions outside any group, from any offset to the end of what is committed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Shared;
use super::asking::Asking;
use super::context::Quiet;
use super::errors::kafka_error;
use super::poller::{size, take};
use crate::{BusError, ErrorKind, Record, TopicPartition};

/// How long a question may take.
pub(super) const ASK: Duration = Duration::from_secs(5);

/// How long the brokers may be silent in the middle of a replay.
const SILENCE: Duration = Duration::from_secs(30);

/// Records are handed on in chunks of about this many bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// How long to wait for open transactions. Those of a killed process end when they time out and the brokers have
/// noticed, which takes them up to some 20 seconds.
const SETTLE: Duration = Duration::from_secs(30);

/// The first offset a partition holds, and the end of what the client may see. Blocking.
pub(super) fn bounds(asking: &Asking, at: &TopicPartition) -> Result<(u64, u64), BusError> {
    asking
        .ask(|client| client.fetch_watermarks(&at.topic, at.partition.cast_signed(), ASK))
        .map(|(low, high)| (low.max(0).cast_unsigned(), high.max(0).cast_unsigned()))
        .map_err(|error| {
            kafka_error(
                format!("read the end of {}/{}", at.topic, at.partition),
                &error,
            )
        })
}

/// Where the partition is settled: before there, every transaction has ended. Blocking.
pub(super) fn settled_end(shared: &Shared, at: &TopicPartition) -> Result<u64, BusError> {
    bounds(&shared.settled, at).map(|(_, end)| end)
}

/// Waits until everything before `end` is settled. A commit is acknowledged before the brokers have marked it in every
/// partition; whoever restores from here must see it. Blocking.
fn settle(shared: &Shared, at: &TopicPartition, end: u64) -> Result<(), BusError> {
    let started = Instant::now();
    while settled_end(shared, at)? < end {
        if started.elapsed() > SETTLE {
            let action = format!("read {}/{} to its end", at.topic, at.partition);
            return Err(BusError::new(
                ErrorKind::Unavailable,
                action,
                "a transaction is still open there",
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn reader(
    shared: &Shared,
    at: &TopicPartition,
    from: u64,
) -> Result<BaseConsumer<Quiet>, BusError> {
    let action = || format!("read {}/{} from offset {from}", at.topic, at.partition);
    let consumer: BaseConsumer<Quiet> = shared
        .config
        .replaying()
        .create_with_context(Quiet::new(&shared.reach))
        .map_err(|error| kafka_error(action(), &error))?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(
        &at.topic,
        at.partition.cast_signed(),
        Offset::Offset(i64::try_from(from).unwrap_or(i64::MAX)),
    )
    .and_then(|()| consumer.assign(&list))
    .map_err(|error| kafka_error(action(), &error))?;
    Ok(consumer)
}

/// What a poll of a reader brought.
enum Read {
    Record(Record),
    End,
}

fn next(
    consumer: &BaseConsumer<Quiet>,
    at: &TopicPartition,
    topics: &mut BTreeMap<String, std::sync::Arc<str>>,
) -> Result<Read, BusError> {
    let started = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                debug_assert_eq!(message.partition().cast_unsigned(), at.partition);
                return Ok(Read::Record(take(&message, topics)));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(Read::End),
            Some(Err(error)) => {
                let error = kafka_error(format!("read {}/{}", at.topic, at.partition), &error);
                if error.kind == ErrorKind::Fatal {
                    return Err(error);
                }
                tracing::debug!(%error, "reading goes on after an error");
            }
            None => {}
        }
        if started.elapsed() > SILENCE {
            let action = format!("read {}/{}", at.topic, at.partition);
            return Err(BusError::new(
                ErrorKind::Unavailable,
                action,
                "the brokers do not answer",
            ));
        }
    }
}

/// Hands on the committed records with offsets in `range`, in chunks, until `hand_on` answers false. Blocking.
pub(super) fn replay(
    shared: &Shared,
    at: &TopicPartition,
    range: Range<u64>,
    mut hand_on: impl FnMut(Vec<Record>) -> bool,
) -> Result<(), BusError> {
    let (low, high) = bounds(&shared.asking, at)?;
    let range = range.start.max(low)..range.end.min(high);
    if range.is_empty() {
        return Ok(());
    }
    settle(shared, at, range.end)?;
    let consumer = reader(shared, at, range.start)?;
    let mut topics = [(at.topic.to_string(), at.topic.clone())].into();
    let mut chunk = Vec::new();
    let mut bytes = 0;
    while let Read::Record(record) = next(&consumer, at, &mut topics)? {
        if record.offset >= range.end {
            break;
        }
        let is_last = record.offset + 1 >= range.end;
        bytes += size(&record);
        chunk.push(record);
        if bytes >= CHUNK_BYTES {
            bytes = 0;
            if !hand_on(std::mem::take(&mut chunk)) {
                return Ok(());
            }
        }
        if is_last {
            break;
        }
    }
    if !chunk.is_empty() {
        hand_on(chunk);
    }
    Ok(())
}

/// Whether any record is left to read from `from` on: what lies there may be transaction markers and aborted records
/// alone. Blocking.
pub(super) fn has_records(
    shared: &Shared,
    at: &TopicPartition,
    from: u64,
) -> Result<bool, BusError> {
    let consumer = reader(shared, at, from)?;
    let mut topics = [(at.topic.to_string(), at.topic.clone())].into();
    Ok(matches!(next(&consumer, at, &mut topics)?, Read::Record(_)))
}
