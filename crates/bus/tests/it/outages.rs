//! Brokers that are down are waited for, at the start and mid-way; nothing is lost or doubled.

use std::process::Command;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wensheng_bus::{
    ErrorKind, KafkaBus, KafkaConfig, SessionSpec, StageOptions, StageState, dead_letters_in,
    run_stage,
};

use crate::engine::{Engine, numbered, soon, sorted};
use crate::exactly_once::Copies;
use crate::stages::{start, until_read};

/// Nothing listens on port 1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_are_down_at_the_start_are_waited_for() {
    let bus = KafkaBus::open(KafkaConfig {
        brokers: "127.0.0.1:1".to_owned(),
        ..Default::default()
    })
    .unwrap();
    let (sender, mut state) = watch::channel(StageState::Starting);
    let shutdown = CancellationToken::new();
    let spec = SessionSpec {
        group: "g".to_owned(),
        topics: vec!["input".into()],
        max_records: 10,
        max_bytes: 1000,
        max_wait: Duration::ZERO,
    };
    let options = StageOptions::new("test", dead_letters_in("dead-letters"));
    let stage = Copies {
        output: "output".into(),
    };
    let task = tokio::spawn(run_stage(
        bus,
        spec,
        stage,
        options,
        shutdown.clone(),
        sender,
    ));
    let waits = |state: &StageState| matches!(state, StageState::Waiting(what) if what.contains("kafka.brokers"));
    soon(
        "it says that it waits for the brokers",
        state.wait_for(waits),
    )
    .await
    .unwrap();
    shutdown.cancel();
    soon("it stops all the same", task).await.unwrap().unwrap();
    assert_eq!(*state.borrow(), StageState::Stopped);
}

#[test]
fn a_property_that_librdkafka_does_not_know_is_a_clear_error() {
    let properties = [("fetch.min.byte".to_owned(), "1".to_owned())].into();
    let error = KafkaBus::open(KafkaConfig {
        properties,
        ..Default::default()
    })
    .err()
    .unwrap();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.to_string().contains("fetch.min.byte"), "{error}");
}

#[test]
fn a_value_that_only_a_producer_refuses_is_a_clear_error_at_once() {
    let properties = [("message.timeout.ms".to_owned(), "999999".to_owned())].into();
    let error = KafkaBus::open(KafkaConfig {
        properties,
        ..Default::default()
    })
    .err()
    .unwrap();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.to_string().contains("message.timeout.ms"), "{error}");
}

/// Stops and starts the broker of `tests/kafka.sh`, so it wants that broker for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_go_away_mid_way_are_waited_for_and_nothing_is_lost_or_doubled() {
    if std::env::var("WENSHENG_KAFKA_RESTART").is_err() {
        println!("skipped: WENSHENG_KAFKA_RESTART is not set");
        return;
    }
    const RECORDS: usize = 20_000;
    let script = |verb: &'static str| {
        tokio::task::spawn_blocking(move || {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kafka.sh");
            // Its pipes would outlive it in the broker.
            let status = Command::new(path)
                .arg(verb)
                .env_remove("WENSHENG_KAFKA")
                .status()
                .unwrap();
            assert!(status.success(), "{verb}");
        })
    };
    let Some(engine) = Engine::kafka().await else {
        return;
    };
    let input = engine.topic("input", 3).await;
    let output = engine.topic("output", 3).await;
    engine.publish(numbered(&input, RECORDS, 100)).await;
    let mut spec = engine.spec("g", &[&input]);
    spec.max_records = 50;
    let mut running = start(
        &engine,
        spec,
        Copies {
            output: output.clone(),
        },
    );
    for _ in 0..2 {
        let before = engine.total_lag("g", &input).await;
        soon("it gets on", async {
            while engine.total_lag("g", &input).await == before {}
        })
        .await;
        script("stop").await.unwrap();
        let waits = |state: &StageState| matches!(state, StageState::Waiting(_));
        soon("it waits", running.state.wait_for(waits))
            .await
            .unwrap();
        script("start").await.unwrap();
    }
    until_read(&engine, "g", &input).await;
    running.stop().await;
    let copied = sorted(&engine.everything(&output).await);
    let wrong = (0..RECORDS)
        .zip(&copied)
        .find(|(expected, is)| expected != *is);
    assert_eq!((wrong, copied.len()), (None, RECORDS));
}
