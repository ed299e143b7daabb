//! Whatever happens, and however often the process starts anew: the same alerts, and each notification once, in order.
//!
//! The model scans everything at every tick, knows no due set, no records and no restarts.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use wensheng_respond::Config;
use wensheng_respond::policy::{Policies, Policy};
use wensheng_schemas::{Action, AlertId, Escalation, Severity, Signal, TOPIC_ALL};

use crate::world::{BRAND, World, after, command, negative_share, signal, told};

const TOPICS: [&str; 3] = [TOPIC_ALL, "food_safety", "price"];
const SEVERITIES: [Severity; 3] = [Severity::Watch, Severity::Alert, Severity::Crisis];
const ACTIONS: [Action; 3] = [Action::Acknowledge, Action::Respond, Action::Resolve];
const KINDS: [&str; 2] = ["acknowledge", "respond"];

#[derive(Debug, Clone)]
enum Op {
    Signal {
        topic: usize,
        severity: usize,
        wave: bool,
        drill: bool,
        age: i64,
    },
    /// On the n-th alert ever raised; `repeat` sends the id of the command before.
    Command {
        alert: usize,
        action: usize,
        repeat: bool,
    },
}

#[derive(Debug, Clone)]
struct Turn {
    ops: Vec<Op>,
    wait: i64,
    tick: bool,
    restart: bool,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0_usize..3, 0_usize..3, any::<bool>(), prop::bool::weighted(0.2), 0_i64..400).prop_map(
            |(topic, severity, wave, drill, age)| Op::Signal { topic, severity, wave, drill, age }),
        2 => (0_usize..6, 0_usize..3, prop::bool::weighted(0.2)).prop_map(
            |(alert, action, repeat)| Op::Command { alert, action, repeat }),
    ]
}

fn any_turn() -> impl Strategy<Value = Turn> {
    (
        proptest::collection::vec(any_op(), 0..4),
        prop_oneof![0_i64..30, 30_i64..1_500],
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(ops, wait, tick, restart)| Turn {
            ops,
            wait,
            tick,
            restart,
        })
}

fn config() -> Config {
    Config {
        policies: Policies {
            alert: Policy::default(),
            crisis: Policy {
                acknowledge_seconds: 300,
                respond_seconds: 1_800,
                nudge_percents: vec![50, 80],
                tell: Escalation::Specialists,
            },
        },
        ..Config::default()
    }
}

/// An alert of the model. Index 0 of the arrays is acknowledge, 1 is respond.
struct Matter {
    id: AlertId,
    topic: String,
    drill: bool,
    severity: usize,
    raised: Timestamp,
    last: Timestamp,
    started: Option<Timestamp>,
    due: [Timestamp; 2],
    met: [bool; 2],
    breached: [bool; 2],
    nudged: BTreeSet<(usize, u8)>,
    level: usize,
    acknowledged: bool,
    responded: bool,
    resolved: Option<Timestamp>,
    brand_wide: bool,
    signals: u64,
}

#[derive(Default)]
struct Model {
    matters: Vec<Matter>,
    commands: BTreeSet<(usize, String)>,
    told: Vec<(AlertId, String, usize)>,
}

fn policy(severity: usize) -> Option<Policy> {
    match severity {
        0 => None,
        1 => Some(config().policies.alert),
        _ => Some(config().policies.crisis),
    }
}

fn seconds(policy: &Policy) -> [i64; 2] {
    [
        i64::from(policy.acknowledge_seconds),
        i64::from(policy.respond_seconds),
    ]
}

impl Model {
    fn tell(&mut self, at: usize, what: String) {
        let matter = &self.matters[at];
        if let Some(policy) = policy(matter.severity) {
            let audience = matter.level.max(policy.tell as usize);
            self.told.push((matter.id.clone(), what, audience));
        }
    }

