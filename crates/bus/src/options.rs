//! What a consume loop needs to know beside its stage: its name, its clock, its patience, and how to write a dead letter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::{OutRecord, Record};

/// Builds the dead letter of a record: the record, the stage's name, the reason, and now.
pub type DeadLetter = Arc<dyn Fn(&Record, &str, &str, Timestamp) -> OutRecord + Send + Sync>;

/// Tells the time; tests pass their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Waits that grow: attempt *n* waits `first × 2ⁿ`, at most `longest`, less up to a half at random, so that many
/// processes do not come back in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Default for Backoff {
    /// 100 ms to 10 s: a broker's restart is noticed soon, and a broker that comes up is not overrun.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (from 1), where `random` is in 0..1.
    pub fn wait(&self, failures: u32, random: f64) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        doubled
            .min(self.longest)
            .mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }
}

/// How [`run_stage`](crate::run_stage) runs a stage.
#[derive(Clone)]
pub struct StageOptions {
    /// The stage's name in metrics, logs and dead letters: `enrich`.
    pub name: Arc<str>,
    /// Builds the record that a rejected one leaves behind.
    pub dead_letter: DeadLetter,
    /// The longest time between two calls of [`Stage::tick`](crate::Stage::tick). 200 ms by default: a deadline is never
    /// noticed later than that, and an idle stage costs next to nothing.
    pub tick_every: Duration,
    /// What `now` is. The system's clock by default.
    pub clock: Clock,
    /// The waits while the bus or the stage's other foot cannot be reached.
    pub backoff: Backoff,
}

impl StageOptions {
    /// The usual options for a stage of that name.
    pub fn new(name: impl Into<Arc<str>>, dead_letter: DeadLetter) -> Self {
        Self {
            name: name.into(),
            dead_letter,
            tick_every: Duration::from_millis(200),
            clock: Arc::new(Timestamp::now),
            backoff: Backoff::default(),
        }
    }
}

/// Dead letters as they are where no contract says more: key, value and headers of the origin, and the origin's topic,
/// partition, offset, the stage and the reason as headers `dead_letter_*`.
pub fn dead_letters_in(topic: impl Into<Arc<str>>) -> DeadLetter {
    let topic = topic.into();
    Arc::new(move |record, stage, reason, now| {
        let mut headers = record.headers.clone();
        for (name, value) in [
            ("dead_letter_topic", record.at.topic.to_string()),
            ("dead_letter_partition", record.at.partition.to_string()),
            ("dead_letter_offset", record.offset.to_string()),
            ("dead_letter_stage", stage.to_owned()),
            ("dead_letter_reason", reason.to_owned()),
            ("dead_letter_at", now.to_string()),
        ] {
            headers.push((name.to_owned(), Bytes::from(value)));
        }
        OutRecord {
            topic: topic.clone(),
            key: record.key.clone(),
            partition_key: None,
            value: record.value.clone(),
            headers,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_lose_at_most_a_half() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
        };
        assert_eq!(backoff.wait(1, 0.0), Duration::from_millis(100));
        assert_eq!(backoff.wait(3, 0.0), Duration::from_millis(400));
        assert_eq!(backoff.wait(3, 1.0), Duration::from_millis(200));
        assert_eq!(backoff.wait(40, 0.0), Duration::from_secs(1));
        assert_eq!(backoff.wait(u32::MAX, 0.0), Duration::from_secs(1));
    }
}
