//! The pure core: what is to be sent, when, and what became of it. No clock, no network, no lock.
//!
//! - A notification and a receiver make one push, whose id is a function of both: a repeat of either adds nothing.
//! - A push ends in exactly one terminal row, delivered or failed; until then its latest row is `queued` and carries
//!   the notification, so that the ledger's topic alone is enough to go on from.
//! - A push is handed out only after the row that queued it was committed, and its answer counts only when the row it
//!   leads to was. A crash in between sends it again with the same id.

mod ends;
mod legs;
mod outcome;
#[cfg(test)]
mod property;
mod standby;
#[cfg(test)]
mod standby_tests;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wensheng_bus::Record;
use wensheng_schemas::{Delivery, DeliveryState, Notification, derived_id};

use crate::Config;
use crate::links::Links;

pub(crate) use self::legs::{LEGS, Legs};
use crate::provider::{Message, Payload, Reply, Verdict};
use crate::receiver::{PushId, Receiver, Urgency};

/// How a ledger row begins that says an attempt went unanswered; read back at a restart.
const UNANSWERED: &str = "no answer";

/// How long the ends of pushes are remembered, to know repeats of their notifications: as long as feedback's.
const REMEMBER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often what is too old is forgotten.
const FORGET_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A row of the ledger, and the record that led to it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) delivery: Delivery,
    pub(crate) cause: Record,
    /// The verdict on the attempt behind it, if there was one.
    pub(crate) verdict: Option<Verdict>,
    /// Of a delivered push about a new alert: its way there.
    pub(crate) legs: Option<Legs>,
}

/// One attempt, for the worker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// What it sends: one push, or several that were merged.
    pub(crate) pushes: Vec<PushId>,
    /// Distinguishes attempts at the same push.
    pub(crate) number: u64,
    /// Which receiver, by its place in the configuration.
    pub(crate) receiver: usize,
    pub(crate) payload: Payload,
}

/// The end of an attempt.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) pushes: Vec<PushId>,
    pub(crate) number: u64,
    pub(crate) receiver: usize,
    pub(crate) reply: Reply,
}

#[derive(Debug)]
enum Phase {
    /// In its receiver's queue, from that instant on.
    Queued(Timestamp),
    /// At the worker, under that number.
    UnderWay(u64),
    /// Its receiver is not configured any more.
    Orphaned,
}

#[derive(Debug)]
struct Push {
    partition: u32,
    receiver_name: String,
    /// Its place in the configuration; without meaning while orphaned.
    receiver: usize,
    notification: Arc<Notification>,
    attempts: u32,
    failures: u32,
    /// An attempt went unanswered.
    again: bool,
    /// The receiver that it stands in for.
    instead_of: Option<String>,
    /// When its latest attempt began.
    sent_at: Option<Timestamp>,
    phase: Phase,
    /// Carries the trace on.
    cause: Record,
}

impl Push {
    fn urgency(&self, id: &PushId) -> Urgency {
        let notification = &self.notification;
        (
            Reverse(notification.alert.severity),
            notification.decided_at,
            id.clone(),
        )
    }
}

/// All pushes of the partitions at hand.
#[derive(Debug)]
pub(crate) struct Ledger {
    receivers: Vec<Receiver>,
    links: Links,
    give_up_after: Duration,
    fallback_after: Duration,
    last_resort_after: Duration,
    pushes: BTreeMap<PushId, Push>,
    ended: BTreeMap<PushId, End>,
    attempts: u64,
    forgot_at: Option<Timestamp>,
    minded_at: Option<Timestamp>,
}

/// A push that ended.
#[derive(Debug, Clone, Copy)]
struct End {
    partition: u32,
    at: Timestamp,
    delivered: bool,
}

