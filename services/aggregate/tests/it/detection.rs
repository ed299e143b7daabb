//! Volume rules.

use jiff::SignedDuration;
use proptest::prelude::*;
use wensheng_aggregate::{Config, VolumeRule};
use wensheng_bus::{Outputs, Stage};
use wensheng_schemas::{Author, Channel, Enriched, Severity, Signal, SignalKind, TOPIC_ALL};

use crate::world::{BRAND, World, Written, after, piece};

/// The volume rules alone.
fn volume_rules() -> Config {
    let mut config = Config::default();
    config.detector.enabled = false;
    config.volume_lane = false;
    config
}

async fn signals(world: &mut World, pieces: &[Enriched]) -> Vec<Signal> {
    let mut signals = Vec::new();
    for chunk in pieces.chunks(20) {
        let now = chunk.last().unwrap().enriched_at;
        signals.extend(world.batch(chunk, now).await.signals);
    }
    signals
}

/// Everyday talk: for `minutes`, a piece every `every` seconds from a different person; of `topic` a part is negative.
fn chatter(from: f64, minutes: f64, every: f64, negative_of_ten: usize) -> Vec<Enriched> {
    let count = (minutes * 60.0 / every) as usize;
    (0..count)
        .map(|n| {
            let at = from + n as f64 * every;
            let mut piece = piece(
                1_000_000 + (at * 10.0) as usize,
                at,
                n % 10 < negative_of_ten,
            );
            piece.topics = vec!["waiting_time".to_owned()];
            piece
        })
        .collect()
}

fn crisis(from: f64, count: usize, every: f64) -> Vec<Enriched> {
    (0..count)
        .map(|n| piece(n, from + n as f64 * every, true))
        .collect()
}

#[tokio::test]
async fn a_crisis_of_some_dozens_of_voices_fires_on_a_fresh_start() {
    let mut world = World::new(volume_rules());
    let mut pieces = chatter(0.0, 5.0, 2.0, 3);
    pieces.extend(crisis(60.0, 60, 2.0));
    pieces.sort_by_key(|p| p.feedback.occurred_at);
    let signals = signals(&mut world, &pieces).await;
    let topics: Vec<_> = signals.iter().map(|s| s.topic.as_str()).collect();
    assert_eq!(topics, [TOPIC_ALL, "food_safety"]);
    let signal = &signals[1];
    assert_eq!(signal.severity, Severity::Alert);
    assert_eq!(signal.channels, [Channel::Weibo]);
    assert_eq!(
        signal.kind,
        SignalKind::NegativeShare {
            rule: "negative_wave".to_owned(),
            name: "负面声量激增".to_owned(),
            window_seconds: 300,
            negative: 48,
            total: 48
        }
    );
    assert_eq!(signal.times.first_post_at, after(60.0));
    assert_eq!(signal.times.occurred_at, after(60.0 + 47.0 * 2.0));
    let said: Vec<_> = signal.samples.iter().map(|s| s.occurred_at).collect();
    let newest: Vec<_> = (43..48)
        .rev()
        .map(|n| after(60.0 + f64::from(n) * 2.0))
        .collect();
    assert_eq!(said, newest);
}

#[tokio::test]
async fn everyday_talk_never_fires_even_on_a_topic_that_is_negative_by_nature() {
    let mut world = World::new(volume_rules());
    // 30 pieces in 5 minutes on one topic, 8 of 10 negative: 24 negative voices per window, for six hours.
    let signals = signals(&mut world, &chatter(0.0, 360.0, 10.0, 8)).await;
    assert_eq!(signals.len(), 0, "{signals:#?}");
}

#[tokio::test]
async fn a_series_with_a_history_fires_at_three_times_its_usual() {
    let mut world = World::new(volume_rules());
    let mut pieces = chatter(0.0, 120.0, 10.0, 4);
    let rise = chatter(7_200.0, 5.0, 3.0, 9);
    pieces.extend(rise);
    let signals = signals(&mut world, &pieces).await;
    let topics: Vec<_> = signals.iter().map(|s| s.topic.as_str()).collect();
    assert_eq!(topics, ["waiting_time", TOPIC_ALL]);
    let SignalKind::NegativeShare { negative, .. } = signals[0].kind else {
        panic!("{:?}", signals[0]);
    };
    // Usual: 12 in 5 minutes.
    assert!((36..=40).contains(&negative), "{negative}");
}

