//! How people handle an alert.

use wensheng_bus::Outcome;
use wensheng_respond::Config;
use wensheng_schemas::{
    Action, Actor, Alert, AlertId, AlertState, Delivery, DeliveryState, Severity, StepKind,
    TimelineEvent,
};

use crate::world::{BRAND, World, Written, after, command, negative_share, signal};

async fn raised(world: &mut World, severity: Severity) -> AlertId {
    let written = world
        .take(&signal(1, "food_safety", severity, 0), after(0))
        .await;
    written.alerts[0].id.clone()
}

/// One action of `by`, `seconds` after the start.
async fn act(world: &mut World, id: &AlertId, by: &str, action: Action, seconds: i64) -> Written {
    let mut command = command(&format!("c-{seconds}-{by}"), id, action, seconds);
    command.actor = Actor(by.to_owned());
    world.take(&command, after(seconds)).await
}

fn last(alert: &Alert) -> &TimelineEvent {
    &alert.timeline.last().unwrap().event
}

fn reason() -> String {
    "证据".to_owned()
}

#[tokio::test]
async fn an_alert_goes_through_the_process_and_every_step_is_proved() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Crisis).await;
    let person = |name: &str| Actor(name.to_owned());
    let actions = [
        (Action::Acknowledge, "acknowledged"),
        (Action::Assess, "assessing"),
        (Action::Confirm, "assessing"),
        (
            Action::NameTeam {
                members: vec![person("周经理"), person("林值班")],
            },
            "assessing",
        ),
        (
            Action::NameSpokesperson {
                person: person("周经理"),
            },
            "assessing",
        ),
        (Action::Respond, "responding"),
        (Action::Plan, "responding"),
        (Action::Resolve, "resolved"),
        (Action::Review, "reviewed"),
    ];
    for (seconds, (action, state)) in (60..).step_by(60).zip(actions) {
        let written = act(&mut world, &id, "林值班", action, seconds).await;
        assert_eq!(written.alerts[0].state.name(), state);
        world.restart();
    }
    world.prove();
    let alert = world.alerts().remove(0);
    let clock = alert.clock.as_ref().unwrap();
    assert_eq!(clock.deadlines.len(), 6);
    assert!(clock.deadlines.iter().all(|d| d.met_at.is_some()));
    assert!(alert.handling.step(StepKind::Learn).unwrap().done.is_some());
    assert!(world.tick(after(30 * 86_400)).notifications.is_empty());
}

#[tokio::test]
async fn who_acknowledges_owns_it_until_the_other_accepts() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Alert).await;
    let to = |name: &str| Action::HandOver {
        to: Actor(name.to_owned()),
    };
    act(&mut world, &id, "林", Action::Acknowledge, 10).await;
    let again = act(&mut world, &id, "王", Action::Acknowledge, 20).await;
    assert_eq!(last(&again.alerts[0]).name(), "refused");
    let others = act(&mut world, &id, "王", to("周"), 30).await;
    assert_eq!(last(&others.alerts[0]).name(), "refused");
    let asked = act(&mut world, &id, "林", to("王"), 40).await;
    assert_eq!(asked.told(), ["hand_over_asked"]);
    let own = act(&mut world, &id, "林", Action::AcceptHandOver, 50).await;
    assert_eq!(last(&own.alerts[0]).name(), "refused");
    let owner = |written: &Written| written.alerts[0].handling.owner.clone().unwrap().0;
    assert_eq!(owner(&own), "林");
    let accepted = act(&mut world, &id, "王", Action::AcceptHandOver, 60).await;
    assert_eq!(accepted.told(), ["handed_over"]);
    assert_eq!(owner(&accepted), "王");
    // Somebody may ask the owner, too, and the owner decides.
    act(&mut world, &id, "周", to("周"), 70).await;
    let declined = act(&mut world, &id, "王", Action::DeclineHandOver, 80).await;
    assert_eq!(declined.told(), ["hand_over_declined"]);
    assert_eq!(owner(&declined), "王");
    world.prove();
}

