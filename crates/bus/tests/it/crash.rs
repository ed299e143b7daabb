//! A process killed with SIGKILL in the middle of its commits loses nothing that was acknowledged, and leaves no part
//! of a batch behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use wensheng_bus::{Bus, Cleanup, EmbeddedBus, EmbeddedConfig, TopicPartition, TopicSpec};

use crate::engine::{DAY, number, record};

const FILE: &str = "WENSHENG_BUS_CRASH_FILE";
const BATCH: usize = 50;
const PARTITIONS: u32 = 3;

fn topics() -> [TopicSpec; 2] {
    let topic = |name: &str, cleanup| TopicSpec {
        name: name.into(),
        partitions: PARTITIONS,
        cleanup,
    };
    [
        topic("log", Cleanup::Delete(DAY)),
        topic("state", Cleanup::Compact),
    ]
}

/// The child's side: appends batch after batch, and tells each acknowledged one on stdout, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_commits_until_it_is_killed() {
    let Ok(file) = std::env::var(FILE) else {
        return;
    };
    let bus = EmbeddedBus::open(Path::new(&file), EmbeddedConfig::default()).unwrap();
    bus.create_topics(&topics()).await.unwrap();
    let first = everything(&bus).await.len() / BATCH;
    let mut publisher = bus.publisher("child").await.unwrap();
    println!();
    for batch in first.. {
        let mut records = Vec::new();
        for index in 0..BATCH {
            let value = (batch * BATCH + index).to_string();
            records.push(record(&"log".into(), &value, &value));
        }
        records.push(record(&"state".into(), "batches", &(batch + 1).to_string()));
        publisher.publish(records).await.unwrap();
        println!("acknowledged {batch}");
    }
}

async fn everything(bus: &EmbeddedBus) -> Vec<usize> {
    let mut numbers = Vec::new();
    for partition in 0..PARTITIONS {
        let at = TopicPartition::new("log", partition);
        bus.replay(&at, 0..u64::MAX, &mut |record| {
            numbers.push(number(&record))
        })
        .await
        .unwrap();
    }
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_no_batch_is_torn_by_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.db");
    let mut acknowledged = 0;
    for round in 0..10_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::child_that_commits_until_it_is_killed",
                "--nocapture",
            ])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = 0;
        // After another number of commits each round; the kill lands wherever the child is by then.
        let enough = 3 + round * 7;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while told < enough {
            let line = lines
                .next()
                .expect("the child lives until it is killed")
                .unwrap();
            if let Some(batch) = line.strip_prefix("acknowledged ") {
                acknowledged = batch.parse::<usize>().unwrap() + 1;
                told += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(batch) = line
                .strip_prefix("acknowledged ")
                .and_then(|batch| batch.parse::<usize>().ok())
            {
                acknowledged = acknowledged.max(batch + 1);
            }
        }

        let bus = EmbeddedBus::open(&file, EmbeddedConfig::default()).unwrap();
        let numbers = everything(&bus).await;
        assert!(
            numbers.len().is_multiple_of(BATCH),
            "no part of a batch: {}",
            numbers.len()
        );
        assert!(
            numbers.len() >= acknowledged * BATCH,
            "{} of {acknowledged} batches",
            numbers.len()
        );
        assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
        let mut batches = 0;
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new("state", partition);
            bus.replay(&at, 0..u64::MAX, &mut |record| batches = number(&record))
                .await
                .unwrap();
        }
        assert_eq!(
            batches,
            numbers.len() / BATCH,
            "the state is that of the last whole batch"
        );
        bus.close();
    }
}
