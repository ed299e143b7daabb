//! The only consume loop: a batch's outputs and its progress are committed together, and a stage's state never runs
//! ahead of the log.
//!
//! What follows from that:
//! - A stage is restored from the log for each partition it is given, before that partition's first record.
//! - When anything casts doubt on the session (a lost transaction, a rebalance that went past us), every partition is
//!   revoked, the session dropped, and the next one restores from the log. Nothing half-done survives in memory.
//! - While the engine or the stage's other foot cannot be reached, the loop waits and repeats the same call; it leaves
//!   only at shutdown or when waiting cannot help. A broker that is down at the start is a wait like any other.
//! - Each record ends as emitted, dropped with a counted reason, or dead-lettered; its offset moves in every case.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metrics as names;
use crate::tally::Tally;
use crate::{
    Batch, Bus, BusError, ErrorKind, OutRecord, Outcome, Outputs, Progress, Restore, Session,
    SessionEvent, SessionSpec, Stage, StageError, StageOptions, StageState, TopicPartition,
};

/// Records processed before other tasks of the runtime get a turn: at some 20 µs each this is about a millisecond.
const RECORDS_BETWEEN_YIELDS: usize = 64;

/// Runs `stage` in the group of `spec` until `shutdown`, then finishes and commits the batch in hand, leaves the group
/// and returns. `state` tells health and readiness what it is doing.
///
/// # Errors
/// Only of kind [`ErrorKind::Fatal`]: waiting does not help and the operator must act. All else is waited out.
pub async fn run_stage(
    bus: Arc<dyn Bus>,
    spec: SessionSpec,
    stage: impl Stage,
    options: StageOptions,
    shutdown: CancellationToken,
    state: watch::Sender<StageState>,
) -> Result<(), BusError> {
    let mut runner = Runner {
        bus,
        spec,
        stage,
        options,
        shutdown,
        state,
        held: BTreeSet::new(),
        waiting: false,
    };
    let result = runner.run().await;
    runner.stop_waiting();
    match &result {
        Ok(()) => runner.set_state(StageState::Stopped),
        Err(error) => {
            tracing::error!(stage = %runner.options.name, %error, "stage failed");
            runner.set_state(StageState::Failed(error.to_string()));
        }
    }
    result
}

/// Why a session ended.
enum Ended {
    /// Shutdown was asked for; the session is in order and can leave the group.
    Shutdown,
    /// The session is gone.
    Error(BusError),
}

/// What happened next while the session was idle.
enum Turn {
    Shutdown,
    Tick,
    Event(Result<SessionEvent, BusError>),
}

struct Runner<S> {
    bus: Arc<dyn Bus>,
    spec: SessionSpec,
    stage: S,
    options: StageOptions,
    shutdown: CancellationToken,
    state: watch::Sender<StageState>,
    /// Partition numbers the stage holds state of.
    held: BTreeSet<u32>,
    waiting: bool,
}