#[tokio::test]
async fn a_pause_shows_its_reason_and_ends_by_itself() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Alert).await;
    let pause = |reason: &str| Action::Pause {
        reason: reason.to_owned(),
        minutes: Some(10),
    };
    let without = act(&mut world, &id, "林", pause(" "), 5).await;
    assert_eq!(last(&without.alerts[0]).name(), "refused");
    let paused = act(&mut world, &id, "林", pause("等待门店监控"), 300).await;
    assert_eq!(paused.told(), ["paused"]);
    let shown = paused.alerts[0]
        .clock
        .as_ref()
        .unwrap()
        .paused
        .clone()
        .unwrap();
    assert_eq!(
        (shown.by.0.as_str(), shown.reason.as_str()),
        ("林", "等待门店监控")
    );
    assert_eq!(shown.until, after(900));
    world.restart();
    assert!(world.tick(after(899)).notifications.is_empty());
    assert_eq!(world.tick(after(900)).told(), ["resumed"]);
    // 450 seconds became 1,050.
    assert!(world.tick(after(1_049)).told().is_empty());
    assert_eq!(world.tick(after(1_050)).told(), ["nudge acknowledge 50"]);
}

#[tokio::test]
async fn a_matter_that_flares_up_opens_its_alert_again_with_a_new_clock() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Alert).await;
    act(&mut world, &id, "林", Action::Resolve, 100).await;
    world.restart();
    let flared = world
        .take(
            &signal(2, "food_safety", Severity::Crisis, 5_000),
            after(5_000),
        )
        .await;
    assert_eq!(flared.told(), ["reopened"]);
    let alert = &flared.alerts[0];
    assert_eq!((&alert.id, alert.severity), (&id, Severity::Crisis));
    assert_eq!(alert.state, AlertState::Raised);
    assert_eq!((alert.handling.reopened, alert.signals), (1, 2));
    assert_eq!(alert.handling.owner, None);
    assert_eq!(alert.clock.as_ref().unwrap().started_at, after(5_000));
    assert_eq!(alert.handling.earlier_clocks.len(), 1);
    // Its reminders come again.
    assert_eq!(world.tick(after(5_450)).told(), ["nudge acknowledge 50"]);
    act(&mut world, &id, "林", Action::Resolve, 5_500).await;
    // A day later it is another matter.
    let day = 5_500 + 86_401;
    let other = world
        .take(&signal(3, "food_safety", Severity::Alert, day), after(day))
        .await;
    assert_ne!(other.alerts[0].id, id);
    world.prove();
}

#[tokio::test]
async fn a_dismissed_alarm_stays_quiet_for_more_of_the_same_only() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Alert).await;
    let dismiss = Action::Dismiss { reason: reason() };
    let dismissed = act(&mut world, &id, "林", dismiss, 100).await;
    assert_eq!(dismissed.told(), ["dismissed"]);
    world.restart();
    let same = world.process(&signal(2, "food_safety", Severity::Alert, 200), after(200));
    assert_eq!(same, Outcome::Drop("dismissed"));
    let graver = world.process(&signal(3, "food_safety", Severity::Crisis, 201), after(201));
    assert_eq!(graver, Outcome::Emit);
    assert_eq!(world.commit().await.told(), ["raised"]);
}

#[tokio::test]
async fn severity_falls_by_a_person_and_rises_again_by_new_evidence_only() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Crisis).await;
    let lower = |severity| Action::LowerSeverity {
        severity,
        reason: reason(),
    };
    let up = act(&mut world, &id, "林", lower(Severity::Crisis), 5).await;
    assert_eq!(last(&up.alerts[0]).name(), "refused");
    let lowered = act(&mut world, &id, "林", lower(Severity::Alert), 10).await;
    assert_eq!(lowered.told(), ["severity_lowered"]);
    assert_eq!(lowered.alerts[0].timeline.last().unwrap().note, reason());
    let same = world
        .take(&signal(2, "food_safety", Severity::Crisis, 20), after(20))
        .await;
    assert_eq!(same.alerts[0].severity, Severity::Alert);
    let mut wave = signal(3, "food_safety", Severity::Crisis, 30);
    wave.kind = negative_share();
    let risen = world.take(&wave, after(30)).await;
    assert_eq!(risen.told(), ["severity_raised"]);
    assert_eq!(risen.alerts[0].severity, Severity::Crisis);
}

