//! On a real bus, with the real loop.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, OutRecord, TopicPartition};
use wensheng_respond::{Config, INPUTS, run};
use wensheng_runtime::{Handle, decode, encode, topic_specs};
use wensheng_schemas::{Action, Alert, AlertId, Contract, Notification, Severity};

use crate::world::{BRAND, command, signal, told};

const PARTITIONS: u32 = 2;

async fn open(path: &Path) -> Arc<EmbeddedBus> {
    let bus = EmbeddedBus::open(path, EmbeddedConfig::default()).unwrap();
    let specs = topic_specs(PARTITIONS, &BTreeMap::new());
    bus.create_topics(&specs).await.unwrap();
    bus
}

/// Publishes, runs the role until it has read all of it, and drains.
async fn run_over(bus: &Arc<EmbeddedBus>, records: Vec<OutRecord>) {
    let mut publisher = bus.publisher("test").await.unwrap();
    publisher.publish(records).await.unwrap();
    let handle = Handle::default();
    let role = tokio::spawn(run(Config::default(), bus.clone(), handle.clone()));
    let topics: Vec<_> = INPUTS.iter().map(|topic| topic.shared_name()).collect();
    loop {
        let lag = bus.lag("wensheng-respond", &topics).await.unwrap();
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
async fn an_alert_lives_on_through_restarts_and_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let id = AlertId::of(BRAND, "food_safety", "signal-1");
    // The loop's clock is the real one: a signal of now, so that no deadline passes meanwhile.
    let now = Timestamp::now();
    let fresh = |number| {
        let mut signal = signal(number, "food_safety", Severity::Crisis, 0);
        signal.times.observed_at = now;
        signal.times.detected_at = now;
        signal
    };
    let mut acknowledge = command("c1", &id, Action::Acknowledge, 0);
    acknowledge.at = now;
    for records in [
        vec![encode(&fresh(1), None), encode(&fresh(2), None)],
        vec![encode(&fresh(3), None)],
        vec![encode(&acknowledge, None), encode(&acknowledge, None)],
    ] {
        let bus = open(&path).await;
        run_over(&bus, records).await;
        bus.close();
    }
    let bus = open(&path).await;
    let notifications: Vec<Notification> = all(&bus).await;
    let said: Vec<_> = notifications.iter().map(|n| told(&n.kind)).collect();
    assert_eq!(said, ["raised", "acknowledged"]);
    let alert = all::<Alert>(&bus).await.pop().unwrap();
    assert_eq!(alert.id, id);
    assert_eq!((alert.signals, alert.state.name()), (3, "acknowledged"));
}
