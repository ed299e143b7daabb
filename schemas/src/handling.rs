//! How people handle an alert: who owns it, the steps of the crisis process, what may be said.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, Distinct, ResponseClock, Severity};

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
    /// Its facts are being established.
    Assessing {
        /// Who began.
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
    /// It is over and was looked back on.
    Reviewed {
        /// Who reviewed it.
        by: Actor,
        /// When (UTC).
        at: Timestamp,
    },
    /// It was a false alarm.
    Dismissed {
        /// Who said so.
        by: Actor,
        /// When (UTC).
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl AlertState {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            AlertState::Raised => "raised",
            AlertState::Acknowledged { .. } => "acknowledged",
            AlertState::Assessing { .. } => "assessing",
            AlertState::Responding { .. } => "responding",
            AlertState::Resolved { .. } => "resolved",
            AlertState::Reviewed { .. } => "reviewed",
            AlertState::Dismissed { .. } => "dismissed",
        }
    }

    /// Whether signals still fold into it.
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            AlertState::Raised
                | AlertState::Acknowledged { .. }
                | AlertState::Assessing { .. }
                | AlertState::Responding { .. }
        )
    }

    /// Who brought it here, and when; nobody has touched one that was only raised.
    pub const fn by(&self) -> Option<(&Actor, Timestamp)> {
        match self {
            AlertState::Raised => None,
            AlertState::Acknowledged { by, at }
            | AlertState::Assessing { by, at }
            | AlertState::Responding { by, at }
            | AlertState::Resolved { by, at }
            | AlertState::Reviewed { by, at }
            | AlertState::Dismissed { by, at, .. } => Some((by, *at)),
        }
    }
}

/// A step of the crisis process.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Collect what was said and what happened.
    Collect,
    /// Assess how grave it is and how it spreads.
    Assess,
    /// Activate the plan.
    ActivatePlan,
    /// Decide the response.
    Decide,
    /// One voice: what is said, by whom (统一口径).
    OneVoice,
    /// Act.
    Act,
    /// Track how it is taken.
    Track,
    /// Learn from it.
    Learn,
}

impl StepKind {
    /// All of them, in order.
    pub const ALL: [StepKind; 8] = [
        StepKind::Collect,
        StepKind::Assess,
        StepKind::ActivatePlan,
        StepKind::Decide,
        StepKind::OneVoice,
        StepKind::Act,
        StepKind::Track,
        StepKind::Learn,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            StepKind::Collect => "collect",
            StepKind::Assess => "assess",
            StepKind::ActivatePlan => "activate_plan",
            StepKind::Decide => "decide",
            StepKind::OneVoice => "one_voice",
            StepKind::Act => "act",
            StepKind::Track => "track",
            StepKind::Learn => "learn",
        }
    }
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// Who.
    pub by: Actor,
    /// When (UTC).
    pub at: Timestamp,
}

/// A step of the crisis process in one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessStep {
    /// Which.
    pub step: StepKind,
    /// Who does it, once somebody was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Actor>,
    /// By when (UTC), where there is a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// What was last noted of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who finished it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// A hand-over that is not accepted yet: until it is, the owner stays the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandOver {
    /// The owner.
    pub from: Actor,
    /// Who is to own it.
    pub to: Actor,
    /// Who of the two asked for it; the other one accepts.
    pub asked_by: Actor,
    /// When (UTC).
    pub at: Timestamp,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A version of what the company says about the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// From 1, without gaps.
    pub version: u32,
    /// The words.
    pub text: String,
    /// Who wrote it.
    pub by: Actor,
    /// When (UTC).
    pub at: Timestamp,
    /// Who approved it, and when. Never its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Done>,
    /// Until when it may be said (UTC); without an end where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who took it back, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Done>,
}

impl Statement {
    /// Whether it may be said at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.approved.is_some()
            && self.withdrawn.is_none()
            && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// A person's judgement that the matter is less grave than the evidence said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lowered {
    /// From which severity.
    pub from: Severity,
    /// To which.
    pub to: Severity,
    /// Who said so.
    pub by: Actor,
    /// When (UTC).
    pub at: Timestamp,
}

/// Who looked at the alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Who.
    pub by: Actor,
    /// First (UTC).
    pub first_at: Timestamp,
    /// Last (UTC); looks within ten minutes count as one.
    pub last_at: Timestamp,
}

/// How far the matter reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Reactions to the pieces shown with its signals (likes, comments, reposts) and the pieces themselves.
    #[serde(default)]
    pub heat: u64,
    /// The authors of those pieces.
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub authors: Distinct,
}

impl Spread {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.heat == 0 && self.authors.is_empty()
    }
}

/// All that people decided about an alert, beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handling {
    /// Who answers for it: who acknowledged it first, until a hand-over is accepted (首问责任制).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Actor>,
    /// A hand-over that waits for its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<HandOver>,
    /// When somebody confirmed that it is true (UTC). With the first post and the raising one of the three instants that
    /// may be T0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// The team.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<Actor>,
    /// Who speaks for the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spokesperson: Option<Actor>,
    /// The steps of the crisis process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ProcessStep>,
    /// What may be said: every version ever written, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Statement>,
    /// Set once a person lowered the severity: only new evidence raises it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered: Option<Lowered>,
    /// Who looked at it, first look first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// How often it flared up after it was resolved.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reopened: u32,
    /// The clocks that ran before it flared up again, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_clocks: Vec<ResponseClock>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_none(number: &u32) -> bool {
    *number == 0
}

impl Handling {
    /// Whether nothing was decided yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What may be said at `now`: the latest version that is approved, not withdrawn and not expired. Never an older one
    /// in its place: once a version was approved, those before it are history.
    pub fn statement(&self, now: Timestamp) -> Option<&Statement> {
        let approved = |s: &&Statement| s.approved.is_some();
        let latest = self.statements.iter().rev().find(approved)?;
        latest.is_valid(now).then_some(latest)
    }

    /// The step of that kind.
    pub fn step(&self, kind: StepKind) -> Option<&ProcessStep> {
        self.steps.iter().find(|step| step.step == kind)
    }
}
