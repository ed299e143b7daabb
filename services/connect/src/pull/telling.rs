//! How a source fares is told in its health, its progress and its metrics, with the class of the gravest of its troubles.

use jiff::Timestamp;
use tokio::sync::watch;
use wensheng_bus::StageState;

use super::runner::Stream;
use super::trouble::Class;
use crate::metrics::{PULL_LAST_OK, PULL_REQUESTS, PULL_STOPPED};
use crate::progress::Tracker;

/// Where a source tells how it fares.
pub(super) struct Telling {
    pub(super) source: String,
    pub(super) progress: Tracker,
    pub(super) health: watch::Sender<StageState>,
}

impl Telling {
    pub(super) fn requested(&self, class: &'static str) {
        metrics::counter!(PULL_REQUESTS, "source" => self.source.clone(), "class" => class)
            .increment(1);
    }

    pub(super) fn well(&self, stream: &str, now: Timestamp) {
        metrics::gauge!(PULL_LAST_OK, "source" => self.source.clone(), "stream" => stream.to_owned())
            .set(now.as_millisecond() as f64 / 1e3);
    }

    /// How all streams fare.
    pub(super) fn all<S>(&self, streams: &[Stream<S>]) {
        let failures: Vec<String> = streams
            .iter()
            .filter_map(|stream| {
                let (_, trouble) = stream.turn.trouble()?;
                let stopped = match stream.turn.stopped() {
                    Some(_) => "stopped until it is mended, tried once an hour: ",
                    None => "",
                };
                Some(if stream.name.is_empty() {
                    format!("{stopped}{trouble}")
                } else {
                    format!("{}: {stopped}{trouble}", stream.name)
                })
            })
            .collect();
        let troubles = streams.iter().filter_map(|stream| stream.turn.trouble());
        let gravest = troubles.map(|(class, _)| class).max();
        let stopped = streams
            .iter()
            .filter(|s| s.turn.stopped().is_some())
            .count();
        metrics::gauge!(PULL_STOPPED, "source" => self.source.clone()).set(stopped as f64);
        let state = match failures.as_slice() {
            [] => StageState::Running,
            failures => StageState::Waiting(failures.join("; ")),
        };
        self.health.send_if_modified(|told| {
            let changed = *told != state;
            *told = state;
            changed
        });
        let through = streams
            .iter()
            .all(|stream| stream.turn.is_through || stream.turn.stopped().is_some());
        self.progress.update(&self.source, |progress| {
            progress.failures = failures;
            progress.error_class = gravest.map(Class::name);
            progress.through = through;
        });
    }
}
