//! A conversation with turns: a call at the hotline, or a chat with an agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The customer: judged.
    Customer,
    /// The agent, or a machine: not judged.
    Agent,
    /// The source does not say.
    #[default]
    Unknown,
}

/// What one party said without a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// The track or the speaker's number, as the source counts them; parties that play one role are told apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// When it begins, in milliseconds from the beginning of the call.
    pub begin_ms: u64,
    /// When it ends, in milliseconds from the beginning of the call.
    pub end_ms: u64,
    /// The words.
    pub text: String,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The customer called.
    Inbound,
    /// The customer was called.
    Outbound,
}

/// What is known of a call beside its words. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Who called whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// From the beginning of the call to its end; of a call that was taken, the time spoken where the source counts so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How long the customer waited for an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// How long the customer was put on hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
    /// Who took the call: a staff number, or else a pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The queue or skill group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The key that the customer pressed when asked how satisfied they were, or its label, as the source gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<String>,
    /// How it ended, in the source's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Silences of more than 3 s between the first turn and the last, together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_ms: Option<u64>,
    /// How long more than one party spoke at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_over_ms: Option<u64>,
    /// What was said, by beginning, then end. Turns may overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
}

impl Call {
    /// What is judged: the customer's turns, one a line. Where the source never says which party the customer is, all
    /// turns of unknown parties.
    pub fn judged_text(&self) -> String {
        let role = match self.turns.iter().any(|turn| turn.role == Role::Customer) {
            true => Role::Customer,
            false => Role::Unknown,
        };
        let said = self.turns.iter().filter(|turn| turn.role == role);
        said.map(|turn| turn.text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    }
}