impl Ledger {
    pub(crate) fn new(receivers: Vec<Receiver>, config: &Config) -> Self {
        Self {
            receivers,
            links: Links::new(config),
            give_up_after: Duration::from_secs(config.give_up_after_seconds),
            fallback_after: Duration::from_secs(config.fallback_after_seconds),
            last_resort_after: Duration::from_secs(config.last_resort_after_seconds),
            pushes: BTreeMap::new(),
            ended: BTreeMap::new(),
            attempts: 0,
            forgot_at: None,
            minded_at: None,
        }
    }

    /// Takes back one row of the ledger; rows come in the order written, and the latest of a push decides.
    pub(crate) fn restore(&mut self, row: Delivery, record: &Record) {
        let id = PushId::from(row.id);
        self.take_out(&id);
        let DeliveryState::Queued {
            next_attempt_at,
            notification,
            last_answer,
        } = row.state
        else {
            let end = End {
                partition: record.at.partition,
                at: row.at,
                delivered: matches!(row.state, DeliveryState::Delivered { .. }),
            };
            self.ended.insert(id, end);
            return;
        };
        let mut push = Push {
            partition: record.at.partition,
            receiver: 0,
            receiver_name: row.receiver,
            notification: Arc::from(notification),
            attempts: row.attempts,
            failures: row.attempts,
            again: last_answer.starts_with(UNANSWERED),
            instead_of: row.instead_of,
            sent_at: None,
            phase: Phase::Orphaned,
            cause: trace_of(record),
        };
        let place = self
            .receivers
            .iter()
            .position(|receiver| receiver.config.name == push.receiver_name);
        if let Some(place) = place {
            push.receiver = place;
            push.phase = Phase::Queued(next_attempt_at);
            let urgency = push.urgency(&id);
            self.receivers[place].queue(next_attempt_at, urgency);
        }
        self.pushes.insert(id, push);
    }

    /// Queues a notification for every receiver that is told of it and was not yet. `None` when nobody is.
    pub(crate) fn accept(
        &mut self,
        notification: Notification,
        record: &Record,
        now: Timestamp,
    ) -> Option<Vec<Row>> {
        let notification = Arc::new(notification);
        let mut told = false;
        let mut rows = Vec::new();
        for place in 0..self.receivers.len() {
            if self.receivers[place].is_told(&notification) {
                told = true;
                let cause = trace_of(record);
                rows.extend(self.enqueue(place, &notification, None, cause, now));
            }
        }
        told.then_some(rows)
    }

    /// Queues a notification for a receiver, unless it was already.
    fn enqueue(
        &mut self,
        place: usize,
        notification: &Arc<Notification>,
        instead_of: Option<String>,
        cause: Record,
        now: Timestamp,
    ) -> Option<Row> {
        let receiver = &mut self.receivers[place];
        let name = receiver.config.name.clone();
        let id = push_id(notification, &name);
        if self.pushes.contains_key(&id) || self.ended.contains_key(&id) {
            return None;
        }
        let push = Push {
            partition: cause.at.partition,
            receiver: place,
            receiver_name: name,
            notification: notification.clone(),
            attempts: 0,
            failures: 0,
            again: false,
            instead_of,
            sent_at: None,
            phase: Phase::Queued(now),
            cause,
        };
        receiver.queue(now, push.urgency(&id));
        let state = DeliveryState::Queued {
            next_attempt_at: now,
            notification: Box::new((**notification).clone()),
            last_answer: String::new(),
        };
        let row = self.row(&id, &push, state, now);
        self.pushes.insert(id, push);
        Some(row)
    }

