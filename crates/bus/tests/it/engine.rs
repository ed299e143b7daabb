//! An engine under test, and the few words that the tests are written in.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use wensheng_bus::{
    Batch, Bus, Cleanup, EmbeddedBus, EmbeddedConfig, ErrorKind, KafkaBus, KafkaConfig, OutRecord,
    PartitionLag, Progress, Record, Session, SessionEvent, SessionSpec, TopicPartition, TopicSpec,
};

/// Long enough for a broker under load; nothing in the tests waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fails, rather than hangs, when something never happens.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("did not happen: {what}"),
    }
}

/// Unique among all runs on one broker.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = jiff::Timestamp::now().as_nanosecond();
    format!(
        "{nanos:x}-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The bootstrap servers of a real Kafka, where there is one.
pub(crate) fn brokers() -> Option<String> {
    let brokers = std::env::var("WENSHENG_KAFKA").ok();
    if brokers.is_none() {
        println!("skipped: WENSHENG_KAFKA is not set");
    }
    brokers
}

/// How to reach the listener with TLS and SASL/SCRAM: what `tests/kafka.sh secured` prints.
pub(crate) struct Secured {
    brokers: String,
    properties: BTreeMap<String, String>,
}

impl Secured {
    pub(crate) fn at_hand() -> Option<Self> {
        let Ok(told) = std::env::var("WENSHENG_KAFKA_SECURED") else {
            println!("skipped: WENSHENG_KAFKA_SECURED is not set (tests/kafka.sh secured)");
            return None;
        };
        let words: Vec<&str> = told.split(' ').collect();
        let [brokers, user, password, authority] = words[..] else {
            panic!("WENSHENG_KAFKA_SECURED is not: address user password file");
        };
        let properties = [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", user),
            ("sasl.password", password),
            ("ssl.ca.location", authority),
        ];
        Some(Self {
            brokers: brokers.to_owned(),
            properties: properties
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        })
    }

    pub(crate) fn config(self) -> KafkaConfig {
        KafkaConfig {
            brokers: self.brokers,
            properties: self.properties,
            ..Default::default()
        }
    }
}

pub(crate) struct Engine {
    pub(crate) bus: Arc<dyn Bus>,
    suffix: String,
    _folder: Option<TempDir>,
}

impl Engine {
    pub(crate) async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus =
            EmbeddedBus::open(folder.path().join("bus.db"), EmbeddedConfig::default()).unwrap();
        Self {
            _folder: Some(folder),
            ..Self::of(bus, unique())
        }
    }

    /// A process of the installation that knows its names by `suffix`.
    pub(crate) fn of(bus: Arc<dyn Bus>, suffix: String) -> Self {
        Self {
            bus,
            suffix,
            _folder: None,
        }
    }

    pub(crate) async fn kafka() -> Option<Self> {
        Some(Self::over(brokers()?))
    }

    /// The real Kafka through its listener with TLS and SASL/SCRAM.
    pub(crate) async fn secured() -> Option<Self> {
        Some(Self::with(Secured::at_hand()?.config()))
    }

    /// The Kafka engine over these brokers.
    pub(crate) fn over(brokers: String) -> Self {
        Self::with(KafkaConfig {
            brokers,
            ..Default::default()
        })
    }

    /// The Kafka engine with these settings, and transactional ids of its own.
    pub(crate) fn with(config: KafkaConfig) -> Self {
        Self::process(config, unique())
    }

    /// Another process of the same installation: the same names, and settings of its own.
    pub(crate) fn another(&self, config: KafkaConfig) -> Self {
        Self::process(config, self.suffix.clone())
    }

    fn process(config: KafkaConfig, suffix: String) -> Self {
        let config = KafkaConfig {
            transactional_id_prefix: format!("test-{suffix}"),
            ..config
        };
        Self::of(KafkaBus::open(config).unwrap(), suffix)
    }

    /// A name that no other test uses.
    pub(crate) fn name(&self, name: &str) -> Arc<str> {
        format!("{name}-{}", self.suffix).into()
    }

    /// Creates a topic kept by time.
    pub(crate) async fn topic(&self, name: &str, partitions: u32) -> Arc<str> {
        self.create(name, partitions, Cleanup::Delete(DAY)).await
    }

    pub(crate) async fn compacted(&self, name: &str, partitions: u32) -> Arc<str> {
        self.create(name, partitions, Cleanup::Compact).await
    }

    async fn create(&self, name: &str, partitions: u32, cleanup: Cleanup) -> Arc<str> {
        let name = self.name(name);
        let spec = TopicSpec {
            name: name.clone(),
            partitions,
            cleanup,
        };
        soon("the topic is created", self.bus.create_topics(&[spec]))
            .await
            .unwrap();
        name
    }

    pub(crate) fn spec(&self, group: &str, topics: &[&Arc<str>]) -> SessionSpec {
        SessionSpec {
            group: self.name(group).to_string(),
            topics: topics.iter().map(|topic| (*topic).clone()).collect(),
            max_records: 1000,
            max_bytes: 1 << 20,
            max_wait: Duration::from_millis(20),
        }
    }

    pub(crate) async fn session(&self, group: &str, topics: &[&Arc<str>]) -> Box<dyn Session> {
        soon(
            "the session opens",
            self.bus.session(self.spec(group, topics)),
        )
        .await
        .unwrap()
    }

    pub(crate) async fn publish(&self, records: Vec<OutRecord>) {
        let mut publisher = soon(
            "the publisher opens",
            self.bus.publisher(&self.name("publisher")),
        )
        .await
        .unwrap();
        soon("the records are published", publisher.publish(records))
            .await
            .unwrap();
    }

    pub(crate) async fn lag(&self, group: &str, topic: &Arc<str>) -> Vec<PartitionLag> {
        let group = self.name(group);
        soon("the lag is told", async {
            loop {
                match self.bus.lag(&group, std::slice::from_ref(topic)).await {
                    Ok(lag) => return lag,
                    Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
                }
            }
        })
        .await
    }

    pub(crate) async fn total_lag(&self, group: &str, topic: &Arc<str>) -> u64 {
        self.lag(group, topic).await.iter().map(|lag| lag.lag).sum()
    }

    pub(crate) async fn replay(
        &self,
        topic: &Arc<str>,
        partition: u32,
        range: std::ops::Range<u64>,
    ) -> Vec<Record> {
        let mut records = Vec::new();
        let at = TopicPartition::new(topic.clone(), partition);
        let visited = soon(
            "the replay ends",
            self.bus
                .replay(&at, range, &mut |record| records.push(record)),
        )
        .await
        .unwrap();
        assert_eq!(visited, records.len() as u64);
        records
    }

    /// Everything committed to a topic, partition by partition.
    pub(crate) async fn everything(&self, topic: &Arc<str>) -> Vec<Record> {
        let mut records = Vec::new();
        for partition in 0..self.bus.partitions(topic).await.unwrap() {
            records.extend(self.replay(topic, partition, 0..u64::MAX).await);
        }
        records
    }
}

