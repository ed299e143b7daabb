//! What falls due next is a function of the clock's record alone: no timer is kept that a restart could lose.

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Deadline, DeadlineKind, Escalation, ResponseClock};

use crate::policy::Policy;

/// What is to happen at an instant. Ordered as it falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) deadline: DeadlineKind,
    pub(crate) step: Step,
}

/// A reminder comes before the breach, should both fall on one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// People are reminded, at this share of the time in percent.
    Nudge(u8),
    /// The time is over.
    Breach,
}

/// A clock that starts at `now`.
pub(crate) fn start(policy: &Policy, now: Timestamp) -> ResponseClock {
    ResponseClock {
        started_at: now,
        deadlines: [DeadlineKind::Acknowledge, DeadlineKind::Respond]
            .into_iter()
            .map(|kind| Deadline {
                kind,
                due_at: later(now, policy.time_for(kind)),
                met_at: None,
                breached_at: None,
                nudged: Vec::new(),
            })
            .collect(),
        escalation: Escalation::FrontLine,
    }
}

/// Moves open deadlines to those of a stricter policy; none ever moves back.
pub(crate) fn tighten(clock: &mut ResponseClock, policy: &Policy) {
    for deadline in clock.deadlines.iter_mut().filter(|d| is_open(d)) {
        let due_at = later(clock.started_at, policy.time_for(deadline.kind));
        deadline.due_at = deadline.due_at.min(due_at);
    }
}

/// The first thing that will fall due, if anything.
pub(crate) fn next(clock: &ResponseClock, policy: &Policy) -> Option<Due> {
    clock
        .deadlines
        .iter()
        .filter(|deadline| is_open(deadline))
        .flat_map(|deadline| {
            let time = deadline.due_at.duration_since(clock.started_at);
            let breach = Due {
                at: deadline.due_at,
                deadline: deadline.kind,
                step: Step::Breach,
            };
            policy
                .nudge_percents
                .iter()
                .filter(|percent| !deadline.nudged.contains(percent))
                .map(move |percent| Due {
                    at: later(clock.started_at, share(time, *percent)),
                    deadline: deadline.kind,
                    step: Step::Nudge(*percent),
                })
                .chain(std::iter::once(breach))
        })
        .min()
}

/// Marks a deadline as met, once.
pub(crate) fn meet(clock: &mut ResponseClock, kind: DeadlineKind, at: Timestamp) {
    for deadline in clock.deadlines.iter_mut().filter(|d| d.kind == kind) {
        deadline.met_at.get_or_insert(at);
    }
}

/// Marks a reminder as given.
pub(crate) fn nudge(clock: &mut ResponseClock, kind: DeadlineKind, percent: u8) {
    for deadline in clock.deadlines.iter_mut().filter(|d| d.kind == kind) {
        deadline.nudged.push(percent);
    }
}

/// Marks a deadline as passed unmet, and takes the matter one level up. The new level, if there was one.
pub(crate) fn breach(
    clock: &mut ResponseClock,
    kind: DeadlineKind,
    now: Timestamp,
) -> Option<Escalation> {
    for deadline in clock.deadlines.iter_mut().filter(|d| d.kind == kind) {
        deadline.breached_at.get_or_insert(now);
    }
    let level = clock.escalation.next()?;
    clock.escalation = level;
    Some(level)
}

fn is_open(deadline: &Deadline) -> bool {
    deadline.met_at.is_none() && deadline.breached_at.is_none()
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// That share of a time, to the millisecond: an instant of a whole number of milliseconds is the same after any trip.
fn share(time: SignedDuration, percent: u8) -> SignedDuration {
    let ms = time.as_millis() * i128::from(percent) / 100;
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_untouched_clock_reminds_three_times_before_each_deadline_and_escalates_twice() {
        let policy = Policy::default();
        let mut clock = start(&policy, at(0));
        let mut told = Vec::new();
        while let Some(due) = next(&clock, &policy) {
            told.push((
                due.at.duration_since(at(0)).as_secs(),
                due.deadline,
                due.step,
            ));
            match due.step {
                Step::Nudge(percent) => nudge(&mut clock, due.deadline, percent),
                Step::Breach => {
                    breach(&mut clock, due.deadline, due.at);
                }
            }
        }
        use DeadlineKind::{Acknowledge, Respond};
        assert_eq!(
            told,
            [
                (450, Acknowledge, Step::Nudge(50)),
                (675, Acknowledge, Step::Nudge(75)),
                (810, Acknowledge, Step::Nudge(90)),
                (900, Acknowledge, Step::Breach),
                (1_800, Respond, Step::Nudge(50)),
                (2_700, Respond, Step::Nudge(75)),
                (3_240, Respond, Step::Nudge(90)),
                (3_600, Respond, Step::Breach),
            ]
        );
        assert_eq!(clock.escalation, Escalation::Management);
    }

    #[test]
    fn a_met_deadline_is_silent() {
        let policy = Policy::default();
        let mut clock = start(&policy, at(0));
        meet(&mut clock, DeadlineKind::Acknowledge, at(10));
        let due = next(&clock, &policy).unwrap();
        assert_eq!((due.deadline, due.at), (DeadlineKind::Respond, at(1_800)));
        meet(&mut clock, DeadlineKind::Respond, at(20));
        meet(&mut clock, DeadlineKind::Respond, at(30));
        assert_eq!(next(&clock, &policy), None);
        assert_eq!(clock.deadlines[1].met_at, Some(at(20)));
    }

    #[test]
    fn a_stricter_policy_moves_deadlines_forward_and_a_laxer_one_moves_none() {
        let mut clock = start(&Policy::default(), at(0));
        let strict = Policy {
            acknowledge_seconds: 300,
            respond_seconds: 7_200,
            ..Policy::default()
        };
        tighten(&mut clock, &strict);
        assert_eq!(clock.deadlines[0].due_at, at(300));
        assert_eq!(clock.deadlines[1].due_at, at(3_600));
    }
}
