//! A change of an alert, what people are told of it, and the progress that led to it are committed together.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use wensheng_bus::{Outcome, Outputs, Progress, Record, Restore, Stage, StageError};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{Alert, AlertId, Command, Contract, Delivery, Severity, Signal, Topic};

use crate::desk::{Counted, Desk, Verdict};
use crate::metrics as names;
use crate::policy::Config;

const SEVERITIES: [Severity; 3] = [Severity::Watch, Severity::Alert, Severity::Crisis];

/// The stage between `signals`, `commands`, `deliveries` and `alerts`, `timeline`, `notifications`.
///
/// A batch changes alerts in memory; `settle`, which the loop calls before the commit, emits one record per alert that
/// changed, so that a flood of signals costs one record per batch. Between batches nothing is unsaid.
pub struct Respond {
    desk: Desk,
    /// `now` of the batch in hand.
    now: Timestamp,
    /// The first record of the batch that changed an alert: its trace goes on in what is emitted.
    causes: HashMap<AlertId, Record>,
    /// What the gauges were told, so that sessions add up.
    gauged: [usize; 3],
}

impl Respond {
    /// A stage without alerts.
    pub fn new(config: &Config) -> Self {
        Self {
            desk: Desk::new(config),
            now: Timestamp::UNIX_EPOCH,
            causes: HashMap::new(),
            gauged: [0; 3],
        }
    }

    fn flush(&mut self, now: Timestamp, out: &mut Outputs) {
        let causes = std::mem::take(&mut self.causes);
        let flushed = self.desk.flush(now);
        for alert in &flushed.alerts {
            out.emit(encode(alert, causes.get(&alert.id)));
        }
        for line in &flushed.lines {
            out.emit(encode(line, causes.get(&line.alert)));
        }
        for notification in &flushed.notifications {
            out.emit(encode(notification, causes.get(&notification.alert.id)));
        }
    }

    fn outcome(&mut self, verdict: Verdict, record: &Record) -> Outcome {
        match verdict {
            Verdict::Raised(id) | Verdict::Changed(id) => {
                self.causes.entry(id).or_insert_with(|| record.clone());
                Outcome::Emit
            }
            Verdict::Dropped(reason) => Outcome::Drop(reason),
            Verdict::Unknown => Outcome::Reject(
                "the command is for an alert that does not exist or was resolved long ago"
                    .to_owned(),
            ),
        }
    }

    fn gauge(&mut self) {
        let open = self.desk.open_by_severity();
        for ((severity, now), before) in SEVERITIES.iter().zip(open).zip(&mut self.gauged) {
            if now != *before {
                gauge!(names::OPEN, "severity" => severity.name())
                    .increment(now as f64 - *before as f64);
                *before = now;
            }
        }
    }
}

fn read<T: Contract>(record: &Record) -> Result<T, Outcome> {
    decode(record).map_err(|error| Outcome::Reject(error.to_string()))
}

#[async_trait]
impl Stage for Respond {
    fn restores(&self) -> Vec<Restore> {
        vec![Restore::State(Topic::Alerts.shared_name())]
    }

    fn restore(&mut self, record: &Record) {
        if record.value.is_none() {
            let id = String::from_utf8_lossy(&record.key).into_owned();
            self.desk.forget(&AlertId::from(id));
            return;
        }
        match decode::<Alert>(record) {
            Ok(alert) => self.desk.restore(record.at.partition, alert),
            // Only this project writes the topic. To stop here would stop every clock for the sake of one.
            Err(error) => tracing::error!(
                topic = %record.at.topic, partition = record.at.partition, offset = record.offset, %error,
                "alert not restored"
            ),
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, _out: &mut Outputs) -> Outcome {
        self.now = now;
        let partition = record.at.partition;
        let topic = &*record.at.topic;
        let verdict = match topic {
            _ if topic == Topic::Commands.name() => {
                read::<Command>(record).map(|command| self.desk.command(&command, now))
            }
            _ if topic == Topic::Deliveries.name() => {
                read::<Delivery>(record).map(|delivery| self.desk.delivery(&delivery))
            }
            _ => read::<Signal>(record).map(|signal| self.desk.signal(partition, &signal, now)),
        };
        match verdict {
            Ok(verdict) => self.outcome(verdict, record),
            Err(refused) => refused,
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outputs) {
        self.desk.tick(now);
        self.flush(now, out);
    }

    fn revoke(&mut self, partitions: &[u32]) {
        self.desk.revoke(partitions);
        self.causes.clear();
        self.gauge();
    }

    async fn settle(&mut self, _progress: &Progress, out: &mut Outputs) -> Result<(), StageError> {
        self.flush(self.now, out);
        Ok(())
    }

    fn committed(&mut self) {
        for counted in self.desk.take_counted() {
            match counted {
                Counted::Raised(severity, waited) => {
                    counter!(names::RAISED, "severity" => severity.name()).increment(1);
                    histogram!(names::OBSERVED_TO_RAISED).record(waited.as_secs_f64().max(0.0));
                }
                Counted::Reopened(severity) => {
                    counter!(names::REOPENED, "severity" => severity.name()).increment(1);
                }
                Counted::Ended(severity, outcome) => {
                    counter!(names::ENDED, "severity" => severity.name(), "outcome" => outcome)
                        .increment(1);
                }
                Counted::Folded => counter!(names::FOLDED).increment(1),
                Counted::Nudged(kind) => {
                    counter!(names::NUDGES, "deadline" => kind.name()).increment(1);
                }
                Counted::Breached(kind) => {
                    counter!(names::BREACHES, "deadline" => kind.name()).increment(1);
                }
                Counted::Refused(action) => {
                    counter!(names::REFUSED, "action" => action).increment(1);
                }
            }
        }
        self.gauge();
    }
}

impl Drop for Respond {
    fn drop(&mut self) {
        for (severity, gauged) in SEVERITIES.iter().zip(self.gauged) {
            if gauged > 0 {
                gauge!(names::OPEN, "severity" => severity.name()).decrement(gauged as f64);
            }
        }
    }
}
