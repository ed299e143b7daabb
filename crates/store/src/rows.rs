//! Contract values as rows of their tables: columns for what is searched and summed, and the whole as a document.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use wensheng_schemas::{
    Alert, AlertState, Correction, DeadLetter, DeadlineKind, Delivery, DeliveryState, Enriched,
    Severity, Signal, SourceRhythm, TimelineRecord,
};

use crate::alerts::severity_rank;
use crate::batch::Entry;
use crate::database::Value;
use crate::feedback::label_name;
use crate::insert::Insert;
use crate::{StoreError, StoreErrorKind};

/// How a topic's values become rows, one for each key.
pub(crate) struct Table<T> {
    pub(crate) insert: Insert,
    pub(crate) key: fn(&T) -> &str,
    /// Whether the first, which came later, replaces the second.
    pub(crate) replaces: fn(&T, &T) -> bool,
    pub(crate) row: fn(&T) -> Result<Vec<Value>, StoreError>,
}

pub(crate) const FEEDBACK: Table<Enriched> = Table {
    insert: FEEDBACK_ROWS,
    key: |enriched| enriched.feedback.id.as_str(),
    // An equal revision replaces, too: the same feedback analysed anew.
    replaces: |new, old| new.feedback.revision >= old.feedback.revision,
    row: feedback,
};

pub(crate) const ALERTS: Table<Alert> = Table {
    insert: ALERT_ROWS,
    key: |alert| alert.id.as_str(),
    replaces: |new, old| new.revision > old.revision,
    row: alert,
};

pub(crate) const DEAD_LETTERS: Table<DeadLetter> = Table {
    insert: DEAD_LETTER_ROWS,
    key: |letter| letter.id.as_str(),
    replaces: |_, _| false,
    row: dead_letter,
};

pub(crate) const RISES: Table<Signal> = Table {
    insert: RISE_ROWS,
    key: |signal| signal.id.as_str(),
    replaces: |_, _| false,
    row: rise,
};

const FEEDBACK_ROWS: Insert = Insert {
    table: "feedback",
    columns: &[
        "id",
        "revision",
        "brand",
        "channel",
        "source",
        "native_id",
        "product",
        "store",
        "region",
        "occurred_at_ms",
        "observed_at_ms",
        "author",
        "text",
        "label",
        "score",
        "confidence",
        "topics",
        "keywords",
        "rules",
        "nps",
        "csat",
        "ces",
        "url",
        "place",
        "line",
        "drill",
        "withdrawn",
        "document",
    ],
    // An equal revision replaces, too: the same feedback analysed anew.
    conflict: "ON CONFLICT (id) DO UPDATE SET
        revision = excluded.revision, brand = excluded.brand, channel = excluded.channel,
        source = excluded.source, native_id = excluded.native_id, product = excluded.product,
        store = excluded.store, region = excluded.region, occurred_at_ms = excluded.occurred_at_ms,
        observed_at_ms = excluded.observed_at_ms, author = excluded.author, text = excluded.text,
        label = excluded.label, score = excluded.score, confidence = excluded.confidence,
        topics = excluded.topics, keywords = excluded.keywords, rules = excluded.rules,
        nps = excluded.nps, csat = excluded.csat, ces = excluded.ces, url = excluded.url,
        place = excluded.place, line = excluded.line, drill = excluded.drill,
        withdrawn = excluded.withdrawn, document = excluded.document
        WHERE excluded.revision >= feedback.revision",
};

const ALERT_ROWS: Insert = Insert {
    table: "alerts",
    columns: &[
        "id", "revision", "brand", "topic", "title", "severity", "severity_rank", "state",
        "is_open", "signals", "escalation", "raised_at_ms", "updated_at_ms", "next_due_at_ms",
        "acknowledge_due_at_ms", "acknowledge_met_at_ms", "acknowledge_breached_at_ms",
        "respond_due_at_ms", "respond_met_at_ms", "respond_breached_at_ms", "drill", "document",
    ],
    conflict: "ON CONFLICT (id) DO UPDATE SET
        revision = excluded.revision, brand = excluded.brand, topic = excluded.topic,
        title = excluded.title, severity = excluded.severity, severity_rank = excluded.severity_rank,
        state = excluded.state, is_open = excluded.is_open, signals = excluded.signals,
        escalation = excluded.escalation, raised_at_ms = excluded.raised_at_ms,
        updated_at_ms = excluded.updated_at_ms, next_due_at_ms = excluded.next_due_at_ms,
        acknowledge_due_at_ms = excluded.acknowledge_due_at_ms,
        acknowledge_met_at_ms = excluded.acknowledge_met_at_ms,
        acknowledge_breached_at_ms = excluded.acknowledge_breached_at_ms,
        respond_due_at_ms = excluded.respond_due_at_ms,
        respond_met_at_ms = excluded.respond_met_at_ms,
        respond_breached_at_ms = excluded.respond_breached_at_ms,
        drill = excluded.drill, document = excluded.document
        WHERE excluded.revision > alerts.revision",
};

