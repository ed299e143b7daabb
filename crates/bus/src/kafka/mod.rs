//! The Kafka engine: sessions are consumers of a group with a transactional producer each; a commit is one Kafka
//! transaction that carries the outputs and the group's progress.
//!
//! - [`context`]: rebalances are noted down, never waited for; they take effect once the session has heard of them.
//! - [`poller`]: one thread per session that never stops polling.
//! - [`committer`] and [`transaction`]: the commit, on a thread of its own, resumable where the brokers did not answer.
//! - [`replay`]: reading outside any group, to the end of what is committed.
//! - [`asking`]: the clients that are only asked questions.
//! - [`errors`] and [`reach`]: what an error means for the caller, and what stands in the way of the brokers.
//!
//! Nothing here blocks the async runtime: what blocks in librdkafka runs on threads for that.

mod asking;
mod committer;
mod config;
mod context;
mod errors;
mod poller;
mod reach;
mod replay;
mod session;
mod topics;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use rdkafka::admin::AdminClient;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::BaseProducer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use self::asking::Asking;
pub use self::config::KafkaConfig;
use self::context::Quiet;
use self::errors::kafka_error;
use self::poller::positions;
use self::reach::Reach;
use self::replay::{ASK, bounds, has_records, replay, settled_end};
use self::session::{KafkaPublisher, KafkaSession};
use crate::{
    Bus, BusError, ErrorKind, OutRecord, PartitionLag, Publisher, Record, Session, SessionSpec,
    TopicPartition, TopicProblem, TopicSpec,
};

/// A lag above this is told as it is. Below it, we look whether any record is left or only transaction markers.
const LOOK_BELOW: u64 = 10_000;

/// How long a topic that was never seen is asked for before it counts as missing: a broker that has just come back, or
/// lags behind the others, learns of all topics within moments.
const MISSING: Duration = Duration::from_secs(2);

/// How long a client that is only asked questions is listened to for what it told meanwhile.
const LISTEN: Duration = Duration::from_millis(2);

/// What sessions, publishers and the bus share.
struct Shared {
    config: KafkaConfig,
    /// Names this process in transactional ids.
    instance: String,
    /// What stands in the way of the brokers, if anything does.
    reach: Arc<Reach>,
    /// Asks for metadata and ends; belongs to no group.
    asking: Asking,
    /// Asks where a partition is settled: before there, no transaction is open any more.
    settled: Asking,
    counts: Mutex<BTreeMap<Arc<str>, u32>>,
    slots: Mutex<BTreeMap<String, BTreeSet<usize>>>,
    /// One client per group whose lag was asked for.
    groups: Mutex<BTreeMap<String, Arc<BaseConsumer<Quiet>>>>,
    /// For each group and partition, a committed offset and an end between which no record is left.
    passed: Mutex<BTreeMap<(String, TopicPartition), (u64, u64)>>,
}

impl Shared {
    fn take_slot(&self, name: &str) -> usize {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = slots.entry(name.to_owned()).or_default();
        let free = (0..).find(|number| !taken.contains(number)).unwrap_or(0);
        taken.insert(free);
        free
    }

