//! Every source says every minute how it fares, also when it has nothing to give: whoever hears neither feedback nor a
//! heartbeat knows that nothing is known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use metrics::gauge;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use wensheng_bus::{Bus, OutRecord, StageState, TopicPartition};
use wensheng_runtime::{Health, encode};
use wensheng_schemas::{SourceStatus, SourceTrouble, Topic};

use crate::ingest::Submitter;
use crate::metrics::{SOURCE_LAG, SOURCE_LAST_EVENT, SOURCE_LAST_OK, SOURCE_TROUBLE};
use crate::progress::{SourceProgress, Tracker};
use crate::pull::Class;
use crate::staging::Batch;

/// Between two heartbeats of a source: a record a minute and source, kept compacted, costs nothing; more often would not
/// be looked at.
const EVERY: Duration = Duration::from_secs(60);

/// What is told of one source.
#[derive(Debug)]
struct Source {
    kind: &'static str,
    /// Whether it is read, so that it is well while it is looked at without trouble; a pushed one is well when it is sent to.
    is_read: bool,
    taken: u64,
    last_ok_at: Option<Timestamp>,
    trouble: Option<SourceTrouble>,
}

/// The task that tells how sources fare.
pub(crate) struct Heartbeat {
    sources: BTreeMap<String, Source>,
    submitter: Submitter,
    progress: Tracker,
    health: Health,
}

