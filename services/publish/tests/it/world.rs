//! A bus and a store in a directory of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, OutRecord, StageState, TopicPartition};
use wensheng_publish::{Config, Error, GROUP, INPUTS};
use wensheng_runtime::{Handle, decode, encode, topic_specs};
use wensheng_schemas::{Contract, Topic, WindowTotal};
use wensheng_store::{Store, StoreConfig};

const PARTITIONS: u32 = 3;

pub(crate) struct World {
    directory: TempDir,
    pub(crate) bus: Arc<EmbeddedBus>,
    pub(crate) store: Store,
}

/// Publish at work.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    task: JoinHandle<Result<(), Error>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bus =
            EmbeddedBus::open(directory.path().join("bus.db"), EmbeddedConfig::default()).unwrap();
        bus.create_topics(&topic_specs(PARTITIONS, &BTreeMap::new()))
            .await
            .unwrap();
        let store = open_store(&directory).await;
        Self {
            directory,
            bus,
            store,
        }
    }

    /// Deletes the store's file and begins another.
    pub(crate) async fn delete_store(&mut self) {
        self.store.close().await;
        for name in ["store.db", "store.db-wal", "store.db-shm"] {
            let path = self.directory.path().join(name);
            if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
        self.store = open_store(&self.directory).await;
    }

    /// An empty bus beside the store as it is.
    pub(crate) async fn replace_bus(&mut self) {
        self.bus.close();
        let path = self.directory.path().join("another-bus.db");
        self.bus = EmbeddedBus::open(path, EmbeddedConfig::default()).unwrap();
        self.bus
            .create_topics(&topic_specs(PARTITIONS, &BTreeMap::new()))
            .await
            .unwrap();
    }

    pub(crate) fn store_url(&self) -> String {
        format!(
            "sqlite:{}",
            self.directory.path().join("store.db").display()
        )
    }

    pub(crate) async fn send<T: Contract>(&self, values: &[T]) {
        self.send_records(values.iter().map(|value| encode(value, None)).collect())
            .await;
    }

    pub(crate) async fn send_records(&self, records: Vec<OutRecord>) {
        let mut publisher = self.bus.publisher("test").await.unwrap();
        publisher.publish(records).await.unwrap();
    }

    pub(crate) fn start(&self) -> Running {
        self.start_with(Config::default())
    }

    pub(crate) fn start_with(&self, config: Config) -> Running {
        let handle = Handle::default();
        let task = tokio::spawn(wensheng_publish::run(
            config,
            self.bus.clone(),
            handle.clone(),
            self.store.clone(),
        ));
        Running { handle, task }
    }

    /// Waits until publish has committed all there is.
    pub(crate) async fn caught_up(&self, running: &Running) {
        let topics: Vec<_> = INPUTS.iter().map(|topic| topic.shared_name()).collect();
        loop {
            assert!(!running.task.is_finished(), "publish ended early");
            let lag = self.bus.lag(GROUP, &topics).await.unwrap();
            if lag.iter().all(|partition| partition.lag == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The values of a topic in the order of each partition.
    pub(crate) async fn read<T: Contract + Send>(&self) -> Vec<T> {
        let mut values = Vec::new();
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new(T::TOPIC.name(), partition);
            self.bus
                .replay(&at, 0..u64::MAX, &mut |record| {
                    values.push(decode(&record).unwrap())
                })
                .await
                .unwrap();
        }
        values
    }

    /// The latest total of each window on the bus, by its key.
    pub(crate) async fn totals(&self) -> BTreeMap<String, WindowTotal> {
        let mut latest: BTreeMap<String, WindowTotal> = BTreeMap::new();
        for total in self.read::<WindowTotal>().await {
            let newer = latest
                .get(&total.key())
                .is_none_or(|before| before.revision <= total.revision);
            assert!(newer, "revisions rise: {total:?}");
            latest.insert(total.key(), total);
        }
        latest
    }

    /// The lag of the group on one topic, partition by partition: the offsets committed.
    pub(crate) async fn committed(&self, topic: Topic) -> Vec<u64> {
        let lag = self.bus.lag(GROUP, &[topic.shared_name()]).await.unwrap();
        lag.into_iter()
            .map(|partition| partition.committed)
            .collect()
    }
}

async fn open_store(directory: &TempDir) -> Store {
    let config = StoreConfig {
        lock_wait_ms: 20,
        ..StoreConfig::default()
    };
    Store::open(&config, directory.path()).await.unwrap()
}

impl Running {
    /// Waits until a task of publish is held up; says by what.
    pub(crate) async fn held_up(&self) -> String {
        loop {
            for state in self.handle.health.report().tasks.into_values() {
                if let StageState::Waiting(reason) = state {
                    return reason;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.handle.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub(crate) async fn failure(self) -> Error {
        self.task.await.unwrap().unwrap_err()
    }
}
