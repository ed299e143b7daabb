//! Several installations share one cluster without meeting: the names of topics, groups and publishers begin with a prefix
//! there, and nowhere else.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Bus, BusError, OutRecord, PartitionLag, Progress, Publisher, Record, Rewritten, Session,
    SessionEvent, SessionSpec, TopicPartition, TopicProblem, TopicSpec,
};

/// A bus whose names begin with a prefix on the engine.
pub(crate) struct Prefixed {
    bus: Arc<dyn Bus>,
    names: Names,
}

/// Translates names; a prefix stands before every name on the engine.
#[derive(Debug, Clone)]
struct Names {
    prefix: Arc<str>,
}

impl Names {
    fn outside(&self, name: &str) -> Arc<str> {
        Arc::from(format!("{}{name}", self.prefix))
    }

    fn inside(&self, name: &Arc<str>) -> Arc<str> {
        name.strip_prefix(self.prefix.as_ref())
            .map_or_else(|| name.clone(), Arc::from)
    }

    fn place_outside(&self, at: &TopicPartition) -> TopicPartition {
        TopicPartition::new(self.outside(&at.topic), at.partition)
    }

    fn place_inside(&self, at: &TopicPartition) -> TopicPartition {
        TopicPartition::new(self.inside(&at.topic), at.partition)
    }

    fn progress_outside(&self, progress: &Progress) -> Progress {
        progress
            .iter()
            .map(|(at, offset)| (self.place_outside(at), *offset))
            .collect()
    }

    fn records_outside(&self, mut records: Vec<OutRecord>) -> Vec<OutRecord> {
        for record in &mut records {
            record.topic = self.outside(&record.topic);
        }
        records
    }

    fn record_inside(&self, mut record: Record) -> Record {
        record.at = self.place_inside(&record.at);
        record
    }

    fn specs_outside(&self, topics: &[TopicSpec]) -> Vec<TopicSpec> {
        topics
            .iter()
            .map(|topic| TopicSpec {
                name: self.outside(&topic.name),
                ..topic.clone()
            })
            .collect()
    }
}

impl Prefixed {
    /// `bus`, with names that begin with `prefix` there.
    pub(crate) fn new(bus: Arc<dyn Bus>, prefix: &str) -> Self {
        Self {
            bus,
            names: Names {
                prefix: Arc::from(prefix),
            },
        }
    }
}

#[async_trait]
impl Bus for Prefixed {
    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.bus
            .create_topics(&self.names.specs_outside(topics))
            .await
    }

    async fn check_topics(&self, topics: &[TopicSpec]) -> Result<Vec<TopicProblem>, BusError> {
        self.bus
            .check_topics(&self.names.specs_outside(topics))
            .await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        self.bus.partitions(&self.names.outside(topic)).await
    }

    async fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BusError> {
        let spec = SessionSpec {
            group: self.names.outside(&spec.group).to_string(),
            topics: spec
                .topics
                .iter()
                .map(|topic| self.names.outside(topic))
                .collect(),
            ..spec
        };
        let session = self.bus.session(spec).await?;
        Ok(Box::new(PrefixedSession {
            session,
            names: self.names.clone(),
        }))
    }

    async fn publisher(&self, id: &str) -> Result<Box<dyn Publisher>, BusError> {
        let publisher = self.bus.publisher(&self.names.outside(id)).await?;
        Ok(Box::new(PrefixedPublisher {
            publisher,
            names: self.names.clone(),
        }))
    }

    async fn replay(
        &self,
        at: &TopicPartition,
        range: Range<u64>,
        visit: &mut (dyn FnMut(Record) + Send),
    ) -> Result<u64, BusError> {
        let names = &self.names;
        self.bus
            .replay(&names.place_outside(at), range, &mut |record| {
                visit(names.record_inside(record))
            })
            .await
    }

    async fn offset_at(&self, at: &TopicPartition, since: Timestamp) -> Result<u64, BusError> {
        self.bus
            .offset_at(&self.names.place_outside(at), since)
            .await
    }

    async fn rewrite(&self, values: Rewritten) -> Result<bool, BusError> {
        let values = values
            .into_iter()
            .map(|(at, values)| (self.names.place_outside(&at), values))
            .collect();
        self.bus.rewrite(values).await
    }

    async fn members(&self, group: &str) -> Result<usize, BusError> {
        self.bus.members(&self.names.outside(group)).await
    }

    async fn lag(&self, group: &str, topics: &[Arc<str>]) -> Result<Vec<PartitionLag>, BusError> {
        let topics: Vec<Arc<str>> = topics
            .iter()
            .map(|topic| self.names.outside(topic))
            .collect();
        let mut lags = self.bus.lag(&self.names.outside(group), &topics).await?;
        for lag in &mut lags {
            lag.at = self.names.place_inside(&lag.at);
        }
        Ok(lags)
    }
}

struct PrefixedSession {
    session: Box<dyn Session>,
    names: Names,
}

#[async_trait]
impl Session for PrefixedSession {
    async fn next(&mut self) -> Result<SessionEvent, BusError> {
        let places = |places: Vec<TopicPartition>| {
            places
                .iter()
                .map(|at| self.names.place_inside(at))
                .collect()
        };
        Ok(match self.session.next().await? {
            SessionEvent::Assigned(assigned) => SessionEvent::Assigned(places(assigned)),
            SessionEvent::Revoked(revoked) => SessionEvent::Revoked(places(revoked)),
            SessionEvent::Records(mut batch) => {
                for record in &mut batch.records {
                    record.at = self.names.place_inside(&record.at);
                }
                SessionEvent::Records(batch)
            }
        })
    }

    async fn commit(
        &mut self,
        progress: &Progress,
        outputs: Vec<OutRecord>,
    ) -> Result<(), BusError> {
        let progress = self.names.progress_outside(progress);
        self.session
            .commit(&progress, self.names.records_outside(outputs))
            .await
    }

    async fn seek(&mut self, positions: &Progress) -> Result<(), BusError> {
        self.session
            .seek(&self.names.progress_outside(positions))
            .await
    }

    async fn close(self: Box<Self>) -> Result<(), BusError> {
        self.session.close().await
    }
}

struct PrefixedPublisher {
    publisher: Box<dyn Publisher>,
    names: Names,
}

#[async_trait]
impl Publisher for PrefixedPublisher {
    async fn publish(&mut self, records: Vec<OutRecord>) -> Result<(), BusError> {
        self.publisher
            .publish(self.names.records_outside(records))
            .await
    }
}
