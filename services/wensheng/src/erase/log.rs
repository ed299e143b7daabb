//! What the log holds of one person: found in one reading, and taken out where the engine can.
//!
//! Kept apart from the command, which says in which order things are done.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wensheng_bus::{Bus, Cleanup, OutRecord, Record, Rewritten, TopicPartition, TopicSpec};
use wensheng_runtime::decode;
use wensheng_schemas::{
    Actor, Alert, AlertId, Counted, Enriched, Erasure, EventId, FeedbackEvent, Notification,
    TimelineEntry, TimelineEvent, TimelineRecord, Topic,
};

/// Lines listed in an alert's record; see `respond`.
const LISTED: usize = 200;

/// What is left of the person in a topic, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Left {
    pub(super) topic: &'static str,
    pub(super) records: u64,
    /// What of it: `records` as they were, or `counted words`, by which windows take back what they counted.
    pub(super) what: &'static str,
    /// When the topic forgets the last of them; `None`: when the broker compacts it.
    pub(super) until: Option<Timestamp>,
}

/// The bus, as far as erasing goes.
pub(super) struct Log<'a> {
    pub(super) bus: &'a dyn Bus,
    pub(super) topics: &'a [TopicSpec],
}

/// The person's feedback as far as the log knows it.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The latest revision of each piece.
    pub(super) pieces: BTreeMap<EventId, FeedbackEvent>,
    /// Pieces that the log knows only by what they counted for.
    pub(super) events: BTreeSet<EventId>,
}

/// What the log's alerts hold of the person.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Alerts that showed a piece, now or in a notification.
    pub(super) alerts: BTreeSet<AlertId>,
    /// Lines whose words go.
    pub(super) lines: Vec<TimelineRecord>,
    /// Lines with words of alerts that showed a piece: whether they speak of the person, a person must say.
    pub(super) to_read: Vec<TimelineRecord>,
}

/// What is to be changed in the log.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// In records where they lie.
    pub(super) values: Rewritten,
    /// The same for records of topics that keep the latest of each key, as records that take their place.
    pub(super) instead: Vec<OutRecord>,
    /// How many records of each topic.
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// Where the engine cannot change its log: what stays.
    pub(super) left: Vec<Left>,
    /// What stays whatever the engine.
    pub(super) counted_words: Option<Left>,
}

