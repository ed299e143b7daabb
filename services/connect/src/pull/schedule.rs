//! Of several streams the one that has waited longest is served next; one that fails waits by itself, and one that
//! cannot go on stops, but for a trial now and then: what was mended on the platform's side needs nobody here.

use std::time::{Duration, Instant};

use super::patience::backoff;
use super::trouble::Class;

/// What stopped is tried again after so long: often enough for who waits for a permission, and too rarely to be a burden or to
/// lock an account.
pub(crate) const TRIAL: Duration = Duration::from_secs(3_600);

/// What a stop is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// This stream.
    Stream,
    /// All streams of the source.
    Source,
}

/// When a stream is walked.
#[derive(Debug)]
pub(crate) struct Turn {
    due: Instant,
    failures: u32,
    /// What holds it up.
    trouble: Option<(Class, String)>,
    /// Whether it holds it up until somebody has mended it.
    stopped: Option<Stopped>,
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
            stopped: None,
            is_through: false,
        }
    }

    /// When it is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// What holds it up.
    pub(crate) fn trouble(&self) -> Option<(Class, &str)> {
        let trouble = self.trouble.as_ref();
        trouble.map(|(class, reason)| (*class, reason.as_str()))
    }

    /// Whether it stopped until somebody has mended it, and what of.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
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
        self.stopped = None;
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

    /// A walk came to its end without being answered well.
    pub(crate) fn refused(&mut self, until: Instant, class: Class, reason: String) {
        self.is_through = true;
        self.stopped = None;
        self.held_up(until, class, reason);
    }

    /// Cannot go on until somebody has mended it; tried at [`TRIAL`].
    pub(crate) fn stop(&mut self, now: Instant, what: Stopped, class: Class, reason: String) {
        self.due = now + TRIAL;
        self.stopped = Some(what);
        self.trouble = Some((class, reason));
    }

    /// What stopped the whole source is mended: due at once.
    pub(crate) fn source_is_back(&mut self, now: Instant) {
        if self.stopped == Some(Stopped::Source) {
            self.mended();
            self.due = now;
        }
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
        assert_eq!(turn.due(), now + EVERY);
        turn.hinted(now);
        assert_eq!(turn.due(), now);
        turn.failed(now, Class::Retry, "busy".to_owned(), 1.0);
        turn.failed(now, Class::Retry, "busy".to_owned(), 1.0);
        turn.hinted(now);
        assert_eq!(turn.due(), now + Duration::from_secs(2));
        turn.goes_on(now);
        assert_eq!((turn.due(), turn.trouble()), (now, None));
    }

    #[test]
    fn a_stopped_stream_is_tried_once_an_hour_whatever_is_hinted() {
        let now = Instant::now();
        let mut turn = Turn::new(now);
        let reason = || "the secret is wrong".to_owned();
        turn.stop(now, Stopped::Stream, Class::FatalConfig, reason());
        turn.hinted(now);
        turn.source_is_back(now);
        assert_eq!(turn.due(), now + TRIAL);
        assert_eq!(
            turn.trouble(),
            Some((Class::FatalConfig, "the secret is wrong"))
        );
        turn.stop(now, Stopped::Source, Class::FatalConfig, reason());
        turn.source_is_back(now);
        assert_eq!(
            (turn.due(), turn.stopped(), turn.trouble()),
            (now, None, None)
        );
    }
}
