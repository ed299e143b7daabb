//! One consumer of a group with its transactional producer. A commit carries the group's generation under which the
//! partitions were given, so that a session the group has gone on without can commit nothing, not even a tick.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Shared;
use super::committer::Committer;
use super::context::Member;
use super::errors::kafka_error;
use super::poller::{Buffered, Command, Happening, Poller, partition_list, size};
use super::transaction::{Offsets, Transaction};
use crate::{
    Batch, BusError, ErrorKind, OutRecord, Progress, Publisher, Record, Session, SessionEvent,
    SessionSpec, TopicPartition,
};

/// How long leaving the group may take: a broker that does not answer must not hold a shutdown up.
const LEAVE: std::time::Duration = std::time::Duration::from_secs(10);

/// Keeps a transactional id, and where the process has a name a membership, for one session at a time: the lowest number
/// that is free in this process.
pub(super) struct Slot {
    shared: Arc<Shared>,
    name: String,
    number: usize,
}

impl Slot {
    fn take(shared: &Arc<Shared>, name: &str) -> Self {
        let number = shared.take_slot(name);
        Self {
            shared: shared.clone(),
            name: name.to_owned(),
            number,
        }
    }

    fn transactional_id(&self) -> String {
        let shared = &self.shared;
        format!(
            "{}-{}-{}-{}",
            shared.config.transactional_id_prefix, self.name, shared.instance, self.number
        )
    }

    /// What the group knows this session by after a restart; none in a process without a name.
    fn member(&self) -> Option<String> {
        let instance = self.shared.config.instance.as_ref()?;
        Some(format!("{instance}-{}", self.number))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.free_slot(&self.name, self.number);
    }
}

/// A session of the Kafka engine.
pub(super) struct KafkaSession {
    shared: Arc<Shared>,
    spec: SessionSpec,
    commands: Sender<Command>,
    happenings: UnboundedReceiver<Happening>,
    buffered: Arc<Buffered>,
    committer: Committer,
    metadata: Option<Arc<ConsumerGroupMetadata>>,
    /// For each partition held, the next offset to commit: what proves membership when a tick commits.
    positions: Progress,
    /// For each partition held, the offset after the last record that was handed out.
    handed_out: Progress,
    /// Sent with the next call of `next`, so that the stage restores before reading begins.
    to_read: Option<Progress>,
    /// How often reading was begun; what was read before the last time is left out.
    reads: u64,
    batch: Vec<Record>,
    batch_bytes: usize,
    deadline: Option<Instant>,
    /// Resolves when the polling thread has left the group.
    left: oneshot::Receiver<()>,
    _slot: Slot,
}

impl KafkaSession {
    /// Joins the group. Blocking.
    pub(super) fn open(shared: &Arc<Shared>, spec: SessionSpec) -> Result<Self, BusError> {
        let mut topics = Vec::new();
        for topic in &spec.topics {
            topics.push((topic.clone(), shared.partition_count(topic)?));
        }
        crate::bus::check_co_partitioned(&spec.group, &topics)?;
        let slot = Slot::take(shared, &spec.group);
        let committer = Committer::open(shared, &slot.transactional_id())?;
        let action = format!("join group {}", spec.group);
        let consumer: BaseConsumer<Member> = shared
            .config
            .consumer(&spec.group, slot.member().as_deref())
            .create_with_context(Member::new(&shared.reach))
            .map_err(|error| kafka_error(action.as_str(), &error))?;
        let names: Vec<&str> = spec.topics.iter().map(AsRef::as_ref).collect();
        consumer
            .subscribe(&names)
            .map_err(|error| kafka_error(action.as_str(), &error))?;
        let (commands, receiver) = channel();
        let (sender, happenings) = unbounded_channel();
        let (leaving, left) = oneshot::channel();
        let buffered = Arc::new(Buffered::default());
        let poller = Poller {
            consumer,
            group: spec.group.clone(),
            commands: receiver,
            happenings: sender,
            buffered: buffered.clone(),
            limits: (spec.max_records.max(1), spec.max_bytes.max(1)),
            topics: spec
                .topics
                .iter()
                .map(|topic| (topic.to_string(), topic.clone()))
                .collect(),
            reads: 0,
            is_held: false,
        };
        std::thread::Builder::new()
            .name("bus-poller".to_owned())
            .spawn(move || {
                poller.run();
                if leaving.send(()).is_err() {
                    tracing::debug!("a session was dropped, and has left its group");
                }
            })
            .map_err(|error| BusError::new(ErrorKind::Unavailable, action, error))?;
        Ok(Self {
            shared: shared.clone(),
            spec,
            commands,
            happenings,
            buffered,
            committer,
            metadata: None,
            positions: Progress::new(),
            handed_out: Progress::new(),
            to_read: None,
            reads: 0,
            batch: Vec::new(),
            batch_bytes: 0,
            deadline: None,
            left,
            _slot: slot,
        })
    }

