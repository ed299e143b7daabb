//! A source that fails is asked again ever more rarely, at moments that no two sources share; one that goes on failing
//! is left alone for minutes, and then tried with one request.

use std::time::{Duration, Instant};

/// The first wait is at most this long …
const FIRST: Duration = Duration::from_secs(1);

/// … and every wait at most this long.
const LONGEST: Duration = Duration::from_secs(60);

/// After so many failures in a row, over all streams, the breaker opens.
const FAILURES_TO_OPEN: u32 = 8;

/// So long it stays open, at most. Longer would leave a source that came back unread; shorter would be the waits
/// themselves.
const OPEN: Duration = Duration::from_secs(300);

/// The wait after `failures` failures in a row (from 1): full jitter, anything up to the doubled bound, where `random`
/// is in 0..1 (Brooker, "Exponential Backoff And Jitter", 2015).
pub(crate) fn backoff(failures: u32, random: f64) -> Duration {
    FIRST
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)))
        .min(LONGEST)
        .mul_f64(random.clamp(0.0, 1.0))
}

/// The wait after "too many requests" without a time: 30 s to a minute, for most platforms count in minutes.
pub(crate) fn throttled(random: f64) -> Duration {
    LONGEST.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// Whether a source may be asked at all.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// A request failed. Whether the breaker is open now.
    pub(crate) fn failed(&mut self, now: Instant, random: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_TO_OPEN {
            // Half of it at least, so that it is a pause.
            self.open_until = Some(now + OPEN.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0));
        }
        self.open_until.is_some()
    }

    /// A request was answered.
    pub(crate) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Until when nothing is asked; what goes out then is the trial.
    pub(crate) fn open_until(&self) -> Option<Instant> {
        self.open_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_minute_and_jitter_takes_any_part_of_them() {
        let waits = [1, 2, 3, 6, 7, 1_000].map(|failures| backoff(failures, 1.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
        assert_eq!(backoff(3, 0.25), Duration::from_secs(1));
        assert_eq!(backoff(7, 0.0), Duration::ZERO);
    }

    #[test]
    fn eight_failures_open_it_and_one_answer_closes_it() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..7 {
            assert!(!breaker.failed(now, 0.5));
        }
        assert!(breaker.failed(now, 0.0));
        assert_eq!(breaker.open_until(), Some(now + OPEN / 2));
        // The trial failed: open again.
        let later = now + OPEN;
        assert!(breaker.failed(later, 1.0));
        assert_eq!(breaker.open_until(), Some(later + OPEN));
        breaker.answered();
        assert_eq!(breaker.open_until(), None);
        assert!(!breaker.failed(later, 0.5));
    }
}