#[tokio::test]
async fn what_is_said_is_approved_by_somebody_else_and_the_latest_alone_counts() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Crisis).await;
    let draft = |text: &str| Action::DraftStatement {
        text: text.to_owned(),
    };
    let approve = |version, until: Option<i64>| Action::ApproveStatement {
        version,
        expires_at: until.map(after),
    };
    act(&mut world, &id, "林", draft("正在核实"), 10).await;
    let own = act(&mut world, &id, "林", approve(1, None), 20).await;
    assert_eq!(last(&own.alerts[0]).name(), "refused");
    let approved = act(&mut world, &id, "周", approve(1, None), 30).await;
    assert_eq!(approved.told(), ["statement_changed"]);
    act(&mut world, &id, "林", draft("门店已停业自查"), 40).await;
    let second = act(&mut world, &id, "周", approve(2, Some(1_000)), 50).await;
    let handling = &second.alerts[0].handling;
    assert_eq!(handling.statement(after(999)).unwrap().version, 2);
    assert_eq!(handling.statement(after(1_000)), None, "it expired");
    assert!(handling.step(StepKind::OneVoice).unwrap().done.is_some());
    let withdraw = Action::WithdrawStatement { version: 2 };
    let withdrawn = act(&mut world, &id, "周", withdraw, 60).await;
    assert_eq!(withdrawn.alerts[0].handling.statement(after(61)), None);
    world.prove();
}

#[tokio::test]
async fn the_chain_has_every_signal_look_notification_and_push() {
    let mut world = World::new(Config::default());
    let id = raised(&mut world, Severity::Alert).await;
    for n in 2..5 {
        world.process(&signal(n, "food_safety", Severity::Alert, 1), after(1));
    }
    world.commit().await;
    let looked = act(&mut world, &id, "林", Action::View, 10).await;
    assert_eq!(looked.alerts[0].handling.seen.len(), 1);
    let again = command("look-again", &id, Action::View, 20);
    let mut again = again;
    again.actor = Actor("林".to_owned());
    assert_eq!(world.process(&again, after(20)), Outcome::Drop("seen"));
    let delivery = Delivery {
        id: "push-1".to_owned(),
        notification: "n".to_owned(),
        kind: "raised".to_owned(),
        alert: id.clone(),
        alert_revision: 1,
        brand: BRAND.to_owned(),
        receiver: "值班群".to_owned(),
        provider: "wecom".to_owned(),
        instead_of: None,
        attempts: 1,
        observed_at: after(0),
        at: after(30),
        state: DeliveryState::Delivered {
            delivered_at: after(30),
            answer: "0 ok".to_owned(),
        },
    };
    let pushed = world.take(&delivery, after(30)).await;
    assert!(pushed.notifications.is_empty());
    let names: Vec<&str> = world.lines[&id]
        .iter()
        .map(|l| l.entry.event.name())
        .collect();
    assert_eq!(names, ["raised", "told", "signals", "viewed", "pushed"]);
    let TimelineEvent::Signals { signals } = &world.lines[&id][2].entry.event else {
        panic!("no signals");
    };
    assert_eq!(signals.len(), 3);
    let alert = world.alerts().remove(0);
    assert_eq!(alert.timeline.len(), 1, "the record lists what people read");
    assert_eq!((alert.spread.heat, alert.signals), (16, 4));
    world.prove();
}

#[tokio::test]
async fn a_clock_of_the_machine_that_is_set_back_repeats_nothing() {
    let mut world = World::new(Config::default());
    raised(&mut world, Severity::Alert).await;
    assert_eq!(world.tick(after(460)).told(), ["nudge acknowledge 50"]);
    assert!(world.tick(after(100)).told().is_empty());
    world.restart();
    assert!(world.tick(after(470)).told().is_empty());
    assert_eq!(world.tick(after(680)).told(), ["nudge acknowledge 75"]);
}
