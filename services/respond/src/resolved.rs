//! Of a resolved alert only that fact is kept in memory: enough to refuse a late command, and to tell an old signal from
//! a new flare-up.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Alert, AlertId, Signal, TOPIC_ALL};

use crate::fold;

#[derive(Debug)]
struct Resolved {
    partition: u32,
    brand: String,
    topic: String,
    brand_wide: bool,
    drill: bool,
    at: Timestamp,
}

/// The alerts that were resolved lately.
#[derive(Debug, Default)]
pub(crate) struct ResolvedAlerts {
    by_id: HashMap<AlertId, Resolved>,
    by_time: BTreeSet<(Timestamp, AlertId)>,
}

impl ResolvedAlerts {
    pub(crate) fn remember(&mut self, partition: u32, alert: &Alert, at: Timestamp) {
        self.by_time.insert((at, alert.id.clone()));
        let resolved = Resolved {
            partition,
            brand: alert.brand.clone(),
            topic: alert.topic.clone(),
            brand_wide: alert.brand_wide,
            drill: alert.drill,
            at,
        };
        self.by_id.insert(alert.id.clone(), resolved);
    }

    pub(crate) fn contains(&self, id: &AlertId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn forget(&mut self, id: &AlertId) {
        if let Some(resolved) = self.by_id.remove(id) {
            self.by_time.remove(&(resolved.at, id.clone()));
        }
    }

    /// Forgets those resolved longer than `keep` before `now`.
    pub(crate) fn expire(&mut self, now: Timestamp, keep: SignedDuration) {
        while let Some((at, id)) = self.by_time.first().cloned() {
            if now.duration_since(at) <= keep {
                break;
            }
            self.forget(&id);
        }
    }

    /// Whether the alert that the signal would have gone to was resolved after the signal was given. Asked only of
    /// signals that would raise an alert, which are few.
    pub(crate) fn outlived(&self, signal: &Signal) -> bool {
        self.by_id.values().any(|resolved| {
            resolved.brand == signal.brand
                && resolved.drill == signal.drill
                && (resolved.topic == signal.topic
                    || (signal.topic == TOPIC_ALL && fold::is_discontent(&signal.kind))
                    || (resolved.brand_wide && fold::is_wave(&signal.kind)))
                && signal.times.detected_at <= resolved.at
        })
    }

    /// Those of these partitions.
    pub(crate) fn of_partitions(&self, partitions: &[u32]) -> impl Iterator<Item = &AlertId> {
        self.by_id
            .iter()
            .filter(|(_, resolved)| partitions.contains(&resolved.partition))
            .map(|(id, _)| id)
    }
}
