//! Invented values that differ where a test says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use wensheng_schemas::{
    Alert, AlertId, AlertState, AlertTimes, Author, Channel, Counts, DeadLetter, Deadline,
    DeadlineKind, Enriched, Escalation, EventId, FeedbackEvent, Keyword, Origin, Provenance,
    ResponseClock, Scores, Sentiment, SentimentLabel, Severity, SignalTimes, TOPIC_ALL, TermRank,
    WindowDelta, WindowKey, WindowSize,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(at("2026-03-01T02:00:00Z").as_second() + 60 * minute).unwrap()
}

/// A neutral piece of feedback on the brand 青山茶饮.
pub(crate) fn piece(native_id: &str, occurred_at: Timestamp, text: &str) -> Enriched {
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::of("test", native_id),
            revision: 0,
            source: "test".to_owned(),
            native_id: native_id.to_owned(),
            channel: Channel::Weibo,
            brand: "青山茶饮".to_owned(),
            product: None,
            store: Some("人民广场店".to_owned()),
            region: None,
            occurred_at,
            observed_at: occurred_at,
            text: text.to_owned(),
            author: Some(Author {
                key: "author-1".to_owned(),
                followers: Some(12),
            }),
            reach: None,
            scores: Scores {
                nps: Some(9),
                csat: None,
                ces: None,
            },
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance {
                connector: "files".to_owned(),
                place: Some("reviews.csv".to_owned()),
                line: Some(7),
            },
            drill: false,
            ratings: Default::default(),
            immutable: false,
            withdrawn: false,
        },
        enriched_at: occurred_at,
        sentiment: Sentiment {
            label: SentimentLabel::Neutral,
            score: 0.25,
            confidence: 0.5,
            spans: Vec::new(),
        },
        aspects: Vec::new(),
        topics: Vec::new(),
        intents: Vec::new(),
        keywords: vec![Keyword {
            term: "排队".to_owned(),
            weight: 1.5,
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

pub(crate) fn key(size: WindowSize, start: Timestamp, brand: &str, topic: &str) -> WindowKey {
    WindowKey {
        size,
        start,
        brand: brand.to_owned(),
        channel: Channel::Weibo,
        topic: topic.to_owned(),
    }
}

/// A delta of one negative piece by `author` that holds the word 排队.
pub(crate) fn delta(key: WindowKey, author: &str) -> WindowDelta {
    let mut delta = WindowDelta {
        key,
        counts: Counts {
            volume: 1,
            negative: 1,
            score_sum: -5_000,
            nps_detractors: 1,
            ..Counts::default()
        },
        authors: Default::default(),
        keywords: TermRank::default(),
        terms: Vec::new(),
        ratings: Vec::new(),
        aggregated_at: minute(0),
    };
    delta.authors.insert(author);
    delta.keywords.add("排队", 1);
    delta
}

pub(crate) fn alert(id: &str, revision: u32, severity: Severity, due: Option<Timestamp>) -> Alert {
    let raised_at = minute(0);
    Alert {
        id: AlertId::from(id.to_owned()),
        revision,
        brand: "青山茶饮".to_owned(),
        topic: TOPIC_ALL.to_owned(),
        topic_name: String::new(),
        title: format!("食品安全 第{revision}版"),
        severity,
        state: AlertState::Raised,
        clock: due.map(|due_at| ResponseClock {
            started_at: raised_at,
            deadlines: vec![Deadline {
                kind: DeadlineKind::Acknowledge,
                due_at,
                met_at: None,
                breached_at: None,
                nudged: Vec::new(),
                started_at: None,
                reminders: Vec::new(),
            }],
            escalation: Escalation::FrontLine,
            paused: None,
            paused_seconds: 0,
        }),
        signals: 1,
        causes: BTreeMap::new(),
        channels: vec![Channel::Weibo],
        samples: Vec::new(),
        times: AlertTimes {
            signal: SignalTimes {
                first_post_at: raised_at,
                occurred_at: raised_at,
                observed_at: raised_at,
                enriched_at: raised_at,
                detected_at: raised_at,
            },
            raised_at,
            updated_at: raised_at,
        },
        last_signal_at: raised_at,
        timeline: Vec::new(),
        chain: Default::default(),
        handling: Default::default(),
        spread: Default::default(),
        brand_wide: false,
        drill: false,
    }
}

pub(crate) fn dead_letter(line: u64) -> DeadLetter {
    DeadLetter {
        id: format!("letter-{line}"),
        origin: Origin::Source {
            source: "reviews".to_owned(),
            place: "reviews.csv".to_owned(),
            line: Some(line),
        },
        stage: "connect".to_owned(),
        reason: "column `text` is empty".to_owned(),
        key: String::new(),
        payload: Some("1,,5".to_owned()),
        payload_base64: None,
        at: minute(line as i64),
    }
}
