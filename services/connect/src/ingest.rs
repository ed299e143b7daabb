//! One task publishes for all sources: what is pending goes out as one atomic append of events, dead letters and
//! cursors, in the order submitted, and is acknowledged only once it is durable. While the bus is away it waits and
//! tries again, and the sources wait behind a bound of bytes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use wensheng_bus::{Backoff, Bus, BusError, ErrorKind, OutRecord, Publisher, StageState};

use crate::metrics::{DEAD_LETTERS, EVENTS, PUBLISH_DURATION, PUBLISH_SIZE, RETRIES};
use crate::progress::Tracker;
use crate::staging::Batch;

/// The publisher's id on the bus; a second process with it would fence the first off.
const PUBLISHER: &str = "connect";

/// One publish takes no more records than this …
const MAX_RECORDS: usize = 20_000;

/// … or this many bytes, unless one submission alone has more.
const MAX_BYTES: usize = 8 << 20;

/// … and waits this long for company after its first submission. A commit costs a flush to disk, so single posts that
/// come close together share one; longer would be felt by whoever waits for the answer.
const LINGER: Duration = Duration::from_millis(2);

/// Bytes per permit of the memory bound.
const PERMIT_BYTES: usize = 1 << 10;

/// Submissions waiting at most, whatever their size.
const MAX_PENDING: usize = 1_024;

/// Resolves once the batch is durable; an error means that it is not, and that the service is ending.
pub(crate) type Acknowledgement = oneshot::Receiver<()>;

/// Why a batch was not taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The bus is away.
    Waiting,
    /// Too much is pending.
    Full,
    /// The service is ending.
    Ending,
}

struct Submission {
    source: Arc<str>,
    kind: &'static str,
    batch: Batch,
    done: oneshot::Sender<()>,
    _memory: OwnedSemaphorePermit,
}

/// Where one source submits its batches.
#[derive(Debug, Clone)]
pub(crate) struct Submitter {
    source: Arc<str>,
    kind: &'static str,
    queue: Queue,
    order: Arc<Mutex<()>>,
}

/// The way to the publishing task.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    to: mpsc::Sender<Submission>,
    memory: Arc<Semaphore>,
    permits: usize,
    waiting: watch::Receiver<bool>,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// The submitter of one source.
    pub(crate) fn submitter(&self, source: &str, kind: &'static str) -> Submitter {
        Submitter {
            source: Arc::from(source),
            kind,
            queue: self.clone(),
            order: Arc::default(),
        }
    }

    fn permits_for(&self, bytes: usize) -> u32 {
        // A batch beyond the bound waits for nearly all of it: a sixteenth is left, so that a heartbeat that is on its way
        // does not turn it away.
        let most = (self.permits - self.permits / 16).max(1);
        let permits = bytes.div_ceil(PERMIT_BYTES).clamp(1, most);
        u32::try_from(permits).unwrap_or(u32::MAX)
    }
}

impl Submitter {
    /// Submits a batch; waits while too much is pending. `None`: the service is ending.
    pub(crate) async fn submit(&self, batch: Batch) -> Option<Acknowledgement> {
        let permits = self.queue.permits_for(batch.bytes);
        let memory = self.queue.memory.clone();
        let memory = memory.acquire_many_owned(permits).await.ok()?;
        let (submission, acknowledgement) = self.submission(batch, memory);
        self.queue.to.send(submission).await.ok()?;
        Some(acknowledgement)
    }

    /// Runs what fills and submits a batch while no other of this source does: what a source merges is published in the
    /// order it was merged, so that the last published state is the last one.
    pub(crate) fn in_order<T>(&self, fill_and_submit: impl FnOnce(&Self) -> T) -> T {
        let _turn = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        fill_and_submit(self)
    }

    /// Submits a few records outside of the memory bound, so that they keep no batch that needs all of it from its place.
    pub(crate) async fn submit_aside(&self, batch: Batch) -> Option<Acknowledgement> {
        let memory = self.queue.memory.clone();
        let memory = memory.acquire_many_owned(0).await.ok()?;
        let (submission, acknowledgement) = self.submission(batch, memory);
        self.queue.to.send(submission).await.ok()?;
        Some(acknowledgement)
    }

