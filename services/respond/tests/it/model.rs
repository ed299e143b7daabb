//! Whatever happens, however often the process starts anew, and whatever the machine's clock does: the same alerts, each
//! notification once, in order, and a chain that proves every line. What must happen, [`Model`] says.

use std::collections::BTreeSet;

use proptest::prelude::*;
use wensheng_schemas::{Action, Severity, TOPIC_ALL};

use crate::expected::{KINDS, Model, config};
use crate::world::{World, after, command, negative_share, signal, told};

const TOPICS: [&str; 3] = [TOPIC_ALL, "food_safety", "price"];
const SEVERITIES: [Severity; 3] = [Severity::Watch, Severity::Alert, Severity::Crisis];
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
        action: Action,
        repeat: bool,
    },
}

#[derive(Debug, Clone)]
struct Turn {
    ops: Vec<Op>,
    /// Negative where the machine's clock was set back.
    wait: i64,
    tick: bool,
    restart: bool,
}

fn any_action() -> impl Strategy<Value = Action> {
    let reason = || "证据".to_owned();
    prop_oneof![
        3 => Just(Action::Acknowledge),
        1 => Just(Action::Assess),
        2 => Just(Action::Respond),
        3 => Just(Action::Resolve),
        1 => Just(Action::Review),
        1 => Just(Action::Dismiss { reason: reason() }),
        2 => prop_oneof![Just(None), (1_u32..60).prop_map(Some)]
            .prop_map(move |minutes| Action::Pause { reason: reason(), minutes }),
        1 => Just(Action::Resume),
        1 => (0_usize..3).prop_map(move |at| Action::LowerSeverity {
            severity: SEVERITIES[at],
            reason: reason(),
        }),
        1 => Just(Action::NameTeam { members: vec![wensheng_schemas::Actor("周".to_owned())] }),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0_usize..3, 0_usize..3, any::<bool>(), prop::bool::weighted(0.2), 0_i64..400).prop_map(
            |(topic, severity, wave, drill, age)| Op::Signal { topic, severity, wave, drill, age }),
        2 => (0_usize..6, any_action(), prop::bool::weighted(0.2)).prop_map(
            |(alert, action, repeat)| Op::Command { alert, action, repeat }),
    ]
}

fn any_turn() -> impl Strategy<Value = Turn> {
    (
        proptest::collection::vec(any_op(), 0..4),
        prop_oneof![4 => 0_i64..30, 4 => 30_i64..1_500, 1 => -600_i64..0],
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
                    world.process(&command(&last_id, &id, action.clone(), clock), now);
                    model.command(at, action, &last_id, now);
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
        let state = format!("{:?}", matter.state).to_lowercase();
        prop_assert_eq!(alert.state.name(), state);
        prop_assert_eq!(alert.handling.reopened, matter.reopened);
        let clock = alert.clock.as_ref();
        prop_assert_eq!(clock.is_some(), matter.clock.is_some());
        let (Some(clock), Some(expected)) = (clock, &matter.clock) else {
            continue;
        };
        prop_assert_eq!(clock.started_at, expected.started);
        prop_assert_eq!(clock.escalation as usize, expected.level);
        prop_assert_eq!(clock.deadlines.len(), expected.items.len());
        for (deadline, item) in clock.deadlines.iter().zip(&expected.items) {
            prop_assert_eq!(deadline.kind.name(), KINDS[item.kind]);
            prop_assert_eq!(deadline.due_at, item.due);
            prop_assert_eq!(deadline.met_at.is_some(), item.met);
            prop_assert_eq!(deadline.breached_at.is_some(), item.breached);
        }
    }
    world.prove();
    Ok(world)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn restarts_lose_nothing_and_repeat_nothing(turns in proptest::collection::vec(any_turn(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let steady = play(&turns, false).await?;
            let restarted = play(&turns, true).await?;
            prop_assert_eq!(steady.alerts(), restarted.alerts());
            prop_assert_eq!(steady.lines, restarted.lines);
            Ok(())
        })?;
    }
}