pub(crate) const TIMELINE: Insert = Insert {
    table: "timeline",
    columns: &[
        "alert", "number", "brand", "at_ms", "actor", "event", "drill", "hash", "document",
    ],
    conflict: "ON CONFLICT (alert, number) DO NOTHING",
};

pub(crate) const AUDIT: Insert = Insert {
    table: "audit",
    columns: &["at_ms", "actor", "action", "object", "detail"],
    conflict: "",
};

pub(crate) const CORRECTIONS: Insert = Insert {
    table: "corrections",
    columns: &[
        "feedback", "id", "revision", "label", "actor", "at_ms", "document",
    ],
    // The order of the log decides, not the clocks of those who wrote it.
    conflict: "ON CONFLICT (feedback) DO UPDATE SET
        id = excluded.id, revision = excluded.revision, label = excluded.label,
        actor = excluded.actor, at_ms = excluded.at_ms, document = excluded.document
        WHERE excluded.id <> corrections.id",
};

pub(crate) const DELIVERIES: Insert = Insert {
    table: "deliveries",
    columns: &[
        "id",
        "alert",
        "alert_revision",
        "brand",
        "kind",
        "receiver",
        "provider",
        "state",
        "attempts",
        "observed_at_ms",
        "at_ms",
        "delivered_at_ms",
        "document",
    ],
    // The order of the log decides, not the clocks of those who wrote it.
    conflict: "ON CONFLICT (id) DO UPDATE SET
        alert_revision = excluded.alert_revision, kind = excluded.kind,
        receiver = excluded.receiver, provider = excluded.provider, state = excluded.state,
        attempts = excluded.attempts, observed_at_ms = excluded.observed_at_ms,
        at_ms = excluded.at_ms, delivered_at_ms = excluded.delivered_at_ms,
        document = excluded.document",
};

pub(crate) const DELIVERY_ATTEMPTS: Insert = Insert {
    table: "delivery_attempts",
    columns: &[
        "id", "attempts", "state", "alert", "receiver", "answer", "at_ms",
    ],
    conflict: "ON CONFLICT (id, attempts, state) DO NOTHING",
};

const DEAD_LETTER_ROWS: Insert = Insert {
    table: "dead_letters",
    columns: &["id", "stage", "origin", "reason", "at_ms", "document"],
    conflict: "ON CONFLICT (id) DO NOTHING",
};

const RISE_ROWS: Insert = Insert {
    table: "rises",
    columns: &["id", "brand", "at_ms", "document"],
    conflict: "ON CONFLICT (id) DO NOTHING",
};

pub(crate) const SOURCES: Insert = Insert {
    table: "sources",
    columns: &["source", "at_ms", "document"],
    // The order of the log decides.
    conflict: "ON CONFLICT (source) DO UPDATE SET
        at_ms = excluded.at_ms, document = excluded.document",
};

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "write a document of the store",
            error,
        )
    })
}

fn millis(at: Timestamp) -> Value {
    Value::Int(at.as_millisecond())
}

fn maybe_millis(at: Option<Timestamp>) -> Value {
    Value::from(at.map(Timestamp::as_millisecond))
}

