//! The thread that polls a session's consumer. Polling never stops, whatever the stage does: while the session has
//! enough to do, fetching pauses, and the thread goes on polling for rebalances.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc::UnboundedSender;

use super::context::{Member, Rebalance};
use super::errors::{code_kind, kafka_error};
use crate::{BusError, ErrorKind, Progress, Record, TopicPartition};

/// How long one poll waits for records: the longest that a command waits.
const POLL: Duration = Duration::from_millis(20);

/// How long the thread waits for the session to make room before it pauses the partitions. Shorter would throw away
/// what was fetched ahead whenever a stage takes a breath; longer would delay a rebalance by as much.
const ROOM: Duration = Duration::from_secs(2);

/// How long a question to the group's coordinator may take.
const ASK: Duration = Duration::from_secs(5);

/// What the thread tells the session, in order.
pub(super) enum Happening {
    /// Partitions with the offsets to read from; reading begins with [`Command::Read`].
    Assigned(Progress, Option<ConsumerGroupMetadata>),
    /// They are held until [`Command::LetGo`].
    Revoked,
    /// A record, and the count of [`Command::Read`] it was read under.
    Record(u64, Record),
    Failed(BusError),
}

/// What the session tells the thread.
pub(super) enum Command {
    /// Reads these partitions from these offsets.
    Read(Progress),
    /// Completes a revocation.
    LetGo,
    /// The session has taken what was buffered.
    Room,
    /// Ends the thread and leaves the group.
    Close,
}

/// What waits between the thread and the session.
#[derive(Debug, Default)]
pub(super) struct Buffered {
    bytes: AtomicUsize,
    records: AtomicUsize,
}

impl Buffered {
    fn add(&self, record: &Record) {
        self.bytes.fetch_add(size(record), Ordering::Relaxed);
        self.records.fetch_add(1, Ordering::Relaxed);
    }

    /// Called by the session for each record taken.
    pub(super) fn remove(&self, record: &Record) {
        self.bytes.fetch_sub(size(record), Ordering::Relaxed);
        self.records.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self, limits: (usize, usize)) -> bool {
        self.records.load(Ordering::Relaxed) >= limits.0
            || self.bytes.load(Ordering::Relaxed) >= limits.1
    }
}

/// Bytes of key and value.
pub(super) fn size(record: &Record) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Bytes::len)
}

pub(super) struct Poller {
    pub(super) consumer: BaseConsumer<Member>,
    pub(super) group: String,
    pub(super) commands: Receiver<Command>,
    pub(super) happenings: UnboundedSender<Happening>,
    pub(super) buffered: Arc<Buffered>,
    /// Records and bytes beyond which nothing more is read.
    pub(super) limits: (usize, usize),
    /// Topic names, shared by their records.
    pub(super) topics: BTreeMap<String, Arc<str>>,
    /// Counts the commands to read.
    pub(super) reads: u64,
    /// True while librdkafka waits for us to take or let go partitions.
    pub(super) is_held: bool,
}

impl Poller {
    /// Polls until the session has gone.
    pub(super) fn run(mut self) {
        while let Flow::GoOn = self.turn() {}
        self.consumer.context().close();
        if self.is_held
            && let Err(error) = self.consumer.unassign()
        {
            tracing::debug!(%error, "partitions of a closing session were not let go");
        }
        // Dropping the consumer leaves the group.
    }

    fn turn(&mut self) -> Flow {
        if matches!(self.serve_commands(), Flow::Close) {
            return Flow::Close;
        }
        if self.buffered.is_over(self.limits) {
            return self.wait_for_room();
        }
        self.poll_for(POLL);
        self.rebalance()
    }

