//! The log: order, partitions, atomic appends, replay, compaction, lag.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use wensheng_bus::{Cleanup, ErrorKind, OutRecord, TopicPartition, TopicSpec, partition_for};

use crate::engine::{
    DAY, Engine, by_key, commit, next_batch, number, numbered, progress, read, record, soon,
    sorted, text, tombstone,
};

crate::on_both_engines!(
    records_of_a_key_keep_their_order,
    the_key_or_the_partition_key_decides_the_partition,
    keys_values_and_headers_come_back_as_they_were,
    batches_keep_to_their_limits,
    what_was_not_committed_is_delivered_again,
    outputs_and_progress_are_committed_together,
    replay_visits_the_range_and_nothing_else,
    replay_of_a_compacted_topic_has_the_latest_of_each_key,
    a_tombstone_is_delivered_and_deletes_its_key,
    lag_counts_what_is_unread_and_reaches_zero,
    an_instant_finds_its_offset,
    a_topic_that_exists_is_not_changed,
    topics_that_differ_from_the_settings_are_reported,
    an_unknown_topic_is_a_clear_error,
    a_publisher_is_fenced_off_by_a_newer_one_of_the_same_id,
);

async fn records_of_a_key_keep_their_order(engine: &Engine) {
    let topic = engine.topic("input", 4).await;
    for chunk in numbered(&topic, 2000, 7).chunks(500) {
        engine.publish(chunk.to_vec()).await;
    }
    let mut session = engine.session("g", &[&topic]).await;
    let records = read(&mut session, 2000).await;
    for (index, numbers) in by_key(&records).into_values().enumerate() {
        assert!(numbers.is_sorted(), "key number {index}: {numbers:?}");
    }
    assert_eq!(sorted(&records), (0..2000).collect::<Vec<_>>());
}

async fn the_key_or_the_partition_key_decides_the_partition(engine: &Engine) {
    let topic = engine.topic("input", 5).await;
    let mut records = numbered(&topic, 50, 50);
    for record in &mut records[25..] {
        record.partition_key = Some(Bytes::from_static(b"brand"));
    }
    engine.publish(records).await;
    let mut session = engine.session("g", &[&topic]).await;
    for record in read(&mut session, 50).await {
        let decides: &[u8] = if number(&record) < 25 {
            &record.key
        } else {
            b"brand"
        };
        assert_eq!(record.at.partition, partition_for(decides, 5));
    }
}

pub(crate) async fn keys_values_and_headers_come_back_as_they_were(engine: &Engine) {
    let topic = engine.topic("input", 1).await;
    let headers = vec![
        ("ce_id".to_owned(), Bytes::from_static("编号 1".as_bytes())),
        ("empty".to_owned(), Bytes::new()),
        ("ce_id".to_owned(), Bytes::from_static(&[0, 255])),
    ];
    let before = Timestamp::now();
    engine
        .publish(vec![OutRecord {
            headers: headers.clone(),
            ..record(&topic, "键", "值")
        }])
        .await;
    let mut session = engine.session("g", &[&topic]).await;
    let read = read(&mut session, 1).await.remove(0);
    assert_eq!(read.key, "键".as_bytes());
    assert_eq!(text(&read), "值");
    assert_eq!(read.headers, headers);
    assert_eq!(read.header("ce_id"), Some("编号 1".as_bytes()));
    // Kafka keeps milliseconds.
    assert!(
        read.appended_at.as_millisecond() >= before.as_millisecond()
            && read.appended_at <= Timestamp::now()
    );
}

async fn batches_keep_to_their_limits(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    let value = "x".repeat(1000);
    let records: Vec<OutRecord> = (0..300)
        .map(|index| record(&topic, &index.to_string(), &value))
        .collect();
    engine.publish(records).await;
    let mut spec = engine.spec("by-count", &[&topic]);
    spec.max_records = 7;
    let mut session = engine.bus.session(spec).await.unwrap();
    let mut seen = 0;
    while seen < 300 {
        let count = next_batch(&mut session).await.records.len();
        assert!((1..=7).contains(&count));
        seen += count;
    }
    let mut spec = engine.spec("by-bytes", &[&topic]);
    spec.max_bytes = 10_000;
    let mut session = engine.bus.session(spec).await.unwrap();
    let mut seen = 0;
    while seen < 300 {
        let count = next_batch(&mut session).await.records.len();
        assert!((1..=10).contains(&count), "{count} records of 1,000 bytes");
        seen += count;
    }
}

async fn what_was_not_committed_is_delivered_again(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    engine.publish(numbered(&topic, 100, 10)).await;
    let mut session = engine.session("g", &[&topic]).await;
    assert_eq!(read(&mut session, 100).await.len(), 100);
    drop(session);

    let mut session = engine.session("g", &[&topic]).await;
    let records = read(&mut session, 100).await;
    let half: Vec<_> = records
        .iter()
        .filter(|record| record.at.partition == 0)
        .cloned()
        .collect();
    commit(&mut session, &progress(&half), vec![]).await;
    drop(session);

    let mut session = engine.session("g", &[&topic]).await;
    let again = read(&mut session, 100 - half.len()).await;
    assert!(again.iter().all(|record| record.at.partition == 1));
    commit(&mut session, &progress(&again), vec![]).await;
    soon("the session closes", session.close()).await.unwrap();
    assert_eq!(engine.total_lag("g", &topic).await, 0);
}

