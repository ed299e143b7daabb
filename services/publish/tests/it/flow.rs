//! The whole way, with what can break on it.

use bytes::Bytes;
use sqlx::Executor as _;
use wensheng_bus::{Bus, OutRecord};
use wensheng_publish::{Config, GROUP, Handling};
use wensheng_runtime::encode;
use wensheng_schemas::{
    Contract, DeadLetter, Enriched, Severity, Signal, TOPIC_ALL, TermCount, Topic, WindowDelta,
    WindowSize,
};
use wensheng_store::{Entry, HotFilter, PartitionProgress, WindowFilter, WriteBatch};

use crate::samples::{alert, dead_letter, delta, key, minute, piece};
use crate::world::World;

/// Pieces of several brands, and one delta for each.
fn pieces(numbers: std::ops::Range<i64>) -> (Vec<Enriched>, Vec<WindowDelta>) {
    numbers
        .map(|number| {
            let brand = ["青山茶饮", "云途出行", "满屋家居", "北辰电器"][number as usize % 4];
            let mut piece = piece(&number.to_string(), minute(number % 7), "排队两小时");
            piece.feedback.brand = brand.to_owned();
            let key = key(WindowSize::Minute, minute(number % 7), brand, TOPIC_ALL);
            (piece, delta(key, &format!("author-{number}")))
        })
        .unzip()
}

async fn send(world: &World, numbers: std::ops::Range<i64>) {
    let (pieces, deltas) = pieces(numbers);
    world.send(&pieces).await;
    world.send(&deltas).await;
}

