//! What happened to an alert, line by line.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, DeadlineKind, Escalation, OnCall, Severity, StepKind};

/// A signal that folded into an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalRef {
    /// The signal's id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// How grave it was.
    pub severity: Severity,
    /// When it was given (UTC).
    pub at: Timestamp,
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
    /// Further signals folded into it. Kept in the chain only.
    Signals {
        /// Which, in their order.
        signals: Vec<SignalRef>,
    },
    /// It flared up again after it was resolved.
    Reopened {
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
    /// A person lowered its severity.
    SeverityLowered {
        /// From …
        from: Severity,
        /// … to.
        to: Severity,
    },
    /// Somebody took it.
    Acknowledged,
    /// Its facts are being established.
    Assessing,
    /// Somebody confirmed that it is true.
    Confirmed,
    /// The first response went out.
    Responded,
    /// It was resolved.
    Resolved,
    /// It was looked back on.
    Reviewed,
    /// It was a false alarm.
    Dismissed {
        /// Why.
        reason: String,
    },
    /// A hand-over was asked for.
    HandOverAsked {
        /// Who is to own it.
        to: Actor,
    },
    /// A hand-over was accepted.
    HandedOver {
        /// The owner before.
        from: Actor,
        /// The owner now.
        to: Actor,
    },
    /// A hand-over was declined, or taken back.
    HandOverDeclined {
        /// Who was to own it.
        to: Actor,
    },
    /// The clock was stopped.
    Paused {
        /// Why.
        reason: String,
        /// When it runs on at the latest (UTC).
        until: Timestamp,
    },
    /// The clock runs on.
    Resumed,
    /// The team was named.
    TeamNamed {
        /// Its members.
        members: Vec<Actor>,
    },
    /// The spokesperson was named.
    SpokespersonNamed {
        /// Who.
        person: Actor,
    },
    /// The plan stands.
    Planned,
    /// A step of the process changed.
    Step {
        /// Which.
        step: StepKind,
        /// Who does it now, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Actor>,
        /// By when now (UTC), if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Timestamp>,
        /// Whether it is done now, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<bool>,
    },
    /// A version of the statement was written.
    StatementDrafted {
        /// Which.
        version: u32,
    },
    /// A version of the statement was approved.
    StatementApproved {
        /// Which.
        version: u32,
    },
    /// A version of the statement was taken back.
    StatementWithdrawn {
        /// Which.
        version: u32,
    },
    /// Somebody noted something.
    Noted,
    /// Somebody looked at it. Kept in the chain only.
    Viewed,
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
    /// It was decided to tell people. Kept in the chain only.
    Told {
        /// The notification's id.
        notification: String,
        /// What is told.
        kind: String,
        /// Who is told: this level and those below it.
        audience: Escalation,
        /// Who was on call then.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        on_call: Vec<OnCall>,
    },
    /// A push came to its end. Kept in the chain only.
    Pushed {
        /// The push.
        delivery: String,
        /// The notification's id.
        notification: String,
        /// The configured name of the receiver.
        receiver: String,
        /// `delivered` or `failed`.
        state: String,
        /// Attempts made.
        attempts: u32,
        /// The provider's words.
        answer: String,
    },
    /// Something of a person was erased from it, at that person's wish.
    Erased {
        /// Pieces of feedback that were shown with it.
        samples: u32,
        /// Lines whose words were erased.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<u64>,
    },
    /// A command came that its state does not allow; nothing changed.
    Refused {
        /// The action.
        action: String,
    },
}

