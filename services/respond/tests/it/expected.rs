//! What the stage must do, said once more in the plainest way: the model scans everything at every tick, and knows no due
//! set, no records and no restarts.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use wensheng_respond::Config;
use wensheng_respond::policy::{Policies, Policy};
use wensheng_schemas::{Action, AlertId, Escalation, Signal, TOPIC_ALL};

use crate::world::BRAND;

pub(crate) const KINDS: [&str; 4] = ["acknowledge", "team", "respond", "review"];
pub(crate) const ACK: usize = 0;
pub(crate) const TEAM: usize = 1;
pub(crate) const RESPOND: usize = 2;
pub(crate) const REVIEW: usize = 3;

pub(crate) fn config() -> Config {
    Config {
        policies: Policies {
            watch: None,
            alert: Policy {
                review_seconds: Some(4_000),
                ..Policy::default()
            },
            crisis: Policy {
                acknowledge_seconds: 300,
                respond_seconds: 1_800,
                team_seconds: Some(1_800),
                review_seconds: Some(4_000),
                nudge_percents: vec![50, 80],
                tell: Escalation::Specialists,
                longest_pause_seconds: 1_200,
                ..Policy::default()
            },
        },
        reopen_within_hours: 1,
        quiet_after_dismissal_minutes: 20,
        ..Config::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Raised,
    Acknowledged,
    Assessing,
    Responding,
    Resolved,
    Reviewed,
    Dismissed,
}

impl State {
    fn is_open(self) -> bool {
        (self as usize) < State::Resolved as usize
    }
}

/// A deadline of the model: what is still to come of it, as instants with 100 for the breach.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: usize,
    pub(crate) from: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) ahead: Vec<(Timestamp, u8)>,
    pub(crate) nudged: BTreeSet<u8>,
    pub(crate) met: bool,
    pub(crate) breached: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) started: Timestamp,
    pub(crate) items: Vec<Item>,
    pub(crate) level: usize,
    pub(crate) paused: Option<(Timestamp, Timestamp)>,
    pub(crate) stood: i64,
}

/// An alert of the model.
pub(crate) struct Matter {
    pub(crate) id: AlertId,
    pub(crate) topic: String,
    pub(crate) drill: bool,
    pub(crate) severity: usize,
    pub(crate) raised: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) state: State,
    pub(crate) since: Timestamp,
    pub(crate) clock: Option<Clock>,
    pub(crate) lowered_from: Option<usize>,
    pub(crate) causes: BTreeSet<bool>,
    pub(crate) brand_wide: bool,
    pub(crate) signals: u64,
    pub(crate) reopened: u32,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) matters: Vec<Matter>,
    pub(crate) commands: BTreeSet<(usize, String)>,
    pub(crate) told: Vec<(AlertId, String, usize)>,
}

fn policy(severity: usize) -> Option<Policy> {
    match severity {
        0 => None,
        1 => Some(config().policies.alert),
        _ => Some(config().policies.crisis),
    }
}