    /// The attempts that may begin now. To be called only when everything said so far is committed.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Attempt> {
        let mut due = Vec::new();
        for (place, receiver) in self.receivers.iter_mut().enumerate() {
            if receiver.gone {
                continue;
            }
            loop {
                let pushes = receiver.next(now);
                if pushes.is_empty() {
                    break;
                }
                self.attempts += 1;
                let mut notifications = Vec::with_capacity(pushes.len());
                let mut again = false;
                for id in &pushes {
                    if let Some(push) = self.pushes.get_mut(id) {
                        push.phase = Phase::UnderWay(self.attempts);
                        push.sent_at = Some(now);
                        again |= push.again;
                        notifications.push(push.notification.clone());
                    }
                }
                let Some((notification, others)) = notifications.split_first() else {
                    receiver.under_way -= 1;
                    continue;
                };
                let message = Message {
                    id: &message_id(&pushes),
                    notification,
                    others,
                    receiver: &receiver.config.name,
                    links: &self.links,
                    again,
                };
                due.push(Attempt {
                    number: self.attempts,
                    receiver: place,
                    payload: receiver.provider.request(&receiver.config, message, now),
                    pushes,
                });
            }
        }
        due
    }

    /// Forgets everything of these partitions.
    pub(crate) fn revoke(&mut self, partitions: &[u32]) {
        let partitions: BTreeSet<u32> = partitions.iter().copied().collect();
        let held = self.pushes.iter();
        let lost: Vec<PushId> = held
            .filter(|(_, push)| partitions.contains(&push.partition))
            .map(|(id, _)| id.clone())
            .collect();
        for id in lost {
            self.take_out(&id);
        }
        self.ended
            .retain(|_, end| !partitions.contains(&end.partition));
    }

    /// Forgets ends of pushes that no repeat will come of; cheap when called often.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        let lately = self
            .forgot_at
            .is_some_and(|at| now.duration_since(at).abs() < FORGET_EVERY);
        if !lately {
            self.forgot_at = Some(now);
            self.ended
                .retain(|_, end| now.duration_since(end.at) < REMEMBER);
        }
    }

    /// Each receiver's name and number of pushes that wait or are under way.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut counts = vec![0_usize; self.receivers.len()];
        for push in self.pushes.values() {
            if !matches!(push.phase, Phase::Orphaned) {
                counts[push.receiver] += 1;
            }
        }
        self.receivers
            .iter()
            .zip(counts)
            .map(|(receiver, count)| (receiver.config.name.as_str(), count))
    }

    /// Takes a push out, and out of its receiver's queue.
    fn take_out(&mut self, id: &PushId) -> Option<Push> {
        let push = self.pushes.remove(id)?;
        if let Phase::Queued(at) = push.phase {
            self.receivers[push.receiver].remove(at, &push.urgency(id));
        }
        Some(push)
    }

    fn row(&self, id: &PushId, push: &Push, state: DeliveryState, now: Timestamp) -> Row {
        let notification = &push.notification;
        let provider = match push.phase {
            Phase::Orphaned => "unknown",
            Phase::Queued(_) | Phase::UnderWay(_) => {
                self.receivers[push.receiver].config.kind.name()
            }
        };
        Row {
            delivery: Delivery {
                id: id.to_string(),
                notification: notification.id.clone(),
                kind: notification.kind.name().to_owned(),
                alert: notification.alert.id.clone(),
                alert_revision: notification.alert.revision,
                brand: notification.alert.brand.clone(),
                receiver: push.receiver_name.clone(),
                provider: provider.to_owned(),
                attempts: push.attempts,
                instead_of: push.instead_of.clone(),
                observed_at: notification.alert.times.signal.observed_at,
                at: now,
                state,
            },
            cause: push.cause.clone(),
            verdict: None,
            legs: None,
        }
    }
}

fn push_id(notification: &Notification, receiver: &str) -> PushId {
    PushId::from(derived_id(&[&notification.id, receiver]))
}

/// The id of what is sent: the push's, or one of all pushes that are merged.
fn message_id(pushes: &[PushId]) -> PushId {
    match pushes {
        [push] => push.clone(),
        several => {
            let parts: Vec<&str> = several.iter().map(AsRef::as_ref).collect();
            PushId::from(derived_id(&parts))
        }
    }
}

/// As much of a record as is needed to go on with its trace.
fn trace_of(record: &Record) -> Record {
    let mut headers = record.headers.clone();
    headers.retain(|(name, _)| name == "traceparent");
    Record {
        at: record.at.clone(),
        offset: record.offset,
        appended_at: record.appended_at,
        key: Default::default(),
        value: None,
        headers,
    }
}
