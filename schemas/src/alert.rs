//! An alert carries its whole state: whoever reads its latest record can go on with it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AlertId, Channel, Sample, Severity, SignalTimes};

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

/// Where an alert stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has taken it yet.
    Raised,
    /// Somebody owns it.
    Acknowledged {
        /// Who.
        by: Actor,
        /// When (UTC).
        at: Timestamp,
    },
    /// The first response is out.
    Responding {
        /// Who answered.
        by: Actor,
        /// When (UTC).
        at: Timestamp,
    },
    /// It is over.
    Resolved {
        /// Who said so.
        by: Actor,
        /// When (UTC).
        at: Timestamp,
    },
}

impl AlertState {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            AlertState::Raised => "raised",
            AlertState::Acknowledged { .. } => "acknowledged",
            AlertState::Responding { .. } => "responding",
            AlertState::Resolved { .. } => "resolved",
        }
    }

    /// Whether signals still fold into it.
    pub const fn is_open(&self) -> bool {
        !matches!(self, AlertState::Resolved { .. })
    }
}

/// What must be done by a deadline.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineKind {
    /// Somebody takes the alert.
    Acknowledge,
    /// The first response is out.
    Respond,
}

impl DeadlineKind {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            DeadlineKind::Acknowledge => "acknowledge",
            DeadlineKind::Respond => "respond",
        }
    }
}

/// One deadline of the response clock: an absolute instant, so that a restart does not move it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadline {
    /// What must be done.
    pub kind: DeadlineKind,
    /// By when (UTC).
    pub due_at: Timestamp,
    /// When it was done, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_at: Option<Timestamp>,
    /// When it was found to have passed unmet, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breached_at: Option<Timestamp>,
    /// Shares of the time, in percent, at which people were reminded already.
    #[serde(default)]
    pub nudged: Vec<u8>,
}

/// Who is told, in the order of escalation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// Those on duty.
    FrontLine,
    /// The specialist team.
    Specialists,
    /// Management.
    Management,
}

impl Escalation {
    /// The next level, if there is one.
    pub const fn next(self) -> Option<Self> {
        match self {
            Escalation::FrontLine => Some(Escalation::Specialists),
            Escalation::Specialists => Some(Escalation::Management),
            Escalation::Management => None,
        }
    }

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Escalation::FrontLine => "front_line",
            Escalation::Specialists => "specialists",
            Escalation::Management => "management",
        }
    }
}

/// The clock that runs from the moment an alert is raised until it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseClock {
    /// T0 (UTC).
    pub started_at: Timestamp,
    /// What is due, and when.
    pub deadlines: Vec<Deadline>,
    /// How far it was escalated.
    pub escalation: Escalation,
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

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TimelineEvent {
    /// It was raised by this signal.
    Raised {
        /// The signal's id.
        signal: String,
        /// The signal's kind.
        kind: String,
    },
    /// Its severity rose.
    SeverityRaised {
        /// From …
        from: Severity,
        /// … to.
        to: Severity,
    },
    /// Somebody took it.
    Acknowledged,
    /// The first response went out.
    Responded,
    /// It was resolved.
    Resolved,
    /// People were reminded of a deadline.
    Nudged {
        /// Of which.
        deadline: DeadlineKind,
        /// At which share of the time, in percent.
        percent: u8,
    },
    /// A deadline passed unmet.
    Breached {
        /// Which.
        deadline: DeadlineKind,
    },
    /// It went to the next level.
    Escalated {
        /// To which.
        to: Escalation,
    },
    /// A command came that its state does not allow; nothing changed.
    Refused {
        /// The action.
        action: String,
    },
}

/// One line of an alert's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When (UTC).
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    #[serde(flatten)]
    pub event: TimelineEvent,
    /// In words, if the actor gave some.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The command that led to it, if one did: a repeat of it is recognised by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
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
    /// How grave. Rises by evidence.
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
    /// What happened, oldest first. Folded signals are counted, not listed.
    pub timeline: Vec<TimelineEntry>,
    /// Stands for the brand as a whole: it took in discontent of no topic in particular, so that waves on any topic of the
    /// brand belong to it while it is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brand_wide: bool,
    /// Part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
}
