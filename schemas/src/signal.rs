//! Signals are the only thing that can raise an alert; some of them only inform.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Author, Channel, Enriched, EventId, SentimentLabel, Severity};

/// Why a signal was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignalKind {
    /// A piece of feedback met a keyword rule.
    RuleHit {
        /// The rule's id.
        rule: String,
        /// The rule's name as people read it.
        name: String,
        /// The terms found.
        terms: Vec<String>,
    },
    /// Too many of the pieces of a window were negative.
    NegativeShare {
        /// The volume rule's id.
        rule: String,
        /// The rule's name as people read it; empty where it has none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// Length of the window in seconds.
        window_seconds: u64,
        /// Negative pieces in the window.
        negative: u64,
        /// All pieces in the window.
        total: u64,
    },
    /// The joint detector saw a burst of discontent.
    Burst {
        /// Its score in standard deviations.
        score: f64,
        /// What made the score, as people read it.
        reasons: Vec<String>,
        /// The same as numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<BurstEvidence>,
    },
    /// A source fell silent.
    Silence {
        /// The source; `*` where all sources fell silent at once because nothing takes in.
        source: String,
        /// For how long, in seconds.
        seconds: u64,
        /// The class of what is wrong with it (`retry`, `fatal-config`, `no_heartbeat`, …); empty where nothing is known to
        /// be.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        error: String,
    },
    /// A brand is spoken of far more than it used to be. It informs, and raises nothing.
    Volume {
        /// How rare so much is in the brand's own past: the negative decimal logarithm of how often it was seen.
        score: f64,
        /// Length of the window in seconds.
        window_seconds: u64,
        /// Pieces in the window.
        pieces: u64,
        /// What half of the windows before stayed below.
        usual: u64,
    },
    /// A person started a drill.
    Drill {
        /// Who.
        actor: String,
    },
}

/// The source of a silence of all sources at once.
pub const ALL_SOURCES: &str = "*";

impl SignalKind {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            SignalKind::RuleHit { .. } => "rule_hit",
            SignalKind::NegativeShare { .. } => "negative_share",
            SignalKind::Burst { .. } => "burst",
            SignalKind::Silence { .. } => "silence",
            SignalKind::Volume { .. } => "volume",
            SignalKind::Drill { .. } => "drill",
        }
    }

    /// Whether it is for information only: it raises no alert and joins none.
    pub const fn informs(&self) -> bool {
        matches!(self, SignalKind::Volume { .. })
    }
}

/// What made the score of a burst. Numbers of pieces are weights: an author counts once in six hours, and a copy of a
/// story weighs less with each copy before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BurstEvidence {
    /// The brand's incident: the same for all bursts of a brand within six hours.
    pub incident: String,
    /// How far the count of negative pieces lies above what is usual, in standard deviations.
    pub zc: f64,
    /// How far their share among all pieces does.
    pub zs: f64,
    /// How far the number of severe words does.
    pub zk: f64,
    /// Time constant of the window that says most, in seconds.
    pub window_seconds: u64,
    /// Negative pieces in it.
    pub negative: f64,
    /// All pieces in it.
    pub total: f64,
    /// Negative pieces expected in it.
    pub expected: f64,
    /// Negative pieces with a severe word in it.
    pub severe: f64,
    /// Few accounts speak often: it is shown, and never escalates alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspected_flood: bool,
}

/// A piece of feedback shown with a signal, so that a person sees why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Which piece.
    pub event: EventId,
    /// Its channel.
    pub channel: Channel,
    /// When the customer spoke (UTC).
    pub occurred_at: Timestamp,
    /// The words, cut at [`Sample::MAX_CHARS`] characters.
    pub text: String,
    /// Its sentiment.
    pub label: SentimentLabel,
    /// Who spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Reactions to it so far: likes, comments and reposts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reactions: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Sample {
    /// A sample is a glance: longer texts are cut.
    pub const MAX_CHARS: usize = 200;

    /// The sample of a piece of feedback.
    pub fn of(enriched: &Enriched) -> Self {
        let feedback = &enriched.feedback;
        Self {
            event: feedback.id.clone(),
            channel: feedback.channel,
            occurred_at: feedback.occurred_at,
            text: feedback.text.chars().take(Self::MAX_CHARS).collect(),
            label: enriched.sentiment.label,
            author: feedback.author.clone(),
            url: feedback.url.clone(),
            reactions: feedback.reach.as_ref().map_or(0, |reach| reach.reactions()),
        }
    }
}

/// When the piece of feedback that completed the signal passed each stage: the head of an alert's latency budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalTimes {
    /// When the first piece behind the signal was said (UTC).
    pub first_post_at: Timestamp,
    /// When the completing piece was said.
    pub occurred_at: Timestamp,
    /// When we fetched or received it.
    pub observed_at: Timestamp,
    /// When it was analysed.
    pub enriched_at: Timestamp,
    /// When the signal was given.
    pub detected_at: Timestamp,
}

/// Something that may need an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    /// Deterministic: a replay gives the same signal the same id.
    pub id: String,
    /// Why it was given.
    #[serde(flatten)]
    pub kind: SignalKind,
    /// How grave it is.
    pub severity: Severity,
    /// Whom it is about.
    pub brand: String,
    /// What it is about; [`TOPIC_ALL`](crate::TOPIC_ALL) for no topic in particular.
    pub topic: String,
    /// Channels where it was heard, each once.
    pub channels: Vec<Channel>,
    /// Pieces of feedback, newest first, few.
    pub samples: Vec<Sample>,
    /// When.
    pub times: SignalTimes,
    /// Part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
}
