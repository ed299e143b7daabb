//! What falls due fires once, in the order it fell due, whatever the clock of the machine does meanwhile.

use jiff::Timestamp;
use wensheng_schemas::{AlertId, AlertState, DeadlineKind, NotificationKind, TimelineEvent};

use super::{Counted, Desk};
use crate::act::Rules;
use crate::clock::{self, Due, Phase, What};

impl Desk {
    /// Fires all that fell due, in the order it fell due.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.due.first().cloned() {
            if due.at > now {
                break;
            }
            self.fire(&id, due, now);
        }
        self.expire(now);
    }

    /// Fires what fell due of one alert until `until`.
    pub(super) fn fire_until(&mut self, id: &AlertId, until: Timestamp, now: Timestamp) {
        while let Some(due) = self.held.get(id).and_then(|held| held.due) {
            if due.at > until {
                break;
            }
            self.fire(id, due, now);
        }
    }

    pub(super) fn fire(&mut self, id: &AlertId, due: Due, now: Timestamp) {
        let rules = Rules {
            policies: &self.config.policies,
            calendar: &self.config.calendar,
        };
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        let (phase, drill) = (phase(&held.alert.state), held.alert.drill);
        let terms = rules.of(held.alert.severity);
        let Some((clock, phase)) = held.alert.clock.as_mut().zip(phase) else {
            return;
        };
        let kinds = clock::at(clock, phase, due);
        let detail = |kinds: &[DeadlineKind], suffix: &str| {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            format!("{}{suffix}/{}", names.join("+"), due.at.as_millisecond())
        };
        match due.what {
            What::Nudge(percent) => {
                for kind in &kinds {
                    clock::nudge(clock, *kind, percent);
                }
                for deadline in kinds.iter().copied() {
                    held.note_own(now, TimelineEvent::Nudged { deadline, percent });
                    self.counted
                        .extend((!drill).then_some(Counted::Nudged(deadline)));
                }
                if let Some((deadline, also)) = lead(&kinds) {
                    let kind = NotificationKind::Nudge {
                        deadline,
                        percent,
                        also,
                    };
                    self.tell(id, kind, &detail(&kinds, &format!("/{percent}")), now);
                }
            }
            What::Breach => {
                for kind in &kinds {
                    clock::breach(clock, *kind, now);
                }
                let level = clock::escalate(clock);
                for deadline in kinds.iter().copied() {
                    held.note_own(now, TimelineEvent::Breached { deadline });
                    self.counted
                        .extend((!drill).then_some(Counted::Breached(deadline)));
                }
                if let Some(to) = level {
                    held.note_own(now, TimelineEvent::Escalated { to });
                }
                if let Some((deadline, also)) = lead(&kinds) {
                    let kind = NotificationKind::Breach { deadline, also };
                    self.tell(id, kind, &detail(&kinds, ""), now);
                }
            }
            What::Resume => {
                match terms {
                    Some(terms) => clock::resume(clock, terms, due.at),
                    None => clock.paused = None,
                }
                held.note_own(now, TimelineEvent::Resumed);
                self.tell(id, NotificationKind::Resumed, &detail(&[], ""), now);
            }
        }
        self.schedule(id);
        self.touch(id);
    }

    /// Puts the alert's next due instant into the due set.
    pub(super) fn schedule(&mut self, id: &AlertId) {
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        if let Some(due) = held.due.take() {
            self.due.remove(&(due, id.clone()));
        }
        let alert = &held.alert;
        // Whoever took the clock away (a policy that is no more) is not to be surprised by it.
        let has_clock = self.config.policies.of(alert.severity).is_some();
        let clock = alert.clock.as_ref().filter(|_| has_clock);
        let next = clock
            .zip(phase(&alert.state))
            .and_then(|(clock, phase)| clock::next(clock, phase));
        if let Some(due) = next {
            held.due = Some(due);
            self.due.insert((due, id.clone()));
        }
    }
}

/// Which deadlines count in a state; none do once all is done.
const fn phase(state: &AlertState) -> Option<Phase> {
    match state {
        AlertState::Raised
        | AlertState::Acknowledged { .. }
        | AlertState::Assessing { .. }
        | AlertState::Responding { .. } => Some(Phase::Open),
        AlertState::Resolved { .. } => Some(Phase::Resolved),
        AlertState::Reviewed { .. } | AlertState::Dismissed { .. } => None,
    }
}

/// Of deadlines that come together, the one that a push leads with, and the others.
fn lead(kinds: &[DeadlineKind]) -> Option<(DeadlineKind, Vec<DeadlineKind>)> {
    let respond = kinds.iter().find(|kind| **kind == DeadlineKind::Respond);
    let first = *respond.or(kinds.first())?;
    let others = kinds.iter().copied().filter(|kind| *kind != first);
    Some((first, others.collect()))
}
