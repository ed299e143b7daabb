//! On a real bus, with the real loop.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wensheng_aggregate::{Config, INPUTS, run};
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, TopicPartition};
use wensheng_runtime::{Handle, SessionConfig, decode, encode, topic_specs};
use wensheng_schemas::{Contract, Enriched, Signal, TOPIC_ALL, WindowDelta, WindowSize};

use crate::world::{piece, start};

const PARTITIONS: u32 = 2;

async fn open(path: &Path) -> Arc<EmbeddedBus> {
    let bus = EmbeddedBus::open(path, EmbeddedConfig::default()).unwrap();
    let specs = topic_specs(PARTITIONS, &BTreeMap::new());
    bus.create_topics(&specs).await.unwrap();
    bus
}

/// Publishes, runs the role until it has read all of it, and drains.
async fn run_over(bus: &Arc<EmbeddedBus>, pieces: &[Enriched]) {
    let mut publisher = bus.publisher("test").await.unwrap();
    let records = pieces.iter().map(|piece| encode(piece, None)).collect();
    publisher.publish(records).await.unwrap();
    let handle = Handle::default();
    let config = Config {
        session: SessionConfig {
            max_records: 7,
            ..SessionConfig::with_sessions(2)
        },
        ..Config::default()
    };
    let role = tokio::spawn(run(config, bus.clone(), handle.clone()));
    let topics: Vec<_> = INPUTS.iter().map(|topic| topic.shared_name()).collect();
    loop {
        let lag = bus.lag("wensheng-aggregate", &topics).await.unwrap();
        if lag.iter().all(|at| at.lag == 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    handle.shutdown.cancel();
    role.await.unwrap().unwrap();
}

async fn all<T: Contract + Send>(bus: &Arc<EmbeddedBus>) -> Vec<T> {
    let mut values = Vec::new();
    for partition in 0..PARTITIONS {
        let at = TopicPartition::new(T::TOPIC.name(), partition);
        bus.replay(&at, 0..u64::MAX, &mut |record| {
            values.push(decode(&record).unwrap());
        })
        .await
        .unwrap();
    }
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crisis_that_spans_a_restart_is_found_once_and_every_piece_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    // Said lately by the clock that the role reads: a series that was silent for long is forgotten.
    let age = Timestamp::now().duration_since(start()) - SignedDuration::from_mins(10);
    let pieces: Vec<_> = (0..60)
        .map(|n| {
            let mut piece = piece(n, n as f64, true);
            piece.feedback.occurred_at += age;
            piece.feedback.observed_at += age;
            piece.enriched_at += age;
            piece
        })
        .collect();
    for part in [&pieces[..30], &pieces[30..]] {
        let bus = open(&path).await;
        run_over(&bus, part).await;
        bus.close();
    }
    let bus = open(&path).await;
    let signals: Vec<Signal> = all(&bus).await;
    let mut topics: Vec<_> = signals.iter().map(|s| s.topic.as_str()).collect();
    topics.sort_unstable();
    assert_eq!(topics, [TOPIC_ALL, "food_safety"]);
    // The 48th piece completes it: 30 were counted before the restart.
    assert_eq!(
        signals[0].times.occurred_at,
        pieces[47].feedback.occurred_at
    );
    let deltas: Vec<WindowDelta> = all(&bus).await;
    let volume: i64 = deltas
        .iter()
        .filter(|d| d.key.size == WindowSize::Day && d.key.topic == TOPIC_ALL)
        .map(|d| d.counts.volume)
        .sum();
    assert_eq!(volume, 60);
}
