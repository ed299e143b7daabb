//! `wensheng erase`: one person is removed from everything that can be changed, what cannot be changed yet is told, and that
//! it was done is written down.
//!
//! What is known of the person's calls that may still change is deleted from the bus. A withdrawal of each piece goes to it, as if its source had taken it back: every store that reads this bus
//! empties the row, a store that is built anew does so too, and windows take back what is still known of it. Then the rows
//! of the store at hand are emptied, in one transaction with the line of the audit trail. The order makes a repeat after a
//! crash complete the work. What stays in the log until it forgets it (`topics.keep_days`, 7 days as shipped): the piece as
//! it was in `feedback`, `enriched` and `contributions`; in `alerts`, the pieces shown with an alert until it next changes.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use wensheng_connect::{forget, pseudonym};
use wensheng_runtime::encode;
use wensheng_schemas::Enriched;
use wensheng_store::{AuditEntry, Store};

use crate::cli::{EraseArgs, Output};
use crate::{config, service};

/// The publisher's id on the bus.
const PUBLISHER: &str = "erase";

/// Withdrawals appended together.
const TOGETHER: usize = 1_000;

/// What was removed, or would be.
#[derive(Debug, Serialize)]
struct Report {
    subject: String,
    dry_run: bool,
    feedback: u64,
    /// Cursors of calls that may still change; absent in a dry run, which looks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<u64>,
    alerts: u64,
    dead_letters: u64,
    at: Timestamp,
}

/// Runs the command.
pub(crate) async fn run(args: EraseArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
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
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let pieces = store.feedback_of(&subject).await?;
    let now = Timestamp::now();
    let mut report = Report {
        subject: subject.clone(),
        dry_run: args.dry_run,
        feedback: pieces.len() as u64,
        calls: None,
        alerts: 0,
        dead_letters: 0,
        at: now,
    };
    if !args.dry_run {
        report.calls = Some(withdraw(&config, &subject, &pieces, now).await?);
        let entry = AuditEntry {
            at: now,
            actor: args.by,
            action: "subject.erase".to_owned(),
            object: subject.clone(),
            detail: args.reason,
        };
        let erased = store
            .erase(&subject, args.author.as_deref(), &entry)
            .await?;
        report.feedback = erased.feedback;
        report.alerts = erased.alerts;
        report.dead_letters = erased.dead_letters;
    }
    store.close().await;
    let mut out = std::io::stdout();
    match args.output {
        Output::Json => {
            serde_json::to_writer(&mut out, &report).context("write the report")?;
            writeln!(out).context("write the report")?;
        }
        Output::Text if report.dry_run => writeln!(
            out,
            "{}: {} piece(s) of feedback found; nothing was removed (calls in hand, alerts and dead letters are looked for only then)",
            report.subject, report.feedback,
        )
        .context("write the report")?,
        Output::Text => writeln!(
            out,
            "{}: {} piece(s) of feedback, {} call(s) in hand, {} alert(s), {} dead letter(s) cleared of it; the log forgets what \
             it holds of them as its topics do",
            report.subject,
            report.feedback,
            report.calls.unwrap_or(0),
            report.alerts,
            report.dead_letters,
        )
        .context("write the report")?,
    }
    Ok(())
}

/// Sends a withdrawal of each piece to the bus, and deletions of the person's calls that may still change: how many.
async fn withdraw(
    config: &config::Config,
    subject: &str,
    pieces: &[Enriched],
    now: Timestamp,
) -> Result<u64> {
    let bus = service::open_bus(config).context(
        "open the bus; the embedded bus belongs to one process, so stop the service first",
    )?;
    bus.create_topics(&config.topics.specs()).await?;
    let mut publisher = bus.publisher(PUBLISHER).await?;
    for pieces in pieces.chunks(TOGETHER) {
        let withdrawals = pieces
            .iter()
            .map(|piece| {
                let mut feedback = piece.feedback.clone();
                feedback.revision = feedback.revision.saturating_add(1);
                feedback.observed_at = now;
                feedback.withdraw();
                encode(&feedback, None)
            })
            .collect();
        publisher.publish(withdrawals).await?;
    }
    let calls = forget(bus.as_ref(), subject).await?;
    let count = calls.len() as u64;
    if count > 0 {
        publisher.publish(calls).await?;
    }
    Ok(count)
}
