//! What a link on a card lets whoever opens it do, once, without logging in.

use serde::{Deserialize, Serialize};

use crate::{AlertId, derived_id};

/// An action that a card offers by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Takes the alert.
    Acknowledge,
    /// Takes it to the next level.
    Escalate,
    /// Says that it is a false alarm.
    Dismiss,
}

impl LinkAction {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            LinkAction::Acknowledge => "acknowledge",
            LinkAction::Escalate => "escalate",
            LinkAction::Dismiss => "dismiss",
        }
    }
}

/// What the ticket in a link claims. The names are short, because the whole stands in an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClaim {
    /// On which alert.
    #[serde(rename = "a")]
    pub alert: AlertId,
    /// What.
    #[serde(rename = "d")]
    pub action: LinkAction,
    /// The push that the link came with.
    #[serde(rename = "p")]
    pub push: String,
    /// The receiver of that push, by its configured name.
    #[serde(rename = "r")]
    pub receiver: String,
}

impl LinkClaim {
    /// The id of the command that the link gives: the same however often it is opened, so that it acts once.
    pub fn command_id(&self) -> String {
        derived_id(&["link", self.alert.as_str(), self.action.name(), &self.push])
    }
}
