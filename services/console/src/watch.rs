//! Whoever watches hears of every change once, or is told to read anew; nobody watching costs nothing.
//!
//! One task asks the store what changed and tells all streams. It keeps the last changes, so that a stream that broke
//! off goes on where it was (`Last-Event-ID`). Both the kept changes and the queue of a slow stream are bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_schemas::{Counts, Enriched, WindowSize};
use wensheng_store::{AlertFilter, FeedbackFilter, Store, StoreError, WindowFilter};

/// Changes kept for streams that come back, and the queue of each stream. At a few changes a second this bridges
/// minutes; a stream further behind reads anew, which is cheaper than hearing of everything.
const KEPT: usize = 512;
/// Alerts watched: open ones come first, so what is left out is long resolved.
pub(crate) const ALERTS_WATCHED: u32 = 500;
/// Pieces of feedback looked at per poll …
const FEEDBACK_WATCHED: u32 = 50;
/// … and told at most: nobody reads faster.
const FEEDBACK_TOLD: usize = 20;

/// One change, as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) sequence: u64,
    pub(crate) name: &'static str,
    pub(crate) data: String,
}

/// What a new stream gets.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Names this run of the task; sequence numbers of another mean nothing.
    pub(crate) epoch: Arc<str>,
    /// The sequence number of the last change so far.
    pub(crate) sequence: u64,
    /// What the stream missed; `None` when that is not known any more, so that the page must read anew.
    pub(crate) missed: Option<Vec<Arc<Change>>>,
    pub(crate) changes: broadcast::Receiver<Arc<Change>>,
}

struct Request {
    last_seen: Option<(String, u64)>,
    answer: oneshot::Sender<Subscription>,
}

/// Opens subscriptions.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    requests: mpsc::Sender<Request>,
}

impl Watch {
    /// Subscribes; `last_seen` is the `epoch-sequence` of the last change that the stream heard of. `None` when the
    /// console shuts down.
    pub(crate) async fn subscribe(&self, last_seen: Option<&str>) -> Option<Subscription> {
        let last_seen = last_seen
            .and_then(|id| id.split_once('-'))
            .and_then(|(epoch, sequence)| Some((epoch.to_owned(), sequence.parse().ok()?)));
        let (answer, subscription) = oneshot::channel();
        self.requests
            .send(Request { last_seen, answer })
            .await
            .ok()?;
        subscription.await.ok()
    }
}

/// Starts the task; it ends with `shutdown`.
pub(crate) fn start(
    store: Store,
    zone: TimeZone,
    every: Duration,
    shutdown: CancellationToken,
    state: watch::Sender<StageState>,
) -> (Watch, tokio::task::JoinHandle<()>) {
    let (requests, receiver) = mpsc::channel(64);
    let watcher = Watcher {
        store,
        zone,
        epoch: Arc::from(format!("{:08x}", rand::random::<u32>())),
        sequence: 0,
        kept: VecDeque::new(),
        changes: broadcast::Sender::new(KEPT),
        known: None,
        state,
    };
    let task = tokio::spawn(watcher.run(receiver, every, shutdown));
    (Watch { requests }, task)
}

struct Watcher {
    store: Store,
    zone: TimeZone,
    epoch: Arc<str>,
    sequence: u64,
    kept: VecDeque<Arc<Change>>,
    changes: broadcast::Sender<Arc<Change>>,
    /// What was known at the last poll; `None` while nobody watches.
    known: Option<Known>,
    state: watch::Sender<StageState>,
}

struct Known {
    alerts: HashMap<String, u32>,
    feedback: HashMap<String, u32>,
    pulse: Pulse,
}

/// What the head of the page shows; told whenever it changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Pulse {
    /// Pieces of feedback about today.
    volume_today: i64,
    negative_today: i64,
    dead_letters: u64,
    deliveries: std::collections::BTreeMap<String, u64>,
}