fn seconds(policy: &Policy, kind: usize) -> Option<i64> {
    let seconds = match kind {
        ACK => Some(policy.acknowledge_seconds),
        TEAM => policy.team_seconds,
        RESPOND => Some(policy.respond_seconds),
        _ => policy.review_seconds,
    };
    seconds.map(i64::from)
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

impl Item {
    fn is_pending(&self) -> bool {
        !self.met && !self.breached
    }

    fn lay_out(&mut self, policy: &Policy) {
        let ms = self.due.duration_since(self.from).as_millis() as i64;
        self.ahead = policy
            .nudge_percents
            .iter()
            .map(|p| {
                (
                    self.from + SignedDuration::from_millis(ms * i64::from(*p) / 100),
                    *p,
                )
            })
            .collect();
        self.ahead.push((self.due, 100));
    }

    fn next(&self) -> Option<(Timestamp, u8)> {
        self.ahead
            .iter()
            .filter(|(_, percent)| !self.nudged.contains(percent))
            .min()
            .copied()
    }
}

impl Clock {
    fn add(&mut self, policy: &Policy, kinds: &[usize], from: Timestamp) {
        for kind in kinds {
            if let Some(time) = seconds(policy, *kind)
                && self.items.iter().all(|item| item.kind != *kind)
            {
                let mut item = Item {
                    kind: *kind,
                    from,
                    due: later(from, time),
                    ahead: Vec::new(),
                    nudged: BTreeSet::new(),
                    met: false,
                    breached: false,
                };
                item.lay_out(policy);
                self.items.push(item);
            }
        }
        self.items.sort_by_key(|item| item.kind);
    }

    fn meet(&mut self, kinds: &[usize]) {
        for item in self
            .items
            .iter_mut()
            .filter(|item| kinds.contains(&item.kind))
        {
            item.met = true;
        }
    }

    fn resume(&mut self, at: Timestamp) {
        let Some((since, until)) = self.paused.take() else {
            return;
        };
        let stood = at.min(until).max(since).duration_since(since).as_secs();
        self.stood += stood;
        for item in self.items.iter_mut().filter(|item| item.is_pending()) {
            for (instant, _) in &mut item.ahead {
                if *instant > since {
                    *instant = later(*instant, stood);
                }
            }
            if item.due > since {
                item.due = later(item.due, stood);
            }
        }
    }
}

impl Matter {
    fn start(&mut self, now: Timestamp) {
        self.clock = policy(self.severity).map(|policy| {
            let mut clock = Clock {
                started: now,
                items: Vec::new(),
                level: 0,
                paused: None,
                stood: 0,
            };
            clock.add(&policy, &[ACK, TEAM, RESPOND], now);
            clock
        });
    }

    fn raise_to(&mut self, severity: usize, now: Timestamp) {
        self.severity = severity;
        let Some(policy) = policy(severity) else {
            return;
        };
        let Some(clock) = &mut self.clock else {
            self.start(now);
            let state = self.state;
            if let Some(clock) = &mut self.clock {
                if state != State::Raised {
                    clock.meet(&[ACK]);
                }
                if state == State::Responding {
                    clock.meet(&[RESPOND]);
                }
            }
            return;
        };
        let stood = clock.stood;
        for item in clock.items.iter_mut().filter(|item| item.is_pending()) {
            if let Some(time) = seconds(&policy, item.kind) {
                item.due = item.due.min(later(item.from, time + stood));
            }
            item.lay_out(&policy);
        }
        clock.add(&policy, &[ACK, TEAM, RESPOND], now);
    }

    /// What is next of it, as (instant, percent with 100 for a breach and 101 for the end of a pause).
    fn next(&self) -> Option<(Timestamp, u8)> {
        let clock = self.clock.as_ref()?;
        policy(self.severity)?;
        if !self.state.is_open() && self.state != State::Resolved {
            return None;
        }
        if let Some((_, until)) = clock.paused {
            return Some((until, 101));
        }
        self.counting().filter_map(|item| item.next()).min()
    }

    fn counting(&self) -> impl Iterator<Item = &Item> {
        let over = self.state == State::Resolved;
        let items = self.clock.iter().flat_map(|clock| &clock.items);
        items.filter(move |item| item.is_pending() && (item.kind == REVIEW) == over)
    }

    /// Whether it would take a signal of the brand as a whole, or a wave.
    fn takes(&self, signal: &Signal, wave: bool) -> bool {
        self.drill == signal.drill && (signal.topic == TOPIC_ALL || (wave && self.brand_wide))
    }
}

impl Model {
    fn tell(&mut self, at: usize, what: impl Into<String>) {
        let matter = &self.matters[at];
        if let Some(policy) = policy(matter.severity) {
            let level = matter.clock.as_ref().map_or(0, |clock| clock.level);
            let audience = level.max(policy.tell as usize);
            self.told.push((matter.id.clone(), what.into(), audience));
        }
    }

    pub(crate) fn signal(&mut self, signal: &Signal, severity: usize, wave: bool, now: Timestamp) {
        let indices = || 0..self.matters.len();
        let open = |at: &usize| self.matters[*at].state.is_open();
        let exact = indices().filter(open).find(|at| {
            let m = &self.matters[*at];
            m.drill == signal.drill && m.topic == signal.topic
        });
        let gravest = indices()
            .filter(open)
            .filter(|at| self.matters[*at].takes(signal, wave))
            .max_by_key(|at| {
                let m = &self.matters[*at];
                (m.severity, m.last, m.id.clone())
            });
        if let Some(at) = exact.or(gravest) {
            let matter = &mut self.matters[at];
            let news = matter.causes.insert(wave);
            matter.fold(signal);
            let believed = matter
                .lowered_from
                .is_none_or(|from| news || severity > from);
            if severity > matter.severity && believed {
                matter.raise_to(severity, now);
                self.tell(at, "severity_raised");
            }
            return;
        }
        let over: Vec<usize> = indices()
            .filter(|at| {
                let m = &self.matters[*at];
                let same = m.drill == signal.drill && m.topic == signal.topic;
                !m.state.is_open() && (same || m.takes(signal, wave))
            })
            .collect();
        let lately = |m: &Matter, seconds: i64| now.duration_since(m.since).as_secs() <= seconds;
        let heard = |at: &usize| {
            let m = &self.matters[*at];
            let quiet = m.state == State::Dismissed
                && lately(m, 1_200)
                && severity <= m.severity
                && m.causes.contains(&wave);
            signal.times.detected_at <= m.since || quiet
        };
        if over.iter().any(heard) {
            return;
        }
        let flares_up = over
            .into_iter()
            .filter(|at| {
                let m = &self.matters[*at];
                m.state == State::Resolved && m.topic == signal.topic && lately(m, 3_600)
            })
            .max_by_key(|at| (self.matters[*at].since, self.matters[*at].id.clone()));
        if let Some(at) = flares_up {
            let matter = &mut self.matters[at];
            matter.causes.insert(wave);
            matter.fold(signal);
            matter.state = State::Raised;
            matter.severity = matter.severity.max(severity);
            matter.reopened += 1;
            matter.start(now);
            self.tell(at, "reopened");
            return;
        }
        let mut matter = Matter {
            id: AlertId::of(BRAND, &signal.topic, &signal.id),
            topic: signal.topic.clone(),
            drill: signal.drill,
            severity,
            raised: now,
            last: signal.times.detected_at,
            state: State::Raised,
            since: now,
            clock: None,
            lowered_from: None,
            causes: BTreeSet::from([wave]),
            brand_wide: signal.topic == TOPIC_ALL,
            signals: 1,
            reopened: 0,
        };
        matter.start(now);
        self.matters.push(matter);
        self.tell(self.matters.len() - 1, "raised");
    }

    pub(crate) fn command(&mut self, at: usize, action: &Action, id: &str, now: Timestamp) {
        if !self.commands.insert((at, id.to_owned())) {
            return;
        }
        let acted = now.max(self.matters[at].raised);
        if matches!(action, Action::Pause { .. }) {
            while self.matters[at]
                .next()
                .is_some_and(|(instant, _)| instant <= acted)
            {
                self.fire(at);
            }
        }
        let matter = &mut self.matters[at];
        let (open, clock) = (matter.state.is_open(), matter.clock.as_mut());
        let reached = matter.state as usize;
        let policy = policy(matter.severity);
        let (next, met, told): (_, &[usize], _) = match action {
            Action::Acknowledge if reached == 0 => (State::Acknowledged, &[ACK], "acknowledged"),
            Action::Assess if reached <= 1 => (State::Assessing, &[ACK], "assessing"),
            Action::Respond if reached <= 2 => (State::Responding, &[ACK, RESPOND], "responded"),
            Action::Resolve if open => (State::Resolved, &[ACK, RESPOND], "resolved"),
            Action::Review if matter.state == State::Resolved => {
                (State::Reviewed, &[REVIEW], "reviewed")
            }
            Action::Dismiss { .. } if open => (State::Dismissed, &[ACK], "dismissed"),
            Action::NameTeam { .. } if open => {
                if let Some(clock) = clock {
                    clock.meet(&[TEAM]);
                }
                return;
            }
            Action::Pause { minutes, .. } if open => {
                if let (Some(clock), Some(policy)) = (clock, policy)
                    && clock.paused.is_none()
                {
                    let longest = i64::from(policy.longest_pause_seconds);
                    let asked = minutes.map_or(longest, |m| longest.min(60 * i64::from(m)));
                    clock.paused = Some((acted, later(acted, asked)));
                    self.tell(at, "paused");
                }
                return;
            }
            Action::Resume if open => {
                if let Some(clock) = clock.filter(|clock| clock.paused.is_some()) {
                    clock.resume(acted);
                    self.tell(at, "resumed");
                }
                return;
            }
            Action::LowerSeverity { severity, .. } if open => {
                let to = *severity as usize;
                if to < matter.severity {
                    matter.lowered_from = Some(matter.severity);
                    matter.severity = to;
                    if to == 0 {
                        matter.clock = None;
                    }
                    self.tell(at, "severity_lowered");
                }
                return;
            }
            _ => return,
        };
        if let Some(clock) = clock {
            clock.meet(met);
            if !next.is_open() {
                clock.paused = None;
            }
            if let (State::Resolved, Some(policy)) = (next, policy) {
                clock.add(&policy, &[REVIEW], acted);
            }
        }
        (matter.state, matter.since) = (next, acted);
        self.tell(at, told);
    }

    /// Fires what is next of one matter, with all that comes at the same instant.
    fn fire(&mut self, at: usize) {
        let matter = &mut self.matters[at];
        let Some((instant, percent)) = matter.next() else {
            return;
        };
        let kinds: Vec<usize> = matter
            .counting()
            .filter(|item| item.next() == Some((instant, percent)))
            .map(|item| item.kind)
            .collect();
        let Some(clock) = &mut matter.clock else {
            return;
        };
        if percent == 101 {
            clock.resume(instant);
            self.tell(at, "resumed");
            return;
        }
        for item in clock
            .items
            .iter_mut()
            .filter(|item| kinds.contains(&item.kind))
        {
            if percent < 100 {
                item.nudged.insert(percent);
            } else {
                item.breached = true;
            }
        }
        let lead = if kinds.contains(&RESPOND) {
            RESPOND
        } else {
            kinds[0]
        };
        let mut names = KINDS[lead].to_owned();
        for kind in kinds.iter().filter(|kind| **kind != lead) {
            names.push('+');
            names.push_str(KINDS[*kind]);
        }
        if percent < 100 {
            self.tell(at, format!("nudge {names} {percent}"));
        } else {
            clock.level = (clock.level + 1).min(2);
            self.tell(at, format!("breach {names}"));
        }
    }

    pub(crate) fn tick(&mut self, now: Timestamp) {
        loop {
            let due = (0..self.matters.len())
                .filter_map(|at| {
                    let (instant, percent) = self.matters[at].next()?;
                    Some((instant, percent, self.matters[at].id.clone(), at))
                })
                .min();
            match due {
                Some((instant, _, _, at)) if instant <= now => self.fire(at),
                _ => return,
            }
        }
    }
}

impl Matter {
    fn fold(&mut self, signal: &Signal) {
        self.signals += 1;
        self.brand_wide |= signal.topic == TOPIC_ALL;
        self.last = self.last.max(signal.times.detected_at);
    }
}
