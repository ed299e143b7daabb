//! Which alert a signal or a command is for, and what falls due: one open alert per brand and topic, and its state is
//! whole in its record.
//!
//! Where a signal goes, in this order:
//! 1. to the open alert of its brand and topic;
//! 2. one of the brand as a whole (topic `all`): to the brand's open alert that is gravest, then latest: the brand's
//!    unrest is that matter's until somebody resolves it;
//! 3. a wave on a topic (volume rule, detector): to the gravest, then latest open alert that took in discontent of the
//!    brand as a whole: while it is open, it stands for every topic;
//! 4. nowhere, if it was given before the alert it would have gone to was resolved;
//! 5. else it raises an alert.
//!
//! Drills fold with drills only. What changed is told once per [`Desk::flush`], whatever the number of signals.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Action, Alert, AlertId, AlertState, Command, DeadlineKind, Escalation, Notification,
    NotificationKind, ResponseClock, Severity, Signal, TOPIC_ALL, TimelineEntry, TimelineEvent,
    derived_id,
};

use crate::clock::{self, Due, Step};
use crate::fold;
use crate::policy::{Config, Policies, Policy};
use crate::resolved::ResolvedAlerts;

/// What became of a signal or command.
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

/// What is counted when the changes are committed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Counted {
    Raised(Severity, SignedDuration),
    Folded,
    Nudged(DeadlineKind),
    Breached(DeadlineKind),
    Refused(Action),
}

#[derive(Debug)]
struct Open {
    partition: u32,
    alert: Alert,
    /// Its entry in the due set.
    due: Option<Due>,
    /// Whether it changed since the last flush.
    touched: bool,
}

/// Open alerts by topic: real ones, then drills.
type ByTopic = [BTreeMap<String, AlertId>; 2];

struct Told {
    alert: AlertId,
    id: String,
    kind: NotificationKind,
    audience: Escalation,
    at: Timestamp,
}

/// What a flush gives: records of alerts that changed, then what people are told, both in the order it happened.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Flushed {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) notifications: Vec<Notification>,
}

/// The alerts of the partitions in hand.
pub(crate) struct Desk {
    policies: Policies,
    topic_names: BTreeMap<String, String>,
    remember: SignedDuration,
    open: HashMap<AlertId, Open>,
    brands: HashMap<String, ByTopic>,
    due: BTreeSet<(Due, AlertId)>,
    resolved: ResolvedAlerts,
    /// Alerts that changed since the last flush, in the order of their first change.
    touched: Vec<AlertId>,
    told: Vec<Told>,
    counted: Vec<Counted>,
    /// Open alerts by severity.
    by_severity: [usize; 3],
}

