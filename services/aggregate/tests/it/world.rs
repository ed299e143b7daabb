//! A stage, the records it wrote, and pieces of invented feedback to feed it.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use wensheng_aggregate::{Aggregate, Config};
use wensheng_bus::{OutRecord, Outcome, Outputs, Progress, Record, Stage, TopicPartition};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{
    Author, Channel, Contract, DetectorState, Enriched, EventId, FeedbackEvent, Keyword,
    Provenance, Scores, Sentiment, SentimentLabel, Signal, Topic, WindowDelta,
};

pub(crate) const BRAND: &str = "青柚茶饮";

pub(crate) fn start() -> Timestamp {
    "2026-03-02T04:00:00Z".parse().unwrap()
}

pub(crate) fn after(seconds: f64) -> Timestamp {
    start() + SignedDuration::from_secs_f64(seconds)
}

/// A piece said `seconds` after the start and observed two seconds later.
pub(crate) fn piece(number: usize, seconds: f64, negative: bool) -> Enriched {
    let said = after(seconds);
    let label = if negative {
        SentimentLabel::Negative
    } else {
        SentimentLabel::Positive
    };
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::of("weibo", &number.to_string()),
            revision: 0,
            source: "weibo".to_owned(),
            native_id: number.to_string(),
            channel: Channel::Weibo,
            brand: BRAND.to_owned(),
            product: None,
            store: None,
            region: None,
            occurred_at: said,
            observed_at: said + SignedDuration::from_secs(2),
            text: format!("喝完肚子疼 {number}"),
            author: Some(Author {
                key: format!("author-{number}"),
                followers: None,
            }),
            reach: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance::default(),
            drill: false,
            ratings: Default::default(),
            immutable: false,
            withdrawn: false,
        },
        enriched_at: said + SignedDuration::from_secs(3),
        sentiment: Sentiment {
            label,
            score: if negative { -0.8 } else { 0.6 },
            confidence: 0.9,
            spans: Vec::new(),
        },
        aspects: Vec::new(),
        topics: vec!["food_safety".to_owned()],
        intents: Vec::new(),
        keywords: vec![Keyword {
            term: "肚子疼".to_owned(),
            weight: 1.0,
        }],
        rules: Vec::new(),
        story: String::new(),
        model_version: "test".to_owned(),
        urgency: 0,
        emotion: None,
        stage: None,
        rules_version: String::new(),
        terms: Vec::new(),
        replaces: None,
    }
}

/// What a batch wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) deltas: Vec<WindowDelta>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) states: Vec<DetectorState>,
}

/// A stage and the log of its state.
pub(crate) struct World {
    config: Config,
    pub(crate) stage: Aggregate,
    pub(crate) log: BTreeMap<Bytes, OutRecord>,
    /// What it has read.
    input: Vec<Record>,
    offset: u64,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            stage: Aggregate::new(&config).unwrap(),
            config,
            log: BTreeMap::new(),
            input: Vec::new(),
            offset: 0,
        }
    }

    pub(crate) fn record(&mut self, piece: &Enriched) -> Record {
        self.offset += 1;
        read(encode(piece, None), self.offset)
    }

    /// One batch, committed.
    pub(crate) async fn batch(&mut self, pieces: &[Enriched], now: Timestamp) -> Written {
        let mut out = Outputs::default();
        for piece in pieces {
            let record = self.record(piece);
            assert_eq!(self.stage.process(&record, now, &mut out), Outcome::Emit);
            self.input.push(record);
        }
        self.stage.settle(&Progress::new(), &mut out).await.unwrap();
        self.stage.committed();
        self.commit(out)
    }

    pub(crate) fn commit(&mut self, out: Outputs) -> Written {
        let mut written = Written::default();
        for record in out.into_records() {
            let topic = record.topic.to_string();
            if topic == Topic::DetectorState.name() {
                match record.value {
                    Some(_) => self.log.insert(record.key.clone(), record.clone()),
                    None => self.log.remove(&record.key),
                };
            }
            if record.value.is_none() {
                continue;
            }
            match topic.as_str() {
                name if name == Topic::Aggregates.name() => written.deltas.push(value(record)),
                name if name == Topic::Signals.name() => written.signals.push(value(record)),
                name if name == Topic::DetectorState.name() => written.states.push(value(record)),
                other => panic!("unexpected topic {other}"),
            }
        }
        written
    }

    /// The process ends and starts again: only the logs of its state and of its input remain.
    pub(crate) fn restart(&mut self) {
        self.stage = Aggregate::new(&self.config).unwrap();
        for record in &self.input {
            self.stage.restore(record);
        }
        for (offset, record) in self.log.values().enumerate() {
            self.stage.restore(&read(record.clone(), offset as u64));
        }
    }
}

fn value<T: Contract>(record: OutRecord) -> T {
    decode(&read(record, 0)).unwrap()
}

pub(crate) fn read(record: OutRecord, offset: u64) -> Record {
    Record {
        at: TopicPartition::new(record.topic, 3),
        offset,
        appended_at: start(),
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}
