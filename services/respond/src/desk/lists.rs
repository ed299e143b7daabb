//! Which alerts are in hand, by what is asked of them; all of it follows from their records.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Alert, AlertId, Signal, TOPIC_ALL};

use super::Desk;
use crate::held::Held;
use crate::{clock, fold};

impl Desk {
    /// Takes back the latest record of an alert.
    pub(crate) fn restore(&mut self, partition: u32, mut alert: Alert) {
        self.forget(&alert.id);
        if let (Some(clock), Some(terms)) = (&mut alert.clock, self.rules().of(alert.severity)) {
            clock::complete(clock, terms);
        }
        self.latest = self.latest.max(alert.times.updated_at);
        self.insert(Held::new(partition, alert));
        // All that ever was is in the log; what is to be forgotten is not kept until the last record is read.
        self.expire(self.latest);
    }

    /// Forgets an alert altogether.
    pub(crate) fn forget(&mut self, id: &AlertId) {
        self.unlink(id);
        if let Some(held) = self.held.remove(id) {
            self.closed.remove(&held.alert);
            if let Some(due) = held.due {
                self.due.remove(&(due, id.clone()));
            }
        }
    }

    /// Forgets the alerts of these partitions and all that was not committed.
    pub(crate) fn revoke(&mut self, partitions: &[u32]) {
        let gone: Vec<AlertId> = self
            .held
            .iter()
            .filter(|(_, held)| partitions.contains(&held.partition))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.forget(&id);
        }
        self.touched.clear();
        self.told.clear();
        self.counted.clear();
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        let keep = SignedDuration::from_hours(24 * i64::from(self.config.remember_resolved_days));
        for id in self.closed.older(now, keep) {
            // One whose review is still due is remembered until that came.
            let waits = |held: &Held| held.due.is_some() || held.touched;
            if !self.held.get(&id).is_some_and(waits) {
                self.forget(&id);
            }
        }
    }

    pub(super) fn matter(&self, signal: &Signal) -> Option<AlertId> {
        let topics = &self.brands.get(&signal.brand)?[usize::from(signal.drill)];
        if let Some(id) = topics.get(&signal.topic) {
            return Some(id.clone());
        }
        let takes = |alert: &&Alert| match signal.topic == TOPIC_ALL {
            true => fold::is_discontent(&signal.kind),
            false => alert.brand_wide && fold::is_wave(&signal.kind),
        };
        topics
            .values()
            .filter_map(|id| self.held.get(id))
            .map(|open| &open.alert)
            .filter(takes)
            .max_by_key(|alert| (alert.severity, alert.last_signal_at, &alert.id))
            .map(|alert| alert.id.clone())
    }

    pub(super) fn insert(&mut self, held: Held) {
        let id = held.alert.id.clone();
        self.closed.insert(&held.alert);
        self.held.insert(id.clone(), held);
        self.link(&id);
    }

    /// Puts an alert on the lists of open ones, if it is one, and on that of what falls due.
    pub(super) fn link(&mut self, id: &AlertId) {
        let Some(alert) = self.held.get(id).map(|held| &held.alert) else {
            return;
        };
        if alert.state.is_open() {
            self.brands.entry(alert.brand.clone()).or_default()[usize::from(alert.drill)]
                .insert(alert.topic.clone(), id.clone());
            if !alert.drill {
                self.by_severity[fold::rank(alert.severity)] += 1;
            }
        }
        self.schedule(id);
    }

    /// Takes an alert off the lists of open ones. Safe to repeat.
    pub(super) fn unlink(&mut self, id: &AlertId) {
        let Some(alert) = self.held.get(id).map(|held| &held.alert) else {
            return;
        };
        if let Some(topics) = self.brands.get_mut(&alert.brand) {
            let topics_of_kind = &mut topics[usize::from(alert.drill)];
            if topics_of_kind.get(&alert.topic) == Some(id) {
                topics_of_kind.remove(&alert.topic);
                if !alert.drill {
                    self.by_severity[fold::rank(alert.severity)] -= 1;
                }
            }
            if topics.iter().all(BTreeMap::is_empty) {
                self.brands.remove(&alert.brand);
            }
        }
    }
}