impl Desk {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            policies: config.policies.clone(),
            topic_names: config.topic_names.clone(),
            remember: SignedDuration::from_hours(24 * i64::from(config.remember_resolved_days)),
            open: HashMap::new(),
            brands: HashMap::new(),
            due: BTreeSet::new(),
            resolved: ResolvedAlerts::default(),
            touched: Vec::new(),
            told: Vec::new(),
            counted: Vec::new(),
            by_severity: [0; 3],
        }
    }

    /// Takes in a signal.
    pub(crate) fn signal(&mut self, partition: u32, signal: &Signal, now: Timestamp) -> Verdict {
        let id = AlertId::of(&signal.brand, &signal.topic, &signal.id);
        if self.open.contains_key(&id) || self.resolved.contains(&id) {
            return Verdict::Dropped("duplicate");
        }
        if let Some(id) = self.matter(signal) {
            if let Some(open) = self.open.get_mut(&id) {
                fold::fold(&mut open.alert, signal);
            }
            self.raise_severity(&id, signal.severity, now);
            self.counted.push(Counted::Folded);
            self.touch(&id);
            return Verdict::Changed(id);
        }
        if self.resolved.outlived(signal) {
            return Verdict::Dropped("resolved");
        }
        let mut alert = fold::raise(signal, &self.topic_names, now);
        if let Some(policy) = self.policies.of(alert.severity) {
            alert.clock = Some(clock::start(policy, now));
        }
        let waited = now.duration_since(signal.times.observed_at);
        self.counted.push(Counted::Raised(alert.severity, waited));
        self.insert(partition, alert);
        self.tell(&id, NotificationKind::Raised, "", now);
        self.touch(&id);
        Verdict::Raised(id)
    }

    /// Takes in a command.
    pub(crate) fn command(&mut self, command: &Command, now: Timestamp) -> Verdict {
        if self.resolved.contains(&command.alert) {
            self.counted.push(Counted::Refused(command.action));
            return Verdict::Dropped("refused");
        }
        let Some(open) = self.open.get_mut(&command.alert) else {
            return Verdict::Unknown;
        };
        let alert = &mut open.alert;
        let known = |e: &TimelineEntry| e.command.as_ref() == Some(&command.id);
        if alert.timeline.iter().any(known) {
            return Verdict::Dropped("duplicate");
        }
        // The person's own instant counts, as far as it can be true.
        let at = command.at.min(now).max(alert.times.raised_at);
        let by = command.actor.clone();
        let entry = |event| TimelineEntry {
            at,
            actor: by.clone(),
            event,
            note: command.note.clone(),
            command: Some(command.id.clone()),
        };
        let met: &[DeadlineKind] = match (command.action, &alert.state) {
            (Action::Acknowledge, AlertState::Raised) => {
                alert.state = AlertState::Acknowledged { by: by.clone(), at };
                fold::note(alert, entry(TimelineEvent::Acknowledged));
                &[DeadlineKind::Acknowledge]
            }
            (Action::Respond, AlertState::Raised | AlertState::Acknowledged { .. }) => {
                if alert.state == AlertState::Raised {
                    fold::note(alert, entry(TimelineEvent::Acknowledged));
                }
                alert.state = AlertState::Responding { by: by.clone(), at };
                fold::note(alert, entry(TimelineEvent::Responded));
                &[DeadlineKind::Acknowledge, DeadlineKind::Respond]
            }
            (Action::Resolve, state) if state.is_open() => {
                alert.state = AlertState::Resolved { by: by.clone(), at };
                fold::note(alert, entry(TimelineEvent::Resolved));
                &[DeadlineKind::Acknowledge, DeadlineKind::Respond]
            }
            (action, _) => {
                let action_name = action.name().to_owned();
                fold::note(
                    alert,
                    entry(TimelineEvent::Refused {
                        action: action_name,
                    }),
                );
                self.counted.push(Counted::Refused(action));
                self.touch(&command.alert);
                return Verdict::Changed(command.alert.clone());
            }
        };
        if let Some(clock) = &mut alert.clock {
            for kind in met {
                clock::meet(clock, *kind, at);
            }
        }
        let told = match command.action {
            Action::Acknowledge => NotificationKind::Acknowledged,
            Action::Respond => NotificationKind::Responded,
            Action::Resolve => NotificationKind::Resolved,
        };
        self.tell(&command.alert, told, "", now);
        self.schedule(&command.alert);
        self.touch(&command.alert);
        if command.action == Action::Resolve {
            self.close(&command.alert);
        }
        Verdict::Changed(command.alert.clone())
    }

    /// Fires all that fell due, in the order it fell due.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.due.first().cloned() {
            if due.at > now {
                break;
            }
            self.fire(&id, due, now);
            self.schedule(&id);
            self.touch(&id);
        }
        self.resolved.expire(now, self.remember);
    }

    fn fire(&mut self, id: &AlertId, due: Due, now: Timestamp) {
        let Some(open) = self.open.get_mut(id) else {
            return;
        };
        let deadline = due.deadline;
        let Some(clock) = &mut open.alert.clock else {
            return;
        };
        match due.step {
            Step::Nudge(percent) => {
                clock::nudge(clock, deadline, percent);
                let event = TimelineEvent::Nudged { deadline, percent };
                fold::note_own(&mut open.alert, now, event);
                self.counted.push(Counted::Nudged(deadline));
                let kind = NotificationKind::Nudge { deadline, percent };
                self.tell(id, kind, &format!("{}/{percent}", deadline.name()), now);
            }
            Step::Breach => {
                let level = clock::breach(clock, deadline, now);
                fold::note_own(&mut open.alert, now, TimelineEvent::Breached { deadline });
                if let Some(to) = level {
                    fold::note_own(&mut open.alert, now, TimelineEvent::Escalated { to });
                }
                self.counted.push(Counted::Breached(deadline));
                let kind = NotificationKind::Breach { deadline };
                self.tell(id, kind, deadline.name(), now);
            }
        }
    }

    /// What changed since the last flush. Alerts resolved meanwhile are forgotten but for the fact.
    pub(crate) fn flush(&mut self, now: Timestamp) -> Flushed {
        let mut flushed = Flushed::default();
        let mut records: HashMap<AlertId, Alert> = HashMap::new();
        for id in std::mem::take(&mut self.touched) {
            let Some(open) = self.open.get_mut(&id) else {
                continue;
            };
            open.touched = false;
            open.alert.revision += 1;
            open.alert.times.updated_at = now;
            flushed.alerts.push(open.alert.clone());
            if !open.alert.state.is_open() {
                self.open.remove(&id);
            }
        }
        for alert in &flushed.alerts {
            records.insert(alert.id.clone(), alert.clone());
        }
        for told in std::mem::take(&mut self.told) {
            let Some(alert) = records.get(&told.alert) else {
                continue;
            };
            flushed.notifications.push(Notification {
                id: told.id,
                kind: told.kind,
                audience: told.audience,
                alert: alert.clone(),
                decided_at: told.at,
            });
        }
        flushed
    }

    /// What is to be counted now that the last flush is committed.
    pub(crate) fn take_counted(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.counted)
    }

    /// Open alerts by severity.
    pub(crate) const fn open_by_severity(&self) -> [usize; 3] {
        self.by_severity
    }

    /// Takes back the latest record of an alert.
    pub(crate) fn restore(&mut self, partition: u32, alert: Alert) {
        self.forget(&alert.id);
        if let AlertState::Resolved { at, .. } = &alert.state {
            self.resolved.remember(partition, &alert, *at);
            return;
        }
        self.insert(partition, alert);
    }

    /// Forgets an alert altogether.
    pub(crate) fn forget(&mut self, id: &AlertId) {
        self.unlink(id);
        self.open.remove(id);
        self.resolved.forget(id);
    }

    /// Forgets the alerts of these partitions and all that was not committed.
    pub(crate) fn revoke(&mut self, partitions: &[u32]) {
        let gone: Vec<AlertId> = self
            .open
            .iter()
            .filter(|(_, open)| partitions.contains(&open.partition))
            .map(|(id, _)| id)
            .chain(self.resolved.of_partitions(partitions))
            .cloned()
            .collect();
        for id in gone {
            self.forget(&id);
        }
        self.touched.clear();
        self.told.clear();
        self.counted.clear();
    }

    fn matter(&self, signal: &Signal) -> Option<AlertId> {
        let topics = &self.brands.get(&signal.brand)?[usize::from(signal.drill)];
        if let Some(id) = topics.get(&signal.topic) {
            return Some(id.clone());
        }
        let takes = |alert: &&Alert| match signal.topic == TOPIC_ALL {
            true => fold::is_discontent(&signal.kind),
            false => alert.brand_wide && fold::is_wave(&signal.kind),
        };
        topics
            .values()
            .filter_map(|id| self.open.get(id))
            .map(|open| &open.alert)
            .filter(takes)
            .max_by_key(|alert| (alert.severity, alert.last_signal_at, &alert.id))
            .map(|alert| alert.id.clone())
    }

    fn raise_severity(&mut self, id: &AlertId, severity: Severity, now: Timestamp) {
        let Some(open) = self.open.get_mut(id) else {
            return;
        };
        let alert = &mut open.alert;
        let from = alert.severity;
        if severity <= from {
            return;
        }
        alert.severity = severity;
        self.by_severity[fold::rank(from)] -= 1;
        self.by_severity[fold::rank(severity)] += 1;
        let to = severity;
        fold::note_own(alert, now, TimelineEvent::SeverityRaised { from, to });
        if let Some(policy) = self.policies.of(severity) {
            match &mut alert.clock {
                Some(clock) => clock::tighten(clock, policy),
                None => alert.clock = Some(start_late(policy, &alert.state, now)),
            }
        }
        self.tell(id, NotificationKind::SeverityRaised, severity.name(), now);
        self.schedule(id);
    }

    /// Notes what people are to be told. A `watch` is shown, and nobody is told. The id does not depend on how records
    /// were cut into batches.
    fn tell(&mut self, id: &AlertId, kind: NotificationKind, detail: &str, at: Timestamp) {
        let Some(alert) = self.open.get(id).map(|open| &open.alert) else {
            return;
        };
        let Some(policy) = self.policies.of(alert.severity) else {
            return;
        };
        let level = alert
            .clock
            .as_ref()
            .map_or(Escalation::FrontLine, |clock| clock.escalation);
        self.told.push(Told {
            alert: id.clone(),
            id: derived_id(&["notification", id.as_str(), kind.name(), detail]),
            kind,
            audience: level.max(policy.tell),
            at,
        });
    }

    /// Puts the alert's next due instant into the due set.
    fn schedule(&mut self, id: &AlertId) {
        let Some(open) = self.open.get_mut(id) else {
            return;
        };
        if let Some(due) = open.due.take() {
            self.due.remove(&(due, id.clone()));
        }
        let alert = &open.alert;
        let next = match (&alert.clock, self.policies.of(alert.severity)) {
            (Some(clock), Some(policy)) if alert.state.is_open() => clock::next(clock, policy),
            _ => None,
        };
        if let Some(due) = next {
            open.due = Some(due);
            self.due.insert((due, id.clone()));
        }
    }

    fn insert(&mut self, partition: u32, alert: Alert) {
        let id = alert.id.clone();
        self.by_severity[fold::rank(alert.severity)] += 1;
        self.brands.entry(alert.brand.clone()).or_default()[usize::from(alert.drill)]
            .insert(alert.topic.clone(), id.clone());
        let open = Open {
            partition,
            alert,
            due: None,
            touched: false,
        };
        self.open.insert(id.clone(), open);
        self.schedule(&id);
    }

    /// Takes a resolved alert off every list; its record waits for the flush.
    fn close(&mut self, id: &AlertId) {
        self.unlink(id);
        let Some(open) = self.open.get(id) else {
            return;
        };
        if let AlertState::Resolved { at, .. } = &open.alert.state {
            self.resolved.remember(open.partition, &open.alert, *at);
        }
    }

    /// Takes an alert off the lists of open ones. Safe to repeat.
    fn unlink(&mut self, id: &AlertId) {
        let Some(open) = self.open.get_mut(id) else {
            return;
        };
        if let Some(due) = open.due.take() {
            self.due.remove(&(due, id.clone()));
        }
        let alert = &open.alert;
        if let Some(topics) = self.brands.get_mut(&alert.brand) {
            let topics_of_kind = &mut topics[usize::from(alert.drill)];
            if topics_of_kind.get(&alert.topic) == Some(id) {
                topics_of_kind.remove(&alert.topic);
                self.by_severity[fold::rank(alert.severity)] -= 1;
            }
            if topics.iter().all(BTreeMap::is_empty) {
                self.brands.remove(&alert.brand);
            }
        }
    }

    fn touch(&mut self, id: &AlertId) {
        if let Some(open) = self.open.get_mut(id)
            && !std::mem::replace(&mut open.touched, true)
        {
            self.touched.push(id.clone());
        }
    }
}

/// The clock of an alert whose severity rose: what was done before it started is met already.
fn start_late(policy: &Policy, state: &AlertState, now: Timestamp) -> ResponseClock {
    let mut clock = clock::start(policy, now);
    let met: &[(DeadlineKind, Timestamp)] = match state {
        AlertState::Raised => &[],
        AlertState::Acknowledged { at, .. } => &[(DeadlineKind::Acknowledge, *at)],
        AlertState::Responding { at, .. } | AlertState::Resolved { at, .. } => &[
            (DeadlineKind::Acknowledge, *at),
            (DeadlineKind::Respond, *at),
        ],
    };
    for (kind, at) in met {
        clock::meet(&mut clock, *kind, *at);
    }
    clock
}
