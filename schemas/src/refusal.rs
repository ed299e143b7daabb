//! What a person may do to an alert as it stands: one set of rules for whoever asks and whoever acts.

use jiff::Timestamp;

use crate::{Action, Actor, Alert, AlertState, Escalation, HandOver, Severity, StepKind};

/// Versions of a statement kept in an alert: a matter that needs more is a matter for a document.
const STATEMENTS: usize = 30;
/// Characters of a statement.
const LONGEST_STATEMENT: usize = 5_000;
/// Characters of a reason.
const LONGEST_REASON: usize = 1_000;
/// Characters of a person's name.
const LONGEST_NAME: usize = 100;
/// Members of a team.
const LARGEST_TEAM: usize = 50;

impl Alert {
    /// Why `actor` cannot do that to the alert as it stands, in words for the actor; `None` if it can be done.
    pub fn refusal(&self, action: &Action, actor: &Actor, now: Timestamp) -> Option<String> {
        match action {
            Action::View | Action::Note => None,
            Action::Review => match &self.state {
                AlertState::Resolved { .. } => None,
                AlertState::Reviewed { .. } => self.already(),
                _ => Some("only a resolved alert is reviewed".to_owned()),
            },
            Action::SetStep { owner, .. } => match &self.state {
                AlertState::Reviewed { .. } | AlertState::Dismissed { .. } => self.already(),
                _ => owner.as_ref().and_then(name_fault),
            },
            _ if !self.state.is_open() => self.already(),
            _ => self.refusal_while_open(action, actor, now),
        }
    }

