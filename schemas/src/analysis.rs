//! What was understood of a text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Positive, neutral or negative.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum SentimentLabel {
    /// Content, praise.
    Positive,
    /// Neither, or both alike.
    Neutral,
    /// Discontent, complaint.
    Negative,
}

/// A part of the text that made the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First character, counted in Unicode scalar values from 0 in the original text.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
    /// The words themselves.
    pub text: String,
    /// Its contribution, −1 to 1; negative means discontent.
    pub weight: f32,
    /// What turned it: `negation`, `degree`, `adversative`, …; empty when nothing did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// The sentiment of a whole text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentiment {
    /// The verdict.
    pub label: SentimentLabel,
    /// −1 (negative) to 1 (positive).
    pub score: f32,
    /// Probability that the label is right, 0 to 1.
    pub confidence: f32,
    /// What made the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// How somebody speaks of one aspect.
pub type Polarity = SentimentLabel;

/// One aspect that the text speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AspectMention {
    /// The aspect's stable name, such as `waiting_time`.
    pub aspect: String,
    /// The word that named it.
    pub term: String,
    /// The sentiment of the clause it stands in.
    pub polarity: Polarity,
}

/// A word that characterises the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keyword {
    /// The word.
    pub term: String,
    /// Its TF-IDF weight.
    pub weight: f32,
}

/// How grave something is. `watch` is shown; `alert` starts the response clock; `crisis` does too and goes to everybody.
/// Keyword rules of level yellow, orange and red raise signals of these severities.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Watch,
    /// Somebody must answer within the hour.
    Alert,
    /// The company's name is at stake.
    Crisis,
}

impl Severity {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Watch => "watch",
            Severity::Alert => "alert",
            Severity::Crisis => "crisis",
        }
    }
}

/// A keyword rule that the text met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleHit {
    /// The rule's id.
    pub rule: String,
    /// The rule's name as people read it.
    pub name: String,
    /// How grave the rule says this is.
    pub severity: Severity,
    /// The topic the rule files it under; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// The terms that were found.
    pub terms: Vec<String>,
}
