//! The joint detector.

use wensheng_aggregate::Config;
use wensheng_schemas::{
    Author, BurstEvidence, Channel, Enriched, RuleHit, Severity, Signal, SignalKind, TOPIC_ALL,
};

use crate::world::{World, after, piece};

const DAY: f64 = 86_400.0;

/// The joint detector alone.
fn joint() -> Config {
    Config {
        volume_rules: Vec::new(),
        volume_lane: false,
        ..Config::default()
    }
}

/// Three quiet days: a piece every ten minutes from a different person, one in five negative.
async fn after_quiet_days() -> World {
    let mut world = World::new(joint());
    let quiet: Vec<Enriched> = (0..3 * 144)
        .map(|n| piece(n, n as f64 * 600.0, n % 5 == 0))
        .collect();
    let written = hear(&mut world, &quiet).await;
    assert_eq!(written.len(), 0, "{written:#?}");
    world
}

async fn hear(world: &mut World, pieces: &[Enriched]) -> Vec<Signal> {
    let mut signals = Vec::new();
    for chunk in pieces.chunks(50) {
        let now = chunk.last().unwrap().enriched_at;
        signals.extend(world.batch(chunk, now).await.signals);
    }
    signals
}

/// Negative pieces, one in half a minute, on the fourth day.
fn wave(count: usize) -> Vec<Enriched> {
    (0..count)
        .map(|n| piece(10_000 + n, 3.0 * DAY + n as f64 * 30.0, true))
        .collect()
}

