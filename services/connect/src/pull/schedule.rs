//! Of several streams the one that has waited longest is served next; one that fails waits by itself, and one that
//! cannot go on stops without the others.

use std::time::{Duration, Instant};

use super::patience::backoff;
use super::trouble::Class;

/// When a stream is walked.
#[derive(Debug)]
pub(crate) struct Turn {
    due: Instant,
    failures: u32,
    /// What holds it up.
    trouble: Option<(Class, String)>,
    /// Whether it holds it up for good.
    stopped: bool,
    /// Whether a walk came to its end since the start.
    pub(crate) is_through: bool,
}

impl Turn {
    /// Due at once.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            due: now,
            failures: 0,
            trouble: None,
            stopped: false,
            is_through: false,
        }
    }

    /// When it is due; `None` once it stopped.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.stopped).then_some(self.due)
    }

    /// What holds it up.
    pub(crate) fn trouble(&self) -> Option<(Class, &str)> {
        let trouble = self.trouble.as_ref();
        trouble.map(|(class, reason)| (*class, reason.as_str()))
    }

    /// Whether it stopped for good.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// A page was taken and there is more.
    pub(crate) fn goes_on(&mut self, now: Instant) {
        self.due = now;
        self.mended();
    }

    /// A walk came to its end.
    pub(crate) fn through(&mut self, now: Instant, every: Duration) {
        self.due = now + every;
        self.is_through = true;
        self.mended();
    }

    fn mended(&mut self) {
        self.failures = 0;
        self.trouble = None;
    }

    /// There is news: due at once, unless it waits because it failed.
    pub(crate) fn hinted(&mut self, now: Instant) {
        if self.failures == 0 && self.trouble.is_none() {
            self.due = self.due.min(now);
        }
    }

    /// Waits without having failed.
    pub(crate) fn held_up(&mut self, until: Instant, class: Class, reason: String) {
        self.due = until;
        self.trouble = Some((class, reason));
    }

    /// Failed; the wait grows with every failure in a row. `random` is in 0..1.
    pub(crate) fn failed(&mut self, now: Instant, class: Class, reason: String, random: f64) {
        self.failures = self.failures.saturating_add(1);
        self.due = now + backoff(self.failures, random);
        self.trouble = Some((class, reason));
    }

    /// Cannot go on until somebody has mended it.
    pub(crate) fn stop(&mut self, class: Class, reason: String) {
        self.stopped = true;
        self.trouble = Some((class, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(300);

    #[test]
    fn news_bring_a_walk_forward_but_not_a_stream_that_failed() {
        let now = Instant::now();
        let mut turn = Turn::new(now);
        turn.through(now, EVERY);
        assert_eq!(turn.due(), Some(now + EVERY));
        turn.hinted(now);
        assert_eq!(turn.due(), Some(now));
        turn.failed(now, Class::Retry, "busy".to_owned(), 1.0);
        turn.failed(now, Class::Retry, "busy".to_owned(), 1.0);
        turn.hinted(now);
        assert_eq!(turn.due(), Some(now + Duration::from_secs(2)));
        turn.goes_on(now);
        assert_eq!((turn.due(), turn.trouble()), (Some(now), None));
    }

    #[test]
    fn a_stopped_stream_is_never_due() {
        let now = Instant::now();
        let mut turn = Turn::new(now);
        turn.stop(Class::FatalConfig, "the secret is wrong".to_owned());
        turn.hinted(now);
        assert_eq!(turn.due(), None);
        assert_eq!(
            turn.trouble(),
            Some((Class::FatalConfig, "the secret is wrong"))
        );
    }
}