    /// The names of the actions that `actor` can do to the alert as it stands, with what they need beside.
    pub fn allowed(&self, actor: &Actor, now: Timestamp) -> Vec<&'static str> {
        let reason = || "x".to_owned();
        let somebody = || Actor("x".to_owned());
        let to = match &self.handling.owner {
            Some(owner) if owner != actor => actor.clone(),
            _ => somebody(),
        };
        let statements = &self.handling.statements;
        let latest = statements.last().map_or(0, |latest| latest.version);
        let current = self.handling.statement(now).map_or(latest, |s| s.version);
        [
            Action::Acknowledge,
            Action::Assess,
            Action::Confirm,
            Action::Respond,
            Action::Resolve,
            Action::Review,
            Action::Dismiss { reason: reason() },
            Action::Escalate,
            Action::LowerSeverity {
                severity: Severity::Watch,
                reason: reason(),
            },
            Action::HandOver { to },
            Action::AcceptHandOver,
            Action::DeclineHandOver,
            Action::Pause {
                reason: reason(),
                minutes: None,
            },
            Action::Resume,
            Action::NameTeam {
                members: vec![somebody()],
            },
            Action::NameSpokesperson { person: somebody() },
            Action::Plan,
            Action::SetStep {
                step: StepKind::Collect,
                owner: None,
                due_at: None,
                done: None,
            },
            Action::DraftStatement { text: reason() },
            Action::ApproveStatement {
                version: latest,
                expires_at: None,
            },
            Action::WithdrawStatement { version: current },
            Action::Note,
        ]
        .into_iter()
        .filter(|action| self.refusal(action, actor, now).is_none())
        .map(|action| action.name())
        .collect()
    }

    fn refusal_while_open(&self, action: &Action, actor: &Actor, now: Timestamp) -> Option<String> {
        let clock = self.clock.as_ref();
        let no_clock = || Some(format!("a {} has no clock", self.severity.name()));
        match action {
            Action::Acknowledge if self.state != AlertState::Raised => self.already(),
            Action::Assess => match &self.state {
                AlertState::Raised | AlertState::Acknowledged { .. } => None,
                _ => self.already(),
            },
            Action::Respond if matches!(self.state, AlertState::Responding { .. }) => {
                self.already()
            }
            Action::Confirm => self
                .handling
                .confirmed_at
                .map(|at| format!("already confirmed at {at}")),
            Action::Dismiss { reason } => reason_fault(reason),
            Action::Escalate => match clock {
                None => no_clock(),
                Some(clock) if clock.escalation == Escalation::Management => {
                    Some("already with management".to_owned())
                }
                Some(_) => None,
            },
            Action::LowerSeverity { severity, .. } if *severity >= self.severity => Some(format!(
                "the severity is {} and can only be lowered; it rises by evidence",
                self.severity.name()
            )),
            Action::LowerSeverity { reason, .. } => reason_fault(reason),
            Action::Pause { reason, minutes } => match clock {
                None => no_clock(),
                Some(clock) if clock.paused.is_some() => {
                    Some("the clock stands already".to_owned())
                }
                Some(_) if *minutes == Some(0) => {
                    Some("a pause lasts at least a minute".to_owned())
                }
                Some(_) => reason_fault(reason),
            },
            Action::Resume => match clock {
                Some(clock) if clock.paused.is_some() => None,
                _ => Some("the clock is not paused".to_owned()),
            },
            Action::HandOver { to } => self.hand_over_refusal(to, actor),
            Action::AcceptHandOver => match &self.handling.hand_over {
                None => Some("no hand-over was asked for".to_owned()),
                Some(asked) if *answers(asked) == *actor => None,
                Some(asked) => Some(format!("only {} can accept it", answers(asked).0)),
            },
            Action::DeclineHandOver => match &self.handling.hand_over {
                None => Some("no hand-over was asked for".to_owned()),
                Some(asked) if asked.from == *actor || asked.to == *actor => None,
                Some(asked) => Some(format!(
                    "only {} and {} can decline it",
                    asked.from.0, asked.to.0
                )),
            },
            Action::NameTeam { members } if members.is_empty() => {
                Some("a team has at least one member".to_owned())
            }
            Action::NameTeam { members } if members.len() > LARGEST_TEAM => {
                Some(format!("a team has at most {LARGEST_TEAM} members"))
            }
            Action::NameTeam { members } => members.iter().find_map(name_fault),
            Action::NameSpokesperson { person } => name_fault(person),
            Action::DraftStatement { .. }
            | Action::ApproveStatement { .. }
            | Action::WithdrawStatement { .. } => self.statement_refusal(action, actor, now),
            _ => None,
        }
    }

    fn hand_over_refusal(&self, to: &Actor, actor: &Actor) -> Option<String> {
        let Some(owner) = &self.handling.owner else {
            return Some("nobody owns it yet: acknowledge it".to_owned());
        };
        if to == owner {
            return Some(format!("{} owns it already", owner.0));
        }
        if actor != owner && actor != to {
            return Some(format!(
                "only its owner, {}, can give it to somebody else; you can ask for it yourself",
                owner.0
            ));
        }
        name_fault(to)
    }

    fn statement_refusal(&self, action: &Action, actor: &Actor, now: Timestamp) -> Option<String> {
        let statements = &self.handling.statements;
        let version = match action {
            Action::DraftStatement { text } if text.trim().is_empty() => {
                return Some("a statement has words".to_owned());
            }
            Action::DraftStatement { text } if text.chars().count() > LONGEST_STATEMENT => {
                return Some(format!(
                    "a statement has at most {LONGEST_STATEMENT} characters"
                ));
            }
            Action::DraftStatement { .. } => {
                return (statements.len() >= STATEMENTS)
                    .then(|| format!("an alert keeps at most {STATEMENTS} versions"));
            }
            Action::ApproveStatement { version, .. } | Action::WithdrawStatement { version } => {
                *version
            }
            _ => return None,
        };
        let Some(statement) = statements.iter().find(|s| s.version == version) else {
            return Some(format!("there is no version {version}"));
        };
        if let Some(withdrawn) = &statement.withdrawn {
            return Some(format!(
                "version {version} was withdrawn by {} at {}",
                withdrawn.by.0, withdrawn.at
            ));
        }
        let Action::ApproveStatement { expires_at, .. } = action else {
            return None;
        };
        if let Some(approved) = &statement.approved {
            return Some(format!(
                "version {version} was approved by {} at {}",
                approved.by.0, approved.at
            ));
        }
        if statement.by == *actor {
            return Some("somebody other than its author approves a statement".to_owned());
        }
        if statements
            .iter()
            .any(|s| s.version > version && s.approved.is_some())
        {
            return Some("a later version was approved already".to_owned());
        }
        expires_at
            .filter(|expires| *expires <= now)
            .map(|expires| format!("it would have expired at {expires} already"))
    }

    /// That it came to where it stands already, by whom and when.
    fn already(&self) -> Option<String> {
        let done = match &self.state {
            AlertState::Responding { .. } => "responded to",
            AlertState::Assessing { .. } => "being assessed",
            other => other.name(),
        };
        let (by, at) = self.state.by()?;
        Some(format!("already {done} by {} at {at}", by.0))
    }
}

/// Who has to answer a hand-over.
fn answers(asked: &HandOver) -> &Actor {
    if asked.asked_by == asked.from {
        &asked.to
    } else {
        &asked.from
    }
}

fn reason_fault(reason: &str) -> Option<String> {
    if reason.trim().is_empty() {
        return Some("this needs a reason".to_owned());
    }
    (reason.chars().count() > LONGEST_REASON)
        .then(|| format!("a reason has at most {LONGEST_REASON} characters"))
}

fn name_fault(person: &Actor) -> Option<String> {
    let length = person.0.trim().chars().count();
    (length == 0 || length > LONGEST_NAME)
        .then(|| format!("a name has 1 to {LONGEST_NAME} characters"))
}