impl Watcher {
    async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        every: Duration,
        shutdown: CancellationToken,
    ) {
        self.state.send_replace(StageState::Running);
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Shutdown first: streams must not be opened any more. Requests before polls: they are short, and one that
            // finds nobody watching begins with a poll of its own.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(request) = requests.recv() => self.admit(request).await,
                _ = ticks.tick() => self.look().await,
            }
        }
        self.state.send_replace(StageState::Stopped);
    }

    async fn admit(&mut self, request: Request) {
        // Subscribe before the first look, so that nothing falls between what a page reads and what it hears.
        let changes = self.changes.subscribe();
        if self.known.is_none() {
            self.poll_and_report().await;
        }
        let missed = request.last_seen.and_then(|(epoch, seen)| {
            let oldest = self.kept.front().map_or(self.sequence + 1, |c| c.sequence);
            let complete = *epoch == *self.epoch && seen <= self.sequence && seen + 1 >= oldest;
            complete.then(|| {
                self.kept
                    .iter()
                    .filter(|change| change.sequence > seen)
                    .cloned()
                    .collect()
            })
        });
        let subscription = Subscription {
            epoch: self.epoch.clone(),
            sequence: self.sequence,
            missed,
            changes,
        };
        if request.answer.send(subscription).is_err() {
            tracing::debug!("visitor left before the stream opened");
        }
    }

    async fn look(&mut self) {
        if self.changes.receiver_count() == 0 {
            // What happens now is not watched: a stream that comes back later must read anew.
            if self.known.take().is_some() {
                self.kept.clear();
                self.sequence += 1;
            }
            return;
        }
        self.poll_and_report().await;
    }

    async fn poll_and_report(&mut self) {
        match self.poll().await {
            Ok(()) => self.report(StageState::Running),
            Err(error) => {
                tracing::warn!(%error, kind = error.kind(), "store did not say what changed");
                self.report(StageState::Waiting(error.to_string()));
            }
        }
    }

    fn report(&self, state: StageState) {
        self.state.send_if_modified(|now| {
            let changed = *now != state;
            *now = state;
            changed
        });
    }

    async fn poll(&mut self) -> Result<(), StoreError> {
        let alerts = self
            .store
            .alerts(&AlertFilter::default(), ALERTS_WATCHED)
            .await?;
        let feedback = self
            .store
            .feedback(&FeedbackFilter::default(), None, FEEDBACK_WATCHED)
            .await?
            .rows;
        let pulse = self.pulse().await?;
        let known = Known {
            alerts: alerts
                .iter()
                .map(|alert| (alert.id.to_string(), alert.revision))
                .collect(),
            feedback: feedback
                .iter()
                .map(|row| (row.feedback.id.to_string(), row.feedback.revision))
                .collect(),
            pulse: pulse.clone(),
        };
        let Some(before) = self.known.replace(known) else {
            return Ok(());
        };
        for alert in &alerts {
            if before.alerts.get(alert.id.as_str()) != Some(&alert.revision) {
                self.tell("alert", &json!({ "alert": alert }));
            }
        }
        let fresh: Vec<&Enriched> = feedback
            .iter()
            .filter(|row| {
                before.feedback.get(row.feedback.id.as_str()) != Some(&row.feedback.revision)
            })
            .collect();
        if !fresh.is_empty() {
            let told = &fresh[..fresh.len().min(FEEDBACK_TOLD)];
            self.tell(
                "feedback",
                &json!({ "rows": told, "more": fresh.len() > told.len() }),
            );
        }
        if pulse.deliveries != before.pulse.deliveries {
            self.tell("deliveries", &json!({ "deliveries": pulse.deliveries }));
        }
        // Feedback about earlier days changes figures, too, although not those of today.
        if pulse != before.pulse || !fresh.is_empty() {
            self.tell("overview", &json!({ "pulse": pulse }));
        }
        Ok(())
    }

    async fn pulse(&self) -> Result<Pulse, StoreError> {
        let now = Timestamp::now();
        let today = match WindowSize::Day.start(now, &self.zone) {
            Some(start) => {
                let day = WindowFilter::new(WindowSize::Day, start, now);
                self.store.total(&day).await?
            }
            None => Counts::default(),
        };
        Ok(Pulse {
            volume_today: today.volume,
            negative_today: today.negative,
            dead_letters: self.store.dead_letter_count().await?,
            deliveries: self.store.delivery_counts().await?,
        })
    }

    fn tell(&mut self, name: &'static str, data: &serde_json::Value) {
        self.sequence += 1;
        let change = Arc::new(Change {
            sequence: self.sequence,
            name,
            data: data.to_string(),
        });
        self.kept.push_back(change.clone());
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        // Nobody may be left to hear it; it is kept for those who come back.
        if self.changes.send(change).is_err() {
            tracing::debug!(name, "nobody heard of a change");
        }
    }
}