    fn free_slot(&self, name: &str, number: usize) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = slots.get_mut(name) {
            taken.remove(&number);
        }
    }

    fn known_count(&self, topic: &str) -> Option<u32> {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(topic)
            .copied()
    }

    /// A topic that was seen once is there: what the brokers say of it later, for a moment, does not change that.
    fn remember_count(&self, topic: &Arc<str>, count: u32) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(topic.clone(), count);
    }

    /// The number of partitions of a topic, asked until it is known. Blocking.
    fn partition_count(&self, topic: &Arc<str>) -> Result<u32, BusError> {
        if let Some(count) = self.known_count(topic) {
            return Ok(count);
        }
        let started = Instant::now();
        loop {
            if let Some(found) = topics::found(&self.asking, topic)? {
                self.remember_count(topic, found.partitions);
                return Ok(found.partitions);
            }
            if started.elapsed() > MISSING {
                let reason = "it does not exist on the brokers: create the topics first";
                let action = format!("use topic {topic}");
                return Err(BusError::new(ErrorKind::Fatal, action, reason));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A client for administrative requests. Opened for each use: nobody listens to what it tells meanwhile.
    fn admin(&self) -> Result<AdminClient<Quiet>, BusError> {
        self.config
            .asking(true)
            .create_with_context(Quiet::new(&self.reach))
            .map_err(|error| kafka_error("open an administrative client", &error))
    }

    /// Listens to the clients that are only asked questions: what they tell would pile up otherwise.
    fn listen(&self) {
        let groups: Vec<Arc<BaseConsumer<Quiet>>> = self
            .groups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        for client in &groups {
            drop(client.poll(LISTEN));
        }
        self.asking.listen(LISTEN);
        self.settled.listen(LISTEN);
    }

    /// Passes on what came of a question to the brokers, and says what stood in the way of an answer. Blocking.
    fn outcome<T>(&self, result: Result<T, BusError>) -> Result<T, BusError> {
        self.listen();
        match result {
            Ok(answer) => {
                self.reach.answered();
                Ok(answer)
            }
            Err(error) => Err(self.reach.explain(error)),
        }
    }

    /// Gives each record its partition.
    async fn place(
        self: &Arc<Self>,
        records: Vec<OutRecord>,
    ) -> Result<Vec<(OutRecord, i32)>, BusError> {
        let topics: BTreeSet<Arc<str>> =
            records.iter().map(|record| record.topic.clone()).collect();
        let mut counts = BTreeMap::new();
        for topic in topics {
            let count = match self.known_count(&topic) {
                Some(count) => count,
                None => {
                    let topic = topic.clone();
                    self.block("ask for the topics", move |shared| {
                        shared.partition_count(&topic)
                    })
                    .await?
                }
            };
            counts.insert(topic, count);
        }
        let placed = records.into_iter().map(|record| {
            let count = counts.get(&record.topic).copied().unwrap_or(1);
            let partition = record.partition(count).cast_signed();
            (record, partition)
        });
        Ok(placed.collect())
    }

    /// Asks the brokers something on a thread that may block.
    async fn block<T: Send + 'static>(
        self: &Arc<Self>,
        action: &str,
        work: impl FnOnce(&Arc<Self>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let shared = self.clone();
        tokio::task::spawn_blocking(move || {
            let result = work(&shared);
            shared.outcome(result)
        })
        .await
        .map_err(|error| BusError::new(ErrorKind::Unavailable, action, error))?
    }

    fn group_client(&self, group: &str) -> Result<Arc<BaseConsumer<Quiet>>, BusError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = groups.get(group) {
            return Ok(client.clone());
        }
        let client: BaseConsumer<Quiet> = self
            .config
            .consumer(group, None)
            .create_with_context(Quiet::new(&self.reach))
            .map_err(|error| kafka_error(format!("read the progress of {group}"), &error))?;
        let client = Arc::new(client);
        groups.insert(group.to_owned(), client.clone());
        Ok(client)
    }

    /// Blocking.
    fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError> {
        let client = self.group_client(group)?;
        let mut list = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..self.partition_count(topic)? {
                list.add_partition(topic, partition.cast_signed());
            }
        }
        let mut names = topics
            .iter()
            .map(|topic| (topic.to_string(), topic.clone()))
            .collect();
        let committed = client
            .committed_offsets(list, ASK)
            .map_err(|error| kafka_error(format!("read the progress of {group}"), &error))?;
        positions(&committed, &mut names)
            .into_iter()
            .map(|(at, committed)| {
                // Of all that was appended: what an open transaction holds may still come.
                let (low, end) = bounds(&self.asking, &at)?;
                let from = committed.max(low);
                let mut lag = end.saturating_sub(from);
                if (1..LOOK_BELOW).contains(&lag) && self.has_passed(group, &at, from, end)? {
                    lag = 0;
                }
                Ok(PartitionLag {
                    at,
                    committed,
                    end,
                    lag,
                })
            })
            .collect()
    }

    /// Whether only transaction markers and aborted records lie between the two.
    fn has_passed(
        &self,
        group: &str,
        at: &TopicPartition,
        from: u64,
        end: u64,
    ) -> Result<bool, BusError> {
        let key = (group.to_owned(), at.clone());
        let known = self
            .passed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .copied();
        if known == Some((from, end)) {
            return Ok(true);
        }
        if settled_end(self, at)? < end || has_records(self, at, from)? {
            return Ok(false);
        }
        self.passed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, (from, end));
        Ok(true)
    }
}

/// The Kafka engine.
pub struct KafkaBus {
    shared: Arc<Shared>,
}

impl KafkaBus {
    /// Prepares the clients. The brokers are not asked anything yet: whether they answer shows with the first call.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] when a setting is wrong or unknown to librdkafka.
    pub fn open(config: KafkaConfig) -> Result<Arc<Self>, BusError> {
        config.check()?;
        let action = || format!("open the Kafka engine at {}", config.brokers);
        let failed = |error| kafka_error(action(), &error);
        let reach = Arc::new(Reach::new(&config.brokers));
        let quiet = || Quiet::new(&reach);
        let asking = Asking::open(config.asking(false), &reach).map_err(failed)?;
        let settled = Asking::open(config.asking(true), &reach).map_err(failed)?;
        // Properties that do not go together show only in a client of the kind they are for.
        let consumer: BaseConsumer<Quiet> = config
            .consumer("settings", Some("settings"))
            .create_with_context(quiet())
            .map_err(failed)?;
        let producer: BaseProducer<Quiet> = config
            .producer("settings")
            .create_with_context(quiet())
            .map_err(failed)?;
        drop((consumer, producer));
        let instance = config
            .instance
            .clone()
            .unwrap_or_else(|| format!("{:016x}", rand::random::<u64>()));
        let shared = Shared {
            config,
            instance,
            reach,
            asking,
            settled,
            counts: Mutex::default(),
            slots: Mutex::default(),
            groups: Mutex::default(),
            passed: Mutex::default(),
        };
        Ok(Arc::new(Self {
            shared: Arc::new(shared),
        }))
    }

