//! What happened to an alert, line by line; each line carries the hash of the one before, so that no line can be changed,
//! left out or put in without the chain telling.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Actor, AlertId, DeadlineKind, Escalation, OnCall, Severity, StepKind};

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
            | TimelineEvent::Pushed { .. } => return None,
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

/// How far an alert's chain goes, and the hash of its last line: whoever has this can prove all lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainHead {
    /// Lines so far.
    pub lines: u64,
    /// The hash of the last line; empty before the first.
    pub hash: String,
}

impl ChainHead {
    /// Whether there is no line yet.
    pub const fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

/// A line of an alert's timeline with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRecord {
    /// Of which alert.
    pub alert: AlertId,
    /// The alert's brand: decides the partition.
    pub brand: String,
    /// From 1, without gaps.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: TimelineEntry,
    /// Part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// The hash of the line before; empty for the first.
    pub previous: String,
    /// The hash of this line: SHA-256, in lower-case hex, of the JSON array
    /// `[alert, brand, number, drill, previous, entry]`.
    pub hash: String,
}

impl TimelineRecord {
    /// The next line of the chain that ends with `head`, which then ends with it.
    pub fn append(
        alert: &AlertId,
        brand: &str,
        drill: bool,
        head: &mut ChainHead,
        entry: TimelineEntry,
    ) -> Self {
        let mut record = Self {
            alert: alert.clone(),
            brand: brand.to_owned(),
            number: head.lines + 1,
            entry,
            drill,
            previous: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        head.lines = record.number;
        head.hash.clone_from(&record.hash);
        record
    }

    /// The hash that its content has.
    pub fn computed_hash(&self) -> String {
        // As when records are encoded: contract types always have a form in JSON.
        let content = serde_json::to_vec(&(
            &self.alert,
            &self.brand,
            self.number,
            self.drill,
            &self.previous,
            &self.entry,
        ))
        .unwrap_or_default();
        let digest = Sha256::digest(&content);
        let mut hex = String::with_capacity(64);
        for byte in digest {
            for half in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
            }
        }
        hex
    }
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A line is not the one that follows.
    #[error("line {expected} is missing: line {found} stands in its place")]
    Missing {
        /// The number that should come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A line belongs to another alert.
    #[error("line {number} belongs to another alert")]
    Foreign {
        /// Which line.
        number: u64,
    },
    /// A line does not carry the hash of the one before.
    #[error("line {number} does not follow from the line before it")]
    Unlinked {
        /// Which line.
        number: u64,
    },
    /// A line's content is not what its hash was made of.
    #[error("line {number} was changed: its hash does not fit its content")]
    Changed {
        /// Which line.
        number: u64,
    },
    /// The chain does not end where the alert says.
    #[error(
        "the chain has {found} lines where the alert tells of {expected}, or its last line is not the alert's"
    )]
    Cut {
        /// Lines that the alert tells of.
        expected: u64,
        /// Lines found.
        found: u64,
    },
}

/// Checks all lines of one alert, in order, against the head that its record carries. The number of lines proved.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_chain(
    alert: &AlertId,
    head: &ChainHead,
    lines: &[TimelineRecord],
) -> Result<u64, ChainFault> {
    let mut before = ChainHead::default();
    for line in lines {
        let number = line.number;
        if number != before.lines + 1 {
            return Err(ChainFault::Missing {
                expected: before.lines + 1,
                found: number,
            });
        }
        if line.alert != *alert {
            return Err(ChainFault::Foreign { number });
        }
        if line.previous != before.hash {
            return Err(ChainFault::Unlinked { number });
        }
        if line.hash != line.computed_hash() {
            return Err(ChainFault::Changed { number });
        }
        before.lines = number;
        before.hash.clone_from(&line.hash);
    }
    if before != *head {
        return Err(ChainFault::Cut {
            expected: head.lines,
            found: before.lines,
        });
    }
    Ok(before.lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(lines: u32) -> (AlertId, ChainHead, Vec<TimelineRecord>) {
        let id = AlertId::of("青柚茶饮", "price", "s1");
        let mut head = ChainHead::default();
        let records = (0..lines)
            .map(|n| {
                let entry = TimelineEntry {
                    at: Timestamp::UNIX_EPOCH,
                    actor: Actor("林值班".to_owned()),
                    event: TimelineEvent::Noted,
                    note: format!("第 {n} 条"),
                    command: None,
                };
                TimelineRecord::append(&id, "青柚茶饮", false, &mut head, entry)
            })
            .collect();
        (id, head, records)
    }

    #[test]
    fn a_chain_that_nobody_touched_is_proved_and_every_tampering_is_told() {
        let (id, head, whole) = chain(4);
        assert_eq!(verify_chain(&id, &head, &whole), Ok(4));
        let mut changed = whole.clone();
        changed[1].entry.note = "改过的".to_owned();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Changed { number: 2 })
        );
        changed[1].hash = changed[1].computed_hash();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Unlinked { number: 3 })
        );
        let mut without = whole.clone();
        without.remove(2);
        assert_eq!(
            verify_chain(&id, &head, &without),
            Err(ChainFault::Missing {
                expected: 3,
                found: 4
            })
        );
        assert_eq!(
            verify_chain(&id, &head, &whole[..3]),
            Err(ChainFault::Cut {
                expected: 4,
                found: 3
            })
        );
        let mut foreign = whole;
        foreign[0].alert = AlertId::of("青柚茶饮", "price", "s2");
        assert_eq!(
            verify_chain(&id, &head, &foreign),
            Err(ChainFault::Foreign { number: 1 })
        );
    }

    #[test]
    fn the_hash_outlives_a_trip_through_json() {
        let (_, _, records) = chain(1);
        let json = serde_json::to_string(&records[0]).unwrap();
        let read: TimelineRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(read.computed_hash(), read.hash);
    }
}
