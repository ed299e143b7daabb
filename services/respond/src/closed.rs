//! Alerts that are over: enough order among them to tell an old signal from a new flare-up, and to forget them in time.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Alert, AlertId, AlertState, Signal, TOPIC_ALL};

use crate::fold;

/// What a signal meets that no open alert takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Met {
    /// Its matter was over after it was given.
    Outlived,
    /// Its matter was dismissed as a false alarm lately, and it tells nothing new.
    Dismissed,
    /// Its matter was resolved lately, and flares up.
    FlaresUp(AlertId),
}

/// How long what is over still matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) reopen: SignedDuration,
    pub(crate) quiet: SignedDuration,
}

/// The alerts that are over, by brand and by the instant they ended.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    by_brand: HashMap<String, BTreeSet<AlertId>>,
    by_time: BTreeSet<(Timestamp, AlertId)>,
}

/// When an alert ended, if it did.
pub(crate) fn ended_at(alert: &Alert) -> Option<Timestamp> {
    if alert.state.is_open() {
        return None;
    }
    alert.state.by().map(|(_, at)| at)
}

impl Closed {
    pub(crate) fn insert(&mut self, alert: &Alert) {
        if let Some(at) = ended_at(alert) {
            self.by_time.insert((at, alert.id.clone()));
            self.by_brand
                .entry(alert.brand.clone())
                .or_default()
                .insert(alert.id.clone());
        }
    }

    /// Takes an alert off, as it was put on. Safe to repeat.
    pub(crate) fn remove(&mut self, alert: &Alert) {
        let Some(at) = ended_at(alert) else {
            return;
        };
        self.by_time.remove(&(at, alert.id.clone()));
        if let Some(of_brand) = self.by_brand.get_mut(&alert.brand) {
            of_brand.remove(&alert.id);
            if of_brand.is_empty() {
                self.by_brand.remove(&alert.brand);
            }
        }
    }

    /// Those that ended longer than `keep` before `now`, oldest first.
    pub(crate) fn older(&self, now: Timestamp, keep: SignedDuration) -> Vec<AlertId> {
        self.by_time
            .iter()
            .take_while(|(at, _)| now.duration_since(*at) > keep)
            .map(|(_, id)| id.clone())
            .collect()
    }

    /// What a signal meets among those of its brand. Asked only of signals that no open alert takes, which are few.
    pub(crate) fn meet<'a>(
        &self,
        signal: &Signal,
        now: Timestamp,
        terms: Terms,
        alert_of: impl Fn(&AlertId) -> Option<&'a Alert>,
    ) -> Option<Met> {
        let given_at = signal.times.detected_at;
        let ended: Vec<(Timestamp, &Alert)> = self
            .by_brand
            .get(&signal.brand)?
            .iter()
            .filter_map(alert_of)
            .filter(|alert| took(alert, signal))
            .filter_map(|alert| Some((ended_at(alert)?, alert)))
            .collect();
        if ended.iter().any(|(at, _)| given_at <= *at) {
            return Some(Met::Outlived);
        }
        let lately = |at: Timestamp, within: SignedDuration| now.duration_since(at) <= within;
        let quiet = ended.iter().any(|(at, alert)| {
            matches!(alert.state, AlertState::Dismissed { .. })
                && lately(*at, terms.quiet)
                && signal.severity <= alert.severity
                && fold::knows_cause(alert, signal)
        });
        if quiet {
            return Some(Met::Dismissed);
        }
        ended
            .into_iter()
            .filter(|(at, alert)| {
                matches!(alert.state, AlertState::Resolved { .. })
                    && alert.topic == signal.topic
                    && lately(*at, terms.reopen)
            })
            .max_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)))
            .map(|(_, alert)| Met::FlaresUp(alert.id.clone()))
    }
}

/// Whether the alert would have taken the signal while it was open.
fn took(alert: &Alert, signal: &Signal) -> bool {
    alert.drill == signal.drill
        && (alert.topic == signal.topic
            || (signal.topic == TOPIC_ALL && fold::is_discontent(&signal.kind))
            || (alert.brand_wide && fold::is_wave(&signal.kind)))
}
