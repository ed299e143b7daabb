//! The stage by itself, as the loop drives it.

use wensheng_bus::{Outcome, Outputs, Progress, Record, Stage, TopicPartition};
use wensheng_publish::{GROUP, PublishStage};
use wensheng_runtime::encode;
use wensheng_schemas::{Contract, TOPIC_ALL, Topic, WindowSize};

use crate::samples::{delta, key, minute, piece};
use crate::world::World;

/// A value as it would be read from that partition.
fn record<T: Contract>(value: &T, partition: u32, offset: u64) -> Record {
    let out = encode(value, None);
    Record {
        at: TopicPartition::new(out.topic, partition),
        offset,
        appended_at: minute(0),
        key: out.key,
        value: out.value,
        headers: out.headers,
    }
}

#[tokio::test]
async fn records_of_a_revoked_partition_are_not_written() {
    let world = World::new().await;
    let mut stage = PublishStage::new(world.bus.clone(), world.store.writer(GROUP), GROUP);
    let mut out = Outputs::default();
    for (partition, text) in [(0, "留"), (1, "去")] {
        let record = record(&piece(text, minute(0), text), partition, 0);
        assert_eq!(stage.process(&record, minute(1), &mut out), Outcome::Emit);
    }
    stage.revoke(&[1]);
    let progress = Progress::from([(TopicPartition::new(Topic::Enriched.name(), 0), 1)]);
    stage.settle(&progress, &mut out).await.unwrap();
    let rows = world
        .store
        .feedback(&Default::default(), None, 10)
        .await
        .unwrap()
        .rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].feedback.text, "留");
}

#[tokio::test]
async fn a_batch_that_is_settled_again_is_written_once() {
    let world = World::new().await;
    let mut stage = PublishStage::new(world.bus.clone(), world.store.writer(GROUP), GROUP);
    let window = key(WindowSize::Minute, minute(0), "青山茶饮", TOPIC_ALL);
    let at = TopicPartition::new(Topic::Aggregates.name(), 0);
    for (offset, volume) in [(0, 1), (1, 2)] {
        let mut out = Outputs::default();
        let outcome = stage.process(
            &record(&delta(window.clone(), "a"), 0, offset),
            minute(1),
            &mut out,
        );
        assert_eq!(outcome, Outcome::Emit);
        let progress = Progress::from([(at.clone(), offset + 1)]);
        stage.settle(&progress, &mut out).await.unwrap();
        assert_eq!(out.records().len(), 1);
        // The session was lost before the bus committed: another reads the same record.
        let mut other = PublishStage::new(world.bus.clone(), world.store.writer(GROUP), GROUP);
        let mut again = Outputs::default();
        other.process(
            &record(&delta(window.clone(), "a"), 0, offset),
            minute(2),
            &mut again,
        );
        other.settle(&progress, &mut again).await.unwrap();
        assert_eq!(
            again.records()[0].value,
            out.records()[0].value,
            "the same total is told"
        );
        assert_eq!(
            world.store.window_volume(WindowSize::Minute).await.unwrap(),
            volume
        );
    }
}

#[tokio::test]
async fn a_tombstone_is_dropped() {
    let world = World::new().await;
    let mut stage = PublishStage::new(world.bus.clone(), world.store.writer(GROUP), GROUP);
    let mut record = record(&piece("1", minute(0), "排队"), 0, 0);
    record.value = None;
    let outcome = stage.process(&record, minute(1), &mut Outputs::default());
    assert_eq!(outcome, Outcome::Drop("tombstone"));
}
