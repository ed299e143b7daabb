//! The response clock of an alert: absolute instants, so that a restart, a move to another process or a change of the
//! configuration moves none of them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Actor;

/// What must be done by a deadline.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineKind {
    /// Somebody takes the alert.
    Acknowledge,
    /// The team that handles it is named.
    Team,
    /// One person is named who speaks for the company.
    Spokesperson,
    /// The first response is out.
    Respond,
    /// The plan stands.
    Plan,
    /// What happened is looked back on; starts when the alert is resolved.
    Review,
}

impl DeadlineKind {
    /// All of them, in the order of the process.
    pub const ALL: [DeadlineKind; 6] = [
        DeadlineKind::Acknowledge,
        DeadlineKind::Team,
        DeadlineKind::Spokesperson,
        DeadlineKind::Respond,
        DeadlineKind::Plan,
        DeadlineKind::Review,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            DeadlineKind::Acknowledge => "acknowledge",
            DeadlineKind::Team => "team",
            DeadlineKind::Spokesperson => "spokesperson",
            DeadlineKind::Respond => "respond",
            DeadlineKind::Plan => "plan",
            DeadlineKind::Review => "review",
        }
    }
}

/// An instant at which people are reminded of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reminder {
    /// The share of the time that is gone then, in percent.
    pub percent: u8,
    /// When (UTC).
    pub at: Timestamp,
}

/// One deadline of the response clock.
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
    /// When its time began to run (UTC), where that is not the clock's T0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When people are reminded of it, those already given too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<Reminder>,
}

impl Deadline {
    /// Whether it still waits for somebody, and has not passed.
    pub const fn is_pending(&self) -> bool {
        self.met_at.is_none() && self.breached_at.is_none()
    }
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
    /// All levels, in order.
    pub const ALL: [Escalation; 3] = [
        Escalation::FrontLine,
        Escalation::Specialists,
        Escalation::Management,
    ];

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

/// Who is on call for a level at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnCall {
    /// The level.
    pub level: Escalation,
    /// The person.
    pub person: Actor,
}

/// A clock that stands still, for a reason that somebody answers for. It runs on by itself at `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Who stopped it.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// Since when (UTC).
    pub at: Timestamp,
    /// When it runs on at the latest (UTC).
    pub until: Timestamp,
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
    /// Set while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// How long it stood still before, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused_seconds: u64,
}

impl ResponseClock {
    /// The deadline of that kind, if this clock has one.
    pub fn deadline(&self, kind: DeadlineKind) -> Option<&Deadline> {
        self.deadlines.iter().find(|deadline| deadline.kind == kind)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
