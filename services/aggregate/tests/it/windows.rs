//! Windows.

use bytes::Bytes;
use wensheng_aggregate::Config;
use wensheng_bus::{Outcome, Outputs, Progress, Stage};
use wensheng_schemas::{TOPIC_ALL, WindowSize};

use crate::world::{World, after, piece};

#[tokio::test]
async fn a_batch_becomes_one_delta_per_window_it_touches() {
    let mut world = World::new(Config::default());
    let pieces: Vec<_> = (0..50).map(|n| piece(n, n as f64, n % 5 == 0)).collect();
    let written = world.batch(&pieces, after(60.0)).await;
    assert_eq!(written.deltas.len(), 6, "three sizes, one topic and all");
    for delta in &written.deltas {
        assert_eq!((delta.counts.volume, delta.counts.negative), (50, 10));
        assert_eq!(delta.counts.score_sum, 40 * 6_000 - 10 * 8_000);
        assert_eq!(delta.authors.count(), 50);
        assert_eq!(delta.keywords.top(1), [("肚子疼", 50)]);
        assert_eq!(delta.aggregated_at, after(60.0));
    }
}

#[tokio::test]
async fn a_revision_takes_back_what_it_replaces() {
    let mut world = World::new(Config::default());
    let before = piece(1, 0.0, true);
    let mut now = piece(1, 0.0, false);
    now.feedback.revision = 1;
    now.topics = vec!["price".to_owned()];
    now.replaces = Some(Box::new(before.contribution()));
    let written = world.batch(&[now], after(90.0)).await;
    let of = |topic: &str| {
        written
            .deltas
            .iter()
            .find(|d| d.key.size == WindowSize::Day && d.key.topic == topic)
            .unwrap()
            .counts
    };
    assert_eq!(of("food_safety").volume, -1);
    assert_eq!(of("food_safety").score_sum, 8_000);
    assert_eq!(of("price").positive, 1);
    let all = of(TOPIC_ALL);
    assert_eq!((all.volume, all.negative, all.positive), (0, -1, 1));
    assert_eq!(all.score_sum, 14_000);
}

#[tokio::test]
async fn a_withdrawal_takes_back_and_adds_nothing() {
    let mut world = World::new(Config::default());
    let before = piece(1, 0.0, true);
    let first = world.batch(std::slice::from_ref(&before), after(3.0)).await;
    let mut gone = piece(1, 80.0, false);
    gone.feedback.revision = 1;
    gone.feedback.withdraw();
    gone.replaces = Some(Box::new(before.contribution()));
    let second = world.batch(&[gone], after(90.0)).await;
    assert!(second.signals.is_empty() && second.states.is_empty());
    assert_eq!(first.deltas.len(), second.deltas.len());
    for (added, taken) in first.deltas.iter().zip(&second.deltas) {
        assert_eq!(added.key, taken.key);
        let mut sum = added.counts;
        sum.add(&taken.counts);
        assert_eq!(sum, wensheng_schemas::Counts::default());
        let mut terms = added.keywords.clone();
        terms.merge(&taken.keywords);
        assert!(terms.is_empty());
        assert!(taken.authors.is_empty(), "sketches only grow");
    }
}

#[tokio::test]
async fn a_piece_that_was_revised_within_its_batch_is_counted_as_its_last_revision() {
    let mut world = World::new(Config::default());
    let first = piece(1, 0.0, true);
    let mut second = piece(1, 0.0, true);
    second.feedback.brand = "北岸出行".to_owned();
    second.replaces = Some(Box::new(first.contribution()));
    let mut third = piece(1, 0.0, false);
    third.replaces = Some(Box::new(second.contribution()));
    let written = world.batch(&[first, second, third], after(5.0)).await;
    let volume = |brand: &str| {
        let of_brand = written.deltas.iter().filter(|d| d.key.brand == brand);
        of_brand
            .map(|d| (d.counts.volume, d.counts.negative))
            .collect::<Vec<_>>()
    };
    assert_eq!(volume(crate::world::BRAND), [(1, 0); 6]);
    // Nothing but the sketch of who spoke is left of the brand that was named by mistake.
    assert_eq!(volume("北岸出行"), [(0, 0); 6]);
}

#[tokio::test]
async fn a_drill_is_left_out_of_windows() {
    let mut world = World::new(Config::default());
    let mut drill = piece(1, 0.0, true);
    drill.feedback.drill = true;
    let written = world.batch(&[drill], after(2.0)).await;
    assert!(written.deltas.is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_feedback_are_rejected_and_the_rest_goes_on() {
    let mut world = World::new(Config::default());
    let mut broken = world.record(&piece(1, 0.0, true));
    broken.value = Some(Bytes::from_static(b"{\"feedback\": 7"));
    let mut out = Outputs::default();
    let outcome = world.stage.process(&broken, after(1.0), &mut out);
    assert!(matches!(outcome, Outcome::Reject(reason) if reason.contains("voc.enriched.v1")));
    let written = world.batch(&[piece(2, 0.0, true)], after(2.0)).await;
    assert_eq!(written.deltas[0].counts.volume, 1);
}

#[tokio::test]
async fn what_was_not_committed_is_gone_with_its_session() {
    let mut world = World::new(Config::default());
    let mut out = Outputs::default();
    let record = world.record(&piece(1, 0.0, true));
    world.stage.process(&record, after(1.0), &mut out);
    world.stage.revoke(&[3]);
    let mut out = Outputs::default();
    world
        .stage
        .settle(&Progress::new(), &mut out)
        .await
        .unwrap();
    assert!(out.is_empty());
    // The batch comes again, and is counted once.
    let written = world.batch(&[piece(1, 0.0, true)], after(2.0)).await;
    assert!(written.deltas.iter().all(|d| d.counts.volume == 1));
    assert_eq!(written.states[0].volume["negative_wave"].buckets[0].1, 1);
}

#[tokio::test]
async fn a_late_piece_counts_in_the_window_it_belongs_to() {
    let mut world = World::new(Config::default());
    let written = world
        .batch(&[piece(1, -400.0 * 86_400.0, true)], after(0.0))
        .await;
    let day = &written.deltas[4];
    assert_eq!(day.key.size, WindowSize::Day);
    assert_eq!(day.key.start.to_string(), "2025-01-25T16:00:00Z");
}