/// The store holds `count` pieces once each, and the bus tells its windows as they stand.
async fn assert_counted(world: &World, count: i64) {
    assert_eq!(world.store.feedback_count().await.unwrap(), count as u64);
    assert_eq!(
        world.store.window_volume(WindowSize::Minute).await.unwrap(),
        count
    );
    let filter = WindowFilter::new(WindowSize::Minute, minute(0), minute(60));
    let stored = world.store.windows(&filter, 1_000).await.unwrap();
    let stored = stored
        .into_iter()
        .map(|window| (window.key(), window))
        .collect();
    assert_eq!(world.totals().await, stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_in_is_stored_and_its_totals_come_out() {
    let world = World::new().await;
    send(&world, 0..100).await;
    world
        .send(&[alert("x", 1, Severity::Crisis, Some(minute(15)))])
        .await;
    world.send(&[dead_letter(1)]).await;
    let running = world.start();
    world.caught_up(&running).await;
    assert_counted(&world, 100).await;
    send(&world, 100..150).await;
    world.caught_up(&running).await;
    assert_counted(&world, 150).await;
    assert_eq!(world.store.dead_letter_count().await.unwrap(), 1);
    let alerts = world.store.alerts(&Default::default(), 10).await.unwrap();
    assert_eq!(alerts.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_it_was() {
    let world = World::new().await;
    for round in 0..4 {
        send(&world, round * 20..(round + 1) * 20).await;
        let running = world.start();
        world.caught_up(&running).await;
        running.stop().await;
        assert_counted(&world, (round + 1) * 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_store_is_rebuilt_from_the_log() {
    let mut world = World::new().await;
    send(&world, 0..60).await;
    let running = world.start();
    world.caught_up(&running).await;
    running.stop().await;
    let before = world.committed(Topic::Aggregates).await;
    world.delete_store().await;
    send(&world, 60..61).await;
    let running = world.start();
    world.caught_up(&running).await;
    // The group's place is no sign here: it was near the end all along.
    while world.store.feedback_count().await.unwrap() < 61
        || world.store.window_volume(WindowSize::Minute).await.unwrap() < 61
    {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    running.stop().await;
    assert_eq!(world.store.feedback_count().await.unwrap(), 61);
    assert_eq!(
        world.store.window_volume(WindowSize::Minute).await.unwrap(),
        61
    );
    let after = world.committed(Topic::Aggregates).await;
    assert_eq!(after.iter().sum::<u64>(), before.iter().sum::<u64>() + 1);
}

/// What the store holds when the process is killed between its commit and that of the bus.
async fn apply_without_the_bus(world: &World) {
    let mut batch = WriteBatch::default();
    for topic in [Topic::Enriched, Topic::Aggregates] {
        for partition in 0..3 {
            let at = wensheng_bus::TopicPartition::new(topic.name(), partition);
            let mut next_offset = 0;
            let (enriched, deltas) = (&mut batch.enriched, &mut batch.deltas);
            world
                .bus
                .replay(&at, 0..u64::MAX, &mut |record| {
                    next_offset = record.offset + 1;
                    let offset = record.offset;
                    match topic {
                        Topic::Enriched => enriched.push(Entry {
                            partition,
                            offset,
                            value: wensheng_runtime::decode(&record).unwrap(),
                        }),
                        _ => deltas.push(Entry {
                            partition,
                            offset,
                            value: wensheng_runtime::decode(&record).unwrap(),
                        }),
                    }
                })
                .await
                .unwrap();
            batch.progress.push(PartitionProgress {
                topic: topic.name().to_owned(),
                partition,
                next_offset,
            });
        }
    }
    world
        .store
        .writer(GROUP)
        .apply(&batch, minute(1))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_ahead_of_the_group_counts_once_and_tells_its_totals() {
    let world = World::new().await;
    send(&world, 0..40).await;
    apply_without_the_bus(&world).await;
    assert!(world.totals().await.is_empty(), "the bus knows nothing yet");
    send(&world, 40..50).await;
    let running = world.start();
    world.caught_up(&running).await;
    running.stop().await;
    assert_counted(&world, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_another_bus_is_refused() {
    let mut world = World::new().await;
    send(&world, 0..10).await;
    let running = world.start();
    world.caught_up(&running).await;
    running.stop().await;
    world.replace_bus().await;
    let error = world.start().failure().await.to_string();
    assert!(error.contains("written from another bus"), "{error}");
    assert!(error.contains("store.url"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_store_is_waited_for_and_counts_once() {
    let world = World::new().await;
    let other = sqlx::SqlitePool::connect(&world.store_url()).await.unwrap();
    let mut holder = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    holder.execute("DELETE FROM feedback").await.unwrap();
    send(&world, 0..30).await;
    let running = world.start();
    let reason = running.held_up().await;
    assert!(
        reason.contains("another process holds the file"),
        "{reason}"
    );
    assert_eq!(world.store.feedback_count().await.unwrap(), 0);
    holder.rollback().await.unwrap();
    other.close().await;
    world.caught_up(&running).await;
    running.stop().await;
    assert_counted(&world, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_a_dead_letter_once_and_for_all() {
    let world = World::new().await;
    let broken = |topic: Topic, value: &'static [u8]| OutRecord {
        topic: topic.shared_name(),
        key: Bytes::from_static(b"k"),
        partition_key: None,
        value: Some(Bytes::from_static(value)),
        headers: Vec::new(),
    };
    let (pieces, _) = pieces(0..1);
    world
        .send_records(vec![
            broken(Topic::Enriched, b"{\"half\":"),
            broken(Topic::Aggregates, &[0xff, 0xfe]),
            broken(Topic::DeadLetters, b"not a dead letter"),
            encode(&pieces[0], None),
        ])
        .await;
    let running = world.start();
    world.caught_up(&running).await;
    // The dead letters that publish made of them come back to it.
    while world.store.dead_letter_count().await.unwrap() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world.caught_up(&running).await;
    running.stop().await;
    let stored = world.store.dead_letters(None, 10).await.unwrap().rows;
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert!(stored.iter().all(|letter| letter.stage == "publish"));
    assert_eq!(world.store.feedback_count().await.unwrap(), 1);
    // Three in the topic: the one that cannot be read made no other.
    let end: u64 = world.committed(Topic::DeadLetters).await.iter().sum();
    assert_eq!(end, 3);
    let payloads: Vec<_> = stored
        .iter()
        .map(|letter: &DeadLetter| &letter.payload)
        .collect();
    assert!(payloads.contains(&&Some("{\"half\":".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_feedback_goes_where_retention_is_set() {
    let world = World::new().await;
    let now = jiff::Timestamp::now();
    let old = now - jiff::SignedDuration::from_hours(24 * 8);
    let long_ago = now - jiff::SignedDuration::from_hours(24 * 36);
    let said = |size, start| {
        let mut delta = delta(key(size, start, "青山茶饮", TOPIC_ALL), "a");
        delta.terms = vec![TermCount {
            term: "排队两小时".to_owned(),
            count: 3,
            negative: 3,
        }];
        delta
    };
    let batch = WriteBatch {
        enriched: vec![
            Entry {
                partition: 0,
                offset: 0,
                value: piece("old", old, "旧"),
            },
            Entry {
                partition: 0,
                offset: 1,
                value: piece("new", now, "新"),
            },
        ],
        deltas: vec![
            Entry {
                partition: 0,
                offset: 0,
                value: said(WindowSize::Hour, long_ago),
            },
            Entry {
                partition: 0,
                offset: 1,
                value: said(WindowSize::Hour, old),
            },
            Entry {
                partition: 0,
                offset: 2,
                value: said(WindowSize::Day, long_ago),
            },
        ],
        ..WriteBatch::default()
    };
    world.store.writer("seed").apply(&batch, now).await.unwrap();
    let running = world.start_with(Config {
        sources: [(
            "test".to_owned(),
            Handling {
                purpose: "售后质量改进".to_owned(),
                retention_days: 7,
            },
        )]
        .into(),
        ..Config::default()
    });
    while world.store.feedback_count().await.unwrap() > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    running.stop().await;
    let rows = world
        .store
        .feedback(&Default::default(), None, 10)
        .await
        .unwrap()
        .rows;
    assert_eq!(rows[0].feedback.text, "新");
    let trail = world.store.audit(10).await.unwrap();
    assert_eq!(trail[0].action, "feedback.expire");
    assert!(trail[0].detail.starts_with("feedback=1,"), "{trail:?}");
    // Of terms, hours go after some weeks and days stay.
    for size in [WindowSize::Hour, WindowSize::Day] {
        let filter = HotFilter {
            size,
            before: None,
            from: jiff::Timestamp::MIN,
            to: jiff::Timestamp::MAX,
            brand: None,
            channel: None,
        };
        let hot = world.store.hot_terms(&filter, 9).await.unwrap();
        assert_eq!(hot.terms.len(), 1);
        assert_eq!(hot.terms[0].mentions, 3, "{size:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_signals_those_that_only_inform_are_stored() {
    let world = World::new().await;
    let signals = [
        include_str!("../../../../schemas/examples/voc.signals.v1/volume.json"),
        include_str!("../../../../schemas/examples/voc.signals.v1/rule_hit.json"),
        include_str!("../../../../schemas/examples/voc.signals.v1/burst.json"),
    ]
    .map(|json| serde_json::from_str::<Signal>(json).unwrap());
    world.send(&signals).await;
    let running = world.start();
    world.caught_up(&running).await;
    let stored = world.store.rises(None, 10).await.unwrap();
    assert_eq!(stored, signals[..1]);
    running.stop().await;
}
