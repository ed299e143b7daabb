//! Whatever is read twice counts once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wensheng_schemas::{Counts, TOPIC_ALL, Topic, WindowDelta, WindowKey, WindowSize};
use wensheng_store::{Applied, Entry, PartitionProgress, Store, WindowFilter, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{all_key, delta, entries, key, minute, piece, progress};

fn batch_of(from: u64, deltas: Vec<WindowDelta>) -> WriteBatch {
    WriteBatch {
        progress: vec![progress(Topic::Aggregates, from + deltas.len() as u64)],
        deltas: entries(from, deltas),
        ..WriteBatch::default()
    }
}

pub(crate) async fn repeats_change_nothing_and_are_told_as_they_stand(fixture: &Fixture) {
    let writer = fixture.store.writer("test");
    let mut batch = batch_of(
        0,
        vec![
            delta(all_key(minute(0)), "a"),
            delta(all_key(minute(1)), "b"),
        ],
    );
    batch.enriched = entries(0, [piece("1", minute(0), "排队")]);
    batch.progress.push(progress(Topic::Enriched, 1));
    let finer = minute(1) + jiff::SignedDuration::from_nanos(1_234);
    let first = writer.apply(&batch, finer).await.unwrap();
    let again = writer.apply(&batch, minute(2)).await.unwrap();
    assert_eq!(again.windows, first.windows);
    assert_eq!(again.repeated, 3);
    assert_eq!(again.written, Default::default());

    // One old delta, one new: the old one's window is told without a change.
    let mixed = batch_of(
        1,
        vec![
            delta(all_key(minute(1)), "b"),
            delta(all_key(minute(2)), "c"),
        ],
    );
    let applied = writer.apply(&mixed, minute(3)).await.unwrap();
    assert_eq!(applied.repeated, 1);
    assert_eq!(applied.written.windows, 1);
    let told: Vec<_> = applied
        .windows
        .iter()
        .map(|window| {
            (
                window.key.start,
                window.revision,
                window.counts.volume,
                window.updated_at,
            )
        })
        .collect();
    assert_eq!(
        told,
        [(minute(1), 1, 1, minute(1)), (minute(2), 1, 1, minute(3))]
    );
    // Another group has its own progress, and counts for itself.
    let other = fixture
        .store
        .writer("other")
        .apply(&batch, minute(4))
        .await
        .unwrap();
    assert_eq!(other.repeated, 0);
}

pub(crate) async fn a_restart_in_the_middle_counts_once(fixture: &Fixture) {
    let all: Vec<_> = (0..10)
        .map(|n| delta(all_key(minute(n % 3)), "a"))
        .collect();
    fixture
        .store
        .writer("test")
        .apply(&batch_of(0, all[..4].to_vec()), minute(1))
        .await
        .unwrap();
    fixture.store.close().await;
    let store = fixture.open_again().await;
    assert_eq!(
        store.writer("test").progress().await.unwrap(),
        [progress(Topic::Aggregates, 4)]
    );
    store
        .writer("test")
        .apply(&batch_of(0, all), minute(2))
        .await
        .unwrap();
    assert_eq!(store.window_volume(WindowSize::Minute).await.unwrap(), 10);
    store.close().await;
}

/// Applies until it is done, as the consume loop does.
async fn apply(store: &Store, batch: &WriteBatch) -> Applied {
    loop {
        match store.writer("test").apply(batch, minute(1)).await {
            Ok(applied) => return applied,
            Err(error) => assert!(error.retriable(), "{error}"),
        }
    }
}

pub(crate) async fn the_same_batch_from_two_writers_counts_once(fixture: &Fixture) {
    let other = fixture.open_again().await;
    for round in 0..20_u64 {
        let batch = batch_of(
            round * 2,
            vec![
                delta(all_key(minute(0)), "a"),
                delta(all_key(minute(1)), "b"),
            ],
        );
        let (one, two) = tokio::join!(apply(&fixture.store, &batch), apply(&other, &batch));
        assert_eq!(
            one.repeated + two.repeated,
            2,
            "one of them found it applied"
        );
        assert_eq!(one.windows, two.windows);
    }
    assert_eq!(other.window_volume(WindowSize::Minute).await.unwrap(), 40);
    other.close().await;
}

pub(crate) async fn writers_that_create_the_same_window_lose_nothing(fixture: &Fixture) {
    let other = fixture.open_again().await;
    for round in 0..20 {
        let on_partition = |partition: u32, author: &str| WriteBatch {
            deltas: vec![Entry {
                partition,
                offset: round as u64,
                value: delta(all_key(minute(round)), author),
            }],
            progress: vec![PartitionProgress {
                topic: Topic::Aggregates.name().to_owned(),
                partition,
                next_offset: round as u64 + 1,
            }],
            ..WriteBatch::default()
        };
        let (left, right) = (on_partition(0, "a"), on_partition(1, "b"));
        tokio::join!(apply(&fixture.store, &left), apply(&other, &right));
    }
    let filter = WindowFilter::new(WindowSize::Minute, minute(0), minute(60));
    let windows = other.windows(&filter, 100).await.unwrap();
    assert_eq!(windows.len(), 20);
    for window in windows {
        assert_eq!(
            (window.counts.volume, window.authors, window.revision),
            (2, 2, 2)
        );
    }
    other.close().await;
}

pub(crate) async fn progress_never_goes_back(fixture: &Fixture) {
    let writer = fixture.store.writer("test");
    for next in [5, 3, 4] {
        let batch = WriteBatch {
            progress: vec![progress(Topic::Alerts, next)],
            ..WriteBatch::default()
        };
        writer.apply(&batch, minute(1)).await.unwrap();
        assert_eq!(
            writer.progress().await.unwrap(),
            [progress(Topic::Alerts, 5)]
        );
    }
}

/// A log of deltas in two partitions, and how it was read: pieces that begin at or before the end of what was applied.
#[derive(Debug, Clone)]
struct Reading {
    logs: [Vec<WindowDelta>; 2],
    /// Which partition, how far before its end a piece begins, how many deltas it has.
    pieces: Vec<(usize, u64, usize)>,
}

fn any_delta(partition: usize) -> impl Strategy<Value = WindowDelta> {
    let topic = prop_oneof![Just(TOPIC_ALL), Just("waiting_time")];
    let size = prop_oneof![Just(WindowSize::Minute), Just(WindowSize::Day)];
    (0..3_i64, topic, size, -2..5_i64, 0..200_u32, 0..8_u32).prop_map(
        move |(start, topic, size, volume, author, word)| {
            let brand = ["青山茶饮", "云途出行"][partition];
            let mut delta = delta(
                key(size, minute(start), brand, topic),
                &format!("author-{author}"),
            );
            delta.counts = Counts {
                volume,
                negative: volume - 1,
                score_sum: volume * 137,
                csat_count: 1,
                ces_sum: -volume,
                ..Counts::default()
            };
            delta.keywords = Default::default();
            delta.keywords.add(&format!("词{word}"), volume);
            delta
        },
    )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    (
        prop::collection::vec(any_delta(0), 1..40),
        prop::collection::vec(any_delta(1), 1..40),
        prop::collection::vec((0..2_usize, 0..6_u64, 1..12_usize), 1..12),
    )
        .prop_map(|(left, right, pieces)| Reading {
            logs: [left, right],
            pieces,
        })
}

/// The counts, distinct authors and top keywords of each window.
type Sums = BTreeMap<WindowKey, (Counts, u64, Vec<(String, i64)>)>;

/// What the sums must be: everything once.
fn truth(reading: &Reading) -> Sums {
    let mut windows: BTreeMap<WindowKey, WindowDelta> = BTreeMap::new();
    for read in reading.logs.iter().flatten() {
        match windows.get_mut(&read.key) {
            Some(window) => {
                window.counts.add(&read.counts);
                window.authors.merge(&read.authors);
                window.keywords.merge(&read.keywords);
            }
            None => {
                windows.insert(read.key.clone(), read.clone());
            }
        }
    }
    windows
        .into_iter()
        .map(|(key, window)| {
            let words = window.keywords.top(20).into_iter();
            let words = words
                .filter(|(_, count)| *count > 0)
                .map(|(word, count)| (word.to_owned(), count))
                .collect();
            (key, (window.counts, window.authors.count(), words))
        })
        .collect()
}

async fn check(fixture: &Fixture, reading: &Reading, round: u64) -> Result<(), TestCaseError> {
    // Each case has its own group and its own span of time, so that one store serves all.
    let group = format!("case-{round}");
    let shift = |delta: &WindowDelta, back: i64| {
        let mut delta = delta.clone();
        let days = 10 * (round as i64 + 1) * back;
        delta.key.start += jiff::SignedDuration::from_hours(24 * days);
        delta
    };
    let writer = fixture.store.writer(group.as_str());
    let mut applied = [0_u64; 2];
    let mut told: BTreeMap<WindowKey, (i64, Counts)> = BTreeMap::new();
    let ends = reading.logs.each_ref().map(|log| log.len() as u64);
    // At the end the rest of each partition is read.
    let rest = [(0, 0, usize::MAX), (1, 0, usize::MAX)];
    for (partition, back, length) in reading.pieces.iter().copied().chain(rest) {
        let from = applied[partition].saturating_sub(back);
        let until = from.saturating_add(length as u64).min(ends[partition]);
        let deltas = (from..until)
            .map(|offset| Entry {
                partition: partition as u32,
                offset,
                value: shift(&reading.logs[partition][offset as usize], 1),
            })
            .collect();
        let batch = WriteBatch {
            deltas,
            progress: vec![PartitionProgress {
                topic: Topic::Aggregates.name().to_owned(),
                partition: partition as u32,
                next_offset: until,
            }],
            ..WriteBatch::default()
        };
        applied[partition] = applied[partition].max(until);
        let done = writer.apply(&batch, minute(1)).await.unwrap();
        for window in done.windows {
            let before = told.insert(window.key.clone(), (window.revision, window.counts));
            if let Some((revision, counts)) = before {
                prop_assert!(window.revision >= revision);
                prop_assert!(window.revision > revision || window.counts == counts);
            }
        }
    }
    let shifted = Reading {
        logs: reading
            .logs
            .each_ref()
            .map(|log| log.iter().map(|d| shift(d, 1)).collect()),
        pieces: Vec::new(),
    };
    let mut found = Sums::new();
    for size in [WindowSize::Minute, WindowSize::Day] {
        for topic in [TOPIC_ALL, "waiting_time"] {
            let first = shift(&delta(all_key(minute(0)), "a"), 1).key.start;
            let until = first + jiff::SignedDuration::from_hours(24);
            let filter = WindowFilter::new(size, first, until).topic(topic);
            for window in fixture.store.windows(&filter, 1_000).await.unwrap() {
                let told = told.get(&window.key);
                prop_assert_eq!(told, Some(&(window.revision, window.counts)));
                found.insert(
                    window.key,
                    (window.counts, window.authors, window.top_keywords),
                );
            }
        }
    }
    prop_assert_eq!(found, truth(&shifted));
    Ok(())
}

pub(crate) async fn any_interleaving_of_replays_gives_the_same_sums(fixture: &Fixture) {
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let round = std::sync::atomic::AtomicU64::new(0);
    // The runner is not async: it holds this thread while the others drive the store.
    tokio::task::block_in_place(|| {
        let handle = tokio::runtime::Handle::current();
        runner
            .run(&any_reading(), |reading| {
                let round = round.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                handle.block_on(check(fixture, &reading, round))
            })
            .unwrap();
    });
}
