//! What an action that is allowed does to an alert. Whether it is allowed is decided before, by
//! [`Alert::refusal`](wensheng_schemas::Alert::refusal): the same rules that the console asks.

use jiff::Timestamp;
use wensheng_schemas::{
    Action, Actor, Alert, AlertState, DeadlineKind, Done, HandOver, Lowered, NotificationKind,
    ProcessStep, Seen, Severity, Statement, StepKind, TimelineEvent,
};

use crate::calendar::Calendar;
use crate::clock::{self, Terms};
use crate::policy::{Policies, Policy};

/// People listed as having seen an alert; later ones stand in the chain alone.
const SEEN: usize = 50;
/// Looks of one person within this many seconds are one look.
const LOOK_SECONDS: i64 = 600;

/// What an action led to.
#[derive(Debug, Default)]
pub(crate) struct Acted {
    /// What is noted, in order.
    pub(crate) events: Vec<TimelineEvent>,
    /// What people are told, if anything.
    pub(crate) told: Option<NotificationKind>,
}

impl Acted {
    fn of(event: TimelineEvent, told: NotificationKind) -> Self {
        Self {
            events: vec![event],
            told: Some(told),
        }
    }

    fn quietly(event: TimelineEvent) -> Self {
        Self {
            events: vec![event],
            told: None,
        }
    }
}

/// The policies, and the calendar by which they count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) policies: &'a Policies,
    pub(crate) calendar: &'a Calendar,
}

impl<'a> Rules<'a> {
    /// The terms of a severity, if it has a clock.
    pub(crate) fn of(&self, severity: Severity) -> Option<Terms<'a>> {
        self.policies.of(severity).map(|policy| Terms {
            policy,
            calendar: self.calendar,
        })
    }
}

/// Carries out an action of `by` that is allowed, done at `at`.
pub(crate) fn act(
    alert: &mut Alert,
    action: &Action,
    by: &Actor,
    at: Timestamp,
    note: &str,
    rules: Rules<'_>,
) -> Acted {
    let terms = rules.of(alert.severity);
    match action {
        Action::Acknowledge => {
            own(alert, by);
            alert.state = AlertState::Acknowledged { by: by.clone(), at };
            meet(alert, &[DeadlineKind::Acknowledge], at);
            Acted::of(TimelineEvent::Acknowledged, NotificationKind::Acknowledged)
        }
        Action::Assess => {
            let mut acted = taken(alert, by, at);
            alert.state = AlertState::Assessing { by: by.clone(), at };
            acted.events.push(TimelineEvent::Assessing);
            acted.told = Some(NotificationKind::Assessing);
            acted
        }
        Action::Confirm => {
            alert.handling.confirmed_at = Some(at);
            if let (Some(clock), Some(terms)) = (&mut alert.clock, terms) {
                clock::confirm(clock, terms, at);
            }
            plan_steps(alert, terms, at);
            Acted::of(TimelineEvent::Confirmed, NotificationKind::Confirmed)
        }
        Action::Respond => {
            let mut acted = taken(alert, by, at);
            alert.state = AlertState::Responding { by: by.clone(), at };
            meet(alert, &[DeadlineKind::Respond], at);
            acted.events.push(TimelineEvent::Responded);
            acted.told = Some(NotificationKind::Responded);
            acted
        }
        Action::Resolve => {
            own(alert, by);
            alert.state = AlertState::Resolved { by: by.clone(), at };
            alert.handling.hand_over = None;
            meet(
                alert,
                &[DeadlineKind::Acknowledge, DeadlineKind::Respond],
                at,
            );
            if let (Some(clock), Some(terms)) = (&mut alert.clock, terms) {
                clock::resolve(clock, terms, at);
            }
            Acted::of(TimelineEvent::Resolved, NotificationKind::Resolved)
        }
        Action::Review => {
            alert.state = AlertState::Reviewed { by: by.clone(), at };
            meet(alert, &[DeadlineKind::Review], at);
            finish_step(alert, StepKind::Learn, by, at);
            Acted::of(TimelineEvent::Reviewed, NotificationKind::Reviewed)
        }
        Action::Dismiss { reason } => {
            let reason = reason.trim().to_owned();
            alert.state = AlertState::Dismissed {
                by: by.clone(),
                at,
                reason: reason.clone(),
            };
            alert.handling.hand_over = None;
            meet(alert, &[DeadlineKind::Acknowledge], at);
            if let Some(clock) = &mut alert.clock {
                clock.paused = None;
            }
            Acted::of(
                TimelineEvent::Dismissed { reason },
                NotificationKind::Dismissed,
            )
        }
        Action::Escalate => match alert.clock.as_mut().and_then(clock::escalate) {
            Some(to) => Acted::of(TimelineEvent::Escalated { to }, NotificationKind::Escalated),
            None => Acted::default(),
        },
        Action::LowerSeverity { severity, .. } => lower(alert, *severity, by, at, rules),
        Action::HandOver { .. } | Action::AcceptHandOver | Action::DeclineHandOver => {
            hand_over(alert, action, by, at, note)
        }
        Action::Pause { reason, minutes } => pause(alert, reason, *minutes, by, at, terms),
        Action::Resume => {
            if let (Some(clock), Some(terms)) = (&mut alert.clock, terms) {
                clock::resume(clock, terms, at);
            }
            Acted::of(TimelineEvent::Resumed, NotificationKind::Resumed)
        }
        Action::NameTeam { members } => {
            alert.handling.team.clone_from(members);
            meet(alert, &[DeadlineKind::Team], at);
            let members = members.clone();
            Acted::quietly(TimelineEvent::TeamNamed { members })
        }
        Action::NameSpokesperson { person } => {
            alert.handling.spokesperson = Some(person.clone());
            meet(alert, &[DeadlineKind::Spokesperson], at);
            let person = person.clone();
            Acted::quietly(TimelineEvent::SpokespersonNamed { person })
        }
        Action::Plan => {
            meet(alert, &[DeadlineKind::Plan], at);
            finish_step(alert, StepKind::ActivatePlan, by, at);
            Acted::quietly(TimelineEvent::Planned)
        }
        Action::SetStep {
            step,
            owner,
            due_at,
            done,
        } => {
            let set = step_of(alert, *step);
            if let Some(owner) = owner {
                set.owner = Some(owner.clone());
            }
            if let Some(due_at) = due_at {
                set.due_at = Some(*due_at);
            }
            if let Some(done) = done {
                set.done = done.then(|| Done { by: by.clone(), at });
            }
            if !note.is_empty() {
                note.clone_into(&mut set.note);
            }
            Acted::quietly(TimelineEvent::Step {
                step: *step,
                owner: owner.clone(),
                due_at: *due_at,
                done: *done,
            })
        }
        Action::DraftStatement { .. }
        | Action::ApproveStatement { .. }
        | Action::WithdrawStatement { .. } => statement(alert, action, by, at),
        Action::Note => Acted::quietly(TimelineEvent::Noted),
        Action::View => Acted::quietly(TimelineEvent::Viewed),
    }
}

