//! The ledger of pushes: a row per attempt, so that "it was sent" can be proved.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AlertId, Notification};

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be tried (again) at that instant.
    Queued {
        /// When (UTC).
        next_attempt_at: Timestamp,
        /// What is to be told; carried so that a restart can go on from the ledger alone. Called `message` on the wire,
        /// where the row's own `notification` stands beside it.
        #[serde(rename = "message")]
        notification: Box<Notification>,
        /// The answer to the attempt before, in the provider's words; empty before the first.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        last_answer: String,
    },
    /// The provider said yes.
    Delivered {
        /// When its answer came (UTC).
        delivered_at: Timestamp,
        /// The provider's own code and words.
        answer: String,
    },
    /// It will not be tried again.
    Failed {
        /// When that was decided (UTC).
        failed_at: Timestamp,
        /// The provider's own code and words, and what the operator can do.
        reason: String,
    },
}

impl DeliveryState {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            DeliveryState::Queued { .. } => "queued",
            DeliveryState::Delivered { .. } => "delivered",
            DeliveryState::Failed { .. } => "failed",
        }
    }
}

/// One row of the delivery ledger. The latest row of an `id` is the truth about that push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// A function of the notification and the receiver: one push.
    pub id: String,
    /// The notification's id.
    pub notification: String,
    /// What is told; see [`NotificationKind::name`](crate::NotificationKind::name).
    pub kind: String,
    /// About which alert.
    pub alert: AlertId,
    /// That alert's revision.
    pub alert_revision: u32,
    /// Whom the alert is about.
    pub brand: String,
    /// The configured name of the receiver.
    pub receiver: String,
    /// The kind of receiver: `wecom`, `wecom-app`, `dingtalk`, `feishu`, `slack`, `email`, `aliyun-sms`, `pagerduty`,
    /// `alertmanager`, `webhook`, `log`; `unknown` once it is not configured any more.
    pub provider: String,
    /// The receiver that this one stands in for, as its fallback or because nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// When the piece of feedback behind it was observed (UTC); for the latency figures.
    pub observed_at: Timestamp,
    /// When this row was written (UTC).
    pub at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub state: DeliveryState,
}
