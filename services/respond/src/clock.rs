//! What falls due next is a function of the clock's record alone: no timer is kept that a restart could lose, and no
//! instant is worked out anew from a configuration that may have changed.

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Actor, Deadline, DeadlineKind, Escalation, Pause, Reminder, ResponseClock};

use crate::calendar::Calendar;
use crate::policy::{Hours, Policy, T0};

/// The policy of a severity, and the calendar by which it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) calendar: &'a Calendar,
}

/// What is to happen at an instant. Ordered as it falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

/// A reminder comes before the breach, should both fall on one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// People are reminded of a deadline, at this share of the time in percent.
    Nudge(u8),
    /// The time of a deadline is over.
    Breach,
    /// A pause is over.
    Resume,
}

/// Before the matter is over all deadlines count but the review, and after it that alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    Resolved,
}

impl Phase {
    fn counts(self, kind: DeadlineKind) -> bool {
        (kind == DeadlineKind::Review) == (self == Phase::Resolved)
    }
}

impl Terms<'_> {
    /// The instant at which `span` has passed since `at`.
    pub(crate) fn add(&self, at: Timestamp, span: SignedDuration) -> Timestamp {
        match self.policy.hours {
            Hours::Always => at.saturating_add(span).unwrap_or(Timestamp::MAX),
            Hours::Business => self.calendar.add(at, span),
        }
    }

    fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        match self.policy.hours {
            Hours::Always => to.duration_since(from),
            Hours::Business => self.calendar.between(from, to),
        }
    }

    fn reminders(&self, from: Timestamp, due_at: Timestamp) -> Vec<Reminder> {
        let time = self.between(from, due_at);
        let remind = |percent: &u8| Reminder {
            percent: *percent,
            at: self.add(from, share(time, *percent)),
        };
        self.policy.nudge_percents.iter().map(remind).collect()
    }

    /// A deadline whose time runs from `from`; of its reminders those that lie before `now` are left out.
    fn deadline(
        &self,
        kind: DeadlineKind,
        from: Timestamp,
        t0: Timestamp,
        now: Timestamp,
    ) -> Option<Deadline> {
        let due_at = self.add(from, self.policy.time_for(kind)?);
        let reminders = self.reminders(from, due_at);
        Some(Deadline {
            kind,
            due_at,
            met_at: None,
            breached_at: None,
            nudged: reminders
                .iter()
                .filter(|reminder| reminder.at < now)
                .map(|reminder| reminder.percent)
                .collect(),
            started_at: (from != t0).then_some(from),
            reminders,
        })
    }
}

/// The deadlines of an open matter that do not wait for its confirmation.
const CONFIRMED: [DeadlineKind; 4] = [
    DeadlineKind::Team,
    DeadlineKind::Spokesperson,
    DeadlineKind::Respond,
    DeadlineKind::Plan,
];

/// The clock of an alert that is raised, or flares up, at `now`.
pub(crate) fn start(
    terms: Terms<'_>,
    now: Timestamp,
    first_post_at: Timestamp,
    confirmed_at: Option<Timestamp>,
) -> ResponseClock {
    let t0 = match terms.policy.t0 {
        T0::FirstPost => first_post_at.min(now),
        T0::Detection | T0::Confirmation => now,
    };
    let mut clock = ResponseClock {
        started_at: t0,
        deadlines: Vec::new(),
        escalation: Escalation::FrontLine,
        paused: None,
        paused_seconds: 0,
    };
    add(&mut clock, terms, &[DeadlineKind::Acknowledge], t0, now);
    match (terms.policy.t0, confirmed_at) {
        (T0::Confirmation, Some(confirmed_at)) => {
            add(&mut clock, terms, &CONFIRMED, confirmed_at, now);
        }
        (T0::Confirmation, None) => {}
        _ => add(&mut clock, terms, &CONFIRMED, t0, now),
    }
    clock
}

/// Adds the deadlines of these kinds that the policy has and the clock has not.
fn add(
    clock: &mut ResponseClock,
    terms: Terms<'_>,
    kinds: &[DeadlineKind],
    from: Timestamp,
    now: Timestamp,
) {
    for kind in kinds {
        if clock.deadline(*kind).is_none()
            && let Some(deadline) = terms.deadline(*kind, from, clock.started_at, now)
        {
            clock.deadlines.push(deadline);
        }
    }
    clock.deadlines.sort_by_key(|deadline| deadline.kind);
}