/// Notes that somebody looked at the alert; whether that is news.
pub(crate) fn look(alert: &mut Alert, by: &Actor, at: Timestamp) -> bool {
    let seen = &mut alert.handling.seen;
    let room = seen.len() < SEEN;
    match seen.iter_mut().find(|seen| seen.by == *by) {
        Some(seen) => {
            let news = at.duration_since(seen.last_at).as_secs() >= LOOK_SECONDS;
            if news {
                seen.last_at = at;
            }
            news
        }
        None if room => {
            seen.push(Seen {
                by: by.clone(),
                first_at: at,
                last_at: at,
            });
            true
        }
        None => false,
    }
}

/// The steps of the process with their due times, once an alert has a clock.
pub(crate) fn plan_steps(alert: &mut Alert, terms: Option<Terms<'_>>, from: Timestamp) {
    let Some(terms) = terms else {
        return;
    };
    for kind in StepKind::ALL {
        let due_at =
            terms.policy.step_seconds.get(&kind).map(|seconds| {
                terms.add(from, jiff::SignedDuration::from_secs(i64::from(*seconds)))
            });
        let step = step_of(alert, kind);
        if step.due_at.is_none() {
            step.due_at = due_at;
        }
    }
}

fn step_of(alert: &mut Alert, kind: StepKind) -> &mut ProcessStep {
    let steps = &mut alert.handling.steps;
    let at = steps.partition_point(|step| step.step < kind);
    if steps.get(at).is_none_or(|step| step.step != kind) {
        let step = ProcessStep {
            step: kind,
            owner: None,
            due_at: None,
            note: String::new(),
            done: None,
        };
        steps.insert(at, step);
    }
    &mut steps[at]
}

fn finish_step(alert: &mut Alert, kind: StepKind, by: &Actor, at: Timestamp) {
    step_of(alert, kind)
        .done
        .get_or_insert_with(|| Done { by: by.clone(), at });
}

/// Who acts first on an alert owns it.
fn own(alert: &mut Alert, by: &Actor) {
    alert.handling.owner.get_or_insert_with(|| by.clone());
}

