//! Fallbacks, those who stand by, and messages that stand for several.

use wensheng_runtime::Secret;
use wensheng_schemas::{Notification, Severity};

use super::tests::{WECOM_OK, World, answered};
use crate::provider::{Payload, Reply};
use crate::testing::notification;
use crate::{Config, ReceiverConfig, ReceiverKind};

const REMOVED: &str = r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#;

fn robot(name: &str) -> ReceiverConfig {
    ReceiverConfig {
        url: Secret::new("https://w.example/send?key=k"),
        ..ReceiverConfig::new(ReceiverKind::Wecom, name)
    }
}

fn world(receivers: Vec<ReceiverConfig>) -> World {
    World::new(Config {
        receivers,
        ..Config::default()
    })
}

/// Duty, with a fallback; the page of last resort.
fn duty() -> World {
    world(vec![
        ReceiverConfig {
            fallback: Some("team".to_owned()),
            ..robot("duty")
        },
        ReceiverConfig {
            standby: true,
            ..robot("team")
        },
        ReceiverConfig {
            standby: true,
            ..robot("director")
        },
    ])
}

/// Receivers as they were told, each with whom it stood in for and how that ended.
fn told(world: &World) -> Vec<(&str, Option<&str>, &str)> {
    world
        .log
        .iter()
        .map(|row| {
            (
                row.receiver.as_str(),
                row.instead_of.as_deref(),
                row.state.name(),
            )
        })
        .collect()
}

#[test]
fn a_fallback_is_told_when_its_receiver_failed_and_nobody_else_is() {
    let mut world = duty();
    world.accept(notification("n1"));
    world.answer(answered(200, REMOVED));
    world.answer(answered(200, WECOM_OK));
    world.advance(1_000);
    assert_eq!(
        told(&world),
        [
            ("duty", None, "queued"),
            ("duty", None, "failed"),
            ("team", Some("duty"), "queued"),
            ("team", Some("duty"), "delivered"),
        ]
    );
}

#[test]
fn who_stands_by_is_told_when_all_failed() {
    let mut world = duty();
    world.accept(notification("n1"));
    world.answer(answered(200, REMOVED));
    world.answer(answered(200, REMOVED));
    world.answer(answered(200, WECOM_OK));
    let last = told(&world).split_off(5);
    assert_eq!(last, [("director", Some("team"), "delivered")]);
}

#[test]
fn slow_receivers_are_stood_in_for_after_a_while_also_across_a_restart() {
    let mut world = duty();
    world.accept(notification("n1"));
    // Decided a minute before the world begins; the robot never answers.
    world.advance(50);
    assert_eq!(told(&world).len(), 1);
    world.crash();
    world.advance(20);
    assert_eq!(told(&world).last(), Some(&("team", Some("duty"), "queued")));
    world.advance(200);
    assert_eq!(told(&world).last().map(|last| last.0), Some("director"));
    let rows = world.log.len();
    world.crash();
    world.advance(600);
    assert_eq!(world.log.len(), rows, "told twice: {:?}", told(&world));
}

#[test]
fn nobody_stands_in_where_somebody_was_told() {
    let mut receivers = vec![robot("other")];
    receivers.push(ReceiverConfig {
        standby: true,
        ..robot("director")
    });
    receivers.push(robot("duty"));
    let mut world = world(receivers);
    world.accept(notification("n1"));
    world.answer(answered(200, WECOM_OK));
    world.answer(answered(200, REMOVED));
    world.advance(1_000);
    assert!(told(&world).iter().all(|(name, ..)| *name != "director"));
}

fn some(id: u8, severity: Severity) -> Notification {
    let mut told = notification(&format!("n{id}"));
    told.alert.severity = severity;
    told
}

#[test]
fn what_waits_for_the_pace_is_merged_crises_first_and_nothing_is_left_out() {
    let mut world = world(vec![robot("duty")]);
    for id in 0..9 {
        world.accept(some(id, Severity::Watch));
    }
    world.accept(some(9, Severity::Crisis));
    let mut sizes = Vec::new();
    let mut first = Vec::new();
    for _ in 0..40 {
        while !world.under_way.is_empty() {
            let attempt = &world.under_way[0];
            sizes.push(attempt.pushes.len());
            if let Payload::Http(request) = &attempt.payload {
                let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
                first.push(body.contains("【危机】"));
            }
            world.answer(answered(200, WECOM_OK));
        }
        world.advance(1);
    }
    // The burst of five, its last place for all that wait; the crisis overtakes whatever waited when it came.
    assert_eq!(sizes.iter().sum::<usize>(), 10, "{sizes:?}");
    assert!(sizes.len() < 10, "{sizes:?}");
    assert_eq!(
        first.iter().position(|crisis| *crisis),
        Some(1),
        "{first:?}"
    );
    let delivered = world
        .log
        .iter()
        .filter(|row| row.state.name() == "delivered");
    assert_eq!(delivered.count(), 10);
}

#[test]
fn a_merged_message_that_went_unanswered_is_sent_once_more_and_says_so() {
    let mut world = world(vec![ReceiverConfig {
        url: Secret::new("https://d.example/send?access_token=t"),
        per_minute: Some(1),
        ..ReceiverConfig::new(ReceiverKind::Dingtalk, "duty")
    }]);
    for id in 0..3 {
        world.accept(some(id, Severity::Watch));
    }
    world.answer(answered(200, WECOM_OK));
    world.advance(61);
    assert_eq!(world.under_way[0].pushes.len(), 2);
    world.answer(Reply::Unanswered("no answer within 15 s".to_owned()));
    world.advance(61);
    assert_eq!(world.under_way[0].pushes.len(), 2);
    let Payload::Http(request) = &world.under_way[0].payload else {
        panic!("no request");
    };
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    assert!(body.contains("（重发）"), "{body}");
    world.answer(answered(200, WECOM_OK));
    let delivered = world
        .log
        .iter()
        .filter(|row| row.state.name() == "delivered");
    assert_eq!(delivered.count(), 3);
}
