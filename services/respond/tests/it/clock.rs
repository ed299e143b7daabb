//! The response clock.

use wensheng_bus::Outcome;
use wensheng_respond::Config;
use wensheng_schemas::{Action, AlertState, DeadlineKind, Escalation, Severity, TimelineEvent};

use crate::world::{World, after, command, signal};

#[tokio::test]
async fn an_unanswered_alert_reminds_breaches_and_climbs() {
    let mut world = World::new(Config::default());
    let raised = world
        .take(&signal(1, "food_safety", Severity::Alert, 0), after(0))
        .await;
    assert_eq!(raised.told(), ["raised"]);
    assert_eq!(raised.notifications[0].audience, Escalation::FrontLine);
    let clock = raised.alerts[0].clock.clone().unwrap();
    assert_eq!(clock.deadlines[0].due_at, after(900));
    assert_eq!(clock.deadlines[1].due_at, after(3_600));
    let mut told = Vec::new();
    for second in 1..=4_000 {
        let written = world.tick(after(second));
        for notification in written.notifications {
            told.push((
                second,
                crate::world::told(&notification.kind),
                notification.audience,
            ));
        }
    }
    use Escalation::{FrontLine, Management, Specialists};
    let expected = [
        (450, "nudge acknowledge 50", FrontLine),
        (675, "nudge acknowledge 75", FrontLine),
        (810, "nudge acknowledge 90", FrontLine),
        (900, "breach acknowledge", Specialists),
        (1_800, "nudge respond 50", Specialists),
        (2_700, "nudge respond 75", Specialists),
        (3_240, "nudge respond 90", Specialists),
        (3_600, "breach respond", Management),
    ]
    .map(|(second, what, who)| (second, what.to_owned(), who));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_fell_due_while_down_fires_once_in_order_across_alerts() {
    let mut world = World::new(Config::default());
    world
        .take(&signal(1, "food_safety", Severity::Alert, 0), after(0))
        .await;
    world
        .take(&signal(2, "price", Severity::Alert, 100), after(100))
        .await;
    world.restart();
    let written = world.tick(after(1_000));
    let told: Vec<_> = written
        .notifications
        .iter()
        .map(|n| (n.alert.topic.as_str(), crate::world::told(&n.kind)))
        .collect();
    let expected = [
        ("food_safety", "nudge acknowledge 50"),
        ("price", "nudge acknowledge 50"),
        ("food_safety", "nudge acknowledge 75"),
        ("price", "nudge acknowledge 75"),
        ("food_safety", "nudge acknowledge 90"),
        ("food_safety", "breach acknowledge"),
        ("price", "nudge acknowledge 90"),
        ("price", "breach acknowledge"),
    ]
    .map(|(topic, what)| (topic, what.to_owned()));
    assert_eq!(told, expected);
    assert_eq!(written.alerts.len(), 2, "one record per alert");
    world.restart();
    assert!(world.tick(after(1_001)).notifications.is_empty());
}

#[tokio::test]
async fn responding_acknowledges_too_and_stops_both_deadlines() {
    let mut world = World::new(Config::default());
    let raised = world
        .take(&signal(1, "food_safety", Severity::Alert, 0), after(0))
        .await;
    let id = raised.alerts[0].id.clone();
    let written = world
        .take(&command("c1", &id, Action::Respond, 60), after(61))
        .await;
    assert_eq!(written.told(), ["responded"]);
    let alert = &written.alerts[0];
    assert_eq!(alert.revision, 2);
    assert!(matches!(alert.state, AlertState::Responding { at, .. } if at == after(60)));
    for deadline in &alert.clock.as_ref().unwrap().deadlines {
        assert_eq!(deadline.met_at, Some(after(60)));
    }
    let events: Vec<_> = alert.timeline.iter().map(|e| e.event.clone()).collect();
    assert_eq!(
        events[1..],
        [TimelineEvent::Acknowledged, TimelineEvent::Responded]
    );
    assert!(world.tick(after(10_000)).notifications.is_empty());
}

#[tokio::test]
async fn a_watch_has_no_clock_until_evidence_makes_it_graver() {
    let mut world = World::new(Config::default());
    let watch = world
        .take(&signal(1, "price", Severity::Watch, 0), after(0))
        .await;
    assert!(watch.alerts[0].clock.is_none());
    assert!(watch.notifications.is_empty());
    let id = watch.alerts[0].id.clone();
    world
        .take(&command("c1", &id, Action::Acknowledge, 10), after(10))
        .await;
    let risen = world
        .take(&signal(2, "price", Severity::Crisis, 500), after(500))
        .await;
    assert_eq!(risen.told(), ["severity_raised"]);
    assert_eq!(risen.notifications[0].audience, Escalation::Management);
    let clock = risen.alerts[0].clock.clone().unwrap();
    assert_eq!(clock.started_at, after(500));
    assert_eq!(clock.deadlines[0].kind, DeadlineKind::Acknowledge);
    assert_eq!(clock.deadlines[0].met_at, Some(after(10)));
    let told = world.tick(after(500 + 3_600)).told();
    assert_eq!(
        told,
        [
            "nudge respond+team+spokesperson 50",
            "nudge respond+team+spokesperson 75",
            "nudge respond+team+spokesperson 90",
            "breach respond+team+spokesperson"
        ]
    );
}

#[tokio::test]
async fn a_command_acts_once_and_one_that_does_not_fit_is_noted() {
    let mut world = World::new(Config::default());
    let raised = world
        .take(&signal(1, "price", Severity::Alert, 0), after(0))
        .await;
    let id = raised.alerts[0].id.clone();
    let acknowledge = command("c1", &id, Action::Acknowledge, 10);
    assert_eq!(
        world.take(&acknowledge, after(10)).await.told(),
        ["acknowledged"]
    );
    world.restart();
    let repeated = world.process(&acknowledge, after(20));
    assert_eq!(repeated, Outcome::Drop("duplicate"));
    assert!(world.commit().await.alerts.is_empty());
    let mut last = None;
    for n in 0..30 {
        let again = command(&format!("again-{n}"), &id, Action::Acknowledge, 30 + n);
        let written = world.take(&again, after(30 + n)).await;
        assert!(written.notifications.is_empty());
        last = written.alerts.into_iter().next();
    }
    let alert = last.unwrap();
    assert!(matches!(&alert.state, AlertState::Acknowledged { at, .. } if *at == after(10)));
    let refused: Vec<_> = alert
        .timeline
        .iter()
        .filter(
            |e| matches!(&e.event, TimelineEvent::Refused { action } if action == "acknowledge"),
        )
        .collect();
    assert_eq!(refused.len(), 20);
    assert_eq!(refused[19].command.as_deref(), Some("again-29"));
}

#[tokio::test]
async fn a_command_for_no_alert_is_rejected_and_a_late_one_noted_as_refused() {
    let mut world = World::new(Config::default());
    let raised = world
        .take(&signal(1, "price", Severity::Alert, 0), after(0))
        .await;
    let id = raised.alerts[0].id.clone();
    let nobody = wensheng_schemas::AlertId::of("x", "y", "z");
    let unknown = world.process(&command("c0", &nobody, Action::Resolve, 1), after(1));
    assert!(matches!(unknown, Outcome::Reject(reason) if reason.contains("does not exist")));
    let written = world
        .take(&command("c1", &id, Action::Resolve, 5), after(5))
        .await;
    assert_eq!(written.told(), ["resolved"]);
    for days in [0, 29, 31] {
        let now = after(10 + days * 86_400);
        world.tick(now);
        let late = world.process(&command("c2", &id, Action::Respond, 6), now);
        let written = world.commit().await;
        if days == 0 {
            assert_eq!(late, Outcome::Emit);
            let alert = &written.alerts[0];
            assert_eq!(alert.state.name(), "resolved");
            let refused = &alert.timeline.last().unwrap().event;
            assert_eq!(refused.name(), "refused");
            assert!(written.notifications.is_empty());
        } else if days < 30 {
            assert_eq!(late, Outcome::Drop("duplicate"));
        } else {
            assert!(matches!(late, Outcome::Reject(_)));
        }
    }
}
