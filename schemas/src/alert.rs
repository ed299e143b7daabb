//! An alert carries its whole state: whoever reads its latest record can go on with it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AlertId, AlertState, ChainHead, Channel, Handling, ResponseClock, Sample, Severity,
    SignalTimes, Spread, TimelineEntry,
};

/// Who did something.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// The service itself.
    pub fn system() -> Self {
        Self("system".to_owned())
    }
}

/// When an alert passed each stage: its latency budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertTimes {
    /// Of the signal that raised it.
    #[serde(flatten)]
    pub signal: SignalTimes,
    /// When the alert was raised (UTC).
    pub raised_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

/// A matter that people must answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// See [`AlertId::of`].
    pub id: AlertId,
    /// Raised by one with every change.
    pub revision: u32,
    /// Whom it is about.
    pub brand: String,
    /// What it is about; [`TOPIC_ALL`](crate::TOPIC_ALL) for no topic in particular.
    pub topic: String,
    /// The topic as people call it, in Chinese; empty where it has no name of its own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic_name: String,
    /// One line for people, in Chinese.
    pub title: String,
    /// How grave. Rises by evidence, and falls by a person.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// The response clock; a `watch` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ResponseClock>,
    /// How many signals were folded into it.
    pub signals: u64,
    /// Which rules and detectors gave them, with how often; by name.
    pub causes: std::collections::BTreeMap<String, u64>,
    /// Channels where it was heard.
    pub channels: Vec<Channel>,
    /// Pieces of feedback, newest first, at most ten.
    pub samples: Vec<Sample>,
    /// Its latency budget.
    pub times: AlertTimes,
    /// When its latest signal was given (UTC).
    pub last_signal_at: Timestamp,
    /// What happened, oldest first. Folded signals are counted, not listed, and of many lines the latest are kept; the
    /// whole is the chain of [`TimelineRecord`](crate::TimelineRecord)s.
    pub timeline: Vec<TimelineEntry>,
    /// Where the chain of all lines ends.
    #[serde(default, skip_serializing_if = "ChainHead::is_empty")]
    pub chain: ChainHead,
    /// What people decided about it.
    #[serde(default, skip_serializing_if = "Handling::is_empty")]
    pub handling: Handling,
    /// How far it reached.
    #[serde(default, skip_serializing_if = "Spread::is_empty")]
    pub spread: Spread,
    /// Stands for the brand as a whole: it took in discontent of no topic in particular, so that waves on any topic of the
    /// brand belong to it while it is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brand_wide: bool,
    /// Part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
}
