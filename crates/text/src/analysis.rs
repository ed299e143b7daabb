//! What the analyser found. Every offset counts characters (Unicode scalar values) of the ORIGINAL text, `start` inclusive, `end`
//! exclusive, and lies inside it; slicing the original there gives the `text` beside it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emotion::EmotionVerdict;
use crate::entity::Entity;
use crate::journey::JourneyStage;
use crate::simhash::SimHash;
use crate::urgency::Urgency;

/// Which way a text leans.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    /// Complains, blames, regrets.
    Negative,
    /// Neither, or both in balance.
    Neutral,
    /// Praises, thanks, recommends.
    Positive,
}

impl Polarity {
    /// `negative`, `neutral` or `positive`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

/// What turned or weighted a word of feeling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Taken as it stands.
    Plain,
    /// A negation before it: 不好.
    Negated,
    /// Two negations that cancel: 不是不好.
    DoubleNegated,
    /// A word of degree beside it: 非常好, 好得很.
    Degree,
    /// Asked, not said: 好不好?
    Question,
    /// Asked in scorn: 这也叫好?
    Rhetorical,
    /// Wished or supposed: 要是好吃就好了.
    Supposed,
    /// Before 但是: weighs less.
    Conceded,
    /// After 但是: weighs more.
    Stressed,
}

/// A stretch of the text that moved the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The words there.
    pub text: String,
    /// How far it moved the verdict: above 0 towards positive, below towards negative.
    pub weight: f32,
    /// What turned it.
    pub scope: Scope,
}

/// The verdict on the whole text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentiment {
    /// The verdict.
    pub label: Polarity,
    /// −1 (surely negative) to 1 (surely positive): probability of positive less that of negative.
    pub score: f32,
    /// Probability of the label, 0 to 1.
    pub confidence: f32,
    /// The stretches that made it, in the order of the text.
    pub spans: Vec<Span>,
}

/// One mention of something that customers judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AspectMention {
    /// Its id: `service_attitude`, `price`, …
    pub aspect: Arc<str>,
    /// The words that name it.
    pub term: String,
    /// How its clause judges it.
    pub polarity: Polarity,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// What the writer wants.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Something went wrong and somebody is to blame.
    Complaint,
    /// Asks for information.
    Enquiry,
    /// Proposes a change.
    Suggestion,
    /// Praises or thanks.
    Praise,
    /// Asks for help now.
    HelpRequest,
    /// Threatens to expose, report or sue.
    Threat,
    /// Leaves, or says so.
    Churn,
}

/// A word that tells what the text is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keyword {
    /// The word, normalised.
    pub term: String,
    /// Its TF-IDF weight.
    pub weight: f32,
}

/// A word as it was cut. Joining the `text` of all tokens gives the analysed text back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// The characters of the original text.
    pub text: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// How grave a rule is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RuleLevel {
    /// Watch.
    Yellow,
    /// Act within the day.
    Orange,
    /// Act at once.
    Red,
}

/// Words that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TermMatch {
    /// The rule's term.
    pub term: Arc<str>,
    /// The characters of the original text, which may be disguised.
    pub text: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// A rule that holds for the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleHit {
    /// The rule's id.
    pub rule: Arc<str>,
    /// Its name, for people.
    pub name: Arc<str>,
    /// How grave.
    pub level: RuleLevel,
    /// The topic it counts under, where it names one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub topic: Option<Arc<str>>,
    /// What it matched, in the order of the text; at most 16.
    pub matches: Vec<TermMatch>,
}

/// All that was found in one text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// The verdict and what made it.
    pub sentiment: Sentiment,
    /// What is judged, in the order of the text.
    pub aspects: Vec<AspectMention>,
    /// The aspects that matter most, at most 3, the weightiest first.
    pub topics: Vec<Arc<str>>,
    /// What the writer wants, the surest first.
    pub intents: Vec<Intent>,
    /// What it is about, the weightiest first.
    pub keywords: Vec<Keyword>,
    /// The words; empty where they were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tokens: Vec<Token>,
    /// The rules that hold, the gravest first.
    pub rules: Vec<RuleHit>,
    /// What the writer feels; none where the model is not sure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub emotion: Option<EmotionVerdict>,
    /// How soon somebody must act, 0 to 3.
    #[serde(default)]
    pub urgency: Urgency,
    /// Where on the customer's way it was written; none where nothing tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<JourneyStage>,
    /// The fingerprint: near duplicates differ in at most 3 bits.
    #[serde(default)]
    pub simhash: SimHash,
    /// Names, money, dates and order numbers, in the order of the text.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub entities: Vec<Entity>,
    /// Which model and lexicon said so.
    pub model_version: Arc<str>,
    /// Whether the text was longer than the limit and only its head was read.
    pub truncated: bool,
}
