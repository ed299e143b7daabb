//! When a push that failed is tried again: soon at first, since a response clock runs, then ever more seldom.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use wensheng_bus::Backoff;

use crate::ReceiverKind;

/// 1 s, 2 s, 4 s … 60 s, each less up to a half: a crisis waits seconds for a robot that hiccups, and a robot that is
/// down for long gets at most two calls a minute.
const ROBOT: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// The schedule that Standard Webhooks recommends: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const WEBHOOK_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Waits of webhooks differ by up to a fifth, so that an endpoint that comes back is not called by all at once.
const WEBHOOK_JITTER: f64 = 0.2;

/// The wait after `failures` failures in a row (from 1), where `random` is in 0..1; `None` when the schedule is over.
pub(crate) fn wait(kind: ReceiverKind, failures: u32, random: f64) -> Option<Duration> {
    if !kind.manners().slow_schedule {
        return Some(ROBOT.wait(failures, random));
    }
    let index = usize::try_from(failures.saturating_sub(1)).ok()?;
    let seconds = *WEBHOOK_SECONDS.get(index)?;
    let factor = 1.0 + WEBHOOK_JITTER * (2.0 * random - 1.0);
    Some(Duration::from_secs(seconds).mul_f64(factor))
}

/// A number in 0..1 that differs from push to push and from attempt to attempt, and is the same in every run: the core
/// stays a function of its input.
pub(crate) fn random(push: &str, attempts: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (push, attempts).hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_tried_quickly_at_first_and_every_minute_at_last() {
        let waits: Vec<u64> = (1..=8)
            .map(|failures| wait(ReceiverKind::Wecom, failures, 0.0).unwrap().as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn webhooks_follow_the_standards_schedule_for_three_days() {
        let total: u64 = (1..=9)
            .map(|failures| {
                wait(ReceiverKind::Webhook, failures, 0.5)
                    .unwrap()
                    .as_secs()
            })
            .sum();
        assert_eq!(total, 5 + 300 + 1_800 + 3600 * (2 + 5 + 10 + 14 + 20 + 24));
        assert_eq!(wait(ReceiverKind::Webhook, 10, 0.5), None);
        let early = wait(ReceiverKind::Webhook, 2, 0.0).unwrap();
        assert_eq!(early, Duration::from_secs(240));
    }

    #[test]
    fn chance_is_even_and_repeatable() {
        let mean = (0..1000).map(|n| random("push", n)).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_eq!(random("push", 1).to_bits(), random("push", 1).to_bits());
    }
}
