//! What stays of a call that was closed: enough to tell a part that comes again from one that comes late.
//!
//! A mark holds fingerprints of what was known of the call, and no word of it. It is kept for [`KEEP`] and takes the place of
//! the call's cursor, so that a restart knows it as well.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wensheng_schemas::FeedbackEvent;
use xxhash_rust::xxh3::xxh3_64;

use crate::scrub::MASKED;

/// How long a call is known after it was closed: no platform that we know sends or lists calls of longer ago than a month.
const KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All marks together may take this many bytes; beyond it, the oldest go. Some 60,000 calls.
const MAX_BYTES: usize = 32 << 20;

/// A mark costs this many bytes beside its fingerprints.
const MARK_BYTES: usize = 192;

/// What is kept of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) closed_at: Timestamp,
    /// The event's last revision.
    pub(super) revision: u32,
    /// See `Known::version`.
    pub(super) version: u64,
    /// The customer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    /// Whether turns of it were known.
    #[serde(default)]
    turns: bool,
    /// Fingerprints of each turn and each fact, ascending.
    known: Vec<u64>,
}

impl Mark {
    pub(super) fn of(event: &FeedbackEvent, version: u64, now: Timestamp) -> Self {
        Self {
            closed_at: now,
            revision: event.revision,
            version,
            author: event.author.as_ref().map(|author| author.key.clone()),
            turns: has_turns(event),
            known: fingerprints(event).into_iter().collect(),
        }
    }

    /// Whether all that a part says was known when the call was closed.
    fn holds(&self, part: &FeedbackEvent) -> bool {
        let mut said = fingerprints(part).into_iter();
        said.all(|print| self.known.binary_search(&print).is_ok())
    }

    pub(super) const fn has_turns(&self) -> bool {
        self.turns
    }

    fn bytes(&self) -> usize {
        MARK_BYTES + self.known.len() * size_of::<u64>()
    }
}

/// What a part meets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// No closed call: it is as any part.
    No,
    /// It says nothing that was not known.
    Repeat,
    /// It tells all turns of a call that had this revision and version.
    Replaces(u32, u64),
    /// It adds to a call that is closed: it is a part of the one that goes on under this id.
    GoesOn(String),
}

/// The calls of one source that were closed, by the event's native id.
#[derive(Debug, Default)]
pub(super) struct Closed {
    marks: BTreeMap<String, Mark>,
    by_age: BTreeSet<(Timestamp, String)>,
    bytes: usize,
}

impl Closed {
    pub(super) fn put(&mut self, id: &str, mark: Mark) {
        self.remove(id);
        self.bytes += mark.bytes();
        self.by_age.insert((mark.closed_at, id.to_owned()));
        self.marks.insert(id.to_owned(), mark);
    }

    pub(super) fn get(&self, id: &str) -> Option<&Mark> {
        self.marks.get(id)
    }

    /// It is open again, or forgotten.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(mark) = self.marks.remove(id) {
            self.bytes = self.bytes.saturating_sub(mark.bytes());
            self.by_age.remove(&(mark.closed_at, id.to_owned()));
        }
    }

    /// The next call that is to be forgotten altogether, which it is then.
    pub(super) fn forget_one(&mut self, now: Timestamp) -> Option<String> {
        let (at, id) = self.by_age.first().cloned()?;
        if now.duration_since(at) <= KEEP && self.bytes <= MAX_BYTES {
            return None;
        }
        self.remove(&id);
        Some(id)
    }

    /// What a part meets; `is_open` tells the calls that are not closed. `whole`: its turns are all there are.
    pub(super) fn meet(
        &self,
        part: &FeedbackEvent,
        whole: bool,
        is_open: impl Fn(&str) -> bool,
    ) -> Late {
        let first = &part.native_id;
        let mut id = first.clone();
        let mut number = 1;
        while let Some(mark) = self.marks.get(&id).filter(|_| !is_open(&id)) {
            if mark.holds(part) {
                return Late::Repeat;
            }
            if whole && has_turns(part) {
                return Late::Replaces(mark.revision, mark.version);
            }
            number += 1;
            id = format!("{first}#{number}");
        }
        match id == *first {
            true => Late::No,
            false => Late::GoesOn(id),
        }
    }
}

fn has_turns(event: &FeedbackEvent) -> bool {
    let call = event.call.as_ref();
    call.is_some_and(|call| !call.turns.is_empty())
}

/// Fingerprints of what a source said of a call: its turns without their times, which move with the beginning, and its facts
/// without what we measured.
fn fingerprints(event: &FeedbackEvent) -> BTreeSet<u64> {
    let print = |name: &str, value: Value| xxh3_64(json!([name, value]).to_string().as_bytes());
    let mut prints = BTreeSet::new();
    if let Some(call) = &event.call {
        for turn in &call.turns {
            let said = json!([turn.role, turn.track, turn.text]);
            prints.insert(print("turn", said));
        }
        let measured = ["turns", "silence_ms", "talk_over_ms"];
        for (name, fact) in fields(call.as_ref()) {
            if !measured.contains(&name.as_str()) {
                prints.insert(print(&name, fact));
            }
        }
    }
    for (name, score) in fields(&event.scores) {
        prints.extend((!score.is_null()).then(|| print(&name, score)));
    }
    for (name, value) in &event.attributes {
        prints.extend((name != MASKED).then(|| print(name, json!(value))));
    }
    let about = [
        ("product", &event.product),
        ("store", &event.store),
        ("region", &event.region),
        ("url", &event.url),
    ];
    for (name, value) in about {
        prints.extend(value.as_ref().map(|value| print(name, json!(value))));
    }
    prints
}

/// The fields of what travels as an object.
fn fields(value: &impl Serialize) -> serde_json::Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}
