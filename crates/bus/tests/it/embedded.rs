//! What only the embedded engine promises: its file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wensheng_bus::{
    Bus, Cleanup, EmbeddedBus, EmbeddedConfig, ErrorKind, OutRecord, SessionEvent, TopicPartition,
    TopicSpec,
};

use crate::engine::{DAY, Engine, commit, next, next_batch, number, numbered, sorted};

fn open(path: &Path) -> Result<Arc<EmbeddedBus>, wensheng_bus::BusError> {
    EmbeddedBus::open(path, EmbeddedConfig::default())
}

async fn with_topic(path: &Path, retention: Duration) -> Arc<EmbeddedBus> {
    let bus = open(path).unwrap();
    let topic = TopicSpec {
        name: "log".into(),
        partitions: 1,
        cleanup: Cleanup::Delete(retention),
    };
    bus.create_topics(&[topic]).await.unwrap();
    bus
}

async fn publish(bus: &EmbeddedBus, count: usize) {
    let mut publisher = bus.publisher("test").await.unwrap();
    publisher
        .publish(numbered(&"log".into(), count, 5))
        .await
        .unwrap();
}

async fn read(bus: &EmbeddedBus) -> Result<Vec<usize>, wensheng_bus::BusError> {
    let mut numbers = Vec::new();
    let at = TopicPartition::new("log", 0);
    bus.replay(&at, 0..u64::MAX, &mut |record| {
        numbers.push(number(&record))
    })
    .await?;
    Ok(numbers)
}

fn refused(path: &Path, says: &str) {
    let error = open(path).err().expect("it must not open");
    assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
    let text = error.to_string();
    assert!(text.contains(says), "{text:?} must say {says:?}");
    assert!(
        text.contains(&path.display().to_string()),
        "{text:?} names the file"
    );
}

#[tokio::test]
async fn a_file_in_use_is_refused_and_free_after_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("bus.db");
    let bus = with_topic(&path, DAY).await;
    refused(&path, "another process uses it");
    publish(&bus, 5).await;
    bus.close();
    let bus = open(&path).unwrap();
    assert_eq!(read(&bus).await.unwrap(), [0, 1, 2, 3, 4]);
    drop(bus);
    open(&path).unwrap();
}

#[tokio::test]
async fn a_closed_bus_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let bus = with_topic(&folder.path().join("bus.db"), DAY).await;
    let mut publisher = bus.publisher("test").await.unwrap();
    bus.close();
    let error = publisher
        .publish(numbered(&"log".into(), 1, 1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (ErrorKind::Fatal, "it has been closed")
    );
}

#[tokio::test]
async fn what_is_not_a_bus_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "闻声而动".repeat(2000)).unwrap();
    refused(&text, "not a bus");
    assert_eq!(
        std::fs::read_to_string(&text).unwrap(),
        "闻声而动".repeat(2000)
    );

    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE mine (a)").unwrap();
    drop(connection);
    let before = std::fs::read(&other).unwrap();
    refused(&other, "not a bus");
    assert_eq!(std::fs::read(&other).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    open(&path).unwrap().close();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    connection
        .execute("INSERT INTO layouts VALUES (999, '7.8.9', 0)", [])
        .unwrap();
    drop(connection);
    refused(&path, "newer version (7.8.9)");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(&file.join("bus.db"), "cannot create the folder");
}

#[tokio::test]
async fn damage_is_noticed_at_the_end_when_opening_and_elsewhere_when_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let bus = with_topic(&path, DAY).await;
    publish(&bus, 100).await;
    publish(&bus, 100).await;
    bus.close();
    let damage = |which: &str| {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let changed = connection
            .execute(&format!("UPDATE segments SET data = zeroblob(length(data)) WHERE id = (SELECT {which}(id) FROM segments)"), [])
            .unwrap();
        assert_eq!(changed, 1);
    };
    damage("min");
    let bus = open(&path).unwrap();
    let error = read(&bus).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.reason.contains("damaged at offset 0"), "{error}");
    bus.close();
    damage("max");
    refused(&path, "damaged at its end");
}

/// A copy of the files of a running bus is what a crash of the machine leaves.
#[tokio::test]
async fn a_copy_of_the_files_at_any_point_is_a_whole_bus() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let bus = with_topic(&path, DAY).await;
    for round in 1..=5 {
        publish(&bus, 20).await;
        let copy = folder.path().join(format!("copy-{round}.db"));
        for suffix in ["", "-wal"] {
            std::fs::copy(
                format!("{}{suffix}", path.display()),
                format!("{}{suffix}", copy.display()),
            )
            .unwrap();
        }
        let copy = open(&copy).unwrap();
        assert_eq!(read(&copy).await.unwrap().len(), round * 20);
    }
}

