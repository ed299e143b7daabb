//! Who is told when a receiver is not: its fallback; and whoever stands by, when nobody took a notification.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use wensheng_bus::Record;
use wensheng_schemas::Notification;

use super::{Ledger, Push, Row, push_id};
use crate::receiver::add;

/// How often what is under way is looked at: more seldom than any of the waits that it is held against.
const MIND_EVERY: SignedDuration = SignedDuration::from_secs(1);

impl Ledger {
    /// Queues what stands in for pushes that are under way for too long; cheap when called often.
    pub(crate) fn mind(&mut self, now: Timestamp) -> Vec<Row> {
        let lately = self
            .minded_at
            .is_some_and(|at| now.duration_since(at).abs() < MIND_EVERY);
        if lately {
            return Vec::new();
        }
        self.minded_at = Some(now);
        let since = |push: &Push| push.notification.decided_at;
        let mut slow = Vec::new();
        let mut untold = Vec::new();
        for push in self.pushes.values() {
            if add(since(push), self.fallback_after) <= now {
                slow.push(Waiting::of(push));
            }
            if add(since(push), self.last_resort_after) <= now {
                untold.push(Waiting::of(push));
            }
        }
        let mut rows = Vec::new();
        for push in slow {
            rows.extend(self.fall_back(&push, now));
        }
        for push in untold {
            if !self.is_taken(&push.notification) {
                rows.extend(self.call_standby(&push, now));
            }
        }
        rows
    }

    /// Queues what stands in for a push that failed for good.
    pub(super) fn stand_in(&mut self, failed: &Push, now: Timestamp) -> Vec<Row> {
        let failed = Waiting::of(failed);
        let mut rows: Vec<Row> = self.fall_back(&failed, now).into_iter().collect();
        if rows.is_empty() && !self.is_taken(&failed.notification) && !self.is_under_way(&failed) {
            rows.extend(self.call_standby(&failed, now));
        }
        rows
    }

    fn fall_back(&mut self, push: &Waiting, now: Timestamp) -> Option<Row> {
        let name = self.receivers.iter().find_map(|receiver| {
            let own = receiver.config.name == push.receiver;
            own.then(|| receiver.config.fallback.clone()).flatten()
        })?;
        let place = self.place(&name)?;
        let row = self.enqueue(
            place,
            &push.notification,
            Some(push.receiver.clone()),
            push.cause.clone(),
            now,
        )?;
        tracing::warn!(receiver = %push.receiver, fallback = %name, alert = %push.notification.alert.id, "told the fallback");
        Some(row)
    }

    fn call_standby(&mut self, push: &Waiting, now: Timestamp) -> Vec<Row> {
        let mut rows = Vec::new();
        for place in 0..self.receivers.len() {
            if !self.receivers[place].config.standby {
                continue;
            }
            let row = self.enqueue(
                place,
                &push.notification,
                Some(push.receiver.clone()),
                push.cause.clone(),
                now,
            );
            if row.is_some() {
                let name = &self.receivers[place].config.name;
                tracing::error!(standby = %name, alert = %push.notification.alert.id, "no receiver took a notification: told who stands by");
            }
            rows.extend(row);
        }
        rows
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.receivers
            .iter()
            .position(|receiver| receiver.config.name == name)
    }

    /// Whether any receiver has it.
    fn is_taken(&self, notification: &Notification) -> bool {
        self.receivers.iter().any(|receiver| {
            let id = push_id(notification, &receiver.config.name);
            self.ended.get(&id).is_some_and(|end| end.delivered)
        })
    }

    /// Whether a push of it may still arrive.
    fn is_under_way(&self, failed: &Waiting) -> bool {
        self.receivers.iter().any(|receiver| {
            let id = push_id(&failed.notification, &receiver.config.name);
            self.pushes.contains_key(&id)
        })
    }
}

/// As much of a push as is needed to tell somebody else.
struct Waiting {
    receiver: String,
    notification: Arc<Notification>,
    cause: Record,
}

impl Waiting {
    fn of(push: &Push) -> Self {
        Self {
            receiver: push.receiver_name.clone(),
            notification: push.notification.clone(),
            cause: push.cause.clone(),
        }
    }
}