    /// Submits a batch if it can be published soon.
    pub(crate) fn try_submit(&self, batch: Batch) -> Result<Acknowledgement, NotTaken> {
        if *self.queue.waiting.borrow() {
            return Err(NotTaken::Waiting);
        }
        let permits = self.queue.permits_for(batch.bytes);
        let memory = self
            .queue
            .memory
            .clone()
            .try_acquire_many_owned(permits)
            .map_err(|error| match error {
                TryAcquireError::NoPermits => NotTaken::Full,
                TryAcquireError::Closed => NotTaken::Ending,
            })?;
        let (submission, acknowledgement) = self.submission(batch, memory);
        match self.queue.to.try_send(submission) {
            Ok(()) => Ok(acknowledgement),
            Err(mpsc::error::TrySendError::Full(_)) => Err(NotTaken::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(NotTaken::Ending),
        }
    }

    fn submission(
        &self,
        batch: Batch,
        memory: OwnedSemaphorePermit,
    ) -> (Submission, Acknowledgement) {
        let (done, acknowledgement) = oneshot::channel();
        let submission = Submission {
            source: self.source.clone(),
            kind: self.kind,
            batch,
            done,
            _memory: memory,
        };
        (submission, acknowledgement)
    }
}

/// The publishing task.
pub(crate) struct Ingest {
    bus: Arc<dyn Bus>,
    publisher: Option<Box<dyn Publisher>>,
    from: mpsc::Receiver<Submission>,
    memory: Arc<Semaphore>,
    waiting: watch::Sender<bool>,
    health: watch::Sender<StageState>,
    progress: Tracker,
    shutdown: CancellationToken,
    backoff: Backoff,
}

impl Ingest {
    /// The task, and the way to it; at most about `max_pending_bytes` wait in memory.
    pub(crate) fn new(
        bus: Arc<dyn Bus>,
        max_pending_bytes: usize,
        health: watch::Sender<StageState>,
        progress: Tracker,
        shutdown: CancellationToken,
    ) -> (Self, Queue) {
        let (to, from) = mpsc::channel(MAX_PENDING);
        let permits = (max_pending_bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        let memory = Arc::new(Semaphore::new(permits));
        let (waiting, is_waiting) = watch::channel(false);
        let queue = Queue {
            to,
            memory: memory.clone(),
            permits,
            waiting: is_waiting,
        };
        let ingest = Self {
            bus,
            publisher: None,
            from,
            memory,
            waiting,
            health,
            progress,
            shutdown,
            backoff: Backoff::default(),
        };
        (ingest, queue)
    }

    /// Publishes until every submitter is gone.
    pub(crate) async fn run(mut self) -> Result<(), BusError> {
        let outcome = self.publish_all().await;
        self.memory.close();
        self.health.send_replace(match &outcome {
            Ok(()) => StageState::Stopped,
            Err(error) => StageState::Failed(error.to_string()),
        });
        outcome
    }

    async fn publish_all(&mut self) -> Result<(), BusError> {
        self.health.send_replace(StageState::Running);
        while let Some(first) = self.from.recv().await {
            let started = Instant::now();
            let mut submissions = self.gather(first).await;
            let records: Vec<OutRecord> = submissions
                .iter_mut()
                .flat_map(|submission| std::mem::take(&mut submission.batch.records))
                .collect();
            let count = records.len();
            if !self.publish(records).await? {
                // Ending, and the bus is away: nothing of this is durable, so nothing is acknowledged; the sources'
                // cursors still stand before it.
                return Ok(());
            }
            metrics::histogram!(PUBLISH_DURATION).record(started.elapsed().as_secs_f64());
            metrics::histogram!(PUBLISH_SIZE).record(count as f64);
            for submission in submissions {
                self.acknowledge(submission);
            }
        }
        Ok(())
    }

    /// The first submission and those that come with it.
    async fn gather(&mut self, first: Submission) -> Vec<Submission> {
        let mut records = first.batch.records.len();
        let mut bytes = first.batch.bytes;
        let mut submissions = vec![first];
        let deadline = tokio::time::Instant::now() + LINGER;
        while records < MAX_RECORDS && bytes < MAX_BYTES {
            match tokio::time::timeout_at(deadline, self.from.recv()).await {
                Ok(Some(next)) => {
                    records += next.batch.records.len();
                    bytes += next.batch.bytes;
                    submissions.push(next);
                }
                Ok(None) | Err(_) => break,
            }
        }
        submissions
    }

    fn acknowledge(&self, submission: Submission) {
        let Submission {
            source,
            kind,
            batch,
            done,
            ..
        } = submission;
        if batch.events + batch.dead_letters == 0 {
            // A cursor or a heartbeat.
            done.send(()).ok();
            return;
        }
        let label = source.to_string();
        metrics::counter!(EVENTS, "source" => label.clone(), "kind" => kind)
            .increment(batch.events);
        metrics::counter!(DEAD_LETTERS, "source" => label, "kind" => kind)
            .increment(batch.dead_letters);
        self.progress.update(&source, |progress| {
            progress.rows_read += batch.events + batch.dead_letters;
            progress.dead_letters += batch.dead_letters;
            if let Some(latest) = batch.latest {
                progress.last_event_at = Some(latest.observed_at);
                progress.lag_seconds = Some(latest.lag_seconds);
                progress.brand = latest.brand;
                progress.channel = Some(latest.channel);
            }
        });
        // Whoever no longer waits for the answer sends again; the ids are the same.
        done.send(()).ok();
    }

    /// Publishes until it is durable. False: the service is ending and the bus is away.
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<bool, BusError> {
        let mut failures = 0;
        loop {
            let error = match self.try_publish(&records).await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(failures, "publishing goes on");
                        self.waiting.send_replace(false);
                        self.health.send_replace(StageState::Running);
                    }
                    return Ok(true);
                }
                Err(error) if error.kind == ErrorKind::Fatal => return Err(error),
                Err(error) => error,
            };
            failures += 1;
            metrics::counter!(RETRIES, "kind" => error.kind_name()).increment(1);
            self.waiting.send_replace(true);
            self.health
                .send_replace(StageState::Waiting(error.to_string()));
            let wait = self.backoff.wait(failures, rand::random());
            tracing::warn!(%error, failures, wait_ms = wait.as_millis() as u64, "cannot publish, trying again");
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn try_publish(&mut self, records: &[OutRecord]) -> Result<(), BusError> {
        let publisher = match &mut self.publisher {
            Some(publisher) => publisher,
            none => none.insert(self.bus.publisher(PUBLISHER).await?),
        };
        let outcome = publisher.publish(records.to_vec()).await;
        if matches!(&outcome, Err(error) if error.kind == ErrorKind::Lost) {
            self.publisher = None;
        }
        outcome
    }
}
