//! A source that falls silent raises a signal once, and once more when it stays silent; what is usual for it survives a restart
//! exactly, because it is written in the commit that takes in a heartbeat.
//!
//! Reads `sources`, writes `rhythms` and `signals`. It is a stage of its own beside the one that folds feedback: heartbeats
//! are keyed by source and feedback by brand.

mod outage;
mod rhythm;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use metrics::{counter, gauge};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_bus::{OutRecord, Outcome, Outputs, Progress, Record, Restore, Stage, StageError};
use wensheng_runtime::{Check, Problems, decode, encode};
use wensheng_schemas::{
    Contract, Severity, Signal, SignalKind, SignalTimes, SourceRhythm, SourceStatus, Topic,
    derived_id,
};

use crate::metrics as names;

/// When a source counts as silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceConfig {
    /// Whether sources are watched. Default true.
    pub enabled: bool,
    /// A source is watched for this many days before its silence tells anything; an outage (`error_minutes`,
    /// `heartbeat_minutes`) and a gap of `longest_gap_minutes` are told from the start. Default 3.
    pub learn_days: u32,
    /// A silence is told at level `watch` when it would come by chance once in so many; at level `alert` when once in the
    /// square of it. Default 10000: a source that gives in every slot of ten minutes is told after 30 minutes and after an
    /// hour; one that gives in every second slot after some 2½ and 5 hours.
    pub one_in: u32,
    /// A source that is in trouble (refused, unreachable) for this many minutes is told at level `alert`. Default 10.
    pub error_minutes: u32,
    /// So is one whose heartbeat did not come for this many minutes: `connect` is down or cut off. Default 5.
    pub heartbeat_minutes: u32,
    /// The longest time that a source may give nothing, in minutes, by the source's name, whatever its history says. Default:
    /// none.
    pub longest_gap_minutes: BTreeMap<String, u32>,
}

impl Default for SilenceConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            learn_days: 3,
            one_in: 10_000,
            error_minutes: 10,
            heartbeat_minutes: 5,
            longest_gap_minutes: BTreeMap::new(),
        }
    }
}

impl Check for SilenceConfig {
    fn check(&self, problems: &mut Problems) {
        if !(1..=60).contains(&self.learn_days) {
            problems.add("learn_days", "must be from 1 to 60");
        }
        if !(100..=1_000_000_000).contains(&self.one_in) {
            problems.add("one_in", "must be from 100 to 1000000000");
        }
        if self.error_minutes == 0 {
            problems.add("error_minutes", "must be at least 1");
        }
        if self.heartbeat_minutes < 3 {
            problems.add(
                "heartbeat_minutes",
                "must be at least 3: heartbeats come every minute",
            );
        }
        for (source, minutes) in &self.longest_gap_minutes {
            if *minutes == 0 {
                problems.within("longest_gap_minutes", |problems| {
                    problems.add(source, "must be at least 1")
                });
            }
        }
    }
}

/// The stage between `sources` and `rhythms`, `signals`.
#[derive(Debug, Clone)]
pub struct Silence {
    config: SilenceConfig,
    zone: TimeZone,
    /// By source, with the partition it came from.
    sources: BTreeMap<String, (u32, SourceRhythm)>,
    changed: BTreeSet<String>,
    /// Since when heartbeats are waited for: what did not come while nobody listened is no silence.
    since: Option<Timestamp>,
    /// When it was last looked at them.
    looked_at: Option<Timestamp>,
    /// Since when heartbeats were missing before those that came last, in seconds, with the sources that it was so of.
    unheard: BTreeMap<u64, usize>,
    told: Vec<u8>,
}

