//! What people do to alerts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, AlertId, Severity, StepKind};

/// What a person does. The words that go with it stand in the command's `note`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Takes the alert, and owns it from then on.
    Acknowledge,
    /// Begins to establish the facts.
    Assess,
    /// Confirms that it is true.
    Confirm,
    /// Says that the first response is out.
    Respond,
    /// Says that it is over.
    Resolve,
    /// Says that it was looked back on.
    Review,
    /// Says that it is a false alarm.
    Dismiss {
        /// Why.
        reason: String,
    },
    /// Takes it to the next level.
    Escalate,
    /// Says that it is less grave than the evidence says.
    LowerSeverity {
        /// How grave it is.
        severity: Severity,
        /// Why.
        reason: String,
    },
    /// Asks for a hand-over: the owner gives it to somebody, or somebody asks the owner for it.
    HandOver {
        /// Who is to own it.
        to: Actor,
    },
    /// Accepts the hand-over that was asked for.
    AcceptHandOver,
    /// Declines the hand-over that was asked for, or takes it back.
    DeclineHandOver,
    /// Stops the clock.
    Pause {
        /// Why.
        reason: String,
        /// For how many minutes at most; as long as the policy allows if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minutes: Option<u32>,
    },
    /// Lets the clock run on.
    Resume,
    /// Names the team.
    NameTeam {
        /// Its members.
        members: Vec<Actor>,
    },
    /// Names who speaks for the company.
    NameSpokesperson {
        /// Who.
        person: Actor,
    },
    /// Says that the plan stands.
    Plan,
    /// Changes a step of the process; what is not said stays.
    SetStep {
        /// Which.
        step: StepKind,
        /// Who does it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Actor>,
        /// By when (UTC).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Timestamp>,
        /// Whether it is done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<bool>,
    },
    /// Writes a version of the statement.
    DraftStatement {
        /// The words.
        text: String,
    },
    /// Approves a version of the statement that somebody else wrote.
    ApproveStatement {
        /// Which.
        version: u32,
        /// Until when it may be said (UTC).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// Takes a version of the statement back.
    WithdrawStatement {
        /// Which.
        version: u32,
    },
    /// Notes something.
    Note,
    /// Looked at it.
    View,
}

impl Action {
    /// The names of all actions that people choose; a look at the alert is noted by itself.
    pub const NAMES: [&'static str; 22] = [
        "acknowledge",
        "assess",
        "confirm",
        "respond",
        "resolve",
        "review",
        "dismiss",
        "escalate",
        "lower_severity",
        "hand_over",
        "accept_hand_over",
        "decline_hand_over",
        "pause",
        "resume",
        "name_team",
        "name_spokesperson",
        "plan",
        "set_step",
        "draft_statement",
        "approve_statement",
        "withdraw_statement",
        "note",
    ];

    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Acknowledge => "acknowledge",
            Action::Assess => "assess",
            Action::Confirm => "confirm",
            Action::Respond => "respond",
            Action::Resolve => "resolve",
            Action::Review => "review",
            Action::Dismiss { .. } => "dismiss",
            Action::Escalate => "escalate",
            Action::LowerSeverity { .. } => "lower_severity",
            Action::HandOver { .. } => "hand_over",
            Action::AcceptHandOver => "accept_hand_over",
            Action::DeclineHandOver => "decline_hand_over",
            Action::Pause { .. } => "pause",
            Action::Resume => "resume",
            Action::NameTeam { .. } => "name_team",
            Action::NameSpokesperson { .. } => "name_spokesperson",
            Action::Plan => "plan",
            Action::SetStep { .. } => "set_step",
            Action::DraftStatement { .. } => "draft_statement",
            Action::ApproveStatement { .. } => "approve_statement",
            Action::WithdrawStatement { .. } => "withdraw_statement",
            Action::Note => "note",
            Action::View => "view",
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
    #[serde(flatten)]
    pub action: Action,
    /// Who.
    pub actor: Actor,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When the person acted (UTC).
    pub at: Timestamp,
}