/// The matter was confirmed: where that is T0, the time for all but the acknowledgement begins.
pub(crate) fn confirm(clock: &mut ResponseClock, terms: Terms<'_>, at: Timestamp) {
    if terms.policy.t0 == T0::Confirmation {
        add(clock, terms, &CONFIRMED, at, at);
    }
}

/// The matter is over: the time for the review begins.
pub(crate) fn resolve(clock: &mut ResponseClock, terms: Terms<'_>, at: Timestamp) {
    clock.paused = None;
    add(clock, terms, &[DeadlineKind::Review], at, at);
}

/// Moves pending deadlines to those of a stricter policy; none ever moves back. What only the stricter policy asks for
/// has its time from now.
pub(crate) fn tighten(
    clock: &mut ResponseClock,
    terms: Terms<'_>,
    confirmed: bool,
    now: Timestamp,
) {
    let t0 = clock.started_at;
    let stood = SignedDuration::from_secs(i64::try_from(clock.paused_seconds).unwrap_or(i64::MAX));
    for deadline in clock.deadlines.iter_mut().filter(|d| d.is_pending()) {
        let from = deadline.started_at.unwrap_or(t0);
        if let Some(time) = terms.policy.time_for(deadline.kind) {
            deadline.due_at = deadline.due_at.min(terms.add(from, time + stood));
        }
        deadline.reminders = terms.reminders(from, deadline.due_at);
    }
    if terms.policy.t0 != T0::Confirmation || confirmed {
        add(clock, terms, &CONFIRMED, now, now);
    }
}

/// Gives a clock that was written before instants of reminders were kept those that it had.
pub(crate) fn complete(clock: &mut ResponseClock, terms: Terms<'_>) {
    let t0 = clock.started_at;
    for deadline in &mut clock.deadlines {
        if deadline.is_pending() && deadline.reminders.is_empty() {
            let from = deadline.started_at.unwrap_or(t0);
            deadline.reminders = terms.reminders(from, deadline.due_at);
        }
    }
}

/// What a pending deadline brings next.
fn next_of(deadline: &Deadline) -> Due {
    let reminder = deadline
        .reminders
        .iter()
        .filter(|reminder| !deadline.nudged.contains(&reminder.percent))
        .map(|reminder| Due {
            at: reminder.at,
            what: What::Nudge(reminder.percent),
        })
        .min();
    let breach = Due {
        at: deadline.due_at,
        what: What::Breach,
    };
    reminder.map_or(breach, |reminder| reminder.min(breach))
}

/// The first thing that will fall due, if anything.
pub(crate) fn next(clock: &ResponseClock, phase: Phase) -> Option<Due> {
    if let Some(pause) = &clock.paused {
        return Some(Due {
            at: pause.until,
            what: What::Resume,
        });
    }
    pending(clock, phase).map(next_of).min()
}

fn pending(clock: &ResponseClock, phase: Phase) -> impl Iterator<Item = &Deadline> {
    clock
        .deadlines
        .iter()
        .filter(move |deadline| deadline.is_pending() && phase.counts(deadline.kind))
}