#[tokio::test]
async fn records_go_when_they_are_old_and_every_group_has_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let bus = with_topic(&folder.path().join("bus.db"), DAY).await;
    publish(&bus, 10).await;
    publish(&bus, 10).await;
    let spec = wensheng_bus::SessionSpec {
        group: "slow".to_owned(),
        topics: vec!["log".into()],
        max_records: 10,
        max_bytes: 1 << 20,
        max_wait: Duration::ZERO,
    };
    let mut session = bus.session(spec).await.unwrap();
    session.next().await.unwrap();
    let at = TopicPartition::new("log", 0);
    session.commit(&[(at, 10)].into(), vec![]).await.unwrap();

    let now = Timestamp::now();
    bus.retain(now).await.unwrap();
    assert_eq!(read(&bus).await.unwrap().len(), 20, "nothing is old");
    bus.retain(now + DAY + Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(
        read(&bus).await.unwrap(),
        (0..10).collect::<Vec<_>>(),
        "the unread stay"
    );
    let lag = bus.lag("slow", &["log".into()]).await.unwrap();
    assert_eq!((lag[0].lag, lag[0].end), (10, 20));
    bus.retain(now + 2 * DAY + Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(
        read(&bus).await.unwrap().len(),
        0,
        "a group that stopped cannot hold them for ever"
    );
    assert_eq!(bus.lag("slow", &["log".into()]).await.unwrap()[0].lag, 0);

    publish(&bus, 3).await;
    assert_eq!(
        bus.lag("slow", &["log".into()]).await.unwrap()[0].end,
        23,
        "offsets go on"
    );
    assert_eq!(read(&bus).await.unwrap(), [0, 1, 2]);
}

#[tokio::test]
async fn many_small_appends_at_once_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let bus = with_topic(&folder.path().join("bus.db"), DAY).await;
    let publishers: Vec<_> = (0..50)
        .map(|index| {
            let bus = bus.clone();
            tokio::spawn(async move {
                let mut publisher = bus.publisher(&format!("p{index}")).await.unwrap();
                for _ in 0..10 {
                    publisher
                        .publish(numbered(&"log".into(), 3, 1))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    assert_eq!(read(&bus).await.unwrap().len(), 1500);
    assert!(bus.size_on_disk() > 0);
}

/// A session that asks where to read on, loses the partition before it hears the answer, and gets it back when another
/// has read it: the old answer no longer holds.
#[tokio::test]
async fn a_partition_that_comes_back_is_read_on_from_where_the_other_left_it() {
    let engine = Engine::embedded().await;
    let topic = engine.topic("input", 2).await;
    engine.publish(numbered(&topic, 40, 40)).await;
    let mut first = engine.session("g", &[&topic]).await;
    // Polled once: both partitions are claimed, and the answer is not waited for.
    tokio::select! {
        biased;
        _ = first.next() => {}
        () = std::future::ready(()) => {}
    }

    let mut second = engine.session("g", &[&topic]).await;
    loop {
        if let SessionEvent::Revoked(_) = next(&mut first).await {
            break;
        }
    }
    let theirs = next_batch(&mut second).await;
    commit(&mut second, &theirs.progress(), vec![]).await;
    second.close().await.unwrap();

    let mut mine = Vec::new();
    while mine.len() + theirs.records.len() < 40 {
        mine.extend(next_batch(&mut first).await.records);
    }
    mine.extend(theirs.records);
    assert_eq!(sorted(&mine), (0..40).collect::<Vec<_>>());
}

/// Every byte of the folder's files.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

#[tokio::test]
async fn rewritten_records_keep_their_place_and_what_they_were_is_nowhere_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let bus = with_topic(&folder.path().join("bus.db"), DAY).await;
    let latest = TopicSpec {
        name: "latest".into(),
        partitions: 1,
        cleanup: Cleanup::Compact,
    };
    bus.create_topics(&[latest]).await.unwrap();
    let mut publisher = bus.publisher("test").await.unwrap();
    // Bytes without a pattern are stored as they are, so that they can be looked for.
    let secret: Vec<u8> = (0..64_u64)
        .flat_map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 7)).to_le_bytes())
        .collect();
    let record = |topic: &str, key: &str, value: &[u8]| OutRecord {
        topic: topic.into(),
        key: key.to_owned().into(),
        partition_key: None,
        value: Some(value.to_vec().into()),
        headers: vec![("h".to_owned(), "1".into())],
    };
    let mut first = vec![record("log", "a", b"stays"), record("log", "b", &secret)];
    first.push(record("latest", "k", &secret));
    publisher.publish(first).await.unwrap();
    let second = vec![record("log", "c", b"later"), record("latest", "k", &secret)];
    publisher.publish(second).await.unwrap();
    let found = |bytes: Vec<u8>| bytes.windows(64).any(|window| window == &secret[..64]);
    assert!(found(bytes_of(folder.path())));

    let (log, latest) = (
        TopicPartition::new("log", 0),
        TopicPartition::new("latest", 0),
    );
    let read = async |at: &TopicPartition| {
        let mut records = Vec::new();
        let kept = |record: wensheng_bus::Record| {
            let value = record.value.unwrap().to_vec();
            (record.offset, record.key, value, record.appended_at)
        };
        bus.replay(at, 0..u64::MAX, &mut |record| {
            assert_eq!(record.headers.len(), 1);
            records.push(kept(record));
        })
        .await
        .unwrap();
        records
    };
    let before = read(&log).await;
    let long = vec![b'x'; 3_000_000];
    let values = |at: &TopicPartition, offset: u64, value: &[u8]| {
        let beyond = (99, "no record is here".into());
        let of_partition = [(offset, value.to_vec().into()), beyond];
        (at.clone(), of_partition.into_iter().collect())
    };
    let changes = [values(&log, 1, &long), values(&latest, 1, b"")];
    assert!(bus.rewrite(changes.into_iter().collect()).await.unwrap());

    let mut expected = before;
    expected[1].2 = long;
    assert_eq!(read(&log).await, expected);
    assert_eq!(read(&latest).await[0].2, b"");
    // A group that reads meets the same, and more can be appended.
    publisher
        .publish(vec![record("log", "d", b"last")])
        .await
        .unwrap();
    assert_eq!(read(&log).await.len(), 4);
    assert!(!found(bytes_of(folder.path())));
    drop(publisher);
    bus.close();
    let bus = open(&folder.path().join("bus.db")).unwrap();
    let lag = bus.lag("g", &["log".into()]).await.unwrap();
    assert_eq!(lag[0].end, 4);
}
