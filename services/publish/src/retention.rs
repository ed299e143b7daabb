//! Feedback older than the retention leaves the store; what it counted for stays counted. Of terms, the hours go after some weeks and the days stay.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use tokio::time::{MissedTickBehavior, interval};
use wensheng_bus::StageState;
use wensheng_runtime::Handle;
use wensheng_store::{AuditEntry, Store, StoreError};

use crate::metrics as names;

/// An hour is fine enough for a retention in days.
const EVERY: Duration = Duration::from_secs(3600);

/// Terms of single hours are asked for days, not for months, and would be most of what the store keeps of a brand.
const HOURLY_TERMS: SignedDuration = SignedDuration::from_hours(35 * 24);

/// Deletes once an hour until shutdown: of each source, or of all as `None`, what is older than so many days.
pub(crate) async fn run(store: Store, retentions: Vec<(Option<String>, u32)>, handle: Handle) {
    let state = handle.health.register("retention");
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Biased: shutdown first. A pass ends between two sources, so that what was deleted stands in the audit trail.
        tokio::select! {
            biased;
            () = handle.shutdown.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let going_on = || !handle.shutdown.is_cancelled();
        match delete_all(&store, &retentions, Timestamp::now(), going_on).await {
            Ok(deleted) => {
                state.send_replace(StageState::Running);
                counter!(names::DELETED).increment(deleted);
                if deleted > 0 {
                    tracing::info!(deleted, "feedback past its retention was deleted");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "feedback past its retention could not be deleted, next try in an hour");
                state.send_replace(StageState::Waiting(error.to_string()));
            }
        }
    }
    state.send_replace(StageState::Stopped);
}

/// Deletes what is past its retention, as long as it is `going_on`, and writes into the audit trail how much of what; how
/// much in all.
async fn delete_all(
    store: &Store,
    retentions: &[(Option<String>, u32)],
    now: Timestamp,
    going_on: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let mut all = 0;
    let hours = now.checked_sub(HOURLY_TERMS).unwrap_or(Timestamp::MIN);
    store.delete_hourly_terms_before(hours).await?;
    for (source, days) in retentions {
        if !going_on() {
            break;
        }
        let age = SignedDuration::from_hours(24 * i64::from(*days));
        let before = now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let deleted = store.delete_before(before, source.as_deref()).await?;
        if deleted > 0 {
            let entry = AuditEntry {
                at: now,
                actor: "system".to_owned(),
                action: "feedback.expire".to_owned(),
                object: source.clone().unwrap_or_default(),
                detail: format!("feedback={deleted}, said before {before} ({days} days)"),
            };
            store.append_audit(&entry).await?;
        }
        all += deleted;
    }
    Ok(all)
}
