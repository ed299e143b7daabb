//! `wensheng erase`: one person is removed from everything that can be changed, what cannot be changed yet is told, and that
//! it was done is written down.
//!
//! Nothing else may use the bus meanwhile: stages hold in memory what they read. In this order, which lets a repeat after a
//! crash complete the work:
//! 1. To the bus go a withdrawal of each piece, as if its source had taken it back (windows take back what they counted); the
//!    deletion of what is known of the person's calls that may still change; and the alerts that showed the person or carry
//!    words about them, without these, each with a line of its timeline that says so.
//! 2. All other records of the log are rewritten where they lie (embedded engine). Kafka's log cannot be: records of topics
//!    that keep the latest of each key are superseded, and what lies in the others is told with the time it stays.
//! 3. The store is emptied of the person, in one transaction with the line of the audit trail.

mod log;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use wensheng_bus::{Bus, OutRecord, TopicPartition};
use wensheng_connect::{forget, pseudonym};
use wensheng_runtime::encode;
use wensheng_schemas::{
    Actor, AlertId, Erasure, EventId, FeedbackEvent, LineId, TimelineRecord, Topic,
};
use wensheng_store::{AuditEntry, Store};

use self::log::{Left, Log};
use crate::cli::{EraseArgs, Output};
use crate::{config, service};

/// The publisher's id on the bus.
const PUBLISHER: &str = "erase";

/// Records appended together.
const TOGETHER: usize = 1_000;

/// The groups of those that hold in memory what they read.
const HOLD: [&str; 6] = [
    "connect",
    "wensheng-enrich",
    COUNTS,
    "wensheng-respond",
    "wensheng-notify",
    "wensheng-publish",
];

/// After this long the brokers have missed a process that was stopped.
const MISSED: Duration = Duration::from_secs(40);

/// The group of the stage that counts from `enriched`.
const COUNTS: &str = "wensheng-aggregate";

/// A line of a timeline, shown so that a person can judge it.
#[derive(Debug, Serialize)]
struct Line {
    alert: AlertId,
    number: u64,
    at: Timestamp,
    actor: Actor,
    words: String,
}

/// What was removed, or would be.
#[derive(Debug, Serialize)]
struct Report {
    subject: String,
    dry_run: bool,
    feedback: u64,
    /// Cursors of calls that may still change.
    calls: u64,
    /// Alerts that showed the person or carry words about them.
    alerts: u64,
    /// Lines of timelines whose words go.
    lines: Vec<Line>,
    /// Lines of alerts that showed the person, which no identifier was found in.
    to_read: Vec<Line>,
    /// Dead letters of the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letters: Option<u64>,
    /// Records of the log, by topic.
    records: BTreeMap<&'static str, u64>,
    /// What stays in the log, and until when.
    left: Vec<Left>,
    /// Copies of the files of before an upgrade, which are not searched.
    copies: Vec<String>,
    at: Timestamp,
}

/// Runs the command.
pub(crate) async fn run(args: EraseArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = &args.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    let subject = match (&args.subject, &args.source, &args.author) {
        (Some(subject), None, None) => subject.clone(),
        (None, Some(source), Some(author)) => {
            pseudonym(&config.connect.pseudonym_key, source, author).context(
                "connect.pseudonym_key is not set, so that the author's key cannot be found; use the configuration under \
                 which the feedback was taken in, or give the key itself as --subject",
            )?
        }
        _ => bail!("give either --subject KEY, or --source NAME and --author ID"),
    };
    let chosen = args
        .line
        .iter()
        .map(|line| line_id(line))
        .collect::<Result<BTreeSet<LineId>>>()?;
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let bus = service::open_bus(&config).context(
        "open the bus; the embedded bus belongs to one process, so stop the service first",
    )?;
    if !args.dry_run {
        refuse_company(bus.as_ref()).await?;
    }
    let topics = config.topics.specs();
    bus.create_topics(&topics).await?;
    let log = Log {
        bus: bus.as_ref(),
        topics: &topics,
    };
    let now = Timestamp::now();

    let said = log.said(&subject).await?;
    let mut pieces = said.pieces;
    for stored in store.feedback_of(&subject).await? {
        let stored = stored.feedback;
        let known = pieces.entry(stored.id.clone());
        let known = known.or_insert_with(|| stored.clone());
        if stored.revision > known.revision {
            *known = stored;
        }
    }
    let events: BTreeSet<EventId> = pieces.keys().cloned().chain(said.events).collect();
    let identifiers = args.identifier.iter().chain(&args.author);
    let mut erasure = Erasure::new(&subject, events, identifiers.cloned().collect(), chosen)
        .context("look for so many pieces and identifiers at once")?;
    let shown = log.shown(&erasure).await?;
    erasure
        .take_up(&shown.lines)
        .context("look for so many lines at once")?;
    let alerts = log.alerts(&erasure, &args.by, now).await?;
    let calls = forget(bus.as_ref(), &subject).await?;
    let passed = passed(bus.as_ref()).await?;
    let changes = log.changes(&erasure, &passed).await?;

    let mut report = Report {
        subject: subject.clone(),
        dry_run: args.dry_run,
        feedback: pieces.len() as u64,
        calls: calls.len() as u64,
        alerts: alerts.len() as u64,
        lines: shown.lines.iter().map(line).collect(),
        to_read: shown.to_read.iter().map(line).collect(),
        dead_letters: None,
        records: changes.counts,
        left: changes.counted_words.into_iter().collect(),
        copies: copies(&config.data_dir),
        at: now,
    };
    if !args.dry_run {
        let mut records: Vec<OutRecord> = pieces
            .into_values()
            .filter(|piece| !piece.withdrawn)
            .map(|piece| withdrawal(piece, now))
            .collect();
        records.extend(calls);
        for (alert, line) in &alerts {
            records.extend([encode(alert, None), encode(line, None)]);
        }
        publish(bus.as_ref(), records).await?;
        if !bus.rewrite(changes.values).await? {
            publish(bus.as_ref(), changes.instead).await?;
            report.left.extend(changes.left);
        }
        let entry = AuditEntry {
            at: now,
            actor: args.by,
            action: "subject.erase".to_owned(),
            object: subject,
            detail: args.reason,
        };
        let erased = store.erase(&erasure, &alerts, &entry).await?;
        report.feedback = report.feedback.max(erased.feedback);
        report.dead_letters = Some(erased.dead_letters);
    }
    store.close().await;
    tell(&report, args.output)
}

