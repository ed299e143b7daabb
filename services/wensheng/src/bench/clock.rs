//! The response clock under load: what 10,000 open alerts cost in memory, and how late what falls due is on the bus.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use wensheng_bus::{Outputs, Progress, Record, Stage as _, TopicPartition};
use wensheng_respond::Respond;
use wensheng_runtime::{Handle, decode, encode};
use wensheng_schemas::{
    Channel, DeadlineKind, EventId, Notification, NotificationKind, Sample, SentimentLabel,
    Severity, Signal, SignalKind, SignalTimes, Topic, derived_id,
};

use crate::cli::Role;
use crate::idle;
use crate::service::Service;

use super::Engine;
use super::report::Report;

/// Alerts open at once, each with its clock.
const ALERTS: u64 = 10_000;
/// They are raised over ten seconds, so that a thousand things fall due in each second later.
const PER_STEP: u64 = 20;
const STEP: Duration = Duration::from_millis(20);
/// Short times, so that all of the clock runs within the measurement: a reminder and a breach of two deadlines each.
const ACKNOWLEDGE_SECONDS: u32 = 16;
const RESPOND_SECONDS: u32 = 28;
const FIRINGS: usize = 4 * ALERTS as usize;

/// Measures.
pub(crate) async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    if matches!(engine, Engine::Embedded) {
        let megabytes = memory().await?;
        report.add("10,000 open alerts with clocks, memory", megabytes, "MB");
    }
    let mut late = lateness(engine).await?;
    if late.len() != FIRINGS {
        bail!(
            "{FIRINGS} reminders and breaches were due, {} came",
            late.len()
        );
    }
    late.sort_by(f64::total_cmp);
    for (name, percent) in [("p50", 50), ("p99", 99), ("latest", 100)] {
        let place = (late.len() * percent).div_ceil(100).saturating_sub(1);
        let value = late.get(place).copied().unwrap_or_default();
        report.add(
            format!("due to on the bus {}, {name}, 10,000 alerts", engine.name()),
            value * 1000.0,
            "ms",
        );
    }
    Ok(())
}

/// Megabytes that the process grew by for the alerts in the hands of a stage, with all that it keeps beside their records.
async fn memory() -> Result<f64> {
    let mut stage = Respond::new(&wensheng_respond::Config::default());
    // What every process pays once is not counted.
    take(&mut stage, 0..100).await?;
    let before = resident()?;
    take(&mut stage, 100..100 + ALERTS).await?;
    Ok((resident()? - before) / 1e6)
}

async fn take(stage: &mut Respond, numbers: std::ops::Range<u64>) -> Result<()> {
    let now = Timestamp::now();
    for number in numbers {
        let out = encode(&signal(number, now), None);
        let record = Record {
            at: TopicPartition::new(out.topic, 0),
            offset: number,
            appended_at: now,
            key: out.key,
            value: out.value,
            headers: out.headers,
        };
        let mut outputs = Outputs::default();
        stage.process(&record, now, &mut outputs);
        stage
            .settle(&Progress::new(), &mut outputs)
            .await
            .map_err(|error| anyhow::anyhow!(error.message))?;
        stage.committed();
    }
    Ok(())
}

/// Bytes of memory that the process has in hand (Linux: `man 5 proc_pid_status`).
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("read the memory in use; this measurement needs Linux")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<f64>().ok())
        .map(|kilobytes| kilobytes * 1024.0)
        .context("read VmRSS of /proc/self/status")
}

/// Seconds from the instant that each reminder and breach was due at until it stood on the bus.
async fn lateness(engine: &Engine) -> Result<Vec<f64>> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let mut config = engine.config(folder.path());
    config.respond = serde_json::from_value(json!({ "policies": { "alert": {
        "acknowledge_seconds": ACKNOWLEDGE_SECONDS, "respond_seconds": RESPOND_SECONDS,
        "nudge_percents": [50],
    } } }))
    .context("configure the benchmark's clock")?;
    let service = Service::start(&config, &[Role::Respond], Handle::default()).await?;
    let mut publisher = service.bus.publisher("bench").await?;
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0;
    while number < ALERTS {
        ticks.tick().await;
        let now = Timestamp::now();
        let records = (number..number + PER_STEP)
            .map(|number| encode(&signal(number, now), None))
            .collect();
        publisher.publish(records).await?;
        number += PER_STEP;
    }
    idle::reached(&service).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(RESPOND_SECONDS) + 3)).await;
    let mut late = Vec::with_capacity(FIRINGS);
    for partition in 0..config.topics.partitions {
        let at = TopicPartition::new(Topic::Notifications.shared_name(), partition);
        service
            .bus
            .replay(&at, 0..u64::MAX, &mut |record| {
                if let Ok(told) = decode::<Notification>(&record)
                    && let Some(due) = due_at(&told)
                {
                    late.push(record.appended_at.duration_since(due).as_secs_f64());
                }
            })
            .await?;
    }
    service.stop(Duration::from_secs(60)).await?;
    Ok(late)
}

/// The instant at which a reminder or breach was due.
fn due_at(told: &Notification) -> Option<Timestamp> {
    let deadline = |kind: DeadlineKind| told.alert.clock.as_ref()?.deadline(kind);
    match &told.kind {
        NotificationKind::Breach { deadline: kind, .. } => deadline(*kind).map(|d| d.due_at),
        NotificationKind::Nudge {
            deadline: kind,
            percent,
            ..
        } => {
            let reminders = &deadline(*kind)?.reminders;
            let given = reminders.iter().find(|r| r.percent == *percent)?;
            Some(given.at)
        }
        _ => None,
    }
}

/// A signal that raises an alert of its own, as long as those of a crisis are.
fn signal(number: u64, now: Timestamp) -> Signal {
    let sample = |n: u64| Sample {
        event: EventId::of("bench", &format!("{number}-{n}")),
        channel: Channel::Weibo,
        occurred_at: now,
        text: "刚买的奶茶里喝出虫子，找门店理论，店员态度恶劣，说不是他们的问题，要去投诉"
            .to_owned(),
        label: SentimentLabel::Negative,
        author: None,
        url: None,
        reactions: 12,
    };
    Signal {
        id: derived_id(&["bench", &number.to_string()]),
        kind: SignalKind::RuleHit {
            rule: "foreign_object".to_owned(),
            name: "食品异物".to_owned(),
            terms: vec!["虫子".to_owned()],
        },
        severity: Severity::Alert,
        brand: format!("品牌{}", number % 500),
        topic: format!("topic_{}", number / 500),
        channels: vec![Channel::Weibo],
        samples: vec![sample(0), sample(1), sample(2)],
        times: SignalTimes {
            first_post_at: now,
            occurred_at: now,
            observed_at: now,
            enriched_at: now,
            detected_at: now,
        },
        drill: false,
    }
}
