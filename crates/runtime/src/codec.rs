//! Between contract types and bus records: JSON values, CloudEvents 1.0 headers in binary mode, W3C trace context.
//!
//! The trace id of a piece of feedback is its event id, so that every later record can be traced back to it; the
//! header is handed on from the record that caused another.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use jiff::Timestamp;
use thiserror::Error;
use wensheng_bus::{Cleanup, OutRecord, Record, TopicSpec};
use wensheng_schemas::{Contract, DeadLetter, Keep, Origin, Topic, derived_id};

/// The value of a record is not what its topic's contract says.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// It is a tombstone.
    #[error("record has no value")]
    Empty,
    /// It is not the JSON of that type.
    #[error("record is not a valid {topic} value: {source}")]
    Json {
        /// The topic whose contract was broken.
        topic: &'static str,
        /// What the parser says, with line and column.
        source: serde_json::Error,
    },
}

const SOURCE: &str = "urn:wensheng";
const TRACEPARENT: &str = "traceparent";

/// The bus record of a value; `cause` is the record that led to it, whose trace it continues.
///
/// Contract types are made of structs, strings and numbers, which JSON always has a form for. A type that broke this
/// would travel as `null`, and its reader would dead-letter it.
pub fn encode<T: Contract>(value: &T, cause: Option<&Record>) -> OutRecord {
    let topic = T::TOPIC;
    let json = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
    let id = value.event_id();
    let traceparent = match cause.and_then(|record| record.header(TRACEPARENT)) {
        Some(parent) => Some(Bytes::copy_from_slice(parent)),
        None => own_traceparent(&id),
    };
    let mut headers = vec![
        ("ce_specversion".to_owned(), Bytes::from_static(b"1.0")),
        ("ce_id".to_owned(), Bytes::from(id)),
        (
            "ce_source".to_owned(),
            Bytes::from_static(SOURCE.as_bytes()),
        ),
        (
            "ce_type".to_owned(),
            Bytes::from_static(topic.name().as_bytes()),
        ),
        (
            "ce_time".to_owned(),
            Bytes::from(value.event_time().to_string()),
        ),
        (
            "content-type".to_owned(),
            Bytes::from_static(b"application/json"),
        ),
    ];
    if let Some(traceparent) = traceparent {
        headers.push((TRACEPARENT.to_owned(), traceparent));
    }
    OutRecord {
        topic: topic.shared_name(),
        key: Bytes::from(value.key()),
        partition_key: value
            .partition_key()
            .map(|key| Bytes::copy_from_slice(key.as_bytes())),
        value: Some(Bytes::from(json)),
        headers,
    }
}

/// `00-<trace id>-<span id>-01` from a 32-digit id; all-zero ids are not valid (W3C Trace Context §3.2.2).
fn own_traceparent(id: &str) -> Option<Bytes> {
    let span = id.get(..16)?;
    let valid = id.len() == 32
        && id.bytes().all(|b| b.is_ascii_hexdigit())
        && span.bytes().any(|b| b != b'0');
    valid.then(|| Bytes::from(format!("00-{id}-{span}-01")))
}

/// The value of a record.
pub fn decode<T: Contract>(record: &Record) -> Result<T, DecodeError> {
    let value = record.value.as_deref().ok_or(DecodeError::Empty)?;
    serde_json::from_slice(value).map_err(|source| DecodeError::Json {
        topic: T::TOPIC.name(),
        source,
    })
}

/// The dead letter of a record that `stage` refused.
pub fn dead_letter(record: &Record, stage: &str, reason: &str, now: Timestamp) -> DeadLetter {
    let origin = Origin::Topic {
        topic: record.at.topic.to_string(),
        partition: record.at.partition,
        offset: record.offset,
    };
    let payload = record.value.as_deref().unwrap_or_default();
    let (text, base64) = match std::str::from_utf8(payload) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(BASE64.encode(payload))),
    };
    DeadLetter {
        id: derived_id(&[&origin.key(), reason]),
        origin,
        stage: stage.to_owned(),
        reason: reason.to_owned(),
        key: String::from_utf8_lossy(&record.key).into_owned(),
        payload: text,
        payload_base64: base64,
        at: now,
    }
}

/// All topics as the project needs them. All have the same number of partitions, so that any of them are co-partitioned.
/// `keep` overrides how long topics are kept, by topic name.
pub fn topic_specs(
    partitions: u32,
    keep: &BTreeMap<String, std::time::Duration>,
) -> Vec<TopicSpec> {
    Topic::ALL
        .into_iter()
        .map(|topic| TopicSpec {
            name: topic.shared_name(),
            partitions,
            cleanup: match (topic.keep(), keep.get(topic.name())) {
                (Keep::Latest, _) => Cleanup::Compact,
                (Keep::For(_), Some(age)) => Cleanup::Delete(*age),
                (Keep::For(age), None) => Cleanup::Delete(age),
            },
        })
        .collect()
}
