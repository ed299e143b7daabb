//! No more requests than a platform allows, and fewer for a while once it has said that there were too many.

use std::time::{Duration, Instant};

/// Seconds in which a lowered pace grows back to the full one. Platforms count in minutes and hours; ten minutes find
/// the limit again without meeting it every minute.
const RECOVERY_SECONDS: f64 = 600.0;

/// The pace is never lowered below this share of the full one: a source that is asked ever more rarely would be lost.
const LEAST_SHARE: f64 = 1.0 / 16.0;

/// A token bucket.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Requests per second, as configured …
    full: f64,
    /// … and as it is now.
    rate: f64,
    /// Most requests that may come together.
    burst: f64,
    left: f64,
    at: Instant,
}

impl Pace {
    /// `per_minute` requests a minute; a tenth of them, at least one, may come together.
    pub(crate) fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        let burst = (per_minute / 10.0).floor().max(1.0);
        Self {
            full: per_minute / 60.0,
            rate: per_minute / 60.0,
            burst,
            left: burst,
            at: now,
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.burst);
        self.rate = (self.rate + self.full * passed / RECOVERY_SECONDS).min(self.full);
        self.at = now;
    }

    /// How long until the next request may go out.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        self.refill(now);
        let missing = 1.0 - self.left;
        // A billionth less is rounding, and would wait for nothing.
        if missing <= 1e-9 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(missing / self.rate).max(Duration::from_millis(1))
    }

    /// A request goes out.
    pub(crate) fn take(&mut self, now: Instant) {
        self.refill(now);
        self.left = (self.left - 1.0).max(0.0);
    }

    /// The platform said that there were too many.
    pub(crate) fn lower(&mut self, now: Instant) {
        self.refill(now);
        self.rate = (self.rate / 2.0).max(self.full * LEAST_SHARE);
        self.left = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests that go out in so many seconds when as many as possible are wanted.
    fn requests(pace: &mut Pace, from: Instant, seconds: u64) -> usize {
        let mut now = from;
        let mut count = 0;
        while now < from + Duration::from_secs(seconds) {
            let wait = pace.wait(now);
            if wait.is_zero() {
                pace.take(now);
                count += 1;
            } else {
                now += wait;
            }
        }
        count
    }

    #[test]
    fn a_minute_has_no_more_than_the_limit_and_the_burst() {
        let now = Instant::now();
        let mut pace = Pace::new(60, now);
        let first = requests(&mut pace, now, 60);
        assert!((64..=66).contains(&first), "{first}");
        // The burst is spent.
        let second = requests(&mut pace, now + Duration::from_secs(60), 60);
        assert!((59..=61).contains(&second), "{second}");
    }

    #[test]
    fn a_refusal_halves_the_pace_and_ten_minutes_bring_it_back() {
        let now = Instant::now();
        let mut pace = Pace::new(60, now);
        pace.lower(now);
        let lowered = requests(&mut pace, now, 60);
        assert!((27..40).contains(&lowered), "{lowered}");
        let later = now + Duration::from_secs(660);
        pace.wait(later);
        let back = requests(&mut pace, later, 60);
        assert!((60..=66).contains(&back), "{back}");
        for _ in 0..20 {
            pace.lower(later + Duration::from_secs(60));
        }
        assert!(pace.rate >= pace.full * LEAST_SHARE);
    }
}
