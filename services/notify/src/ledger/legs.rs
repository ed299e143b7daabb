//! The latency budget of a push: how long each leg took from the observation of a customer's words to the provider's yes.

use jiff::Timestamp;

use super::Push;

/// The legs, in order; each ends where the next begins.
pub(crate) const LEGS: [&str; 5] = ["analysed", "detected", "raised", "sent", "delivered"];

/// Seconds since the observation at the end of each of [`LEGS`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Legs(pub(crate) [f64; 5]);

impl Legs {
    pub(super) fn of(push: &Push, delivered_at: Timestamp) -> Self {
        let times = &push.notification.alert.times;
        let ends = [
            times.signal.enriched_at,
            times.signal.detected_at,
            times.raised_at,
            push.sent_at.unwrap_or(delivered_at),
            delivered_at,
        ];
        // Clocks of several machines may differ by a little.
        Self(ends.map(|end| {
            end.duration_since(times.signal.observed_at)
                .as_secs_f64()
                .max(0.0)
        }))
    }
}
