//! Something people must be told.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Alert, DeadlineKind, Escalation, OnCall};

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationKind {
    /// An alert was raised.
    Raised,
    /// Its severity rose.
    SeverityRaised,
    /// A deadline draws near.
    Nudge {
        /// Which.
        deadline: DeadlineKind,
        /// At which share of the time, in percent.
        percent: u8,
        /// Further deadlines that are as near: one push tells of all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<DeadlineKind>,
    },
    /// A deadline passed unmet, and the alert went to the next level.
    Breach {
        /// Which.
        deadline: DeadlineKind,
        /// Further deadlines that passed with it: one push tells of all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<DeadlineKind>,
    },
    /// Somebody took it.
    Acknowledged,
    /// Its facts are being established.
    Assessing,
    /// Somebody confirmed that it is true.
    Confirmed,
    /// The first response is out.
    Responded,
    /// It is over.
    Resolved,
    /// It was looked back on.
    Reviewed,
    /// It was a false alarm.
    Dismissed,
    /// It flared up again after it was resolved.
    Reopened,
    /// A person lowered its severity.
    SeverityLowered,
    /// A person took it to the next level.
    Escalated,
    /// A hand-over waits for its answer.
    HandOverAsked,
    /// A hand-over was accepted.
    HandedOver,
    /// A hand-over was declined, or taken back.
    HandOverDeclined,
    /// The clock was stopped.
    Paused,
    /// The clock runs on.
    Resumed,
    /// A statement was approved, or the current one taken back.
    StatementChanged,
}

impl NotificationKind {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            NotificationKind::Raised => "raised",
            NotificationKind::SeverityRaised => "severity_raised",
            NotificationKind::Nudge { .. } => "nudge",
            NotificationKind::Breach { .. } => "breach",
            NotificationKind::Acknowledged => "acknowledged",
            NotificationKind::Responded => "responded",
            NotificationKind::Resolved => "resolved",
            NotificationKind::Assessing => "assessing",
            NotificationKind::Confirmed => "confirmed",
            NotificationKind::Reviewed => "reviewed",
            NotificationKind::Dismissed => "dismissed",
            NotificationKind::Reopened => "reopened",
            NotificationKind::SeverityLowered => "severity_lowered",
            NotificationKind::Escalated => "escalated",
            NotificationKind::HandOverAsked => "hand_over_asked",
            NotificationKind::HandedOver => "handed_over",
            NotificationKind::HandOverDeclined => "hand_over_declined",
            NotificationKind::Paused => "paused",
            NotificationKind::Resumed => "resumed",
            NotificationKind::StatementChanged => "statement_changed",
        }
    }
}

/// Something people must be told, with the alert as it stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Deterministic: a function of the alert, its revision and what is told.
    pub id: String,
    /// What is told.
    #[serde(flatten)]
    pub kind: NotificationKind,
    /// Who is told: this level and those below it.
    pub audience: Escalation,
    /// Who is on call for the levels that are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<OnCall>,
    /// The alert as it stood.
    pub alert: Alert,
    /// When this was decided (UTC).
    pub decided_at: Timestamp,
}
