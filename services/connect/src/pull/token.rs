//! A source's streams share one access token; it is renewed before it ends, and only the token that failed is dropped.

use std::time::{Duration, Instant};

use wensheng_runtime::Secret;

/// Renewed after this share of its life: of the usual 7,200 s, after 90 minutes.
const RENEW_AFTER: f64 = 0.75;

/// Up to this share earlier, so that processes do not renew together.
const JITTER: f64 = 0.05;

/// A token that does not say how long it lasts is taken to last this long.
const UNKNOWN_LIFE: Duration = Duration::from_secs(3_600);

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The token itself.
    pub(crate) secret: Secret,
    /// How long it lasts, where the platform says so.
    pub(crate) lasts: Option<Duration>,
}

/// The token in use.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    held: Option<(Secret, Instant)>,
}

impl TokenCache {
    /// The token, unless it is time to renew it.
    pub(crate) fn get(&self, now: Instant) -> Option<&Secret> {
        self.held
            .as_ref()
            .filter(|(_, renew_at)| now < *renew_at)
            .map(|(secret, _)| secret)
    }

    /// Keeps a new one; `random` is in 0..1.
    pub(crate) fn put(&mut self, token: Token, now: Instant, random: f64) {
        let life = token.lasts.unwrap_or(UNKNOWN_LIFE);
        let share = RENEW_AFTER - JITTER * random.clamp(0.0, 1.0);
        self.held = Some((token.secret, now + life.mul_f64(share)));
    }

    /// Drops the token that failed; a newer one stays.
    pub(crate) fn refused(&mut self, failed: &Secret) {
        if self.held.as_ref().is_some_and(|(held, _)| held == failed) {
            self.held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_two_hours_is_renewed_by_ninety_minutes() {
        let now = Instant::now();
        let mut cache = TokenCache::default();
        assert_eq!(cache.get(now), None);
        let token = Token {
            secret: Secret::new("t1"),
            lasts: Some(Duration::from_secs(7_200)),
        };
        cache.put(token, now, 0.0);
        let minutes = |minutes: u64| now + Duration::from_secs(60 * minutes);
        assert_eq!(cache.get(minutes(89)), Some(&Secret::new("t1")));
        assert_eq!(cache.get(minutes(90)), None);
    }

    #[test]
    fn only_the_token_that_failed_is_dropped() {
        let now = Instant::now();
        let mut cache = TokenCache::default();
        let token = |text: &str| Token {
            secret: Secret::new(text),
            lasts: None,
        };
        cache.put(token("new"), now, 1.0);
        cache.refused(&Secret::new("old"));
        assert!(cache.get(now).is_some());
        cache.refused(&Secret::new("new"));
        assert!(cache.get(now).is_none());
    }
}