    fn order(&self, command: Command) -> Result<(), BusError> {
        self.commands
            .send(command)
            .map_err(|_| self.lost("the polling thread has ended"))
    }

    fn lost(&self, reason: &str) -> BusError {
        BusError::new(
            ErrorKind::Lost,
            format!("read as {}", self.spec.group),
            reason,
        )
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.spec.max_records.max(1) || self.batch_bytes >= self.spec.max_bytes
    }

    fn clear_batch(&mut self) {
        self.batch.clear();
        self.batch_bytes = 0;
        self.deadline = None;
    }

    /// Takes in what the polling thread told; some of it is an event for the caller.
    fn take(&mut self, happening: Happening) -> Result<Option<SessionEvent>, BusError> {
        match happening {
            Happening::Record(reads, record) => {
                self.buffered.remove(&record);
                if reads == self.reads && self.positions.contains_key(&record.at) {
                    if self.batch.is_empty() {
                        self.deadline = Some(Instant::now() + self.spec.max_wait);
                    }
                    self.batch_bytes += size(&record);
                    self.batch.push(record);
                }
                Ok(None)
            }
            Happening::Assigned(positions, metadata) => {
                self.metadata = metadata.map(Arc::new);
                self.positions = positions.clone();
                self.handed_out = positions.clone();
                let assigned: Vec<TopicPartition> = positions.keys().cloned().collect();
                self.to_read = Some(positions);
                Ok((!assigned.is_empty()).then_some(SessionEvent::Assigned(assigned)))
            }
            Happening::Revoked => {
                self.clear_batch();
                self.metadata = None;
                self.to_read = None;
                let revoked: Vec<TopicPartition> =
                    std::mem::take(&mut self.positions).into_keys().collect();
                self.order(Command::LetGo)?;
                Ok((!revoked.is_empty()).then_some(SessionEvent::Revoked(revoked)))
            }
            Happening::Failed(error) => Err(error),
        }
    }
}

#[async_trait]
impl Session for KafkaSession {
    async fn next(&mut self) -> Result<SessionEvent, BusError> {
        loop {
            if let Some(positions) = self.to_read.take() {
                self.reads += 1;
                self.order(Command::Read(positions))?;
            }
            while !self.is_full() {
                match self.happenings.try_recv() {
                    Ok(happening) => {
                        if let Some(event) = self.take(happening)? {
                            return Ok(event);
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        return Err(self.lost("the polling thread has ended"));
                    }
                }
            }
            let is_due = self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now());
            if self.is_full() || (is_due && !self.batch.is_empty()) {
                self.order(Command::Room)?;
                let batch = Batch {
                    records: std::mem::take(&mut self.batch),
                };
                self.clear_batch();
                self.handed_out.extend(batch.progress());
                return Ok(SessionEvent::Records(batch));
            }
            if self.to_read.is_some() {
                continue;
            }
            let deadline = self.deadline;
            let due = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            // What happens comes before the deadline, so that a batch is as full as can be.
            let happening = tokio::select! {
                biased;
                happening = self.happenings.recv() => happening,
                () = due => continue,
            };
            let Some(happening) = happening else {
                return Err(self.lost("the polling thread has ended"));
            };
            if let Some(event) = self.take(happening)? {
                return Ok(event);
            }
        }
    }

