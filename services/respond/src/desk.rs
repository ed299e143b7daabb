//! Which alert a signal, a command or a push is for, and what falls due: one open alert per brand and topic, and its state
//! is whole in its record.
//!
//! Where a signal goes, in this order:
//! 1. to the open alert of its brand and topic;
//! 2. one of the brand as a whole (topic `all`): to the brand's open alert that is gravest, then latest: the brand's
//!    unrest is that matter's until somebody resolves it;
//! 3. a wave on a topic (volume rule, detector): to the gravest, then latest open alert that took in discontent of the
//!    brand as a whole: while it is open, it stands for every topic;
//! 4. nowhere, if it was given before the alert it would have gone to was over, or if that was dismissed as a false alarm
//!    lately and the signal tells nothing new;
//! 5. to the alert of its brand and topic that was resolved lately, which it opens again;
//! 6. else it raises an alert.
//!
//! A signal that only informs goes nowhere. Drills fold with drills only. What changed is told once per [`Desk::flush`], whatever the number of signals.

mod due;
mod lists;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Action, AlertId, AlertState, Command, DeadlineKind, Delivery, DeliveryState, NotificationKind,
    ResponseClock, Severity, Signal, TimelineEntry, TimelineEvent,
};

use crate::act::{self, Rules};
use crate::clock::{self, Due};
use crate::closed::{self, Closed, Met};
use crate::fold;
use crate::held::Held;
use crate::policy::Config;

use told::Told;

/// What became of a signal, command or push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It raised this alert.
    Raised(AlertId),
    /// It changed this alert.
    Changed(AlertId),
    /// It changed nothing, for this reason.
    Dropped(&'static str),
    /// There is no such alert.
    Unknown,
}

