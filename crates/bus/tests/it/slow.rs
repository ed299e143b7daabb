//! Back-pressure: a stage that is slower than its input does not make the process grow.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use wensheng_bus::{
    Bus, Cleanup, EmbeddedBus, EmbeddedConfig, KafkaBus, KafkaConfig, OutRecord, SessionEvent,
    SessionSpec, TopicSpec,
};

use crate::engine::{DAY, record};

const ENGINE: &str = "WENSHENG_BUS_SLOW_ENGINE";
const TOPIC: &str = "WENSHENG_BUS_SLOW_TOPIC";
const INPUT_MIB: usize = 128;

fn open(engine: &str) -> Arc<dyn Bus> {
    match engine.strip_prefix("kafka:") {
        Some(brokers) => KafkaBus::open(KafkaConfig {
            brokers: brokers.to_owned(),
            ..Default::default()
        })
        .unwrap(),
        None => EmbeddedBus::open(engine, EmbeddedConfig::default()).unwrap(),
    }
}

/// The most memory the process has held, in MiB (Linux).
fn peak_mib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? / 1024)
}

/// The child's side: reads a part of the input in small batches, with pauses, and tells how much it grew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_reads_slowly() {
    let Ok(engine) = std::env::var(ENGINE) else {
        return;
    };
    let topic: Arc<str> = std::env::var(TOPIC).unwrap().into();
    let bus = open(&engine);
    let before = peak_mib().unwrap();
    let spec = SessionSpec {
        group: format!("slow-{topic}"),
        topics: vec![topic],
        max_records: 1000,
        max_bytes: 256 << 10,
        max_wait: Duration::from_millis(10),
    };
    let mut session = bus.session(spec).await.unwrap();
    let mut batches = 0;
    while batches < 40 {
        if let SessionEvent::Records(batch) = session.next().await.unwrap() {
            session.commit(&batch.progress(), vec![]).await.unwrap();
            batches += 1;
            // The slowness under test; nothing is decided by it.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    println!("grew {}", peak_mib().unwrap().saturating_sub(before));
}

async fn grows_little(engine: &str) {
    if peak_mib().is_none() {
        println!("skipped: /proc/self/status is not there");
        return;
    }
    let topic: Arc<str> = format!("slow-{:x}", jiff::Timestamp::now().as_nanosecond()).into();
    {
        let bus = open(engine);
        let spec = TopicSpec {
            name: topic.clone(),
            partitions: 2,
            cleanup: Cleanup::Delete(DAY),
        };
        bus.create_topics(&[spec]).await.unwrap();
        let mut publisher = bus.publisher(&topic).await.unwrap();
        let mut state = 88_172_645_463_325_252_u64;
        for mib in 0..INPUT_MIB {
            let records: Vec<OutRecord> = (0..64)
                .map(|index| {
                    // 16 KiB that no codec can shrink.
                    let mut value = Vec::with_capacity(16 << 10);
                    while value.len() < 16 << 10 {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        value.extend_from_slice(&state.to_le_bytes());
                    }
                    OutRecord {
                        value: Some(value.into()),
                        ..record(&topic, &format!("{mib} {index}"), "")
                    }
                })
                .collect();
            publisher.publish(records).await.unwrap();
        }
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "slow::child_that_reads_slowly", "--nocapture"])
        .env(ENGINE, engine)
        .env(TOPIC, &*topic)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let grew = text
        .lines()
        .find_map(|line| line.strip_prefix("grew "))
        .unwrap_or_else(|| panic!("{text}"));
    let grew: usize = grew.parse().unwrap();
    assert!(grew < INPUT_MIB / 2, "grew by {grew} MiB of {INPUT_MIB}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_stage_on_the_embedded_engine_holds_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    grows_little(folder.path().join("bus.db").to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_stage_on_kafka_holds_bounded_memory() {
    match std::env::var("WENSHENG_KAFKA") {
        Ok(brokers) => grows_little(&format!("kafka:{brokers}")).await,
        Err(_) => println!("skipped: WENSHENG_KAFKA is not set"),
    }
}
