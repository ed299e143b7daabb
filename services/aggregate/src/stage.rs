//! Deltas, signals and changed series are committed with the batch that made them, or none of them is.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use wensheng_bus::{OutRecord, Outcome, Outputs, Progress, Record, Restore, Stage, StageError};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{DetectorState, Enriched, SignalKind, TOPIC_ALL, Topic, WindowSize};

use crate::detection::Detection;
use crate::fold::{Fold, Sign};
use crate::metrics as names;
use crate::{Config, Error};

/// Stale series are looked for this often.
const EXPIRE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How much of the input is read again after a restart, for the authors and stories that the joint detector remembers:
/// two spells of six hours, and an hour for what was observed earlier than it was appended.
const RECALL: Duration = Duration::from_secs(13 * 3_600);

/// The stage between `enriched` and `aggregates`, `signals`.
///
/// `process` folds; `settle`, which the loop calls between the last record of a batch and its commit, emits the fold.
/// Between batches the fold is empty, so a session that is lost takes an unfinished one with it.
#[derive(Debug, Clone)]
pub struct Aggregate {
    fold: Fold,
    detection: Detection,
    /// `now` of the batch in hand.
    now: Timestamp,
    expired_at: Timestamp,
    tally: Tally,
    /// What the gauge of series was told, so that sessions add up.
    gauged: usize,
}

/// What is counted once the batch is committed.
#[derive(Debug, Clone, Default)]
struct Tally {
    deltas: [u64; WindowSize::ALL.len()],
    signals: Vec<String>,
    late: u64,
}

impl Aggregate {
    /// A stage without state.
    ///
    /// # Errors
    /// When the time zone is unknown.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let zone = TimeZone::get(&config.time_zone).map_err(|source| Error::Zone {
            name: config.time_zone.clone(),
            source,
        })?;
        Ok(Self {
            fold: Fold::new(zone, config.keywords_per_delta),
            detection: Detection::new(config)?,
            now: Timestamp::UNIX_EPOCH,
            expired_at: Timestamp::MIN,
            tally: Tally::default(),
            gauged: 0,
        })
    }

    /// The reporting zone.
    pub(crate) fn zone(&self) -> TimeZone {
        self.fold.zone().clone()
    }

    fn detect(&mut self, piece: &Enriched, record: &Record, now: Timestamp, out: &mut Outputs) {
        let heard = self.detection.hear(record.at.partition, piece, now);
        self.tally.late += u64::from(heard.late);
        for signal in heard.signals {
            self.tally.signals.push(rule_of(&signal.kind).to_owned());
            tracing::info!(
                brand = %signal.brand, topic = %signal.topic, signal = %signal.id, severity = ?signal.severity,
                kind = signal.kind.name(), "detection fired"
            );
            out.emit(encode(&signal, Some(record)));
        }
    }
}

#[async_trait]
impl Stage for Aggregate {
    fn restores(&self) -> Vec<Restore> {
        let mut restores = vec![Restore::State(Topic::DetectorState.shared_name())];
        if self.detection.recalls() {
            restores.push(Restore::Read(Topic::Enriched.shared_name(), RECALL));
        }
        restores
    }

    fn restore(&mut self, record: &Record) {
        if *record.at.topic == *Topic::Enriched.name() {
            // What could not be read was dead-lettered when it was new.
            if let Ok(piece) = decode::<Enriched>(record)
                && !piece.feedback.withdrawn
            {
                self.detection.recall(record.at.partition, &piece);
            }
            return;
        }
        if record.value.is_none() {
            self.detection.forget(&String::from_utf8_lossy(&record.key));
            return;
        }
        match decode::<DetectorState>(record) {
            Ok(state) => self.detection.restore(record.at.partition, state),
            // Only this project writes the topic. A record that it cannot read costs one series its memory of some
            // minutes, which is no reason to stop.
            Err(error) => tracing::error!(
                topic = %record.at.topic, partition = record.at.partition, offset = record.offset, %error,
                "detector state not restored"
            ),
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome {
        self.now = now;
        let piece = match decode::<Enriched>(record) {
            Ok(piece) => piece,
            Err(error) => return Outcome::Reject(error.to_string()),
        };
        // First what is taken back: a revision that is refused below has replaced the earlier one all the same.
        if let Some(before) = &piece.replaces {
            // One without a window was rejected when it came, and never counted.
            self.fold.add(before, Sign::TakeBack);
        }
        if piece.feedback.withdrawn {
            self.detection.unshow(&piece);
            return Outcome::Emit;
        }
        if piece.feedback.is_counted() && !self.fold.add(&piece.contribution(), Sign::Add) {
            return Outcome::Reject(format!(
                "occurred_at {} has no window; correct the source's time",
                piece.feedback.occurred_at
            ));
        }
        self.detect(&piece, record, now, out);
        Outcome::Emit
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outputs) {
        if now.duration_since(self.expired_at) < EXPIRE_EVERY {
            return;
        }
        self.expired_at = now;
        for name in self.detection.expire(now) {
            let key = DetectorState::key_of(&name.brand, &name.topic, name.drill);
            out.emit(tombstone(&name.brand, key));
            if name.topic == TOPIC_ALL && !name.drill {
                let lane = DetectorState::lane_key_of(&name.brand);
                out.emit(tombstone(&name.brand, lane));
            }
        }
    }

    fn revoke(&mut self, partitions: &[u32]) {
        self.fold.clear();
        self.detection.revoke(partitions);
        self.tally = Tally::default();
    }

    async fn settle(&mut self, _progress: &Progress, out: &mut Outputs) -> Result<(), StageError> {
        for delta in self.fold.flush(self.now) {
            if let Some(count) = WindowSize::ALL
                .iter()
                .position(|size| *size == delta.key.size)
                .and_then(|at| self.tally.deltas.get_mut(at))
            {
                *count += 1;
            }
            out.emit(encode(&delta, None));
        }
        for state in self.detection.changed(self.now) {
            out.emit(encode(&state, None));
        }
        Ok(())
    }

    fn committed(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        for (size, count) in WindowSize::ALL.iter().zip(tally.deltas) {
            if count > 0 {
                counter!(names::DELTAS, "size" => size.name()).increment(count);
            }
        }
        for rule in tally.signals {
            counter!(names::SIGNALS, "rule" => rule).increment(1);
        }
        if tally.late > 0 {
            counter!(names::LATE).increment(tally.late);
        }
        self.gauge();
    }
}

impl Aggregate {
    fn gauge(&mut self) {
        let series = self.detection.series();
        if series != self.gauged {
            gauge!(names::SERIES).increment(series as f64 - self.gauged as f64);
            self.gauged = series;
        }
    }
}

impl Drop for Aggregate {
    fn drop(&mut self) {
        if self.gauged > 0 {
            gauge!(names::SERIES).decrement(self.gauged as f64);
        }
    }
}

/// What fired, for counting.
fn rule_of(kind: &SignalKind) -> &str {
    match kind {
        SignalKind::NegativeShare { rule, .. } => rule,
        other => other.name(),
    }
}

/// Deletes a record of a brand from the log.
fn tombstone(brand: &str, key: String) -> OutRecord {
    OutRecord {
        topic: Topic::DetectorState.shared_name(),
        key: Bytes::from(key),
        partition_key: Some(Bytes::from(brand.to_owned())),
        value: None,
        headers: Vec::new(),
    }
}
