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
mod tests;
