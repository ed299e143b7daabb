//! Feedback, understood.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AspectMention, Channel, EventId, FeedbackEvent, Keyword, Rating, RuleHit, Scores, Sentiment,
    SentimentLabel,
};

/// Feedback with what was understood of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Enriched {
    /// The feedback as it came.
    pub feedback: FeedbackEvent,
    /// When it was analysed (UTC).
    pub enriched_at: Timestamp,
    /// Its sentiment.
    pub sentiment: Sentiment,
    /// What it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aspects: Vec<AspectMention>,
    /// The topics it is counted under: its aspects and the topics of its rule hits, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// What the customer wants, by stable name (`complaint`, `enquiry`, …), surest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<String>,
    /// How soon somebody must act: 0 nobody waits, 1 somebody waits for an answer or a remedy, 2 within the day, 3 at once.
    #[serde(default, skip_serializing_if = "nobody_waits")]
    #[schemars(range(max = 3))]
    pub urgency: u8,
    /// What the customer feels, by stable name (`angry`, `happy`, `sad`, `fear`, `surprise`, `neutral`); absent where the model is not sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emotion: Option<String>,
    /// Where on the customer's way it was written, by stable name (`awareness`, `purchase`, `use`, `after_sales`, `loyalty`); absent where
    /// nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Words that characterise it, heaviest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<Keyword>,
    /// Words and phrases that the stream of its brand knows, by which is told what is spoken of more than before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Keyword rules that it met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleHit>,
    /// Its story: a fingerprint of its words in 16 hexadecimal digits. Texts of the same words have the same, near copies
    /// one that differs in at most 3 bits. Empty for a text too short to tell copies from coincidence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub story: String,
    /// Version of the models and lexicons that said so.
    pub model_version: String,
    /// Version of the keyword rules that it was held against: a fingerprint of all that they say. Empty in records of before they
    /// had one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules_version: String,
    /// What an earlier revision of the same feedback had contributed and this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Box<Contribution>>,
}

fn nobody_waits(urgency: &u8) -> bool {
    *urgency == 0
}

/// What one piece of feedback adds to the windows it belongs to; enough to take it back again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    /// Whom it is about.
    pub brand: String,
    /// The kind of place.
    pub channel: Channel,
    /// When the customer spoke; decides the windows.
    pub occurred_at: Timestamp,
    /// The topics it was counted under.
    pub topics: Vec<String>,
    /// The verdict.
    pub label: SentimentLabel,
    /// The score, −1 to 1.
    pub score: f32,
    /// Scores beside the words.
    #[serde(default)]
    pub scores: Scores,
    /// The author's key, where known.
    #[serde(default)]
    pub author: Option<String>,
    /// The keywords' terms.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Words and phrases that the stream of its brand knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// The product, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Answers to further questions on scales, by what was asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ratings: BTreeMap<String, Rating>,
}

/// What one revision of a piece of feedback contributed, kept so that a later one can take it back exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Which piece.
    pub id: EventId,
    /// Which revision of it.
    pub revision: u32,
    /// What it added; nothing when it was withdrawn or part of a drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contribution: Option<Contribution>,
    /// Ids of the keyword rules that this revision or an earlier one met: they give no second signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// When it was analysed (UTC).
    pub counted_at: Timestamp,
}

impl Enriched {
    /// What this adds to the windows it belongs to.
    pub fn contribution(&self) -> Contribution {
        Contribution {
            brand: self.feedback.brand.clone(),
            channel: self.feedback.channel,
            occurred_at: self.feedback.occurred_at,
            topics: self.topics.clone(),
            label: self.sentiment.label,
            score: self.sentiment.score,
            scores: self.feedback.scores.clone(),
            author: self.feedback.author.as_ref().map(|a| a.key.clone()),
            keywords: self.keywords.iter().map(|k| k.term.clone()).collect(),
            terms: self.terms.clone(),
            product: self.feedback.product.clone(),
            ratings: self.feedback.ratings.clone(),
        }
    }
}
