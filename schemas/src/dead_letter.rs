//! What could not be processed, with its origin, so that it can be mended and replayed.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the bad record came from.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// From a topic of the bus.
    Topic {
        /// Which.
        topic: String,
        /// Its partition.
        partition: u32,
        /// Its offset.
        offset: u64,
    },
    /// From a source, before it reached the bus.
    Source {
        /// The configured name of the source.
        source: String,
        /// The file, page or endpoint.
        place: String,
        /// The line in that file, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
    },
}

impl Origin {
    /// Its key on the bus.
    pub fn key(&self) -> String {
        match self {
            Origin::Topic {
                topic,
                partition,
                offset,
            } => format!("{topic}/{partition}/{offset}"),
            Origin::Source {
                source,
                place,
                line: Some(line),
            } => format!("{source}/{place}/{line}"),
            Origin::Source {
                source,
                place,
                line: None,
            } => format!("{source}/{place}"),
        }
    }
}

/// A record that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// A function of the origin and the payload: the same bad record read twice is one dead letter.
    pub id: String,
    /// Where it came from.
    pub origin: Origin,
    /// The stage that refused it.
    pub stage: String,
    /// What was wrong and what to do.
    pub reason: String,
    /// The record's key, as text.
    #[serde(default)]
    pub key: String,
    /// The record itself: text where it is UTF-8 …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// … and base64 where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_base64: Option<String>,
    /// When (UTC).
    pub at: Timestamp,
}