/// What is counted when the changes are committed. Drills are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Counted {
    Raised(Severity, SignedDuration),
    Reopened(Severity),
    Folded,
    Ended(Severity, &'static str),
    Nudged(DeadlineKind),
    Breached(DeadlineKind),
    Refused(&'static str),
}

/// Open alerts by topic: real ones, then drills.
type ByTopic = [BTreeMap<String, AlertId>; 2];

/// The alerts of the partitions in hand.
pub(crate) struct Desk {
    config: Config,
    /// Those that are open, and those that ended lately.
    held: HashMap<AlertId, Held>,
    brands: HashMap<String, ByTopic>,
    due: BTreeSet<(Due, AlertId)>,
    closed: Closed,
    /// The latest instant that any record told of: a lower bound of the time now while alerts are restored.
    latest: Timestamp,
    /// Alerts that changed since the last flush, in the order of their first change.
    touched: Vec<AlertId>,
    told: Vec<Told>,
    counted: Vec<Counted>,
    /// Open alerts by severity, without drills.
    by_severity: [usize; 3],
}

impl Desk {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            held: HashMap::new(),
            brands: HashMap::new(),
            due: BTreeSet::new(),
            closed: Closed::default(),
            latest: Timestamp::UNIX_EPOCH,
            touched: Vec::new(),
            told: Vec::new(),
            counted: Vec::new(),
            by_severity: [0; 3],
        }
    }

    /// Takes in a signal.
    pub(crate) fn signal(&mut self, partition: u32, signal: &Signal, now: Timestamp) -> Verdict {
        if signal.kind.informs() {
            return Verdict::Dropped("informs");
        }
        let id = AlertId::of(&signal.brand, &signal.topic, &signal.id);
        if self.held.contains_key(&id) {
            return Verdict::Dropped("duplicate");
        }
        if let Some(id) = self.matter(signal) {
            self.fold(&id, signal, now);
            self.count(signal.drill, Counted::Folded);
            return Verdict::Changed(id);
        }
        let terms = closed::Terms {
            reopen: SignedDuration::from_hours(i64::from(self.config.reopen_within_hours)),
            quiet: SignedDuration::from_mins(i64::from(self.config.quiet_after_dismissal_minutes)),
        };
        let alert_of = |id: &AlertId| self.held.get(id).map(|held| &held.alert);
        match self.closed.meet(signal, now, terms, alert_of) {
            Some(Met::Outlived) => Verdict::Dropped("resolved"),
            Some(Met::Dismissed) => Verdict::Dropped("dismissed"),
            Some(Met::FlaresUp(id)) => {
                self.reopen(&id, signal, now);
                Verdict::Changed(id)
            }
            None => {
                self.raise(partition, &id, signal, now);
                Verdict::Raised(id)
            }
        }
    }

    fn raise(&mut self, partition: u32, id: &AlertId, signal: &Signal, now: Timestamp) {
        let mut alert = fold::raise(signal, &self.config.topic_names, now);
        let terms = self.rules().of(alert.severity);
        alert.clock = terms.map(|terms| clock::start(terms, now, signal.times.first_post_at, None));
        act::plan_steps(&mut alert, terms, now);
        let waited = now.duration_since(signal.times.observed_at);
        self.count(signal.drill, Counted::Raised(alert.severity, waited));
        let mut held = Held::new(partition, alert);
        held.note_own(
            now,
            TimelineEvent::Raised {
                signal: signal.id.clone(),
                kind: signal.kind.name().to_owned(),
            },
        );
        self.insert(held);
        self.tell(id, NotificationKind::Raised, &signal.id, now);
        self.touch(id);
    }

    fn fold(&mut self, id: &AlertId, signal: &Signal, now: Timestamp) {
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        let news = !fold::knows_cause(&held.alert, signal);
        fold::fold(&mut held.alert, signal);
        held.note_signal(signal);
        // What a person judged less grave is not graver again by more of the same.
        let lowered = held.alert.handling.lowered.as_ref();
        if lowered.is_none_or(|lowered| news || signal.severity > lowered.from) {
            self.raise_severity(id, signal, now);
        }
        self.touch(id);
    }

    /// The matter flares up: the same alert, with a clock of its own.
    fn reopen(&mut self, id: &AlertId, signal: &Signal, now: Timestamp) {
        let rules = Rules {
            policies: &self.config.policies,
            calendar: &self.config.calendar,
        };
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        self.closed.remove(&held.alert);
        let alert = &mut held.alert;
        alert.state = AlertState::Raised;
        alert.severity = alert.severity.max(signal.severity);
        let handling = &mut alert.handling;
        handling.reopened += 1;
        handling.owner = None;
        handling.earlier_clocks.extend(alert.clock.take());
        let confirmed_at = handling.confirmed_at;
        alert.clock = rules
            .of(alert.severity)
            .map(|terms| clock::start(terms, now, now, confirmed_at.map(|_| now)));
        fold::fold(alert, signal);
        let severity = alert.severity;
        held.note_own(
            now,
            TimelineEvent::Reopened {
                signal: signal.id.clone(),
                kind: signal.kind.name().to_owned(),
            },
        );
        self.link(id);
        self.count(signal.drill, Counted::Reopened(severity));
        self.tell(id, NotificationKind::Reopened, &signal.id, now);
        self.touch(id);
    }

    /// Takes in a command.
    pub(crate) fn command(&mut self, command: &Command, now: Timestamp) -> Verdict {
        let id = &command.alert;
        let Some(held) = self.held.get(id) else {
            return Verdict::Unknown;
        };
        let known = |e: &TimelineEntry| e.command.as_ref() == Some(&command.id);
        if held.alert.timeline.iter().any(known) {
            return Verdict::Dropped("duplicate");
        }
        // The person's own instant counts, as far as it can be true.
        let at = command.at.min(now).max(held.alert.times.raised_at);
        if matches!(command.action, Action::Pause { .. }) {
            // What fell due before the clock was stopped did so.
            self.fire_until(id, at, now);
        }
        let rules = Rules {
            policies: &self.config.policies,
            calendar: &self.config.calendar,
        };
        let Some(held) = self.held.get_mut(id) else {
            return Verdict::Unknown;
        };
        let alert = &mut held.alert;
        let actor = &command.actor;
        if command.action == Action::View && !act::look(alert, actor, at) {
            return Verdict::Dropped("seen");
        }
        let entry = |event, note: &str| TimelineEntry {
            at,
            actor: actor.clone(),
            event,
            note: note.to_owned(),
            command: Some(command.id.clone()),
        };
        let drill = alert.drill;
        if alert.refusal(&command.action, actor, at).is_some() {
            let action = command.action.name();
            let event = TimelineEvent::Refused {
                action: action.to_owned(),
            };
            held.note(entry(event, &command.note));
            self.count(drill, Counted::Refused(action));
            self.touch(id);
            return Verdict::Changed(id.clone());
        }
        let (was_open, severity) = (alert.state.is_open(), alert.severity);
        self.closed.remove(alert);
        let acted = act::act(alert, &command.action, actor, at, &command.note, rules);
        let note = match &command.action {
            Action::LowerSeverity { reason, .. } if command.note.is_empty() => reason.trim(),
            _ => &command.note,
        };
        let (last, before) = match acted.events.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, acted.events.as_slice()),
        };
        for event in before {
            held.note(entry(event.clone(), ""));
        }
        if let Some(event) = last {
            held.note(entry(event.clone(), note));
        }
        self.closed.insert(&held.alert);
        let (is_open, to) = (held.alert.state.is_open(), held.alert.severity);
        let state = held.alert.state.name();
        if severity != to && is_open && !drill {
            self.by_severity[fold::rank(severity)] -= 1;
            self.by_severity[fold::rank(to)] += 1;
        }
        if let Some(kind) = acted.told {
            self.tell(id, kind, &command.id, now);
        }
        if was_open && !is_open {
            self.unlink(id);
            self.count(drill, Counted::Ended(to, state));
        }
        self.schedule(id);
        self.touch(id);
        Verdict::Changed(id.clone())
    }

    /// Takes in a row of the delivery ledger: a push that came to its end belongs to the alert's chain.
    pub(crate) fn delivery(&mut self, delivery: &Delivery) -> Verdict {
        let (at, answer) = match &delivery.state {
            DeliveryState::Queued { .. } => return Verdict::Dropped("queued"),
            DeliveryState::Delivered {
                delivered_at,
                answer,
            } => (*delivered_at, answer),
            DeliveryState::Failed { failed_at, reason } => (*failed_at, reason),
        };
        let Some(held) = self.held.get_mut(&delivery.alert) else {
            return Verdict::Dropped("forgotten");
        };
        held.note_own(
            at,
            TimelineEvent::Pushed {
                delivery: delivery.id.clone(),
                notification: delivery.notification.clone(),
                receiver: delivery.receiver.clone(),
                state: delivery.state.name().to_owned(),
                attempts: delivery.attempts,
                answer: answer.clone(),
            },
        );
        self.touch(&delivery.alert);
        Verdict::Changed(delivery.alert.clone())
    }

    /// What is to be counted now that the last flush is committed.
    pub(crate) fn take_counted(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.counted)
    }

    /// Open alerts by severity, without drills.
    pub(crate) const fn open_by_severity(&self) -> [usize; 3] {
        self.by_severity
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            policies: &self.config.policies,
            calendar: &self.config.calendar,
        }
    }

    fn count(&mut self, drill: bool, counted: Counted) {
        self.counted.extend((!drill).then_some(counted));
    }

    fn raise_severity(&mut self, id: &AlertId, signal: &Signal, now: Timestamp) {
        let rules = Rules {
            policies: &self.config.policies,
            calendar: &self.config.calendar,
        };
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        let alert = &mut held.alert;
        let (from, to) = (alert.severity, signal.severity);
        if to <= from {
            return;
        }
        alert.severity = to;
        if !alert.drill {
            self.by_severity[fold::rank(from)] -= 1;
            self.by_severity[fold::rank(to)] += 1;
        }
        let terms = rules.of(to);
        if let Some(terms) = terms {
            let confirmed_at = alert.handling.confirmed_at;
            match &mut alert.clock {
                Some(clock) => clock::tighten(clock, terms, confirmed_at.is_some(), now),
                None => {
                    let first_post_at = alert.times.signal.first_post_at;
                    let clock = clock::start(terms, now, first_post_at, confirmed_at);
                    alert.clock = Some(done_before(clock, &alert.state));
                }
            }
        }
        act::plan_steps(alert, terms, now);
        held.note_own(now, TimelineEvent::SeverityRaised { from, to });
        self.tell(id, NotificationKind::SeverityRaised, &signal.id, now);
        self.schedule(id);
    }

    fn touch(&mut self, id: &AlertId) {
        if let Some(held) = self.held.get_mut(id)
            && !std::mem::replace(&mut held.touched, true)
        {
            self.touched.push(id.clone());
        }
    }
}

/// The clock of an alert whose severity rose: what was done before it started is met already.
fn done_before(mut clock: ResponseClock, state: &AlertState) -> ResponseClock {
    if let Some((_, at)) = state.by() {
        clock::meet(&mut clock, DeadlineKind::Acknowledge, at);
        if matches!(state, AlertState::Responding { .. }) {
            clock::meet(&mut clock, DeadlineKind::Respond, at);
        }
    }
    clock
}
