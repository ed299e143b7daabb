//! Whatever happens in whatever order, every push ends exactly once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wensheng_schemas::{Delivery, Escalation, Notification, Severity};

use super::tests::{WECOM_OK, World, answered, config};
use crate::ReceiverKind;
use crate::provider::Reply;
use crate::testing::notification;

#[derive(Debug, Clone)]
enum Step {
    Notify {
        id: u8,
        audience: u8,
        severity: u8,
    },
    Answer {
        which: usize,
        how: u8,
        committed: bool,
    },
    Advance(u16),
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_u8..8, 0_u8..3, 0_u8..3).prop_map(|(id, audience, severity)| Step::Notify { id, audience, severity }),
        6 => (0_usize..8, 0_u8..8, prop::bool::weighted(0.9)).prop_map(|(which, how, committed)| Step::Answer { which, how, committed }),
        3 => (0_u16..2_000).prop_map(Step::Advance),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..80)
}

fn reply(kind: ReceiverKind, how: u8) -> Reply {
    if kind == ReceiverKind::Log {
        return Reply::Printed;
    }
    match how {
        0 | 1 => answered(200, WECOM_OK),
        2 => answered(200, r#"{"errcode":-1}"#),
        3 => answered(503, ""),
        4 => Reply::Unreachable("refused".to_owned()),
        5 => Reply::Unanswered("no answer".to_owned()),
        6 => answered(429, ""),
        _ if kind == ReceiverKind::Webhook => answered(410, ""),
        _ => answered(200, r#"{"errcode":310000}"#),
    }
}

/// What the notification `id` says: always the same for the same id, as from its stage.
fn told(id: u8, audience: u8, severity: u8) -> Notification {
    let mut told = notification(&format!("n{id}"));
    told.audience = [
        Escalation::FrontLine,
        Escalation::Specialists,
        Escalation::Management,
    ][usize::from(audience)];
    told.alert.severity =
        [Severity::Watch, Severity::Alert, Severity::Crisis][usize::from(severity)];
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_notification_ends_exactly_once_for_every_receiver_it_concerns(steps in steps()) {
        let mut world = World::new(config());
        let mut said: BTreeMap<u8, Notification> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Notify { id, audience, severity } => {
                    let notification = said
                        .entry(id)
                        .or_insert_with(|| told(id, audience, severity))
                        .clone();
                    world.accept(notification);
                }
                Step::Answer { which, how, committed } if !world.under_way.is_empty() => {
                    let attempt = world.under_way.remove(which % world.under_way.len());
                    let kind = world.config.receivers[attempt.receiver].kind;
                    let rows = world.end(&attempt, reply(kind, how));
                    if committed {
                        world.commit(rows);
                    } else {
                        world.crash();
                    }
                }
                Step::Answer { .. } => {}
                Step::Advance(seconds) => world.advance(i64::from(seconds)),
                Step::Crash => world.crash(),
            }
        }
        // All receivers are well again: within the longest wait everything ends.
        for _ in 0..100 {
            while !world.under_way.is_empty() {
                world.answer(answered(200, WECOM_OK));
            }
            world.advance(1_000);
        }
        let mut ends: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut last: BTreeMap<&str, &Delivery> = BTreeMap::new();
        for row in &world.log {
            if let Some(before) = last.insert(&row.id, row) {
                prop_assert_eq!(before.state.name(), "queued", "a row after the end: {:?}", row);
                prop_assert!(row.attempts >= before.attempts);
            }
            if row.state.name() != "queued" {
                *ends.entry((row.notification.clone(), row.receiver.clone())).or_default() += 1;
            }
        }
        let mut expected: BTreeMap<(String, String), u32> = BTreeMap::new();
        for notification in said.values() {
            for receiver in world.ledger.receivers.iter().filter(|r| r.is_told(notification)) {
                expected.insert((notification.id.clone(), receiver.config.name.clone()), 1);
            }
        }
        prop_assert_eq!(ends, expected);
        prop_assert!(world.ledger.pushes.is_empty());
        prop_assert!(world.ledger.receivers.iter().all(|receiver| receiver.under_way == 0));
    }
}
