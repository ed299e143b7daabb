//! `wensheng replay`: every dead letter is given its second chance once.
//!
//! A record of a topic goes back to that topic; its return and the progress of the replay are one commit, so a replay that
//! is cut off sends nothing twice. What cannot be sent back is written out, for a person to look at: a row that never
//! reached the bus, and a record of a topic that keeps the latest of each key, as it would take the place of what came
//! after it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use wensheng_bus::{OutRecord, Progress, SessionEvent, SessionSpec};
use wensheng_runtime::decode;
use wensheng_schemas::{DeadLetter, Keep, Origin, Topic};

use crate::cli::ReplayArgs;
use crate::{config, service};

const GROUP: &str = "wensheng-replay";

/// What a replay did.
#[derive(Debug, Default)]
struct Tally {
    sent_back: u64,
    written_out: u64,
    unreadable: u64,
}

/// Runs the command.
pub(crate) async fn run(args: ReplayArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let bus = service::open_bus(&config)?;
    let topic = Topic::DeadLetters.shared_name();
    let mut session = bus
        .session(SessionSpec {
            group: GROUP.to_owned(),
            topics: vec![topic.clone()],
            max_records: 1_000,
            max_bytes: 8 << 20,
            max_wait: Duration::from_millis(50),
        })
        .await?;
    let mut tally = Tally::default();
    let topics = [topic];
    while bus
        .lag(GROUP, &topics)
        .await?
        .iter()
        .any(|partition| partition.lag > 0)
    {
        // Time out, because what is left may be transaction markers, which are no records.
        let Ok(event) = tokio::time::timeout(Duration::from_secs(10), session.next()).await else {
            break;
        };
        let SessionEvent::Records(batch) = event? else {
            continue;
        };
        let mut outputs = Vec::new();
        let mut rows = Vec::new();
        for record in &batch.records {
            match decode::<DeadLetter>(record) {
                // Of one that was erased there is nothing to send back or to look at.
                Ok(letter) if letter.payload.is_none() && letter.payload_base64.is_none() => {}
                Ok(letter) => match send_back(&letter) {
                    Some(output) => outputs.push(output),
                    None => rows.push(letter),
                },
                Err(error) => {
                    tally.unreadable += 1;
                    eprintln!("dead letter at offset {}: {error}", record.offset);
                }
            }
        }
        // Written first: a row written twice is a nuisance, a row that is nowhere is lost.
        write_out(args.rows.as_deref(), &rows)?;
        tally.written_out += rows.len() as u64;
        tally.sent_back += outputs.len() as u64;
        let progress: Progress = batch.progress();
        session.commit(&progress, outputs).await?;
    }
    session.close().await?;
    eprintln!(
        "{} record(s) sent back to their topics, {} written out, {} unreadable",
        tally.sent_back, tally.written_out, tally.unreadable
    );
    Ok(())
}

/// The record as it was, for the topic it came from; `None` when it came from a source, or cannot go back to its topic.
fn send_back(letter: &DeadLetter) -> Option<OutRecord> {
    let Origin::Topic { topic, .. } = &letter.origin else {
        return None;
    };
    let topic = Topic::ALL
        .into_iter()
        .find(|known| known.name() == topic)
        .filter(|topic| topic.keep() != Keep::Latest)?;
    let value = match (&letter.payload, &letter.payload_base64) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(encoded)) => BASE64.decode(encoded).ok()?,
        (None, None) => return None,
    };
    Some(OutRecord {
        topic: topic.shared_name(),
        key: letter.key.clone().into_bytes().into(),
        partition_key: None,
        value: Some(value.into()),
        headers: Vec::new(),
    })
}

fn write_out(path: Option<&Path>, rows: &[DeadLetter]) -> Result<()> {
    let mut out: Box<dyn Write> = match path {
        Some(path) => Box::new(
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .with_context(|| format!("open {} to write rows to", path.display()))?,
        ),
        None => Box::new(std::io::stdout()),
    };
    for row in rows {
        serde_json::to_writer(&mut out, row).context("write a row")?;
        out.write_all(b"\n").context("write a row")?;
    }
    out.flush().context("write rows")
}