impl Heartbeat {
    /// Of these sources: name, kind, and whether it is read.
    pub(crate) fn new(
        sources: impl Iterator<Item = (String, &'static str, bool)>,
        submitter: Submitter,
        progress: Tracker,
        health: Health,
    ) -> Self {
        let sources = sources
            .map(|(name, kind, is_read)| {
                let source = Source {
                    kind,
                    is_read,
                    taken: 0,
                    last_ok_at: None,
                    trouble: None,
                };
                (name, source)
            })
            .collect();
        Self {
            sources,
            submitter,
            progress,
            health,
        }
    }

    /// Tells until shutdown; at first, which sources are there no longer.
    pub(crate) async fn run(mut self, bus: Arc<dyn Bus>, shutdown: CancellationToken) {
        let mut records = self.gone(bus.as_ref()).await;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Biased: shutdown first, while a submission may wait for a bus that is away.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            records.extend(self.tell(Timestamp::now()));
            let batch = Batch {
                bytes: records.iter().map(size).sum(),
                records: std::mem::take(&mut records),
                ..Batch::default()
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                submitted = self.submitter.submit_aside(batch) => {
                    if submitted.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Deletions of the heartbeats of sources that are not configured any more.
    async fn gone(&self, bus: &dyn Bus) -> Vec<OutRecord> {
        let topic = Topic::Sources.shared_name();
        let mut known: BTreeMap<Bytes, bool> = BTreeMap::new();
        let Ok(partitions) = bus.partitions(&topic).await else {
            return Vec::new();
        };
        for partition in 0..partitions {
            let at = TopicPartition::new(topic.clone(), partition);
            let read = bus
                .replay(&at, 0..u64::MAX, &mut |record| {
                    known.insert(record.key.clone(), record.value.is_some());
                })
                .await;
            if let Err(error) = read {
                // They are looked for again at the next start.
                tracing::info!(%error, "cannot tell which sources were configured before");
                return Vec::new();
            }
        }
        known
            .into_iter()
            .filter(|(key, is_there)| {
                *is_there
                    && !self
                        .sources
                        .contains_key(String::from_utf8_lossy(key).as_ref())
            })
            .map(|(key, _)| OutRecord {
                topic: topic.clone(),
                key,
                partition_key: None,
                value: None,
                headers: Vec::new(),
            })
            .collect()
    }

    fn tell(&mut self, now: Timestamp) -> Vec<OutRecord> {
        let tasks = self.health.report().tasks;
        self.sources
            .iter_mut()
            .map(|(name, source)| {
                let progress = self.progress.of(name);
                let state = tasks.get(&format!("connect-{name}"));
                let status = source.beat(name, &progress, state, now);
                measure(&status);
                encode(&status, None)
            })
            .collect()
    }
}

impl Source {
    /// The heartbeat, after that of before.
    fn beat(
        &mut self,
        name: &str,
        progress: &SourceProgress,
        state: Option<&StageState>,
        now: Timestamp,
    ) -> SourceStatus {
        let trouble = match state {
            Some(StageState::Waiting(reason)) => {
                Some((progress.error_class.unwrap_or("waiting"), reason))
            }
            Some(StageState::Failed(reason)) => Some(("failed", reason)),
            _ => None,
        };
        self.trouble = trouble.map(|(class, reason)| SourceTrouble {
            class: class.to_owned(),
            reason: reason.clone(),
            since: self.trouble.as_ref().map_or(now, |before| before.since),
        });
        if self.is_read && state == Some(&StageState::Running) {
            self.last_ok_at = Some(now);
        }
        self.last_ok_at = self.last_ok_at.max(progress.last_event_at);
        let fresh = progress.rows_read.saturating_sub(self.taken);
        self.taken = progress.rows_read;
        SourceStatus {
            source: name.to_owned(),
            connector: self.kind.to_owned(),
            brand: progress.brand.clone(),
            channel: progress.channel,
            fresh,
            taken: self.taken,
            last_ok_at: self.last_ok_at,
            last_event_at: progress.last_event_at,
            lag_seconds: progress.lag_seconds,
            trouble: self.trouble.clone(),
            at: now,
        }
    }
}

fn measure(status: &SourceStatus) {
    let label = || status.source.clone();
    let seconds = |at: Timestamp| at.as_millisecond() as f64 / 1_000.0;
    if let Some(at) = status.last_ok_at {
        gauge!(SOURCE_LAST_OK, "source" => label()).set(seconds(at));
    }
    if let Some(at) = status.last_event_at {
        gauge!(SOURCE_LAST_EVENT, "source" => label()).set(seconds(at));
    }
    if let Some(lag) = status.lag_seconds {
        gauge!(SOURCE_LAG, "source" => label()).set(lag as f64);
    }
    let classes = Class::ALL.map(Class::name);
    for class in ["waiting", "failed"].into_iter().chain(classes) {
        let is_so = status.trouble.as_ref().is_some_and(|t| t.class == class);
        gauge!(SOURCE_TROUBLE, "source" => label(), "class" => class)
            .set(f64::from(u8::from(is_so)));
    }
}

fn size(record: &OutRecord) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, |value| value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_tells_what_came_since_the_one_before_and_since_when_something_is_wrong() {
        let at = |seconds: i64| Timestamp::from_second(1_780_000_000 + seconds).unwrap();
        let mut source = Source {
            kind: "files",
            is_read: true,
            taken: 0,
            last_ok_at: None,
            trouble: None,
        };
        let mut progress = SourceProgress {
            rows_read: 5,
            last_event_at: Some(at(50)),
            lag_seconds: Some(3),
            brand: "青柚茶饮".to_owned(),
            ..SourceProgress::default()
        };
        let first = source.beat("desk", &progress, Some(&StageState::Running), at(60));
        assert_eq!((first.fresh, first.taken), (5, 5));
        assert_eq!(first.last_ok_at, Some(at(60)));
        progress.rows_read = 7;
        let waiting = StageState::Waiting("the folder is gone".to_owned());
        let second = source.beat("desk", &progress, Some(&waiting), at(120));
        let third = source.beat("desk", &progress, Some(&waiting), at(180));
        assert_eq!((second.fresh, third.fresh, third.taken), (2, 0, 7));
        assert_eq!(third.last_ok_at, Some(at(60)));
        let trouble = third.trouble.unwrap();
        assert_eq!(
            (trouble.class.as_str(), trouble.since),
            ("waiting", at(120))
        );
        progress.error_class = Some("reauth");
        let refused = source.beat("desk", &progress, Some(&waiting), at(200));
        assert_eq!(refused.trouble.unwrap().class, "reauth");
        let fourth = source.beat("desk", &progress, Some(&StageState::Running), at(240));
        assert_eq!((fourth.trouble, fourth.last_ok_at), (None, Some(at(240))));
    }
}
