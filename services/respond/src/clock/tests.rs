use super::*;

fn at_second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn with<T>(policy: &Policy, act: impl FnOnce(Terms<'_>) -> T) -> T {
    let calendar = Calendar::default();
    act(Terms {
        policy,
        calendar: &calendar,
    })
}

fn started(policy: &Policy) -> ResponseClock {
    with(policy, |terms| {
        start(terms, at_second(0), at_second(-60), None)
    })
}

/// Runs the clock to its end; what was told when.
fn run(clock: &mut ResponseClock) -> Vec<(i64, Vec<DeadlineKind>, What)> {
    let mut told = Vec::new();
    while let Some(due) = next(clock, Phase::Open) {
        let kinds = at(clock, Phase::Open, due);
        for kind in &kinds {
            match due.what {
                What::Nudge(percent) => nudge(clock, *kind, percent),
                _ => breach(clock, *kind, due.at),
            }
        }
        if due.what == What::Breach {
            escalate(clock);
        }
        told.push((
            due.at.duration_since(at_second(0)).as_secs(),
            kinds,
            due.what,
        ));
    }
    told
}

use DeadlineKind::{Acknowledge, Plan, Respond, Spokesperson, Team};

#[test]
fn an_untouched_clock_reminds_three_times_before_each_deadline_and_escalates_twice() {
    let mut clock = started(&Policy::default());
    let expected = [
        (450, Acknowledge, What::Nudge(50)),
        (675, Acknowledge, What::Nudge(75)),
        (810, Acknowledge, What::Nudge(90)),
        (900, Acknowledge, What::Breach),
        (1_800, Respond, What::Nudge(50)),
        (2_700, Respond, What::Nudge(75)),
        (3_240, Respond, What::Nudge(90)),
        (3_600, Respond, What::Breach),
    ]
    .map(|(second, kind, what)| (second, vec![kind], what));
    assert_eq!(run(&mut clock), expected);
    assert_eq!(clock.escalation, Escalation::Management);
}

#[test]
fn what_is_due_within_the_hour_is_told_together_and_escalates_once() {
    let mut clock = started(&crate::policy::Policies::default().crisis);
    let told = run(&mut clock);
    let within = vec![Team, Spokesperson, Respond];
    assert!(told.contains(&(1_800, within.clone(), What::Nudge(50))));
    assert!(told.contains(&(3_600, within, What::Breach)));
    assert!(told.contains(&(86_400, vec![Plan], What::Breach)));
    assert_eq!(told.len(), 12);
}

#[test]
fn a_met_deadline_is_silent() {
    let mut clock = started(&Policy::default());
    meet(&mut clock, Acknowledge, at_second(10));
    let due = next(&clock, Phase::Open).unwrap();
    assert_eq!(at(&clock, Phase::Open, due), [Respond]);
    assert_eq!(due.at, at_second(1_800));
    meet(&mut clock, Respond, at_second(20));
    meet(&mut clock, Respond, at_second(30));
    assert_eq!(next(&clock, Phase::Open), None);
    assert_eq!(clock.deadline(Respond).unwrap().met_at, Some(at_second(20)));
}

#[test]
fn a_stricter_policy_moves_deadlines_forward_and_a_laxer_one_moves_none() {
    let mut clock = started(&Policy::default());
    let strict = Policy {
        acknowledge_seconds: 300,
        respond_seconds: 7_200,
        team_seconds: Some(600),
        ..Policy::default()
    };
    with(&strict, |terms| {
        tighten(&mut clock, terms, false, at_second(100))
    });
    let due = |kind| clock.deadline(kind).unwrap().due_at;
    assert_eq!(due(Acknowledge), at_second(300));
    assert_eq!(due(Respond), at_second(3_600));
    assert_eq!(due(Team), at_second(700));
}

#[test]
fn a_pause_moves_what_was_still_to_come_and_ends_by_itself() {
    let policy = Policy::default();
    let mut clock = started(&policy);
    nudge(&mut clock, Acknowledge, 50);
    let by = Actor("周经理".to_owned());
    let until = pause(
        &mut clock,
        &policy,
        &by,
        "等待检测",
        Some(30),
        at_second(600),
    );
    assert_eq!(until, at_second(2_400));
    let due = next(&clock, Phase::Open).unwrap();
    assert_eq!((due.at, due.what), (until, What::Resume));
    with(&policy, |terms| resume(&mut clock, terms, at_second(5_000)));
    let acknowledge = clock.deadline(Acknowledge).unwrap();
    assert_eq!(acknowledge.due_at, at_second(900 + 1_800));
    assert_eq!(acknowledge.reminders[0].at, at_second(450));
    assert_eq!(acknowledge.reminders[1].at, at_second(675 + 1_800));
    assert_eq!(clock.paused_seconds, 1_800);
    let longer = pause(
        &mut clock,
        &policy,
        &by,
        "等待",
        Some(100_000),
        at_second(0),
    );
    assert_eq!(longer, at_second(14_400));
}

#[test]
fn the_first_post_or_the_confirmation_may_be_t0() {
    let policy = Policy {
        t0: T0::FirstPost,
        ..Policy::default()
    };
    let clock = with(&policy, |terms| {
        start(terms, at_second(0), at_second(-1_000), None)
    });
    assert_eq!(clock.started_at, at_second(-1_000));
    // The time for the acknowledgement is gone; its reminders are of no use any more.
    let due = next(&clock, Phase::Open).unwrap();
    assert_eq!((due.at, due.what), (at_second(-100), What::Breach));
    let policy = Policy {
        t0: T0::Confirmation,
        ..Policy::default()
    };
    let mut clock = started(&policy);
    assert_eq!(clock.deadlines.len(), 1);
    with(&policy, |terms| confirm(&mut clock, terms, at_second(700)));
    let respond = clock.deadline(Respond).unwrap();
    assert_eq!(respond.due_at, at_second(700 + 3_600));
    assert_eq!(respond.started_at, Some(at_second(700)));
}

#[test]
fn a_clock_on_business_hours_sleeps_at_night() {
    let policy = Policy {
        hours: Hours::Business,
        ..Policy::default()
    };
    let raised: Timestamp = "2026-03-04T17:55:00+08:00".parse().unwrap();
    let mut clock = with(&policy, |terms| start(terms, raised, raised, None));
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let acknowledge = clock.deadline(Acknowledge).unwrap();
    assert_eq!(acknowledge.due_at, at("2026-03-05T09:10:00+08:00"));
    assert_eq!(acknowledge.reminders[0].at, at("2026-03-05T09:02:30+08:00"));
    // Stopped in the evening with ten minutes of it left, running on at noon.
    let by = Actor("周经理".to_owned());
    let long = Policy {
        longest_pause_seconds: 86_400,
        ..policy
    };
    pause(
        &mut clock,
        &long,
        &by,
        "等待",
        None,
        at("2026-03-04T20:00:00+08:00"),
    );
    with(&long, |terms| {
        resume(&mut clock, terms, at("2026-03-05T12:00:00+08:00"))
    });
    let acknowledge = clock.deadline(Acknowledge).unwrap();
    assert_eq!(acknowledge.due_at, at("2026-03-05T12:10:00+08:00"));
}
