//! What people say of a verdict that was wrong.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, EventId, Polarity, SentimentLabel};

/// How somebody really speaks of one aspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AspectJudgement {
    /// The aspect's stable name, such as `waiting_time`.
    pub aspect: String,
    /// The sentiment.
    pub polarity: Polarity,
}

/// What a person read in a piece of feedback, in the place of what was understood of it. The latest of a piece holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// Given by the sender; the same id twice is one correction.
    pub id: String,
    /// Of which piece.
    pub feedback: EventId,
    /// The revision of it that the person read; it says nothing of a later one.
    pub revision: u32,
    /// The sentiment that the person read.
    pub label: SentimentLabel,
    /// The aspects that the person read; empty where nothing was said of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aspects: Vec<AspectJudgement>,
    /// What had been understood.
    pub before: SentimentLabel,
    /// The version of the models and lexicons that had understood it so.
    pub model_version: String,
    /// Who.
    pub actor: Actor,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When (UTC).
    pub at: Timestamp,
}
