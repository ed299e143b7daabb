//! In any minute a receiver is sent at most `burst + per_minute` pushes, whatever the clock does.

use jiff::Timestamp;

use crate::ReceiverKind;

/// A token bucket.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    per_minute: f64,
    burst: f64,
    tokens: f64,
    filled_at: Option<Timestamp>,
}

impl Pace {
    /// The pace of a kind of receiver, or the operator's.
    pub(crate) fn new(kind: ReceiverKind, per_minute: Option<u32>) -> Self {
        let manners = kind.manners();
        let per_minute = f64::from(per_minute.unwrap_or(manners.per_minute));
        // A pace set lower must not be passed by its burst.
        let burst = f64::min(manners.burst, (per_minute / 3.0).max(1.0));
        Self {
            per_minute,
            burst,
            tokens: burst,
            filled_at: None,
        }
    }

    /// How many more could be taken at once as of the last [`Pace::take`].
    pub(crate) fn left(&self) -> usize {
        // Never negative, and a burst is small.
        self.tokens as usize
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        if let Some(filled_at) = self.filled_at {
            // A clock that was set back gives nothing, and the bucket fills on from the new time.
            let seconds = now.duration_since(filled_at).as_secs_f64().max(0.0);
            self.tokens = (self.tokens + seconds * self.per_minute / 60.0).min(self.burst);
        }
        self.filled_at = Some(now);
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }

    /// Empties the bucket as of the instant from which it may fill again: the platform said that we were too fast.
    pub(crate) fn drain(&mut self, until: Timestamp) {
        self.tokens = 0.0;
        self.filled_at = Some(until);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::now;

    #[test]
    fn the_platforms_limit_is_never_passed_in_any_minute() {
        for (kind, limit) in [
            (ReceiverKind::Wecom, 20),
            (ReceiverKind::Dingtalk, 20),
            (ReceiverKind::Feishu, 100),
        ] {
            let mut pace = Pace::new(kind, None);
            let taken: Vec<i64> = (0..600_000)
                .step_by(50)
                .filter(|ms| pace.take(now() + SignedDuration::from_millis(*ms)))
                .collect();
            for start in &taken {
                let minute = taken
                    .iter()
                    .filter(|at| (*start..start + 60_000).contains(at));
                let second = taken
                    .iter()
                    .filter(|at| (*start..start + 1_000).contains(at));
                assert!(minute.count() <= limit, "{kind:?}");
                assert!(second.count() <= 5, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_clock_set_back_neither_fills_nor_stops_the_bucket() {
        let mut pace = Pace::new(ReceiverKind::Wecom, None);
        while pace.take(now()) {}
        let back = now() - SignedDuration::from_hours(1);
        assert!(!pace.take(back));
        assert!(pace.take(back + SignedDuration::from_secs(4)));
    }

    #[test]
    fn a_low_pace_has_a_low_burst() {
        let mut pace = Pace::new(ReceiverKind::Dingtalk, Some(1));
        assert!(pace.take(now()));
        assert!(!pace.take(now() + SignedDuration::from_secs(59)));
        assert!(pace.take(now() + SignedDuration::from_secs(61)));
    }
}