impl Silence {
    /// A stage without memory.
    pub fn new(config: &SilenceConfig, zone: TimeZone) -> Self {
        Self {
            config: config.clone(),
            zone,
            sources: BTreeMap::new(),
            changed: BTreeSet::new(),
            since: None,
            looked_at: None,
            unheard: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Whoever was held up itself waits anew.
    fn look(&mut self, now: Timestamp) {
        if let Some(gap) = outage::was_held_up(self.looked_at, now) {
            tracing::warn!(
                seconds = gap.as_secs(),
                "nobody looked at the sources for this long: the service was held up; heartbeats are waited for anew"
            );
            self.since = Some(now);
        }
        self.looked_at = Some(now);
        self.since.get_or_insert(now);
    }

    /// Says once of a gap in the heartbeats that it was there.
    fn say_what_was_not_heard(&mut self) {
        for (seconds, count) in std::mem::take(&mut self.unheard) {
            tracing::warn!(
                seconds,
                sources = count,
                of = self.sources.len(),
                "nothing was taken in before these heartbeats; that time is not counted as the sources' silence"
            );
        }
    }

    /// Whether all heartbeats are missing at once, which is then told once and not of each source.
    fn is_away(&mut self, now: Timestamp, out: &mut Outputs) -> bool {
        let since = self.since.unwrap_or(now);
        let (config, sources) = (&self.config, &self.sources);
        let mut rhythms = sources.values().map(|(_, rhythm)| rhythm);
        let all = rhythms.clone().all(|rhythm| rhythm.away)
            || rhythms.all(|rhythm| rhythm::is_missing(rhythm, config, since, now));
        if !config.enabled || sources.len() < 2 || !all {
            return false;
        }
        if sources.values().all(|(_, rhythm)| rhythm.away) {
            return true;
        }
        if let Some(signal) = outage::signal(sources, now) {
            tracing::warn!(
                sources = sources.len(),
                "no source has heartbeats any more: `connect` is not running, or cut off from the bus"
            );
            self.told.push(2);
            out.emit(encode(&signal, None));
        }
        for (source, (_, rhythm)) in &mut self.sources {
            rhythm.away = true;
            self.changed.insert(source.clone());
        }
        true
    }

    /// Heartbeats come again: each source has time to be heard, and is then judged by itself.
    fn is_back(&mut self, now: Timestamp) {
        self.since = Some(now);
        for (source, (_, rhythm)) in &mut self.sources {
            if std::mem::take(&mut rhythm.away) {
                self.changed.insert(source.clone());
            }
        }
    }

    /// Judges a source, and gives the signal when it is graver than what was told.
    fn judge(&mut self, source: &str, now: Timestamp) -> Option<Signal> {
        let since = self.since.unwrap_or(now);
        let (_, rhythm) = self.sources.get_mut(source)?;
        let verdict =
            rhythm::judge(rhythm, &self.config, since, now).filter(|_| self.config.enabled);
        let level = verdict.as_ref().map_or(0, |verdict| verdict.level);
        let before = rhythm.told;
        if level == before {
            return None;
        }
        // Back to usual, or less grave than it was: told anew when it gets worse again.
        rhythm.told = level;
        self.changed.insert(source.to_owned());
        let verdict = verdict.filter(|_| level > before)?;
        self.told.push(level);
        tracing::warn!(
            source, seconds = verdict.seconds, error = %verdict.error, level,
            "source is silent"
        );
        Some(signal(rhythm, verdict, now))
    }

    fn flush(&mut self, out: &mut Outputs) {
        for source in std::mem::take(&mut self.changed) {
            if let Some((_, rhythm)) = self.sources.get(&source) {
                out.emit(encode(rhythm, None));
            }
        }
    }
}

#[async_trait]
impl Stage for Silence {
    fn restores(&self) -> Vec<Restore> {
        vec![Restore::State(Topic::Rhythms.shared_name())]
    }

    fn restore(&mut self, record: &Record) {
        if record.value.is_none() {
            self.sources
                .remove(String::from_utf8_lossy(&record.key).as_ref());
            return;
        }
        match decode::<SourceRhythm>(record) {
            Ok(rhythm) => {
                self.sources
                    .insert(rhythm.source.clone(), (record.at.partition, rhythm));
            }
            // Only this project writes the topic. What is usual for one source is learned anew.
            Err(error) => tracing::error!(
                topic = %record.at.topic, partition = record.at.partition, offset = record.offset, %error,
                "rhythm not restored"
            ),
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome {
        if record.value.is_none() {
            // The source is configured no longer.
            let source = String::from_utf8_lossy(&record.key).into_owned();
            self.sources.remove(&source);
            self.changed.remove(&source);
            out.emit(tombstone(source));
            return Outcome::Emit;
        }
        let status: SourceStatus = match decode(record) {
            Ok(status) => status,
            Err(error) => return Outcome::Reject(error.to_string()),
        };
        self.look(now);
        let source = status.source.clone();
        let known = self.sources.get(&source).map(|(_, rhythm)| rhythm);
        if known.is_some_and(|rhythm| rhythm.away) {
            self.is_back(now);
        }
        let known = self.sources.get(&source).map(|(_, rhythm)| rhythm);
        if let Some(gap) = known.and_then(|known| rhythm::unheard(known, &status, &self.config)) {
            *self.unheard.entry(gap).or_default() += 1;
        }
        let (_, rhythm) = self
            .sources
            .entry(source.clone())
            .or_insert_with(|| (record.at.partition, rhythm::starting(&status)));
        rhythm::beat(rhythm, &status, &self.config, &self.zone);
        self.changed.insert(source.clone());
        // Heartbeats that waited in the log are judged as of when they were told, not as if nothing had come since.
        if let Some(signal) = self.judge(&source, status.at.min(now)) {
            out.emit(encode(&signal, Some(record)));
        }
        Outcome::Emit
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outputs) {
        self.look(now);
        self.say_what_was_not_heard();
        let mut sources: Vec<String> = self.sources.keys().cloned().collect();
        if self.is_away(now, out) {
            sources.clear();
        }
        for source in sources {
            if let Some(signal) = self.judge(&source, now) {
                out.emit(encode(&signal, None));
            }
        }
        self.flush(out);
    }

    fn revoke(&mut self, partitions: &[u32]) {
        self.sources
            .retain(|_, (partition, _)| !partitions.contains(partition));
        self.changed.clear();
        self.told.clear();
        self.unheard.clear();
        self.since = None;
        self.looked_at = None;
    }

    async fn settle(&mut self, _progress: &Progress, out: &mut Outputs) -> Result<(), StageError> {
        self.flush(out);
        Ok(())
    }

    fn committed(&mut self) {
        for level in std::mem::take(&mut self.told) {
            counter!(names::SILENCES, "severity" => severity(level).name()).increment(1);
        }
        for (source, (_, rhythm)) in &self.sources {
            let level = if rhythm.away { 2 } else { rhythm.told };
            gauge!(names::SILENT, "source" => source.clone()).set(f64::from(level));
        }
    }
}

const fn severity(level: u8) -> Severity {
    if level >= 2 {
        Severity::Alert
    } else {
        Severity::Watch
    }
}

fn signal(rhythm: &SourceRhythm, verdict: rhythm::Verdict, now: Timestamp) -> Signal {
    let status = &rhythm.status;
    let heard_at = rhythm.last_event_at.unwrap_or(status.at);
    let severity = severity(verdict.level);
    Signal {
        id: derived_id(&[
            "silence",
            &rhythm.source,
            &heard_at.to_string(),
            &verdict.error,
            severity.name(),
        ]),
        kind: SignalKind::Silence {
            source: rhythm.source.clone(),
            seconds: verdict.seconds,
            error: verdict.error,
        },
        severity,
        brand: if status.brand.is_empty() {
            rhythm.source.clone()
        } else {
            status.brand.clone()
        },
        // A matter of its own: neither another source's nor the brand's as a whole.
        topic: format!("source/{}", rhythm.source),
        channels: status.channel.into_iter().collect(),
        samples: Vec::new(),
        times: SignalTimes {
            first_post_at: heard_at,
            occurred_at: heard_at,
            observed_at: now,
            enriched_at: now,
            detected_at: now,
        },
        drill: false,
    }
}

/// Deletes what is usual for a source from the log.
fn tombstone(source: String) -> OutRecord {
    OutRecord {
        topic: SourceRhythm::TOPIC.shared_name(),
        key: Bytes::from(source),
        partition_key: None,
        value: None,
        headers: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
