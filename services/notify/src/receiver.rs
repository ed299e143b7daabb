//! One receiver's queue: crises first, then by age; never faster than its pace, never past its block.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Notification, Severity};

use crate::pace::Pace;
use crate::provider::Provider;
use crate::{Error, ReceiverConfig};

/// No block is shorter or longer than this, whatever a receiver asks for.
const BLOCK_SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;

/// As many pushes fit into one message: in WeCom's 4,096 bytes, some 250 for each.
pub(crate) const MERGED: usize = 15;

/// The id of a push, shared by its queue entries.
pub(crate) type PushId = Arc<str>;

/// The order in which due pushes go out: crises first, then those decided first.
pub(crate) type Urgency = (Reverse<Severity>, Timestamp, PushId);

/// One receiver, and what is to be sent to it.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) config: ReceiverConfig,
    pub(crate) provider: Provider,
    pace: Pace,
    blocked_until: Option<Timestamp>,
    /// It said that it will never come back.
    pub(crate) gone: bool,
    /// Attempts at the worker.
    pub(crate) under_way: usize,
    waiting: BTreeSet<(Timestamp, Urgency)>,
    ready: BTreeSet<Urgency>,
}

impl Receiver {
    pub(crate) fn new(config: &ReceiverConfig) -> Result<Self, Error> {
        Ok(Self {
            provider: Provider::new(config)?,
            pace: Pace::new(config.kind, config.per_minute),
            config: config.clone(),
            blocked_until: None,
            gone: false,
            under_way: 0,
            waiting: BTreeSet::new(),
            ready: BTreeSet::new(),
        })
    }

    /// Whether it is told of this, where nobody has to be stood in for.
    pub(crate) fn is_told(&self, notification: &Notification) -> bool {
        let config = &self.config;
        !config.standby
            && notification.audience >= config.level
            && notification.alert.severity >= config.min_severity
            && (config.brands.is_empty() || config.brands.contains(&notification.alert.brand))
    }

    /// Queues a push for `at`.
    pub(crate) fn queue(&mut self, at: Timestamp, urgency: Urgency) {
        self.waiting.insert((at, urgency));
    }

    /// Takes a push that was queued for `at` out again.
    pub(crate) fn remove(&mut self, at: Timestamp, urgency: &Urgency) {
        if !self.ready.remove(urgency) {
            self.waiting.remove(&(at, urgency.clone()));
        }
    }

    /// The pushes that may go out now as one message; none when nothing may. They count as one attempt under way from here
    /// on.
    ///
    /// One push is one message as long as the pace allows it. When more wait than that, those of one lane are merged, up to
    /// [`MERGED`]; crises are a lane of their own, which goes first.
    pub(crate) fn next(&mut self, now: Timestamp) -> Vec<PushId> {
        while let Some(entry) = self.waiting.first().filter(|(at, _)| *at <= now).cloned() {
            self.waiting.remove(&entry);
            self.ready.insert(entry.1);
        }
        let manners = self.config.kind.manners();
        if self.ready.is_empty() || self.under_way >= manners.under_way {
            return Vec::new();
        }
        // Of a clock that was set back no block is longer than the longest.
        let horizon = add(now, Duration::from_secs(*BLOCK_SECONDS.end()));
        if self
            .blocked_until
            .is_some_and(|until| until > now && until <= horizon)
        {
            return Vec::new();
        }
        if !self.pace.take(now) {
            return Vec::new();
        }
        let mut taken: Vec<Urgency> = self.ready.pop_first().into_iter().collect();
        if manners.merges {
            let is_crisis = |urgency: &Urgency| urgency.0 == Reverse(Severity::Crisis);
            let lane = taken.first().is_some_and(is_crisis);
            let waiting = self.ready.iter().take(MERGED);
            let waiting = waiting.filter(|other| is_crisis(other) == lane).count();
            if waiting > self.pace.left() {
                while taken.len() < MERGED {
                    let next = self.ready.first().filter(|next| is_crisis(next) == lane);
                    let Some(next) = next.cloned() else { break };
                    self.ready.remove(&next);
                    taken.push(next);
                }
            }
        }
        self.under_way += 1;
        taken.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Holds everything back for `wait`, within reason; says until when.
    pub(crate) fn block(&mut self, wait: Duration, now: Timestamp) -> Timestamp {
        let wait = wait.clamp(
            Duration::from_secs(*BLOCK_SECONDS.start()),
            Duration::from_secs(*BLOCK_SECONDS.end()),
        );
        let until = add(now, wait);
        self.blocked_until = Some(until);
        self.pace.drain(until);
        until
    }
}

/// `at + wait`; the end of time at worst.
pub(crate) fn add(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| at.checked_add(wait).ok())
        .unwrap_or(Timestamp::MAX)
}