/// Refuses to go on while stages run: what they hold in memory they would write again. A named process (`bus.kafka.instance`)
/// that was stopped is missed after 30 s, so that much is waited.
async fn refuse_company(bus: &dyn Bus) -> Result<()> {
    let since = Instant::now();
    for group in HOLD {
        loop {
            let members = bus.members(group).await?;
            if members == 0 {
                break;
            }
            if since.elapsed() > MISSED {
                bail!(
                    "{members} session(s) of the group {group} run: stop all processes of the service first"
                );
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    Ok(())
}

/// `ALERT/NUMBER`.
fn line_id(text: &str) -> Result<LineId> {
    let parts = text.rsplit_once('/');
    let parsed = parts.and_then(|(alert, number)| Some((alert, number.parse().ok()?)));
    let (alert, number) = parsed.with_context(|| {
        format!("--line {text}: give ALERT/NUMBER, as a dry run lists them under to_read")
    })?;
    Ok((AlertId::from(alert.to_owned()), number))
}

fn line(record: &TimelineRecord) -> Line {
    let words = record.clone().erase().unwrap_or_default();
    let [_, note, reason] = words;
    Line {
        alert: record.alert.clone(),
        number: record.number,
        at: record.entry.at,
        actor: record.entry.actor.clone(),
        words: [note, reason].join(" ").trim().to_owned(),
    }
}

/// The revision by which a piece is taken back.
fn withdrawal(mut piece: FeedbackEvent, now: Timestamp) -> OutRecord {
    piece.revision = piece.revision.saturating_add(1);
    piece.observed_at = now;
    piece.withdraw();
    encode(&piece, None)
}

/// How far what was enriched has been counted.
async fn passed(bus: &dyn Bus) -> Result<BTreeMap<TopicPartition, u64>> {
    let lags = bus.lag(COUNTS, &[Topic::Enriched.shared_name()]).await?;
    Ok(lags
        .into_iter()
        .map(|lag| (lag.at, lag.committed))
        .collect())
}

async fn publish(bus: &dyn Bus, records: Vec<OutRecord>) -> Result<()> {
    let mut publisher = bus.publisher(PUBLISHER).await?;
    for records in records.chunks(TOGETHER) {
        publisher.publish(records.to_vec()).await?;
    }
    Ok(())
}

/// Copies that the bus and the store made of their files before they changed their layout.
fn copies(data_dir: &Path) -> Vec<String> {
    let mut copies: Vec<String> = std::fs::read_dir(data_dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .filter(|path| path.contains(".before-v"))
        .collect();
    copies.sort();
    copies
}

fn tell(report: &Report, output: Output) -> Result<()> {
    let mut out = std::io::stdout();
    if output == Output::Json {
        serde_json::to_writer(&mut out, report).context("write the report")?;
        return writeln!(out).context("write the report");
    }
    write_text(report, &mut out).context("write the report")
}

fn write_text(report: &Report, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let records: u64 = report.records.values().sum();
    writeln!(
        out,
        "{}: {} piece(s) of feedback, {} call(s) in hand, {} alert(s), {} line(s) of timelines, {} dead letter(s) of the store, {records} \
         record(s) of the log{}",
        report.subject,
        report.feedback,
        report.calls,
        report.alerts,
        report.lines.len(),
        report
            .dead_letters
            .map_or_else(|| "?".to_owned(), |count| count.to_string()),
        match report.dry_run {
            true => " hold something; nothing was removed",
            false => " cleared",
        }
    )?;
    for line in &report.lines {
        writeln!(
            out,
            "line\t{}/{}\t{}\t{}\t{}",
            line.alert, line.number, line.at, line.actor.0, line.words
        )?;
    }
    for line in &report.to_read {
        writeln!(
            out,
            "to read\t{}/{}\t{}\t{}\t{}",
            line.alert, line.number, line.at, line.actor.0, line.words
        )?;
    }
    for left in &report.left {
        let until = left.until.map_or_else(
            || "the broker compacts it".to_owned(),
            |until| until.to_string(),
        );
        writeln!(
            out,
            "left\t{}\t{} × {}\tuntil {until}",
            left.topic, left.records, left.what
        )?;
    }
    for copy in &report.copies {
        writeln!(out, "not searched\t{copy}")?;
    }
    Ok(())
}