/// Whoever goes to work on an alert that nobody took has taken it.
fn taken(alert: &mut Alert, by: &Actor, at: Timestamp) -> Acted {
    let mut acted = Acted::default();
    if alert.state == AlertState::Raised {
        acted.events.push(TimelineEvent::Acknowledged);
    }
    own(alert, by);
    meet(alert, &[DeadlineKind::Acknowledge], at);
    acted
}

fn meet(alert: &mut Alert, kinds: &[DeadlineKind], at: Timestamp) {
    if let Some(clock) = &mut alert.clock {
        for kind in kinds {
            clock::meet(clock, *kind, at);
        }
    }
}

fn lower(alert: &mut Alert, to: Severity, by: &Actor, at: Timestamp, rules: Rules<'_>) -> Acted {
    let from = alert.severity;
    alert.severity = to;
    alert.handling.lowered = Some(Lowered {
        from,
        to,
        by: by.clone(),
        at,
    });
    // What has no clock is not worth one: the one that ran is kept with the earlier ones.
    if rules.of(to).is_none()
        && let Some(clock) = alert.clock.take()
    {
        alert.handling.earlier_clocks.push(clock);
    }
    Acted::of(
        TimelineEvent::SeverityLowered { from, to },
        NotificationKind::SeverityLowered,
    )
}

fn hand_over(alert: &mut Alert, action: &Action, by: &Actor, at: Timestamp, note: &str) -> Acted {
    let handling = &mut alert.handling;
    match (action, handling.owner.clone(), handling.hand_over.take()) {
        (Action::HandOver { to }, Some(from), _) => {
            handling.hand_over = Some(HandOver {
                from,
                to: to.clone(),
                asked_by: by.clone(),
                at,
                note: note.to_owned(),
            });
            Acted::of(
                TimelineEvent::HandOverAsked { to: to.clone() },
                NotificationKind::HandOverAsked,
            )
        }
        (Action::AcceptHandOver, _, Some(asked)) => {
            handling.owner = Some(asked.to.clone());
            let (from, to) = (asked.from, asked.to);
            Acted::of(
                TimelineEvent::HandedOver { from, to },
                NotificationKind::HandedOver,
            )
        }
        (_, _, Some(asked)) => Acted::of(
            TimelineEvent::HandOverDeclined { to: asked.to },
            NotificationKind::HandOverDeclined,
        ),
        _ => Acted::default(),
    }
}

fn pause(
    alert: &mut Alert,
    reason: &str,
    minutes: Option<u32>,
    by: &Actor,
    at: Timestamp,
    terms: Option<Terms<'_>>,
) -> Acted {
    let (Some(clock), Some(Terms { policy, .. })) = (&mut alert.clock, terms) else {
        return Acted::default();
    };
    let policy: &Policy = policy;
    let reason = reason.trim().to_owned();
    let until = clock::pause(clock, policy, by, &reason, minutes, at);
    Acted::of(
        TimelineEvent::Paused { reason, until },
        NotificationKind::Paused,
    )
}

fn statement(alert: &mut Alert, action: &Action, by: &Actor, at: Timestamp) -> Acted {
    let done = || Done { by: by.clone(), at };
    let statements = &mut alert.handling.statements;
    match action {
        Action::DraftStatement { text } => {
            let version = statements.last().map_or(0, |last| last.version) + 1;
            statements.push(Statement {
                version,
                text: text.trim().to_owned(),
                by: by.clone(),
                at,
                approved: None,
                expires_at: None,
                withdrawn: None,
            });
            Acted::quietly(TimelineEvent::StatementDrafted { version })
        }
        Action::ApproveStatement {
            version,
            expires_at,
        } => {
            for statement in statements.iter_mut().filter(|s| s.version == *version) {
                statement.approved = Some(done());
                statement.expires_at = *expires_at;
            }
            finish_step(alert, StepKind::OneVoice, by, at);
            Acted::of(
                TimelineEvent::StatementApproved { version: *version },
                NotificationKind::StatementChanged,
            )
        }
        Action::WithdrawStatement { version } => {
            let mut was_approved = false;
            for statement in statements.iter_mut().filter(|s| s.version == *version) {
                was_approved = statement.approved.is_some();
                statement.withdrawn = Some(done());
            }
            let event = TimelineEvent::StatementWithdrawn { version: *version };
            Acted {
                events: vec![event],
                told: was_approved.then_some(NotificationKind::StatementChanged),
            }
        }
        _ => Acted::default(),
    }
}