    /// Asks for each of the topics.
    async fn find(&self, specs: &[TopicSpec]) -> Result<Vec<Option<topics::Found>>, BusError> {
        let names: Vec<Arc<str>> = specs.iter().map(|spec| spec.name.clone()).collect();
        self.shared
            .block("ask for the topics", move |shared| {
                let mut all = Vec::new();
                for name in &names {
                    let found = topics::found(&shared.asking, name)?;
                    if let Some(found) = &found {
                        shared.remember_count(name, found.partitions);
                    }
                    all.push(found);
                }
                Ok(all)
            })
            .await
    }
}

#[async_trait]
impl Bus for KafkaBus {
    async fn create_topics(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let found = self.find(specs).await?;
        let missing: Vec<TopicSpec> = specs
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(spec, _)| spec.clone())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let admin = self.shared.admin()?;
        let config = &self.shared.config;
        topics::create(&admin, &missing, config.replication_factor, &config.brokers)
            .await
            .map_err(|error| self.shared.reach.explain(error))?;
        self.shared
            .block("wait for new topics", move |shared| {
                topics::wait_for(&shared.asking, &missing)
            })
            .await
    }

    async fn check_topics(&self, specs: &[TopicSpec]) -> Result<Vec<TopicProblem>, BusError> {
        let found = self.find(specs).await?;
        let admin = self.shared.admin()?;
        topics::check(&admin, &self.shared.config, specs, found)
            .await
            .map_err(|error| self.shared.reach.explain(error))
    }

    async fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        let topic: Arc<str> = topic.into();
        self.shared
            .block("ask for a topic", move |shared| {
                shared.partition_count(&topic)
            })
            .await
    }

    async fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BusError> {
        let session = self
            .shared
            .block("open a session", move |shared| {
                KafkaSession::open(shared, spec)
            })
            .await?;
        Ok(Box::new(session))
    }

    async fn publisher(&self, id: &str) -> Result<Box<dyn Publisher>, BusError> {
        let id = id.to_owned();
        let publisher = self
            .shared
            .block("open a publisher", move |shared| {
                KafkaPublisher::open(shared, &id)
            })
            .await?;
        Ok(Box::new(publisher))
    }

    async fn replay(
        &self,
        at: &TopicPartition,
        range: Range<u64>,
        visit: &mut (dyn FnMut(Record) + Send),
    ) -> Result<u64, BusError> {
        let (sender, mut chunks) = mpsc::channel::<Vec<Record>>(1);
        let shared = self.shared.clone();
        let at = at.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let result = replay(&shared, &at, range, |chunk| {
                sender.blocking_send(chunk).is_ok()
            });
            shared.outcome(result)
        });
        let mut visited = 0;
        while let Some(chunk) = chunks.recv().await {
            for record in chunk {
                visit(record);
                visited += 1;
            }
        }
        reading.await.map_err(|error| {
            BusError::new(ErrorKind::Unavailable, "replay a partition", error)
        })??;
        Ok(visited)
    }

    async fn offset_at(&self, at: &TopicPartition, since: Timestamp) -> Result<u64, BusError> {
        let at = at.clone();
        self.shared
            .block("look for an instant", move |shared| {
                let action = || format!("look for an instant in {}/{}", at.topic, at.partition);
                let millis = since.as_millisecond().max(0);
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(
                    &at.topic,
                    at.partition.cast_signed(),
                    Offset::Offset(millis),
                )
                .map_err(|error| kafka_error(action(), &error))?;
                let found = shared
                    .asking
                    .ask(|client| client.offsets_for_times(list, ASK))
                    .map_err(|error| kafka_error(action(), &error))?;
                match found.elements().first().map(|element| element.offset()) {
                    Some(Offset::Offset(offset)) => Ok(offset.max(0).cast_unsigned()),
                    _ => bounds(&shared.asking, &at).map(|(_, end)| end),
                }
            })
            .await
    }

    async fn members(&self, group: &str) -> Result<usize, BusError> {
        let group = group.to_owned();
        self.shared
            .block("ask for the members of a group", move |shared| {
                let groups = shared
                    .asking
                    .ask(|client| client.fetch_group_list(Some(&group), ASK))
                    .map_err(|error| {
                        kafka_error(format!("ask for the members of the group {group}"), &error)
                    })?;
                let members = groups.groups().iter().map(|group| group.members().len());
                Ok(members.sum())
            })
            .await
    }

    async fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError> {
        let group = group.to_owned();
        let topics = topics.to_vec();
        self.shared
            .block("read the lag", move |shared| shared.lag(&group, &topics))
            .await
    }
}