    fn serve_commands(&mut self) -> Flow {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    if matches!(self.obey(command), Flow::Close) {
                        return Flow::Close;
                    }
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => return Flow::GoOn,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return Flow::Close,
            }
        }
    }

    fn obey(&mut self, command: Command) -> Flow {
        let done = match command {
            Command::Read(positions) => {
                self.reads += 1;
                self.is_held = false;
                partition_list(&positions).and_then(|list| self.consumer.assign(&list))
            }
            Command::LetGo => {
                self.is_held = false;
                self.consumer.unassign()
            }
            Command::Room => Ok(()),
            Command::Close => return Flow::Close,
        };
        if let Err(error) = done {
            self.fail(BusError::new(
                ErrorKind::Lost,
                format!("change the partitions of {}", self.group),
                error,
            ));
        }
        Flow::GoOn
    }

    /// Waits until the session has taken something. A stage that is stuck for long has its partitions paused, and
    /// polling goes on.
    fn wait_for_room(&mut self) -> Flow {
        let started = Instant::now();
        let mut paused: Option<TopicPartitionList> = None;
        while self.buffered.is_over(self.limits) {
            match self.commands.recv_timeout(POLL) {
                Ok(command) => {
                    let changes = matches!(command, Command::Read(_) | Command::LetGo);
                    if matches!(self.obey(command), Flow::Close) {
                        return Flow::Close;
                    }
                    if changes {
                        // A new assignment is not paused.
                        return Flow::GoOn;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Flow::Close,
                Err(RecvTimeoutError::Timeout) if started.elapsed() < ROOM => {}
                Err(RecvTimeoutError::Timeout) => {
                    if paused.is_none()
                        && let Ok(assignment) = self.consumer.assignment()
                        && self.consumer.pause(&assignment).is_ok()
                    {
                        tracing::debug!(group = %self.group, "the stage is slow: fetching is paused");
                        paused = Some(assignment);
                    }
                    // Nothing is fetched now but what was under way.
                    self.poll_for(Duration::ZERO);
                    if matches!(self.rebalance(), Flow::Close) {
                        return Flow::Close;
                    }
                }
            }
        }
        if let Some(paused) = paused
            && let Err(error) = self.consumer.resume(&paused)
        {
            self.fail(kafka_error(
                format!("go on reading as {}", self.group),
                &error,
            ));
        }
        Flow::GoOn
    }

    fn poll_for(&mut self, wait: Duration) {
        match self.consumer.poll(wait) {
            None => {}
            Some(Ok(message)) => {
                let record = take(&message, &mut self.topics);
                self.buffered.add(&record);
                self.tell(Happening::Record(self.reads, record));
            }
            Some(Err(error)) => self.judge(&error),
        }
    }

    /// librdkafka mends most errors by itself; only those that it cannot reach the session.
    fn judge(&self, error: &KafkaError) {
        let action = format!("read as {}", self.group);
        match error {
            KafkaError::MessageConsumptionFatal(_) => {
                self.fail(BusError::new(ErrorKind::Lost, action, error));
            }
            KafkaError::MessageConsumption(RDKafkaErrorCode::PollExceeded) => {
                self.fail(BusError::new(ErrorKind::Lost, action, error));
            }
            KafkaError::MessageConsumption(code) if code_kind(*code) == ErrorKind::Fatal => {
                self.fail(kafka_error(action, error));
            }
            error => tracing::debug!(group = %self.group, %error, "reading goes on after an error"),
        }
    }

    /// Passes on what the last poll told about partitions.
    fn rebalance(&mut self) -> Flow {
        for rebalance in self.consumer.context().take() {
            match rebalance {
                Rebalance::Assigned(partitions, metadata) => {
                    self.is_held = true;
                    let Some(positions) = self.positions(&partitions) else {
                        return Flow::Close;
                    };
                    self.tell(Happening::Assigned(positions, metadata));
                }
                Rebalance::Revoked => {
                    self.is_held = true;
                    self.tell(Happening::Revoked);
                }
                Rebalance::Failed(reason) => {
                    self.is_held = true;
                    self.fail(BusError::new(
                        ErrorKind::Lost,
                        format!("share partitions as {}", self.group),
                        reason,
                    ));
                }
            }
        }
        Flow::GoOn
    }

    /// Where the group is to read on; asks until there is an answer. The answer is stable: commits under way by a former
    /// owner are settled before it comes. `None` when the session has gone meanwhile.
    fn positions(&mut self, partitions: &[TopicPartition]) -> Option<Progress> {
        if partitions.is_empty() {
            return Some(Progress::new());
        }
        loop {
            let mut list = TopicPartitionList::new();
            for at in partitions {
                list.add_partition(&at.topic, at.partition.cast_signed());
            }
            match self.consumer.committed_offsets(list, ASK) {
                Ok(committed) => return Some(positions(&committed, &mut self.topics)),
                Err(error) => {
                    let error = kafka_error(format!("read the progress of {}", self.group), &error);
                    if error.kind == ErrorKind::Unavailable {
                        tracing::info!(%error, "waiting for the progress of the group");
                    } else {
                        self.fail(error);
                    }
                }
            }
            // The session cannot have asked for anything but to close: it holds no partitions yet.
            match self.commands.recv_timeout(Duration::from_millis(200)) {
                Ok(Command::Close) | Err(RecvTimeoutError::Disconnected) => return None,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn fail(&self, error: BusError) {
        self.tell(Happening::Failed(error));
    }

    fn tell(&self, happening: Happening) {
        // When the session has gone, the next command says so.
        drop(self.happenings.send(happening));
    }
}

enum Flow {
    GoOn,
    Close,
}

/// The name as the topics' records share it.
fn shared(topics: &mut BTreeMap<String, Arc<str>>, name: &str) -> Arc<str> {
    match topics.get(name) {
        Some(topic) => topic.clone(),
        None => topics
            .entry(name.to_owned())
            .or_insert_with(|| name.into())
            .clone(),
    }
}

/// Copies a message out of librdkafka's memory.
pub(super) fn take(
    message: &BorrowedMessage<'_>,
    topics: &mut BTreeMap<String, Arc<str>>,
) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| {
                (
                    header.key.to_owned(),
                    header.value.map_or_else(Bytes::new, Bytes::copy_from_slice),
                )
            })
            .collect()
    });
    let millis = message.timestamp().to_millis().unwrap_or(0);
    Record {
        at: TopicPartition::new(
            shared(topics, message.topic()),
            message.partition().cast_unsigned(),
        ),
        offset: message.offset().cast_unsigned(),
        appended_at: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH),
        key: message
            .key()
            .map_or_else(Bytes::new, Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
    }
}

/// Committed offsets as progress; 0 where there is none yet.
pub(super) fn positions(
    list: &TopicPartitionList,
    topics: &mut BTreeMap<String, Arc<str>>,
) -> Progress {
    list.elements()
        .iter()
        .map(|element| {
            let at = TopicPartition::new(
                shared(topics, element.topic()),
                element.partition().cast_unsigned(),
            );
            let offset = match element.offset() {
                Offset::Offset(offset) => offset.max(0).cast_unsigned(),
                _ => 0,
            };
            (at, offset)
        })
        .collect()
}

/// Progress as librdkafka's list.
pub(super) fn partition_list(progress: &Progress) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(progress.len());
    for (at, offset) in progress {
        list.add_partition_offset(
            &at.topic,
            at.partition.cast_signed(),
            Offset::Offset(i64::try_from(*offset).unwrap_or(i64::MAX)),
        )?;
    }
    Ok(list)
}