pub(crate) fn record(topic: &Arc<str>, key: &str, value: &str) -> OutRecord {
    OutRecord {
        topic: topic.clone(),
        key: Bytes::copy_from_slice(key.as_bytes()),
        partition_key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: vec![],
    }
}

pub(crate) fn tombstone(topic: &Arc<str>, key: &str) -> OutRecord {
    OutRecord {
        value: None,
        ..record(topic, key, "")
    }
}

/// `count` records under `keys` keys; the values are 0, 1, 2, …
pub(crate) fn numbered(topic: &Arc<str>, count: usize, keys: usize) -> Vec<OutRecord> {
    (0..count)
        .map(|index| record(topic, &format!("key {}", index % keys), &index.to_string()))
        .collect()
}

pub(crate) fn text(record: &Record) -> &str {
    std::str::from_utf8(record.value.as_deref().unwrap()).unwrap()
}

pub(crate) fn number(record: &Record) -> usize {
    text(record).parse().unwrap()
}

pub(crate) async fn next(session: &mut Box<dyn Session>) -> SessionEvent {
    soon("the session has something to tell", session.next())
        .await
        .unwrap()
}

/// The next batch, whatever changes of assignment come before it.
pub(crate) async fn next_batch(session: &mut Box<dyn Session>) -> Batch {
    loop {
        if let SessionEvent::Records(batch) = next(session).await {
            return batch;
        }
    }
}

/// Reads until `count` records are in hand; commits nothing, so that what is revoked comes again to whom it is assigned.
pub(crate) async fn read(session: &mut Box<dyn Session>, count: usize) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    while records.len() < count {
        match next(session).await {
            SessionEvent::Records(batch) => records.extend(batch.records),
            SessionEvent::Revoked(lost) => records.retain(|record| !lost.contains(&record.at)),
            SessionEvent::Assigned(_) => {}
        }
    }
    assert_eq!(records.len(), count, "no more than what was appended");
    records
}

pub(crate) fn progress(records: &[Record]) -> Progress {
    Batch {
        records: records.to_vec(),
    }
    .progress()
}

pub(crate) async fn commit(
    session: &mut Box<dyn Session>,
    progress: &Progress,
    outputs: Vec<OutRecord>,
) {
    soon(
        "the commit is acknowledged",
        session.commit(progress, outputs),
    )
    .await
    .unwrap();
}

/// The values of each key, in the order read.
pub(crate) fn by_key(records: &[Record]) -> BTreeMap<Bytes, Vec<usize>> {
    let mut keys: BTreeMap<Bytes, Vec<usize>> = BTreeMap::new();
    for record in records {
        keys.entry(record.key.clone())
            .or_default()
            .push(number(record));
    }
    keys
}

pub(crate) fn sorted(records: &[Record]) -> Vec<usize> {
    let mut numbers: Vec<usize> = records.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}
