//! Good items are taken in, wrong ones become dead letters, each named by its index; the same request sent again makes
//! the same ids.

use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::item::draft;
use crate::draft::{DraftRules, Place};
use crate::push::{Push, Refusal, json};
use crate::staging::Staging;

/// No more rejected items are told in an answer; the others are in dead-letters all the same.
const MAX_TOLD: usize = 1_000;

/// The type of the envelope that Standard Webhooks senders may put around an event.
const ENVELOPE_TYPE: &str = "feedback.created";

/// What became of a push, item by item: the answer's body.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Items taken in.
    accepted: u64,
    /// Items that went to dead-letters.
    rejected: Vec<Rejected>,
    /// Names of fields that nothing is known of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored_fields: Vec<String>,
}

/// An item that was refused.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Rejected {
    /// Its place in the array, from 0.
    index: usize,
    /// What was wrong and what to do.
    reason: String,
}

/// Stages what a body holds.
pub(super) fn parse(
    rules: &DraftRules,
    push: &Push<'_>,
    staging: &mut Staging,
) -> Result<Accepted, Refusal> {
    let (headers, body, now) = (push.head.headers, push.content, push.head.now);
    let request = request_id(headers, body);
    let mut accepted = Accepted::default();
    let items = items(headers, body)?;
    let single = items.len() == 1;
    for (index, item) in items.iter().enumerate() {
        let place = Place {
            place: push.place.place,
            line: (!single).then_some(index as u64 + 1),
        };
        let event = item
            .parsed
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|value| {
                let (draft, ignored) = draft(value)?;
                for name in ignored {
                    if !accepted.ignored_fields.contains(&name)
                        && accepted.ignored_fields.len() < 64
                    {
                        accepted.ignored_fields.push(name);
                    }
                }
                // A post without an id of its own: the request's, and the place in it.
                draft.into_event(rules, place, now, || format!("{request}#{index}"))
            });
        match event {
            Ok(event) => {
                accepted.accepted += 1;
                staging.event(event);
            }
            Err(reason) => {
                let line = Some(index as u64 + 1);
                staging.dead_letter(place.place, line, &reason, item.payload().as_ref(), now);
                if accepted.rejected.len() < MAX_TOLD {
                    accepted.rejected.push(Rejected { index, reason });
                }
            }
        }
    }
    Ok(accepted)
}

/// One item, or why it is none.
struct Item<'a> {
    parsed: Result<Value, String>,
    line: Option<&'a [u8]>,
}

impl Item<'_> {
    fn payload(&self) -> std::borrow::Cow<'_, [u8]> {
        match (self.line, &self.parsed) {
            (Some(line), _) => line.into(),
            (None, Ok(value)) => value.to_string().into_bytes().into(),
            (None, Err(_)) => Vec::new().into(),
        }
    }
}

fn items<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Vec<Item<'a>>, Refusal> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if ["ndjson", "jsonl", "json-lines", "jsonlines"]
        .iter()
        .any(|name| content_type.contains(name))
    {
        return Ok(body
            .split(|b| *b == b'\n')
            .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
            .map(|line| Item {
                parsed: serde_json::from_slice(line)
                    .map_err(|error| format!("the line is not valid JSON: {error}")),
                line: Some(line),
            })
            .collect());
    }
    let value = match json(body).map_err(Refusal::unreadable)? {
        Value::Object(mut envelope)
            if envelope.get("type").and_then(Value::as_str) == Some(ENVELOPE_TYPE) =>
        {
            envelope.remove("data").ok_or_else(|| {
                Refusal::unreadable(format!(
                    "the body is an envelope of type {ENVELOPE_TYPE} without `data`"
                ))
            })?
        }
        other => other,
    };
    let values = match value {
        Value::Array(values) => values,
        value @ Value::Object(_) => vec![value],
        _ => {
            return Err(Refusal::unreadable(
                "the body must be a JSON object or an array of objects",
            ));
        }
    };
    Ok(values
        .into_iter()
        .map(|value| Item {
            parsed: Ok(value),
            line: None,
        })
        .collect())
}

/// What makes a request sent again the same one: the sender's own id of it, or else its bytes. So two requests with
/// equal bytes and without ids are one; senders that mean two give their events ids.
fn request_id(headers: &HeaderMap, body: &[u8]) -> String {
    ["webhook-id", "svix-id", "idempotency-key"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= 256)
        .map_or_else(|| format!("{:032x}", xxh3_128(body)), str::to_owned)
}