pub(crate) async fn outputs_and_progress_are_committed_together(engine: &Engine) {
    let input = engine.topic("input", 2).await;
    let output = engine.topic("output", 2).await;
    engine.publish(numbered(&input, 10, 10)).await;
    let mut session = engine.session("g", &[&input]).await;
    let records = read(&mut session, 10).await;

    // A commit that cannot be whole leaves nothing behind: neither the outputs before the wrong one, nor the progress.
    let mut wrong = numbered(&output, 3, 3);
    wrong.push(record(&engine.name("missing"), "k", "v"));
    let error = soon(
        "the commit is refused",
        session.commit(&progress(&records), wrong),
    )
    .await
    .unwrap_err();
    assert_ne!(error.kind, ErrorKind::Unavailable, "{error}");
    drop(session);
    assert_eq!(engine.everything(&output).await.len(), 0);
    assert!(engine.total_lag("g", &input).await >= 10);

    let mut session = engine.session("g", &[&input]).await;
    let records = read(&mut session, 10).await;
    commit(&mut session, &progress(&records), numbered(&output, 3, 3)).await;
    assert_eq!(sorted(&engine.everything(&output).await), [0, 1, 2]);
    assert_eq!(engine.total_lag("g", &input).await, 0);
}

async fn replay_visits_the_range_and_nothing_else(engine: &Engine) {
    let topic = engine.topic("input", 1).await;
    // In one transaction, so that on Kafka too the offsets are 0, 1, 2, …
    engine.publish(numbered(&topic, 100, 3)).await;
    let numbers =
        |records: Vec<wensheng_bus::Record>| records.iter().map(number).collect::<Vec<_>>();
    assert_eq!(
        numbers(engine.replay(&topic, 0, 0..u64::MAX).await),
        (0..100).collect::<Vec<_>>()
    );
    assert_eq!(
        numbers(engine.replay(&topic, 0, 20..30).await),
        (20..30).collect::<Vec<_>>()
    );
    assert_eq!(
        numbers(engine.replay(&topic, 0, 95..2000).await),
        (95..100).collect::<Vec<_>>()
    );
    assert_eq!(
        numbers(engine.replay(&topic, 0, 5000..6000).await),
        [0_usize; 0]
    );
    let empty = engine.topic("empty", 1).await;
    assert_eq!(
        numbers(engine.replay(&empty, 0, 0..u64::MAX).await),
        [0_usize; 0]
    );
}

/// Folds a replay as a stage does: the last of each key wins, a tombstone deletes.
fn fold(records: &[wensheng_bus::Record]) -> std::collections::BTreeMap<String, String> {
    let mut state = std::collections::BTreeMap::new();
    for record in records {
        let key = String::from_utf8(record.key.to_vec()).unwrap();
        match &record.value {
            Some(_) => state.insert(key, text(record).to_owned()),
            None => state.remove(&key),
        };
    }
    state
}

pub(crate) async fn replay_of_a_compacted_topic_has_the_latest_of_each_key(engine: &Engine) {
    let topic = engine.compacted("state", 3).await;
    for chunk in numbered(&topic, 300, 10).chunks(100) {
        engine.publish(chunk.to_vec()).await;
    }
    let records = engine.everything(&topic).await;
    let state = fold(&records);
    let expected = (290..300)
        .map(|index| (format!("key {}", index % 10), index.to_string()))
        .collect();
    assert_eq!(state, expected);
    for pair in records.windows(2) {
        assert!(
            pair[0].at != pair[1].at || pair[0].offset < pair[1].offset,
            "offsets rise"
        );
    }
}

async fn a_tombstone_is_delivered_and_deletes_its_key(engine: &Engine) {
    let topic = engine.compacted("state", 1).await;
    let mut session = engine.session("g", &[&topic]).await;
    engine
        .publish(vec![record(&topic, "a", "1"), record(&topic, "b", "2")])
        .await;
    let seen = read(&mut session, 2).await;
    commit(&mut session, &progress(&seen), vec![]).await;
    engine.publish(vec![tombstone(&topic, "a")]).await;
    let seen = read(&mut session, 1).await;
    assert_eq!((&seen[0].key[..], &seen[0].value), (&b"a"[..], &None));
    commit(&mut session, &progress(&seen), vec![]).await;
    assert_eq!(
        fold(&engine.everything(&topic).await),
        [("b".to_owned(), "2".to_owned())].into()
    );
    assert_eq!(engine.total_lag("g", &topic).await, 0);
}

