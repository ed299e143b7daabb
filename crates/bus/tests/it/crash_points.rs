//! A process that dies before, inside or right after a commit: each record is written once, on either engine. The child
//! ends itself by `abort`, with nothing run down; its successor goes on with the same names.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, KafkaBus, KafkaConfig, SessionSpec};

use crate::engine::{
    Engine, brokers, next_batch, numbered, progress, record, sorted, text, unique,
};
use crate::exactly_once::Copies;
use crate::stages::{start, until_read};

const ENGINE: &str = "WENSHENG_BUS_CRASH_ENGINE";
const SUFFIX: &str = "WENSHENG_BUS_CRASH_SUFFIX";
const POINT: &str = "WENSHENG_BUS_CRASH_POINT";
const SIGABRT: i32 = 6;
const BATCH: usize = 20;
const RECORDS: usize = 400;

/// The batch is processed, and nothing of it sent.
const BEFORE: &str = "before";

/// Where a child dies: before the commit; so many µs into it (or at its end, if that comes first); when it is
/// acknowledged and nobody has heard of it yet. A commit takes about 1 ms embedded, and 5 to 20 ms on Kafka.
const POINTS: [&str; 7] = [BEFORE, "0", "300", "1000", "4000", "12000", "after"];

/// An installation that outlives its processes.
struct Installation {
    /// `embedded FILE` or `kafka BROKERS`.
    engine: String,
    suffix: String,
}

impl Installation {
    fn process(&self) -> Engine {
        let bus: Arc<dyn Bus> = match self.engine.split_once(' ') {
            Some(("embedded", file)) => EmbeddedBus::open(file, EmbeddedConfig::default()).unwrap(),
            Some(("kafka", brokers)) => KafkaBus::open(KafkaConfig {
                brokers: brokers.to_owned(),
                transactional_id_prefix: format!("test-{}", self.suffix),
                // The same after each restart: open transactions and partitions are taken over at once.
                instance: Some("crashing".to_owned()),
                ..Default::default()
            })
            .unwrap(),
            _ => panic!("no engine: {}", self.engine),
        };
        Engine::of(bus, self.suffix.clone())
    }
}

fn spec(engine: &Engine) -> SessionSpec {
    let mut spec = engine.spec("g", &[&engine.name("input")]);
    spec.max_records = BATCH;
    spec
}

/// The child's side: one whole commit, so that each child gets on, and one that it dies at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_dies_at_a_commit() {
    let told = [ENGINE, SUFFIX, POINT].map(std::env::var);
    let [Ok(engine), Ok(suffix), Ok(point)] = told else {
        return;
    };
    let engine = Installation { engine, suffix }.process();
    let output = engine.name("output");
    let mut session = engine.bus.session(spec(&engine)).await.unwrap();
    for is_last in [false, true] {
        let records = next_batch(&mut session).await.records;
        let outputs = records
            .iter()
            .map(|read| record(&output, text(read), text(read)))
            .collect();
        if is_last && point == BEFORE {
            std::process::abort();
        }
        let at = progress(&records);
        let commit = session.commit(&at, outputs);
        match point.parse() {
            Ok(micros) if is_last => {
                let pause = Duration::from_micros(micros);
                drop(tokio::time::timeout(pause, commit).await);
                std::process::abort();
            }
            _ => commit.await.unwrap(),
        }
    }
    std::process::abort();
}

/// A child for each point, one after the other; the last process finishes the work.
async fn each_record_is_written_once(installation: Installation) {
    {
        let engine = installation.process();
        let input = engine.topic("input", 2).await;
        engine.topic("output", 2).await;
        engine.publish(numbered(&input, RECORDS, 40)).await;
    }
    for point in POINTS {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash_points::child_that_dies_at_a_commit"])
            .env(ENGINE, &installation.engine)
            .env(SUFFIX, &installation.suffix)
            .env(POINT, point)
            .output()
            .unwrap();
        assert_eq!(
            child.status.signal(),
            Some(SIGABRT),
            "{point}: {}",
            String::from_utf8_lossy(&child.stdout)
        );
    }
    let engine = installation.process();
    let (input, output) = (engine.name("input"), engine.name("output"));
    let left = engine.total_lag("g", &input).await;
    assert!(left > 0, "the children left something to do");
    let stage = Copies {
        output: output.clone(),
    };
    let running = start(&engine, spec(&engine), stage);
    until_read(&engine, "g", &input).await;
    running.stop().await;
    let copied = sorted(&engine.everything(&output).await);
    assert_eq!(copied, (0..RECORDS).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_around_a_commit_on_the_embedded_engine_writes_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    each_record_is_written_once(Installation {
        engine: format!("embedded {}", folder.path().join("bus.db").display()),
        suffix: unique(),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_around_a_commit_on_kafka_writes_each_record_once() {
    let Some(brokers) = brokers() else { return };
    each_record_is_written_once(Installation {
        engine: format!("kafka {brokers}"),
        suffix: unique(),
    })
    .await;
}