#[tokio::test]
async fn it_speaks_once_per_cooldown_while_it_burns() {
    let mut world = World::new(volume_rules());
    let signals = signals(&mut world, &crisis(0.0, 4_000, 1.0)).await;
    let food: Vec<_> = signals
        .iter()
        .filter(|s| s.topic == "food_safety")
        .collect();
    let said: Vec<_> = food
        .iter()
        .map(|s| s.times.occurred_at.duration_since(after(0.0)).as_secs())
        .collect();
    assert_eq!(said[0], 47);
    for pair in said.windows(2) {
        assert!(pair[1] - pair[0] >= 1_800, "{said:?}");
    }
    let mut ids: Vec<_> = signals.iter().map(|s| &s.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), signals.len());
}

#[tokio::test]
async fn what_was_taken_back_is_shown_no_more() {
    for config in [volume_rules(), Config::default()] {
        let mut world = World::new(config);
        let crisis = crisis(0.0, 80, 2.0);
        let mut written = world.batch(&crisis, after(170.0)).await;
        let shown = |written: &Written| -> Vec<String> {
            let states = written.states.iter().flat_map(|state| {
                let volume = state.volume.values().flat_map(|track| &track.samples);
                volume.chain(state.joint.iter().flat_map(|joint| &joint.samples))
            });
            states.map(|sample| sample.text.clone()).collect()
        };
        let last = crisis.last().unwrap();
        assert!(shown(&written).contains(&last.feedback.text));
        let mut taken_back = last.clone();
        taken_back.feedback.revision = 1;
        taken_back.withdraw();
        written = world.batch(&[taken_back], after(171.0)).await;
        assert!(!written.states.is_empty(), "the records are written anew");
        assert!(!shown(&written).contains(&last.feedback.text));
        world.restart();
        let next = piece(1_000, 172.0, true);
        written = world.batch(&[next], after(173.0)).await;
        assert!(!shown(&written).is_empty());
        assert!(!shown(&written).contains(&last.feedback.text));
    }
}

#[tokio::test]
async fn reading_in_history_alerts_nobody() {
    let mut world = World::new(volume_rules());
    let mut pieces = crisis(-100_000.0, 500, 0.5);
    for piece in &mut pieces {
        piece.feedback.observed_at = after(0.0);
    }
    let written = world.batch(&pieces, after(1.0)).await;
    assert!(written.signals.is_empty());
    assert!(written.states.is_empty());
    assert!(!written.deltas.is_empty());
}

#[tokio::test]
async fn a_few_accounts_that_shout_are_few_voices() {
    let mut world = World::new(volume_rules());
    let mut pieces = crisis(0.0, 2_000, 0.1);
    for (n, piece) in pieces.iter_mut().enumerate() {
        piece.feedback.author = Some(Author {
            key: format!("bot-{}", n % 20),
            followers: None,
        });
    }
    assert!(signals(&mut world, &pieces).await.is_empty());
}

#[tokio::test]
async fn pieces_that_arrive_late_but_within_the_guard_still_count() {
    let mut world = World::new(volume_rules());
    let mut pieces = chatter(0.0, 25.0, 5.0, 1);
    // A slow source brings the crisis of minute 5 at minute 25.
    let mut late = crisis(300.0, 60, 2.0);
    for piece in &mut late {
        piece.feedback.observed_at = after(1_500.0);
    }
    pieces.extend(late);
    let signals = signals(&mut world, &pieces).await;
    let topics: Vec<_> = signals.iter().map(|s| s.topic.as_str()).collect();
    assert_eq!(topics, ["food_safety", TOPIC_ALL]);
}

