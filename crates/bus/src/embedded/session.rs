//! One consumer of a group: yields each record of its partitions once and in order, from where the group's progress is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::catalog::Partition;
use super::membership::MemberId;
use super::reader::Chunk;
use super::writer::Request;
use super::{Shared, closed};
use crate::{
    Batch, BusError, ErrorKind, OutRecord, Progress, Record, Session, SessionEvent, SessionSpec,
    TopicPartition,
};

/// The read position on one partition.
struct Cursor {
    partition: Arc<Partition>,
    /// The next offset to read from the file.
    fetch: u64,
    /// Read, not yet in a batch.
    ready: VecDeque<Record>,
}

/// A question to the writer that is under way: where to read on.
struct Asking {
    about: Vec<TopicPartition>,
    partitions: Vec<Arc<Partition>>,
    answer: oneshot::Receiver<Result<Vec<u64>, BusError>>,
}

/// What one trip to the file brought: the partition, the offset asked for, the records.
type Fetched = Vec<(TopicPartition, u64, Chunk)>;

/// A session of the embedded engine.
pub(super) struct EmbeddedSession {
    shared: Arc<Shared>,
    spec: SessionSpec,
    member: MemberId,
    /// Changes with each commit and each change of membership.
    commits: watch::Receiver<u64>,
    members: watch::Receiver<u64>,
    cursors: BTreeMap<TopicPartition, Cursor>,
    asking: Option<Asking>,
    /// The batch being filled; kept here so that `next` can be cancelled.
    batch: Vec<Record>,
    batch_bytes: usize,
    /// When the batch closes, from its first record on.
    deadline: Option<Instant>,
    reading: Option<JoinHandle<Result<Fetched, BusError>>>,
    /// The partition whose turn it is to be read first, so that none starves.
    turn: usize,
}

impl EmbeddedSession {
    pub(super) fn join(
        shared: Arc<Shared>,
        spec: SessionSpec,
        topics: Vec<(Arc<str>, u32)>,
    ) -> Self {
        let member = shared.with_groups(|groups| groups.join(&spec.group, topics));
        Self {
            commits: shared.commits.clone(),
            members: shared.members.subscribe(),
            shared,
            spec,
            member,
            cursors: BTreeMap::new(),
            asking: None,
            batch: Vec::new(),
            batch_bytes: 0,
            deadline: None,
            reading: None,
            turn: 0,
        }
    }

    /// A change of assignment, if there is one.
    async fn change(&mut self) -> Result<Option<SessionEvent>, BusError> {
        let share = self
            .shared
            .with_groups(|groups| groups.claim(&self.spec.group, self.member));
        if !share.leaving.is_empty() {
            // Whoever has them next moves on from there: what was asked before says nothing when they come back.
            self.asking = None;
            for at in &share.leaving {
                self.cursors.remove(at);
            }
            self.batch
                .retain(|record| !share.leaving.contains(&record.at));
            self.batch_bytes = self.batch.iter().map(size).sum();
            if self.batch.is_empty() {
                self.deadline = None;
            }
            // From here on this session refuses to commit for them, so they are free.
            self.shared.with_groups(|groups| {
                groups.release(&self.spec.group, self.member, &share.leaving)
            });
            return Ok(Some(SessionEvent::Revoked(share.leaving)));
        }
        let fresh: Vec<TopicPartition> = share
            .owned
            .into_iter()
            .filter(|at| !self.cursors.contains_key(at))
            .collect();
        if fresh.is_empty() {
            return Ok(None);
        }
        let asking = match self.asking.take() {
            Some(asking) if asking.about == fresh => asking,
            _ => self.ask_positions(fresh)?,
        };
        // Kept where it is while we wait, so that a cancelled call finds it again.
        let asking = self.asking.insert(asking);
        let positions = (&mut asking.answer).await.map_err(|_| closed());
        let Some(Asking {
            about: fresh,
            partitions,
            ..
        }) = self.asking.take()
        else {
            return Ok(None);
        };
        for ((at, partition), fetch) in fresh.iter().zip(partitions).zip(positions??) {
            self.cursors.insert(
                at.clone(),
                Cursor {
                    partition,
                    fetch,
                    ready: VecDeque::new(),
                },
            );
        }
        Ok(Some(SessionEvent::Assigned(fresh)))
    }

    /// Asks the writer where the group is to read on.
    fn ask_positions(&self, about: Vec<TopicPartition>) -> Result<Asking, BusError> {
        let partitions = about
            .iter()
            .map(|at| self.shared.catalog.partition(at))
            .collect::<Result<Vec<_>, BusError>>()?;
        let ids = partitions.iter().map(|partition| partition.id).collect();
        let group = self.spec.group.clone();
        let (reply, answer) = oneshot::channel();
        self.shared.send(Request::Positions {
            group,
            partitions: ids,
            reply,
        })?;
        Ok(Asking {
            about,
            partitions,
            answer,
        })
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.spec.max_records.max(1) || self.batch_bytes >= self.spec.max_bytes
    }