fn evidence(signal: &Signal) -> &BurstEvidence {
    match &signal.kind {
        SignalKind::Burst {
            evidence: Some(evidence),
            ..
        } => evidence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dozen_negative_voices_on_a_quiet_brand_are_a_burst_that_says_why() {
    let mut world = after_quiet_days().await;
    let pieces = wave(12);
    let signals = hear(&mut world, &pieces).await;
    let first = &signals[0];
    let number = pieces
        .iter()
        .position(|p| p.feedback.occurred_at == first.times.occurred_at)
        .unwrap();
    assert!((3..9).contains(&number), "completed by piece {number}");
    // A wave has begun once it stands out of the everyday: within its first pieces.
    let began = first.times.first_post_at;
    assert!((pieces[0].feedback.occurred_at..=pieces[2].feedback.occurred_at).contains(&began));
    assert!(!first.samples.is_empty());
    assert_eq!(first.channels, [Channel::Weibo]);
    let SignalKind::Burst { score, reasons, .. } = &first.kind else {
        panic!("{first:?}");
    };
    assert!(*score >= 2.8 && reasons.len() >= 2, "{reasons:?}");
    let why = evidence(first);
    assert!(why.zc > 2.8 && why.zs > 2.8 && why.zk == 0.0, "{why:?}");
    assert_eq!(why.window_seconds, 1_800);
    // The brand and its topic are one incident.
    assert!(signals.iter().any(|s| s.topic == TOPIC_ALL));
    assert!(signals.iter().any(|s| s.topic == "food_safety"));
    assert!(signals.iter().all(|s| evidence(s).incident == why.incident));
    assert!(signals.iter().any(|s| s.severity == Severity::Alert));
    let mut ids: Vec<_> = signals.iter().map(|s| &s.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), signals.len());
}

#[tokio::test]
async fn praise_and_a_brand_of_yesterday_are_no_burst() {
    let mut world = after_quiet_days().await;
    let mut praise = wave(60);
    for (n, piece) in praise.iter_mut().enumerate() {
        if n % 5 != 0 {
            piece.sentiment.label = wensheng_schemas::SentimentLabel::Positive;
        }
    }
    assert_eq!(hear(&mut world, &praise).await.len(), 0);
    let mut young = World::new(joint());
    assert_eq!(hear(&mut young, &wave(30)).await.len(), 0);
}

#[tokio::test]
async fn a_few_accounts_are_a_suspected_flood_that_never_escalates() {
    let mut world = after_quiet_days().await;
    let mut flood = wave(120);
    for (n, piece) in flood.iter_mut().enumerate() {
        piece.feedback.author = Some(Author {
            key: format!("bot-{}", n % 4),
            followers: None,
        });
    }
    let signals = hear(&mut world, &flood).await;
    assert!(!signals.is_empty());
    for signal in &signals {
        assert_eq!(signal.severity, Severity::Watch, "{signal:?}");
    }
    assert!(signals.iter().any(|s| evidence(s).suspected_flood));
}

#[tokio::test]
async fn copies_of_one_story_weigh_less_than_as_many_voices() {
    let mut world = after_quiet_days().await;
    let mut copies = wave(12);
    copies
        .iter_mut()
        .for_each(|piece| piece.story = "00000000deadbeef".to_owned());
    // A near copy: three bits differ.
    copies[5].story = "00000000deadbee8".to_owned();
    let of_copies = hear(&mut world, &copies).await.len();
    let mut world = after_quiet_days().await;
    let of_voices = hear(&mut world, &wave(12)).await.len();
    assert!(of_copies < of_voices, "{of_copies} {of_voices}");
}

#[tokio::test]
async fn one_severe_word_from_a_loud_account_is_a_crisis() {
    let mut world = after_quiet_days().await;
    let mut loud = wave(1);
    loud[0].feedback.author = Some(Author {
        key: "star".to_owned(),
        followers: Some(2_000_000),
    });
    loud[0].rules.push(wensheng_schemas::RuleHit {
        rule: "food_safety".to_owned(),
        name: "食品安全".to_owned(),
        severity: Severity::Crisis,
        topic: String::new(),
        terms: Vec::new(),
    });
    let signals = hear(&mut world, &loud).await;
    assert!(!signals.is_empty() && signals.iter().all(|s| s.severity == Severity::Crisis));
    assert!(evidence(&signals[0]).zk > 3.0);
}

#[tokio::test]
async fn a_restart_amid_a_wave_forgets_no_author_and_no_story() {
    let (mut steady, mut restarted) = (after_quiet_days().await, after_quiet_days().await);
    let mut pieces = wave(40);
    for (n, piece) in pieces.iter_mut().enumerate() {
        piece.feedback.author = Some(Author {
            key: format!("a{}", n % 15),
            followers: None,
        });
        piece.story = format!("{:016x}", 0x9e37_79b9_u64 << (n % 6 * 4));
    }
    for pieces in pieces.chunks(7) {
        let now = pieces.last().unwrap().enriched_at;
        let a = steady.batch(pieces, now).await;
        let b = restarted.batch(pieces, now).await;
        assert_eq!(a.signals, b.signals);
        assert_eq!(a.states, b.states);
        restarted.restart();
    }
}

#[tokio::test]
async fn a_drill_is_measured_by_the_real_level_and_teaches_nothing() {
    let mut world = after_quiet_days().await;
    let mut drill = wave(12);
    drill
        .iter_mut()
        .for_each(|piece| piece.feedback.drill = true);
    let signals = hear(&mut world, &drill).await;
    assert!(!signals.is_empty() && signals.iter().all(|s| s.drill));
    let mut plain = after_quiet_days().await;
    let after_drill = world
        .batch(
            &[piece(1, 3.0 * DAY + 900.0, true)],
            after(3.0 * DAY + 901.0),
        )
        .await;
    let without = plain
        .batch(
            &[piece(1, 3.0 * DAY + 900.0, true)],
            after(3.0 * DAY + 901.0),
        )
        .await;
    let level = |states: &[wensheng_schemas::DetectorState]| {
        states.iter().find_map(|s| s.shared.clone()).unwrap().level
    };
    for (a, b) in level(&after_drill.states)
        .iter()
        .zip(level(&without.states))
    {
        assert!((a - b).abs() < 0.05 * b.max(1.0), "{a} {b}");
    }
}

#[tokio::test]
async fn the_record_of_a_series_stays_short() {
    let mut world = after_quiet_days().await;
    hear(&mut world, &wave(200)).await;
    for (key, record) in &world.log {
        let bytes = record.value.as_ref().unwrap().len();
        assert!(bytes < 4_000, "{key:?}: {bytes}");
    }
}

#[tokio::test]
async fn an_account_of_far_reach_is_heard_beside_a_severe_word() {
    let opens = async |followers: u64, severe: bool| {
        let mut world = after_quiet_days().await;
        let mut few = wave(2);
        few[0].feedback.author = Some(Author {
            key: "loud".to_owned(),
            followers: Some(followers),
        });
        if severe {
            few[1].rules.push(RuleHit {
                rule: "severe".to_owned(),
                name: "严重词".to_owned(),
                severity: Severity::Alert,
                topic: "food_safety".to_owned(),
                terms: Vec::new(),
            });
        }
        !hear(&mut world, &few).await.is_empty()
    };
    assert!(opens(2_000_000, true).await);
    assert!(!opens(2_000_000, false).await);
    assert!(!opens(500_000, true).await);
}
