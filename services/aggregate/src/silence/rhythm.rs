//! What is usual for a source is learned from its own history: by hour of the day, in how many slots of ten minutes something
//! came. A run of empty slots is as surprising as it is improbable; a quiet night surprises nobody.
//!
//! Slots and not pieces are counted, so that a source that gives in bursts (a file a day, a page of posts an hour) is not taken
//! for one that gives evenly. What is watched while the source is in trouble, or while its silence was told already, teaches
//! nothing: an outage must not become what is usual.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{SourceRhythm, SourceStatus};

use super::SilenceConfig;

/// Length of a slot. Shorter would ask more of sources that give every few minutes; longer would notice later.
const SLOT_SECONDS: i64 = 600;

/// Slots of a day.
pub(crate) const SLOTS_A_DAY: u64 = 144;

/// Working days and weekends, by hour.
const HOURS: usize = 48;

/// What an hour remembers halves over this many of its slots: two weeks of working days, five weekends.
const HALF_LIFE_SLOTS: f32 = 60.0;

/// No slot is surer than this, so that even a source that never paused needs three empty slots to be one in 10,000.
const SUREST: f64 = 0.98;

/// Why a source counts as silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// 1 watch, 2 alert.
    pub(crate) level: u8,
    /// The class of what is wrong; empty where nothing is known to be.
    pub(crate) error: String,
    /// How long nothing came, in seconds.
    pub(crate) seconds: u64,
}

/// The memory of a source at its first heartbeat.
pub(crate) fn starting(status: &SourceStatus) -> SourceRhythm {
    SourceRhythm {
        source: status.source.clone(),
        status: status.clone(),
        slot: slot_of(status.at),
        heard: false,
        hours: vec![[0.0, 0.0]; HOURS],
        watched: 0,
        surprise: 0.0,
        last_event_at: None,
        told: 0,
        away: false,
        unwatched_seconds: 0,
    }
}

/// Takes in a heartbeat.
pub(crate) fn beat(
    rhythm: &mut SourceRhythm,
    status: &SourceStatus,
    config: &SilenceConfig,
    zone: &TimeZone,
) {
    if let Some(gap) = unheard(rhythm, status, config) {
        rhythm.unwatched_seconds += gap;
    }
    let slot = slot_of(status.at);
    if slot > rhythm.slot {
        complete(rhythm, zone);
        // What lies between two heartbeats that are further apart was not watched.
        rhythm.slot = slot;
        rhythm.heard = false;
    }
    if status.fresh > 0 {
        rhythm.heard = true;
        rhythm.surprise = 0.0;
        rhythm.unwatched_seconds = 0;
        rhythm.last_event_at = status.last_event_at.or(Some(status.at));
    }
    let before = std::mem::replace(&mut rhythm.status, status.clone());
    // A `connect` that was restarted has taken nothing yet; whom the source is about is known from before.
    if rhythm.status.brand.is_empty() {
        rhythm.status.brand = before.brand;
        rhythm.status.channel = rhythm.status.channel.or(before.channel);
    }
}

/// For how many seconds before this heartbeat there was none, where that is too long for a late one.
pub(crate) fn unheard(
    rhythm: &SourceRhythm,
    status: &SourceStatus,
    config: &SilenceConfig,
) -> Option<u64> {
    let gap = status.at.duration_since(rhythm.status.at);
    let seconds = u64::try_from(gap.as_secs()).ok()?;
    (gap >= minutes(config.heartbeat_minutes)).then_some(seconds)
}

/// Whether heartbeats are missing at `now`; they were waited for since `since`.
pub(crate) fn is_missing(
    rhythm: &SourceRhythm,
    config: &SilenceConfig,
    since: Timestamp,
    now: Timestamp,
) -> bool {
    now.duration_since(rhythm.status.at.max(since)) >= minutes(config.heartbeat_minutes)
}

/// The slot in hand is over.
fn complete(rhythm: &mut SourceRhythm, zone: &TimeZone) {
    if rhythm.status.trouble.is_some() {
        return;
    }
    let is_silent = rhythm.told > 0;
    let Some(hour) = hour_of(rhythm.slot, zone).and_then(|hour| rhythm.hours.get_mut(hour)) else {
        return;
    };
    let [watched, heard] = *hour;
    if !rhythm.heard {
        // Two empty slots that were never there (Laplace's rule): an hour that is hardly known says little.
        let share = f64::from(heard / (watched + 2.0)).min(SUREST);
        rhythm.surprise -= (1.0 - share).ln();
    }
    if !is_silent {
        let keep = 0.5_f32.powf(1.0 / HALF_LIFE_SLOTS);
        *hour = [
            watched * keep + 1.0,
            heard * keep + f32::from(u8::from(rhythm.heard)),
        ];
        rhythm.watched += 1;
    }
}

/// How silent a source is at `now`; `None` where it is as usual. Heartbeats were waited for since `since`.
pub(crate) fn judge(
    rhythm: &SourceRhythm,
    config: &SilenceConfig,
    since: Timestamp,
    now: Timestamp,
) -> Option<Verdict> {
    let age = |at: Timestamp| now.duration_since(at);
    let heard_at = rhythm.last_event_at.unwrap_or(since);
    let seconds = u64::try_from(age(heard_at).as_secs()).unwrap_or(0);
    let verdict = |level: u8, error: &str| {
        Some(Verdict {
            level,
            error: error.to_owned(),
            seconds,
        })
    };
    if is_missing(rhythm, config, since, now) {
        return verdict(2, "no_heartbeat");
    }
    if let Some(trouble) = &rhythm.status.trouble
        && age(trouble.since) >= minutes(config.error_minutes)
    {
        return verdict(2, &trouble.class);
    }
    // Of one that never gave anything, only time since heartbeats are waited for is counted.
    let unwatched = match rhythm.last_event_at {
        Some(_) => rhythm.unwatched_seconds,
        None => 0,
    };
    if let Some(most) = config.longest_gap_minutes.get(&rhythm.source)
        && seconds.saturating_sub(unwatched) >= 60 * u64::from(*most)
    {
        return verdict(2, "");
    }
    if rhythm.watched < u64::from(config.learn_days) * SLOTS_A_DAY {
        return None;
    }
    let improbable = f64::from(config.one_in).ln();
    if rhythm.surprise >= 2.0 * improbable {
        verdict(2, "")
    } else if rhythm.surprise >= improbable {
        verdict(1, "")
    } else {
        None
    }
}

fn minutes(minutes: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(minutes))
}

fn slot_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SLOT_SECONDS)
}

fn hour_of(slot: i64, zone: &TimeZone) -> Option<usize> {
    let at = Timestamp::from_second(slot.checked_mul(SLOT_SECONDS)?).ok()?;
    let local = at.to_zoned(zone.clone());
    let is_weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    let hour = usize::try_from(local.hour()).ok()?;
    Some(hour + if is_weekend { HOURS / 2 } else { 0 })
}
