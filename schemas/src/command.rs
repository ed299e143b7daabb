//! What people do to alerts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, AlertId};

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Takes the alert.
    Acknowledge,
    /// Says that the first response is out.
    Respond,
    /// Says that it is over.
    Resolve,
}

impl Action {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Acknowledge => "acknowledge",
            Action::Respond => "respond",
            Action::Resolve => "resolve",
        }
    }
}

/// One action of one person on one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// Given by the sender; the same id twice acts once.
    pub id: String,
    /// On which alert.
    pub alert: AlertId,
    /// The alert's brand: decides the partition.
    pub brand: String,
    /// What.
    pub action: Action,
    /// Who.
    pub actor: Actor,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When the person acted (UTC).
    pub at: Timestamp,
}