fn integer(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Of several entries with one key, the one that lasts: PostgreSQL refuses to touch a row twice in one statement.
/// `replaces(new, old)` decides. In the order of their first appearance.
pub(crate) fn latest<'a, T>(
    entries: impl Iterator<Item = &'a Entry<T>>,
    key: impl Fn(&T) -> &str,
    replaces: impl Fn(&T, &T) -> bool,
) -> Vec<&'a T> {
    let mut kept: Vec<&'a T> = Vec::new();
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    for entry in entries {
        let value = &entry.value;
        match places
            .get(key(value))
            .and_then(|place| kept.get_mut(*place))
        {
            Some(old) => {
                if replaces(value, old) {
                    *old = value;
                }
            }
            None => {
                places.insert(key(value), kept.len());
                kept.push(value);
            }
        }
    }
    kept
}

/// The row of a piece of feedback.
pub(crate) fn feedback(enriched: &Enriched) -> Result<Vec<Value>, StoreError> {
    let feedback = &enriched.feedback;
    let keywords: Vec<&str> = enriched.keywords.iter().map(|k| k.term.as_str()).collect();
    let rules: Vec<&str> = enriched.rules.iter().map(|r| r.rule.as_str()).collect();
    let score = |score: Option<u8>| Value::from(score.map(i64::from));
    // What a withdrawal takes back names the author and words of the text.
    let document = match feedback.withdrawn {
        true => json(&Enriched {
            terms: Vec::new(),
            replaces: None,
            ..enriched.clone()
        }),
        false => json(enriched),
    }?;
    Ok(vec![
        feedback.id.as_str().into(),
        i64::from(feedback.revision).into(),
        feedback.brand.as_str().into(),
        feedback.channel.name().into(),
        feedback.source.as_str().into(),
        feedback.native_id.as_str().into(),
        feedback.product.as_deref().into(),
        feedback.store.as_deref().into(),
        feedback.region.as_deref().into(),
        millis(feedback.occurred_at),
        millis(feedback.observed_at),
        feedback.author.as_ref().map(|a| a.key.as_str()).into(),
        feedback.text.as_str().into(),
        label_name(enriched.sentiment.label).into(),
        Value::Double(f64::from(enriched.sentiment.score)),
        Value::Double(f64::from(enriched.sentiment.confidence)),
        json(&enriched.topics)?.into(),
        json(&keywords)?.into(),
        json(&rules)?.into(),
        score(feedback.scores.nps),
        score(feedback.scores.csat),
        score(feedback.scores.ces),
        feedback.url.as_deref().into(),
        feedback.provenance.place.as_deref().into(),
        feedback.provenance.line.map_or(Value::NoInt, integer),
        feedback.drill.into(),
        feedback.withdrawn.into(),
        document.into(),
    ])
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Watch => "watch",
        Severity::Alert => "alert",
        Severity::Crisis => "crisis",
    }
}

/// The row of an alert.
pub(crate) fn alert(alert: &Alert) -> Result<Vec<Value>, StoreError> {
    let deadline = |kind: DeadlineKind| {
        let deadlines = alert.clock.as_ref().map(|clock| &clock.deadlines);
        deadlines.and_then(|all| all.iter().find(|deadline| deadline.kind == kind))
    };
    let acknowledge = deadline(DeadlineKind::Acknowledge);
    let respond = deadline(DeadlineKind::Respond);
    let is_resolved = matches!(alert.state, AlertState::Resolved { .. });
    let counts = |kind| match kind {
        DeadlineKind::Review => is_resolved,
        _ => alert.state.is_open(),
    };
    let next_due = alert
        .clock
        .iter()
        .flat_map(|clock| &clock.deadlines)
        .filter(|deadline| counts(deadline.kind) && deadline.met_at.is_none())
        .map(|deadline| deadline.due_at)
        .min();
    let mut row = vec![
        alert.id.as_str().into(),
        i64::from(alert.revision).into(),
        alert.brand.as_str().into(),
        alert.topic.as_str().into(),
        alert.title.as_str().into(),
        severity_name(alert.severity).into(),
        severity_rank(alert.severity).into(),
        alert.state.name().into(),
        alert.state.is_open().into(),
        integer(alert.signals),
        alert
            .clock
            .as_ref()
            .map(|clock| clock.escalation.name())
            .into(),
        millis(alert.times.raised_at),
        millis(alert.times.updated_at),
        maybe_millis(next_due),
    ];
    for deadline in [acknowledge, respond] {
        row.push(maybe_millis(deadline.map(|deadline| deadline.due_at)));
        row.push(maybe_millis(deadline.and_then(|deadline| deadline.met_at)));
        row.push(maybe_millis(
            deadline.and_then(|deadline| deadline.breached_at),
        ));
    }
    row.push(alert.drill.into());
    row.push(json(alert)?.into());
    Ok(row)
}

