//! A stage, the log of its alerts, and invented signals and commands to feed it.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use wensheng_bus::{OutRecord, Outcome, Outputs, Progress, Record, Stage, TopicPartition};
use wensheng_respond::{Config, Respond};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{
    Action, Actor, Alert, AlertId, Channel, Command, Contract, EventId, Notification, Sample,
    SentimentLabel, Severity, Signal, SignalKind, SignalTimes, TimelineRecord, Topic, verify_chain,
};

pub(crate) const BRAND: &str = "青柚茶饮";

pub(crate) fn after(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T04:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub(crate) fn rule_hit() -> SignalKind {
    SignalKind::RuleHit {
        rule: "foreign_object".to_owned(),
        name: "食品异物".to_owned(),
        terms: vec!["虫子".to_owned(), "异物".to_owned()],
    }
}

pub(crate) fn negative_share() -> SignalKind {
    SignalKind::NegativeShare {
        rule: "negative_wave".to_owned(),
        name: "负面声量激增".to_owned(),
        window_seconds: 300,
        negative: 36,
        total: 48,
    }
}

/// A signal given `seconds` after the start, of a piece said a minute before.
pub(crate) fn signal(number: u64, topic: &str, severity: Severity, seconds: i64) -> Signal {
    let said = after(seconds - 60);
    Signal {
        id: format!("signal-{number}"),
        kind: rule_hit(),
        severity,
        brand: BRAND.to_owned(),
        topic: topic.to_owned(),
        channels: vec![Channel::Weibo],
        samples: vec![Sample {
            event: EventId::of("weibo", &number.to_string()),
            channel: Channel::Weibo,
            occurred_at: said,
            text: format!("杯子里有虫子 {number}"),
            label: SentimentLabel::Negative,
            author: None,
            url: None,
            reactions: 3,
        }],
        times: SignalTimes {
            first_post_at: said,
            occurred_at: said,
            observed_at: after(seconds - 2),
            enriched_at: after(seconds - 1),
            detected_at: after(seconds),
        },
        drill: false,
    }
}

pub(crate) fn command(id: &str, alert: &AlertId, action: Action, seconds: i64) -> Command {
    Command {
        id: id.to_owned(),
        alert: alert.clone(),
        brand: BRAND.to_owned(),
        action,
        actor: Actor("林值班".to_owned()),
        note: String::new(),
        at: after(seconds),
    }
}

/// What a batch or tick wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) lines: Vec<TimelineRecord>,
}

impl Written {
    /// What people were told, as `kind` or `kind detail`.
    pub(crate) fn told(&self) -> Vec<String> {
        self.notifications.iter().map(|n| told(&n.kind)).collect()
    }
}

pub(crate) fn told(kind: &wensheng_schemas::NotificationKind) -> String {
    use wensheng_schemas::NotificationKind::{Breach, Nudge};
    match kind {
        Nudge {
            deadline,
            percent,
            also,
        } => format!("nudge {}{} {percent}", deadline.name(), others(also)),
        Breach { deadline, also } => format!("breach {}{}", deadline.name(), others(also)),
        other => other.name().to_owned(),
    }
}

fn others(also: &[wensheng_schemas::DeadlineKind]) -> String {
    also.iter()
        .map(|kind| format!("+{}", kind.name()))
        .collect()
}

/// A stage and the log of its alerts.
pub(crate) struct World {
    config: Config,
    pub(crate) stage: Respond,
    pub(crate) log: BTreeMap<Bytes, OutRecord>,
    /// Every line of every chain, in order.
    pub(crate) lines: BTreeMap<AlertId, Vec<TimelineRecord>>,
    batch: Vec<(Outcome, Outputs)>,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            stage: Respond::new(&config),
            config,
            log: BTreeMap::new(),
            lines: BTreeMap::new(),
            batch: Vec::new(),
        }
    }

    /// One record of a batch that is still open.
    pub(crate) fn process<T: Contract>(&mut self, value: &T, now: Timestamp) -> Outcome {
        let mut out = Outputs::default();
        let outcome = self
            .stage
            .process(&read(encode(value, None), 0), now, &mut out);
        self.batch.push((outcome.clone(), out));
        outcome
    }

    /// Settles and commits the open batch.
    pub(crate) async fn commit(&mut self) -> Written {
        let mut out = Outputs::default();
        for (_, part) in self.batch.drain(..) {
            part.into_records().into_iter().for_each(|r| out.emit(r));
        }
        self.stage.settle(&Progress::new(), &mut out).await.unwrap();
        self.stage.committed();
        self.written(out)
    }

    /// A batch of one.
    pub(crate) async fn take<T: Contract>(&mut self, value: &T, now: Timestamp) -> Written {
        self.process(value, now);
        self.commit().await
    }

    pub(crate) fn tick(&mut self, now: Timestamp) -> Written {
        let mut out = Outputs::default();
        self.stage.tick(now, &mut out);
        self.stage.committed();
        self.written(out)
    }

    /// The process ends and starts again: only the log remains.
    pub(crate) fn restart(&mut self) {
        self.stage = Respond::new(&self.config);
        self.batch.clear();
        for record in self.log.values() {
            self.stage.restore(&read(record.clone(), 0));
        }
    }

    /// Proves every line of every chain against the alerts as the log has them.
    pub(crate) fn prove(&self) {
        for alert in self.alerts() {
            let lines = self.lines.get(&alert.id).map_or(&[][..], Vec::as_slice);
            assert_eq!(
                verify_chain(&alert.id, &alert.chain, lines),
                Ok(lines.len() as u64)
            );
        }
    }

    /// The alerts as the log has them.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.log.values().cloned().map(value).collect()
    }

    fn written(&mut self, out: Outputs) -> Written {
        let mut written = Written::default();
        for record in out.into_records() {
            let topic = record.topic.to_string();
            if topic == Topic::Alerts.name() {
                self.log.insert(record.key.clone(), record.clone());
                written.alerts.push(value(record));
            } else if topic == Topic::Timeline.name() {
                let line: TimelineRecord = value(record);
                let chain = self.lines.entry(line.alert.clone()).or_default();
                chain.push(line.clone());
                written.lines.push(line);
            } else {
                assert_eq!(topic, Topic::Notifications.name());
                written.notifications.push(value(record));
            }
        }
        written
    }
}

fn value<T: Contract>(record: OutRecord) -> T {
    decode(&read(record, 0)).unwrap()
}

fn read(record: OutRecord, offset: u64) -> Record {
    Record {
        at: TopicPartition::new(record.topic, 3),
        offset,
        appended_at: after(0),
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}