impl<S: Stage> Runner<S> {
    async fn run(&mut self) -> Result<(), BusError> {
        let mut lost = 0;
        loop {
            self.set_state(StageState::Starting);
            let Some(mut session) = self.open().await? else {
                return Ok(());
            };
            let mut worked = false;
            match self.serve(session.as_mut(), &mut worked).await {
                Ended::Shutdown => {
                    if let Err(error) = session.close().await {
                        tracing::warn!(stage = %self.options.name, %error, "session did not close cleanly");
                    }
                    return Ok(());
                }
                Ended::Error(error) => {
                    self.revoke_all();
                    drop(session);
                    if error.kind == ErrorKind::Fatal {
                        return Err(error);
                    }
                    counter!(names::SESSIONS_LOST, "stage" => self.options.name.clone())
                        .increment(1);
                    // A session that worked and is then lost to a rebalance is the ordinary case: the next one opens
                    // after the shortest wait.
                    lost = if worked { 1 } else { lost + 1 };
                    if self.wait(lost, &error.to_string()).await.is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Opens a session; `None` at shutdown.
    async fn open(&mut self) -> Result<Option<Box<dyn Session>>, BusError> {
        let mut failures = 0;
        loop {
            let opened = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(None),
                opened = self.bus.session(self.spec.clone()) => opened,
            };
            match opened {
                Ok(session) => {
                    self.stop_waiting();
                    return Ok(Some(session));
                }
                Err(error) if error.kind == ErrorKind::Fatal => return Err(error),
                Err(error) => {
                    failures += 1;
                    if self.wait(failures, &error.to_string()).await.is_break() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Serves one session until it ends. `worked` tells whether anything was committed.
    async fn serve(&mut self, session: &mut dyn Session, worked: &mut bool) -> Ended {
        let mut ticks =
            tokio::time::interval(self.options.tick_every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.set_state(StageState::Running);
        let mut failures = 0;
        loop {
            // Biased, in this order:
            // 1. shutdown, so that a flood of records cannot hold the process up;
            // 2. the tick, so that a flood of records cannot hold a deadline up; it is ready once per interval at most;
            // 3. woken, for the same reason: effects that finished are booked before new work is taken in;
            // 4. records. `next` is safe to cancel, so a tick between two records loses nothing.
            let turn = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => Turn::Shutdown,
                _ = ticks.tick() => Turn::Tick,
                () = self.stage.woken() => Turn::Tick,
                event = session.next() => Turn::Event(event),
            };
            let done = match turn {
                Turn::Shutdown => return Ended::Shutdown,
                Turn::Tick => self.tick(session).await,
                Turn::Event(Ok(SessionEvent::Assigned(partitions))) => {
                    self.assigned(session, &partitions).await
                }
                Turn::Event(Ok(SessionEvent::Revoked(partitions))) => {
                    self.revoked(&partitions);
                    Ok(())
                }
                Turn::Event(Ok(SessionEvent::Records(batch))) => {
                    let done = self.batch(session, batch).await;
                    *worked |= done.is_ok();
                    done
                }
                Turn::Event(Err(error)) if error.kind == ErrorKind::Unavailable => {
                    failures += 1;
                    match self.wait(failures, &error.to_string()).await {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => Err(Ended::Shutdown),
                    }
                }
                Turn::Event(Err(error)) => Err(Ended::Error(error)),
            };
            match done {
                Ok(()) => {
                    failures = 0;
                    self.stop_waiting();
                }
                Err(ended) => return ended,
            }
        }
    }

    async fn batch(&mut self, session: &mut dyn Session, batch: Batch) -> Result<(), Ended> {
        let started = Instant::now();
        let now = (self.options.clock)();
        let progress = batch.progress();
        let mut out = Outputs::default();
        let mut tally = Tally::default();
        for (index, record) in batch.records.iter().enumerate() {
            match self.stage.process(record, now, &mut out) {
                Outcome::Emit => tally.emitted += 1,
                Outcome::Drop(reason) => *tally.dropped.entry(reason).or_default() += 1,
                Outcome::Reject(reason) => {
                    tally.rejected += 1;
                    tracing::warn!(
                        stage = %self.options.name, topic = %record.at.topic, partition = record.at.partition,
                        offset = record.offset, %reason, "record rejected"
                    );
                    out.emit((self.options.dead_letter)(
                        record,
                        &self.options.name,
                        &reason,
                        now,
                    ));
                }
            }
            if (index + 1) % RECORDS_BETWEEN_YIELDS == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.settle(&progress, &mut out).await?;
        self.commit(session, &progress, out.into_records()).await?;
        self.stage.committed();
        tally.count(&self.options.name, batch.records.len(), started.elapsed());
        Ok(())
    }

    async fn tick(&mut self, session: &mut dyn Session) -> Result<(), Ended> {
        let mut out = Outputs::default();
        self.stage.tick((self.options.clock)(), &mut out);
        if !out.is_empty() {
            self.commit(session, &Progress::new(), out.into_records())
                .await?;
        }
        self.stage.committed();
        Ok(())
    }

    async fn settle(&mut self, progress: &Progress, out: &mut Outputs) -> Result<(), Ended> {
        let mut failures = 0;
        loop {
            let Err(error) = self.stage.settle(progress, out).await else {
                return Ok(());
            };
            failures += 1;
            self.wait_for_stage("settle a batch", error, failures)
                .await?;
        }
    }

    async fn commit(
        &mut self,
        session: &mut dyn Session,
        progress: &Progress,
        outputs: Vec<OutRecord>,
    ) -> Result<(), Ended> {
        let started = Instant::now();
        let mut by_topic: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        for record in &outputs {
            *by_topic.entry(record.topic.clone()).or_default() += 1;
        }
        let mut failures = 0;
        loop {
            // A clone of handles, not of bytes; the originals stay for the next attempt.
            match session.commit(progress, outputs.clone()).await {
                Ok(()) => break,
                Err(error) if error.kind == ErrorKind::Unavailable => {
                    failures += 1;
                    if self.wait(failures, &error.to_string()).await.is_break() {
                        return Err(Ended::Shutdown);
                    }
                }
                Err(error) => return Err(Ended::Error(error)),
            }
        }
        histogram!(names::COMMIT_DURATION, "stage" => self.options.name.clone())
            .record(started.elapsed());
        for (topic, count) in by_topic {
            counter!(names::RECORDS_OUT, "stage" => self.options.name.clone(), "topic" => topic)
                .increment(count);
        }
        Ok(())
    }

    /// Restores the state of partitions that are new to the stage, and moves the read positions where the stage keeps
    /// its own.
    async fn assigned(
        &mut self,
        session: &mut dyn Session,
        partitions: &[TopicPartition],
    ) -> Result<(), Ended> {
        let fresh: BTreeSet<u32> = partitions
            .iter()
            .map(|at| at.partition)
            .filter(|number| !self.held.contains(number))
            .collect();
        tracing::info!(stage = %self.options.name, ?fresh, "partitions assigned");
        self.set_state(StageState::Starting);
        let positions = self.seek(session, partitions).await?;
        let numbers: Vec<u32> = fresh.iter().copied().collect();
        let mut failures = 0;
        loop {
            let shutdown = self.shutdown.clone();
            let restored = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Ended::Shutdown),
                restored = self.restore(&numbers, &positions) => restored,
            };
            match restored {
                Ok(()) => break,
                Err(error) if error.kind == ErrorKind::Fatal => return Err(Ended::Error(error)),
                Err(error) => {
                    // What was restored so far is incomplete: begin anew.
                    self.stage.revoke(&numbers);
                    failures += 1;
                    if self.wait(failures, &error.to_string()).await.is_break() {
                        return Err(Ended::Shutdown);
                    }
                }
            }
        }
        self.held.extend(fresh);
        self.set_state(StageState::Running);
        Ok(())
    }

    async fn seek(
        &mut self,
        session: &mut dyn Session,
        partitions: &[TopicPartition],
    ) -> Result<Progress, Ended> {
        let mut failures = 0;
        let positions = loop {
            match self.stage.positions(partitions).await {
                Ok(positions) => break positions,
                Err(error) => {
                    failures += 1;
                    self.wait_for_stage("read the stage's own progress", error, failures)
                        .await?;
                }
            }
        };
        while !positions.is_empty() {
            match session.seek(&positions).await {
                Ok(()) => break,
                Err(error) if error.kind == ErrorKind::Unavailable => {
                    failures += 1;
                    if self.wait(failures, &error.to_string()).await.is_break() {
                        return Err(Ended::Shutdown);
                    }
                }
                Err(error) => return Err(Ended::Error(error)),
            }
        }
        Ok(positions)
    }

    async fn restore(&mut self, numbers: &[u32], positions: &Progress) -> Result<(), BusError> {
        let started = Instant::now();
        let mut restored = 0;
        for source in self.stage.restores() {
            match source {
                Restore::State(topic) => {
                    for number in numbers {
                        let at = TopicPartition::new(topic.clone(), *number);
                        let stage = &mut self.stage;
                        restored += self
                            .bus
                            .replay(&at, 0..u64::MAX, &mut |record| stage.restore(&record))
                            .await?;
                    }
                }
                Restore::Read(topic, horizon) => {
                    let since = (self.options.clock)()
                        .saturating_sub(horizon)
                        .unwrap_or(jiff::Timestamp::MIN);
                    let committed: BTreeMap<TopicPartition, u64> = self
                        .bus
                        .lag(&self.spec.group, std::slice::from_ref(&topic))
                        .await?
                        .into_iter()
                        .map(|lag| (lag.at, lag.committed))
                        .collect();
                    for number in numbers {
                        let at = TopicPartition::new(topic.clone(), *number);
                        let read_up_to = positions
                            .get(&at)
                            .or_else(|| committed.get(&at))
                            .copied()
                            .unwrap_or(0);
                        if read_up_to == 0 {
                            continue;
                        }
                        let from = self.bus.offset_at(&at, since).await?;
                        let stage = &mut self.stage;
                        restored += self
                            .bus
                            .replay(&at, from..read_up_to, &mut |record| stage.restore(&record))
                            .await?;
                    }
                }
            }
        }
        counter!(names::RESTORED, "stage" => self.options.name.clone()).increment(restored);
        if restored > 0 {
            tracing::info!(stage = %self.options.name, records = restored, took = ?started.elapsed(), "state restored");
        }
        Ok(())
    }

    fn revoked(&mut self, partitions: &[TopicPartition]) {
        let numbers: Vec<u32> = partitions
            .iter()
            .map(|at| at.partition)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|number| self.held.remove(number))
            .collect();
        tracing::info!(stage = %self.options.name, ?numbers, "partitions revoked");
        self.stage.revoke(&numbers);
    }

    fn revoke_all(&mut self) {
        let numbers: Vec<u32> = std::mem::take(&mut self.held).into_iter().collect();
        self.stage.revoke(&numbers);
    }

    async fn wait_for_stage(
        &mut self,
        action: &str,
        error: StageError,
        failures: u32,
    ) -> Result<(), Ended> {
        if !error.retriable {
            let action = format!("{}: {action}", self.options.name);
            return Err(Ended::Error(BusError::new(
                ErrorKind::Fatal,
                action,
                error.message,
            )));
        }
        match self.wait(failures, &error.message).await {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Ended::Shutdown),
        }
    }

    /// Waits before the next attempt; breaks at shutdown.
    async fn wait(&mut self, failures: u32, reason: &str) -> ControlFlow<()> {
        let wait = self
            .options
            .backoff
            .wait(failures, rand::random_range(0.0..1.0));
        // The first failure is often the last (a rebalance, a leader election): not worth an operator's eye.
        if failures > 1 {
            tracing::warn!(stage = %self.options.name, failures, ?wait, reason, "waiting");
        } else {
            tracing::info!(stage = %self.options.name, ?wait, reason, "waiting");
        }
        if !std::mem::replace(&mut self.waiting, true) {
            gauge!(names::WAITING, "stage" => self.options.name.clone()).increment(1.0);
        }
        self.set_state(StageState::Waiting(reason.to_owned()));
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => ControlFlow::Break(()),
            () = tokio::time::sleep(wait) => ControlFlow::Continue(()),
        }
    }

    fn stop_waiting(&mut self) {
        if std::mem::take(&mut self.waiting) {
            gauge!(names::WAITING, "stage" => self.options.name.clone()).decrement(1.0);
            self.set_state(StageState::Running);
        }
    }

    fn set_state(&self, next: StageState) {
        self.state.send_if_modified(|state| {
            let changed = *state != next;
            *state = next;
            changed
        });
    }
}
