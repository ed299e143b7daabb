//! One bus, and runs of the service over it, one after the other.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wensheng_bus::{
    Bus, BusError, EmbeddedBus, EmbeddedConfig, ErrorKind, OutRecord, PartitionLag, Publisher,
    Record, Session, SessionSpec, StageState, TopicPartition, TopicProblem, TopicSpec,
};
use wensheng_connect::{Config, Error, IngestProgress};
use wensheng_runtime::{Handle, decode, topic_specs};
use wensheng_schemas::{Contract, DeadLetter, FeedbackEvent};

/// The embedded bus, behind a door that can be shut.
pub(crate) struct Door {
    bus: Arc<EmbeddedBus>,
    shut: Arc<AtomicBool>,
    publishes: Arc<AtomicUsize>,
}

struct DoorPublisher {
    inner: Box<dyn Publisher>,
    shut: Arc<AtomicBool>,
    publishes: Arc<AtomicUsize>,
}

fn away() -> BusError {
    BusError::new(ErrorKind::Unavailable, "publish", "the door is shut")
}

#[async_trait]
impl Publisher for DoorPublisher {
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<(), BusError> {
        if self.shut.load(Ordering::SeqCst) {
            return Err(away());
        }
        self.publishes.fetch_add(1, Ordering::SeqCst);
        self.inner.publish(records).await
    }
}

#[async_trait]
impl Bus for Door {
    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.bus.create_topics(topics).await
    }

    async fn check_topics(&self, topics: &[TopicSpec]) -> Result<Vec<TopicProblem>, BusError> {
        self.bus.check_topics(topics).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        self.bus.partitions(topic).await
    }

    async fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BusError> {
        self.bus.session(spec).await
    }

    async fn publisher(&self, id: &str) -> Result<Box<dyn Publisher>, BusError> {
        if self.shut.load(Ordering::SeqCst) {
            return Err(away());
        }
        Ok(Box::new(DoorPublisher {
            inner: self.bus.publisher(id).await?,
            shut: self.shut.clone(),
            publishes: self.publishes.clone(),
        }))
    }

    async fn replay(
        &self,
        at: &TopicPartition,
        range: Range<u64>,
        visit: &mut (dyn FnMut(Record) + Send),
    ) -> Result<u64, BusError> {
        self.bus.replay(at, range, visit).await
    }

    async fn offset_at(&self, at: &TopicPartition, since: Timestamp) -> Result<u64, BusError> {
        self.bus.offset_at(at, since).await
    }

    async fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError> {
        self.bus.lag(group, topics).await
    }
}

/// A directory with a bus in it.
pub(crate) struct Site {
    directory: TempDir,
    door: Arc<Door>,
}

/// A run of the service.
pub(crate) struct Run {
    pub(crate) handle: Handle,
    pub(crate) progress: watch::Receiver<IngestProgress>,
    task: JoinHandle<Result<(), Error>>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bus.db");
        let bus = EmbeddedBus::open(path, EmbeddedConfig::default()).unwrap();
        bus.create_topics(&topic_specs(4, &Default::default()))
            .await
            .unwrap();
        let door = Door {
            bus,
            shut: Arc::default(),
            publishes: Arc::default(),
        };
        Self {
            directory,
            door: Arc::new(door),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file; the directories above it are made.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Adds to the end of a file.
    pub(crate) fn append(&self, name: &str, content: &str) {
        use std::io::Write as _;
        let path = self.path().join(name);
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    /// Starts the service with these sources; pushes come to a free port.
    pub(crate) fn start(&self, sources: Value) -> Run {
        self.start_with(json!({ "listen": "127.0.0.1:0", "sources": sources }))
    }

    /// Starts the service with this configuration, after its checks.
    pub(crate) fn start_with(&self, config: Value) -> Run {
        let config: Config = wensheng_runtime::parse(&config.to_string(), &|_| None).unwrap();
        let handle = Handle::default();
        let (sender, progress) = watch::channel(IngestProgress::default());
        let task = tokio::spawn(wensheng_connect::run(
            config,
            self.door.clone(),
            handle.clone(),
            sender,
        ));
        Run {
            handle,
            progress,
            task,
        }
    }

    /// Runs these sources until all is through.
    pub(crate) async fn run_through(&self, sources: Value) -> IngestProgress {
        let mut run = self.start(sources);
        let progress = run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
        progress
    }

    pub(crate) fn shut_the_door(&self) {
        self.door.shut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open_the_door(&self) {
        self.door.shut.store(false, Ordering::SeqCst);
    }

    pub(crate) fn publishes(&self) -> usize {
        self.door.publishes.load(Ordering::SeqCst)
    }

    /// All records of a topic, by partition and offset.
    async fn read<T: Contract + Send>(&self) -> Vec<T> {
        let topic = T::TOPIC.shared_name();
        let mut all = Vec::new();
        for partition in 0..self.door.partitions(&topic).await.unwrap() {
            let at = TopicPartition::new(topic.clone(), partition);
            self.door
                .replay(&at, 0..u64::MAX, &mut |record| {
                    all.push(decode::<T>(&record).unwrap());
                })
                .await
                .unwrap();
        }
        all
    }

    /// All events, by place, line and native id.
    pub(crate) async fn events(&self) -> Vec<FeedbackEvent> {
        let mut events: Vec<FeedbackEvent> = self.read().await;
        events.sort_by_key(|event| {
            let place = event.provenance.place.clone();
            (place, event.provenance.line, event.native_id.clone())
        });
        events
    }

    /// All dead letters, by origin.
    pub(crate) async fn dead_letters(&self) -> Vec<DeadLetter> {
        let mut letters: Vec<DeadLetter> = self.read().await;
        letters.sort_by(|a, b| a.origin.cmp(&b.origin));
        letters
    }
}

impl Run {
    /// Waits until the progress is so; what never comes is ended by a minute.
    pub(crate) async fn until(&mut self, is: impl Fn(&IngestProgress) -> bool) -> IngestProgress {
        let minute = std::time::Duration::from_secs(60);
        let waited = async { self.progress.wait_for(|p| is(p)).await.is_ok() };
        let came = tokio::time::timeout(minute, waited).await;
        let progress = self.progress.borrow().clone();
        assert_eq!(came, Ok(true), "it ended, or this never came: {progress:?}");
        progress
    }

    /// Waits until a task says that it waits, and gives its words.
    pub(crate) async fn until_waiting(&self, task: &str) -> String {
        for _ in 0..6_000 {
            let report = self.handle.health.report();
            if let Some(StageState::Waiting(reason)) = report.tasks.get(task) {
                return reason.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("never waited: {:?}", self.handle.health.report());
    }

    /// Where pushes are taken.
    pub(crate) async fn address(&mut self) -> String {
        let progress = self.until(|progress| progress.listening.is_some()).await;
        progress.listening.unwrap().to_string()
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.handle.shutdown.cancel();
        self.task.await.unwrap()
    }

    /// Waits for its own end.
    pub(crate) async fn ended(self) -> Result<(), Error> {
        self.task.await.unwrap()
    }
}
