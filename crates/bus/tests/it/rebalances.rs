//! Partitions that move while records are in flight: what is in hand is committed before they go, and each record is
//! written once, in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wensheng_bus::{Outcome, Outputs, Record, SessionEvent, Stage, TopicPartition};

use crate::engine::{Engine, by_key, commit, numbered, progress, read, record, soon, sorted, text};
use crate::stages::{start, until_read};

crate::on_both_engines!(
    a_batch_in_hand_is_committed_before_its_partitions_move,
    sessions_that_come_and_go_with_records_in_flight_write_each_record_once,
);

async fn a_batch_in_hand_is_committed_before_its_partitions_move(engine: &Engine) {
    let input = engine.topic("input", 4).await;
    let output = engine.topic("output", 1).await;
    engine.publish(numbered(&input, 100, 40)).await;
    let mut first = engine.session("g", &[&input]).await;
    let in_hand = read(&mut first, 100).await;
    // Joins, and waits for the first to let go.
    let mut second = engine.session("g", &[&input]).await;
    let outputs = numbered(&output, 1, 1);
    commit(&mut first, &progress(&in_hand), outputs).await;

    engine
        .publish(
            (100..120)
                .map(|number| record(&input, &format!("key {number}"), &number.to_string()))
                .collect(),
        )
        .await;
    let mut records = Vec::new();
    let mut held = [
        progress(&in_hand).into_keys().collect(),
        BTreeSet::<TopicPartition>::new(),
    ];
    soon("both have their share, and the new records", async {
        while held.iter().any(BTreeSet::is_empty) || records.len() < 20 {
            let (who, event) = tokio::select! {
                event = first.next() => (0, event.unwrap()),
                event = second.next() => (1, event.unwrap()),
            };
            match event {
                SessionEvent::Assigned(at) => held[who].extend(at),
                SessionEvent::Revoked(at) => held[who].retain(|held| !at.contains(held)),
                SessionEvent::Records(batch) => {
                    let session = if who == 0 { &mut first } else { &mut second };
                    commit(session, &batch.progress(), vec![]).await;
                    records.extend(batch.records);
                }
            }
        }
    })
    .await;
    assert_eq!(
        sorted(&records),
        (100..120).collect::<Vec<_>>(),
        "none comes again"
    );
    assert_eq!(engine.everything(&output).await.len(), 1);
}

/// Writes what it reads under its own key.
struct Copies {
    output: Arc<str>,
}

impl Stage for Copies {
    fn process(&mut self, read: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        let key = std::str::from_utf8(&read.key).unwrap();
        out.emit(record(&self.output, key, text(read)));
        Outcome::Emit
    }
}

/// One session stays; others join, and leave in order or are dropped where they stand.
async fn sessions_that_come_and_go_with_records_in_flight_write_each_record_once(engine: &Engine) {
    const RECORDS: usize = 4000;
    let input = engine.topic("input", 4).await;
    let output = engine.topic("output", 4).await;
    let stage = || Copies {
        output: output.clone(),
    };
    let mut spec = engine.spec("g", &[&input]);
    spec.max_records = 20;
    spec.max_wait = Duration::from_millis(1);
    let lasting = start(engine, spec.clone(), stage());
    let mut publisher = engine.bus.publisher(&engine.name("flow")).await.unwrap();
    let records = numbered(&input, RECORDS, 100);
    let flow = tokio::spawn(async move {
        for chunk in records.chunks(40) {
            soon("it publishes", publisher.publish(chunk.to_vec()))
                .await
                .unwrap();
            // Spread over the comings and goings; nothing is decided by it.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut turns = 0;
    while !flow.is_finished() {
        let passing = start(engine, spec.clone(), stage());
        let mut state = passing.state.clone();
        let runs = |state: &wensheng_bus::StageState| *state == wensheng_bus::StageState::Running;
        soon("it runs", state.wait_for(runs)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20 + 70 * (turns % 4))).await;
        if turns % 2 == 0 {
            passing.stop().await;
        } else {
            passing.task.abort();
            assert!(passing.task.await.unwrap_err().is_cancelled());
        }
        turns += 1;
    }
    flow.await.unwrap();
    until_read(engine, "g", &input).await;
    lasting.stop().await;
    assert!(turns > 1, "{turns}");
    let copied = engine.everything(&output).await;
    assert_eq!(sorted(&copied), (0..RECORDS).collect::<Vec<_>>());
    for numbers in by_key(&copied).values() {
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
}
