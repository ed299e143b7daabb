//! Posts per second from a file to the store: read, committed to the bus, analysed, counted, written.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use wensheng_runtime::Handle;

use crate::cli::Role;
use crate::idle;
use crate::service::Service;

use super::Engine;
use super::report::Report;

/// Every stage that a post passes; the console only reads.
const ROLES: [Role; 6] = [
    Role::Connect,
    Role::Enrich,
    Role::Aggregate,
    Role::Respond,
    Role::Notify,
    Role::Publish,
];
/// Events are spread over this many minutes, so that windows are as many as in a day's catching up.
const MINUTES: usize = 600;

/// Measures.
pub(crate) async fn measure(
    engine: &Engine,
    texts: &[String],
    count: usize,
    report: &mut Report,
) -> Result<()> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let input = folder.path().join("posts.ndjson");
    write_posts(&input, texts, count)?;
    let mut config = engine.config(&folder.path().join("data"));
    std::fs::create_dir_all(&config.data_dir).context("make a directory for the benchmark")?;
    config.connect.sources = vec![
        serde_json::from_value(json!({
            "kind": "files", "name": "bench", "path": input, "channel": "weibo",
            "columns": { "text": "text", "id": "id", "brand": "brand", "author": "author", "occurred_at": "at" },
        }))
        .context("configure the benchmark's source")?,
    ];
    let handle = Handle::default();
    let started = Instant::now();
    let service = Service::start(&config, &ROLES, handle).await?;
    idle::reached(&service).await?;
    let seconds = started.elapsed().as_secs_f64();
    let stored = match &service.store {
        Some(store) => store.feedback_count().await?,
        None => 0,
    };
    service.stop(Duration::from_secs(60)).await?;
    if stored != count as u64 {
        bail!("{count} posts went in, {stored} are in the store");
    }
    report.add(
        format!("pipeline {}", engine.name()),
        count as f64 / seconds,
        "posts/s",
    );
    Ok(())
}

fn write_posts(path: &std::path::Path, texts: &[String], count: usize) -> Result<()> {
    let failed = || format!("write {}", path.display());
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).with_context(failed)?);
    let begin = 1_767_225_600_i64;
    for (number, text) in texts.iter().cycle().take(count).enumerate() {
        let line = json!({
            "id": number, "text": text, "brand": format!("品牌{}", number % 5), "author": format!("a{}", number % 9973),
            "at": begin + (number % MINUTES) as i64 * 60,
        });
        writeln!(out, "{line}").with_context(failed)?;
    }
    out.flush().with_context(failed)
}
