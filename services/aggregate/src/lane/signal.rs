//! A rise is told with its numbers: how much was said, in which time, beside what is usual.

use jiff::Timestamp;
use wensheng_schemas::{
    Enriched, Severity, Signal, SignalKind, SignalTimes, TOPIC_ALL, derived_id,
};

use super::Rise;
use super::brand::SAMPLE_SECONDS;

/// The signal of a rise whose last sample ended at `end`, in seconds since the epoch; `piece` is the first one after it.
/// `None` for an instant that cannot be told.
pub(super) fn signal(rise: &Rise, end: i64, piece: &Enriched, now: Timestamp) -> Option<Signal> {
    let feedback = &piece.feedback;
    let seconds = SAMPLE_SECONDS * rise.samples as i64;
    let occurred_at = Timestamp::from_second(end).ok()?;
    Some(Signal {
        id: derived_id(&["volume", &feedback.brand, &end.to_string()]),
        kind: SignalKind::Volume {
            score: (rise.score * 100.0).round() / 100.0,
            window_seconds: seconds as u64,
            pieces: rise.sum as u64,
            usual: rise.usual.round() as u64,
        },
        severity: Severity::Watch,
        brand: feedback.brand.clone(),
        topic: TOPIC_ALL.to_owned(),
        channels: Vec::new(),
        samples: Vec::new(),
        times: SignalTimes {
            first_post_at: Timestamp::from_second(end - seconds).ok()?,
            occurred_at,
            observed_at: feedback.observed_at,
            enriched_at: piece.enriched_at,
            detected_at: now,
        },
        drill: false,
    })
}