impl Log<'_> {
    async fn visit(&self, topic: Topic, visit: &mut (dyn FnMut(Record) + Send)) -> Result<()> {
        let name = topic.shared_name();
        for partition in 0..self.bus.partitions(&name).await? {
            let at = TopicPartition::new(name.clone(), partition);
            self.bus
                .replay(&at, 0..u64::MAX, visit)
                .await
                .with_context(|| format!("read {name}/{partition}"))?;
        }
        Ok(())
    }

    /// The feedback of the author with that key.
    pub(super) async fn said(&self, author: &str) -> Result<Said> {
        let mut said = Said::default();
        let mut keep = |piece: FeedbackEvent| {
            if piece.author.as_ref().is_some_and(|by| by.key == author) {
                let known = said.pieces.entry(piece.id.clone());
                let known = known.or_insert_with(|| piece.clone());
                if piece.revision > known.revision {
                    *known = piece;
                }
            }
        };
        let told = |record: &Record| {
            let value = record.value.as_deref().unwrap_or_default();
            // Every record of the topic is looked at: whether the key is in it at all comes first.
            value.windows(author.len()).any(|w| w == author.as_bytes())
        };
        self.visit(Topic::Feedback, &mut |record| {
            if told(&record)
                && let Ok(piece) = decode(&record)
            {
                keep(piece);
            }
        })
        .await?;
        self.visit(Topic::Enriched, &mut |record| {
            if told(&record)
                && let Ok(piece) = decode::<Enriched>(&record)
            {
                keep(piece.feedback);
            }
        })
        .await?;
        let mut events = BTreeSet::new();
        self.visit(Topic::Contributions, &mut |record| {
            if told(&record)
                && let Ok(counted) = decode::<Counted>(&record)
                && let Some(contribution) = counted.contribution
                && contribution.author.as_deref() == Some(author)
            {
                events.insert(counted.id);
            }
        })
        .await?;
        said.events = events;
        Ok(said)
    }

    /// Alerts that showed the person, and the lines of timelines that speak of the person or may do so.
    pub(super) async fn shown(&self, erasure: &Erasure) -> Result<Shown> {
        let mut shown = Shown::default();
        let shows = |topic, record: &Record| {
            let value = record.value.as_deref().unwrap_or_default();
            let cut = erasure.cut(topic, value, true);
            cut.is_some_and(|cut| cut.samples > 0)
        };
        let mut alerts = BTreeSet::new();
        self.visit(Topic::Alerts, &mut |record| {
            if shows(Topic::Alerts, &record)
                && let Ok(alert) = decode::<Alert>(&record)
            {
                alerts.insert(alert.id);
            }
        })
        .await?;
        self.visit(Topic::Notifications, &mut |record| {
            if shows(Topic::Notifications, &record)
                && let Ok(notification) = decode::<Notification>(&record)
            {
                alerts.insert(notification.alert.id);
            }
        })
        .await?;
        shown.alerts = alerts;
        let mut lines = BTreeMap::new();
        self.visit(Topic::Timeline, &mut |record| {
            if let Ok(line) = decode::<TimelineRecord>(&record) {
                lines.insert((line.alert.clone(), line.number), line);
            }
        })
        .await?;
        for line in lines.into_values() {
            if erasure.takes(&line) {
                shown.lines.push(line);
            } else if shown.alerts.contains(&line.alert) && line.clone().erase().is_some() {
                shown.to_read.push(line);
            }
        }
        Ok(shown)
    }

    /// The alerts that change, each as it is after, with the line that says so.
    pub(super) async fn alerts(
        &self,
        erasure: &Erasure,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<(Alert, TimelineRecord)>> {
        let mut latest: HashMap<Bytes, Option<Bytes>> = HashMap::new();
        self.visit(Topic::Alerts, &mut |record| {
            latest.insert(record.key, record.value);
        })
        .await?;
        let mut changed = Vec::new();
        for value in latest.into_values().flatten() {
            let cut = erasure.cut(Topic::Alerts, &value, true);
            let samples = cut.as_ref().map_or(0, |cut| cut.samples);
            let after = cut.as_ref().map_or(value.as_ref(), |cut| &cut.value);
            let Ok(alert) = serde_json::from_slice::<Alert>(after) else {
                continue;
            };
            let lines: Vec<u64> = erasure
                .lines()
                .iter()
                .filter(|(of, _)| *of == alert.id)
                .map(|(_, number)| *number)
                .collect();
            if cut.is_some() || !lines.is_empty() {
                changed.push(say_erased(alert, samples, lines, by, now));
            }
        }
        changed.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        Ok(changed)
    }

    /// All other records that hold something of the person. `passed`: how far `aggregate` has counted, by partition.
    pub(super) async fn changes(
        &self,
        erasure: &Erasure,
        passed: &BTreeMap<TopicPartition, u64>,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        // Alerts take the place of what they were, with the line that says so.
        for topic in Topic::ALL
            .into_iter()
            .filter(|topic| *topic != Topic::Alerts)
        {
            let keep = self.keep(topic);
            let mut left = Left {
                topic: topic.name(),
                records: 0,
                what: "records",
                until: None,
            };
            let mut words = Left {
                what: "counted words",
                ..left.clone()
            };
            self.visit(topic, &mut |record| {
                let Some(value) = record.value.as_deref() else {
                    return;
                };
                let until = keep.and_then(|keep| record.appended_at.checked_add(keep).ok());
                if topic == Topic::Contributions && counts(erasure, value) {
                    words.records += 1;
                    words.until = words.until.max(until);
                }
                let counted = passed.get(&record.at).copied().unwrap_or(0);
                let Some(cut) = erasure.cut(topic, value, record.offset < counted) else {
                    return;
                };
                *changes.counts.entry(topic.name()).or_default() += 1;
                left.records += 1;
                left.until = left.until.max(until);
                if keep.is_none() {
                    changes.instead.push(instead(topic, &record, &cut.value));
                }
                let values = changes.values.entry(record.at).or_default();
                values.insert(record.offset, Bytes::from(cut.value));
            })
            .await?;
            changes.left.extend((left.records > 0).then_some(left));
            if words.records > 0 {
                changes.counted_words = Some(words);
            }
        }
        Ok(changes)
    }

    /// How long a topic keeps its records; `None`: the latest of each key, for ever.
    fn keep(&self, topic: Topic) -> Option<SignedDuration> {
        let spec = self
            .topics
            .iter()
            .find(|spec| *spec.name == *topic.name())?;
        match spec.cleanup {
            Cleanup::Delete(keep) => SignedDuration::try_from(keep).ok(),
            Cleanup::Compact => None,
        }
    }
}

/// Whether it is what a piece of the person counted for, with words that were counted.
fn counts(erasure: &Erasure, value: &[u8]) -> bool {
    let Ok(counted) = serde_json::from_slice::<Counted>(value) else {
        return false;
    };
    let words = counted
        .contribution
        .is_some_and(|of| !of.keywords.is_empty() || !of.terms.is_empty());
    words && erasure.events().contains(&counted.id)
}

/// The record that takes the place of one in a topic that keeps the latest of each key.
fn instead(topic: Topic, record: &Record, value: &[u8]) -> OutRecord {
    // These are partitioned by brand: see their contracts.
    let brand = match topic {
        Topic::DetectorState | Topic::Timeline => serde_json::from_slice(value).ok(),
        _ => None,
    };
    let brand = brand.and_then(|value: serde_json::Value| {
        let brand = value.get("brand")?.as_str()?;
        Some(Bytes::copy_from_slice(brand.as_bytes()))
    });
    OutRecord {
        topic: Arc::clone(&record.at.topic),
        key: record.key.clone(),
        partition_key: brand,
        value: Some(Bytes::copy_from_slice(value)),
        headers: record.headers.clone(),
    }
}

/// The alert with a line more, which says what was erased.
fn say_erased(
    mut alert: Alert,
    samples: u32,
    lines: Vec<u64>,
    by: &str,
    now: Timestamp,
) -> (Alert, TimelineRecord) {
    let entry = TimelineEntry {
        at: now,
        actor: Actor(by.to_owned()),
        event: TimelineEvent::Erased { samples, lines },
        note: String::new(),
        command: None,
    };
    let line = TimelineRecord::append(
        &alert.id,
        &alert.brand,
        alert.drill,
        &mut alert.chain,
        entry.clone(),
    );
    if alert.timeline.len() >= LISTED {
        alert.timeline.remove(1);
    }
    alert.timeline.push(entry);
    alert.revision += 1;
    alert.times.updated_at = now;
    (alert, line)
}
