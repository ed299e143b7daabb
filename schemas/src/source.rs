//! How a source fares, so that "no complaints" is never mistaken for "no data".

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Channel;

/// What a source's last look said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceTrouble {
    /// A stable name for metrics: `waiting`, `failed`, or the class that the connector gives.
    pub class: String,
    /// What was wrong and what to do.
    pub reason: String,
    /// Since when (UTC).
    pub since: Timestamp,
}

/// The heartbeat of a source: given every minute, also when there is nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// The configured name of the source.
    pub source: String,
    /// The kind of connector.
    pub connector: String,
    /// Whom its latest feedback was about; empty while there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brand: String,
    /// The channel of its latest feedback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Pieces taken in since the heartbeat before.
    pub fresh: u64,
    /// Pieces taken in since the service was started.
    pub taken: u64,
    /// When it was last known to be well: looked at without trouble, or sent to (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ok_at: Option<Timestamp>,
    /// When the latest piece was taken in (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// How long after it was said the latest piece was taken in, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    /// What is wrong with it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<SourceTrouble>,
    /// When this was told (UTC).
    pub at: Timestamp,
}

/// What is usual for a source, and since when it is not: the memory behind `silence` signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceRhythm {
    /// The configured name of the source.
    pub source: String,
    /// The last heartbeat.
    pub status: SourceStatus,
    /// Number of the slot of ten minutes in hand, from 1970-01-01T00:00:00Z.
    pub slot: i64,
    /// Whether something was taken in within it.
    #[serde(default)]
    pub heard: bool,
    /// By hour of the day in the reporting zone, working days and then weekends: slots watched, and of these slots in which
    /// something was taken in; decayed.
    pub hours: Vec<[f32; 2]>,
    /// Slots watched in all.
    #[serde(default)]
    pub watched: u64,
    /// Minus the logarithm of the chance that so many slots in a row are empty.
    #[serde(default)]
    pub surprise: f64,
    /// When the latest piece was taken in, as far back as is known (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// How grave the silence is that was told: 0 none, 1 watch, 2 alert.
    #[serde(default)]
    pub told: u8,
    /// Whether its heartbeats are missing together with those of all other sources, which is told once for all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// Seconds since its latest piece in which nobody listened: heartbeats were missing, so that nothing it gave could come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unwatched_seconds: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}
