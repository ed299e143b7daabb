//! Something people must be told.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Alert, DeadlineKind, Escalation};

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
    },
    /// A deadline passed unmet, and the alert went to the next level.
    Breach {
        /// Which.
        deadline: DeadlineKind,
    },
    /// Somebody took it.
    Acknowledged,
    /// The first response is out.
    Responded,
    /// It is over.
    Resolved,
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
    /// The alert as it stood.
    pub alert: Alert,
    /// When this was decided (UTC).
    pub decided_at: Timestamp,
}
