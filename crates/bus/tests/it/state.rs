//! State under the consume loop: restored from the log before the first record, and never ahead of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use wensheng_bus::{Outcome, Outputs, Record, Restore, Stage};

use crate::engine::{DAY, Engine, by_key, number, numbered, record, text, tombstone};
use crate::stages::{start, until_read};

crate::on_both_engines!(
    state_is_restored_before_the_first_record,
    what_was_read_within_the_horizon_is_restored,
    a_lost_session_restores_and_goes_on,
);

/// Counts records by key and keeps the counts in a compacted topic, partitioned as its input.
struct Counter {
    input: Arc<str>,
    counts: Arc<str>,
    state: BTreeMap<u32, BTreeMap<String, usize>>,
    restores: Vec<Restore>,
    restored: mpsc::UnboundedSender<(u32, String, Option<String>)>,
}

impl Counter {
    fn new(
        input: &Arc<str>,
        counts: &Arc<str>,
        restores: Vec<Restore>,
    ) -> (Self, mpsc::UnboundedReceiver<(u32, String, Option<String>)>) {
        let (restored, seen) = mpsc::unbounded_channel();
        let stage = Self {
            input: input.clone(),
            counts: counts.clone(),
            state: BTreeMap::new(),
            restores,
            restored,
        };
        (stage, seen)
    }
}

impl Stage for Counter {
    fn restores(&self) -> Vec<Restore> {
        self.restores.clone()
    }

    fn restore(&mut self, record: &Record) {
        let key = String::from_utf8(record.key.to_vec()).unwrap();
        let value = record.value.as_ref().map(|_| text(record).to_owned());
        let counts = self.state.entry(record.at.partition).or_default();
        if record.at.topic == self.input {
            *counts.entry(key.clone()).or_default() += 1;
        } else {
            match &value {
                Some(value) => counts.insert(key.clone(), value.parse().unwrap()),
                None => counts.remove(&key),
            };
        }
        self.restored
            .send((record.at.partition, key, value))
            .unwrap();
    }

    fn process(&mut self, read: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        let key = String::from_utf8(read.key.to_vec()).unwrap();
        let count = self
            .state
            .entry(read.at.partition)
            .or_default()
            .entry(key.clone())
            .or_default();
        *count += 1;
        out.emit(record(&self.counts, &key, &count.to_string()));
        Outcome::Emit
    }

    fn revoke(&mut self, partitions: &[u32]) {
        for partition in partitions {
            self.state.remove(partition);
        }
    }
}

fn latest(records: &[Record]) -> BTreeMap<String, usize> {
    records
        .iter()
        .map(|record| {
            (
                String::from_utf8(record.key.to_vec()).unwrap(),
                number(record),
            )
        })
        .collect()
}

pub(crate) async fn state_is_restored_before_the_first_record(engine: &Engine) {
    let input = engine.topic("input", 3).await;
    let counts = engine.compacted("counts", 3).await;
    engine
        .publish(vec![
            record(&counts, "gone", "1"),
            tombstone(&counts, "gone"),
        ])
        .await;
    for turn in 1..=3 {
        engine.publish(numbered(&input, 100, 10)).await;
        let (stage, mut restored) =
            Counter::new(&input, &counts, vec![Restore::State(counts.clone())]);
        let running = start(engine, engine.spec("g", &[&input]), stage);
        until_read(engine, "g", &input).await;
        running.stop().await;
        let expected = (0..10)
            .map(|key| (format!("key {key}"), turn * 10))
            .collect();
        let mut kept = engine.everything(&counts).await;
        kept.retain(|record| &record.key[..] != b"gone");
        assert_eq!(latest(&kept), expected);
        let mut keys = BTreeMap::new();
        while let Ok((_, key, value)) = restored.try_recv() {
            keys.insert(key, value);
        }
        assert_eq!(keys.remove("gone").flatten(), None, "a tombstone deletes");
        assert_eq!(keys.len(), if turn == 1 { 0 } else { 10 });
    }
}

async fn what_was_read_within_the_horizon_is_restored(engine: &Engine) {
    let input = engine.topic("input", 2).await;
    let counts = engine.compacted("counts", 2).await;
    let restores = || vec![Restore::Read(input.clone(), DAY)];
    engine.publish(numbered(&input, 100, 10)).await;
    let (stage, mut restored) = Counter::new(&input, &counts, restores());
    let running = start(engine, engine.spec("g", &[&input]), stage);
    until_read(engine, "g", &input).await;
    running.stop().await;
    assert!(restored.try_recv().is_err(), "nothing had been read");

    // The next records must not be restored: they have not been read.
    engine.publish(numbered(&input, 50, 10)).await;
    let (stage, mut restored) = Counter::new(&input, &counts, restores());
    let running = start(engine, engine.spec("g", &[&input]), stage);
    until_read(engine, "g", &input).await;
    running.stop().await;
    let mut count = 0;
    while restored.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 100);
    let expected = (0..10).map(|key| (format!("key {key}"), 15)).collect();
    assert_eq!(latest(&engine.everything(&counts).await), expected);
}

/// Two sessions of one group come and go; each change restores, and the counts stay right.
async fn a_lost_session_restores_and_goes_on(engine: &Engine) {
    let input = engine.topic("input", 4).await;
    let counts = engine.compacted("counts", 4).await;
    let restores = || vec![Restore::State(counts.clone())];
    let (stage, _seen) = Counter::new(&input, &counts, restores());
    let lasting = start(engine, engine.spec("g", &[&input]), stage);
    for _ in 0..3 {
        engine.publish(numbered(&input, 200, 20)).await;
        let (stage, mut restored) = Counter::new(&input, &counts, restores());
        let passing = start(engine, engine.spec("g", &[&input]), stage);
        engine.publish(numbered(&input, 200, 20)).await;
        until_read(engine, "g", &input).await;
        passing.stop().await;
        while restored.try_recv().is_ok() {}
    }
    lasting.stop().await;
    let expected = (0..20).map(|key| (format!("key {key}"), 60)).collect();
    assert_eq!(latest(&engine.everything(&counts).await), expected);
    assert!(
        by_key(&engine.everything(&counts).await)
            .values()
            .all(|counts| counts.is_sorted())
    );
}