    fn start(&mut self, at: usize, now: Timestamp) {
        let matter = &mut self.matters[at];
        let Some(policy) = policy(matter.severity) else {
            return;
        };
        let fresh = matter.started.is_none();
        let started = *matter.started.get_or_insert(now);
        for (kind, seconds) in seconds(&policy).into_iter().enumerate() {
            let due = started + SignedDuration::from_secs(seconds);
            if fresh || (!matter.met[kind] && !matter.breached[kind] && due < matter.due[kind]) {
                matter.due[kind] = due;
            }
        }
        if fresh {
            matter.met = [matter.acknowledged, matter.responded];
        }
    }

    fn signal(&mut self, signal: &Signal, severity: usize, wave: bool, now: Timestamp) {
        let open = |m: &Matter| m.resolved.is_none() && m.drill == signal.drill;
        let exact = self
            .matters
            .iter()
            .position(|m| open(m) && m.topic == signal.topic);
        let gravest = (0..self.matters.len())
            .filter(|at| {
                let m = &self.matters[*at];
                open(m) && (signal.topic == TOPIC_ALL || (wave && m.brand_wide))
            })
            .max_by_key(|at| {
                let m = &self.matters[*at];
                (m.severity, m.last, m.id.clone())
            });
        if let Some(at) = exact.or(gravest) {
            let matter = &mut self.matters[at];
            matter.signals += 1;
            matter.brand_wide |= signal.topic == TOPIC_ALL;
            matter.last = matter.last.max(signal.times.detected_at);
            if severity > matter.severity {
                matter.severity = severity;
                self.start(at, now);
                self.tell(at, "severity_raised".to_owned());
            }
            return;
        }
        let over = self.matters.iter().any(|m| {
            m.drill == signal.drill
                && m.resolved.is_some_and(|at| signal.times.detected_at <= at)
                && (m.topic == signal.topic || signal.topic == TOPIC_ALL || (wave && m.brand_wide))
        });
        if over {
            return;
        }
        self.matters.push(Matter {
            id: AlertId::of(BRAND, &signal.topic, &signal.id),
            topic: signal.topic.clone(),
            drill: signal.drill,
            severity,
            raised: now,
            last: signal.times.detected_at,
            started: None,
            due: [now; 2],
            met: [false; 2],
            breached: [false; 2],
            nudged: BTreeSet::new(),
            level: 0,
            acknowledged: false,
            responded: false,
            resolved: None,
            brand_wide: signal.topic == TOPIC_ALL,
            signals: 1,
        });
        let at = self.matters.len() - 1;
        self.start(at, now);
        self.tell(at, "raised".to_owned());
    }

    fn command(&mut self, at: usize, action: Action, id: &str, acted: Timestamp) {
        let matter = &mut self.matters[at];
        if matter.resolved.is_some() || !self.commands.insert((at, id.to_owned())) {
            return;
        }
        let (met, what) = match action {
            Action::Acknowledge if !matter.acknowledged => ([true, false], "acknowledged"),
            Action::Respond if !matter.responded => ([true, true], "responded"),
            Action::Resolve => ([true, true], "resolved"),
            _ => return,
        };
        matter.acknowledged = true;
        if action != Action::Acknowledge {
            matter.responded = true;
        }
        if action == Action::Resolve {
            matter.resolved = Some(acted.max(matter.raised));
        }
        for (known, met) in matter.met.iter_mut().zip(met) {
            *known |= met;
        }
        self.tell(at, what.to_owned());
    }

    fn tick(&mut self, now: Timestamp) {
        loop {
            let mut due = Vec::new();
            for (at, matter) in self.matters.iter().enumerate() {
                let (Some(started), Some(policy), None) =
                    (matter.started, policy(matter.severity), matter.resolved)
                else {
                    continue;
                };
                for kind in 0..2 {
                    if matter.met[kind] || matter.breached[kind] {
                        continue;
                    }
                    let time = matter.due[kind].duration_since(started).as_millis() as i64;
                    for percent in policy.nudge_percents.iter().copied().chain([100]) {
                        let instant =
                            started + SignedDuration::from_millis(time * i64::from(percent) / 100);
                        if instant <= now && !matter.nudged.contains(&(kind, percent)) {
                            due.push((instant, kind, percent, matter.id.clone(), at));
                        }
                    }
                }
            }
            let Some((_, kind, percent, _, at)) = due.into_iter().min() else {
                return;
            };
            let matter = &mut self.matters[at];
            if percent < 100 {
                matter.nudged.insert((kind, percent));
                self.tell(at, format!("nudge {} {percent}", KINDS[kind]));
            } else {
                matter.breached[kind] = true;
                matter.level = (matter.level + 1).min(2);
                self.tell(at, format!("breach {}", KINDS[kind]));
            }
        }
    }
}

