//! Rises of a brand's volume.

use wensheng_aggregate::Config;
use wensheng_bus::{Outputs, Stage};
use wensheng_schemas::{DetectorState, Enriched, Severity, Signal, SignalKind, TOPIC_ALL};

use crate::world::{BRAND, World, after, piece};

const DAY: f64 = 86_400.0;

/// The volume lane alone.
fn lane() -> Config {
    let mut config = Config {
        volume_rules: Vec::new(),
        ..Config::default()
    };
    config.detector.enabled = false;
    config
}

/// A piece every `every` seconds, all of them friendly.
fn talk(first: usize, from: f64, seconds: f64, every: f64) -> Vec<Enriched> {
    (0..(seconds / every) as usize)
        .map(|n| piece(first + n, from + n as f64 * every, false))
        .collect()
}

/// Four even days, and on the fifth ten minutes in which much is said.
fn rise() -> Vec<Enriched> {
    let mut pieces = talk(0, 0.0, 4.0 * DAY, 120.0);
    pieces.extend(talk(100_000, 4.0 * DAY, 600.0, 2.0));
    pieces.extend(talk(200_000, 4.0 * DAY + 600.0, 7_200.0, 120.0));
    pieces
}

async fn hear(world: &mut World, pieces: &[Enriched], restarts: bool) -> Vec<Signal> {
    let mut signals = Vec::new();
    for chunk in pieces.chunks(100) {
        let now = chunk.last().unwrap().enriched_at;
        signals.extend(world.batch(chunk, now).await.signals);
        if restarts {
            world.restart();
        }
    }
    signals
}

#[tokio::test]
async fn a_rise_of_friendly_voices_is_told_and_a_restart_does_not_change_it() {
    let signals = hear(&mut World::new(lane()), &rise(), false).await;
    assert_eq!(signals.len(), 1, "{signals:#?}");
    let signal = &signals[0];
    assert_eq!(
        (signal.topic.as_str(), signal.severity),
        (TOPIC_ALL, Severity::Watch)
    );
    assert!(signal.kind.informs());
    let SignalKind::Volume { pieces, usual, .. } = signal.kind else {
        panic!("{signal:?}");
    };
    // The first five minutes of it, and ten of every day.
    assert!((150..=156).contains(&pieces), "{pieces}");
    assert!((7..=8).contains(&usual), "{usual}");
    let told = signal.times.occurred_at.duration_since(after(4.0 * DAY));
    assert!((60..=360).contains(&told.as_secs()), "{told}");
    let again = hear(&mut World::new(lane()), &rise(), true).await;
    assert_eq!(again, signals);
}

#[tokio::test]
async fn drills_revisions_and_what_comes_late_are_not_counted() {
    let mut world = World::new(lane());
    let mut pieces = rise();
    for (n, piece) in pieces.iter_mut().enumerate() {
        let number: usize = piece.feedback.native_id.parse().unwrap();
        if !(100_000..200_000).contains(&number) {
            continue;
        }
        match n % 3 {
            0 => piece.feedback.drill = true,
            1 => piece.replaces = Some(Box::new(piece.contribution())),
            _ => piece.feedback.occurred_at = after(3.0 * DAY),
        }
    }
    assert_eq!(hear(&mut world, &pieces, false).await, []);
}

#[tokio::test]
async fn the_past_is_written_with_a_sample_and_not_with_a_batch() {
    let mut world = World::new(lane());
    // A slot begins at `after(0)`.
    let lanes = |states: &[DetectorState]| states.iter().filter(|s| s.lane.is_some()).count();
    for (from, samples) in [(0.0, 0), (10.0, 0), (250.0, 0), (300.0, 1), (310.0, 0)] {
        let number = from as usize * 100;
        let pieces = talk(number, from, 10.0, 5.0);
        let written = world.batch(&pieces, after(from + 20.0)).await;
        assert_eq!(lanes(&written.states), samples, "{from}");
    }
    assert_eq!(world.log.len(), 2);
    let lane = DetectorState::lane_key_of(BRAND);
    assert!(world.log.keys().any(|key| *key == lane.as_bytes()));
    // What nobody spoke of for a month goes, whole.
    let mut out = Outputs::default();
    world.stage.tick(after(31.0 * DAY), &mut out);
    world.commit(out);
    assert_eq!(world.log.len(), 0);
}

#[tokio::test]
async fn a_partition_that_is_lost_takes_its_lane_with_it() {
    let (mut world, mut fresh) = (World::new(lane()), World::new(lane()));
    world
        .batch(&talk(0, 0.0, 4_000.0, 50.0), after(4_000.0))
        .await;
    world.stage.revoke(&[3]);
    let pieces = talk(1_000, 4_000.0, 900.0, 30.0);
    let now = after(5_000.0);
    let (after_loss, expected) = (
        world.batch(&pieces, now).await,
        fresh.batch(&pieces, now).await,
    );
    assert_eq!(after_loss.states, expected.states);
}