#[tokio::test]
async fn a_drill_burns_apart_from_the_real_series() {
    let mut world = World::new(volume_rules());
    let mut pieces = crisis(0.0, 60, 2.0);
    pieces.iter_mut().for_each(|p| p.feedback.drill = true);
    let drill = signals(&mut world, &pieces).await;
    assert!(!drill.is_empty() && drill.iter().all(|s| s.drill));
    assert!(
        signals(&mut world, &crisis(130.0, 20, 1.0))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn filters_keep_a_rule_to_its_brands_topics_and_channels() {
    let rule = |topics: &[&str], brands: &[&str], channels: &[Channel]| VolumeRule {
        id: "r".to_owned(),
        min_rise: 0.0,
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        brands: brands.iter().map(|b| (*b).to_owned()).collect(),
        channels: channels.to_vec(),
        ..VolumeRule::default()
    };
    for (rule, expected) in [
        (rule(&[], &[], &[]), vec!["food_safety", TOPIC_ALL]),
        (
            rule(&[TOPIC_ALL], &[BRAND], &[Channel::Weibo]),
            vec![TOPIC_ALL],
        ),
        (rule(&["price"], &[], &[]), vec![]),
        (rule(&[], &["另一家"], &[]), vec![]),
        (rule(&[], &[], &[Channel::Hotline]), vec![]),
    ] {
        let mut world = World::new(Config {
            volume_rules: vec![rule],
            ..volume_rules()
        });
        let signals = signals(&mut world, &crisis(0.0, 30, 2.0)).await;
        let topics: Vec<_> = signals.iter().map(|s| s.topic.as_str()).collect();
        assert_eq!(topics, expected);
    }
}

#[tokio::test]
async fn a_series_that_falls_silent_for_a_month_is_deleted() {
    let mut world = World::new(volume_rules());
    world.batch(&[piece(1, 0.0, true)], after(1.0)).await;
    assert_eq!(world.log.len(), 2);
    for (days, left) in [(29.9, 2), (30.1, 0)] {
        let mut out = Outputs::default();
        world.stage.tick(after(days * 86_400.0), &mut out);
        world.commit(out);
        assert_eq!(world.log.len(), left, "{days} days");
    }
}

#[tokio::test]
async fn the_state_of_a_burning_series_stays_short() {
    let mut world = World::new(volume_rules());
    signals(&mut world, &crisis(0.0, 5_000, 0.5)).await;
    for record in world.log.values() {
        let bytes = record.value.as_ref().unwrap().len();
        assert!(bytes < 12_000, "{bytes}");
    }
}

#[tokio::test]
async fn a_drill_before_anything_real_turns_the_clock_for_good() {
    let mut drill = piece(1, 200.0, true);
    drill.feedback.drill = true;
    let (mut steady, mut restarted) =
        (World::new(Config::default()), World::new(Config::default()));
    for world in [&mut steady, &mut restarted] {
        world
            .batch(std::slice::from_ref(&drill), after(210.0))
            .await;
        // Expiry leaves it alone.
        let mut out = Outputs::default();
        world.stage.tick(after(86_400.0), &mut out);
        world.commit(out);
    }
    restarted.restart();
    let earlier = [piece(2, 100.0, true)];
    let (a, b) = (
        steady.batch(&earlier, after(220.0)).await,
        restarted.batch(&earlier, after(220.0)).await,
    );
    assert_eq!(a.states, b.states);
}

fn any_piece() -> impl Strategy<Value = Enriched> {
    (
        0_usize..40,
        0_u32..1_200,
        0_u32..600,
        prop::bool::weighted(0.7),
        prop::option::weighted(0.8, 0_usize..30),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(number, said, delay, negative, author, drill)| {
            let mut piece = piece(number, f64::from(said), negative);
            piece.feedback.observed_at =
                piece.feedback.occurred_at + SignedDuration::from_secs(i64::from(delay));
            piece.feedback.author = author.map(|a| Author {
                key: format!("a{a}"),
                followers: None,
            });
            piece.feedback.drill = drill;
            piece.topics = vec![format!("t{}", number % 3)];
            piece.story = format!("{:016x}", number % 7);
            piece
        })
}

/// Minutes before a batch: none, samples of the volume lane, its warm-up, more than what is remembered.
fn any_pause() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 3 => 1_i64..60, 2 => 3_600_i64..6_000, 1 => Just(45_000)]
}

fn put_off(piece: &Enriched, later: SignedDuration) -> Enriched {
    let mut piece = piece.clone();
    piece.feedback.occurred_at += later;
    piece.feedback.observed_at += later;
    piece.enriched_at += later;
    piece
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_restart_after_any_commit_changes_nothing(
        batches in proptest::collection::vec((proptest::collection::vec(any_piece(), 1..30), any_pause(), any::<bool>()), 1..8),
    ) {
        let config = Config {
            volume_rules: vec![VolumeRule {
                id: "r".to_owned(), min_negative: 5, min_rise: 1.5, cooldown_seconds: 300, ..VolumeRule::default()
            }],
            ..Config::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut steady, mut restarted) = (World::new(config.clone()), World::new(config));
            let mut later = SignedDuration::ZERO;
            for (number, (pieces, pause, restart)) in batches.iter().enumerate() {
                later += SignedDuration::from_mins(*pause);
                let pieces: Vec<Enriched> = pieces.iter().map(|piece| put_off(piece, later)).collect();
                let now = after(10_000.0 + number as f64) + later;
                let a = steady.batch(&pieces, now).await;
                let b = restarted.batch(&pieces, now).await;
                assert_eq!(a.signals, b.signals);
                assert_eq!(a.states, b.states);
                assert_eq!(a.deltas, b.deltas);
                if *restart {
                    restarted.restart();
                }
            }
        });
    }
}
