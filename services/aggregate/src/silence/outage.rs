//! What falls silent at once with all sources is not the sources: nothing takes in, and that is told once, as one matter.
//!
//! Heartbeats of all sources come from the one process that takes in. While they are missing nothing is known of any source, so
//! that none is judged; with the first that comes again each has `heartbeat_minutes` to be heard, and is judged by itself.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    ALL_SOURCES, Severity, Signal, SignalKind, SignalTimes, SourceRhythm, derived_id,
};

/// A stage looks at its sources every few seconds. One that did not for so long was itself held up (a machine that slept, a bus
/// that was away), and heard no heartbeats for that reason.
const HELD_UP: SignedDuration = SignedDuration::from_secs(90);

/// Whether nobody looked between two looks.
pub(super) fn was_held_up(before: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
    let gap = now.duration_since(before?);
    (gap >= HELD_UP).then_some(gap)
}

/// The one signal of all sources. `None` where there are none.
pub(super) fn signal(
    sources: &BTreeMap<String, (u32, SourceRhythm)>,
    now: Timestamp,
) -> Option<Signal> {
    let rhythms = || sources.values().map(|(_, rhythm)| rhythm);
    let heard_at = rhythms().map(|rhythm| rhythm.status.at).max()?;
    let seconds = u64::try_from(now.duration_since(heard_at).as_secs()).unwrap_or(0);
    Some(Signal {
        id: derived_id(&["silence", ALL_SOURCES, &heard_at.to_string()]),
        kind: SignalKind::Silence {
            source: ALL_SOURCES.to_owned(),
            seconds,
            error: "no_heartbeat".to_owned(),
        },
        severity: Severity::Alert,
        brand: brand(rhythms())?,
        topic: format!("source/{ALL_SOURCES}"),
        channels: Vec::new(),
        samples: Vec::new(),
        times: SignalTimes {
            first_post_at: heard_at,
            occurred_at: heard_at,
            observed_at: now,
            enriched_at: now,
            detected_at: now,
        },
        drill: false,
    })
}

/// Whom most of the sources are about: an alert is of one brand.
fn brand<'a>(rhythms: impl Iterator<Item = &'a SourceRhythm>) -> Option<String> {
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for rhythm in rhythms {
        let brand = match rhythm.status.brand.as_str() {
            "" => &rhythm.source,
            brand => brand,
        };
        *sources.entry(brand).or_default() += 1;
    }
    let most = sources.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(brand, _)| brand.to_owned())
}