/// The row of a line of an alert's timeline.
pub(crate) fn timeline(record: &TimelineRecord) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        record.alert.as_str().into(),
        integer(record.number),
        record.brand.as_str().into(),
        millis(record.entry.at),
        record.entry.actor.0.as_str().into(),
        record.entry.event.name().into(),
        record.drill.into(),
        record.hash.as_str().into(),
        json(record)?.into(),
    ])
}

/// The line of the audit trail, if a person did something.
pub(crate) fn audit(record: &TimelineRecord) -> Option<Vec<Value>> {
    let entry = &record.entry;
    let action = entry.event.action()?;
    let command = entry.command.as_ref()?;
    Some(vec![
        millis(entry.at),
        entry.actor.0.as_str().into(),
        format!("alert.{action}").into(),
        record.alert.as_str().into(),
        format!("command {command}: {}", entry.note).into(),
    ])
}

/// The row of a correction.
pub(crate) fn correction(correction: &Correction) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        correction.feedback.as_str().into(),
        correction.id.as_str().into(),
        i64::from(correction.revision).into(),
        label_name(correction.label).into(),
        correction.actor.0.as_str().into(),
        millis(correction.at),
        json(correction)?.into(),
    ])
}

/// The line of the audit trail for a correction.
pub(crate) fn correction_audit(correction: &Correction) -> Vec<Value> {
    let detail = format!(
        "command {}: {} → {}; {}",
        correction.id,
        label_name(correction.before),
        label_name(correction.label),
        correction.note
    );
    vec![
        millis(correction.at),
        correction.actor.0.as_str().into(),
        "feedback.correct".into(),
        correction.feedback.as_str().into(),
        detail.into(),
    ]
}

/// The row of a push as it stands.
pub(crate) fn delivery(delivery: &Delivery) -> Result<Vec<Value>, StoreError> {
    let delivered_at = match &delivery.state {
        DeliveryState::Delivered { delivered_at, .. } => Some(*delivered_at),
        DeliveryState::Queued { .. } | DeliveryState::Failed { .. } => None,
    };
    Ok(vec![
        delivery.id.as_str().into(),
        delivery.alert.as_str().into(),
        i64::from(delivery.alert_revision).into(),
        delivery.brand.as_str().into(),
        delivery.kind.as_str().into(),
        delivery.receiver.as_str().into(),
        delivery.provider.as_str().into(),
        delivery.state.name().into(),
        i64::from(delivery.attempts).into(),
        millis(delivery.observed_at),
        millis(delivery.at),
        maybe_millis(delivered_at),
        json(delivery)?.into(),
    ])
}

/// The line of the ledger.
pub(crate) fn delivery_attempt(delivery: &Delivery) -> Vec<Value> {
    let answer = match &delivery.state {
        DeliveryState::Queued { last_answer, .. } => last_answer,
        DeliveryState::Delivered { answer, .. } => answer,
        DeliveryState::Failed { reason, .. } => reason,
    };
    vec![
        delivery.id.as_str().into(),
        i64::from(delivery.attempts).into(),
        delivery.state.name().into(),
        delivery.alert.as_str().into(),
        delivery.receiver.as_str().into(),
        answer.as_str().into(),
        millis(delivery.at),
    ]
}

/// The row of a dead letter.
pub(crate) fn dead_letter(letter: &DeadLetter) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        letter.id.as_str().into(),
        letter.stage.as_str().into(),
        letter.origin.key().into(),
        letter.reason.as_str().into(),
        millis(letter.at),
        json(letter)?.into(),
    ])
}

/// The row of a rise.
pub(crate) fn rise(signal: &Signal) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        signal.id.as_str().into(),
        signal.brand.as_str().into(),
        millis(signal.times.occurred_at),
        json(signal)?.into(),
    ])
}

/// The row of a source.
pub(crate) fn source(rhythm: &SourceRhythm) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        rhythm.source.as_str().into(),
        millis(rhythm.status.at),
        json(rhythm)?.into(),
    ])
}