    /// Moves records that were read into the batch.
    fn fill(&mut self) {
        let count = self.cursors.len();
        for index in 0..count {
            let turn = (self.turn + index) % count;
            let Some(cursor) = self.cursors.values_mut().nth(turn) else {
                return;
            };
            while let Some(record) = cursor.ready.pop_front() {
                self.batch_bytes += size(&record);
                self.batch.push(record);
                if self.batch.len() >= self.spec.max_records.max(1)
                    || self.batch_bytes >= self.spec.max_bytes
                {
                    // The next batch begins with the next partition.
                    self.turn = (turn + 1) % count;
                    return;
                }
            }
        }
    }

    /// Starts a trip to the file for partitions that have more than was read; false when there are none.
    fn read_ahead(&mut self) -> bool {
        let count = self.cursors.len();
        let mut wanted: Vec<(Arc<Partition>, u64, u64)> = Vec::new();
        for index in 0..count {
            let Some(cursor) = self.cursors.values().nth((self.turn + index) % count) else {
                break;
            };
            let end = cursor.partition.end();
            if cursor.ready.is_empty() && cursor.fetch < end {
                wanted.push((cursor.partition.clone(), cursor.fetch, end));
            }
        }
        if wanted.is_empty() {
            return false;
        }
        let shared = self.shared.clone();
        let budget = self.spec.max_bytes.max(1);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut fetched = Fetched::new();
            let mut bytes = 0;
            for (partition, from, end) in wanted {
                let chunk = shared.readers.read(&partition, from..end, budget - bytes)?;
                bytes += chunk.bytes;
                fetched.push((partition.at.clone(), from, chunk));
                if bytes >= budget {
                    break;
                }
            }
            Ok(fetched)
        }));
        true
    }

    /// Takes in what a trip to the file brought, unless the position has moved meanwhile.
    fn take(&mut self, fetched: Fetched) {
        for (at, from, chunk) in fetched {
            if let Some(cursor) = self.cursors.get_mut(&at)
                && cursor.fetch == from
                && cursor.ready.is_empty()
            {
                cursor.fetch = chunk.next;
                cursor.ready = chunk.records.into();
            }
        }
    }
}

/// Bytes of key and value.
fn size(record: &Record) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Bytes::len)
}

#[async_trait]
impl Session for EmbeddedSession {
    async fn next(&mut self) -> Result<SessionEvent, BusError> {
        loop {
            // Marked as seen before looking, so that a change in between wakes us.
            self.members.mark_unchanged();
            self.commits.mark_unchanged();
            if let Some(event) = self.change().await? {
                return Ok(event);
            }
            if let Some(reading) = &mut self.reading {
                let fetched = reading.await;
                self.reading = None;
                let fetched = fetched.map_err(|error| {
                    BusError::new(ErrorKind::Unavailable, "read the embedded bus", error)
                })??;
                self.take(fetched);
            }
            self.fill();
            if self.deadline.is_none() && !self.batch.is_empty() {
                self.deadline = Some(Instant::now() + self.spec.max_wait);
            }
            let is_due = self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now());
            if self.is_full() || is_due {
                self.deadline = None;
                self.batch_bytes = 0;
                return Ok(SessionEvent::Records(Batch {
                    records: std::mem::take(&mut self.batch),
                }));
            }
            if self.read_ahead() {
                continue;
            }
            let deadline = self.deadline;
            let due = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            // Whichever comes first; the loop looks at everything again.
            tokio::select! {
                biased;
                changed = self.members.changed() => changed.map_err(|_| closed())?,
                changed = self.commits.changed() => changed.map_err(|_| closed())?,
                () = due => {}
            }
        }
    }

    async fn commit(
        &mut self,
        progress: &Progress,
        outputs: Vec<OutRecord>,
    ) -> Result<(), BusError> {
        let mut ids = Vec::with_capacity(progress.len());
        for (at, next) in progress {
            let Some(cursor) = self.cursors.get(at) else {
                let action = format!(
                    "commit progress of {} on {}/{}",
                    self.spec.group, at.topic, at.partition
                );
                return Err(BusError::new(
                    ErrorKind::Lost,
                    action,
                    "the partition has gone to another session",
                ));
            };
            ids.push((cursor.partition.id, *next));
        }
        if ids.is_empty() && outputs.is_empty() {
            return Ok(());
        }
        let progress = (!ids.is_empty()).then(|| (self.spec.group.clone(), ids));
        self.shared.append(None, progress, outputs).await
    }

    async fn seek(&mut self, positions: &Progress) -> Result<(), BusError> {
        for (at, position) in positions {
            let Some(cursor) = self.cursors.get_mut(at) else {
                let action = format!("seek {}/{}", at.topic, at.partition);
                return Err(BusError::new(
                    ErrorKind::Lost,
                    action,
                    "the partition is not this session's",
                ));
            };
            cursor.fetch = *position;
            cursor.ready.clear();
        }
        self.batch
            .retain(|record| !positions.contains_key(&record.at));
        self.batch_bytes = self.batch.iter().map(size).sum();
        if self.batch.is_empty() {
            self.deadline = None;
        }
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), BusError> {
        drop(self);
        Ok(())
    }
}

impl Drop for EmbeddedSession {
    fn drop(&mut self) {
        // A commit that was sent and not waited for is before any later question in the writer's queue, so that the
        // next owner reads on from it.
        self.shared
            .with_groups(|groups| groups.leave(&self.spec.group, self.member));
    }
}
