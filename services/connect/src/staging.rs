//! What a source has read waits here, encoded, together with how far it was read: it is published as a whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use wensheng_bus::OutRecord;
use wensheng_runtime::encode;
use wensheng_schemas::{Channel, Cursor, DeadLetter, FeedbackEvent, Origin, derived_id};

use crate::metrics::LEFT_OUT;
use crate::{people, scrub};

/// A batch closes at this many events. Fewer would spend more on commits than on reading; more would be lost work at a
/// restart, and a longer wait for the first row.
const FULL_EVENTS: u64 = 2_000;

/// … or at this many bytes, so that the memory of a few batches in flight stays small.
const FULL_BYTES: usize = 2 << 20;

/// A dead letter keeps this much of what was refused (bytes); enough to recognise a row, and never too large for a
/// record of the bus.
const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// The name of this stage in dead letters.
const STAGE: &str = "connect";

/// What is published together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<OutRecord>,
    /// Of keys, values and headers, about.
    pub(crate) bytes: usize,
    pub(crate) events: u64,
    pub(crate) dead_letters: u64,
    /// What is known of the latest event.
    pub(crate) latest: Option<Latest>,
}

/// What is told of a source by its latest event.
#[derive(Debug, Clone)]
pub(crate) struct Latest {
    pub(crate) brand: String,
    pub(crate) channel: Channel,
    pub(crate) observed_at: Timestamp,
    /// How long after it was said it was observed, in seconds.
    pub(crate) lag_seconds: u64,
}

/// Collects the batches of one source.
#[derive(Debug)]
pub(crate) struct Staging {
    source: String,
    batch: Batch,
}

impl Staging {
    pub(crate) fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            batch: Batch::default(),
        }
    }

    /// Stages an event, without personal data.
    pub(crate) fn event(&mut self, mut event: FeedbackEvent) {
        scrub::event(&mut event);
        self.batch.events += 1;
        let lag = event
            .observed_at
            .duration_since(event.occurred_at)
            .as_secs();
        let latest = self.batch.latest.get_or_insert_with(|| Latest {
            brand: String::new(),
            channel: event.channel,
            observed_at: event.observed_at,
            lag_seconds: 0,
        });
        latest.brand.clone_from(&event.brand);
        latest.channel = event.channel;
        latest.observed_at = event.observed_at;
        latest.lag_seconds = u64::try_from(lag).unwrap_or(0);
        self.push(encode(&event, None));
    }

    /// Stages what was refused, with its place, the reason, and the head of it without who wrote it.
    pub(crate) fn dead_letter(
        &mut self,
        place: &str,
        line: Option<u64>,
        reason: &str,
        refused: &[u8],
        now: Timestamp,
    ) {
        self.dead_letter_by(&[], place, line, reason, refused, now);
    }

    /// … where the connector knows by what ids its author goes.
    pub(crate) fn dead_letter_by(
        &mut self,
        authors: &[&str],
        place: &str,
        line: Option<u64>,
        reason: &str,
        refused: &[u8],
        now: Timestamp,
    ) {
        let kept = people::masked(refused, authors);
        let origin = Origin::Source {
            source: self.source.clone(),
            place: place.to_owned(),
            line,
        };
        let (payload, payload_base64) = match std::str::from_utf8(&kept) {
            Ok(text) => (Some(head(text).to_owned()), None),
            Err(_) => {
                let bytes = &kept[..kept.len().min(MAX_PAYLOAD_BYTES)];
                (None, Some(BASE64.encode(bytes)))
            }
        };
        let content = payload
            .as_deref()
            .or(payload_base64.as_deref())
            .unwrap_or_default();
        let mut letter = DeadLetter {
            id: derived_id(&[&origin.key(), content]),
            origin,
            stage: STAGE.to_owned(),
            reason: reason.to_owned(),
            key: String::new(),
            payload,
            payload_base64,
            at: now,
        };
        scrub::dead_letter(&mut letter);
        self.batch.dead_letters += 1;
        self.push(encode(&letter, None));
    }

    /// Counts what is no feedback, under a reason of a few.
    pub(crate) fn leave_out(&self, reason: &'static str) {
        metrics::counter!(LEFT_OUT, "source" => self.source.clone(), "reason" => reason)
            .increment(1);
    }

    /// Stages how far `stream` was read; nothing of it may be staged before its rows.
    pub(crate) fn cursor(&mut self, stream: &str, position: serde_json::Value, now: Timestamp) {
        let cursor = Cursor {
            source: self.source.clone(),
            stream: stream.to_owned(),
            position,
            at: now,
        };
        self.push(encode(&cursor, None));
    }

    /// Forgets how far `stream` was read: it will not go on.
    pub(crate) fn forget(&mut self, stream: &str) {
        let cursor = Cursor {
            source: self.source.clone(),
            stream: stream.to_owned(),
            position: serde_json::Value::Null,
            at: Timestamp::UNIX_EPOCH,
        };
        self.push(OutRecord {
            value: None,
            ..encode(&cursor, None)
        });
    }

    fn push(&mut self, record: OutRecord) {
        let headers: usize = record
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let value = record.value.as_ref().map_or(0, |value| value.len());
        self.batch.bytes += record.key.len() + value + headers;
        self.batch.records.push(record);
    }

    /// Whether it is time to publish.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.events + self.batch.dead_letters >= FULL_EVENTS || self.batch.bytes >= FULL_BYTES
    }

    /// Whether nothing at all is staged, no cursor either.
    pub(crate) fn is_untouched(&self) -> bool {
        self.batch.records.is_empty()
    }

    /// What is staged; the staging is empty afterwards.
    pub(crate) fn take(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }
}

/// At most [`MAX_PAYLOAD_BYTES`] of a text, cut between characters.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_PAYLOAD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