impl TimelineEvent {
    /// Its stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            TimelineEvent::Raised { .. } => "raised",
            TimelineEvent::Signals { .. } => "signals",
            TimelineEvent::Reopened { .. } => "reopened",
            TimelineEvent::SeverityRaised { .. } => "severity_raised",
            TimelineEvent::SeverityLowered { .. } => "severity_lowered",
            TimelineEvent::Acknowledged => "acknowledged",
            TimelineEvent::Assessing => "assessing",
            TimelineEvent::Confirmed => "confirmed",
            TimelineEvent::Responded => "responded",
            TimelineEvent::Resolved => "resolved",
            TimelineEvent::Reviewed => "reviewed",
            TimelineEvent::Dismissed { .. } => "dismissed",
            TimelineEvent::HandOverAsked { .. } => "hand_over_asked",
            TimelineEvent::HandedOver { .. } => "handed_over",
            TimelineEvent::HandOverDeclined { .. } => "hand_over_declined",
            TimelineEvent::Paused { .. } => "paused",
            TimelineEvent::Resumed => "resumed",
            TimelineEvent::TeamNamed { .. } => "team_named",
            TimelineEvent::SpokespersonNamed { .. } => "spokesperson_named",
            TimelineEvent::Planned => "planned",
            TimelineEvent::Step { .. } => "step",
            TimelineEvent::StatementDrafted { .. } => "statement_drafted",
            TimelineEvent::StatementApproved { .. } => "statement_approved",
            TimelineEvent::StatementWithdrawn { .. } => "statement_withdrawn",
            TimelineEvent::Noted => "noted",
            TimelineEvent::Viewed => "viewed",
            TimelineEvent::Nudged { .. } => "nudged",
            TimelineEvent::Breached { .. } => "breached",
            TimelineEvent::Escalated { .. } => "escalated",
            TimelineEvent::Told { .. } => "told",
            TimelineEvent::Pushed { .. } => "pushed",
            TimelineEvent::Erased { .. } => "erased",
            TimelineEvent::Refused { .. } => "refused",
        }
    }

    /// What a person did, as [`Action::name`](crate::Action::name) names it; with `.refused` where it was refused. `None`
    /// for what is no person's action, and for looks.
    pub fn action(&self) -> Option<String> {
        Some(match self {
            TimelineEvent::Acknowledged => "acknowledge".to_owned(),
            TimelineEvent::Assessing => "assess".to_owned(),
            TimelineEvent::Confirmed => "confirm".to_owned(),
            TimelineEvent::Responded => "respond".to_owned(),
            TimelineEvent::Resolved => "resolve".to_owned(),
            TimelineEvent::Reviewed => "review".to_owned(),
            TimelineEvent::Dismissed { .. } => "dismiss".to_owned(),
            TimelineEvent::Escalated { .. } => "escalate".to_owned(),
            TimelineEvent::SeverityLowered { .. } => "lower_severity".to_owned(),
            TimelineEvent::HandOverAsked { .. } => "hand_over".to_owned(),
            TimelineEvent::HandedOver { .. } => "accept_hand_over".to_owned(),
            TimelineEvent::HandOverDeclined { .. } => "decline_hand_over".to_owned(),
            TimelineEvent::Paused { .. } => "pause".to_owned(),
            TimelineEvent::Resumed => "resume".to_owned(),
            TimelineEvent::TeamNamed { .. } => "name_team".to_owned(),
            TimelineEvent::SpokespersonNamed { .. } => "name_spokesperson".to_owned(),
            TimelineEvent::Planned => "plan".to_owned(),
            TimelineEvent::Step { .. } => "set_step".to_owned(),
            TimelineEvent::StatementDrafted { .. } => "draft_statement".to_owned(),
            TimelineEvent::StatementApproved { .. } => "approve_statement".to_owned(),
            TimelineEvent::StatementWithdrawn { .. } => "withdraw_statement".to_owned(),
            TimelineEvent::Noted => "note".to_owned(),
            TimelineEvent::Refused { action } => format!("{action}.refused"),
            TimelineEvent::Raised { .. }
            | TimelineEvent::Signals { .. }
            | TimelineEvent::Reopened { .. }
            | TimelineEvent::SeverityRaised { .. }
            | TimelineEvent::Viewed
            | TimelineEvent::Nudged { .. }
            | TimelineEvent::Breached { .. }
            | TimelineEvent::Told { .. }
            | TimelineEvent::Pushed { .. }
            | TimelineEvent::Erased { .. } => return None,
        })
    }

    /// Whether the alert's record lists it; what is not listed stands in the chain alone.
    pub const fn is_listed(&self) -> bool {
        !matches!(
            self,
            TimelineEvent::Signals { .. }
                | TimelineEvent::Viewed
                | TimelineEvent::Told { .. }
                | TimelineEvent::Pushed { .. }
        )
    }
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

impl TimelineEntry {
    /// Takes out what people put into words, with the id of the command that brought it: command, note and reason. `None` where
    /// there is nothing; then the command stays.
    pub(crate) fn take_words(&mut self) -> Option<[String; 3]> {
        let reason = match &mut self.event {
            TimelineEvent::Dismissed { reason } | TimelineEvent::Paused { reason, .. } => {
                std::mem::take(reason)
            }
            _ => String::new(),
        };
        let note = std::mem::take(&mut self.note);
        if note.is_empty() && reason.is_empty() {
            return None;
        }
        Some([self.command.take().unwrap_or_default(), note, reason])
    }
}