pub(crate) async fn lag_counts_what_is_unread_and_reaches_zero(engine: &Engine) {
    let topic = engine.topic("input", 3).await;
    for chunk in numbered(&topic, 90, 30).chunks(30) {
        engine.publish(chunk.to_vec()).await;
    }
    assert!(engine.total_lag("g", &topic).await >= 90);
    let mut session = engine.session("g", &[&topic]).await;
    let records = read(&mut session, 90).await;
    assert!(
        engine.total_lag("g", &topic).await >= 90,
        "reading is not committing"
    );
    commit(&mut session, &progress(&records), vec![]).await;
    assert_eq!(engine.total_lag("g", &topic).await, 0);
    let lags = engine.lag("g", &topic).await;
    assert_eq!(lags.len(), 3);
    for lag in lags {
        let last = records
            .iter()
            .filter(|record| record.at == lag.at)
            .map(|record| record.offset)
            .max();
        assert!(lag.committed > last.unwrap_or(0) || last.is_none());
        assert!(lag.committed <= lag.end);
    }
}

async fn an_instant_finds_its_offset(engine: &Engine) {
    let topic = engine.topic("input", 1).await;
    let early = Timestamp::now() - DAY;
    engine.publish(numbered(&topic, 10, 1)).await;
    let at = TopicPartition::new(topic.clone(), 0);
    let last = engine.replay(&topic, 0, 0..u64::MAX).await.pop().unwrap();
    assert_eq!(engine.bus.offset_at(&at, early).await.unwrap(), 0);
    assert!(engine.bus.offset_at(&at, last.appended_at).await.unwrap() <= last.offset);
    assert!(
        engine
            .bus
            .offset_at(&at, Timestamp::now() + DAY)
            .await
            .unwrap()
            > last.offset
    );
}

async fn a_topic_that_exists_is_not_changed(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    engine.publish(numbered(&topic, 5, 5)).await;
    let again = [TopicSpec {
        name: topic.clone(),
        partitions: 9,
        cleanup: Cleanup::Compact,
    }];
    engine.bus.create_topics(&again).await.unwrap();
    assert_eq!(engine.bus.partitions(&topic).await.unwrap(), 2);
    assert_eq!(engine.everything(&topic).await.len(), 5);
}

pub(crate) async fn topics_that_differ_from_the_settings_are_reported(engine: &Engine) {
    let by_time = engine.topic("input", 2).await;
    let compacted = engine.compacted("state", 3).await;
    let right = [
        TopicSpec {
            name: by_time.clone(),
            partitions: 2,
            cleanup: Cleanup::Delete(DAY),
        },
        TopicSpec {
            name: compacted.clone(),
            partitions: 3,
            cleanup: Cleanup::Compact,
        },
    ];
    assert_eq!(engine.bus.check_topics(&right).await.unwrap(), []);
    let wrong = [
        TopicSpec {
            name: by_time.clone(),
            partitions: 4,
            cleanup: Cleanup::Delete(DAY),
        },
        TopicSpec {
            name: by_time,
            partitions: 2,
            cleanup: Cleanup::Delete(2 * DAY),
        },
        TopicSpec {
            name: compacted,
            partitions: 3,
            cleanup: Cleanup::Delete(DAY),
        },
        TopicSpec {
            name: engine.name("missing"),
            partitions: 1,
            cleanup: Cleanup::Compact,
        },
    ];
    let problems = engine.bus.check_topics(&wrong).await.unwrap();
    let named: Vec<&Arc<str>> = problems.iter().map(|problem| &problem.topic).collect();
    assert_eq!(
        named,
        wrong.iter().map(|spec| &spec.name).collect::<Vec<_>>(),
        "{problems:?}"
    );
}

async fn an_unknown_topic_is_a_clear_error(engine: &Engine) {
    let missing = engine.name("missing");
    let error = soon("an answer comes", engine.bus.partitions(&missing))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.to_string().contains(&*missing), "{error}");
    let session = soon(
        "an answer comes",
        engine.bus.session(engine.spec("g", &[&missing])),
    )
    .await;
    assert_eq!(
        session.err().map(|error| error.kind),
        Some(ErrorKind::Fatal)
    );
}

pub(crate) async fn a_publisher_is_fenced_off_by_a_newer_one_of_the_same_id(engine: &Engine) {
    let topic = engine.topic("input", 1).await;
    let id = engine.name("connector");
    let mut older = soon("the publisher opens", engine.bus.publisher(&id))
        .await
        .unwrap();
    soon(
        "it publishes",
        older.publish(vec![record(&topic, "k", "0")]),
    )
    .await
    .unwrap();
    let mut newer = soon("the newer one opens", engine.bus.publisher(&id))
        .await
        .unwrap();
    let error = soon(
        "it is refused",
        older.publish(vec![record(&topic, "k", "1")]),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Lost, "{error}");
    soon(
        "the newer one publishes",
        newer.publish(vec![record(&topic, "k", "2")]),
    )
    .await
    .unwrap();
    assert_eq!(sorted(&engine.everything(&topic).await), [0, 2]);
}