/// Plays the turns on the stage and, side by side, on the model; checks after every step that both told the same.
async fn play(turns: &[Turn], restarts: bool) -> Result<World, TestCaseError> {
    let (mut world, mut model) = (World::new(config()), Model::default());
    let (mut clock, mut number) = (0_i64, 0_u64);
    let mut ids = BTreeSet::new();
    let mut last_id = String::new();
    for turn in turns {
        clock += turn.wait;
        let now = after(clock);
        for op in &turn.ops {
            number += 1;
            match op {
                Op::Signal {
                    topic,
                    severity,
                    wave,
                    drill,
                    age,
                } => {
                    let mut signal =
                        signal(number, TOPICS[*topic], SEVERITIES[*severity], clock - age);
                    signal.drill = *drill;
                    if *wave {
                        signal.kind = negative_share();
                    }
                    world.process(&signal, now);
                    model.signal(&signal, *severity, *wave, now);
                }
                Op::Command {
                    alert,
                    action,
                    repeat,
                } => {
                    if model.matters.is_empty() {
                        continue;
                    }
                    let at = alert % model.matters.len();
                    if !repeat || last_id.is_empty() {
                        last_id = format!("command-{number}");
                    }
                    let id = model.matters[at].id.clone();
                    world.process(&command(&last_id, &id, ACTIONS[*action], clock), now);
                    model.command(at, ACTIONS[*action], &last_id, now);
                }
            }
        }
        let mut written = world.commit().await;
        if turn.tick {
            let ticked = world.tick(now);
            model.tick(now);
            written.notifications.extend(ticked.notifications);
        }
        let said: Vec<_> = written
            .notifications
            .iter()
            .map(|n| (n.alert.id.clone(), told(&n.kind), n.audience as usize))
            .collect();
        prop_assert_eq!(said, std::mem::take(&mut model.told));
        for notification in &written.notifications {
            prop_assert!(ids.insert(notification.id.clone()), "told twice");
        }
        if restarts && turn.restart {
            world.restart();
        }
    }
    let mut alerts = world.alerts();
    alerts.sort_by(|a, b| a.id.cmp(&b.id));
    model.matters.sort_by(|a, b| a.id.cmp(&b.id));
    prop_assert_eq!(alerts.len(), model.matters.len());
    for (alert, matter) in alerts.iter().zip(&model.matters) {
        prop_assert_eq!(&alert.id, &matter.id);
        prop_assert_eq!(alert.severity, SEVERITIES[matter.severity]);
        prop_assert_eq!(alert.signals, matter.signals);
        prop_assert_eq!(alert.brand_wide, matter.brand_wide);
        prop_assert_eq!(alert.state.is_open(), matter.resolved.is_none());
        let clock = alert.clock.as_ref();
        prop_assert_eq!(clock.map(|c| c.started_at), matter.started);
        for (kind, deadline) in clock.iter().flat_map(|c| &c.deadlines).enumerate() {
            prop_assert_eq!(deadline.due_at, matter.due[kind]);
            prop_assert_eq!(deadline.met_at.is_some(), matter.met[kind]);
            prop_assert_eq!(deadline.breached_at.is_some(), matter.breached[kind]);
        }
    }
    Ok(world)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn restarts_lose_nothing_and_repeat_nothing(turns in proptest::collection::vec(any_turn(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let steady = play(&turns, false).await?;
            let restarted = play(&turns, true).await?;
            prop_assert_eq!(steady.alerts(), restarted.alerts());
            Ok(())
        })?;
    }
}
