//! What would have been told, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use wensheng_schemas::{BurstEvidence, Channel, EventId, Severity, Signal, SignalKind, TOPIC_ALL};

/// A signal that detection would have given. An incident that grows is told again, with the same `incident`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Incident {
    /// When the piece that completed it was observed.
    pub(crate) at: Timestamp,
    pub(crate) brand: String,
    /// Absent for the brand as a whole.
    pub(crate) topic: Option<String>,
    pub(crate) level: Severity,
    /// In standard deviations; 0 for rules, which have none.
    pub(crate) score: f64,
    pub(crate) kind: &'static str,
    pub(crate) reasons: Vec<String>,
    #[serde(flatten)]
    pub(crate) evidence: Option<BurstEvidence>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) samples: Vec<EventId>,
}

/// A rise of a brand's volume, which informs and is no incident.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rise {
    /// When its last five minutes ended.
    pub(crate) at: Timestamp,
    pub(crate) brand: String,
    pub(crate) score: f64,
    pub(crate) window_seconds: u64,
    /// Pieces in the window, and what half of the windows before stayed below.
    pub(crate) pieces: u64,
    pub(crate) usual: u64,
}

impl Rise {
    /// `None` for a signal that is none.
    pub(crate) fn of(signal: &Signal) -> Option<Self> {
        let SignalKind::Volume {
            score,
            window_seconds,
            pieces,
            usual,
        } = signal.kind
        else {
            return None;
        };
        Some(Self {
            at: signal.times.occurred_at,
            brand: signal.brand.clone(),
            score,
            window_seconds,
            pieces,
            usual,
        })
    }
}

impl Default for Incident {
    fn default() -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            brand: String::new(),
            topic: None,
            level: Severity::Watch,
            score: 0.0,
            kind: "",
            reasons: Vec::new(),
            evidence: None,
            channels: Vec::new(),
            samples: Vec::new(),
        }
    }
}

impl Incident {
    pub(crate) fn of(signal: Signal) -> Self {
        let kind = signal.kind.name();
        let (score, reasons, evidence) = match signal.kind {
            SignalKind::Burst {
                score,
                reasons,
                evidence,
            } => (score, reasons, evidence),
            SignalKind::NegativeShare {
                rule,
                negative,
                total,
                window_seconds,
                ..
            } => {
                let reason =
                    format!("规则 {rule}：{window_seconds} 秒内 {total} 人中 {negative} 人负面");
                (0.0, vec![reason], None)
            }
            _ => (0.0, Vec::new(), None),
        };
        Self {
            at: signal.times.observed_at,
            brand: signal.brand,
            topic: (signal.topic != TOPIC_ALL).then_some(signal.topic),
            level: signal.severity,
            score,
            kind,
            reasons,
            evidence,
            channels: signal.channels,
            samples: signal
                .samples
                .into_iter()
                .map(|sample| sample.event)
                .collect(),
        }
    }

    pub(crate) fn is_flood(&self) -> bool {
        self.evidence
            .as_ref()
            .is_some_and(|evidence| evidence.suspected_flood)
    }
}

/// Incidents a day: those of a brand within six hours are one.
pub(crate) fn a_day(incidents: &[Incident]) -> BTreeMap<String, usize> {
    let six_hours = jiff::SignedDuration::from_hours(6);
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut days = BTreeMap::new();
    for incident in incidents {
        let brand = incident.brand.as_str();
        let same = last
            .get(brand)
            .is_some_and(|last| incident.at.duration_since(*last) < six_hours);
        if !same {
            last.insert(brand, incident.at);
            let day = incident.at.to_zoned(jiff::tz::TimeZone::UTC).date();
            *days.entry(day.to_string()).or_default() += 1;
        }
    }
    days
}