    async fn commit(
        &mut self,
        progress: &Progress,
        outputs: Vec<OutRecord>,
    ) -> Result<(), BusError> {
        let action = format!("commit as {}", self.spec.group);
        if progress.keys().any(|at| !self.positions.contains_key(at)) {
            return Err(BusError::new(
                ErrorKind::Lost,
                action,
                "a partition has gone to another session",
            ));
        }
        if progress.is_empty() && outputs.is_empty() {
            return Ok(());
        }
        let records = self.shared.place(outputs).await?;
        // A tick has no progress of its own; repeating one position makes the group check that we belong to it.
        let proof: Progress = match progress.is_empty() {
            true => self
                .positions
                .iter()
                .take(1)
                .map(|(at, offset)| (at.clone(), *offset))
                .collect(),
            false => progress.clone(),
        };
        let metadata = self.metadata.clone();
        let begin = || {
            let offsets = match metadata {
                Some(metadata) if !proof.is_empty() => {
                    let list = partition_list(&proof)
                        .map_err(|error| kafka_error(action.as_str(), &error))?;
                    Some(Offsets { list, metadata })
                }
                _ if !progress.is_empty() => {
                    return Err(BusError::new(
                        ErrorKind::Lost,
                        action.as_str(),
                        "the session has left its group",
                    ));
                }
                _ => None,
            };
            Ok(Transaction::new(action.clone(), records, offsets))
        };
        self.committer
            .commit(begin)
            .await
            .map_err(|error| self.shared.reach.explain(error))?;
        self.positions
            .extend(progress.iter().map(|(at, offset)| (at.clone(), *offset)));
        Ok(())
    }

    async fn seek(&mut self, positions: &Progress) -> Result<(), BusError> {
        if positions.keys().any(|at| !self.positions.contains_key(at)) {
            return Err(self.lost("a partition to seek is not this session's"));
        }
        // The other partitions go on after what was handed out.
        self.handed_out
            .extend(positions.iter().map(|(at, offset)| (at.clone(), *offset)));
        self.positions
            .extend(positions.iter().map(|(at, offset)| (at.clone(), *offset)));
        self.clear_batch();
        self.to_read = Some(self.handed_out.clone());
        Ok(())
    }

    async fn close(mut self: Box<Self>) -> Result<(), BusError> {
        self.order(Command::Close)?;
        if tokio::time::timeout(LEAVE, &mut self.left).await.is_err() {
            let reason = "the brokers did not answer; they will notice by themselves";
            return Err(BusError::new(
                ErrorKind::Unavailable,
                format!("leave group {}", self.spec.group),
                reason,
            ));
        }
        Ok(())
    }
}

/// A publisher of the Kafka engine.
pub(super) struct KafkaPublisher {
    shared: Arc<Shared>,
    id: String,
    committer: Committer,
}

impl KafkaPublisher {
    /// Opens it, fencing off older ones. Blocking.
    pub(super) fn open(shared: &Arc<Shared>, id: &str) -> Result<Self, BusError> {
        let transactional_id = format!("{}-publisher-{id}", shared.config.transactional_id_prefix);
        let committer = Committer::open(shared, &transactional_id)?;
        Ok(Self {
            shared: shared.clone(),
            id: id.to_owned(),
            committer,
        })
    }
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<(), BusError> {
        if records.is_empty() {
            return Ok(());
        }
        let records = self.shared.place(records).await?;
        let action = format!("publish as {}", self.id);
        self.committer
            .commit(|| Ok(Transaction::new(action, records, None)))
            .await
            .map_err(|error| self.shared.reach.explain(error))
    }
}