/// The deadlines for which `due` has come: those of one hour are reminded of, and breached, together.
pub(crate) fn at(clock: &ResponseClock, phase: Phase, due: Due) -> Vec<DeadlineKind> {
    pending(clock, phase)
        .filter(|deadline| next_of(deadline) == due)
        .map(|deadline| deadline.kind)
        .collect()
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

/// Marks a deadline as passed unmet.
pub(crate) fn breach(clock: &mut ResponseClock, kind: DeadlineKind, now: Timestamp) {
    for deadline in clock.deadlines.iter_mut().filter(|d| d.kind == kind) {
        deadline.breached_at.get_or_insert(now);
    }
}

/// Takes the matter one level up. The new level, if there was one.
pub(crate) fn escalate(clock: &mut ResponseClock) -> Option<Escalation> {
    let level = clock.escalation.next()?;
    clock.escalation = level;
    Some(level)
}

/// Stops the clock, for as long as was asked for and at most as long as the policy allows.
pub(crate) fn pause(
    clock: &mut ResponseClock,
    policy: &Policy,
    by: &Actor,
    reason: &str,
    minutes: Option<u32>,
    at: Timestamp,
) -> Timestamp {
    let longest = i64::from(policy.longest_pause_seconds);
    let seconds = minutes.map_or(longest, |minutes| longest.min(60 * i64::from(minutes)));
    let until = at
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    clock.paused = Some(Pause {
        by: by.clone(),
        reason: reason.to_owned(),
        at,
        until,
    });
    until
}

/// Lets the clock run on: what was still to come when it was stopped has the time left that it had then.
pub(crate) fn resume(clock: &mut ResponseClock, terms: Terms<'_>, at: Timestamp) {
    let Some(pause) = clock.paused.take() else {
        return;
    };
    let at = at.min(pause.until).max(pause.at);
    let stood = at.duration_since(pause.at).as_secs();
    clock.paused_seconds += u64::try_from(stood).unwrap_or(0);
    let moved = |instant: Timestamp| {
        if instant <= pause.at {
            return instant;
        }
        terms.add(at, terms.between(pause.at, instant))
    };
    for deadline in clock.deadlines.iter_mut().filter(|d| d.is_pending()) {
        deadline.due_at = moved(deadline.due_at);
        for reminder in &mut deadline.reminders {
            reminder.at = moved(reminder.at);
        }
    }
}

/// That share of a time, to the millisecond: an instant of a whole number of milliseconds is the same after any trip.
fn share(time: SignedDuration, percent: u8) -> SignedDuration {
    let ms = time.as_millis() * i128::from(percent) / 100;
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_second(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn with<T>(policy: &Policy, act: impl FnOnce(Terms<'_>) -> T) -> T {
        let calendar = Calendar::default();
        act(Terms {
            policy,
            calendar: &calendar,
        })
    }

    fn started(policy: &Policy) -> ResponseClock {
        with(policy, |terms| {
            start(terms, at_second(0), at_second(-60), None)
        })
    }

    /// Runs the clock to its end; what was told when.
    fn run(clock: &mut ResponseClock) -> Vec<(i64, Vec<DeadlineKind>, What)> {
        let mut told = Vec::new();
        while let Some(due) = next(clock, Phase::Open) {
            let kinds = at(clock, Phase::Open, due);
            for kind in &kinds {
                match due.what {
                    What::Nudge(percent) => nudge(clock, *kind, percent),
                    _ => breach(clock, *kind, due.at),
                }
            }
            if due.what == What::Breach {
                escalate(clock);
            }
            told.push((
                due.at.duration_since(at_second(0)).as_secs(),
                kinds,
                due.what,
            ));
        }
        told
    }

    use DeadlineKind::{Acknowledge, Plan, Respond, Spokesperson, Team};

    #[test]
    fn an_untouched_clock_reminds_three_times_before_each_deadline_and_escalates_twice() {
        let mut clock = started(&Policy::default());
        let expected = [
            (450, Acknowledge, What::Nudge(50)),
            (675, Acknowledge, What::Nudge(75)),
            (810, Acknowledge, What::Nudge(90)),
            (900, Acknowledge, What::Breach),
            (1_800, Respond, What::Nudge(50)),
            (2_700, Respond, What::Nudge(75)),
            (3_240, Respond, What::Nudge(90)),
            (3_600, Respond, What::Breach),
        ]
        .map(|(second, kind, what)| (second, vec![kind], what));
        assert_eq!(run(&mut clock), expected);
        assert_eq!(clock.escalation, Escalation::Management);
    }

    #[test]
    fn what_is_due_within_the_hour_is_told_together_and_escalates_once() {
        let mut clock = started(&crate::policy::Policies::default().crisis);
        let told = run(&mut clock);
        let within = vec![Team, Spokesperson, Respond];
        assert!(told.contains(&(1_800, within.clone(), What::Nudge(50))));
        assert!(told.contains(&(3_600, within, What::Breach)));
        assert!(told.contains(&(86_400, vec![Plan], What::Breach)));
        assert_eq!(told.len(), 12);
    }

    #[test]
    fn a_met_deadline_is_silent() {
        let mut clock = started(&Policy::default());
        meet(&mut clock, Acknowledge, at_second(10));
        let due = next(&clock, Phase::Open).unwrap();
        assert_eq!(at(&clock, Phase::Open, due), [Respond]);
        assert_eq!(due.at, at_second(1_800));
        meet(&mut clock, Respond, at_second(20));
        meet(&mut clock, Respond, at_second(30));
        assert_eq!(next(&clock, Phase::Open), None);
        assert_eq!(clock.deadline(Respond).unwrap().met_at, Some(at_second(20)));
    }

    #[test]
    fn a_stricter_policy_moves_deadlines_forward_and_a_laxer_one_moves_none() {
        let mut clock = started(&Policy::default());
        let strict = Policy {
            acknowledge_seconds: 300,
            respond_seconds: 7_200,
            team_seconds: Some(600),
            ..Policy::default()
        };
        with(&strict, |terms| {
            tighten(&mut clock, terms, false, at_second(100))
        });
        let due = |kind| clock.deadline(kind).unwrap().due_at;
        assert_eq!(due(Acknowledge), at_second(300));
        assert_eq!(due(Respond), at_second(3_600));
        assert_eq!(due(Team), at_second(700));
    }

    #[test]
    fn a_pause_moves_what_was_still_to_come_and_ends_by_itself() {
        let policy = Policy::default();
        let mut clock = started(&policy);
        nudge(&mut clock, Acknowledge, 50);
        let by = Actor("周经理".to_owned());
        let until = pause(
            &mut clock,
            &policy,
            &by,
            "等待检测",
            Some(30),
            at_second(600),
        );
        assert_eq!(until, at_second(2_400));
        let due = next(&clock, Phase::Open).unwrap();
        assert_eq!((due.at, due.what), (until, What::Resume));
        with(&policy, |terms| resume(&mut clock, terms, at_second(5_000)));
        let acknowledge = clock.deadline(Acknowledge).unwrap();
        assert_eq!(acknowledge.due_at, at_second(900 + 1_800));
        assert_eq!(acknowledge.reminders[0].at, at_second(450));
        assert_eq!(acknowledge.reminders[1].at, at_second(675 + 1_800));
        assert_eq!(clock.paused_seconds, 1_800);
        let longer = pause(
            &mut clock,
            &policy,
            &by,
            "等待",
            Some(100_000),
            at_second(0),
        );
        assert_eq!(longer, at_second(14_400));
    }

    #[test]
    fn the_first_post_or_the_confirmation_may_be_t0() {
        let policy = Policy {
            t0: T0::FirstPost,
            ..Policy::default()
        };
        let clock = with(&policy, |terms| {
            start(terms, at_second(0), at_second(-1_000), None)
        });
        assert_eq!(clock.started_at, at_second(-1_000));
        // The time for the acknowledgement is gone; its reminders are of no use any more.
        let due = next(&clock, Phase::Open).unwrap();
        assert_eq!((due.at, due.what), (at_second(-100), What::Breach));
        let policy = Policy {
            t0: T0::Confirmation,
            ..Policy::default()
        };
        let mut clock = started(&policy);
        assert_eq!(clock.deadlines.len(), 1);
        with(&policy, |terms| confirm(&mut clock, terms, at_second(700)));
        let respond = clock.deadline(Respond).unwrap();
        assert_eq!(respond.due_at, at_second(700 + 3_600));
        assert_eq!(respond.started_at, Some(at_second(700)));
    }

    #[test]
    fn a_clock_on_business_hours_sleeps_at_night() {
        let policy = Policy {
            hours: Hours::Business,
            ..Policy::default()
        };
        let raised: Timestamp = "2026-03-04T17:55:00+08:00".parse().unwrap();
        let mut clock = with(&policy, |terms| start(terms, raised, raised, None));
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let acknowledge = clock.deadline(Acknowledge).unwrap();
        assert_eq!(acknowledge.due_at, at("2026-03-05T09:10:00+08:00"));
        assert_eq!(acknowledge.reminders[0].at, at("2026-03-05T09:02:30+08:00"));
        // Stopped in the evening with ten minutes of it left, running on at noon.
        let by = Actor("周经理".to_owned());
        let long = Policy {
            longest_pause_seconds: 86_400,
            ..policy
        };
        pause(
            &mut clock,
            &long,
            &by,
            "等待",
            None,
            at("2026-03-04T20:00:00+08:00"),
        );
        with(&long, |terms| {
            resume(&mut clock, terms, at("2026-03-05T12:00:00+08:00"))
        });
        let acknowledge = clock.deadline(Acknowledge).unwrap();
        assert_eq!(acknowledge.due_at, at("2026-03-05T12:10:00+08:00"));
    }
}
