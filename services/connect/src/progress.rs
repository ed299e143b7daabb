//! Progress counts only what is committed, so that whoever stops when all is through loses nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use wensheng_schemas::Channel;

/// How far taking in has come in this run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IngestProgress {
    /// Rows, items and posts committed: events and dead letters together.
    pub rows_read: u64,
    /// Of these, wrong ones that went to dead-letters.
    pub dead_letters: u64,
    /// Pull sources that are through: all that is there was read and committed, or cannot be read.
    pub sources_done: usize,
    /// Whether every pull source is through; true at once where all sources are pushed to. New files may make it false
    /// again.
    pub all_through: bool,
    /// Bytes of the input that is there, as it lies on disk.
    pub total_bytes: u64,
    /// Of these, bytes read (also in earlier runs).
    pub bytes_done: u64,
    /// What could not be read, each with its reason.
    pub failures: Vec<String>,
    /// Where pushes are taken, once bound.
    pub listening: Option<SocketAddr>,
    /// Each source by its configured name.
    pub sources: BTreeMap<String, SourceProgress>,
}

/// How far one source has come in this run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceProgress {
    /// Rows committed.
    pub rows_read: u64,
    /// Of these, wrong ones.
    pub dead_letters: u64,
    /// Bytes of its input.
    pub total_bytes: u64,
    /// Bytes read.
    pub bytes_done: u64,
    /// Whether all that is there was read and committed.
    pub through: bool,
    /// What could not be read, with the reason.
    pub failures: Vec<String>,
    /// The class of the gravest of these, where the source is asked over HTTP: `retry`, `throttle`, `reauth`, `fatal-config`
    /// or `fatal-item`.
    pub error_class: Option<&'static str>,
    /// When its latest piece was taken in (UTC).
    pub last_event_at: Option<Timestamp>,
    /// How long after it was said that was, in seconds.
    pub lag_seconds: Option<u64>,
    /// Whom its latest piece was about; empty while there is none.
    pub brand: String,
    /// The channel of its latest piece.
    pub channel: Option<Channel>,
}

impl IngestProgress {
    fn sum_up(&mut self) {
        let sources = self.sources.values();
        self.rows_read = sources.clone().map(|s| s.rows_read).sum();
        self.dead_letters = sources.clone().map(|s| s.dead_letters).sum();
        self.total_bytes = sources.clone().map(|s| s.total_bytes).sum();
        self.bytes_done = sources.clone().map(|s| s.bytes_done).sum();
        self.sources_done = sources.clone().filter(|s| s.through).count();
        self.all_through = self.sources_done == self.sources.len();
        self.failures = sources.flat_map(|s| s.failures.clone()).collect();
    }
}

/// Where sources and the publishing task tell their progress.
#[derive(Debug, Clone)]
pub(crate) struct Tracker {
    to: Arc<watch::Sender<IngestProgress>>,
}

impl Tracker {
    /// Starts with all sources at nothing; those in `through` have nothing to go through.
    pub(crate) fn new(
        to: watch::Sender<IngestProgress>,
        sources: impl Iterator<Item = (String, bool)>,
    ) -> Self {
        to.send_modify(|all| {
            for (name, through) in sources {
                let source = SourceProgress {
                    through,
                    ..SourceProgress::default()
                };
                all.sources.insert(name, source);
            }
            all.sum_up();
        });
        Self { to: Arc::new(to) }
    }

    /// Tells where pushes are taken.
    pub(crate) fn listening(&self, address: SocketAddr) {
        self.to.send_modify(|all| all.listening = Some(address));
    }

    /// The progress of one source.
    pub(crate) fn of(&self, source: &str) -> SourceProgress {
        let all = self.to.borrow();
        all.sources.get(source).cloned().unwrap_or_default()
    }

    /// Changes the progress of one source.
    pub(crate) fn update(&self, source: &str, change: impl FnOnce(&mut SourceProgress)) {
        self.to.send_modify(|all| {
            if let Some(progress) = all.sources.get_mut(source) {
                change(progress);
            }
            all.sum_up();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_through_when_every_pull_source_is() {
        let (sender, receiver) = watch::channel(IngestProgress::default());
        let sources = [("files".to_owned(), false), ("hook".to_owned(), true)];
        let tracker = Tracker::new(sender, sources.into_iter());
        assert!(!receiver.borrow().all_through);
        tracker.update("files", |files| {
            files.rows_read += 3;
            files.dead_letters += 1;
            files.through = true;
        });
        let progress = receiver.borrow().clone();
        assert!(progress.all_through);
        assert_eq!((progress.rows_read, progress.dead_letters), (3, 1));
        tracker.update("files", |files| files.through = false);
        assert!(!receiver.borrow().all_through);
    }

    #[test]
    fn with_pushed_sources_alone_all_is_through_at_once() {
        let (sender, receiver) = watch::channel(IngestProgress::default());
        Tracker::new(sender, [("hook".to_owned(), true)].into_iter());
        assert!(receiver.borrow().all_through);
    }
}
