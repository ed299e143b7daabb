//! Between notifications and the ledger: rows are emitted, and attempts begin only when their rows are committed. The
//! stage itself touches no network; the worker does, and wakes it.

use async_trait::async_trait;
use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wensheng_bus::{Outcome, Outputs, Record, Restore, Stage};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{Delivery, DeliveryState, Notification, NotificationKind, Topic};

use crate::ledger::{LEGS, Ledger, Row};
use crate::metrics as names;
use crate::worker::{Done, Job};

/// The stage of the role.
#[derive(Debug)]
pub(crate) struct NotifyStage {
    ledger: Ledger,
    jobs: UnboundedSender<Job>,
    done: UnboundedReceiver<Done>,
    inbox: Vec<Done>,
    /// The instant of the call that is being committed.
    now: Timestamp,
    /// Counted once committed.
    rows: Vec<Row>,
    /// Of attempts whose ends are in the rows above; given back once committed.
    booked: Vec<TaskTrackerToken>,
    tracker: TaskTracker,
    /// Once cancelled, no more attempts begin.
    draining: CancellationToken,
}

impl NotifyStage {
    pub(crate) fn new(
        ledger: Ledger,
        jobs: UnboundedSender<Job>,
        done: UnboundedReceiver<Done>,
        tracker: TaskTracker,
        draining: CancellationToken,
    ) -> Self {
        Self {
            ledger,
            jobs,
            done,
            inbox: Vec::new(),
            now: Timestamp::UNIX_EPOCH,
            rows: Vec::new(),
            booked: Vec::new(),
            tracker,
            draining,
        }
    }

    fn book(&mut self, row: Row, out: &mut Outputs) {
        out.emit(encode(&row.delivery, Some(&row.cause)));
        self.rows.push(row);
    }
}

#[async_trait]
impl Stage for NotifyStage {
    fn restores(&self) -> Vec<Restore> {
        vec![Restore::State(Topic::Deliveries.shared_name())]
    }

    fn restore(&mut self, record: &Record) {
        match decode::<Delivery>(record) {
            Ok(row) => self.ledger.restore(row, record),
            Err(error) => {
                tracing::warn!(topic = %record.at.topic, partition = record.at.partition, offset = record.offset, %error, "ledger row skipped");
            }
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome {
        self.now = now;
        let notification = match decode::<Notification>(record) {
            Ok(notification) => notification,
            Err(error) => return Outcome::Reject(error.to_string()),
        };
        match self.ledger.accept(notification, record, now) {
            None => Outcome::Drop("no_receiver"),
            Some(rows) if rows.is_empty() => Outcome::Drop("duplicate"),
            Some(rows) => {
                for row in rows {
                    self.book(row, out);
                }
                Outcome::Emit
            }
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outputs) {
        self.now = now;
        let mut ends = std::mem::take(&mut self.inbox);
        while let Ok(done) = self.done.try_recv() {
            ends.push(done);
        }
        for Done { ended, token } in ends {
            for row in self.ledger.end(ended, now) {
                self.book(row, out);
            }
            self.booked.push(token);
        }
        for row in self.ledger.end_hopeless(now) {
            self.book(row, out);
        }
        for row in self.ledger.mind(now) {
            self.book(row, out);
        }
        self.ledger.forget(now);
    }

    fn revoke(&mut self, partitions: &[u32]) {
        self.ledger.revoke(partitions);
        // What was not committed is not counted.
        self.rows.clear();
        self.booked.clear();
    }

    fn committed(&mut self) {
        self.booked.clear();
        for row in std::mem::take(&mut self.rows) {
            count(&row);
        }
        if !self.draining.is_cancelled() {
            for attempt in self.ledger.due(self.now) {
                let token = self.tracker.token();
                // The worker ends only after this sender: the job always has a taker.
                if self.jobs.send(Job { attempt, token }).is_err() {
                    tracing::error!("the worker is gone; pushes wait for a restart");
                }
            }
        }
        for (receiver, pending) in self.ledger.pending() {
            gauge!(names::PENDING, "receiver" => receiver.to_owned()).set(pending as f64);
        }
    }

    async fn woken(&mut self) {
        if self.inbox.is_empty() {
            match self.done.recv().await {
                Some(done) => self.inbox.push(done),
                None => std::future::pending().await,
            }
        }
    }
}

fn count(row: &Row) {
    let delivery = &row.delivery;
    let provider = delivery.provider.clone();
    counter!(names::DELIVERIES, "provider" => provider.clone(), "state" => delivery.state.name())
        .increment(1);
    if let Some(verdict) = row.verdict {
        counter!(names::ATTEMPTS, "provider" => provider.clone(), "verdict" => verdict.name())
            .increment(1);
    }
    if let DeliveryState::Delivered { delivered_at, .. } = &delivery.state {
        // Of later notifications the observation is old news.
        if delivery.kind == NotificationKind::Raised.name() {
            let seconds = delivered_at
                .duration_since(delivery.observed_at)
                .as_secs_f64();
            histogram!(names::LATENCY, "provider" => provider).record(seconds.max(0.0));
            for (leg, seconds) in LEGS.iter().zip(row.legs.map_or([0.0; 5], |legs| legs.0)) {
                histogram!(names::LEGS, "leg" => *leg).record(seconds);
            }
        }
    }
}
